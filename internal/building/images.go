package building

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
)

// image makes b.archived: the built tree as a checkout of it has it. So whoever
// unpacks an archive over a checkout of the built commit still has a clean one.
// git takes a file of another size than it wrote for a changed one, whatever its
// filters make of it (ie_modified in read-cache.c).
func (b *build) image(ctx context.Context) error {
	b.archived = b.built
	attributes, err := b.converting(ctx)
	if err != nil || len(attributes) == 0 {
		return err
	}
	root, err := os.OpenRoot(b.work())
	if err != nil {
		return err
	}
	defer root.Close()
	if err := os.Mkdir(filepath.Join(b.temp, "images"), 0o700); err != nil {
		return err
	}
	entries := slices.Clone(b.built.Entries())
	for i := range entries {
		if a, ok := attributes[entries[i].Path]; ok {
			if err := b.imageOf(root, &entries[i], a); err != nil {
				return err
			}
		}
	}
	b.archived, err = tree.Build(entries)
	return err
}

// converting returns the attributes of the files that a checkout may convert.
func (b *build) converting(ctx context.Context) (map[tree.Path]filter.Attributes, error) {
	var files []string
	written := false
	for _, e := range b.built.Entries() {
		if e.Kind == tree.File {
			files = append(files, string(e.Path))
		}
		written = written || e.Path == ".gitattributes" || strings.HasSuffix(string(e.Path), "/.gitattributes")
	}
	if !written {
		return nil, nil
	}
	if err := b.addObjects(ctx); err != nil { // git reads the attributes from the tree
		return nil, err
	}
	raw, err := b.repo.Attributes(ctx, gitrepo.AttributeQuery{TreeID: b.record.Built.Tree, Tree: b.stored(), Names: filter.AttributeNames(), Paths: files})
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
			b.note(fmt.Sprintf("%s has a working-tree-encoding or filter in .gitattributes: the archives have it as it is in git, a checkout may not", path))
		}
	}
	return found, nil
}

// stored returns the built tree as one that was read from the repository.
func (b *build) stored() tree.Tree { return b.built }

// maxNotes bounds what is said about single files.
const maxNotes = 20

func (b *build) note(said string) {
	if len(b.result.Notes) < maxNotes {
		b.result.Notes = append(b.result.Notes, said)
	}
}

// imageOf makes the image of one file, if it has one that differs.
func (b *build) imageOf(root *os.Root, e *tree.Entry, a filter.Attributes) error {
	if e.Size > gitobject.MaxObjectBytes {
		return fmt.Errorf("%q is too large for a file that git converts", e.Path)
	}
	content, err := openEntry(root, e)
	if err != nil {
		return err
	}
	defer content.Close()
	data, err := io.ReadAll(content)
	if err != nil {
		return err
	}
	converted, by := filter.Checkout(filter.Blob{ID: e.IDs.In(b.repo.Format()), Content: data}, a)
	if len(by) == 0 {
		return nil
	}
	was := *e
	h := digest.NewObjectHash(b.formats()...)
	h.Reset(digest.Blob, int64(len(converted)))
	_, _ = h.Write(converted)
	if e.IDs, err = h.Sum(); err != nil {
		return fmt.Errorf("converting %q: %w", e.Path, err)
	}
	e.Size = int64(len(converted))
	if b.images == nil {
		b.images = make(map[tree.Path]string)
	}
	b.images[e.Path] = filepath.Join(b.temp, "images", fmt.Sprint(len(b.images)))
	b.record.Filtered = append(b.record.Filtered, buildrecord.Filtered{Path: e.Path, By: by, Built: recordFile(&was, b.repo.Format()), Archive: recordFile(e, b.repo.Format())})
	return os.WriteFile(b.images[e.Path], converted, 0o600)
}

// openArchived opens what the archives have of an entry.
func (b *build) openArchived(root *os.Root, e *tree.Entry) (io.ReadCloser, error) {
	if at, ok := b.images[e.Path]; ok {
		return os.Open(at)
	}
	return openEntry(root, e)
}
