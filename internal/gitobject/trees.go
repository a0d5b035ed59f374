package gitobject

import (
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/tree"
)

// EncodedTree is a tree object that was written.
type EncodedTree struct {
	ID      digest.ObjectID
	Content []byte
}

// EncodeTrees returns the tree objects of a whole tree in format f, those below
// before those that name them, the root last; an object may occur twice.
// Directories that hold nothing are left out, as git does. The error is a
// *refusal.Refusal: GIT_TREE for a special file, which git cannot hold, GIT_FORMAT
// for an entry without an id in f, GIT_SHA1_COLLISION, or those of ParseTree.
func EncodeTrees(f digest.Format, t tree.Tree) ([]EncodedTree, error) {
	e := &treeEncoder{f: f, rest: t.Entries()}
	if _, _, err := e.directory(""); err != nil {
		return nil, err
	}
	return e.done, nil
}

type treeEncoder struct {
	f    digest.Format
	rest []tree.Entry // not taken yet, in git's order
	done []EncodedTree
}

// directory takes the entries below prefix, "" or ending in a slash, and returns
// the id of their tree object; held says that there are any.
func (e *treeEncoder) directory(prefix string) (id digest.ObjectID, held bool, err error) {
	var entries []TreeEntry
	for len(e.rest) > 0 && strings.HasPrefix(string(e.rest[0].Path), prefix) {
		next := &e.rest[0]
		name, _, deeper := strings.Cut(string(next.Path)[len(prefix):], "/")
		entry := TreeEntry{Mode: next.GitMode(), Name: name, ID: next.IDs.In(e.f)}
		switch {
		case deeper:
			below, held, err := e.directory(prefix + name + "/")
			if err != nil {
				return id, false, err
			}
			if entry.Mode, entry.ID = modeTree, below; !held {
				continue
			}
		case next.Kind == tree.Directory:
			e.rest = e.rest[1:]
			continue
		case next.Kind == tree.Special:
			return id, false, refusal.New(refusal.GitTree, "git cannot hold a special file").At(refusal.Unknown, string(next.Path))
		default:
			e.rest = e.rest[1:]
		}
		entries = append(entries, entry)
	}
	if len(entries) == 0 && prefix != "" {
		return id, false, nil
	}
	content, err := EncodeTree(e.f, entries)
	if err != nil {
		return id, false, err
	}
	if id, err = digest.HashObject(e.f, digest.Tree, content); err != nil {
		return id, false, refusal.New(refusal.GitSHA1Collision, "the tree to be written carries a SHA-1 collision attack").At(refusal.Unknown, prefix)
	}
	e.done = append(e.done, EncodedTree{id, content})
	return id, true, nil
}
