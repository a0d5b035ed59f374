package provenance

import (
	"strings"
	"testing"
)

const poHead = "msgid \"\"\nmsgstr \"\"\n\"Project-Id-Version: demo 1.0\\n\"\n\"POT-Creation-Date: 2020-01-01 00:00+0000\\n\"\n\"Content-Type: text/plain; charset=UTF-8\\n\"\n\n"

// TestCompareContents has each kind of change, with rows that just miss it.
func TestCompareContents(t *testing.T) {
	po := poHead + "#: a.c:1\nmsgid \"yes\"\nmsgstr \"ja\"\n\n#: a.c:2\nmsgid \"no\"\nmsgstr \"nein\"\n"
	for _, c := range []struct {
		ext, before, after string
		want               Change
		says               string
	}{
		{".c", "a b\n", "a  b\n\n", WhiteSpace, "only white space"},
		{".c", "a\tb\r\n", "ab", WhiteSpace, "only white space"},
		{".c", "puts(\"a b\");\n", "puts(\"a  b\");\n", WhiteSpace, "only white space differs"},
		{".sh", "rm -rf /usr/lib/x\n", "rm -rf /usr /lib/x\n", WhiteSpace, "only white space"},
		{".c", "a\u00a0b\n", "ab\n", OtherChange, "1 line added, 1 removed"},
		{".c", "a b\n", "a c\n", OtherChange, "1 line added, 1 removed"},
		{".c", "", " \n", WhiteSpace, "only white space"},
		{".c", "", "x", OtherChange, "1 line added, 1 removed"},

		{".ac", "AC_INIT([x], [1.2-dev])\nb\n", "AC_INIT([x], [1.2])\nb\n", VersionStamp, "on 1 line"},
		{".txt", "1.2.3-rc1, 4 May 2020\n", "v1.2.3, 12 December 2021\n", VersionStamp, "numbers, dates and versions"},
		{".txt", "built 2020-01-01T10:00:00Z 9.2p1\n", "built 2021-11-12 9.3\n", VersionStamp, "on 1 line"},
		{".txt", "UNRELEASED\n", "2020-01-01\n", VersionStamp, "on 1 line"},
		{".txt", "1.0-2-g1234567\n", "1.0\n", VersionStamp, "on 1 line"},
		{".txt", "1.0 evil\n", "1.1 good\n", OtherChange, "1 line added, 1 removed"},
		{".txt", "x = 1-rm\n", "x = 2-ls\n", OtherChange, ""},
		{".txt", "x = 1.rm\n", "x = 2.ls\n", OtherChange, ""},
		{".sh", "cat /dev/x\n", "cat /git/x\n", OtherChange, ""},
		{".c", "f1(a)\n", "f2(a)\n", OtherChange, ""},
		{".c", "x = 0xff;\n", "x = 0xfe;\n", OtherChange, ""},
		{".c", "x\n", "x 1\n", OtherChange, ""},
		{".c", "1\n2\n", "1\n", OtherChange, "0 lines added, 1 removed"},
		{".c", "1\na\n", "2\nb\n", OtherChange, "2 lines added, 2 removed"},
		{".bin", "\x00 1\n", "\x00 2\n", OtherChange, ""},
		{".bin", "a \x00 b\n", "a 5 b\n", OtherChange, ""},
		{".c", strings.Repeat("a", maxLineBytes) + " 1\n", strings.Repeat("a", maxLineBytes) + " 2\n", OtherChange, ""},

		{".po", po, strings.ReplaceAll(po, "a.c:", "b.c:"), CatalogueUpdate, "comments, references, order or wrapping"},
		{".po", po, strings.ReplaceAll(po, "2020-01-01 00", "2021-01-01 00"), CatalogueUpdate, "the translations are the same: header: POT-Creation-Date"},
		{".po", po, strings.Replace(po, "msgstr \"nein\"", "msgstr \"\"", 1), CatalogueUpdate, "no translation is new or another one: translated: 0 added, 1 removed"},
		{".po", po, strings.Replace(po, "#: a.c:2\n", "#: a.c:2\n#, fuzzy\n", 1), CatalogueUpdate, "no translation is new"},
		{".po", po, po + "\nmsgid \"maybe\"\nmsgstr \"\"\n", CatalogueUpdate, "untranslated: 1 added"},
		{".po", po, strings.Replace(po, "nein", "ja", 1), OtherChange, "translations are new, or others: translated: 0 added, 0 removed, 1 changed"},
		{".po", po, po + "\nmsgid \"maybe\"\nmsgstr \"5\"\n", OtherChange, "translated: 1 added"},
		{".po", po, strings.Replace(po, "UTF-8", "ISO-8859-1", 1), OtherChange, "translations are new, or others: header: Content-Type"},
		{".po", po, po + "\nmsgid \"broken\n", OtherChange, "2 lines added"},
		{".po", "broken 1\n", "broken 2\n", VersionStamp, ""},
		{".c", po, strings.ReplaceAll(po, "a.c:", "b.c:"), OtherChange, ""},
		{".pot", po, po + "\nmsgid \"maybe\"\nmsgstr \"\"\n", CatalogueUpdate, "untranslated: 1 added"},
	} {
		got, said := compareContents(c.ext, []byte(c.before), []byte(c.after))
		if got != c.want || !strings.Contains(said, c.says) || said == "" {
			t.Errorf("%s: %.60q to %.60q: %v, %q; want %v, %q", c.ext, c.before, c.after, got, said, c.want, c.says)
		}
		if back, _ := compareContents(c.ext, []byte(c.after), []byte(c.before)); c.ext != ".po" && c.ext != ".pot" && back != c.want {
			t.Errorf("%s: %.60q from %.60q: %v, want %v", c.ext, c.before, c.after, back, c.want)
		}
	}
}

// TestLineCounts counts each line as often as it occurs.
func TestLineCounts(t *testing.T) {
	if added, removed := lineCounts([]byte("a\na\nb\n"), []byte("a\nc\nc\nd\n")); added != 3 || removed != 2 {
		t.Errorf("%d added, %d removed; want 3, 2", added, removed)
	}
}
