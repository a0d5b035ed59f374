// Package objects is the git objects of a built commit: the files, its trees, the
// commit itself.
package objects

import (
	"context"
	"io"
	"os"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/gitrepo/pack"
	"github.com/countermark/countermark/internal/tree"
	"github.com/countermark/countermark/internal/worktree"
)

// Commit is a built commit that no repository has yet.
type Commit struct {
	Dir    string    // folder that holds its files
	Tree   tree.Tree // as worktree.Read read it
	Format digest.Format
	Roots  [][]byte // commits of the empty tree that it needs, too
	Raw    []byte   // itself
}

// Add writes all objects of it that a repository lacks. The errors are those of
// pack.Add.
func (c *Commit) Add(ctx context.Context, into *gitrepo.Repository) error {
	root, err := os.OpenRoot(c.Dir)
	if err != nil {
		return err
	}
	defer root.Close()
	var objects []pack.Object
	for _, e := range c.Tree.Entries() {
		objects = append(objects, pack.Object{Type: digest.Blob, ID: e.IDs.In(c.Format), SizeBytes: e.Size,
			Open: func() (io.ReadCloser, error) { return worktree.Open(root, &e) }})
	}
	more, err := c.treeObjects()
	if err != nil {
		return err
	}
	_, err = pack.Add(ctx, into, append(unique(objects), more...))
	return err
}

// treeObjects returns the trees and commits of the built commit.
func (c *Commit) treeObjects() ([]pack.Object, error) {
	f := c.Format
	trees, err := gitobject.EncodeTrees(f, c.Tree)
	if err != nil {
		return nil, err
	}
	var objects []pack.Object
	add := func(kind digest.ObjectType, raw []byte) error {
		o, err := pack.InMemory(f, kind, raw)
		objects = append(objects, o)
		return err
	}
	for _, t := range trees {
		if err := add(digest.Tree, t.Content); err != nil {
			return nil, err
		}
	}
	for _, raw := range c.Roots {
		if err := add(digest.Tree, nil); err != nil {
			return nil, err
		}
		if err := add(digest.Commit, raw); err != nil {
			return nil, err
		}
	}
	if err := add(digest.Commit, c.Raw); err != nil {
		return nil, err
	}
	return unique(objects), nil
}

// unique drops the objects that come again.
func unique(objects []pack.Object) []pack.Object {
	seen := make(map[digest.ObjectID]bool)
	kept := objects[:0]
	for _, o := range objects {
		if !seen[o.ID] {
			seen[o.ID] = true
			kept = append(kept, o)
		}
	}
	return kept
}
