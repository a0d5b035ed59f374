package archive

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/tree"
)

// source hands out the uncompressed tar without copying it: chunks come from
// next and are cut as needed.
type source struct {
	next   func() ([]byte, error) // the next chunk, valid until the call after; io.EOF at the end
	chunk  []byte
	offset int64 // bytes handed out
	block  [blockSize]byte
}

// some returns between 1 and max bytes, or io.EOF at the end.
func (s *source) some(max int64) ([]byte, error) {
	for len(s.chunk) == 0 {
		chunk, err := s.next()
		if err != nil {
			return nil, err
		}
		s.chunk = chunk
	}
	n := min(int64(len(s.chunk)), max)
	p := s.chunk[:n]
	s.chunk = s.chunk[n:]
	s.offset += n
	return p, nil
}

// nextBlock returns the next block, io.EOF at the end, and
// io.ErrUnexpectedEOF if the tar ends inside the block.
func (s *source) nextBlock() ([]byte, error) {
	p, err := s.some(blockSize)
	if err != nil || len(p) == blockSize {
		return p, err
	}
	n := copy(s.block[:], p)
	for n < blockSize {
		p, err := s.some(int64(blockSize - n))
		if errors.Is(err, io.EOF) {
			return nil, io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
		n += copy(s.block[n:], p)
	}
	return s.block[:], nil
}

// tarReader reads the members of a tar.
type tarReader struct {
	source
	dialect  dialect // of the first header
	paxUsed  bool
	embedded digest.ObjectID
	pending  *header // a header that start read and did not use
	ended    bool    // the end of the archive was read
	place    int64   // offset of the last header read
}

func (t *tarReader) dialectName() string {
	if t.paxUsed {
		return "pax"
	}
	return t.dialect.String()
}

// start reads a global header, if the archive begins with one.
func (t *tarReader) start() error {
	h, err := t.header()
	if err != nil || h == nil {
		return err
	}
	if h.typ != typeGlobal {
		t.pending = h
		return nil
	}
	data, err := t.meta(h)
	if err == nil {
		t.embedded, err = parseGlobal(data)
	}
	return at(err, t.place, h.name)
}

// header reads the next header; nil means the end of the archive.
func (t *tarReader) header() (*header, error) {
	if h := t.pending; h != nil {
		t.pending = nil
		return h, nil
	}
	if t.ended {
		return nil, nil
	}
	t.place = t.offset
	block, err := t.nextBlock()
	switch {
	case errors.Is(err, io.EOF) && t.offset == 0:
		return nil, refusal.New(refusal.TarEmpty, "the archive is empty").At(0, "")
	case errors.Is(err, io.EOF):
		return nil, refusal.New(refusal.TarNoEOF, "the archive ends without two zero blocks").At(t.offset, "")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, refusal.New(refusal.TarTruncated, "the archive ends inside a header").At(t.place, "")
	case err != nil:
		return nil, err
	}
	if firstNonZero(block) < 0 {
		t.ended = true
		return nil, t.end()
	}
	h, err := parseHeader(block)
	if err != nil {
		return nil, at(err, t.place, "")
	}
	if t.dialect == 0 {
		t.dialect = h.dialect
	}
	return h, at(t.checkType(h), t.place, h.name)
}

// end reads what follows the first of the two zero blocks: another, and then
// only whole blocks of zeros.
func (t *tarReader) end() error {
	block, err := t.nextBlock()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || err == nil && firstNonZero(block) >= 0 {
		return refusal.New(refusal.TarLoneZero, "one zero block that is not followed by another").At(t.place, "")
	}
	for err == nil {
		block, err = t.nextBlock()
		if err == nil && firstNonZero(block) >= 0 {
			return refusal.New(refusal.TarAfterEOF, "bytes other than zero after the end of the archive").At(t.offset-blockSize, "")
		}
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return refusal.New(refusal.TarAfterEOF, "the zeros after the end of the archive are no whole number of blocks").At(t.offset, "")
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// checkType refuses headers of another dialect than the archive's first, and
// types that the dialect does not have.
func (t *tarReader) checkType(h *header) error {
	if h.dialect != t.dialect {
		return refusal.New(refusal.TarMixedFormat, "a %v header in an archive that began with %v", h.dialect, t.dialect)
	}
	switch h.typ {
	case typeRegularNUL, typeRegular, typeHardLink, typeSymlink, typeDirectory, typeCharacter, typeBlock, typeFIFO:
		return nil
	case typeGlobal, typeExtended:
		if h.dialect == ustar {
			return nil
		}
	case typeLongName, typeLongLink:
		if h.dialect == gnu {
			return nil
		}
	default:
		return refusal.New(refusal.TarType, "the member's type is %q, expected a regular file, directory, link, FIFO or device", h.typ)
	}
	return refusal.New(refusal.TarMixedFormat, "a header of type %q, which %v archives do not have", h.typ, h.dialect)
}

// meta reads the data of an extension header.
func (t *tarReader) meta(h *header) ([]byte, error) {
	if h.size > maxMetaBytes {
		return nil, refusal.New(refusal.MetaTooBig, "an extension header of %d bytes, at most %d are accepted", h.size, maxMetaBytes)
	}
	var data []byte
	err := t.data(h, func(p []byte) { data = append(data, p...) })
	return data, err
}

// data hands the member's content to each, and checks its padding.
func (t *tarReader) data(h *header, each func([]byte)) error {
	place := t.place
	truncated := func(err error) error {
		if errors.Is(err, io.EOF) {
			return refusal.New(refusal.TarTruncated, "the archive ends inside the member's %d bytes or their padding", h.size).At(place, h.name)
		}
		return err
	}
	for left := h.size; left > 0; {
		p, err := t.some(left)
		if err != nil {
			return truncated(err)
		}
		each(p)
		left -= int64(len(p))
	}
	for left := -h.size & (blockSize - 1); left > 0; {
		p, err := t.some(left)
		if err != nil {
			return truncated(err)
		}
		if firstNonZero(p) >= 0 {
			return refusal.New(refusal.TarPadding, "bytes other than zero after the member's content").At(t.offset-int64(len(p)), h.name)
		}
		left -= int64(len(p))
	}
	return nil
}

// members reads all members into c.
func (t *tarReader) members(ctx context.Context, c *collector) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, o, err := t.member()
		if err != nil || h == nil {
			return err
		}
		if err := at(o.resolve(h), t.place, h.name); err != nil {
			return err
		}
		if err := t.collect(c, h); err != nil {
			return err
		}
	}
}

// member reads the next member's header and the extension headers before it.
func (t *tarReader) member() (*header, *override, error) {
	o := &override{size: -1}
	for {
		h, err := t.header()
		switch {
		case err != nil:
			return nil, nil, err
		case h == nil && o.any():
			return nil, nil, refusal.New(refusal.TarDangling, "an extension header with no member after it").At(t.place, "")
		case h == nil:
			return nil, nil, nil
		}
		switch h.typ {
		case typeGlobal:
			return nil, nil, refusal.New(refusal.PaxGlobal, "a global header that is not the first header of the archive").At(t.place, h.name)
		case typeExtended, typeLongName, typeLongLink:
			if err := t.extend(o, h); err != nil {
				return nil, nil, at(err, t.place, h.name)
			}
		default:
			return h, o, nil
		}
	}
}

// extend reads one extension header into o.
func (t *tarReader) extend(o *override, h *header) error {
	switch {
	case h.typ == typeExtended && o.extended:
		return refusal.New(refusal.PaxOrder, "two extended headers before one member")
	case h.typ == typeLongName && o.longName || h.typ == typeLongLink && o.longLink:
		return refusal.New(refusal.GNULong, "two long names of one kind before one member")
	}
	data, err := t.meta(h)
	if err != nil {
		return err
	}
	switch h.typ {
	case typeExtended:
		t.paxUsed = true
		return o.parseExtended(data)
	case typeLongName:
		o.longName = true
		o.path, err = parseLong(data)
	case typeLongLink:
		o.longLink = true
		o.linkpath, err = parseLong(data)
	}
	return err
}

// modeTypes are the file type bits of st_mode that agree with a member type
// (POSIX <sys/stat.h>); some writers put them into the mode field.
var modeTypes = map[byte]int64{
	typeRegular: 0o100000, typeRegularNUL: 0o100000, typeDirectory: 0o040000, typeSymlink: 0o120000,
	typeHardLink: 0o100000, typeCharacter: 0o020000, typeBlock: 0o060000, typeFIFO: 0o010000,
}

// collect turns a header into a member and reads its content.
func (t *tarReader) collect(c *collector, h *header) error {
	place := t.place
	if h.dialect == v7 && h.typ == typeRegularNUL && h.size == 0 && strings.HasSuffix(h.name, "/") {
		h.typ = typeDirectory // tar(5) of Seventh Edition Unix has no type for it; bsdtar writes so
	}
	if bits := h.mode &^ 0o7777; bits != 0 && bits != modeTypes[h.typ] {
		return refusal.New(refusal.Mode, "the mode field says file type %06o, which contradicts the member's type %q", bits, h.typ).At(place, h.name)
	}
	m := member{name: h.name, offset: place, size: h.size, perm: uint16(h.mode & 0o7777)}
	if h.mode&0o111 != 0 {
		m.exec = tree.Executable
	}
	switch h.typ {
	case typeRegular, typeRegularNUL:
		m.kind = tree.File
		return t.collectFile(c, h, m)
	case typeDirectory:
		m.kind, m.exec = tree.Directory, tree.NotExecutable
	case typeSymlink:
		m.kind, m.target, m.exec = tree.Symlink, h.linkname, tree.NotExecutable
	case typeHardLink:
		m.kind, m.target = tree.File, h.linkname
	default:
		m.kind, m.exec = tree.Special, tree.NotExecutable
	}
	if h.size != 0 {
		return refusal.New(refusal.TarType, "a member of type %q with %d bytes of data, which only regular files have", h.typ, h.size).At(place, h.name)
	}
	if h.typ == typeHardLink {
		return c.hardLink(m)
	}
	return c.begin(m)
}

func (t *tarReader) collectFile(c *collector, h *header, m member) error {
	if err := c.begin(m); err != nil {
		return err
	}
	if err := t.data(h, c.content); err != nil {
		return err
	}
	c.end()
	return nil
}
