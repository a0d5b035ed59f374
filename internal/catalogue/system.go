package catalogue

import (
	"bytes"
	"slices"
)

// A system-dependent segment is the "<PRIu64>" of "%<PRIu64>": a macro of C's
// <inttypes.h>, whose value the C library inserts when it loads a compiled
// catalogue (gettext manual, "c-format"; format-c-parse.h).

// isMacro reports whether s names an integer format macro that gettext knows
// (get_sysdep_segment_value in loadmsgcat.c).
func isMacro(s []byte) bool {
	rest, found := bytes.CutPrefix(s, []byte("PRI"))
	if !found || len(rest) == 0 || bytes.IndexByte([]byte("diouxX"), rest[0]) < 0 {
		return false
	}
	switch string(rest[1:]) {
	case "8", "16", "32", "64", "LEAST8", "LEAST16", "LEAST32", "LEAST64", "FAST8", "FAST16", "FAST32", "FAST64", "MAX", "PTR":
		return true
	}
	return false
}

// nextDirective finds the next system-dependent segment of a C format string
// at or after from, with its brackets. It follows the syntax of format
// directives without asking whether the whole string is a valid format.
func nextDirective(s []byte, from int) (start, end int, found bool) {
	for {
		i := bytes.IndexByte(s[from:], '%')
		if i < 0 {
			return 0, 0, false
		}
		from += i + 1
		for from < len(s) && bytes.IndexByte([]byte("0123456789$*.'-+ #"), s[from]) >= 0 {
			from++
		}
		if from == len(s) {
			return 0, 0, false
		}
		if s[from] == '%' {
			from++
			continue
		}
		if s[from] != '<' {
			continue
		}
		name, _, closed := bytes.Cut(s[from+1:min(len(s), from+len("<PRIxLEAST64>"))], []byte(">"))
		if closed && isMacro(name) {
			return from, from + len(name) + 2, true
		}
	}
}

// hasDirective reports whether a format string has a system-dependent segment.
func hasDirective(s []byte) bool {
	_, _, found := nextDirective(s, 0)
	return found
}

// msgid returns the msgid without context and plural: what msgfmt searches for
// directives.
func (m *message) msgid() []byte {
	id := m.id[:m.key]
	return id[bytes.IndexByte(id, contextEnd)+1:]
}

// instance returns the message as it is on one kind of computer, like msgfmt
// with context and plural left alone. long is the length modifier of intmax_t
// and of 64 bits there, pointer that of intptr_t.
func (m *message) instance(long, pointer string) message {
	msgid := m.msgid()
	start := m.key - len(msgid)
	filled := fill(msgid, long, pointer)
	return message{
		id:  slices.Concat(m.id[:start], filled, m.id[m.key:]),
		str: fill(m.str, long, pointer),
		key: start + len(filled),
	}
}

// fill replaces the macros of a format string.
func fill(format []byte, long, pointer string) []byte {
	out := make([]byte, 0, len(format))
	for from := 0; ; {
		start, end, found := nextDirective(format, from)
		if !found {
			return append(out, format[from:]...)
		}
		out = append(out, format[from:start]...)
		macro := format[start+len("<PRI") : end-1]
		switch {
		case bytes.HasSuffix(macro, []byte("MAX")) || bytes.HasSuffix(macro, []byte("64")):
			out = append(out, long...)
		case bytes.HasSuffix(macro, []byte("PTR")):
			out = append(out, pointer...)
		}
		out = append(out, macro[0])
		from = end
	}
}

// withoutInstances removes what msgfmt since 0.22 adds to the messages of a
// compiled catalogue for C libraries that cannot fill in macros: each message
// that has some, as it is on Linux with 32 and with 64 bits, unless there is a
// message with its key already (useful_instantiation_rules and write_table in
// write-mo.c). All of them must be there, or none.
func withoutInstances(plain, systems []message) (rest []message, complete bool) {
	if len(systems) == 0 {
		return plain, true
	}
	added := make(map[string]message)
	for i := range systems {
		for _, m := range []message{systems[i].instance("ll", ""), systems[i].instance("l", "l")} {
			key := string(m.id[:m.key])
			if _, found := added[key]; !found {
				added[key] = m
			}
		}
	}
	found := 0
	for _, m := range plain {
		instance, isOne := added[string(m.id[:m.key])]
		if isOne {
			found++
		}
		if !isOne || !bytes.Equal(instance.id, m.id) || !bytes.Equal(instance.str, m.str) {
			rest = append(rest, m)
		}
	}
	if found == 0 {
		return plain, true
	}
	return rest, found == len(added)
}

// moSystem describes the messages of a compiled catalogue that depend on the
// system.
type moSystem struct {
	segmentTable []byte
	strings      [2][]pieces // the msgids and the translations
}

// pieces is one struct sysdep_string of gmo.h: a string as so many bytes of
// text, then a segment, and so on up to the end of the string.
type pieces struct {
	offset          uint32
	sizes, segments []uint32
}

// systemTables takes the tables that revision 0.1 adds.
func (r *moReader) systemTables(h *moHeader) *moSystem {
	if h.minor == 0 {
		return &moSystem{}
	}
	s := &moSystem{segmentTable: r.table(h.segmentTable, h.segments, 8)}
	var tables [2][]byte
	for i := range tables {
		tables[i] = r.table(h.systemTables[i], h.systems, 4)
	}
	for i := range tables {
		for n := 0; r.err == nil && n < len(tables[i]); n += 4 {
			if offset := r.order.Uint32(tables[i][n:]); int64(offset) != int64(r.pos) {
				r.fail(r.pos, "the description of a string stands at byte %d where this one is expected", offset)
			}
			s.strings[i] = append(s.strings[i], r.pieces(h.segments))
		}
	}
	r.checkFirstUse(s, h.segments)
	return s
}

// pieces takes the description of one string.
func (r *moReader) pieces(segments uint32) pieces {
	p := pieces{offset: r.word()}
	for r.err == nil {
		p.sizes = append(p.sizes, r.word())
		segment := r.word()
		if segment == segmentsEnd {
			break
		}
		p.segments = append(p.segments, segment)
		if segment >= segments {
			r.fail(r.pos-4, "the segment %d is not in the table", segment)
		}
	}
	return p
}

// checkFirstUse requires that segments are numbered in the order in which the
// messages use them first, and that all are used.
func (r *moReader) checkFirstUse(s *moSystem, segments uint32) {
	used := uint32(0)
	for i := range s.strings[0] {
		if r.err != nil {
			return
		}
		for _, segment := range slices.Concat(s.strings[0][i].segments, s.strings[1][i].segments) {
			if segment > used {
				r.fail(0, "the segment %d is used before the segment %d", segment, used)
			}
			used = max(used, segment+1)
		}
	}
	if used != segments {
		r.fail(0, "the segment %d is not used", used)
	}
}

// systemStrings takes the segments' names and the strings that hold them.
func (r *moReader) systemStrings(s *moSystem) []message {
	var names [][]byte
	known := make(map[string]bool)
	for i := 0; r.err == nil && i < len(s.segmentTable); i += 8 {
		r.begin(r.order.Uint32(s.segmentTable[i+4:]))
		name := r.take(r.order.Uint32(s.segmentTable[i:]))
		n := len(name) - 1
		if r.err == nil && (n < 0 || name[n] != 0 || !isMacro(name[:n]) || known[string(name[:n])]) {
			r.fail(r.pos-n-1, "a segment is not one of the integer format macros, or is there twice")
			return nil
		}
		if r.err == nil {
			known[string(name[:n])] = true
			names = append(names, name[:n])
		}
	}
	messages := make([]message, len(s.strings[0]))
	for i := range messages {
		messages[i].system = true
		messages[i].id = r.pieced(s.strings[0][i], names)
	}
	for i := range messages {
		messages[i].str = r.pieced(s.strings[1][i], names)
	}
	return messages
}

// pieced takes one string, and puts the segments' names into it as the PO file
// has them, in angle brackets. The NUL at its end is left out.
func (r *moReader) pieced(p pieces, names [][]byte) []byte {
	r.begin(p.offset)
	var s []byte
	for i, size := range p.sizes {
		s = append(s, r.take(size)...)
		if r.err == nil && i < len(p.segments) {
			s = append(append(append(s, '<'), names[p.segments[i]]...), '>')
		}
	}
	if r.err == nil && (p.sizes[len(p.segments)] == 0 || s[len(s)-1] != 0) {
		r.fail(r.pos, "a string is not ended by NUL")
	}
	if r.err != nil {
		return nil
	}
	return s[:len(s)-1]
}

// checkPieces requires that the strings are cut where their text has
// directives, and that each message has one.
func (r *moReader) checkPieces(s *moSystem, messages []message) {
	for i := range messages {
		if r.err != nil {
			return
		}
		m := &messages[i]
		context := m.key - len(m.msgid())
		id, str := pieceSizes(m.id, context, m.key), pieceSizes(m.str, 0, len(m.str))
		switch {
		case len(id) == 1 && len(str) == 1:
			r.fail(0, "the message %s is among those that depend on the system, but does not", excerpt(m.id))
		case !slices.Equal(id, s.strings[0][i].sizes) || !slices.Equal(str, s.strings[1][i].sizes):
			r.fail(0, "the message %s is not cut at its format directives", excerpt(m.id))
		}
	}
}

// pieceSizes returns the lengths of what stands between the directives of
// s[from:to], with the NUL after s.
func pieceSizes(s []byte, from, to int) []uint32 {
	var sizes []uint32
	last := 0
	for {
		start, end, found := nextDirective(s[:to], from)
		if !found {
			return append(sizes, uint32(len(s)+1-last))
		}
		sizes = append(sizes, uint32(start-last))
		last, from = end, end
	}
}
