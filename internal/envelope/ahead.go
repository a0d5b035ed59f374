package envelope

import (
	"hash"
	"io"
)

// The ring of an Ahead: enough that neither side waits for the other at every
// turn, little enough to stay in a processor's cache.
const (
	aheadBuffers     = 8
	aheadBufferBytes = 512 << 10
)

// Ahead reads ahead of its consumer, in a goroutine of its own, so that
// decompressing and what is done with the bytes share the work of two
// processors. It is for one consumer; Close must be called.
type Ahead struct {
	free   chan []byte
	filled chan filledBuffer
	quit   chan struct{} // closed by Close
	done   chan struct{} // closed when the goroutine has ended

	closed  bool
	current []byte // the buffer that Next or Read gave out last
	rest    []byte // what of it Read has not given out
	err     error  // sticky
}

type filledBuffer struct {
	b   []byte
	err error // follows b
}

// NewAhead starts to read r. If h is not nil, every byte is written to it too,
// in the goroutine: its sum is valid once Next or Read has returned io.EOF.
func NewAhead(r io.Reader, h hash.Hash) *Ahead {
	a := &Ahead{
		free:   make(chan []byte, aheadBuffers),
		filled: make(chan filledBuffer, aheadBuffers),
		quit:   make(chan struct{}),
		done:   make(chan struct{}),
	}
	for range aheadBuffers {
		a.free <- make([]byte, aheadBufferBytes)
	}
	go a.produce(r, h)
	return a
}

func (a *Ahead) produce(r io.Reader, h hash.Hash) {
	defer close(a.done)
	for {
		select {
		case <-a.quit:
			return
		case b := <-a.free:
			n, err := a.fill(r, b)
			if h != nil {
				h.Write(b[:n])
			}
			a.filled <- filledBuffer{b[:n], err} // never waits: there is room for every buffer
			if err != nil {
				return
			}
		}
	}
}

// fill reads until b is full, r ends or fails, or Close was called.
func (a *Ahead) fill(r io.Reader, b []byte) (int, error) {
	n := 0
	for n < len(b) {
		m, err := r.Read(b[n:])
		n += m
		if err != nil {
			return n, err
		}
		select {
		case <-a.quit:
			return n, io.ErrClosedPipe
		default:
		}
	}
	return n, nil
}

// Next returns the next bytes without copying them: valid until the next call
// of Next, Read or Close, never empty if the error is nil. After the last
// bytes it returns the error of r, io.EOF at its end.
func (a *Ahead) Next() ([]byte, error) {
	for len(a.rest) == 0 {
		if a.err != nil {
			return nil, a.err
		}
		if a.current != nil {
			a.free <- a.current[:cap(a.current)]
			a.current = nil
		}
		f := <-a.filled
		a.current, a.rest, a.err = f.b, f.b, f.err
	}
	b := a.rest
	a.rest = nil
	return b, nil
}

// Read implements io.Reader.
func (a *Ahead) Read(p []byte) (int, error) {
	b, err := a.Next()
	if err != nil {
		return 0, err
	}
	n := copy(p, b)
	a.rest = b[n:]
	return n, nil
}

// Close ends reading ahead: it waits for a Read of r that is under way, and
// then for the goroutine. Afterwards r may be closed. It may be called twice.
func (a *Ahead) Close() error {
	if !a.closed {
		a.closed = true
		close(a.quit)
		<-a.done
		a.rest, a.err = nil, io.ErrClosedPipe
	}
	return nil
}
