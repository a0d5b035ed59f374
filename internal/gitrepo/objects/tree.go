package objects

import (
	"context"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/gitobject/treewalk"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/tree"
)

// Tree reads a tree object and all below it: every file, link and submodule
// (with the id of its commit), and directories that hold nothing. Each tree
// object is hashed again, and read once however often it occurs. Sizes are not
// known. The error is a *refusal.Refusal: those of Object and
// gitobject.ParseTree, GIT_TYPE, or GIT_LIMIT beyond gitobject.MaxTreeDepth and
// gitobject.MaxTreeEntries.
func (r *Reader) Tree(ctx context.Context, id digest.ObjectID) (tree.Tree, error) {
	walk := treewalk.New(id)
	for {
		level, err := walk.Next()
		if err != nil {
			return tree.Tree{}, err
		}
		if len(level) == 0 {
			break
		}
		if err := r.readTrees(ctx, level, walk.Add); err != nil {
			return tree.Tree{}, err
		}
	}
	t, err := walk.Tree()
	if err != nil {
		return tree.Tree{}, InObject(err, id)
	}
	return t, nil
}

// readTrees reads tree objects and calls each with the entries of every one.
func (r *Reader) readTrees(ctx context.Context, ids []digest.ObjectID, each func(digest.ObjectID, []gitobject.TreeEntry) error) error {
	return r.Read(ctx, ids, func(i int, o Object) error {
		switch o.Type {
		case digest.Tree:
		case 0:
			return r.Missing(ids[i])
		default:
			return refusal.New(refusal.GitType, "the object is a %v where a tree was expected", o.Type).At(refusal.Unknown, ids[i].String())
		}
		entries, err := gitobject.ParseTree(r.Format, o.Content)
		if err != nil {
			return InObject(err, ids[i])
		}
		return each(ids[i], entries)
	})
}
