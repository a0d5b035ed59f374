package catalogue

import (
	"encoding/binary"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pair is a message as a compiled catalogue has it.
type pair struct{ id, str string }

// moFile writes compiled catalogues, independently of how they are read.
type moFile struct {
	order     binary.AppendByteOrder
	alignment int
	hashSize  int
	plain     []pair
	systems   []pair
}

var (
	testDirective = regexp.MustCompile(`(%[-+ #0-9$*.']*)<(PRI[diouxX](?:(?:LEAST|FAST)?(?:8|16|32|64)|MAX|PTR))>`)
	endOfPieces   = ^uint32(0)
)

// directive is a system-dependent segment of a string.
type directive struct {
	start, end int
	name       string
}

// directives finds those of a translation, or of the msgid in an id.
func directives(s string, isID bool) []directive {
	from, to := 0, len(s)
	if isID {
		from = strings.IndexByte(s, 4) + 1
		key, _, _ := strings.Cut(s, "\x00")
		to = len(key)
	}
	var found []directive
	for _, m := range testDirective.FindAllStringSubmatchIndex(strings.ReplaceAll(s[from:to], "%%", "  "), -1) {
		found = append(found, directive{from + m[3], from + m[1], s[from+m[4] : from+m[5]]})
	}
	return found
}

// bytes returns the file.
func (f moFile) bytes() []byte {
	header, descriptions := 7, 0
	var names []string
	for _, p := range f.systems {
		for _, m := range append(directives(p.id, true), directives(p.str, false)...) {
			descriptions += 2
			if !slices.Contains(names, m.name) {
				names = append(names, m.name)
			}
		}
		descriptions += 6
	}
	if len(f.systems) > 0 {
		header = 12
	}
	n, k := len(f.plain), len(f.systems)
	at := func(words int) uint32 { return uint32(4 * words) }
	tables := header + 4*n + f.hashSize
	s := moStrings{alignment: f.alignment, base: 4 * (tables + 2*len(names) + 2*k + descriptions)}
	words := []uint32{0x950412de, 0, uint32(n), at(header), at(header + 2*n), uint32(f.hashSize), at(header + 4*n)}
	if k > 0 {
		words[1] = 1
		words = append(words, uint32(len(names)), at(tables), uint32(k), at(tables+2*len(names)), at(tables+2*len(names)+k))
	}
	for _, p := range f.plain {
		words = append(words, uint32(len(p.id)), s.add(p.id))
	}
	for _, p := range f.plain {
		words = append(words, uint32(len(p.str)), s.add(p.str))
	}
	words = append(words, f.hashTable()...)
	for _, name := range names {
		words = append(words, uint32(len(name)+1), s.add(name))
	}
	words = f.describe(words, &s, names)
	var out []byte
	for _, w := range words {
		out = f.order.AppendUint32(out, w)
	}
	return append(out, s.bytes...)
}

// describe adds the tables of the strings that depend on the system.
func (f moFile) describe(words []uint32, s *moStrings, names []string) []uint32 {
	var offsets, descriptions []uint32
	first := uint32(4 * (len(words) + 2*len(f.systems)))
	describe := func(text string, cuts []directive) {
		offsets = append(offsets, first+uint32(4*len(descriptions)))
		at, last, written := len(descriptions), 0, ""
		descriptions = append(descriptions, 0)
		for _, m := range cuts {
			descriptions = append(descriptions, uint32(m.start-last), uint32(slices.Index(names, m.name)))
			written += text[last:m.start]
			last = m.end
		}
		descriptions = append(descriptions, uint32(len(text)+1-last), endOfPieces)
		descriptions[at] = s.add(written + text[last:])
	}
	for _, p := range f.systems {
		describe(p.id, directives(p.id, true))
	}
	for _, p := range f.systems {
		describe(p.str, directives(p.str, false))
	}
	return append(append(words, offsets...), descriptions...)
}

func (f moFile) hashTable() []uint32 {
	table := make([]uint32, f.hashSize)
	for i, p := range f.plain {
		if f.hashSize == 0 {
			break
		}
		h := uint32(0)
		key, _, _ := strings.Cut(p.id, "\x00")
		for _, c := range []byte(key) { // hashpjw
			h = h<<4 + uint32(c)
			h = (h ^ h>>28<<4) & 0x0fffffff
		}
		slot := h % uint32(f.hashSize)
		for table[slot] != 0 {
			slot = (slot + 1 + h%uint32(f.hashSize-2)) % uint32(f.hashSize)
		}
		table[slot] = uint32(i + 1)
	}
	return table
}

// moStrings are the strings at the end of a file.
type moStrings struct {
	alignment, base int
	bytes           []byte
}

func (s *moStrings) add(text string) uint32 {
	for (s.base+len(s.bytes))%s.alignment != 0 {
		s.bytes = append(s.bytes, 0)
	}
	offset := s.base + len(s.bytes)
	s.bytes = append(append(s.bytes, text...), 0)
	return uint32(offset)
}

const testHeader = "Project-Id-Version: demo\nContent-Type: text/plain; charset=UTF-8\n"

// small is a file with each kind of message: header, plain, with context, with
// plural forms; 4 of them make a hash table of 5.
func small() moFile {
	return moFile{binary.LittleEndian, 1, 5, []pair{
		{"", testHeader}, {"a", "b"}, {"menu\x04Open", "Öffnen"}, {"one\x00many", "eins\x00viele"},
	}, nil}
}

// smallSystem has in addition messages that depend on the system; 6 messages
// make a hash table of 11.
func smallSystem() moFile {
	f := small()
	f.hashSize = 11
	f.systems = []pair{
		{"c\x04%d of 50%% %5<PRIu64> and %-<PRIdMAX>\x00%<PRIu64> plural", "%<PRIdMAX>\x00%2$<PRIu64>"},
		{"%<PRIxPTR>", "adresse"},
	}
	return f
}

func mustMO(t testing.TB, data []byte) *Catalogue {
	t.Helper()
	c, err := ParseMO(data)
	if err != nil {
		t.Fatalf("reading compiled catalogue: %v", err)
	}
	return c
}

func mustPO(t testing.TB, text string) *Catalogue {
	t.Helper()
	c, err := ParsePO([]byte(text))
	if err != nil {
		t.Fatalf("reading PO file: %v\n%s", err, text)
	}
	return c
}

// pairs lists what is compiled, in the order of messages.
func pairs(c *Catalogue, system bool) []pair {
	var list []message
	for _, m := range c.messages {
		if m.kind == translated && m.system == system {
			list = append(list, m)
		}
	}
	if system {
		slices.SortFunc(list, func(a, b message) int { return a.place - b.place })
	}
	var out []pair
	for _, m := range list {
		out = append(out, pair{string(m.id), string(m.str)})
	}
	return out
}
