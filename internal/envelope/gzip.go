package envelope

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/klauspost/compress/flate"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/refusal"
)

// Flags of a gzip header (RFC 1952, section 2.3.1). FTEXT (1) is a claim that
// changes nothing.
const (
	gzipHeaderCRC = 1 << 1
	gzipExtra     = 1 << 2
	gzipName      = 1 << 3
	gzipComment   = 1 << 4
	gzipReserved  = 7 << 5
)

// maxGzipNameBytes is the longest base name that file systems have.
const maxGzipNameBytes = 255

// gzipBody reads a file of exactly one gzip member. Deflate is decoded from a
// buffered reader byte by byte, so that its end is known exactly.
type gzipBody struct {
	src     *source
	inflate io.ReadCloser // nil before the header was read
	name    string        // FNAME
	crc     uint32        // of the bytes given out
	size    uint32        // their number modulo 2^32, as ISIZE counts
	err     error         // sticky
}

func newGzip(src *source) *gzipBody { return &gzipBody{src: src} }

func (g *gzipBody) consumed() int64 { return g.src.consumed() }
func (g *gzipBody) decoder() string { return "go gzip" }
func (g *gzipBody) Close() error    { return nil }

func (g *gzipBody) notes() []string {
	if g.name == "" {
		return nil
	}
	return []string{"the gzip header names the file " + escape.Quote(g.name)}
}

func (g *gzipBody) Read(p []byte) (int, error) {
	if g.err != nil {
		return 0, g.err
	}
	if g.inflate == nil {
		if g.err = g.readHeader(); g.err != nil {
			return 0, g.err
		}
		g.inflate = flate.NewReader(g.src.Reader)
	}
	n, err := g.inflate.Read(p)
	g.crc = crc32.Update(g.crc, crc32.IEEETable, p[:n])
	g.size += uint32(n)
	if err != nil {
		g.err = g.end(err)
	}
	return n, g.err
}

// end maps the error with which deflate ended.
func (g *gzipBody) end(err error) error {
	var corrupt flate.CorruptInputError
	switch {
	case g.src.failure() != nil:
		return g.src.failure()
	case err == io.EOF:
		return g.readTrailer()
	case err == io.ErrUnexpectedEOF:
		return g.truncated("its compressed data")
	case errors.As(err, &corrupt):
		return refuse(refusal.ZCRC, g.src.consumed(), "the deflate data is corrupt")
	}
	return refuse(refusal.ZCRC, g.src.consumed(), "the deflate data is corrupt (%v)", err)
}

// truncated returns the refusal of a file that ends inside what, or the error
// that kept it from being read on.
func (g *gzipBody) truncated(what string) error {
	if err := g.src.failure(); err != nil {
		return err
	}
	return refuse(refusal.ZTruncated, g.src.consumed(), "the file ends inside %s", what)
}

// readHeader reads a member header (RFC 1952, section 2.3).
func (g *gzipBody) readHeader() error {
	var h [10]byte
	if _, err := io.ReadFull(g.src, h[:]); err != nil {
		return g.truncated("its gzip header")
	}
	const methodDeflate = 8
	flags := h[3]
	switch {
	case h[2] != methodDeflate:
		return refuse(refusal.ZHeader, 2, "the gzip method is %d, expected 8 (deflate)", h[2])
	case flags&gzipReserved != 0:
		return refuse(refusal.ZHeader, 3, "the gzip header sets reserved flags (0x%02x)", flags&gzipReserved)
	case flags&gzipExtra != 0:
		return refuse(refusal.ZHeader, 3, "the gzip header has an extra field")
	case flags&gzipComment != 0:
		return refuse(refusal.ZHeader, 3, "the gzip header has a comment")
	}
	crc := crc32.ChecksumIEEE(h[:])
	if flags&gzipName != 0 {
		raw, err := g.readName()
		if err != nil {
			return err
		}
		crc = crc32.Update(crc, crc32.IEEETable, raw)
	}
	if flags&gzipHeaderCRC != 0 {
		return g.checkHeaderCRC(uint16(crc))
	}
	return nil
}

// readName reads FNAME and returns its bytes with the NUL that ends it.
func (g *gzipBody) readName() ([]byte, error) {
	offset := g.src.consumed()
	var raw []byte
	for len(raw) == 0 || raw[len(raw)-1] != 0 {
		c, err := g.src.ReadByte()
		if err != nil {
			return nil, g.truncated("the name in its gzip header")
		}
		if raw = append(raw, c); len(raw) > maxGzipNameBytes+1 {
			return nil, refuse(refusal.ZHeader, offset, "the name in the gzip header is longer than %d bytes", maxGzipNameBytes)
		}
	}
	g.name = string(raw[:len(raw)-1])
	if !isBaseName(g.name) {
		return nil, refuse(refusal.ZHeader, offset, "the name in the gzip header is %q, expected a plain base name", g.name)
	}
	return raw, nil
}

// isBaseName reports whether name could be a file's name in a directory and
// is printable. RFC 1952 means Latin-1; programs write what the system has.
func isBaseName(name string) bool {
	if name == "" || name == "." || name == ".." || !utf8.ValidString(name) {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool { return r == '/' || r == '\\' || !escape.Visible(r) })
}

func (g *gzipBody) checkHeaderCRC(want uint16) error {
	offset := g.src.consumed()
	var field [2]byte
	if _, err := io.ReadFull(g.src, field[:]); err != nil {
		return g.truncated("the checksum of its gzip header")
	}
	if got := binary.LittleEndian.Uint16(field[:]); got != want {
		return refuse(refusal.ZCRC, offset, "the checksum of the gzip header is %04x, its bytes give %04x", got, want)
	}
	return nil
}

// readTrailer reads CRC32 and ISIZE, and looks for the end of the file.
func (g *gzipBody) readTrailer() error {
	offset := g.src.consumed()
	var t [8]byte
	if _, err := io.ReadFull(g.src, t[:]); err != nil {
		return g.truncated("its gzip trailer")
	}
	crc, size := binary.LittleEndian.Uint32(t[:4]), binary.LittleEndian.Uint32(t[4:])
	if crc != g.crc {
		return refuse(refusal.ZCRC, offset, "the gzip checksum is %08x, the data gives %08x", crc, g.crc)
	}
	if size != g.size {
		return refuse(refusal.ZCRC, offset+4, "the gzip size is %d, the data gives %d (both modulo 2^32)", size, g.size)
	}
	if err := g.src.checkEnd(gzipMagic, "gzip member"); err != nil {
		return err
	}
	return io.EOF
}
