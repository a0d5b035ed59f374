package catalogue

import (
	"reflect"
	"strings"
	"testing"
)

const comparedPO = poHeader + `
# c
#: a.c:1
msgid "a"
msgstr "A"

#, fuzzy
msgid "f"
msgstr "F"

msgid "u"
msgstr ""

msgid "p"
msgid_plural "ps"
msgstr[0] "P"
msgstr[1] "PS"

#~ msgid "o"
#~ msgstr "O"
`

func TestCompare(t *testing.T) {
	none := Count{}
	for _, c := range []struct {
		name, before, after string // a replacement in the file
		want                Difference
		same                bool
	}{
		{"nothing", "", "", Difference{}, true},
		{"comments", "# c\n#: a.c:1", "# d\n#: b.c:1\n#. e", Difference{}, true},
		{"wrapping", `msgid "a"`, "msgid \"\"\n\"a\"", Difference{}, true},
		{"order", "msgid \"u\"\nmsgstr \"\"\n", "", Difference{Untranslated: Count{0, 1, 0}}, true},
		{"changed", `"A"`, `"B"`, Difference{Translated: Count{0, 0, 1}}, false},
		{"plural msgid", `"ps"`, `"pss"`, Difference{Translated: Count{0, 0, 1}}, false},
		{"plural form", `"PS"`, `"PP"`, Difference{Translated: Count{0, 0, 1}}, false},
		{"format", "# c", "#, c-format", Difference{}, true},
		{"renamed", `msgid "a"`, `msgid "z"`, Difference{Translated: Count{1, 1, 0}}, false},
		{"context", `msgid "a"`, "msgctxt \"c\"\nmsgid \"a\"", Difference{Translated: Count{1, 1, 0}}, false},
		{"made fuzzy", "# c", "#, fuzzy", Difference{Translated: Count{0, 1, 0}, Fuzzy: Count{1, 0, 0}}, false},
		{"no longer fuzzy", "#, fuzzy", "#, c-format", Difference{Translated: Count{1, 0, 0}, Fuzzy: Count{0, 1, 0}}, false},
		{"fuzzy text", `"F"`, `"G"`, Difference{Fuzzy: Count{0, 0, 1}}, true},
		{"translated now", "msgid \"u\"\nmsgstr \"\"", "msgid \"u\"\nmsgstr \"U\"", Difference{Translated: Count{1, 0, 0}, Untranslated: Count{0, 1, 0}}, false},
		{"obsolete gone", "#~ msgid \"o\"\n#~ msgstr \"O\"\n", "", Difference{Obsolete: Count{0, 1, 0}}, true},
		{"obsolete more", "#~ msgid \"o\"", "#~ msgid \"n\"\n#~ msgstr \"N\"\n\n#~ msgid \"o\"", Difference{Obsolete: Count{1, 0, 0}}, true},
		{"header field", "demo", "other", Difference{Header: true, HeaderFields: []string{"Project-Id-Version"}}, true},
		{"header fields", "demo\\n", "demo\\n\"\n\"X-\\033: 1\\n\"\n\"no name\\n", Difference{Header: true, HeaderFields: []string{"", "X-\x1b"}}, true},
		{"character set", "=UTF-8", "=ISO-8859-1", Difference{Header: true, HeaderFields: []string{"Content-Type"}, Decoding: true}, false},
		{"plural rule", "demo\\n", "demo\\n\"\n\"Plural-Forms: nplurals=2; plural=n>1;\\n", Difference{Header: true, HeaderFields: []string{"Plural-Forms"}, Decoding: true}, false},
		{"header order", poHeader, "msgid \"\"\nmsgstr \"\"\n\"Content-Type: text/plain; charset=UTF-8\\n\"\n\"Project-Id-Version: demo\\n\"\n", Difference{Header: true}, true},
		{"no header", poHeader, "", Difference{Header: true, HeaderFields: []string{"Content-Type", "Project-Id-Version"}, Decoding: true}, false},
	} {
		if c.before != "" && !strings.Contains(comparedPO, c.before) {
			t.Fatalf("%s: nothing to replace", c.name)
		}
		before, after := mustPO(t, comparedPO), mustPO(t, strings.Replace(comparedPO, c.before, c.after, 1))
		got := Compare(before, after)
		if !reflect.DeepEqual(got, c.want) || got.TranslationsSame() != c.same {
			t.Errorf("%s: got %+v", c.name, got)
		}
		back := Compare(after, before)
		if back.Translated != (Count{c.want.Translated.Removed, c.want.Translated.Added, c.want.Translated.Changed}) || back.TranslationsSame() != c.same {
			t.Errorf("%s: back: %+v", c.name, back)
		}
		if sameMeaning := before.Meaning() == after.Meaning(); sameMeaning != (c.want.Translated == none && !c.want.Header) {
			t.Errorf("%s: the meanings are the same: %v", c.name, sameMeaning)
		}
	}
}

// TestCompareSystem: whether a message depends on the system is part of how it
// is compiled.
func TestCompareSystem(t *testing.T) {
	text := poHeader + "#, c-format\nmsgid \"%<PRIu64>\"\nmsgstr \"%<PRIu64>\"\n"
	formatted, not := mustPO(t, text), mustPO(t, strings.Replace(text, "c-format", "no-c-format", 1))
	if d := Compare(formatted, not); d.Translated != (Count{0, 0, 1}) {
		t.Errorf("got %+v", d)
	}
	if formatted.Meaning() == not.Meaning() {
		t.Error("the meanings are the same")
	}
}

func TestMeaning(t *testing.T) {
	dated := strings.Replace(poHeader, "demo\\n", "demo\\n\"\n\"POT-Creation-Date: 2020\\n", 1) + "msgid \"a\"\nmsgstr \"b\"\n"
	undated := poHeader + "msgid \"a\"\nmsgstr \"b\"\n"
	other := strings.Replace(dated, "2020", "2021", 1)
	m := func(text string) Meaning { return mustPO(t, text).Meaning() }
	for _, c := range []struct {
		name         string
		compiled, po Meaning
		want         bool
	}{
		{"the same", m(undated), m(undated), true},
		{"date kept", m(dated), m(dated), true},
		{"date left out", m(undated), m(dated), true},
		{"another date", m(other), m(dated), false},
		{"date invented", m(dated), m(undated), false},
		{"no header", m("msgid \"a\"\nmsgstr \"b\"\n"), m(undated), false},
		{"no message", m(poHeader), m(undated), false},
		{"bounds moved", m("msgid \"ab\"\nmsgstr \"c\"\n"), m("msgid \"a\"\nmsgstr \"bc\"\n"), false},
		{"nothing", (&Catalogue{}).Meaning(), m(""), true},
		{"zero", Meaning{}, Meaning{}, false},
		{"only a date", m("msgid \"\"\nmsgstr \"POT-Creation-Date: 2020\"\n"), m("msgid \"\"\nmsgstr \"\"\n"), false},
	} {
		if got := c.compiled.CompiledFrom(c.po); got != c.want {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
}

// TestConverted: msgfmt since 0.22 compiles to UTF-8.
func TestConverted(t *testing.T) {
	in := func(charset, text string) string {
		return "msgid \"\"\nmsgstr \"POT-Creation-Date: 2020\\nContent-Type: text/plain; charset=" + charset + "\\nX: charset=" + charset + "\\n\"\nmsgid \"a\"\nmsgstr \"" + text + "\"\n"
	}
	compiled := func(from, text string) Meaning {
		po := strings.Replace(in(from, text), "charset="+from, "charset=UTF-8", 1)
		return mustPO(t, strings.Replace(po, "POT-Creation-Date: 2020\\n", "", 1)).Meaning()
	}
	for _, c := range []struct {
		charset, text, inUTF8 string
		want                  bool
	}{
		{"utf-8", "ä", "ä", true}, {"utf-8", "\xe4", "\xe4", true}, {"utf8", "a", "a", false},
		{"ISO-8859-1", "\xe4\x80", "ä\u0080", true}, {"iso_8859-1", "\xe4", "ä", true}, {"iso-8859-1", "\xe4", "\xe4", false}, {"iso-8859-1", "a", "b", false},
		{"ISO-8859-2", "a", "a", true}, {"ISO-8859-2", "\xe4", "ä", false}, {"KOI8-R", "a", "a", true}, {"us-ascii", "a", "a", true},
		{"UTF-16", "a", "a", false}, {"SHIFT_JIS", "a", "a", false}, {"", "a", "a", false},
	} {
		if got := compiled(c.charset, c.inUTF8).CompiledFrom(mustPO(t, in(c.charset, c.text)).Meaning()); got != c.want {
			t.Errorf("%s, %q as %q: got %v", c.charset, c.text, c.inUTF8, got)
		}
	}
}
