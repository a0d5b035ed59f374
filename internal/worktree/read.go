package worktree

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/tree"
)

// Reading says how a folder is read. The zero value reads all of it, within the
// limits of this package.
type Reading struct {
	WithoutGit bool  // leave out ".git" at the top, whatever it is
	Files      int   // at most so many entries, directories counted; 0 for MaxFiles
	Bytes      int64 // at most so many bytes in all files; 0 for MaxBytes
}

// Read reads a folder: every file with its ids in both formats, its size and its
// permissions (not those of directories), links with their targets' ids, directories that hold nothing, and
// as tree.Special whatever else there is (sockets, devices, FIFOs), which is not
// opened. No link is followed; files with several links are read as often.
// Every file is opened once, and its content alone counts. On Windows no file is
// executable.
//
// The error is a *refusal.Refusal: a name or target that tree.ParsePath or
// tree.CheckTarget refuses, with the path; GIT_SHA1_COLLISION, or GIT_LIMIT.
// Another error means that something could not be read, or changed meanwhile.
func Read(ctx context.Context, dir string, how Reading) (tree.Tree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return tree.Tree{}, fmt.Errorf("reading files: %w", err)
	}
	if how.Files == 0 {
		how.Files = MaxFiles
	}
	if how.Bytes == 0 {
		how.Bytes = MaxBytes
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r := &reader{how: how, cancel: cancel, jobs: make(chan job, 64)}
	top := &folder{root: root}
	top.users.Store(1)
	for range runtime.GOMAXPROCS(0) {
		r.workers.Go(func() { r.work(ctx) })
	}
	err = r.walk(ctx, top, "", 0)
	close(r.jobs)
	r.workers.Wait()
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if err != nil {
		return tree.Tree{}, err
	}
	return tree.Build(r.entries)
}

// reader reads one folder.
type reader struct {
	how     Reading
	cancel  context.CancelCauseFunc
	jobs    chan job
	workers sync.WaitGroup
	files   int          // seen by walk
	bytes   atomic.Int64 // of all files that were opened

	mu      sync.Mutex
	entries []tree.Entry
}

// folder is an open directory, closed when nobody needs it any more.
type folder struct {
	root  *os.Root
	users atomic.Int32
}

func (f *folder) release() {
	if f.users.Add(-1) == 0 {
		_ = f.root.Close()
	}
}

// job is a file to be hashed.
type job struct {
	in    *folder
	name  string
	seen  fs.FileInfo // what walk saw there
	entry tree.Entry  // without ids
}

// walk reads a directory, whose use it ends, and those below it. It calls the
// others by one name below the directory that it holds open, so none of them
// leads elsewhere.
func (r *reader) walk(ctx context.Context, in *folder, prefix string, depth int) error {
	defer in.release()
	if depth > MaxDepth {
		return refusal.New(refusal.GitLimit, "the folder is more than %d directories deep", MaxDepth).At(refusal.Unknown, prefix)
	}
	names, err := r.list(in.root, prefix)
	if err != nil {
		return err
	}
	if len(names) == 0 && prefix != "" {
		r.add(tree.Entry{Path: tree.Path(strings.TrimSuffix(prefix, "/")), Kind: tree.Directory})
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return err //nolint:wrapcheck // the context's own error
		}
		if prefix == "" && name == ".git" && r.how.WithoutGit {
			continue
		}
		if err := r.visit(ctx, in, visit{prefix, name, depth}); err != nil {
			return err
		}
	}
	return nil
}

// visit is one name in a directory at a prefix, "" or ending in a slash.
type visit struct {
	prefix, name string
	depth        int
}

// list returns the names in a directory, in order, and counts them.
func (r *reader) list(root *os.Root, prefix string) ([]string, error) {
	d, err := root.Open(".")
	if err != nil {
		return nil, unreadable(prefix, err)
	}
	defer d.Close() //nolint:errcheck // only read
	var names []string
	for {
		some, err := d.Readdirnames(1024)
		names = append(names, some...)
		if r.files += len(some); r.files > r.how.Files {
			return nil, refusal.New(refusal.GitLimit, "the folder holds more than %d files and directories", r.how.Files).At(refusal.Unknown, prefix)
		}
		if err == io.EOF { //nolint:errorlint // as documented
			slices.Sort(names)
			return names, nil
		}
		if err != nil {
			return nil, unreadable(prefix, err)
		}
	}
}

func unreadable(path string, err error) error {
	return fmt.Errorf("reading %s: %w", escape.Quote(path), err)
}

func (r *reader) visit(ctx context.Context, in *folder, v visit) error {
	path, err := tree.ParsePath(v.prefix + v.name)
	if err != nil {
		return inFile(err, v.prefix+v.name)
	}
	seen, err := in.root.Lstat(v.name)
	if err != nil {
		return unreadable(string(path), err)
	}
	e := tree.Entry{Path: path, Perm: permissions(seen.Mode())}
	switch seen.Mode().Type() {
	case fs.ModeDir:
		below, err := in.root.OpenRoot(v.name)
		if err != nil {
			return unreadable(string(path), err)
		}
		next := &folder{root: below}
		next.users.Store(1)
		if there, err := below.Stat("."); err != nil || !os.SameFile(there, seen) {
			next.release()
			return unreadable(string(path), cmp.Or(err, errChanged))
		}
		return r.walk(ctx, next, string(path)+"/", v.depth+1)
	case fs.ModeSymlink:
		e.Kind = tree.Symlink
		return r.link(in.root, v.name, e)
	case 0:
		e.Kind = tree.File
		if runtime.GOOS != "windows" && seen.Mode()&ownerExec != 0 {
			e.Exec = tree.Executable
		}
		in.users.Add(1)
		select {
		case r.jobs <- job{in, v.name, seen, e}:
		case <-ctx.Done():
			in.release()
		}
	default:
		e.Kind = tree.Special
		r.add(e)
	}
	return nil
}

// errChanged says that another program is at work in the folder.
var errChanged = errors.New("it was changed while it was read")

// permissions returns the twelve bits that chmod(2) sets.
func permissions(mode fs.FileMode) uint16 {
	p := uint16(mode.Perm())
	for bit, is := range map[uint16]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if mode&is != 0 {
			p |= bit
		}
	}
	return p
}

// link reads a link, as git stores it: the target is the content.
func (r *reader) link(root *os.Root, name string, e tree.Entry) error {
	target, err := root.Readlink(name)
	if err != nil {
		return unreadable(string(e.Path), err)
	}
	target = filepath.ToSlash(target)
	if err := tree.CheckTarget(target); err != nil {
		return inFile(err, string(e.Path))
	}
	h := digest.NewObjectHash(bothFormats()...)
	h.Reset(digest.Blob, int64(len(target)))
	_, _ = io.WriteString(h, target)
	if e.IDs, err = h.Sum(); err != nil {
		return collision(e.Path)
	}
	e.Size = int64(len(target))
	r.add(e)
	return nil
}

func collision(path tree.Path) error {
	return refusal.New(refusal.GitSHA1Collision, "the file carries a SHA-1 collision attack").At(refusal.Unknown, string(path))
}

func (r *reader) add(e tree.Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries = append(r.entries, e)
}

// work hashes files until there are no more. The first error ends all.
func (r *reader) work(ctx context.Context) {
	h := digest.NewObjectHash(bothFormats()...)
	buffer := make([]byte, 1<<17)
	for j := range r.jobs {
		if ctx.Err() == nil {
			if err := r.hash(&j, h, buffer); err != nil {
				r.cancel(err)
			} else {
				r.add(j.entry)
			}
		}
		j.in.release()
	}
}

// hash opens a file, which must be the one that walk saw, and hashes it.
func (r *reader) hash(j *job, h *digest.ObjectHash, buffer []byte) error {
	f, err := j.in.root.OpenFile(j.name, os.O_RDONLY|nonBlocking, 0)
	if err != nil {
		return unreadable(string(j.entry.Path), err)
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil || !os.SameFile(info, j.seen) || !info.Mode().IsRegular() {
		return unreadable(string(j.entry.Path), cmp.Or(err, errChanged))
	}
	size := info.Size()
	switch total := r.bytes.Add(size); {
	case size > MaxFileBytes:
		return refusal.New(refusal.GitLimit, "the file has %d bytes, at most %d are accepted", size, MaxFileBytes).At(refusal.Unknown, string(j.entry.Path))
	case total > r.how.Bytes:
		return refusal.New(refusal.GitLimit, "the folder holds more than %d bytes", r.how.Bytes).At(refusal.Unknown, string(j.entry.Path))
	}
	h.Reset(digest.Blob, size)
	n, err := io.CopyBuffer(onlyWriter{h}, onlyReader{io.LimitReader(f, size+1)}, buffer)
	if err != nil || n != size {
		return unreadable(string(j.entry.Path), cmp.Or(err, errChanged))
	}
	j.entry.Size = size
	if j.entry.IDs, err = h.Sum(); err != nil {
		return collision(j.entry.Path)
	}
	return nil
}

// onlyReader and onlyWriter hide what else their values can do, so that
// io.CopyBuffer uses the buffer that it is given.
type (
	onlyReader struct{ io.Reader }
	onlyWriter struct{ io.Writer }
)
