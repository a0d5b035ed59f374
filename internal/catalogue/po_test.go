package catalogue

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

const poHeader = "msgid \"\"\nmsgstr \"\"\n\"Project-Id-Version: demo\\n\"\n\"Content-Type: text/plain; charset=UTF-8\\n\"\n"

func TestParsePO(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []pair
	}{
		{"empty", "", nil},
		{"white space", " \n\t\r\n", nil},
		{"no final line end", `msgid "a" msgstr "b"`, []pair{{"a", "b"}}},
		{"one line", `msgid"a""b"msgstr"c"msgid"d"msgstr"e"`, []pair{{"ab", "c"}, {"d", "e"}}},
		{"continued", "msgid \"\"\n \"a\"\t\n\"b\"\nmsgstr \"c\"\n\n\"d\"\n", []pair{{"ab", "cd"}}},
		{"CRLF", "#, fuzzy\r\nmsgid \"a\"\r\nmsgstr \"b\"\r\n\r\nmsgid \"c\"\r\nmsgstr \"d\\r\\n\"\r\n", []pair{{"c", "d\r\n"}}},
		{"sorted", "msgid \"b\"\nmsgstr \"1\"\nmsgid \"a\"\nmsgstr \"2\"\n", []pair{{"a", "2"}, {"b", "1"}}},
		{"context", "msgctxt \"m\" \"n\"\nmsgid \"a\"\nmsgstr \"b\"\nmsgid \"a\"\nmsgstr \"c\"\n", []pair{{"a", "c"}, {"mn\x04a", "b"}}},
		{"empty context", "msgctxt \"\"\nmsgid \"\"\nmsgstr \"b\"\n", []pair{{"\x04", "b"}}},
		{"plural", "msgid \"a\"\nmsgid_plural \"as\"\nmsgstr[0] \"x\"\nmsgstr [ 1 ] \"y\"\n\"z\"\n", []pair{{"a\x00as", "x\x00yz"}}},
		{"later form missing", "msgid \"a\"\nmsgid_plural \"as\"\nmsgstr[0] \"x\"\nmsgstr[1] \"\"\n", []pair{{"a\x00as", "x\x00"}}},
		{"first form missing", "msgid \"a\"\nmsgid_plural \"as\"\nmsgstr[0] \"\"\nmsgstr[1] \"x\"\n", nil},
		{"untranslated", "msgid \"a\"\nmsgstr \"\"\n", nil},
		{"obsolete", "#~ msgid \"a\"\n#~ msgstr \"b\"\n", nil},
		{"obsolete with comments", "# c\n#, fuzzy\n#~| msgid \"x\"\n#~ msgctxt \"m\"\n#~ msgid \"a\"\n#~ \"b\"\n#~ msgid_plural \"\"\n#~ msgstr[0] \"b\"\n", nil},
		{"comment in obsolete", "#~ # c\nmsgid \"a\"\nmsgstr \"b\"\n", []pair{{"a", "b"}}},
		{"fuzzy", "#, fuzzy, c-format\nmsgid \"a\"\nmsgstr \"b\"\n#, c-format\nmsgid \"b\"\nmsgstr \"c\"\n", []pair{{"b", "c"}}},
		{"fuzzy without space", "#,fuzzy\nmsgid \"a\"\nmsgstr \"b\"\n", nil},
		{"fuzzy of Solaris", "#! fuzzy\nmsgid \"a\"\nmsgstr \"b\"\n", nil},
		{"fuzzy header", "#, fuzzy\nmsgid \"\"\nmsgstr \"X: y\\n\"\n", []pair{{"", "X: y\n"}}},
		{"fuzzy with context", "#, fuzzy\nmsgctxt \"\"\nmsgid \"\"\nmsgstr \"X: y\\n\"\n", nil},
		{"no fuzzy", "#. fuzzy\n# , fuzzy\n#: fuzzy\n#, range: fuzzy, nofuzzy\nmsgid \"a\"\nmsgstr \"b\"\n", []pair{{"a", "b"}}},
		{"sticky flags", "#= c-format\n#, range: 0..3\nmsgid \"a\"\nmsgstr \"b\"\n", []pair{{"a", "b"}}},
		{"flags of an end", "#, fuzzy\n", nil},
		{"comment takes the next line", "# c\\\n#, fuzzy\nmsgid \"a\"\nmsgstr \"b\"\n", []pair{{"a", "b"}}},
		{"previous", "#, fuzzy\n#| msgctxt \"m\"\n#| msgid \"x\"\n#| \"y\"\n#| msgid_plural \"z\"\nmsgid \"a\"\nmsgstr \"b\"\n", nil},
		{"escapes", `msgid "\a\b\f\n\r\t\v\\\"\101\7z\x41\xff" msgstr "a"`, []pair{{"\a\b\f\n\r\t\v\\\"A\az" + "A\xff", "a"}}},
		{"raw bytes", "msgid \"\xff\xfe\t\x01\"\nmsgstr \"\xc3\xa4\"\n", []pair{{"\xff\xfe\t\x01", "ä"}}},
		{"ASCII in Big5", "msgid \"\"\nmsgstr \"charset=Big5\\n\"\nmsgid \"a\"\nmsgstr \"b\"\n", []pair{{"", "charset=Big5\n"}, {"a", "b"}}},
	} {
		if got := pairs(mustPO(t, c.text), false); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %q", c.name, got)
		}
	}
}

func TestParsePORefuses(t *testing.T) {
	many := strings.Builder{}
	for i := range MaxMessages + 1 {
		fmt.Fprintf(&many, "msgid\"%d\"msgstr\"\"\n", i)
	}
	for _, c := range []struct {
		name, text string
		line       int
		says       string
	}{
		{"large", strings.Repeat("\n", MaxFileBytes+1), 1, "at most 67108864"},
		{"many messages", many.String(), MaxMessages + 1, "more than 1048576 messages"},
		{"NUL", "\n\n# \x00\n", 3, "NUL byte"},
		{"byte order mark", "\xef\xbb\xbfmsgid \"a\"\nmsgstr \"b\"\n", 1, "0xef stands outside"},
		{"backslash at the end", "msgid \"a\" \\\nmsgstr \"b\"\n", 1, "0x5c stands outside"},
		{"backslash in a string", "msgid \"a\\\nb\"\nmsgstr \"b\"\n", 1, "not closed"},
		{"comment hidden", "#\\\n, fuzzy\nmsgid \"a\"\nmsgstr \"b\"\n", 1, "continued by a backslash"},
		{"flag continued", "#, fu\\\nzzy\nmsgid \"a\"\nmsgstr \"b\"\n", 1, "continued by a backslash"},
		{"string not closed", "msgid \"a\nmsgstr \"b\"\n", 1, "not closed"},
		{"string at the end", "msgid \"a", 1, "not closed"},
		{"escaped quote at the end", "msgid \"a\\\"\nmsgstr \"b\"\n", 1, "not closed"},
		{"domain", "domain \"x\"\n", 1, "domain directive"},
		{"unknown keyword", "msgid \"a\"\nmsgtxt \"b\"\n", 2, `"msgtxt" is unknown`},
		{"word", "1a", 1, `"1a" is unknown`},
		{"string alone", "\"a\"\n", 1, "found a string, expected msgid"},
		{"no msgstr", "msgid \"a\"\n\nmsgid \"b\"\nmsgstr \"\"\n", 3, "found msgid, expected msgstr"},
		{"end within a message", "msgid \"a\"\n", 2, "found the end of the file, expected msgstr"},
		{"no string", "msgid\nmsgstr \"b\"\n", 2, "found msgstr, expected a string"},
		{"context alone", "msgctxt \"a\"\nmsgstr \"b\"\n", 2, "found msgstr, expected msgid"},
		{"comment within", "msgid \"a\"\n# c\nmsgstr \"b\"\n", 2, "found a comment"},
		{"form without plural", "msgid \"a\"\nmsgstr[0] \"b\"\n", 2, `found "[", expected a string`},
		{"plural without form", "msgid \"a\"\nmsgid_plural \"as\"\nmsgstr \"b\"\n", 3, `expected "["`},
		{"no bracket", "msgid \"a\"\nmsgid_plural \"as\"\nmsgstr[0 \"b\"\n", 3, `expected "]"`},
		{"form not 0", "msgid \"a\"\nmsgid_plural \"as\"\nmsgstr[1] \"b\"\n", 3, `"1" stands where 0`},
		{"form twice", "msgid \"a\"\nmsgid_plural \"as\"\nmsgstr[0] \"b\"\nmsgstr[0] \"b\"\n", 4, `"0" stands where 1`},
		{"form with zeros", "msgid \"a\"\nmsgid_plural \"as\"\nmsgstr[00] \"b\"\n", 3, `"00" stands where 0`},
		{"no number", "msgid \"a\"\nmsgid_plural \"as\"\nmsgstr[] \"b\"\n", 3, "expected a number"},
		{"plural header", "msgid \"\"\nmsgid_plural \"as\"\nmsgstr[0] \"b\"\n", 1, "header entry has plural"},
		{"twice", "msgid \"a\"\nmsgstr \"b\"\nmsgid \"c\"\nmsgstr \"\"\nmsgid \"a\"\nmsgid_plural \"\"\nmsgstr[0] \"b\"\n", 5, "defined twice"},
		{"twice, sorted otherwise", "msgid \"a\"\nmsgid_plural \"x\"\nmsgstr[0] \"b\"\nmsgid \"a\"\nmsgstr \"b\"\n", 4, "defined twice"},
		{"obsolete too", "msgid \"a\"\nmsgstr \"b\"\n#~ msgid \"a\"\n#~ msgstr \"b\"\n", 3, "defined twice"},
		{"half obsolete", "#~ msgid \"a\"\nmsgstr \"b\"\n", 2, `with and without "#~"`},
		{"obsolete string", "msgid \"a\"\n#~ \"b\"\nmsgstr \"b\"\n", 2, `with and without "#~"`},
		{"previous obsolete", "#~| msgid \"a\"\nmsgid \"a\"\nmsgstr \"b\"\n", 2, `with and without "#~"`},
		{"previous within", "msgid \"a\"\n#| msgid \"b\"\nmsgstr \"b\"\n", 2, "expected msgstr"},
		{"previous string", "msgid \"a\"\n#| \"b\"\nmsgstr \"b\"\n", 2, `"#|" line stands within`},
		{"previous with unmarked string", "#| msgid \"a\"\n\"b\"\nmsgid \"a\"\nmsgstr \"b\"\n", 2, `"#|" line stands within`},
		{"previous alone", "#| msgid \"a\"\n", 2, "found the end of the file"},
		{"comment after previous", "#| msgid \"a\"\n#, fuzzy\nmsgid \"a\"\nmsgstr \"b\"\n", 2, "found a comment"},
		{"previous translation", "#| msgid \"a\"\n#| msgstr \"a\"\nmsgid \"a\"\nmsgstr \"b\"\n", 2, "found msgstr"},
		{"context separator", "msgid \"a\x04b\"\nmsgstr \"b\"\n", 1, "0x04"},
		{"context separator, escaped", `msgid "a" msgstr "\4"`, 1, "0x04"},
		{"unknown escape", `msgid "\u0041" msgstr "b"`, 1, `escape \"u" is unknown`},
		{"escape of NUL", `msgid "\0" msgstr "b"`, 1, "NUL byte"},
		{"escape of NUL in hexadecimal", `msgid "\x0g" msgstr "b"`, 1, "NUL byte"},
		{"large escape", `msgid "\400" msgstr "b"`, 1, "more than one byte"},
		{"long escape", `msgid "\x041" msgstr "b"`, 1, "more than one byte"},
		{"no digits", `msgid "\xg" msgstr "b"`, 1, "no digits"},
		{"no digits at the end", `msgid "\x" msgstr "b"`, 1, "no digits"},
		{"flags on two lines", "#, fuzzy\n#, c-format\nmsgid \"a\"\nmsgstr \"b\"\n", 3, "disagree about fuzzy"},
		{"sticky fuzzy", "#= fuzzy\nmsgid \"a\"\nmsgstr \"b\"\n", 2, "disagree about fuzzy"},
		{"formats on two lines", "#, c-format\n#, no-wrap\nmsgid \"%<PRIu8>\"\nmsgstr \"b\"\n", 3, "disagree about c-format"},
		{"Big5", "msgid \"\"\nmsgstr \"charset=Big5\\n\"\nmsgid \"a\"\nmsgstr \"\xa4\x5c\x5c\"\n", 1, `"Big5" hides ASCII`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ParsePO([]byte(c.text))
			var perr *ParseError
			if !errors.As(err, &perr) || got != nil {
				t.Fatalf("got %v, %v", got, err)
			}
			if perr.Line != c.line || !strings.Contains(perr.Detail, c.says) {
				t.Errorf("got %v, want line %d to say %q", err, c.line, c.says)
			}
			if strings.ContainsAny(err.Error(), "\n\r\x1b") {
				t.Errorf("the message holds control characters: %q", err)
			}
		})
	}
}

// TestParsePOIsLinear would take hours if a line, a header entry or an escape
// cost more the longer the file is.
func TestParsePOIsLinear(t *testing.T) {
	const n = 4 << 20
	for name, text := range map[string]string{
		"strings on a line":    "msgid" + strings.Repeat(`""`, n) + `"a"msgstr"b"`,
		"quotes in a string":   `msgid "` + strings.Repeat(`\"`, n) + `" msgstr "b"`,
		"backslashes":          `msgid "` + strings.Repeat(`\\`, n) + `" msgstr "b"`,
		"comment of backslash": "# " + strings.Repeat("\\\n", n),
		"percent signs":        "#, c-format\nmsgid \"" + strings.Repeat("%", n) + "\" msgstr \"b\"",
		"white space":          strings.Repeat("\n", n),
	} {
		if _, err := ParsePO([]byte(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	headers := strings.Repeat("msgid\"\"msgstr\"charset=Big5\"\n", MaxMessages)
	if _, err := ParsePO([]byte(headers)); err == nil {
		t.Error("many header entries are accepted")
	}
}
