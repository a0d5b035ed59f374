// Package toolrelease reads the files of a tool's release: from a folder, from a
// release archive, or from a Debian package (deb(5)), also from the archives
// of earlier releases that such a package may hold (gettext's autopoint ships
// those of 25 years in one). It is for making an index of known files, and for
// finding a known file's text; it judges nothing, and accepts archives that
// package archive refuses.
package toolrelease

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/countermark/countermark/internal/revision"
)

// MaxFileBytes is the largest file that is read; larger ones are left out. What
// tools copy into projects is smaller: texinfo.tex has 0.4 MB.
const MaxFileBytes = 8 << 20

// Release names what a source holds. In a Source, empty fields are found out:
// from a Debian package's own control file, or from the name NAME-VERSION of an
// archive or folder.
type Release struct {
	Tool, Version string
}

// OfFolder reads a folder's name NAME-VERSION. Without the hyphen it is none: m4
// is no version of m.
func OfFolder(base string) (r Release, ok bool) {
	tool, version, _ := revision.VersionOfName(base + ".tar")
	if rest, found := strings.CutPrefix(base, tool); tool == "" || !found || !strings.HasPrefix(rest, "-") && !strings.HasPrefix(rest, "_") {
		return Release{}, false
	}
	return Release{tool, version}, true
}

// Source is where the files of one release are.
type Source struct {
	Release
	Path string // of a folder, a .deb, or a tar in any compression
}

// File is one regular file of a release.
type File struct {
	Release
	Path    string // slash-separated, below the release's top directory
	Content []byte // valid during the call only
}

// UnnamedError says that nothing tells which release a source holds.
type UnnamedError struct{ Path string }

// Error names the source and says what to do.
func (e *UnnamedError) Error() string {
	return fmt.Sprintf("nothing says which tool and version %q is", e.Path)
}

// Selection says which paths are wanted: patterns for the whole path, each name
// in it by path.Match, or for directories, with a final slash, for all below. An
// empty one wants all.
type Selection []string

// Wants reports whether the path is selected.
func (s Selection) Wants(p string) bool {
	have := strings.Split(p, "/")
	for _, pattern := range s {
		want, below := split(pattern)
		if (len(have) == len(want) && !below || len(have) > len(want) && below) && matches(want, have) {
			return true
		}
	}
	return len(s) == 0
}

// WantsBelow reports whether anything below the directory may be selected.
func (s Selection) WantsBelow(dir string) bool {
	have := strings.Split(dir, "/")
	for _, pattern := range s {
		want, below := split(pattern)
		if (len(have) < len(want) || below) && matches(want, have) {
			return true
		}
	}
	return len(s) == 0
}

// split returns the patterns for the names of a path, and whether all below it
// is meant.
func split(pattern string) (names []string, below bool) {
	pattern, below = strings.CutSuffix(pattern, "/")
	return strings.Split(pattern, "/"), below
}

// matches reports whether the patterns match the names, as far as there are both.
func matches(want, have []string) bool {
	for i := range min(len(want), len(have)) {
		if ok, _ := path.Match(want[i], have[i]); !ok {
			return false
		}
	}
	return true
}

// Check returns an error for a pattern that path.Match does not read.
func (s Selection) Check() error {
	for _, pattern := range s {
		names, _ := split(pattern)
		for _, name := range names {
			if _, err := path.Match(name, ""); err != nil {
				return fmt.Errorf("the pattern %q: %v", pattern, err)
			}
		}
	}
	return nil
}

// Read calls each for every selected regular file of the source, in the order in
// which the source holds them; symbolic links, files above MaxFileBytes and, of
// a folder, what is named .git are left out. Nothing is written. The error is an
// *UnnamedError, ctx's, each's, or says what is wrong with the source.
func Read(ctx context.Context, s Source, want Selection, each func(File) error) error {
	info, err := os.Stat(s.Path)
	if err != nil {
		return fmt.Errorf("reading a tool's release: %w", err)
	}
	r := &reader{ctx: ctx, source: s, want: want, each: each}
	switch {
	case info.IsDir():
		err = r.folder()
	case info.Mode().IsRegular():
		err = r.file()
	default:
		err = errors.New("it is neither a folder nor a regular file")
	}
	if _, unnamed := errors.AsType[*UnnamedError](err); err != nil && !unnamed && ctx.Err() == nil {
		return fmt.Errorf("reading %q: %w", s.Path, err)
	}
	return err
}

// file reads an archive or a package, which its first bytes tell apart.
func (r *reader) file() error {
	f, err := os.Open(r.source.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	magic := make([]byte, len(arMagic))
	n, err := io.ReadFull(f, magic)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if string(magic[:n]) == arMagic {
		return r.debian(f)
	}
	return r.archive(f)
}

// reader reads one source.
type reader struct {
	ctx    context.Context
	source Source
	want   Selection
	each   func(File) error
}

// name fills in what the source does not say of itself.
func (r *reader) name(tool, version string) (Release, error) {
	named := r.source.Release
	if named.Tool == "" {
		named.Tool = tool
	}
	if named.Version == "" {
		named.Version = version
	}
	if named.Tool == "" || named.Version == "" {
		return named, &UnnamedError{r.source.Path}
	}
	return named, nil
}

// folder reads a folder. Whatever is no regular file is left out.
func (r *reader) folder() error {
	found, _ := OfFolder(filepath.Base(filepath.Clean(r.source.Path)))
	named, err := r.name(found.Tool, found.Version)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(r.source.Path)
	if err != nil {
		return err
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case r.ctx.Err() != nil:
			return r.ctx.Err()
		case d.IsDir() && (d.Name() == ".git" || name != "." && !r.want.WantsBelow(name)):
			return fs.SkipDir
		case !d.Type().IsRegular() || d.Name() == ".git": // of a linked work tree or a submodule
			return nil
		}
		f, err := root.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		return r.member(File{Release: named, Path: name}, f)
	})
}
