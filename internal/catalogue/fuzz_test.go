package catalogue

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// FuzzPO: no panic, no value with an error, and what is accepted means the same
// when it is written anew.
func FuzzPO(f *testing.F) {
	f.Add([]byte(comparedPO))
	f.Add([]byte(strings.ReplaceAll(comparedPO, "\n", "\r\n")))
	for _, text := range msgfmtCases() {
		f.Add([]byte(text))
	}
	f.Add([]byte("#, fuzzy\n#| msgctxt \"m\"\n#| msgid \"x\"\nmsgctxt \"\"\nmsgid \"\\a\\x41\\101\"\nmsgstr \"b\"\n#~| msgid \"y\"\n#~ msgid \"o\"\n#~ msgstr \"\"\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParsePO(data)
		if err != nil {
			var perr *ParseError
			if c != nil || !errors.As(err, &perr) || perr.Line < 1 || perr.Detail == "" {
				t.Fatalf("%v and %v", c, err)
			}
			return
		}
		if d := Compare(c, c); !reflect.DeepEqual(d, Difference{}) || !d.TranslationsSame() {
			t.Fatalf("differs from itself: %+v", d)
		}
		again, err := ParsePO([]byte(printPO(c)))
		if err != nil {
			t.Fatalf("%v in\n%s", err, printPO(c))
		}
		if d := Compare(c, again); again.Meaning() != c.Meaning() || !reflect.DeepEqual(d, Difference{}) {
			t.Fatalf("%+v, written anew:\n%s", d, printPO(c))
		}
	})
}

// printPO writes a catalogue as a PO file, its messages in their order.
func printPO(c *Catalogue) string {
	messages := slices.Clone(c.messages)
	slices.SortFunc(messages, func(a, b message) int { return a.place - b.place })
	var b strings.Builder
	for _, m := range messages {
		b.WriteString(printMessage(m))
	}
	return b.String()
}

func printMessage(m message) string {
	var lines []string
	key, plural, hasPlural := strings.Cut(string(m.id), "\x00")
	context, id, hasContext := strings.Cut(key, "\x04")
	if !hasContext {
		id = context
	} else {
		lines = append(lines, "msgctxt "+quote(context))
	}
	lines = append(lines, "msgid "+quote(id))
	if hasPlural {
		lines = append(lines, "msgid_plural "+quote(plural))
		for i, form := range strings.Split(string(m.str), "\x00") {
			lines = append(lines, fmt.Sprintf("msgstr[%d] %s", i, quote(form)))
		}
	} else {
		lines = append(lines, "msgstr "+quote(string(m.str)))
	}
	flags := "# a comment"
	if m.kind == fuzzy {
		flags = "#, fuzzy"
	}
	if m.system {
		flags = strings.Replace(flags, " a comment", ",", 1) + ", c-format"
	}
	mark := ""
	if m.kind == obsolete {
		mark = "#~ "
	}
	return flags + "\n" + mark + strings.Join(lines, "\n"+mark) + "\n"
}

// quote writes every byte as an octal escape.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, "\\%03o", c)
	}
	b.WriteByte('"')
	return b.String()
}

// FuzzMO: no panic, no value with an error, and what is accepted is what an
// independent writer makes of its messages.
func FuzzMO(f *testing.F) {
	noHash, aligned := small(), smallSystem()
	noHash.hashSize, noHash.order, aligned.alignment = 0, binary.BigEndian, 8
	for _, data := range [][]byte{small().bytes(), noHash.bytes(), aligned.bytes(), smallSystem().bytes(), instances("%llu", "%lu"), instances()} {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ParseMO(data)
		if err != nil {
			var perr *ParseError
			if c != nil || !errors.As(err, &perr) || perr.Line != 0 || perr.Detail == "" {
				t.Fatalf("%v and %v", c, err)
			}
			return
		}
		if !rebuilt(c, data) {
			t.Fatalf("the file is not what its messages make: %q, %q", pairs(c, false), pairs(c, true))
		}
	})
}

// rebuilt reports whether the messages make this file, with one of the
// alignments, with or without what is filled in for systems.
func rebuilt(c *Catalogue, data []byte) bool {
	f := moFile{order: binary.LittleEndian, systems: pairs(c, true)}
	if data[0] == 0x95 {
		f.order = binary.BigEndian
	}
	f.hashSize = int(f.order.(binary.ByteOrder).Uint32(data[20:]))
	plain := pairs(c, false)
	for _, f.plain = range [][]pair{plain, withFilledIn(plain, f.systems)} {
		for f.alignment = 1; f.alignment <= 64; f.alignment *= 2 {
			if bytes.Equal(f.bytes(), data) {
				return true
			}
		}
	}
	return false
}

// withFilledIn adds what msgfmt fills in for Linux.
func withFilledIn(plain, systems []pair) []pair {
	all := slices.Clone(plain)
	key := func(id string) string { k, _, _ := strings.Cut(id, "\x00"); return k }
	known := make(map[string]bool)
	for _, p := range plain {
		known[key(p.id)] = true
	}
	for _, p := range systems {
		for _, lengths := range []struct{ long, pointer string }{{"ll", ""}, {"l", "l"}} {
			added := pair{fillIn(p.id, true, lengths.long, lengths.pointer), fillIn(p.str, false, lengths.long, lengths.pointer)}
			if !known[key(added.id)] {
				known[key(added.id)] = true
				all = append(all, added)
			}
		}
	}
	slices.SortFunc(all, func(a, b pair) int { return strings.Compare(key(a.id), key(b.id)) })
	return all
}

func fillIn(s string, isID bool, long, pointer string) string {
	out, last := "", 0
	for _, d := range directives(s, isID) {
		length := ""
		switch {
		case strings.HasSuffix(d.name, "MAX"), strings.HasSuffix(d.name, "64"):
			length = long
		case strings.HasSuffix(d.name, "PTR"):
			length = pointer
		}
		out += s[last:d.start] + length + d.name[3:4]
		last = d.end
	}
	return out + s[last:]
}
