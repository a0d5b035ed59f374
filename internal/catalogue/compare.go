package catalogue

import (
	"bytes"
	"maps"
	"slices"
	"strings"
)

// Difference is what differs between two PO files in their entries. It does
// not count comments, references, previous msgids, wrapping and order. A
// message that changes from one kind to another is removed from the first and
// added to the second.
type Difference struct {
	Translated   Count // what is compiled, without the header entry
	Fuzzy        Count // translated, but marked as uncertain
	Untranslated Count // its first form is empty
	Obsolete     Count // "#~" entries

	// Header reports whether the text of the header entry differs.
	// HeaderFields are the names of its fields that do, sorted, as raw bytes;
	// lines without a name count as the field "". There are none if only the
	// order differs.
	Header       bool
	HeaderFields []string
	// Decoding reports whether gettext reads another character set or another
	// rule for plural forms from the header entry.
	Decoding bool
}

// Count is the difference in the messages of one kind.
type Count struct {
	Added   int // only the second catalogue has it as one of this kind
	Removed int // only the first has
	Changed int // both have, with another translation or plural msgid
}

// TranslationsSame reports whether every translation that is compiled is the
// same in both, and read in the same character set and with the same plural
// forms: only comments, dates, order, and messages that are not compiled
// differ.
func (d Difference) TranslationsSame() bool {
	return d.Translated == Count{} && !d.Decoding
}

// Compare returns the difference from one PO file to another.
func Compare(before, after *Catalogue) Difference {
	var counts [kinds]Count
	a, b := withoutHeader(before), withoutHeader(after)
	for len(a) > 0 || len(b) > 0 {
		switch order := compareKeys(a, b); {
		case order < 0:
			counts[a[0].kind].Removed++
			a = a[1:]
		case order > 0:
			counts[b[0].kind].Added++
			b = b[1:]
		default:
			count(&counts, &a[0], &b[0])
			a, b = a[1:], b[1:]
		}
	}
	d := Difference{Translated: counts[translated], Fuzzy: counts[fuzzy], Untranslated: counts[untranslated], Obsolete: counts[obsolete]}
	old, _ := before.header()
	now, _ := after.header()
	d.Header = !bytes.Equal(old, now)
	d.HeaderFields = differingFields(old, now)
	d.Decoding = charset(old) != charset(now) || pluralRule(old) != pluralRule(now)
	return d
}

// withoutHeader returns the messages after the header entry, which is the
// first.
func withoutHeader(c *Catalogue) []message {
	if len(c.messages) > 0 && c.messages[0].isHeader() {
		return c.messages[1:]
	}
	return c.messages
}

// compareKeys compares the first messages; the end of a list is behind all.
func compareKeys(a, b []message) int {
	if len(a) == 0 || len(b) == 0 {
		return len(b) - len(a)
	}
	return bytes.Compare(a[0].id[:a[0].key], b[0].id[:b[0].key])
}

// count counts a message that both catalogues have.
func count(counts *[kinds]Count, a, b *message) {
	switch {
	case a.kind != b.kind:
		counts[a.kind].Removed++
		counts[b.kind].Added++
	case a.system != b.system || !bytes.Equal(a.id, b.id) || !bytes.Equal(a.str, b.str):
		counts[a.kind].Changed++
	}
}

// differingFields returns the names of the fields whose values differ.
func differingFields(a, b []byte) []string {
	before, after := fields(a), fields(b)
	both := maps.Clone(before)
	maps.Copy(both, after)
	maps.DeleteFunc(both, func(name, _ string) bool {
		_, inBefore := before[name]
		_, inAfter := after[name]
		return inBefore && inAfter && before[name] == after[name]
	})
	return slices.Sorted(maps.Keys(both))
}

// fields returns the values of a header entry's fields by name, those of one
// name in their order.
func fields(header []byte) map[string]string {
	values := make(map[string]string)
	for line := range strings.Lines(string(header)) {
		name, value, found := strings.Cut(line, ":")
		if !found {
			name, value = "", line
		}
		values[name] += value
	}
	return values
}

// pluralRule returns what gettext reads of plural forms: the lines from the
// first "nplurals=" and the first "plural=" (EXTRACT_PLURAL_EXPRESSION in
// plural-exp.c).
func pluralRule(header []byte) string {
	rule := ""
	for _, key := range []string{"nplurals=", "plural="} {
		if i := bytes.Index(header, []byte(key)); i >= 0 {
			line, _, _ := bytes.Cut(header[i:], []byte("\n"))
			rule += string(line) + "\n"
		}
	}
	return rule
}
