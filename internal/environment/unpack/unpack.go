// Package unpack lays the members of tar archives out as files in a folder:
// root filesystems, the layers of images, the source of tools. What it writes
// is written through an os.Root, into a folder that nobody else has yet, and
// never below a symbolic link; so nothing in an archive can be written outside.
//
// Of each member only path, kind, content, link, time and permissions count.
// Owners, extended attributes, access lists, and the bits that would give a
// program another user's rights are left out; files are the caller's, and the
// caller can read them. Links may lead anywhere: they are followed inside the
// environment, where the folder is the root, and must not be followed outside.
//
// The archives are named by their digest, so that they need not be of one
// canonical form, as releases must: archive/tar reads them. A member that does
// not fit into a folder as it is, is refused and not skipped, but for what lies
// below dev/ and is neither file, link nor directory: devices, which every
// environment has of its own.
package unpack

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/refusal"
)

// Limits bounds what may be laid out; zero fields mean the defaults.
type Limits struct {
	Bytes   int64 // of all files, those that were replaced included
	Members int   // of all archives
}

// The default limits: a root filesystem with a desktop and compilers has
// 10 GiB and 400,000 files.
const (
	DefaultBytes   = 32 << 30
	DefaultMembers = 2_000_000
)

// maxPathBytes is Linux's PATH_MAX; most of what a folder could be nested is far less.
const maxPathBytes = 4096

// dirMode is that of directories that no member describes. An owner who could
// not write into a directory could not fill or remove it.
const (
	dirMode   fs.FileMode = 0o755
	ownersDir fs.FileMode = 0o700
	ownersAny fs.FileMode = 0o400
)

// Folder is a folder that is being filled. It is for one goroutine.
type Folder struct {
	root    *os.Root
	limits  Limits
	bytes   int64
	members int
	layered bool
	made    map[string]fs.FileMode // what the archive that is read has made: path to type
	above   map[string]bool        // the directories above that
	real    map[string]bool        // paths known to be directories, no links
	times   map[string]time.Time   // of directories, set at the end: filling them changes them
}

// Into returns the empty folder that is to be filled.
func Into(root *os.Root, l Limits) *Folder {
	if l.Bytes == 0 {
		l.Bytes = DefaultBytes
	}
	if l.Members == 0 {
		l.Members = DefaultMembers
	}
	return &Folder{root: root, limits: l, real: map[string]bool{".": true}, times: map[string]time.Time{}}
}

// Tar lays out one archive, which comes uncompressed, and reads r to its end. A
// refused archive is a *refusal.Refusal, whose offset is unknown; an error of r,
// of the context or of the file system is returned as it is, or wrapped.
func (f *Folder) Tar(ctx context.Context, r io.Reader) error { return f.archive(ctx, r, false) }

// Layer lays out one layer of an image over the ones before. Its whiteouts
// remove what those have made, never what it makes itself (OCI image
// specification 1.1, "Image Layer Filesystem Changeset").
func (f *Folder) Layer(ctx context.Context, r io.Reader) error { return f.archive(ctx, r, true) }

func (f *Folder) archive(ctx context.Context, r io.Reader, layered bool) error {
	f.layered, f.made, f.above = layered, map[string]fs.FileMode{}, map[string]bool{}
	archive := tar.NewReader(r)
	for {
		header, err := archive.Next()
		if err == io.EOF {
			_, err := io.Copy(io.Discard, &interruptible{ctx, r})
			return err
		}
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = f.member(ctx, header, archive)
		}
		if err != nil {
			return inTar(err)
		}
	}
}

// inTar turns the errors of package tar into refusals.
func inTar(err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return refusal.New(refusal.TarTruncated, "the archive ends inside a member")
	case errors.Is(err, tar.ErrHeader), errors.Is(err, tar.ErrFieldTooLong):
		return refusal.New(refusal.TarChecksum, "a header cannot be read: %v", err)
	}
	return err
}

// member lays out one member.
func (f *Folder) member(ctx context.Context, h *tar.Header, content io.Reader) error {
	f.members++
	if f.members > f.limits.Members {
		return refusal.New(refusal.TarTooMany, "there are more than %d members", f.limits.Members)
	}
	name, err := cleanPath(h.Name)
	if err != nil || h.Typeflag == tar.TypeXGlobalHeader {
		return err
	}
	if f.layered {
		if done, err := f.whiteout(name, h); done || err != nil {
			return err
		}
	}
	if err := f.parents(name); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return f.directory(name, h)
	case tar.TypeReg, tar.TypeGNUSparse:
		return f.file(ctx, name, h, content)
	case tar.TypeSymlink:
		return f.symlink(name, h)
	case tar.TypeLink:
		return f.hardLink(name, h)
	case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
		if strings.HasPrefix(name, "dev/") {
			return nil
		}
	}
	return refuse(refusal.TarType, name, "a member of type %q, expected files, directories and links", h.Typeflag)
}

// refuse makes the refusal of a member.
func refuse(rule refusal.Rule, name, format string, args ...any) error {
	return refusal.New(rule, format, args...).At(refusal.Unknown, name)
}

// cleanPath returns the path of a member as package os takes it: without "./"
// before it and "/" after it. The top itself is ".".
func cleanPath(name string) (string, error) {
	p := strings.TrimPrefix(name, "./")
	if p != "/" {
		p = strings.TrimSuffix(p, "/")
	}
	if p == "" || p == "." {
		p = "."
	}
	if name == "" || len(name) > maxPathBytes || !fs.ValidPath(p) || strings.Contains(p, "\x00") || strings.Contains(p, `\`) && os.PathSeparator == '\\' {
		return "", refuse(refusal.NamePath, name, "the path is absolute, empty, too long, or has an empty, \".\" or \"..\" component")
	}
	return p, nil
}

// parents makes the directories that a path lies in, and refuses one that is
// no directory: a link would lead elsewhere.
func (f *Folder) parents(name string) error {
	dir := path.Dir(name)
	if f.real[dir] {
		return nil
	}
	if err := f.parents(dir); err != nil {
		return err
	}
	info, err := f.root.Lstat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := f.root.Mkdir(dir, dirMode); err != nil {
			return fmt.Errorf("unpacking: %w", err)
		}
		f.mark(dir, fs.ModeDir)
	case err != nil:
		return fmt.Errorf("unpacking: %w", err)
	case !info.IsDir():
		return refuse(refusal.NamePrefix, name, "it lies below a path that is no directory")
	}
	f.real[dir] = true
	return nil
}

// place makes room for a member of a type: what an earlier layer made there
// goes, but a directory for a directory. It reports whether one is there.
func (f *Folder) place(name string, kind fs.FileMode) (there bool, err error) {
	if made, twice := f.made[name]; twice && (made != fs.ModeDir || kind != fs.ModeDir) {
		return false, refuse(refusal.NameDup, name, "two members have this path")
	}
	f.mark(name, kind)
	info, err := f.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("unpacking: %w", err)
	}
	if info.IsDir() && kind == fs.ModeDir {
		return true, nil
	}
	if name == "." {
		return false, refuse(refusal.TarType, name, "the top is no directory")
	}
	return false, f.remove(name)
}

// mark notes what this archive makes.
func (f *Folder) mark(name string, kind fs.FileMode) {
	f.made[name] = kind
	for dir := path.Dir(name); !f.above[dir]; dir = path.Dir(dir) {
		f.above[dir] = true
	}
}

// remove removes a path and all below it.
func (f *Folder) remove(name string) error {
	f.real = map[string]bool{".": true} // which of them are gone need not be known
	return wrap(f.root.RemoveAll(name))
}

func (f *Folder) directory(name string, h *tar.Header) error {
	there, err := f.place(name, fs.ModeDir)
	if err == nil && !there {
		err = f.root.Mkdir(name, dirMode)
	}
	if err == nil && name != "." { // the caller's own
		err = f.root.Chmod(name, permissions(h)|ownersDir)
	}
	if err != nil {
		return wrap(err)
	}
	f.real[name] = true
	f.times[name] = h.ModTime
	return nil
}

// permissions are those of a member without setuid, setgid and sticky bit.
func permissions(h *tar.Header) fs.FileMode { return fs.FileMode(h.Mode) & fs.ModePerm }

func (f *Folder) file(ctx context.Context, name string, h *tar.Header, content io.Reader) error {
	if h.Size > f.limits.Bytes-f.bytes {
		return refuse(refusal.TarTooBig, name, "the files have more than %d bytes", f.limits.Bytes)
	}
	f.bytes += h.Size
	if _, err := f.place(name, 0); err != nil {
		return err
	}
	out, err := f.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return wrap(err)
	}
	n, err := io.Copy(out, &interruptible{ctx, content})
	if err == nil && n != h.Size {
		err = io.ErrUnexpectedEOF
	}
	if err == nil {
		err = out.Chmod(permissions(h) | ownersAny)
	}
	if closeErr := out.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = f.root.Chtimes(name, h.ModTime, h.ModTime)
	}
	return wrap(err)
}

// interruptible is a reader that a context ends.
type interruptible struct {
	ctx context.Context
	r   io.Reader
}

func (i *interruptible) Read(p []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	return i.r.Read(p)
}

func (f *Folder) symlink(name string, h *tar.Header) error {
	if h.Linkname == "" || len(h.Linkname) > maxPathBytes || strings.Contains(h.Linkname, "\x00") {
		return refuse(refusal.NamePath, name, "the target of the link is empty, too long, or holds a NUL")
	}
	if _, err := f.place(name, fs.ModeSymlink); err != nil {
		return err
	}
	return wrap(f.root.Symlink(h.Linkname, name))
}

// hardLink makes another name of a file that this archive or one before made.
func (f *Folder) hardLink(name string, h *tar.Header) error {
	target, err := cleanPath(h.Linkname)
	if err != nil {
		return err
	}
	info, err := f.lstat(target)
	if err != nil || info == nil || !info.Mode().IsRegular() {
		if err == nil {
			err = refuse(refusal.TarType, name, "a hard link to what is no file of the archive before it")
		}
		return err
	}
	if target == name {
		return refuse(refusal.TarType, name, "a hard link to itself")
	}
	if _, err := f.place(name, 0); err != nil {
		return err
	}
	err = f.root.Link(target, name)
	if errors.Is(err, fs.ErrNotExist) { // it lay below what had to make room
		return refuse(refusal.TarType, name, "a hard link to what it replaces")
	}
	return wrap(err)
}

// lstat looks at a path that no link leads to; nil if there is nothing.
func (f *Folder) lstat(name string) (fs.FileInfo, error) {
	for i := range name {
		if name[i] != '/' || f.real[name[:i]] {
			continue
		}
		info, err := f.root.Lstat(name[:i])
		if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
			return nil, nil
		}
		if err != nil {
			return nil, wrap(err)
		}
	}
	info, err := f.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return info, wrap(err)
}

// wrap says whose error it is; callers may look for the cause.
func wrap(err error) error {
	if _, refused := errors.AsType[*refusal.Refusal](err); err == nil || refused || errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return fmt.Errorf("unpacking: %w", err)
}
