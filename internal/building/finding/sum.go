package finding

import (
	"crypto/sha256"
	"hash"
	"io"
	"os"

	"github.com/countermark/countermark/internal/digest"
)

// Sum is a SHA-256 on its way.
type Sum struct{ hash.Hash }

// NewSum returns the sum of nothing yet.
func NewSum() Sum { return Sum{sha256.New()} }

// ReadFrom adds all that r gives.
func (s Sum) ReadFrom(r io.Reader) (int64, error) { return io.Copy(s.Hash, r) }

// Digest returns the digest of what was written so far.
func (s Sum) Digest() (d digest.SHA256) {
	copy(d[:], s.Sum(nil))
	return d
}

// SumFile returns the digest and the size of a file's content.
func SumFile(path string) (d digest.SHA256, bytes int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return d, 0, err
	}
	defer f.Close()
	s := NewSum()
	bytes, err = io.Copy(s, f)
	return s.Digest(), bytes, err
}
