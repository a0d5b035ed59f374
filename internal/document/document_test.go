package document

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"
)

func anything(s string) (string, error) { return s, nil }

// The line of each value, however it is written.
func TestLines(t *testing.T) {
	const text = `a = 1
b.c = [
  "x",
  ["y",
   "z"],
  {d = 1, e = [
    2]},
] # comment
"q.r" = """
text"""

[t]
k = true
[[u]]
[[u.v]]
w = 1
[[u.v]]
w = 2
[[u]]
[u.x]
y = 1
`
	d, err := Open([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	u, b := KeyPlace("", "u"), KeyPlace(KeyPlace("", "b"), "c")
	v := KeyPlace(ItemPlace(u, 0), "v")
	for place, want := range map[string]int{
		"": 1, KeyPlace("", "a"): 1, KeyPlace("", "b"): 2, b: 2, ItemPlace(b, 0): 3, ItemPlace(ItemPlace(b, 1), 0): 4, ItemPlace(ItemPlace(b, 1), 1): 5,
		ItemPlace(b, 2): 6, KeyPlace(ItemPlace(b, 2), "d"): 6, KeyPlace(ItemPlace(b, 2), "e"): 6, ItemPlace(KeyPlace(ItemPlace(b, 2), "e"), 0): 7,
		KeyPlace("", "q.r"): 9, KeyPlace("", "t"): 12, KeyPlace(KeyPlace("", "t"), "k"): 13, KeyPlace(KeyPlace("", "t"), "not there"): 12,
		u: 14, ItemPlace(u, 0): 14, ItemPlace(v, 0): 15, KeyPlace(ItemPlace(v, 0), "w"): 16, ItemPlace(v, 1): 17, KeyPlace(ItemPlace(v, 1), "w"): 18,
		ItemPlace(u, 1): 19, KeyPlace(ItemPlace(u, 1), "x"): 20, KeyPlace(KeyPlace(ItemPlace(u, 1), "x"), "y"): 21,
	} {
		if got := d.Line(place); got != want {
			t.Errorf("%s is in line %d, expected %d", place, got, want)
		}
	}
}

// What is no TOML, and what TOML lets nobody say twice.
func TestOpenRefuses(t *testing.T) {
	for text, line := range map[string]int{
		"a": 1, "a = 1\nb": 2, "a = 1\na = 2": 2, "[a]\n[a]": 2, "a.b = 1\n[a]\nb = 1": 2, "a = {b = 1, b = 2}": 1, "a = [1]\n[[a]]": 2,
		"a = \"\xff\"": 1, "a = \"\x1b\"": 1, "# \x00": 1, "\xef\xbb\xbfa = \xff": 1, "a = 99999999999999999999": 1, "a = " + strings.Repeat("[", 11000): 1,
		"[" + strings.Repeat("a", 1000) + "]\n[" + strings.Repeat("a", 1000) + "]": 2, "\ufeffa = 1": 1,
	} {
		d, err := Open([]byte(text))
		var perr *ParseError
		if d != nil || !errors.As(err, &perr) || perr.Line != line || perr.Hint == "" || len(perr.Error()) > 300 || strings.ContainsAny(perr.Error(), "\x1b\x00\n") || !utf8.ValidString(perr.Error()) {
			t.Errorf("%.40q: got %v, expected line %d", text, err, line)
		}
	}
}

// Of several problems the first by line is the one that is told.
func TestFirst(t *testing.T) {
	d, err := Open([]byte("a = 1\nb = 2\nc = 3\n"))
	if err != nil || d.First() != nil {
		t.Fatal(err)
	}
	d.FailAt("c", errors.New("third"))
	Required(d, "b", anything)
	d.Close()
	var perr *ParseError
	if !errors.As(d.First(), &perr) || perr.Error() != "line 1: the key \"a\" is not known here" || perr.Hint != "the keys here are: b" {
		t.Errorf("got %v", d.First())
	}
}

// What lies deep is refused, with its line; places would be as long as the
// document, each.
func TestDepth(t *testing.T) {
	const most = MaxDepth
	for _, c := range []struct {
		name, text string
		line       int // 0 if it is read
	}{
		{"keys", "x = 1\n" + strings.Repeat("a.", most-1) + "a = 1", 0},
		{"one key more", "x = 1\n" + strings.Repeat("a.", most) + "a = 1", 2},
		{"tables", "x = 1\n[" + strings.Repeat("a.", most-1) + "a]", 0},
		{"one table more", "x = 1\n[" + strings.Repeat("a.", most) + "a]", 2},
		{"a key in tables", "[" + strings.Repeat("a.", most-1) + "a]\nx = 1", 2},
		{"an index of tables", "[[" + strings.Repeat("a.", most-1) + "a]]", 1},
		{"arrays", "x = 1\na = " + strings.Repeat("[", most-1) + "1" + strings.Repeat("]", most-1), 0},
		{"one array more", "x = 1\na = " + strings.Repeat("[", most) + "1" + strings.Repeat("]", most), 2},
		{"inline tables", "a = " + strings.Repeat("{a = ", most-1) + "1" + strings.Repeat("}", most-1), 0},
		{"one inline table more", "a = " + strings.Repeat("{a = ", most) + "1" + strings.Repeat("}", most), 1},
		{"very many", strings.Repeat("a.", 15000) + "a = 1\nb = " + strings.Repeat("[", 1000) + strings.Repeat("]", 1000), 1},
	} {
		d, err := Open([]byte(c.text))
		var perr *ParseError
		if (err == nil) != (c.line == 0) || err != nil && (d != nil || !errors.As(err, &perr) || perr.Line != c.line || perr.Hint == "") {
			t.Errorf("%s: got %v, expected line %d", c.name, err, c.line)
		}
	}
	text := []byte(strings.Repeat("a.", 15000) + "a = 1")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Open(text)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; err == nil || n > 64<<20 {
		t.Errorf("a key of %d bytes takes %d bytes of memory (%v)", len(text), n, err)
	}
}

// Of what is not known in one line, the same is told each time.
func TestCloseIsOrdered(t *testing.T) {
	for range 20 {
		d, err := Open([]byte("e = 1\nt = {d = 1, c = 1, b = 1, a = 1}\n"))
		if err != nil {
			t.Fatal(err)
		}
		d.Table("t").Close()
		if err := d.First(); err == nil || err.Error() != "line 2: the key \"a\" is not known here" {
			t.Fatalf("got %v", err)
		}
	}
}

// Each mistake in the kind of a value is told with what to do.
func TestKinds(t *testing.T) {
	for text, want := range map[string]string{
		"[a]\nx = 1":       "line 1: expected an array, found a table; [[NAME]]",
		"a = 'x y'":        "line 1: expected an array, found a string; in quotes of its own",
		"a = [1]":          "line 1: expected a string, found an integer; see the specification",
		"\na = [{}]":       "line 2: expected a string, found a table; a key that holds a dot",
		"a = [1979-05-27]": "line 1: expected a string, found a date or time; see the specification",
	} {
		d, err := Open([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		List(d, "a", anything)
		says, hint, _ := strings.Cut(want, "; ")
		var perr *ParseError
		if !errors.As(d.First(), &perr) || perr.Error() != says || !strings.Contains(perr.Hint, hint) {
			t.Errorf("%q: got %v, expected %s", text, d.First(), want)
		}
	}
}
