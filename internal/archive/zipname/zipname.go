// Package zipname marks the names in a zip as UTF-8, which Info-ZIP's zip has no way
// to do: a bit of the flags in both headers of a member (PKWARE's APPNOTE.TXT 6.3.10,
// 4.4.4, bit 11). Without it a reader takes a name for code page 437 or for whatever
// it likes. Nothing else of the zip changes.
package zipname

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// File is a zip that can be read and changed in place.
type File interface {
	io.ReaderAt
	io.WriterAt
}

// The records, and the places of fields in them (APPNOTE.TXT 4.3.7, 4.3.12, 4.3.16).
const (
	localSignature   = "PK\x03\x04"
	centralSignature = "PK\x01\x02"
	endSignature     = "PK\x05\x06"

	localBytes, localFlags, localNameBytes       = 30, 6, 26
	centralBytes, centralFlags, centralNameBytes = 46, 8, 28
	centralExtraBytes, centralCommentBytes       = 30, 32
	centralOffset                                = 42
	endBytes, endDirectoryBytes, endDirectory    = 22, 12, 16
)

// isUTF8 is bit 11 of the flags (4.4.4), in the second of their two bytes.
const isUTF8 = 0x08

// maxDirectoryBytes is the largest directory that is read: more than 65,534 members
// with names of 4,096 bytes.
const maxDirectoryBytes = 512 << 20

// Mark marks each name that is not ASCII. The zip has no comment, as zip writes it,
// and sizeBytes bytes. The error is one sentence: what is no zip of that kind, a name
// that is not UTF-8, or that of reading or writing; the zip may then be half marked.
func Mark(zip File, sizeBytes int64) error {
	directory, err := readDirectory(zip, sizeBytes)
	if err != nil {
		return err
	}
	at := sizeBytes - endBytes - int64(len(directory))
	for rest := directory; len(rest) > 0; {
		size, err := headerBytes(rest)
		if err != nil {
			return err
		}
		if err := markMember(zip, rest[:size], at); err != nil {
			return err
		}
		rest, at = rest[size:], at+int64(size)
	}
	return nil
}

// readDirectory reads the central directory, which ends where the end record begins.
func readDirectory(zip io.ReaderAt, sizeBytes int64) ([]byte, error) {
	var end [endBytes]byte
	if _, err := zip.ReadAt(end[:], sizeBytes-endBytes); err != nil && !errors.Is(err, io.EOF) || sizeBytes < endBytes {
		return nil, fmt.Errorf("reading the end of the zip: %w", errors.Join(err, errors.New("it has none")))
	}
	size, offset := int64(binary.LittleEndian.Uint32(end[endDirectoryBytes:])), int64(binary.LittleEndian.Uint32(end[endDirectory:]))
	if string(end[:4]) != endSignature || size > maxDirectoryBytes || offset+size != sizeBytes-endBytes {
		return nil, errors.New("the zip does not end with its directory and an end record without a comment")
	}
	directory := make([]byte, size)
	if _, err := zip.ReadAt(directory, offset); err != nil && size > 0 {
		return nil, fmt.Errorf("reading the directory of the zip: %w", err)
	}
	return directory, nil
}

// headerBytes returns the length of the central header at the beginning.
func headerBytes(directory []byte) (int, error) {
	if len(directory) < centralBytes || string(directory[:4]) != centralSignature {
		return 0, errors.New("the directory of the zip holds what is no header of a member")
	}
	size := centralBytes
	for _, place := range []int{centralNameBytes, centralExtraBytes, centralCommentBytes} {
		size += int(binary.LittleEndian.Uint16(directory[place:]))
	}
	if size > len(directory) {
		return 0, errors.New("the last header in the directory of the zip is cut off")
	}
	return size, nil
}

// markMember marks one member, whose central header lies at the offset.
func markMember(zip File, central []byte, at int64) error {
	name := string(central[centralBytes : centralBytes+int(binary.LittleEndian.Uint16(central[centralNameBytes:]))])
	if !strings.ContainsFunc(name, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return nil
	}
	if !utf8.ValidString(name) {
		return fmt.Errorf("the name %+q in the zip is not UTF-8", name)
	}
	offset := int64(binary.LittleEndian.Uint32(central[centralOffset:]))
	local := make([]byte, localBytes+len(name))
	if _, err := zip.ReadAt(local, offset); err != nil {
		return fmt.Errorf("reading the header of %+q in the zip: %w", name, err)
	}
	if string(local[:4]) != localSignature || string(local[localBytes:]) != name || int(binary.LittleEndian.Uint16(local[localNameBytes:])) != len(name) {
		return fmt.Errorf("the zip has two names for what its directory calls %+q", name)
	}
	_, err := zip.WriteAt([]byte{local[localFlags+1] | isUTF8}, offset+localFlags+1)
	if err == nil {
		_, err = zip.WriteAt([]byte{central[centralFlags+1] | isUTF8}, at+centralFlags+1)
	}
	if err != nil {
		return fmt.Errorf("marking %+q in the zip: %w", name, err)
	}
	return nil
}
