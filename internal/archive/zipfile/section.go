package zipfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/countermark/countermark/internal/envelope"
)

// Sniff reports whether r begins as a zip does, and not as any other format
// that is read: a zip that is a tar too is left to the tar grammar, which
// refuses it. All bytes of r are still to be read from rest. The error is r's own.
func Sniff(r io.Reader) (isZip bool, rest io.Reader, err error) {
	var head []byte
	if file, ok := Section(r); ok {
		head, rest = make([]byte, envelope.HeadBytes), r
		var n int
		n, err = file.ReadAt(head, 0)
		head = head[:n]
	} else {
		stream := bufio.NewReaderSize(r, envelope.HeadBytes)
		head, err = stream.Peek(envelope.HeadBytes)
		rest = stream
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return false, nil, fmt.Errorf("reading the first bytes: %w", err)
	}
	format, ok := envelope.Recognise(head)
	return ok && format == envelope.Zip, rest, nil
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
