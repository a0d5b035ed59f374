package unpack

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/envelope"
)

// MismatchError is the negative answer: the archive is not the one that was
// asked for. What was laid out of it is worth nothing.
type MismatchError struct {
	What      string // as the caller calls the archive, safe to print
	Want, Got digest.SHA256
}

// Error returns one line.
func (e *MismatchError) Error() string {
	return fmt.Sprintf("%s has the SHA-256 %v, expected %v", e.What, e.Got, e.Want)
}

// Archive is a tar archive as it is stored: in any compression that package
// envelope reads, or none.
type Archive struct {
	What   string // how errors call it, safe to print
	Bytes  io.Reader
	SHA256 digest.SHA256 // of the stored bytes
	Layer  bool          // whether it is a layer of an image: see Folder.Layer
}

// Pinned lays out an archive, and holds the very bytes that it reads to their
// digest. That is known at the end only: whoever calls it drops the folder
// after an error. The errors are *MismatchError, which comes before whatever
// else is wrong with the archive, and those of Tar.
func (f *Folder) Pinned(ctx context.Context, a Archive) error {
	h := sha256.New()
	stored := io.TeeReader(&interruptible{ctx, a.Bytes}, h)
	err := f.stored(ctx, stored, a.Layer)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if _, drained := io.Copy(io.Discard, stored); drained != nil {
		return wrap(drained)
	}
	if got := digest.SHA256(h.Sum(nil)); got != a.SHA256 {
		return &MismatchError{What: a.What, Want: a.SHA256, Got: got}
	}
	return err
}

func (f *Folder) stored(ctx context.Context, stored io.Reader, layered bool) error {
	r, err := envelope.Open(stored, envelope.Options{})
	if err != nil {
		return err
	}
	defer r.Close()
	return f.archive(ctx, r, layered)
}
