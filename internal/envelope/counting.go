package envelope

import "io"

// Counting returns r, or a reader of it that calls progress, if that is not nil,
// with how many bytes have been read.
func Counting(r io.Reader, progress func(int64)) io.Reader {
	if progress == nil {
		return r
	}
	return &counter{r: r, progress: progress}
}

type counter struct {
	r        io.Reader
	n        int64
	progress func(int64)
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	c.progress(c.n)
	return n, err
}
