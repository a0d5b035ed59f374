package framing

import (
	"encoding/binary"
	"math"

	"github.com/countermark/countermark/internal/refusal"
)

// Sizes and bits of RFC 8878, section 3.1.1.
const (
	zstdMaxBlockBytes = 128 << 10 // section 3.1.1.2.4
	zstdDescriptorAt  = len(ZstdMagic)
	zstdBlockHeader   = 3 // bytes
	zstdChecksumBytes = 4
)

// ZstdMagic begins a zstd frame (section 3.1.1).
const ZstdMagic = "\x28\xb5\x2f\xfd"

// IsSkippableFrame reports whether a skippable frame begins (section 3.1.2:
// 0x184D2A50 to 0x184D2A5F).
func IsSkippableFrame(head []byte) bool {
	return len(head) >= 4 && head[0]&0xF0 == 0x50 && string(head[1:4]) == "\x2a\x4d\x18"
}

// Zstd walks one zstd frame: header, blocks, checksum.
type Zstd struct {
	walker
	limits      Limits
	header      bool // the frame header was accepted
	hasChecksum bool
	content     int64 // the frame's content size, or -1 if it does not say
	maxBlock    int64 // bytes that a block may have, compressed or not
	done        bool
}

// NewZstd returns a scanner at the beginning of a file.
func NewZstd(limits Limits) *Zstd {
	s := &Zstd{limits: limits.WithDefaults(), content: -1}
	s.next(zstdDescriptorAt, s.magic)
	return s
}

// Uncompressed returns the content size that the frame declares, -1 for none.
func (s *Zstd) Uncompressed() int64 { return s.content }

// LacksChecksum reports whether there was a frame header that announces none.
func (s *Zstd) LacksChecksum() bool { return s.header && !s.hasChecksum }

// Finish is called at the end of the file, which it refuses if the frame has
// not ended there.
func (s *Zstd) Finish() error {
	switch {
	case !s.done || s.gap > 0:
		return refuse(refusal.ZTruncated, s.offset, "the file ends inside its zstd frame")
	case len(s.piece) > 0:
		return s.trailing(s.piece)
	}
	return nil
}

func (s *Zstd) magic(b []byte) error {
	if IsSkippableFrame(b) {
		return s.refuse(refusal.ZHeader, 0, "the file begins with a skippable zstd frame")
	}
	s.more(zstdDescriptorAt+1, s.descriptor)
	return nil
}

// descriptor: section 3.1.1.1.1. Four fields follow, of lengths that it gives.
func (s *Zstd) descriptor(h []byte) error {
	const unused, reserved = 1 << 4, 1 << 3
	d := h[zstdDescriptorAt]
	if d&(unused|reserved) != 0 {
		return s.refuse(refusal.ZHeader, zstdDescriptorAt, "the zstd frame header sets reserved bits")
	}
	f := zstdFieldSizes(d)
	if n := len(h) + f.window + f.dictionary + f.content; n > len(h) {
		s.more(n, s.frameHeader)
		return nil
	}
	return s.frameHeader(h)
}

// zstdFields holds the lengths of the fields that a descriptor asks for.
type zstdFields struct{ window, dictionary, content int }

func zstdFieldSizes(descriptor byte) zstdFields {
	f := zstdFields{
		window:     1,
		dictionary: [4]int{0, 1, 2, 4}[descriptor&3],
		content:    [4]int{0, 2, 4, 8}[descriptor>>6],
	}
	if descriptor&(1<<5) != 0 { // Single_Segment_flag
		f.window = 0
		f.content = max(f.content, 1)
	}
	return f
}

// frameHeader: section 3.1.1.1.
func (s *Zstd) frameHeader(h []byte) error {
	s.hasChecksum = h[zstdDescriptorAt]&(1<<2) != 0
	f := zstdFieldSizes(h[zstdDescriptorAt])
	windowAt := zstdDescriptorAt + 1
	dictionaryAt := windowAt + f.window
	contentAt := dictionaryAt + f.dictionary
	for _, c := range h[dictionaryAt:contentAt] {
		if c != 0 {
			return s.refuse(refusal.ZHeader, dictionaryAt, "the zstd frame needs a dictionary")
		}
	}
	var content uint64
	if f.content > 0 {
		var field [8]byte
		copy(field[:], h[contentAt:])
		content = binary.LittleEndian.Uint64(field[:])
		if f.content == 2 {
			content += 256 // section 3.1.1.1.4
		}
		if content > uint64(s.limits.MaxUncompressedBytes) {
			return s.limits.CheckSize(math.MaxInt64)
		}
		s.content = int64(content)
	}
	window := content
	if f.window > 0 {
		window = zstdWindow(h[windowAt])
	}
	if err := s.limits.CheckWindow(window, s.start()+int64(windowAt)); err != nil {
		return err
	}
	s.maxBlock = int64(min(window, zstdMaxBlockBytes))
	s.header = true
	s.next(zstdBlockHeader, s.blockHeader)
	return nil
}

// zstdWindow: section 3.1.1.1.2.
func zstdWindow(descriptor byte) uint64 {
	base := uint64(1) << (10 + descriptor>>3)
	return base + base/8*uint64(descriptor&7)
}

// blockHeader: section 3.1.1.2.
func (s *Zstd) blockHeader(h []byte) error {
	const raw, rle, compressed = 0, 1, 2
	field := uint32(h[0]) | uint32(h[1])<<8 | uint32(h[2])<<16
	last, size := field&1 != 0, int64(field>>3)
	if size > s.maxBlock {
		return s.refuse(refusal.ZHeader, 0, "a zstd block has %d bytes, expected at most %d", size, s.maxBlock)
	}
	switch field >> 1 & 3 {
	case raw, compressed:
		s.skip(size)
	case rle:
		s.skip(1) // one byte, repeated size times
	default:
		return s.refuse(refusal.ZHeader, 0, "a zstd block is of the reserved type")
	}
	switch {
	case !last:
		s.next(zstdBlockHeader, s.blockHeader)
	case s.hasChecksum:
		s.next(zstdChecksumBytes, func([]byte) error { s.end(); return nil })
	default:
		s.end()
	}
	return nil
}

// end: nothing may follow what was skipped last.
func (s *Zstd) end() {
	s.next(len(ZstdMagic), s.trailing)
	s.done = true
}

// trailing refuses whatever follows the frame.
func (s *Zstd) trailing(b []byte) error {
	switch {
	case string(b) == ZstdMagic:
		return s.refuse(refusal.ZMulti, 0, "a second zstd frame begins, expected the end of the file")
	case IsSkippableFrame(b):
		return s.refuse(refusal.ZHeader, 0, "a skippable zstd frame follows, expected the end of the file")
	}
	return s.refuse(refusal.ZTrailing, 0, "the file goes on after its zstd frame, expected its end")
}
