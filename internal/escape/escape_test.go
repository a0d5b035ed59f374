package escape_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/countermark/countermark/internal/escape"
)

// harmful says why r must not reach a terminal or a reader's eye, "" if it may.
// It is written from Unicode's own property tables, not from package escape.
func harmful(r rune) string {
	switch {
	case r < ' ' || r == 0x7f:
		return "control character"
	case r >= 0x80 && r <= 0x9f:
		return "C1 control character"
	case r == utf8.RuneError:
		return "replacement character"
	case unicode.Is(unicode.Bidi_Control, r):
		return "bidirectional control"
	case unicode.Is(unicode.Variation_Selector, r):
		return "variation selector"
	case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r):
		return "invisible character"
	case unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r), unicode.Is(unicode.Zs, r) && r != ' ':
		return "separator other than a space"
	case unicode.Is(unicode.Co, r), unicode.Is(unicode.Cs, r):
		return "private or surrogate code point"
	case strings.ContainsRune("\u2800\uFFFC\U0001D159", r):
		return "symbol that looks like nothing"
	}
	return ""
}

// checkOutput fails if output holds anything harmful other than the bytes allowed.
func checkOutput(t *testing.T, what, input, output, allowed string) {
	t.Helper()
	if !utf8.ValidString(output) {
		t.Errorf("%s of %+q: invalid UTF-8 comes out: %+q", what, input, output)
		return
	}
	for _, r := range output {
		if why := harmful(r); why != "" && !strings.ContainsRune(allowed, r) {
			t.Errorf("%s of %+q: %s %U comes out", what, input, why, r)
			return
		}
	}
}

// Every code point there is, and every single byte.
func TestEveryCodePoint(t *testing.T) {
	shown := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		why := harmful(r)
		if escape.Visible(r) {
			shown++
			if why != "" {
				t.Errorf("%U is shown: %s", r, why)
			}
		} else if why == "" && unicode.IsPrint(r) {
			t.Errorf("%U is not shown, and nothing is wrong with it", r)
		}
	}
	if shown < 100_000 { // Unicode 15 has 149,186 characters
		t.Errorf("only %d characters are shown", shown)
	}
	for b := range 256 {
		s := "a" + string([]byte{byte(b)}) + "z"
		checkOutput(t, "Text", s, escape.Text(s), "")
	}
}

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"":                            "",
		"plain name.txt":              "plain name.txt",
		"Übergröße/日本語/🙂":             "Übergröße/日本語/🙂",
		"a\nb\tc\r":                   `a\nb\tc\r`,
		"\x1b[31mred\x1b[0m":          `\x1b[31mred\x1b[0m`,
		"\x7f\u009b":                  `\x7f\u009b`,
		"\xff\xc0\x80":                `\xff\xc0\x80`,
		"good\u202Egnp.exe":           `good\u202egnp.exe`,
		"zero\u200Bwidth":             `zero\u200bwidth`,
		"line\u2028end\u00a0":         `line\u2028end\u00a0`,
		"heart\uFE0F\U000E0100":       `heart\ufe0f\U000e0100`,
		"fill\u3164\uFFA0\u2800":      `fill\u3164\uffa0\u2800`,
		"\uFEFFbom":                   `\ufeffbom`,
		"tag\U000E0041":               `tag\U000e0041`,
		`C:\x1b`:                      `C:\\x1b`,
		"\uFFFD":                      `\ufffd`,
		"\x00":                        `\x00`,
		`"quoted" 'single' <b>&amp;`:  `"quoted" 'single' <b>&amp;`,
		strings.Repeat("\x07", 3):     `\a\a\a`,
		"surrogate \xed\xa0\x80 half": `surrogate \xed\xa0\x80 half`,
	} {
		if got := escape.Text(in); got != want {
			t.Errorf("Text(%+q) = %s, expected %s", in, got, want)
		}
	}
}

// hostileName returns a name made of pieces that have fooled programs before.
func hostileName(random *rand.Rand) string {
	pieces := []string{
		"a", "README", "/", "..", " ", "\\", "\\n", "\\x1b", "\"", "'", "`", "$(id)", "<img src=x onerror=alert(1)>", "%s%n", "{{.}}",
		"\x00", "\a", "\b", "\t", "\n", "\r", "\x1b[2J", "\x1b]0;title\a", "\x1b]8;;http://x\x1b\\", "\x7f", "\u0085", "\u009b31m",
		"\u061c", "\u200e", "\u200f", "\u202a", "\u202e", "\u2066", "\u2069", "\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad",
		"\u180e", "\ufe0f", "\U000e0101", "\U000e0041", "\u034f", "\u115f", "\u3164", "\uffa0", "\u2800", "\u2028", "\u2029", "\u00a0",
		"\ufffd", "\ufffc", "\ufff9", "\xff", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\ue000", "\U0010ffff",
		"é", "e\u0301", "א", "日本", "🙂", "\U0001d159", "\U0001d173",
	}
	var b strings.Builder
	for range 1 + random.IntN(8) {
		switch random.IntN(4) {
		case 0:
			b.WriteRune(rune(random.IntN(unicode.MaxRune + 1)))
		case 1:
			b.WriteByte(byte(random.IntN(256)))
		default:
			b.WriteString(pieces[random.IntN(len(pieces))])
		}
	}
	return b.String()
}

func checkName(t *testing.T, name string) {
	t.Helper()
	text, quoted := escape.Text(name), escape.Quote(name)
	checkOutput(t, "Text", name, text, "")
	checkOutput(t, "Quote", name, quoted, "")
	if again, err := strconv.Unquote(quoted); err != nil || again != name {
		t.Errorf("Quote(%+q) = %s, which reads as %+q, %v", name, quoted, again, err)
	}
	checkJSON(t, map[string]any{name: []any{name, 1.5, nil}, "path": name})
}

// checkJSON holds that the escaped document is clean and means the same.
func checkJSON(t *testing.T, value any) {
	t.Helper()
	for _, indent := range []string{"", "  ", "\t"} {
		plain, err := json.MarshalIndent(value, "", indent)
		if err != nil {
			t.Fatal(err)
		}
		out := escape.JSON(plain)
		checkOutput(t, "JSON", string(plain), string(out), "\n")
		var want, got any
		if err := json.Unmarshal(plain, &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("JSON of %s = %s, which reads as %v, %v", plain, out, got, err)
		}
	}
}

func TestHostileNames(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	distinct := map[string]string{}
	for range 10_000 {
		name := hostileName(random)
		checkName(t, name)
		if other, seen := distinct[escape.Text(name)]; seen && other != name {
			t.Errorf("%+q and %+q are shown alike", name, other)
		}
		distinct[escape.Text(name)] = name
		if t.Failed() {
			return
		}
	}
}

func TestJSONKeepsWhatIsVisible(t *testing.T) {
	document := []byte("{\r\n\t\"größe\": \"日本 \U0001F642 \u202e\xff\"\n}")
	want := "{ \n \"größe\": \"日本 \U0001F642 \\u202e\\ufffd\"\n}"
	if got := escape.JSON(document); string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	// Outside the basic plane a surrogate pair is due.
	if got := escape.JSON([]byte("\"\U000E0041\"")); string(got) != `"\udb40\udc41"` {
		t.Errorf("got %s", got)
	}
	if bytes.Contains(document, []byte("u202e")) {
		t.Error("the input was modified")
	}
}

// FuzzText holds to the same properties for any bytes.
func FuzzText(f *testing.F) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		f.Add(hostileName(random))
	}
	f.Fuzz(func(t *testing.T, name string) { checkName(t, name) })
}

func TestSentence(t *testing.T) {
	const given, want = "the field is \"\\x00\" \x1b[2J\u202e", `the field is "\x00" \x1b[2J\u202e`
	if got := escape.Sentence(given); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
