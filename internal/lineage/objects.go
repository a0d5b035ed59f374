package lineage

import (
	"fmt"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/gitobject/treewalk"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/tree"
)

// Objects is git objects that are at hand, each hashed when it was added. The
// zero value holds none.
type Objects struct {
	objects map[digest.ObjectID]object
	commits []digest.ObjectID // in the order in which they were added
}

type object struct {
	kind    digest.ObjectType
	content []byte
}

// Add adds an object, whose content is not copied. The error, a
// *refusal.Refusal, is GIT_HASH if the content does not hash to the id, or
// GIT_SHA1_COLLISION.
func (o *Objects) Add(id digest.ObjectID, kind digest.ObjectType, content []byte) error {
	got, err := digest.HashObject(id.Format(), kind, content)
	if err != nil {
		return refusal.New(refusal.GitSHA1Collision, "the %v carries a SHA-1 collision attack", kind).At(refusal.Unknown, id.String())
	}
	if got != id {
		return refusal.New(refusal.GitHash, "the bytes of the %v hash to %v", kind, got).At(refusal.Unknown, id.String())
	}
	if _, have := o.objects[id]; have {
		return nil
	}
	if o.objects == nil {
		o.objects = make(map[digest.ObjectID]object)
	}
	o.objects[id] = object{kind, content}
	if kind == digest.Commit {
		o.commits = append(o.commits, id)
	}
	return nil
}

// find returns the content of an object of the given type, nil if it is not at hand.
func (o *Objects) find(id digest.ObjectID, kind digest.ObjectType) []byte {
	if o == nil {
		return nil
	}
	if found := o.objects[id]; found.kind == kind {
		return found.content
	}
	return nil
}

// missingTree says that a tree object is not at hand.
type missingTree struct{ id digest.ObjectID }

func (m missingTree) Error() string { return fmt.Sprintf("the tree %v is not at hand", m.id) }

// Tree lays a tree out. Ids of sizes are not known. The error is a missingTree or a *refusal.Refusal.
func (o *Objects) Tree(root digest.ObjectID) (tree.Tree, error) {
	walk := treewalk.New(root)
	for {
		level, err := walk.Next()
		if err != nil {
			return tree.Tree{}, err
		}
		if len(level) == 0 {
			return walk.Tree()
		}
		for _, id := range level {
			content := o.find(id, digest.Tree)
			if content == nil && !isEmptyTree(id) {
				return tree.Tree{}, missingTree{id}
			}
			entries, err := gitobject.ParseTree(root.Format(), content)
			if err != nil {
				return tree.Tree{}, err
			}
			if err := walk.Add(id, entries); err != nil {
				return tree.Tree{}, err
			}
		}
	}
}

// isEmptyTree reports whether the id is that of the tree without entries, which
// git knows without having it.
func isEmptyTree(id digest.ObjectID) bool {
	empty, err := digest.HashObject(id.Format(), digest.Tree, nil)
	return err == nil && id == empty
}
