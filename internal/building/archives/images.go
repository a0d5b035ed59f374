package archives

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/filter"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/tree"
	"github.com/countermark/countermark/internal/worktree"
)

// image makes x.archived: the built tree as a checkout of it has it. So whoever
// unpacks an archive over a checkout of the built commit still has a clean one.
// git takes a file of another size than it wrote for a changed one, whatever its
// filters make of it (ie_modified in read-cache.c).
func (x *making) image(ctx context.Context) error {
	x.archived = x.Built
	attributes, err := x.converting(ctx)
	if err != nil || len(attributes) == 0 {
		return err
	}
	root, err := os.OpenRoot(x.Work)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := os.Mkdir(filepath.Join(x.Temp, "images"), 0o700); err != nil {
		return err
	}
	entries := slices.Clone(x.Built.Entries())
	for i := range entries {
		if a, ok := attributes[entries[i].Path]; ok {
			if err := x.imageOf(root, &entries[i], a); err != nil {
				return err
			}
		}
	}
	x.archived, err = tree.Build(entries)
	return err
}

// converting returns the attributes of the files that a checkout may convert.
func (x *making) converting(ctx context.Context) (map[tree.Path]filter.Attributes, error) {
	var files []string
	written := false
	for _, e := range x.Built.Entries() {
		if e.Kind == tree.File {
			files = append(files, string(e.Path))
		}
		written = written || e.Path == ".gitattributes" || strings.HasSuffix(string(e.Path), "/.gitattributes")
	}
	if !written {
		return nil, nil
	}
	repo, _, err := x.beside(ctx)
	if err != nil {
		return nil, err
	}
	raw, err := repo.Attributes(ctx, gitrepo.AttributeQuery{TreeID: x.BuiltTree, Tree: x.Built, Names: filter.AttributeNames(), Paths: files})
	if err != nil {
		return nil, err
	}
	found := make(map[tree.Path]filter.Attributes)
	for path, values := range raw {
		a := filter.ParseAttributes(values)
		if a.Ident || a.CRLF {
			found[tree.Path(path)] = a
		}
		if a.Encoding != "" || a.Driver != "" {
			x.note(fmt.Sprintf("%s has a working-tree-encoding or filter in .gitattributes: the archives have it as it is in git, a checkout may not", path))
		}
	}
	return found, nil
}

// maxNotes bounds what is said about single files.
const maxNotes = 20

func (x *making) note(said string) {
	if len(x.out.Notes) < maxNotes {
		x.out.Notes = append(x.out.Notes, said)
	}
}

// imageOf makes the image of one file, if it has one that differs.
func (x *making) imageOf(root *os.Root, e *tree.Entry, a filter.Attributes) error {
	if e.Size > gitobject.MaxObjectBytes {
		return fmt.Errorf("%q is too large for a file that git converts", e.Path)
	}
	content, err := worktree.Open(root, e)
	if err != nil {
		return err
	}
	defer content.Close()
	data, err := io.ReadAll(content)
	if err != nil {
		return err
	}
	converted, by := filter.Checkout(filter.Blob{ID: e.IDs.In(x.Source.Format()), Content: data}, a)
	if len(by) == 0 {
		return nil
	}
	was := *e
	h := digest.NewObjectHash(x.Source.Formats()...)
	h.Reset(digest.Blob, int64(len(converted)))
	_, _ = h.Write(converted)
	if e.IDs, err = h.Sum(); err != nil {
		return fmt.Errorf("converting %q: %w", e.Path, err)
	}
	e.Size = int64(len(converted))
	if x.images == nil {
		x.images = make(map[tree.Path]string)
	}
	x.images[e.Path] = filepath.Join(x.Temp, "images", fmt.Sprint(len(x.images)))
	x.out.Filtered = append(x.out.Filtered, buildrecord.Filtered{Path: e.Path, By: by, Built: buildrecord.FileOf(&was, x.Source.Format()), Archive: buildrecord.FileOf(e, x.Source.Format())})
	return os.WriteFile(x.images[e.Path], converted, 0o600)
}

// openArchived opens what the archives have of an entry.
func (x *making) openArchived(root *os.Root, e *tree.Entry) (io.ReadCloser, error) {
	if at, ok := x.images[e.Path]; ok {
		return os.Open(at)
	}
	return worktree.Open(root, e)
}
