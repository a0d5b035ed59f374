package knownfile

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// numbered returns a text of n different lines that counts each.
func numbered(what string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "line %d of %s\n", i, what)
	}
	return b.String()
}

func form(text string) Form { return Take("x", []byte(text)).Form }

// The vectors of the specification were computed by another implementation.
func TestFormOfTheSpecification(t *testing.T) {
	specified, err := os.ReadFile("../../docs/spec/index.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(specified), "```m4\n")
	text, after, found := strings.Cut(text, "```\n")
	values := regexp.MustCompile("(?m)^\\| `([0-9a-f]{32})` \\| `([0-9a-f]{48})` \\| (\\d+) \\| `(\\d+)` \\|$").FindStringSubmatch(after)
	if !found || values == nil {
		t.Fatal("docs/spec/index.md holds no example of a form")
	}
	f := Take("foo.m4", []byte(text))
	if got := fmt.Sprintf("%x %x %d %s", f.Form.Digest, f.Form.Sketch, f.Form.Lines, f.Serial); got != strings.Join(values[1:], " ") {
		t.Errorf("got %s, the specification says %v", got, values[1:])
	}
	for line, want := range map[string]uint64{"": 0xefd01f60ba992926, "AC_DEFUN([FOO],[": 0x50063434c6069b2c} {
		if got := hashLine([]byte(line)); got != want {
			t.Errorf("hash of %q: %016x, want %016x", line, got, want)
		}
	}
}

func TestFormIgnoresSpaceAndComments(t *testing.T) {
	const text = "first line\nsecond line\n  third line\nfourth line # said\nfi\n"
	want := form(text)
	if want.IsZero() || want.Lines != 4 {
		t.Fatalf("got %+v", want)
	}
	for name, same := range map[string]string{
		"indented":            strings.ReplaceAll(text, "\n", "\n\t\v\f "),
		"with CRLF":           strings.ReplaceAll(text, "\n", "\r\n"),
		"with empty lines":    strings.ReplaceAll(text, "\n", "\n\n \n"),
		"without a final LF":  strings.TrimSuffix(text, "\n"),
		"# comment":           "# comment\n" + text,
		"indented comment":    " \t# comment\n" + text,
		"#":                   "#\n" + text,
		"# and CR":            "#\r\n" + text,
		"## comment":          "##comment\n" + text,
		"#, then a tab":       "#\tcomment\n" + text,
		"dnl":                 "dnl\n" + text,
		"dnl comment":         text + "  dnl comment",
		"dnl, then a tab":     "dnl\tcomment\n" + text,
		"dnl, then CR":        "dnl\r\n" + text,
		"comment at the end":  text + "# comment",
		"space within a line": strings.Replace(text, "second", "sec ond", 1),
	} {
		if got := form(same); got != want {
			t.Errorf("%s: another form: %+v, want %+v", name, got, want)
		}
	}
	broken := form(strings.Replace(text, "fourth line", "fourth\nline", 1))
	if broken.Digest != want.Digest || broken.Sketch == want.Sketch || broken.Lines != 5 {
		t.Errorf("a line that is broken in two: %+v, want the digest of %+v and another sketch", broken, want)
	}
	for name, other := range map[string]string{
		"another letter":         strings.Replace(text, "second", "sekond", 1),
		"another case":           strings.Replace(text, "second", "Second", 1),
		"comment behind a line":  strings.Replace(text, "# said", "# sad", 1),
		"a short line":           strings.Replace(text, "fi", "if", 1),
		"another order":          "fi\n" + strings.TrimSuffix(text, "fi\n"),
		"#include":               "#include <x>\n" + text,
		"#define":                "#define x\n" + text,
		"#!":                     "#!/bin/sh\n" + text,
		"#-comment":              "#-comment\n" + text,
		"dnlx":                   "dnlx\n" + text,
		"dnl(":                   "dnl(x)\n" + text,
		"// comment":             "// comment\n" + text,
		"a no-break space":       strings.Replace(text, "second line", "second\u00a0line", 1),
		"a next-line character":  strings.Replace(text, "second line", "second\u0085line", 1),
		"a comment after a CR":   text + "\r# comment",
		"comment after a letter": text + "x# comment\n",
	} {
		if got := form(other); got.Digest == want.Digest {
			t.Errorf("%s: the same form", name)
		}
	}
}

func TestNoForm(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "three lines": numbered("x", 3), "comments": strings.Repeat("# comment\n", 100), "short lines": strings.Repeat("fi\nabcde\n", 100),
		"one long line": strings.Repeat("x", 1000), "a zero byte": numbered("x", 10) + "\x00",
	} {
		if got := form(text); !got.IsZero() {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for name, text := range map[string]string{"four lines": numbered("x", 4), "lines of six bytes": strings.Repeat("a b c d e f\n", 4), "no UTF-8": numbered("\xff", 4)} {
		if got := form(text); got.IsZero() || got.Lines != 4 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if all, id := Take("a.m4", []byte(serialText)), Identify("a.m4", []byte(serialText)); id.SHA256 != all.SHA256 || id.Serial != all.Serial || !id.Form.IsZero() || all.Form.IsZero() {
		t.Errorf("identified %+v, taken %+v", id, all)
	}
}

const serialText = "# serial 7\nline one\nline two\nline three\nline four\n"

// The share of common lines is estimated well enough to tell a changed file from
// another one.
func TestSketchSimilarity(t *testing.T) {
	percent := func(a, b string) int {
		same, filled := form(a).Sketch.Compare(form(b).Sketch)
		return 100 * same / filled
	}
	near, far := 0, 0
	const pairs = 100
	for i := range pairs {
		text := numbered(fmt.Sprintf("text %d", i), 200)
		changed := strings.Replace(text, "line 7 ", "line seven ", 1) + numbered("addition", 5)
		if percent(text, changed) >= MinPercentOtherName {
			near++
		}
		if same, _ := form(text).Sketch.Compare(form(numbered(fmt.Sprintf("other %d", i), 200)).Sketch); same >= minSame {
			far++
		}
		if percent(text, text) != 100 {
			t.Fatal("a text is not like itself")
		}
	}
	if near < pairs*95/100 || far > 2 {
		t.Errorf("of %d pairs, %d that differ in 3 of 100 lines are near, %d unrelated ones are", pairs, near, far)
	}
	half, sum := numbered("half", 100), 0
	for i := range pairs {
		sum += percent(half+numbered(fmt.Sprint(i), 100), half+numbered(fmt.Sprint(i+pairs), 100))
	}
	if got := sum / pairs; got < 25 || got > 42 { // a third of all lines is in both
		t.Errorf("of texts that share a third of their lines it is estimated to be %d %%", got)
	}
}

func TestSketchCompare(t *testing.T) {
	a, b := Sketch{0: 1, 1: 2, 2: 3}, Sketch{0: 1, 1: 9, 3: 4}
	if same, filled := a.Compare(b); same != 1 || filled != 4 {
		t.Errorf("%d of %d, want 1 of 4", same, filled)
	}
	if same, filled := (Sketch{}).Compare(Sketch{}); same != 0 || filled != 0 {
		t.Errorf("of nothing: %d of %d", same, filled)
	}
}

func TestSerial(t *testing.T) {
	const lines = "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n" // 19
	long := strings.Repeat("9", 40)
	for text, want := range map[string]Serial{
		"# serial 42": "42", "#serial 42\n": "42", "#\t serial\t 42 (x-1.0)\n": "42", "x\n# serial 5\ny": "5", "# serial 5\r\n": "5", "#\fserial\v5": "5",
		"## serial 4": "4", "# serial 5,": "5", "# serial 5;": "5", "# serial 042": "42", "# serial 0": "0", "# serial 000": "0", "# serial 1.2.03": "1.2.3",
		"# serial 3\n# serial 10\n# serial 9": "10", "# serial 1.10\n# serial 1.9": "1.10", "# serial 0.1\n# serial 0": "0.1",
		"# gettext.m4 serial 78 (gettext-0.22.4)": "78", "dnl serial 5": "5", "dnl x.m4 serial 5": "5", "#x.m4 is serial 5 of it": "5",
		lines + "# x.m4 serial 5": "5", lines + "dnl serial 5": "5", lines + "\n# x.m4 serial 5": "", lines + "\ndnl serial 5": "", lines + "\n# serial 5": "5",
		lines + lines + "\n\n#serial 30\n": "30", "# serial 3\x00\n# serial 2": "2", "\x00\n# serial 2": "2",
		"": "", "#": "", "# serial": "", "# serial ": "", "# serial x": "", "# serial 5x": "", "# serial -5": "", "# serial 1..2": "", "# serial .5": "", "# serial 5.": "", "# serial +5": "",
		"# serials 5": "", "# Serial 5": "", "# serial\n5": "", " # serial 5": "", "serial 5": "", "AC_X # serial 5": "", "# serial\u00a05": "", "# serial 5\u00a0": "", "# serial \u0665": "",
		"# serial " + strings.Repeat("0", 100) + "30": "30", "# serial " + long: Serial(long[:32]), "# serial 5." + long: Serial("5." + long[:30]),
		"# serial " + long[:31] + ".5": Serial(long[:31]), "# serial 1." + strings.Repeat("0", 50) + "7": "1.7", "# serial " + long + "x": "",
		"# serial " + strings.Repeat("1.", 40) + "1": Serial(strings.Repeat("1.", 15) + "1"),
	} {
		if got := Take("x.m4", []byte(text)).Serial; got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for name, want := range map[string]Serial{"a/b.m4": "7", ".m4": "7", "x.m4.in": "", "m4": "", "x.M4": "", "x": ""} {
		if got := Take(name, []byte(serialText)).Serial; got != want {
			t.Errorf("of %q: %q, want %q", name, got, want)
		}
	}
}

// A serial number reads back as it is, however it was spelled, and its order is
// that of its numbers.
func TestParseSerial(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		spelled := rapid.StringMatching(`0{0,3}[0-9]{1,12}(\.[0-9]{1,3}){0,12}`).Draw(rt, "serial")
		s, ok := ParseSerial(spelled)
		again, ok2 := ParseSerial(string(s))
		if !ok || !ok2 || again != s || len(s) > maxSerialBytes {
			rt.Fatalf("%q: %q, %v, again %q, %v", spelled, s, ok, again, ok2)
		}
		if more, _ := ParseSerial("1" + string(s)); more.Compare(s) <= 0 && len(s) < maxSerialBytes && s[0] != '0' {
			rt.Fatalf("%q does not follow %q", more, s)
		}
	})
	ordered := []Serial{"", "0", "0.0", "1", "1.0", "1.0.1", "1.1", "1.2", "1.10", "2", "10", "100", Serial(strings.Repeat("9", 32))}
	for i, a := range ordered {
		for j, b := range ordered {
			if got := a.Compare(b); got < 0 != (i < j) || got > 0 != (i > j) {
				t.Errorf("%q against %q: %d", a, b, got)
			}
		}
	}
}

// What a hostile file makes of the search for its serial number takes no memory.
func TestSerialTakesNoMemory(t *testing.T) {
	for name, text := range map[string]string{
		"many words": "# " + strings.Repeat("a ", 1<<20), "many numbers": "# serial " + strings.Repeat("1.", 1<<20) + "1", "many serials": strings.Repeat("# serial 1\n", 1<<17),
		"zeros": "# serial " + strings.Repeat("0", 1<<20) + "1",
	} {
		content := []byte(text)
		if got := bytesTaken(func() { serialOf(content) }); got > 8*uint64(len(content)) {
			t.Errorf("%s: %d bytes are taken for %d", name, got, len(content))
		}
	}
}
