package framing

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
)

// xzIndex compares the index of an xz stream with the blocks that were there,
// in constant memory: both lists of records are hashed.
type xzIndex struct {
	blocks, records         hash.Hash // SHA-256 over the sizes of each
	blockCount, recordCount int64
	count                   int64 // number of records, as the index says; -1 before that
	bytes                   int64 // of the index so far
	crc                     uint32
	number                  []byte // of the multibyte integer under way
	unpadded                int64  // of the record under way; 0 before its first number
}

func newXZIndex() xzIndex {
	return xzIndex{blocks: sha256.New(), records: sha256.New(), count: -1}
}

// add takes the sizes of a block: without its padding, and uncompressed.
func (x *xzIndex) add(unpadded, uncompressed int64) {
	x.blockCount++
	hashSizes(x.blocks, unpadded, uncompressed)
}

func hashSizes(h hash.Hash, unpadded, uncompressed int64) {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(unpadded))
	binary.BigEndian.PutUint64(b[8:], uint64(uncompressed))
	h.Write(b[:])
}

// begin takes the index indicator.
func (x *xzIndex) begin(b []byte) { x.consume(b) }

func (x *xzIndex) consume(b []byte) {
	x.bytes += int64(len(b))
	x.crc = crc32.Update(x.crc, crc32.IEEETable, b)
}

// push takes the next byte and reports whether it completes the records.
func (x *xzIndex) push(b []byte) (bool, error) {
	x.consume(b)
	x.number = append(x.number, b...)
	if b[0]&0x80 != 0 {
		if len(x.number) == xzMaxNumberBytes {
			return false, errors.New("a number in the xz index is malformed")
		}
		return false, nil
	}
	fields := xzFields{x.number}
	v, ok := fields.number()
	x.number = x.number[:0]
	if !ok {
		return false, errors.New("a number in the xz index is malformed")
	}
	switch {
	case x.count < 0:
		if v != x.blockCount {
			return false, fmt.Errorf("the xz index counts %d blocks, the stream has %d", v, x.blockCount)
		}
		x.count = v
	case x.unpadded == 0:
		if v == 0 {
			return false, errors.New("the xz index lists a block of size 0")
		}
		x.unpadded = v
	default:
		hashSizes(x.records, x.unpadded, v)
		x.unpadded = 0
		x.recordCount++
	}
	return x.recordCount == x.count && x.unpadded == 0, nil
}

// end takes the padding and the CRC32 of the index (sections 4.4 and 4.5).
func (x *xzIndex) end(padding []byte, crc uint32) error {
	x.consume(padding)
	x.bytes += 4
	switch {
	case len(bytes.Trim(padding, "\x00")) > 0:
		return errors.New("the padding of the xz index is not zero")
	case x.crc != crc:
		return errors.New("the checksum of the xz index does not match")
	case !bytes.Equal(x.blocks.Sum(nil), x.records.Sum(nil)):
		return errors.New("the xz index lists other sizes than the blocks have")
	}
	return nil
}

// xzMaxNumberBytes is the length of the longest multibyte integer (section
// 1.2 of the .xz File Format): 63 bits.
const xzMaxNumberBytes = 9

// xzFields reads fields from the front of rest.
type xzFields struct{ rest []byte }

// number reads a multibyte integer in its shortest encoding.
func (f *xzFields) number() (int64, bool) {
	var v int64
	for i, c := range f.rest {
		if i == xzMaxNumberBytes || i > 0 && c == 0 {
			return 0, false
		}
		v |= int64(c&0x7F) << (7 * i)
		if c&0x80 == 0 {
			f.rest = f.rest[i+1:]
			return v, true
		}
	}
	return 0, false
}
