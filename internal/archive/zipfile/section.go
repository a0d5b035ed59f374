package zipfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// Peek returns the first n bytes of r, fewer if it has no more. All bytes of r
// are still to be read from rest. The error is r's own.
func Peek(r io.Reader, n int) (head []byte, rest io.Reader, err error) {
	if file, ok := Section(r); ok {
		head, rest = make([]byte, n), r
		n, err = file.ReadAt(head, 0)
		head = head[:n]
	} else {
		stream := bufio.NewReaderSize(r, n)
		head, err = stream.Peek(n)
		rest = stream
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, fmt.Errorf("reading the first bytes: %w", err)
	}
	return head, rest, nil
}

// Section returns what r holds from its position to its end, if r is a regular
// file or bytes in memory; the position stays. It reports false for a stream,
// as pipes are although their type can seek.
func Section(r io.Reader) (*io.SectionReader, bool) {
	file, ok := r.(interface {
		io.ReaderAt
		io.Seeker
	})
	if !ok {
		return nil, false
	}
	begin, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, false
	}
	end, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, false
	}
	if _, err := file.Seek(begin, io.SeekStart); err != nil {
		return nil, false
	}
	return io.NewSectionReader(file, begin, max(end-begin, 0)), true
}
