package objects

import (
	"context"
	"errors"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/tree"
)

// The modes of gitobject.TreeEntry.
const (
	modeDirectory  = 0o040000
	modeExecutable = 0o100755
	modeSymlink    = 0o120000
	modeSubmodule  = 0o160000
)

// Tree reads a tree object and all below it: every file, link and submodule
// (with the id of its commit), and directories that hold nothing. Each tree
// object is hashed again, and read once however often it occurs. Sizes are not
// known. The error is a *refusal.Refusal: those of Object and
// gitobject.ParseTree, GIT_TYPE, or GIT_LIMIT beyond gitobject.MaxTreeDepth and
// gitobject.MaxTreeEntries.
func (r *Reader) Tree(ctx context.Context, id digest.ObjectID) (tree.Tree, error) {
	f := flattener{objects: make(map[digest.ObjectID][]gitobject.TreeEntry)}
	level := []digest.ObjectID{id}
	for depth := 0; len(level) > 0; depth++ {
		if depth >= gitobject.MaxTreeDepth {
			return tree.Tree{}, tooDeep(id)
		}
		if err := r.readTrees(ctx, level, f.add); err != nil {
			return tree.Tree{}, err
		}
		level = f.takeMissing()
	}
	if err := f.flatten("", id, 0); err != nil {
		return tree.Tree{}, InObject(err, id)
	}
	t, err := tree.Build(f.entries)
	if refused, ok := errors.AsType[*refusal.Refusal](err); ok {
		return tree.Tree{}, refusal.New(refusal.GitTree, "%s (%s)", refused.Detail, refused.Rule).At(refusal.Unknown, refused.Member)
	}
	return t, err
}

func tooDeep(id digest.ObjectID) error {
	return refusal.New(refusal.GitLimit, "the tree is more than %d directories deep", gitobject.MaxTreeDepth).At(refusal.Unknown, id.String())
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

// flattener collects tree objects and lays them out as one flat tree.
type flattener struct {
	objects map[digest.ObjectID][]gitobject.TreeEntry
	wanted  []digest.ObjectID // not read yet; may hold one twice
	read    int               // entries in objects
	visited int               // trees and entries laid out
	entries []tree.Entry
}

// add keeps a tree object and asks for those that it names.
func (f *flattener) add(id digest.ObjectID, entries []gitobject.TreeEntry) error {
	f.objects[id] = entries
	if f.read += len(entries); f.read > gitobject.MaxTreeEntries {
		return tooMany(id)
	}
	for _, e := range entries {
		if e.Mode == modeDirectory {
			f.wanted = append(f.wanted, e.ID)
		}
	}
	return nil
}

func tooMany(id digest.ObjectID) error {
	return refusal.New(refusal.GitLimit, "the tree has more than %d entries", gitobject.MaxTreeEntries).At(refusal.Unknown, id.String())
}

// takeMissing returns the trees that were asked for and not read yet, each once.
func (f *flattener) takeMissing() []digest.ObjectID {
	var ids []digest.ObjectID
	seen := make(map[digest.ObjectID]bool)
	for _, id := range f.wanted {
		if _, have := f.objects[id]; !have && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	f.wanted = f.wanted[:0]
	return ids
}

// flatten appends the entries of a tree at prefix ("" or ending in a slash) and
// of all below it. Every tree that is entered counts too: a few small objects
// can name each other so that nothing but directories comes of them, without end.
func (f *flattener) flatten(prefix string, id digest.ObjectID, depth int) error {
	entries := f.objects[id]
	if f.visited += 1 + len(entries); f.visited > 2*gitobject.MaxTreeEntries || len(f.entries)+len(entries) > gitobject.MaxTreeEntries {
		return tooMany(id)
	}
	if depth >= gitobject.MaxTreeDepth {
		return tooDeep(id)
	}
	if len(entries) == 0 && prefix != "" {
		f.entries = append(f.entries, tree.Entry{Path: tree.Path(prefix[:len(prefix)-1]), Kind: tree.Directory})
	}
	for i := range entries {
		e := &entries[i]
		path := prefix + e.Name
		if len(path) > tree.MaxPathBytes {
			return refusal.New(refusal.GitName, "the path has more than %d bytes", tree.MaxPathBytes).At(refusal.Unknown, path)
		}
		if e.Mode == modeDirectory {
			if err := f.flatten(path+"/", e.ID, depth+1); err != nil {
				return err
			}
			continue
		}
		// ParseTree has checked the components; joined by slashes they make a valid path.
		entry := tree.Entry{Path: tree.Path(path), Kind: tree.File}
		entry.IDs.Set(e.ID)
		switch e.Mode {
		case modeExecutable:
			entry.Exec = tree.Executable
		case modeSymlink:
			entry.Kind = tree.Symlink
		case modeSubmodule:
			entry.Kind = tree.Submodule
		}
		f.entries = append(f.entries, entry)
	}
	return nil
}
