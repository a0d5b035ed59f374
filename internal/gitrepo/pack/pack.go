// Package pack writes objects into a git repository: as one pack
// (gitformat-pack(5)) of our own making, which "git index-pack" indexes, so that
// thousands of objects take one process. No filter, hook or configuration of
// the repository has a say. Every object is hashed while it is written.
package pack

import (
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha1" //nolint:gosec // the checksum of a pack, which is no id
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/refusal"
)

// Object is an object to be written.
type Object struct {
	Type      digest.ObjectType
	ID        digest.ObjectID
	SizeBytes int64
	Open      func() (io.ReadCloser, error) // gives the content, is called at most once; the reader is closed
}

// InMemory returns an object whose content is held in memory, and hashes it.
// The error is a *refusal.Refusal, GIT_SHA1_COLLISION.
func InMemory(f digest.Format, kind digest.ObjectType, content []byte) (Object, error) {
	id, err := digest.HashObject(f, kind, content)
	if err != nil {
		return Object{}, refusal.New(refusal.GitSHA1Collision, "the %v to be written carries a SHA-1 collision attack", kind)
	}
	return Object{Type: kind, ID: id, SizeBytes: int64(len(content)), Open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	}}, nil
}

// version is the version of packs that git writes (gitformat-pack(5)).
const version = 2

// Write writes a pack of the objects, none of them twice, whole and in the order
// given: its bytes are a function of the objects and of this program. Objects
// are read one after the other, and none is held in memory. The error is a
// *refusal.Refusal (GIT_HASH, GIT_SHA1_COLLISION, GIT_FORMAT or GIT_LIMIT), the
// context's, or that of reading or writing.
func Write(ctx context.Context, w io.Writer, f digest.Format, objects []Object) error {
	if uint64(len(objects)) > math.MaxUint32 {
		return refusal.New(refusal.GitLimit, "a pack cannot hold %d objects", len(objects))
	}
	sum := newSum(f)
	p := &packer{f: f, w: io.MultiWriter(w, sum), hash: digest.NewObjectHash(f), buffer: make([]byte, 1<<16)}
	p.zlib = zlib.NewWriter(p.w)
	head := append([]byte("PACK"), 0, 0, 0, version)
	if _, err := p.w.Write(binary.BigEndian.AppendUint32(head, uint32(len(objects)))); err != nil {
		return err //nolint:wrapcheck // the caller's own writer
	}
	for i := range objects {
		if err := ctx.Err(); err != nil {
			return err //nolint:wrapcheck // the context's own error
		}
		if err := p.add(&objects[i]); err != nil {
			return err
		}
	}
	_, err := w.Write(sum.Sum(nil))
	return err //nolint:wrapcheck // the caller's own writer
}

func newSum(f digest.Format) hash.Hash {
	if f == digest.SHA256Format {
		return sha256.New()
	}
	return sha1.New() //nolint:gosec // see the import
}

// packer writes the entries of one pack.
type packer struct {
	f      digest.Format
	w      io.Writer
	zlib   *zlib.Writer
	hash   *digest.ObjectHash
	buffer []byte
}

// add writes one entry: type and size, then the content, compressed.
func (p *packer) add(o *Object) (err error) {
	switch {
	case o.ID.Format() != p.f:
		return refusal.New(refusal.GitFormat, "a %v id in a pack of a %v repository", o.ID.Format(), p.f).At(refusal.Unknown, o.ID.String())
	case o.SizeBytes < 0 || o.SizeBytes > gitobject.MaxObjectBytes:
		return refusal.New(refusal.GitLimit, "the %v has %d bytes, at most %d are accepted", o.Type, o.SizeBytes, gitobject.MaxObjectBytes).At(refusal.Unknown, o.ID.String())
	}
	if _, err := p.w.Write(entryHeader(o.Type, uint64(o.SizeBytes))); err != nil {
		return err //nolint:wrapcheck // the caller's own writer
	}
	content, err := o.Open()
	if err != nil {
		return fmt.Errorf("reading what is to be the %v %v: %w", o.Type, o.ID, err)
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	p.hash.Reset(o.Type, o.SizeBytes)
	p.zlib.Reset(p.w)
	n, err := io.CopyBuffer(io.MultiWriter(p.zlib, p.hash), io.LimitReader(content, o.SizeBytes+1), p.buffer)
	if err != nil {
		return fmt.Errorf("packing the %v %v: %w", o.Type, o.ID, err)
	}
	ids, collision := p.hash.Sum()
	switch {
	case collision != nil:
		return refusal.New(refusal.GitSHA1Collision, "the %v to be written carries a SHA-1 collision attack", o.Type).At(refusal.Unknown, o.ID.String())
	case n != o.SizeBytes || ids.In(p.f) != o.ID:
		return refusal.New(refusal.GitHash, "the %v to be written was changed since it was hashed", o.Type).At(refusal.Unknown, o.ID.String())
	}
	return p.zlib.Close() //nolint:wrapcheck // the caller's own writer
}

// entryHeader writes the type of an entry (1 commit, 2 tree, 3 blob, 4 tag) and
// its size: four bits of it in the first byte, seven in each that follows, the
// lowest first (gitformat-pack(5), "Size encoding").
func entryHeader(kind digest.ObjectType, size uint64) []byte {
	number := map[digest.ObjectType]byte{digest.Commit: 1, digest.Tree: 2, digest.Blob: 3, digest.Tag: 4}[kind]
	b := []byte{number<<4 | byte(size&0xf)}
	for size >>= 4; size > 0; size >>= 7 {
		b[len(b)-1] |= 0x80
		b = append(b, byte(size&0x7f))
	}
	return b
}
