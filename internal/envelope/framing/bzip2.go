package framing

import (
	"io"

	"github.com/countermark/countermark/internal/refusal"
)

// The end of a bzip2 stream, which lies at any bit: the marker, then 32 bits
// of checksum, then zero bits up to a whole byte. (The format has no
// specification by its author; these are the values of bzip2 1.0.8's
// compress.c.)
const (
	bzip2EndMarker  = 0x177245385090
	bzip2MarkerMask = 1<<48 - 1
	bzip2CheckBits  = 32
	bzip2NextStream = 'B'<<8 | 'Z'
	bzip2NextBytes  = 2
)

// Bzip2 looks for the end markers of bzip2 at every bit. Blocks are not framed, so
// that compressed data may by chance (2^-48 for each bit) hold one: a marker
// counts as the end only if the file ends there, or if the beginning of
// another stream follows. The decoder reads on over any other.
type Bzip2 struct {
	offset  int64
	bits    uint64  // the last 64 bits
	first   int64   // offset of the first byte behind the first marker's checksum, 0 if there was none
	after   int64   // the same of the last marker
	padding int     // zero bits before it
	pending []int64 // such offsets at which another stream may begin; two at most
}

// Accepted returns the number of bytes so far.
func (s *Bzip2) Accepted() int64 { return s.offset }

// Uncompressed returns -1: the format does not say.
func (s *Bzip2) Uncompressed() int64 { return -1 }

// Judge gives, at the end of a file that Finish has accepted, what explains the
// error with which a decoder ended (io.EOF at a proper end): a refusal of a
// file that goes on or ends early, or err itself, for corrupt data or none.
func (s *Bzip2) Judge(err error) error {
	complete := s.after > 0 && s.after == s.offset
	switch {
	case complete && (err == io.EOF || s.first == s.after):
		return err
	case s.first > 0 && s.first < s.offset:
		return s.trailing(s.first)
	case err == io.ErrUnexpectedEOF:
		return refuse(refusal.ZTruncated, s.offset, "the file ends inside its bzip2 stream")
	case err == io.EOF:
		return s.trailing(s.offset)
	}
	return err
}

// Push takes the next bytes of the file. An error is a refusal.
func (s *Bzip2) Push(b []byte) error {
	for _, c := range b {
		s.bits = s.bits<<8 | uint64(c)
		s.offset++
		if len(s.pending) > 0 && s.offset == s.pending[0]+bzip2NextBytes {
			if s.bits&(1<<(8*bzip2NextBytes)-1) == bzip2NextStream {
				return refuse(refusal.ZMulti, s.pending[0], "a second bzip2 stream begins, expected the end of the file")
			}
			s.pending = s.pending[1:]
		}
		for i := range 8 { // i bits of c follow the marker
			if s.bits>>i&bzip2MarkerMask == bzip2EndMarker {
				s.found(i)
			}
		}
	}
	return nil
}

// found notes a marker that ended i bits ago.
func (s *Bzip2) found(i int) {
	bits := s.offset*8 - int64(i) + bzip2CheckBits
	s.after = (bits + 7) / 8
	s.padding = int(s.after*8 - bits)
	if s.first == 0 {
		s.first = s.after
	}
	s.pending = append(s.pending, s.after)
}

// Finish is called at the end of the file. It refuses what it can; the rest is
// for the decoder and Judge.
func (s *Bzip2) Finish() error {
	switch {
	case s.after == 0 || s.after > s.offset:
		return nil // the decoder says whether the file is corrupt or ends early
	case s.after < s.offset:
		return s.trailing(s.after)
	case s.bits&(1<<s.padding-1) != 0:
		return refuse(refusal.ZHeader, s.offset-1, "the last %d bits after the bzip2 stream are not zero", s.padding)
	}
	return nil
}

func (s *Bzip2) trailing(offset int64) error {
	return refuse(refusal.ZTrailing, offset, "the file goes on after its bzip2 stream, expected its end")
}
