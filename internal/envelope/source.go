package envelope

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"hash"
	"io"
	"sync/atomic"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/refusal"
)

// sourceBufferBytes is how much compressed input is read at once.
const sourceBufferBytes = 128 << 10

// source is the compressed input: buffered, counted, and hashed as it is read.
// It is read by one goroutine at a time; count may be read by any.
type source struct {
	*bufio.Reader
	raw *countedReader
}

func newSource(r io.Reader) *source {
	raw := &countedReader{r: r, hash: sha256.New()}
	return &source{Reader: bufio.NewReaderSize(raw, sourceBufferBytes), raw: raw}
}

// consumed returns how many bytes were taken out of the buffer.
func (s *source) consumed() int64 { return s.raw.count.Load() - int64(s.Buffered()) }

// failure returns the error that ended reading, nil if that was io.EOF or has
// not happened.
func (s *source) failure() error { return s.raw.failure }

// checkEnd refuses whatever follows a container that ended at the current
// position. magic is what would begin a second one.
func (s *source) checkEnd(magic, noun string) error {
	offset := s.consumed()
	next, err := s.Peek(len(magic))
	if err != nil && err != io.EOF {
		return err
	}
	switch {
	case len(next) == 0:
		return nil
	case bytes.HasPrefix(next, []byte(magic)):
		return refuse(refusal.ZMulti, offset, "a second %s begins, expected the end of the file", noun)
	}
	return refuse(refusal.ZTrailing, offset, "the file goes on after its %s, expected its end", noun)
}

type countedReader struct {
	r       io.Reader
	hash    hash.Hash
	count   atomic.Int64
	failure error
}

func (c *countedReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.hash.Write(p[:n])
	c.count.Add(int64(n))
	if err != nil && err != io.EOF {
		c.failure = err
	}
	return n, err
}

func (c *countedReader) sum() digest.SHA256 { return digest.SHA256(c.hash.Sum(nil)) }
