package building

import (
	"crypto/sha256"
	"hash"
	"os"

	"io"

	"github.com/countermark/countermark/internal/digest"
)

// sum is a SHA-256 on its way.
type sum struct{ hash.Hash }

func newSum() sum { return sum{sha256.New()} }

// ReadFrom adds all that r gives.
func (s sum) ReadFrom(r io.Reader) (int64, error) { return io.Copy(s.Hash, r) }

// digest returns the digest of what was written so far.
func (s sum) digest() (d digest.SHA256) {
	copy(d[:], s.Sum(nil))
	return d
}

// sumFile returns the digest and the size of a file's content.
func sumFile(path string) (d digest.SHA256, bytes int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return d, 0, err
	}
	defer f.Close()
	s := newSum()
	bytes, err = io.Copy(s, f)
	return s.digest(), bytes, err
}
