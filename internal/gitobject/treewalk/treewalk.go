// Package treewalk lays the tree objects of a commit out as one flat tree. It
// asks for the objects level by level and is given them by whoever has them: a
// repository, or a file that holds them.
package treewalk

import (
	"errors"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/tree"
)

// The modes of gitobject.TreeEntry.
const (
	ModeDirectory  = 0o040000
	modeExecutable = 0o100755
	modeSymlink    = 0o120000
	ModeSubmodule  = 0o160000
)

// Walk is the walk over one tree and all below it. It is made by New.
type Walk struct {
	root    digest.ObjectID
	objects map[digest.ObjectID][]gitobject.TreeEntry
	wanted  []digest.ObjectID // not read yet; may hold one twice
	depth   int               // levels that were asked for
	read    int               // entries in objects
	visited int               // trees and entries laid out
	entries []tree.Entry
}

// New begins a walk at the tree object of the given id.
func New(root digest.ObjectID) *Walk {
	return &Walk{root: root, objects: make(map[digest.ObjectID][]gitobject.TreeEntry), wanted: []digest.ObjectID{root}}
}

// Next returns the ids of the tree objects of the next level, each once, which
// Add is to be given before Next is called again; none if all are there. The
// error, a *refusal.Refusal, is GIT_LIMIT beyond gitobject.MaxTreeDepth.
func (w *Walk) Next() ([]digest.ObjectID, error) {
	var ids []digest.ObjectID
	seen := make(map[digest.ObjectID]bool)
	for _, id := range w.wanted {
		if _, have := w.objects[id]; !have && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	w.wanted = w.wanted[:0]
	if len(ids) > 0 && w.depth >= gitobject.MaxTreeDepth {
		return nil, TooDeep(w.root)
	}
	w.depth++
	return ids, nil
}

// TooDeep returns the refusal of a tree with too many directories one in another.
func TooDeep(id digest.ObjectID) error {
	return refusal.New(refusal.GitLimit, "the tree is more than %d directories deep", gitobject.MaxTreeDepth).At(refusal.Unknown, id.String())
}

// TooMany returns the refusal of a tree with too many entries.
func TooMany(id digest.ObjectID) error {
	return refusal.New(refusal.GitLimit, "the tree has more than %d entries", gitobject.MaxTreeEntries).At(refusal.Unknown, id.String())
}

// Add takes a tree object, whose content hashes to the id: that is the caller's
// affair. The error is a *refusal.Refusal, GIT_LIMIT beyond
// gitobject.MaxTreeEntries.
func (w *Walk) Add(id digest.ObjectID, entries []gitobject.TreeEntry) error {
	w.objects[id] = entries
	if w.read += len(entries); w.read > gitobject.MaxTreeEntries {
		return TooMany(id)
	}
	for _, e := range entries {
		if e.Mode == ModeDirectory {
			w.wanted = append(w.wanted, e.ID)
		}
	}
	return nil
}

// Tree lays out what was added: every file, link and submodule (with the id of
// its commit), and directories that hold nothing. Sizes are not known. Next must
// have returned none before. The error is a *refusal.Refusal: GIT_TREE, GIT_NAME
// or GIT_LIMIT.
func (w *Walk) Tree() (tree.Tree, error) {
	w.entries, w.visited = nil, 0
	if err := w.flatten("", w.root, 0); err != nil {
		return tree.Tree{}, err
	}
	t, err := tree.Build(w.entries)
	if refused, ok := errors.AsType[*refusal.Refusal](err); ok {
		return tree.Tree{}, refusal.New(refusal.GitTree, "%s (%s)", refused.Detail, refused.Rule).At(refusal.Unknown, refused.Member)
	}
	return t, err
}

// flatten appends the entries of a tree at prefix ("" or ending in a slash) and
// of all below it. Every tree that is entered counts too: a few small objects
// can name each other so that nothing but directories comes of them, without end.
func (w *Walk) flatten(prefix string, id digest.ObjectID, depth int) error {
	entries := w.objects[id]
	if w.visited += 1 + len(entries); w.visited > 2*gitobject.MaxTreeEntries || len(w.entries)+len(entries) > gitobject.MaxTreeEntries {
		return TooMany(id)
	}
	if depth >= gitobject.MaxTreeDepth {
		return TooDeep(id)
	}
	if len(entries) == 0 && prefix != "" {
		w.entries = append(w.entries, tree.Entry{Path: tree.Path(prefix[:len(prefix)-1]), Kind: tree.Directory})
	}
	for i := range entries {
		e := &entries[i]
		path := prefix + e.Name
		if len(path) > tree.MaxPathBytes {
			return refusal.New(refusal.GitName, "the path has more than %d bytes", tree.MaxPathBytes).At(refusal.Unknown, path)
		}
		if e.Mode == ModeDirectory {
			if err := w.flatten(path+"/", e.ID, depth+1); err != nil {
				return err
			}
			continue
		}
		w.entries = append(w.entries, entryOf(path, e))
	}
	return nil
}

// entryOf returns the entry of a file, link or submodule. ParseTree has checked
// the components of the path; joined by slashes they make a valid one.
func entryOf(path string, e *gitobject.TreeEntry) tree.Entry {
	entry := tree.Entry{Path: tree.Path(path), Kind: tree.File}
	entry.IDs.Set(e.ID)
	switch e.Mode {
	case modeExecutable:
		entry.Exec = tree.Executable
	case modeSymlink:
		entry.Kind = tree.Symlink
	case ModeSubmodule:
		entry.Kind = tree.Submodule
	}
	return entry
}
