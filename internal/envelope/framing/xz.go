package framing

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/countermark/countermark/internal/refusal"
)

// Numbers in this file, and the section numbers in its comments, are those of
// "The .xz File Format", version 1.2.1 (tukaani.org/xz/xz-file-format.txt).

const (
	xzStreamHeaderBytes = 12   // section 2.1.1
	xzFooterBytes       = 12   // section 2.1.2
	xzFooterMagic       = "YZ" // section 2.1.2.4
	xzIndexIndicator    = 0    // section 4.1: a block header never begins with 0
	xzFilterLZMA2       = 0x21 // section 5.3.1
)

// XZMagic begins an xz stream (section 2.1.1.1).
const XZMagic = "\xfd7zXZ\x00"

// XZ walks one xz stream: stream header, blocks with their LZMA2 chunks, index,
// footer. It verifies every CRC32 of the framing, and that the index lists the
// blocks that were there. Size and ratio are judged from chunk headers.
type XZ struct {
	walker
	limits Limits
	flags  [2]byte // stream flags
	check  int64   // size of each block's check in bytes
	block  xzBlock
	out    int64 // uncompressed bytes of all blocks so far
	index  xzIndex
	done   bool // the footer was accepted
}

// xzBlock is what is known of the block under way.
type xzBlock struct {
	headerBytes  int64
	dataStart    int64 // offset of its first LZMA2 chunk
	compressed   int64 // as its header declares, or -1
	uncompressed int64 // as its header declares, or -1
	outStart     int64 // XZ.out at its beginning
	wantDict     bool  // the next chunk must reset the dictionary
	wantProps    bool  // the next LZMA chunk must set properties
}

// NewXZ returns a scanner at the beginning of a file.
func NewXZ(limits Limits) *XZ {
	s := &XZ{limits: limits.WithDefaults(), index: newXZIndex()}
	s.next(xzStreamHeaderBytes, s.streamHeader)
	return s
}

// Uncompressed returns the uncompressed size of the chunks so far.
func (s *XZ) Uncompressed() int64 { return s.out }

// Finish is called at the end of the file, which it refuses if the stream has
// not ended there.
func (s *XZ) Finish() error {
	switch {
	case !s.done:
		return refuse(refusal.ZTruncated, s.offset, "the file ends inside its xz stream")
	case len(s.piece) > 0:
		return s.trailing(s.piece)
	}
	return nil
}

// streamHeader: section 2.1.1.
func (s *XZ) streamHeader(h []byte) error {
	if string(h[:6]) != XZMagic {
		return s.refuse(refusal.ZFormat, 0, "the file does not begin with the magic bytes of xz")
	}
	copy(s.flags[:], h[6:8])
	if crc32.ChecksumIEEE(h[6:8]) != binary.LittleEndian.Uint32(h[8:]) {
		return s.refuse(refusal.ZCRC, 8, "the checksum of the xz stream header does not match")
	}
	// Section 2.1.1.2 names the types of check and their sizes.
	switch check := h[7]; {
	case h[6] != 0 || check > 0x0F:
		return s.refuse(refusal.ZHeader, 6, "the xz stream header sets reserved flags")
	case check == 0x00:
		return s.refuse(refusal.ZHeader, 7, "the xz stream has no integrity check, expected CRC32, CRC64 or SHA-256")
	case check == 0x01:
		s.check = 4 // CRC32
	case check == 0x04:
		s.check = 8 // CRC64
	case check == 0x0A:
		s.check = 32 // SHA-256
	default:
		return s.refuse(refusal.ZHeader, 7, "the xz stream has an integrity check of unknown type %d, expected CRC32, CRC64 or SHA-256", check)
	}
	s.next(1, s.blockOrIndex)
	return nil
}

func (s *XZ) blockOrIndex(b []byte) error {
	if b[0] == xzIndexIndicator {
		s.index.begin(b)
		s.next(1, s.indexByte)
		return nil
	}
	s.block = xzBlock{headerBytes: (int64(b[0]) + 1) * 4, outStart: s.out, wantDict: true, wantProps: true}
	s.more(int(s.block.headerBytes), s.blockHeader)
	return nil
}

// blockHeader: section 3.1.
func (s *XZ) blockHeader(h []byte) error {
	end := len(h) - 4
	if crc32.ChecksumIEEE(h[:end]) != binary.LittleEndian.Uint32(h[end:]) {
		return s.refuse(refusal.ZCRC, end, "the checksum of an xz block header does not match")
	}
	const reserved, hasCompressed, hasUncompressed = 0x3C, 0x40, 0x80 // section 3.1.2
	flags, p := h[1], xzFields{h[2:end]}
	if flags&reserved != 0 {
		return s.refuse(refusal.ZHeader, 1, "an xz block header sets reserved flags")
	}
	s.block.compressed, s.block.uncompressed = -1, -1
	ok := true
	if flags&hasCompressed != 0 {
		s.block.compressed, ok = p.number()
		ok = ok && s.block.compressed > 0
	}
	if ok && flags&hasUncompressed != 0 {
		s.block.uncompressed, ok = p.number()
	}
	if !ok {
		return s.refuse(refusal.ZHeader, 2, "an xz block header declares a malformed size")
	}
	if err := s.filters(int(flags&3)+1, &p); err != nil {
		return err
	}
	for _, c := range p.rest {
		if c != 0 {
			return s.refuse(refusal.ZHeader, 2, "an xz block header has bytes after its filters")
		}
	}
	s.block.dataStart = s.offset
	s.next(1, s.chunkControl)
	return nil
}

// filters reads count filters, of which only a lone LZMA2 is accepted
// (sections 3.1.5 and 5.3.1).
func (s *XZ) filters(count int, p *xzFields) error {
	id, ok := p.number()
	if !ok {
		return s.refuse(refusal.ZHeader, 2, "an xz block header names a malformed filter")
	}
	if id != xzFilterLZMA2 {
		return s.refuse(refusal.ZFormat, 2, "the xz filter %s is not supported, expected LZMA2 alone", xzFilterName(id))
	}
	if count != 1 {
		return s.refuse(refusal.ZHeader, 2, "an xz block header lists %d filters of which the first is LZMA2, expected LZMA2 alone", count)
	}
	size, ok := p.number()
	if !ok || size != 1 || len(p.rest) == 0 {
		return s.refuse(refusal.ZHeader, 2, "the properties of LZMA2 are malformed, expected one byte")
	}
	bits := p.rest[0]
	p.rest = p.rest[1:]
	const maxBits = 40
	if bits > maxBits {
		return s.refuse(refusal.ZHeader, 2, "the dictionary size of LZMA2 is encoded as %d, expected at most 40", bits)
	}
	// Section 5.3.1: (2 | (bits & 1)) << (bits / 2 + 11), and 4 GiB - 1 for 40.
	dictionary := uint64(2|bits&1) << (bits/2 + 11)
	return s.limits.CheckWindow(dictionary, s.start())
}

// xzFilterName names a filter id (sections 5.3 and 5.4).
func xzFilterName(id int64) string {
	names := map[int64]string{
		0x03: "Delta", 0x04: "x86 BCJ", 0x05: "PowerPC BCJ", 0x06: "IA-64 BCJ", 0x07: "ARM BCJ",
		0x08: "ARM-Thumb BCJ", 0x09: "SPARC BCJ", 0x0A: "ARM64 BCJ", 0x0B: "RISC-V BCJ",
	}
	if name, ok := names[id]; ok {
		return name
	}
	return fmt.Sprintf("0x%x", id)
}

// chunkControl reads the control byte of an LZMA2 chunk. LZMA2 has no
// specification in prose; this is the state machine of liblzma's
// lzma2_decoder.c.
func (s *XZ) chunkControl(b []byte) error {
	const (
		endMarker, copyWithReset, copyOnly    = 0x00, 0x01, 0x02
		lzma, lzmaProps, lzmaPropsWithDict    = 0x80, 0xC0, 0xE0
		sizesOfCopy, sizesOfLZMA, sizesOfProp = 3, 6, 7 // bytes of the chunk's header, and of the first of LZMA data
	)
	control, block := b[0], &s.block
	switch {
	case control == endMarker:
		return s.blockEnd()
	case control >= lzmaPropsWithDict || control == copyWithReset:
		block.wantDict, block.wantProps = false, true
	case block.wantDict:
		return s.refuse(refusal.ZCRC, 0, "the first LZMA2 chunk does not reset the dictionary")
	}
	switch {
	case control >= lzmaProps:
		block.wantProps = false
		s.more(sizesOfProp, s.chunkHeader)
	case control >= lzma && block.wantProps:
		return s.refuse(refusal.ZCRC, 0, "an LZMA2 chunk uses properties that none has set")
	case control >= lzma:
		s.more(sizesOfLZMA, s.chunkHeader)
	case control <= copyOnly:
		s.more(sizesOfCopy, s.chunkHeader)
	default:
		return s.refuse(refusal.ZCRC, 0, "an LZMA2 chunk begins with 0x%02x, which means nothing", control)
	}
	return nil
}

// chunkHeader reads a chunk's sizes (stored less one) and LZMA properties.
func (s *XZ) chunkHeader(h []byte) error {
	uncompressed := int64(binary.BigEndian.Uint16(h[1:3])) + 1
	compressed := uncompressed
	present := int64(0) // bytes of data in h
	if h[0]&0x80 != 0 {
		uncompressed += int64(h[0]&0x1F) << 16
		compressed = int64(binary.BigEndian.Uint16(h[3:5])) + 1
		present = 1
		// The range coder's first byte is always zero, and some decoders
		// do not look at it (liblzma's range_decoder.h).
		if h[len(h)-1] != 0 {
			return s.refuse(refusal.ZCRC, len(h)-1, "the LZMA data of a chunk begins with 0x%02x, expected 0", h[len(h)-1])
		}
	}
	if len(h) == 7 {
		// Properties are (pb * 5 + lp) * 9 + lc, with lc + lp at most 4.
		props := int(h[5])
		if lc, lp := props%9, props/9%5; props > (4*5+4)*9+8 || lc+lp > 4 {
			return s.refuse(refusal.ZCRC, 5, "an LZMA2 chunk sets the impossible properties 0x%02x", props)
		}
	}
	s.out += uncompressed
	if err := s.limits.CheckSize(s.out); err != nil {
		return err
	}
	if err := s.limits.CheckRatio(s.out, s.offset+compressed-present); err != nil {
		return err
	}
	s.skip(compressed - present)
	s.next(1, s.chunkControl)
	return nil
}

// blockEnd is called at the end marker of LZMA2: padding and check follow
// (sections 3.3 and 3.4).
func (s *XZ) blockEnd() error {
	compressed, uncompressed := s.offset-s.block.dataStart, s.out-s.block.outStart
	if s.block.compressed >= 0 && s.block.compressed != compressed {
		return s.refuse(refusal.ZCRC, 0, "an xz block holds %d compressed bytes, its header says %d", compressed, s.block.compressed)
	}
	if s.block.uncompressed >= 0 && s.block.uncompressed != uncompressed {
		return s.refuse(refusal.ZCRC, 0, "an xz block holds %d uncompressed bytes, its header says %d", uncompressed, s.block.uncompressed)
	}
	s.index.add(s.block.headerBytes+compressed+s.check, uncompressed)
	padding := int(-compressed & 3)
	s.next(padding+int(s.check), func(b []byte) error {
		for _, c := range b[:padding] {
			if c != 0 {
				return s.refuse(refusal.ZHeader, 0, "the padding of an xz block is not zero")
			}
		}
		s.next(1, s.blockOrIndex)
		return nil
	})
	return nil
}

// indexByte: section 4.
func (s *XZ) indexByte(b []byte) error {
	complete, err := s.index.push(b)
	if err != nil {
		return s.refuse(refusal.ZCRC, 0, "%v", err)
	}
	if !complete {
		s.next(1, s.indexByte)
		return nil
	}
	padding := int(-s.index.bytes & 3)
	s.next(padding+4, func(b []byte) error {
		if err := s.index.end(b[:padding], binary.LittleEndian.Uint32(b[padding:])); err != nil {
			return s.refuse(refusal.ZCRC, 0, "%v", err)
		}
		s.next(xzFooterBytes, s.footer)
		return nil
	})
	return nil
}

// footer: section 2.1.2.
func (s *XZ) footer(f []byte) error {
	backward := (int64(binary.LittleEndian.Uint32(f[4:8])) + 1) * 4
	switch {
	case string(f[10:12]) != xzFooterMagic:
		return s.refuse(refusal.ZCRC, 10, "the xz stream does not end with the magic bytes of its footer")
	case crc32.ChecksumIEEE(f[4:10]) != binary.LittleEndian.Uint32(f[0:4]):
		return s.refuse(refusal.ZCRC, 0, "the checksum of the xz footer does not match")
	case backward != s.index.bytes:
		return s.refuse(refusal.ZCRC, 4, "the xz footer says that the index has %d bytes, it has %d", backward, s.index.bytes)
	case f[8] != s.flags[0] || f[9] != s.flags[1]:
		return s.refuse(refusal.ZCRC, 8, "the flags of the xz footer are not those of the header")
	}
	s.done = true
	s.next(len(XZMagic), s.trailing)
	return nil
}

// trailing refuses whatever follows the footer.
func (s *XZ) trailing(b []byte) error {
	if string(b) == XZMagic {
		return s.refuse(refusal.ZMulti, 0, "a second xz stream begins, expected the end of the file")
	}
	return s.refuse(refusal.ZTrailing, 0, "the file goes on after its xz stream, expected its end")
}
