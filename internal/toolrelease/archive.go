package toolrelease

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"github.com/countermark/countermark/internal/envelope"
	"github.com/countermark/countermark/internal/revision"
)

// archive reads a release archive.
func (r *reader) archive(f io.Reader) error {
	tool, version, _ := revision.VersionOfName(filepath.Base(r.source.Path))
	named, err := r.name(tool, version)
	if err != nil {
		return err
	}
	return r.members(f, filepath.Base(r.source.Path), func(name string, content io.Reader) error {
		_, below, nested := strings.Cut(name, "/")
		if !nested {
			return nil
		}
		return r.member(File{Release: named, Path: below}, content)
	})
}

// member hands a member on, if it is wanted.
func (r *reader) member(f File, content io.Reader) (err error) {
	if !r.want.Wants(f.Path) {
		return nil
	}
	if f.Content, err = io.ReadAll(io.LimitReader(content, MaxFileBytes+1)); err != nil || len(f.Content) > MaxFileBytes {
		return err
	}
	return r.each(f)
}

// members calls each for the regular files of a tar in any compression, but for
// those that are too large, and for names that lead out of it.
func (r *reader) members(f io.Reader, base string, each func(name string, content io.Reader) error) error {
	env, err := envelope.Open(f, envelope.Options{Name: base})
	if err != nil {
		return err
	}
	defer env.Close()
	content := &interruptible{r.ctx, env}
	t := tar.NewReader(content)
	for {
		h, err := t.Next()
		switch {
		case errors.Is(err, io.EOF):
			_, err = io.Copy(io.Discard, content) // its checksums come last
			return err
		case err != nil:
			return err
		}
		name := strings.TrimPrefix(path.Clean(h.Name), "/")
		if h.Typeflag != tar.TypeReg || h.Size > MaxFileBytes && !isArchiveName(name) || !fs.ValidPath(name) || name == "." {
			continue
		}
		if err := each(name, t); err != nil {
			return err
		}
	}
}

// interruptible reads until the context ends: a small file may expand for long.
type interruptible struct {
	ctx context.Context
	io.Reader
}

func (i *interruptible) Read(p []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	return i.Reader.Read(p)
}

// isArchiveName reports whether a name is that of a tar.
func isArchiveName(name string) bool {
	for _, ext := range []string{".tar", ".tar.gz", ".tar.xz", ".tar.bz2", ".tar.zst"} {
		if strings.HasSuffix(name, ext) {
			return true
		}
	}
	return false
}

// nested reads an archive of earlier releases: its top directories are named
// NAME-VERSION. Others in it are left out.
func (r *reader) nested(base string, content io.Reader) error {
	err := r.members(content, base, func(name string, content io.Reader) error {
		top, below, ok := strings.Cut(name, "/")
		named, versioned := OfFolder(top)
		if !ok || !versioned {
			return nil
		}
		if r.source.Tool != "" {
			named.Tool = r.source.Tool
		}
		return r.member(File{Release: named, Path: below}, content)
	})
	if err != nil {
		return fmt.Errorf("%s within it: %w", base, err)
	}
	return nil
}
