package attribution

import (
	"bytes"
	"errors"
	"io"
)

var errDiffers = errors.New("the output differs from the file")

// comparison is a writer that compares what it is given with a file, and fails at
// the first difference. The output's first bytes must be head, the rest of it the
// file's from the offset rest on.
type comparison struct {
	file io.ReaderAt
	size int64
	head []byte
	rest int64

	written int64 // bytes of the output that were as they should be
	err     error // of file
	buffer  []byte
}

// equal returns how many bytes of the file, from its beginning, are known to be
// what the output holds.
func (c *comparison) equal() int64 {
	if c.written < int64(len(c.head)) {
		return c.written
	}
	return c.written - int64(len(c.head)) + c.rest
}

// whole reports whether the output was all of the file.
func (c *comparison) whole() bool { return c.written >= int64(len(c.head)) && c.equal() == c.size }

func (c *comparison) Write(p []byte) (int, error) {
	total := len(p)
	for len(p) > 0 {
		want, err := c.next(len(p))
		if err != nil {
			c.err = err
			return 0, err
		}
		n := firstDifference(p, want)
		c.written += int64(n)
		if n == 0 {
			return 0, errDiffers
		}
		p = p[n:]
	}
	return total, nil
}

// next returns up to n bytes that must come next, none at the file's end.
func (c *comparison) next(n int) ([]byte, error) {
	if c.written < int64(len(c.head)) {
		return c.head[c.written:][:min(n, len(c.head)-int(c.written))], nil
	}
	n = int(min(int64(n), c.size-c.equal()))
	if len(c.buffer) < n {
		c.buffer = make([]byte, n)
	}
	want := c.buffer[:n]
	if got, err := c.file.ReadAt(want, c.equal()); got < n {
		return nil, err //nolint:wrapcheck // the caller's own file
	}
	return want, nil
}

// firstDifference returns how many bytes a and b have in common at their
// beginning, at most the length of the shorter.
func firstDifference(a, b []byte) int {
	n := min(len(a), len(b))
	if bytes.Equal(a[:n], b[:n]) {
		return n
	}
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
