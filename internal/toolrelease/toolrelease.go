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

// Selection says which paths are wanted: patterns of path.Match for the whole
// path, or directories with a final slash for all below. An empty one wants all.
type Selection []string

// Wants reports whether the path is selected.
func (s Selection) Wants(p string) bool {
	for _, pattern := range s {
		if dir, ok := strings.CutSuffix(pattern, "/"); ok && matchesAbove(dir, p) {
			return true
		}
		if ok, _ := path.Match(pattern, p); ok {
			return true
		}
	}
	return len(s) == 0
}

// matchesAbove reports whether the pattern matches a directory above the path.
func matchesAbove(pattern, p string) bool {
	want, have := strings.Split(pattern, "/"), strings.Split(p, "/")
	if len(have) <= len(want) {
		return false
	}
	for i := range want {
		if ok, _ := path.Match(want[i], have[i]); !ok {
			return false
		}
	}
	return true
}

// WantsBelow reports whether anything below the directory may be selected.
func (s Selection) WantsBelow(dir string) bool {
	for _, pattern := range s {
		below, all := strings.CutSuffix(pattern, "/")
		want, have := strings.Split(below, "/"), strings.Split(dir, "/")
		n := min(len(want), len(have))
		if len(have) >= len(want) && !all {
			continue // a pattern for files of directories above this one
		}
		matches := true
		for i := range n {
			ok, _ := path.Match(want[i], have[i])
			matches = matches && ok
		}
		if matches {
			return true
		}
	}
	return len(s) == 0
}

// Check returns an error for a pattern that path.Match does not read.
func (s Selection) Check() error {
	for _, pattern := range s {
		if _, err := path.Match(pattern, ""); err != nil {
			return fmt.Errorf("the pattern %q: %v", pattern, err)
		}
	}
	return nil
}

// Read calls each for every selected regular file of the source, in the order in
// which the source holds them; symbolic links and files above MaxFileBytes are
// left out. The error is an *UnnamedError, ctx's, each's, or says what is wrong
// with the source.
func Read(ctx context.Context, s Source, want Selection, each func(File) error) error {
	info, err := os.Stat(s.Path)
	if err != nil {
		return fmt.Errorf("reading a tool's release: %w", err)
	}
	r := &reader{ctx: ctx, source: s, want: want, each: each}
	if info.IsDir() {
		return r.folder()
	}
	f, err := os.Open(s.Path)
	if err != nil {
		return fmt.Errorf("reading a tool's release: %w", err)
	}
	defer f.Close()
	magic := make([]byte, len(arMagic))
	if _, err := io.ReadFull(f, magic); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("reading %q: %w", s.Path, err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("reading %q: %w", s.Path, err)
	}
	if string(magic) == arMagic {
		err = r.debian(f)
	} else {
		err = r.archive(f)
	}
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("reading %q: %w", s.Path, err)
	}
	return err
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

// folder reads a folder. Neither links nor other folders' file systems are
// told apart from anything else that is no regular file: they are left out.
func (r *reader) folder() error {
	base := filepath.Base(filepath.Clean(r.source.Path))
	tool, version, _ := revision.VersionOfName(base + ".tar")
	named, err := r.name(tool, version)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(r.source.Path)
	if err != nil {
		return fmt.Errorf("reading a tool's release: %w", err)
	}
	defer root.Close()
	return fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case r.ctx.Err() != nil:
			return r.ctx.Err()
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case !d.Type().IsRegular() || !r.want.Wants(name):
			return nil
		}
		info, err := d.Info()
		if err != nil || info.Size() > MaxFileBytes {
			return err
		}
		content, err := fs.ReadFile(root.FS(), name)
		if err != nil {
			return err
		}
		return r.each(File{named, name, content})
	})
}
