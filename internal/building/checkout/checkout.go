// Package checkout knows the source's files as a checkout or git archive has them,
// after git's own ident and eol.
package checkout

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/countermark/countermark/internal/building/source"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/filter"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/tree"
	"github.com/countermark/countermark/internal/worktree"
)

// Folder is a folder that a source was laid out in.
type Folder struct {
	Dir  string
	Laid tree.Tree // the source, as it was laid out
	Read tree.Tree // what the folder holds now
}

// Restore gives files of the source back that a step rewrote as git's own ident
// and eol make them: a step that unpacks git archive over the tree, as releases are
// often made, has changed nothing. All that is no exact image stays as it is. The
// tree that is returned is what the folder holds then.
func Restore(ctx context.Context, s *source.Source, f Folder) (tree.Tree, error) {
	read := f.Read
	var images []tree.Entry
	for _, e := range f.Laid.Entries() {
		now := read.Lookup(e.Path)
		if now != nil && e.Kind == tree.File && now.Kind == tree.File && !now.IDs.Agree(e.IDs) && e.Size <= worktree.MaxFileBytes {
			images = append(images, e)
		}
	}
	if len(images) == 0 {
		return read, nil
	}
	attributes, err := attributesOf(ctx, s)
	if err != nil || len(attributes) == 0 {
		return read, err
	}
	root, err := os.OpenRoot(f.Dir)
	if err != nil {
		return read, err
	}
	defer root.Close()
	at := make(map[tree.Path]*tree.Entry, len(images))
	for i := range images {
		at[images[i].Path] = &images[i]
	}
	entries := slices.Clone(read.Entries())
	for i := range entries {
		image := at[entries[i].Path]
		a, converts := attributes[entries[i].Path]
		if image == nil || !converts {
			continue
		}
		same, err := restoreFile(ctx, s, root, restoring{image, a})
		if err != nil {
			return read, err
		}
		if same {
			entries[i].IDs, entries[i].Size = image.IDs, image.Size
		}
	}
	return tree.Build(entries)
}

// restoring is a file of the source that may have been rewritten.
type restoring struct {
	entry      *tree.Entry // as it was laid out
	attributes filter.Attributes
}

// attributesOf returns the attributes of the source's files that git converts.
func attributesOf(ctx context.Context, s *source.Source) (map[tree.Path]filter.Attributes, error) {
	var files []string
	for _, e := range s.Tree.Entries() {
		if e.Kind == tree.File {
			files = append(files, string(e.Path))
		}
	}
	raw, err := s.Repo.Attributes(ctx, gitrepo.AttributeQuery{TreeID: s.Commit.Tree, Tree: s.Tree, Names: filter.AttributeNames(), Paths: files})
	if err != nil {
		return nil, err
	}
	found := make(map[tree.Path]filter.Attributes)
	for path, values := range raw {
		if a := filter.ParseAttributes(values); a.Ident || a.EOL != filter.EOLNever {
			found[tree.Path(path)] = a
		}
	}
	return found, nil
}

// restoreFile writes the committed content of a file back if what is there is an
// image of it. Its times stay.
func restoreFile(ctx context.Context, s *source.Source, root *os.Root, r restoring) (same bool, err error) {
	e := r.entry
	name := filepath.FromSlash(string(e.Path))
	now, err := worktree.Open(root, e)
	if err != nil {
		return false, err
	}
	image, err := io.ReadAll(io.LimitReader(now, worktree.MaxFileBytes))
	if err = cmp.Or(err, now.Close()); err != nil {
		return false, fmt.Errorf("reading %q: %w", e.Path, err)
	}
	info, err := root.Stat(name)
	if err != nil {
		return false, err
	}
	id := e.IDs.In(s.Format())
	_, err = s.Blobs(ctx, []digest.ObjectID{id}, func(_ digest.ObjectID, blob []byte) error {
		match, _ := filter.Explain(image, filter.Blob{ID: id, Content: blob}, r.attributes, filter.Commit{})
		if match != filter.Exact {
			return nil
		}
		same = true
		return replace(root, name, blob, info)
	})
	return same, err
}

// replace puts a new file in the place of one, with its permissions and times: the
// step may have made other names for the old one.
func replace(root *os.Root, name string, content []byte, was os.FileInfo) error {
	temp := filepath.Join(filepath.Dir(name), rand.Text())
	f, err := root.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) // never what the step put there
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return cmp.Or(err, f.Close(), root.Chmod(temp, was.Mode().Perm()), root.Chtimes(temp, was.ModTime(), was.ModTime()), root.Rename(temp, name))
}
