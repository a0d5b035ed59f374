package catalogue

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
)

// The format of compiled catalogues: "The Format of GNU MO Files" in the
// gettext manual, and gettext's gmo.h.
const (
	magic        = 0x950412de
	segmentsEnd  = 0xffffffff
	maxAlignment = 64 // of strings; msgfmt's --alignment=N, by default 1
)

// ParseMO reads a compiled catalogue in either byte order, of revision 0.0 or
// 0.1. It accepts what msgfmt writes and nothing else: header, tables, hash
// table (or none: --no-hash) and strings follow one another in the order of
// write-mo.c; every offset is that of the next free byte, for strings rounded
// up to one power of two of at most 64 throughout (--alignment), and the bytes
// skipped are zero; messages are sorted; nothing follows the last string. So
// only the messages, the byte order, the alignment and the presence of the hash
// table are the file's choice. The error is a *ParseError.
func ParseMO(data []byte) (*Catalogue, error) {
	if len(data) > MaxFileBytes {
		return nil, &ParseError{Detail: fmt.Sprintf("the file has %d bytes, at most %d are accepted", len(data), MaxFileBytes)}
	}
	var first error
	for alignment := 1; alignment <= maxAlignment; alignment *= 2 {
		r := moReader{data: data, order: binary.LittleEndian, alignment: alignment}
		c := r.catalogue()
		if r.err == nil {
			return c, nil
		}
		if first == nil {
			first = r.err
		}
		if !r.displaced {
			break
		}
	}
	return nil, first
}

// moReader reads a file from its first byte to its last. After the first error
// it reads zeros.
type moReader struct {
	data      []byte
	order     binary.ByteOrder
	alignment int
	pos       int
	err       error
	displaced bool // a string stands elsewhere than the alignment says
}

// moHeader is the header, its offsets checked in place.
type moHeader struct {
	minor, strings, originals, translations, hashSize, hash uint32
	segments, segmentTable, systems                         uint32 // in revision 0.1 only
	systemTables                                            [2]uint32
}

func (r *moReader) fail(at int, format string, args ...any) {
	if r.err == nil {
		r.err = &ParseError{Offset: at, Detail: fmt.Sprintf(format, args...)}
	}
}

// take takes the next n bytes.
func (r *moReader) take(n uint32) []byte {
	if int64(n) > int64(len(r.data)-r.pos) {
		r.fail(r.pos, "%d bytes are expected here, the file has %d", n, len(r.data)-r.pos)
	}
	if r.err != nil {
		return nil
	}
	r.pos += int(n)
	return r.data[r.pos-int(n) : r.pos]
}

// word takes the next 32 bits.
func (r *moReader) word() uint32 {
	if b := r.take(4); b != nil {
		return r.order.Uint32(b)
	}
	return 0
}

// table takes n entries of the given size, which must begin where the header
// says.
func (r *moReader) table(offset, n uint32, size int) []byte {
	if int64(offset) != int64(r.pos) {
		r.fail(r.pos, "a table stands at byte %d where this one is expected", offset)
	}
	if int64(n)*int64(size) > int64(len(r.data)) {
		r.fail(r.pos, "a table of %d entries does not fit into the file", n)
		return nil
	}
	return r.take(n * uint32(size))
}

// begin moves to the next string, over zeros, and checks its offset.
func (r *moReader) begin(offset uint32) {
	for r.err == nil && r.pos%r.alignment != 0 {
		if padding := r.take(1); padding != nil && padding[0] != 0 {
			r.fail(r.pos-1, "the padding before a string is not zero")
		}
	}
	if r.err == nil && int64(offset) != int64(r.pos) {
		r.fail(r.pos, "a string stands at byte %d where this one is expected", offset)
		r.displaced = true
	}
}

// string takes the string that the entry i of a table describes, without the
// NUL at its end.
func (r *moReader) string(table []byte, i int) []byte {
	if r.err != nil {
		return nil
	}
	r.begin(r.order.Uint32(table[8*i+4:]))
	s := r.take(r.order.Uint32(table[8*i:]))
	if end := r.take(1); end != nil && end[0] != 0 {
		r.fail(r.pos-1, "a string is not ended by NUL")
	}
	return s
}

// header takes the header.
func (r *moReader) header() moHeader {
	if first := r.word(); first == bits.ReverseBytes32(magic) {
		r.order = binary.BigEndian
	} else if first != magic {
		r.fail(0, "the file does not begin as a compiled catalogue")
	}
	h := moHeader{minor: r.word()}
	if h.minor > 1 { // major revision 1 has the flag "I" in formats, which hardly anybody uses
		r.fail(4, "the revision 0x%08x is none that is read here", h.minor)
	}
	h.strings, h.originals, h.translations = r.word(), r.word(), r.word()
	h.hashSize, h.hash = r.word(), r.word()
	if h.minor == 1 {
		h.segments, h.segmentTable, h.systems = r.word(), r.word(), r.word()
		h.systemTables = [2]uint32{r.word(), r.word()}
		if r.err == nil && (h.systems == 0 || h.segments == 0) {
			r.fail(28, "revision 0.1 without a message that depends on the system")
		}
	}
	if int64(h.strings)+int64(h.systems) > MaxMessages {
		r.fail(8, "the catalogue has %d messages, at most %d are accepted", int64(h.strings)+int64(h.systems), MaxMessages)
	}
	return h
}

// catalogue takes the whole file.
func (r *moReader) catalogue() *Catalogue {
	h := r.header()
	originals := r.table(h.originals, h.strings, 8)
	translations := r.table(h.translations, h.strings, 8)
	hashAt := r.pos
	hash := r.table(h.hash, h.hashSize, 4)
	s := r.systemTables(&h)
	if r.err != nil {
		return nil
	}
	plain := make([]message, h.strings)
	for i := range plain {
		plain[i].id = r.string(originals, i)
	}
	for i := range plain {
		plain[i].str = r.string(translations, i)
	}
	systems := r.systemStrings(s)
	if r.err == nil && r.pos != len(r.data) {
		r.fail(r.pos, "%d bytes follow the last string", len(r.data)-r.pos)
	}
	r.checkMessages(plain, systems)
	r.checkPieces(s, systems)
	if h.hashSize != 0 || h.minor == 1 {
		r.checkHash(hashAt, hash, plain, len(systems))
	}
	plain, complete := withoutInstances(plain, systems)
	if !complete {
		r.fail(0, "of the messages that depend on the system, some are filled in for 32 and 64 bits and some are not")
	}
	if r.err != nil {
		return nil
	}
	c, twice := newCatalogue(append(plain, systems...))
	if twice != nil {
		r.fail(0, "the message %s is there twice", excerpt(twice.id))
	}
	return c
}

// checkMessages looks at what the strings say.
func (r *moReader) checkMessages(plain, systems []message) {
	for i := range plain {
		m := &plain[i]
		r.checkMessage(m, i)
		if i > 0 && r.err == nil && bytes.Compare(plain[i-1].id[:plain[i-1].key], m.id[:m.key]) >= 0 {
			r.fail(0, "the message %s is not sorted after the one before it", excerpt(m.id))
		}
	}
	for i := range systems {
		r.checkMessage(&systems[i], i)
	}
}

// checkMessage completes a message, which must be one that msgfmt writes.
func (r *moReader) checkMessage(m *message, place int) {
	if r.err != nil {
		return
	}
	m.place = place
	key, plural, hasPlural := bytes.Cut(m.id, []byte{0})
	m.key = len(key)
	contexts := bytes.Count(m.id, []byte{contextEnd})
	switch {
	case bytes.IndexByte(plural, 0) >= 0:
		r.fail(0, "the msgid %s has more than one plural", excerpt(m.id))
	case contexts > 1 || bytes.IndexByte(plural, contextEnd) >= 0 || bytes.IndexByte(m.str, contextEnd) >= 0:
		r.fail(0, "the message %s has the byte 0x04 elsewhere than after its context", excerpt(m.id))
	case !hasPlural && bytes.IndexByte(m.str, 0) >= 0:
		r.fail(0, "the translation of %s has plural forms, its msgid has none", excerpt(m.id))
	case m.isHeader() && (hasPlural || m.system):
		r.fail(0, "the header entry has plural forms or depends on the system")
	case m.key > 0 && (len(m.str) == 0 || m.str[0] == 0):
		r.fail(0, "the message %s has no translation: msgfmt leaves it out then", excerpt(m.id))
	}
}

// maxProbes is the number of slots per message that are looked at, on average,
// before a hash table is refused: msgfmt's tables, three quarters full, need
// less than two (the comment on double hashing in write-mo.c); only msgids
// made to collide need more.
const maxProbes = 64

// hashSize returns the size that msgfmt gives the hash table of n messages: the
// next prime from 4n/3, at least 3 (write_table in write-mo.c).
func hashSize(n int) uint32 { return nextPrime(max(3, uint32(n)*4/3)) }

// nextPrime returns the first odd number from n that no odd number divides.
func nextPrime(n uint32) uint32 {
	n |= 1
	for d := uint32(3); d*d <= n; d += 2 {
		if n%d == 0 {
			n += 2
			d = 1
		}
	}
	return n
}

// hashString is the hash function hashpjw with 32 bits (gettext's
// hash-string.c).
func hashString(s []byte) uint32 {
	h := uint32(0)
	for _, c := range s {
		h = h<<4 + uint32(c)
		if top := h & 0xf0000000; top != 0 {
			h ^= top>>24 ^ top
		}
	}
	return h
}

// checkHash requires the hash table that msgfmt makes: its size counts all
// messages, its entries are those that do not depend on the system.
func (r *moReader) checkHash(at int, table []byte, plain []message, systems int) {
	if r.err != nil {
		return
	}
	slots := uint32(len(table) / 4)
	n := len(plain) + systems
	// Up to 0.21 gettext takes 3 for no prime (is_prime in mem-hash-map.c).
	if size := hashSize(n); slots != size && (n != 2 || slots != 5) {
		r.fail(at, "the hash table has %d slots, expected %d", slots, size)
		return
	}
	want := make([]uint32, slots)
	probes := 0
	for i := range plain {
		m := &plain[i]
		h := hashString(m.id[:m.key])
		slot, step := h%slots, 1+h%(slots-2)
		for want[slot] != 0 && probes <= maxProbes*(len(plain)+1) {
			slot = (slot + step) % slots
			probes++
		}
		want[slot] = uint32(i) + 1
	}
	if probes > maxProbes*(len(plain)+1) {
		r.fail(at, "the msgids are made to collide in the hash table")
	}
	for i, w := range want {
		if got := r.order.Uint32(table[4*i:]); got != w {
			r.fail(at+4*i, "the slot %d of the hash table holds %d, expected %d", i, got, w)
			return
		}
	}
}
