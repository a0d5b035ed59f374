package envelope

import (
	"errors"
	"fmt"
	"io"

	"github.com/countermark/countermark/internal/refusal"
)

// feedBufferBytes is how much compressed data a feed holds.
const feedBufferBytes = 128 << 10

// scanner judges the framing of compressed bytes that are pushed through it,
// in slices of any length.
type scanner interface {
	Push(b []byte) error
	// Accepted returns the offset up to which structures are complete and
	// were accepted: a decoder may see what lies before it.
	Accepted() int64
	// Finish is called at the end of the input. It returns nil if that is a
	// proper end, or if the scanner leaves that to the decoder.
	Finish() error
	// Uncompressed returns the uncompressed size that the framing adds up
	// to, after Finish; -1 if it does not say.
	Uncompressed() int64
}

// feed is the reader that a decoder gets: it gives out compressed bytes only
// once a scanner has accepted them.
type feed struct {
	src  *source
	scan scanner
	buf  []byte
	r    int   // read up to here
	a    int   // accepted up to here
	w    int   // filled up to here
	base int64 // offset of buf[0] in the input
	err  error // what follows the accepted bytes: io.EOF after a proper end
}

func newFeed(src *source, scan scanner) *feed {
	return &feed{src: src, scan: scan, buf: make([]byte, feedBufferBytes)}
}

// Read implements io.Reader.
func (f *feed) Read(p []byte) (int, error) {
	for f.r == f.a {
		if f.err != nil {
			return 0, f.err
		}
		f.fill()
	}
	n := copy(p, f.buf[f.r:f.a])
	f.r += n
	return n, nil
}

// fill reads input and has it scanned. What is not yet accepted, an incomplete
// structure of at most about a kilobyte, stays in the buffer.
func (f *feed) fill() {
	f.base += int64(f.r)
	f.w = copy(f.buf, f.buf[f.r:f.w])
	f.r, f.a = 0, 0
	n, err := f.src.Read(f.buf[f.w:])
	fresh := f.buf[f.w : f.w+n]
	f.w += n
	if f.err = f.scan.Push(fresh); f.err != nil {
		return
	}
	f.a = int(f.scan.Accepted() - f.base)
	switch err {
	case nil:
	case io.EOF:
		if f.err = f.scan.Finish(); f.err == nil {
			f.err = io.EOF
		}
	default:
		f.err = err
	}
}

// drain scans the rest of the input. It returns nil after a proper end.
func (f *feed) drain() error {
	for f.err == nil {
		f.r = f.a
		f.fill()
	}
	if f.err == io.EOF {
		return nil
	}
	return f.err
}

// consumed returns how many bytes were given out.
func (f *feed) consumed() int64 { return f.base + int64(f.r) }

// scannedBody decodes what a feed lets through. Whatever a decoder says, the
// rest of the input is scanned before Read ends, and the scanner's word comes
// first: so a fault in the framing has the same rule with every decoder.
type scannedBody struct {
	feed     *feed
	name     string // of the decoder
	start    func(*feed) (io.ReadCloser, error)
	dec      io.ReadCloser // nil before the first Read
	produced int64
	err      error // sticky
}

func (s *scannedBody) decoder() string { return s.name }
func (s *scannedBody) consumed() int64 { return s.feed.consumed() }
func (s *scannedBody) notes() []string { return nil }

func (s *scannedBody) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	if s.dec == nil {
		dec, err := s.start(s.feed)
		if err != nil {
			s.err = s.end(err)
			return 0, s.err
		}
		s.dec = dec
	}
	n, err := s.dec.Read(p)
	s.produced += int64(n)
	if err != nil {
		s.err = s.end(err)
	}
	return n, s.err
}

// end maps the error with which the decoder ended.
func (s *scannedBody) end(err error) error {
	if s.feed.err != nil && s.feed.err != io.EOF {
		return s.feed.err
	}
	var refused *refusal.Refusal
	judged := errors.As(err, &refused)
	if err != io.EOF && !judged && !errors.Is(err, ErrCorrupt) {
		return fmt.Errorf("decompressing with %s: %w", s.name, err)
	}
	if scanErr := s.feed.drain(); scanErr != nil {
		return scanErr
	}
	switch {
	case judged:
		return refused
	case err != io.EOF:
		return refusal.New(refusal.ZCRC, "%v (found by %s)", err, s.name)
	}
	if want := s.feed.scan.Uncompressed(); want >= 0 && want != s.produced {
		return refusal.New(refusal.ZCRC, "the framing adds up to %d uncompressed bytes, %s gave %d", want, s.name, s.produced)
	}
	return io.EOF
}

// Close ends the decoder.
func (s *scannedBody) Close() error {
	if s.dec == nil {
		return nil
	}
	return s.dec.Close()
}

// strictDecoder is a decoder whose every error is about the data: it does
// nothing but compute, and a feed's own error is looked at before its.
type strictDecoder struct {
	io.Reader
	close func()
}

func (d strictDecoder) Read(p []byte) (int, error) {
	n, err := d.Reader.Read(p)
	var refused *refusal.Refusal
	if err != nil && err != io.EOF && !errors.As(err, &refused) {
		err = fmt.Errorf("%w: %v", ErrCorrupt, err)
	}
	return n, err
}

func (d strictDecoder) Close() error {
	if d.close != nil {
		d.close()
	}
	return nil
}
