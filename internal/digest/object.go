package digest

import (
	"crypto/sha256"
	"errors"
	"hash"
	"strconv"

	"github.com/pjbgf/sha1cd"
)

// ErrCollision says that bytes carry the mark of a SHA-1 collision attack
// (counter-cryptanalysis as in Stevens, "Counter-cryptanalysis", 2013). Callers
// may test for it: such an object is never accepted.
var ErrCollision = errors.New("SHA-1 collision attack detected in the content")

// ObjectType is the type of a git object. The zero value is no type.
type ObjectType uint8

// The four types of object that git stores.
const (
	Blob ObjectType = iota + 1
	Tree
	Commit
	Tag
)

var typeNames = [...]string{Blob: "blob", Tree: "tree", Commit: "commit", Tag: "tag"}

// String returns git's name of the type: blob, tree, commit or tag.
func (t ObjectType) String() string {
	if t == 0 || int(t) >= len(typeNames) {
		return "ObjectType(" + strconv.Itoa(int(t)) + ")"
	}
	return typeNames[t]
}

// ParseObjectType reads git's name of an object type.
func ParseObjectType(s string) (ObjectType, bool) {
	for t, name := range typeNames {
		if name != "" && name == s {
			return ObjectType(t), true
		}
	}
	return 0, false
}

// ObjectHash computes the ids of git objects, one after the other, in one or
// both formats. It is not safe for concurrent use. The id of an object is the
// hash of "TYPE SIZE\0" and the content (gitformat-pack(5), "object name").
type ObjectHash struct {
	sha1   sha1cd.CollisionResistantHash
	sha256 hash.Hash
	header []byte
}

// NewObjectHash returns a hash of the given formats.
func NewObjectHash(formats ...Format) *ObjectHash {
	h := &ObjectHash{header: make([]byte, 0, 32)}
	for _, f := range formats {
		switch f {
		case SHA1Format:
			h.sha1, _ = sha1cd.New().(sha1cd.CollisionResistantHash)
		case SHA256Format:
			h.sha256 = sha256.New()
		}
	}
	return h
}

// Reset starts an object of the given type whose content has sizeBytes bytes.
func (h *ObjectHash) Reset(t ObjectType, sizeBytes int64) {
	h.header = append(h.header[:0], t.String()...)
	h.header = append(h.header, ' ')
	h.header = strconv.AppendInt(h.header, sizeBytes, 10)
	h.header = append(h.header, 0)
	if h.sha1 != nil {
		h.sha1.Reset()
	}
	if h.sha256 != nil {
		h.sha256.Reset()
	}
	_, _ = h.Write(h.header)
}

// Write adds content; it never fails.
func (h *ObjectHash) Write(p []byte) (int, error) {
	if h.sha1 != nil {
		_, _ = h.sha1.Write(p)
	}
	if h.sha256 != nil {
		_, _ = h.sha256.Write(p)
	}
	return len(p), nil
}

// Sum returns the ids of the object written since Reset. The error is
// ErrCollision or nil; with a collision the SHA-1 id is not the plain one.
func (h *ObjectHash) Sum() (IDs, error) {
	var ids IDs
	var err error
	if h.sha1 != nil {
		sum, collision := h.sha1.CollisionResistantSum(nil)
		copy(ids.SHA1[:], sum)
		if collision {
			err = ErrCollision
		}
	}
	if h.sha256 != nil {
		h.sha256.Sum(ids.SHA256[:0])
	}
	return ids, err
}

// HashObject returns the id, in format f, of an object held in memory.
// The error is ErrCollision or nil.
func HashObject(f Format, t ObjectType, content []byte) (ObjectID, error) {
	h := NewObjectHash(f)
	h.Reset(t, int64(len(content)))
	_, _ = h.Write(content)
	ids, err := h.Sum()
	return ids.In(f), err
}
