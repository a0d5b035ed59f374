// Package catalogue reads the message catalogues of GNU gettext: PO files,
// which are text, and the MO files (.mo, .gmo) that msgfmt compiles from them.
// It answers two questions about release archives: whether a compiled
// catalogue holds exactly the translations of a PO file and not a byte more
// (Meaning), and what differs between two PO files (Compare).
//
// What a PO file means is taken from how GNU msgfmt 0.21 and 1.0 read it (their
// po-lex.c, po-gram-gen.y and read-catalog.c). Where the two differ, or another
// program could read something else, the file is refused. A compiled file is
// accepted only as msgfmt's write-mo.c lays it out: every byte is either
// determined by the others or part of a message.
package catalogue

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/escape"
)

// Limits of a catalogue. GNU gettext has none; the largest ones that are
// translated as one file (LibreOffice, KiCad) have some ten thousand messages
// in a few MiB.
const (
	MaxFileBytes = 64 << 20
	MaxMessages  = 1 << 20
)

// contextEnd stands between context and msgid in a compiled catalogue
// (MSGCTXT_SEPARATOR in gettext's message.h: EOT).
const contextEnd = 4

// Catalogue is the content of one PO or MO file. Its zero value is a catalogue
// without messages.
type Catalogue struct {
	messages []message // sorted by id, no key twice
}

// message is one entry, in the spelling of compiled catalogues.
type message struct {
	id    []byte // [context EOT] msgid [NUL msgid_plural]
	str   []byte // the translation; plural forms are separated by NUL
	key   int    // length of id before NUL and msgid_plural
	place int    // PO: where in the file it begins; MO: its number in its table
	kind  kind
	// system says that the message is stored with system-dependent segments
	// ("%<PRIu64>"), which the C library replaces when it loads the catalogue.
	system bool
}

// kind is what msgfmt does with a message.
type kind uint8

const (
	translated   kind = iota // written
	fuzzy                    // left out: marked as uncertain
	untranslated             // left out: the first form is empty
	obsolete                 // left out: a "#~" entry
	kinds
)

// isHeader reports whether the message is the header entry: msgid "" without
// context (is_header in gettext's message.h). msgfmt writes it even if fuzzy.
func (m *message) isHeader() bool { return m.key == 0 }

// header returns the text of the header entry if msgfmt writes one.
func (c *Catalogue) header() (text []byte, found bool) {
	if len(c.messages) == 0 || !c.messages[0].isHeader() || c.messages[0].kind != translated {
		return nil, false
	}
	return c.messages[0].str, true
}

// newCatalogue sorts the messages. If a key is there twice, it returns the
// second message of the two.
func newCatalogue(messages []message) (*Catalogue, *message) {
	// NUL sorts before every other byte and is in no key, so messages with
	// one key are neighbours.
	slices.SortFunc(messages, func(a, b message) int { return bytes.Compare(a.id, b.id) })
	for i := 1; i < len(messages); i++ {
		a, b := &messages[i-1], &messages[i]
		if a.key == b.key && bytes.Equal(a.id[:a.key], b.id[:b.key]) {
			if a.place > b.place {
				b = a
			}
			return nil, b
		}
	}
	return &Catalogue{messages}, nil
}

// ParseError says where a catalogue breaks which rule.
type ParseError struct {
	Line   int    // of a PO file, counted from 1; 0 for an MO file
	Offset int    // of an MO file, in bytes; 0 for a PO file
	Detail string // one sentence without full stop, safe to print
}

// Error returns the place and the sentence.
func (e *ParseError) Error() string {
	if e.Line > 0 {
		return fmt.Sprintf("line %d: %s", e.Line, e.Detail)
	}
	return fmt.Sprintf("byte %d: %s", e.Offset, e.Detail)
}

// creationDate is the header field that msgfmt leaves out since 0.19.8, so
// that builds are reproducible (msgdomain_write_mo in write-mo.c).
const creationDate = "POT-Creation-Date:"

// withoutCreationDate removes the field as msgfmt does
// (message_list_delete_header_field in msgl-header.c): the first line that
// begins with it, whatever else is there.
func withoutCreationDate(header []byte) []byte {
	start := bytes.Index(slices.Concat([]byte("\n"), header), []byte("\n"+creationDate))
	if start < 0 {
		return header
	}
	_, rest, _ := bytes.Cut(header[start:], []byte("\n"))
	return slices.Concat(header[:start], rest)
}

// charset returns the character set of a header entry as gettext finds it: at
// the first "charset=", up to white space (po_lex_charset_set in po-lex.c,
// _nl_init_domain_conv in loadmsgcat.c).
func charset(header []byte) string {
	_, rest, _ := bytes.Cut(header, []byte("charset="))
	if i := bytes.IndexAny(rest, " \t\n"); i >= 0 {
		rest = rest[:i]
	}
	return string(rest)
}

// hidesASCII reports whether characters of the character set may hold bytes of
// ASCII, the backslash among them, so that a file cannot be read byte by byte:
// po_is_charset_weird in gettext's po-charset.c, and the code pages that are
// variants of those.
func hidesASCII(charset string) bool {
	return slices.Contains([]string{"BIG5", "BIG5-HKSCS", "GBK", "GB18030", "SHIFT_JIS", "JOHAB", "CP932", "CP949", "CP950"}, strings.ToUpper(charset))
}

// excerpt quotes foreign text for a message, cut to a readable length.
func excerpt(s []byte) string {
	const most = 60
	if len(s) > most {
		return escape.Quote(string(s[:most])) + "…"
	}
	return escape.Quote(string(s))
}
