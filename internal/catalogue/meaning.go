package catalogue

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/countermark/countermark/internal/digest"
)

// Meaning stands for what a catalogue says when it is compiled: its translated
// messages that are neither fuzzy nor obsolete, and its header entry, all of
// them byte for byte. Its zero value stands for none.
type Meaning struct {
	Whole   digest.SHA256 // with the header entry as it is
	Undated digest.SHA256 // without the field POT-Creation-Date
	UTF8    digest.SHA256 // undated and converted to UTF-8; zero if that changes nothing or is not known here
}

// CompiledFrom reports whether the compiled catalogue of which m is the meaning
// is what msgfmt makes of the PO file of which po is the meaning. msgfmt before
// 0.19.8 keeps the field POT-Creation-Date, later ones leave it out; it cannot
// be another one's. Since 0.22 msgfmt converts to UTF-8; if the PO file is in
// another character set than ISO-8859-1 and holds more than ASCII, the
// conversion is not known here and the answer is no.
func (m Meaning) CompiledFrom(po Meaning) bool {
	return !m.Whole.IsZero() && (m.Whole == po.Whole || m.Whole == po.Undated || m.Whole == po.UTF8)
}

// meaningPrefix keeps the digests apart from all other uses of SHA-256.
const meaningPrefix = "countermark catalogue 1\n"

// Meaning returns the meaning of the catalogue. Each digest is SHA-256 over the
// prefix, the SHA-256 of the messages, and the header entry (a byte 1 and its
// text, or a byte 0). The messages are written as two lists, each after its
// length: those that do not depend on the system, sorted, and those that do, in
// the file's order, which msgfmt keeps. Of each there is the msgid with context
// and plural, and the translation with its plural forms, each after its length.
// Lengths have 64 bits, big-endian.
func (c *Catalogue) Meaning() Meaning {
	sum := c.sumMessages()
	header, found := c.header()
	m := Meaning{Whole: sumHeader(sum, header, found), Undated: sumHeader(sum, withoutCreationDate(header), found)}
	if inUTF8, isOther := c.converted(); isOther {
		header, _ := inUTF8.header()
		m.UTF8 = sumHeader(inUTF8.sumMessages(), withoutCreationDate(header), true)
	}
	return m
}

// sumHeader completes a digest.
func sumHeader(messages digest.SHA256, header []byte, found bool) digest.SHA256 {
	if !found {
		return sha256.Sum256(slices.Concat([]byte(meaningPrefix), messages[:], []byte{0}))
	}
	return sha256.Sum256(slices.Concat([]byte(meaningPrefix), messages[:], []byte{1}, header))
}

// sumMessages hashes what is compiled without the header entry.
func (c *Catalogue) sumMessages() digest.SHA256 {
	var plain, systems []*message
	for i := range c.messages {
		m := &c.messages[i]
		switch {
		case m.kind != translated || m.isHeader():
		case m.system:
			systems = append(systems, m)
		default:
			plain = append(plain, m)
		}
	}
	slices.SortFunc(systems, func(a, b *message) int { return a.place - b.place })
	return sumLists(plain, systems)
}

// sumLists hashes both lists, some KiB at a time.
func sumLists(lists ...[]*message) (sum digest.SHA256) {
	const enough = 4 << 10
	h := sha256.New()
	var buffer []byte
	for _, list := range lists {
		buffer = binary.BigEndian.AppendUint64(buffer, uint64(len(list)))
		for _, m := range list {
			buffer = append(binary.BigEndian.AppendUint64(buffer, uint64(len(m.id))), m.id...)
			buffer = append(binary.BigEndian.AppendUint64(buffer, uint64(len(m.str))), m.str...)
			if len(buffer) >= enough {
				h.Write(buffer)
				buffer = buffer[:0]
			}
		}
	}
	h.Write(buffer)
	h.Sum(sum[:0])
	return sum
}

// converted returns the catalogue as msgfmt since 0.22 compiles it: in UTF-8,
// with the header entry saying so (iconv_message_list in gettext's
// msgl-iconv.c). Known here are the conversions that need no table: from UTF-8
// spelled otherwise, from ISO-8859-1, and of text that is ASCII alone. There is
// none from other character sets, and none if the header already says UTF-8.
func (c *Catalogue) converted() (out *Catalogue, found bool) {
	header, found := c.header()
	from := charset(header)
	name := strings.ToUpper(from)
	if !found || from == "" || from == "UTF-8" {
		return nil, false
	}
	// Some of po_charset_canonicalize's names (po-charset.c), or how they
	// begin, in which ASCII bytes stand for themselves alone.
	extensions := []string{"ASCII", "US-ASCII", "ANSI_X3.4-1968", "ISO-8859-", "ISO_8859-", "KOI8-", "EUC-", "GB2312", "CP12"}
	extends := slices.ContainsFunc(extensions, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
	convert := bytes.Clone
	if name == "ISO-8859-1" || name == "ISO_8859-1" {
		convert = fromLatin1
	} else if name != "UTF-8" && !(extends && c.isASCII()) {
		return nil, false
	}
	// Latin-1 and UTF-8 sort alike, so the messages stay sorted.
	messages := make([]message, 0, len(c.messages))
	for _, m := range c.messages {
		if m.kind != translated {
			continue
		}
		m.id, m.str, m.key = convert(m.id), convert(m.str), len(convert(m.id[:m.key]))
		if m.isHeader() {
			m.str = bytes.Replace(m.str, []byte("charset="+from), []byte("charset=UTF-8"), 1)
		}
		messages = append(messages, m)
	}
	return &Catalogue{messages}, true
}

// isASCII reports whether what is compiled is ASCII alone.
func (c *Catalogue) isASCII() bool {
	return !slices.ContainsFunc(c.messages, func(m message) bool {
		return m.kind == translated && !(isASCII(m.id) && isASCII(m.str))
	})
}

func isASCII(s []byte) bool {
	return bytes.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

// fromLatin1 converts ISO-8859-1, whose bytes are the numbers of Unicode's
// first characters, to UTF-8.
func fromLatin1(s []byte) []byte {
	out := make([]byte, 0, len(s))
	for _, c := range s {
		out = utf8.AppendRune(out, rune(c))
	}
	return out
}
