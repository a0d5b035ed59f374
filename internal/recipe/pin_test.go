package recipe

import (
	"crypto/sha256"
	"errors"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
)

// unpinned is a recipe that lacks every digest, in every way of writing it.
const unpinned = `countermark-recipe = 1
download = [
  {url = "https://example.org/a", path = "a"}, # inline
  {path = "b", url = 'https://example.org/b'},
]

[project]
url = "https://example.org/"
archive = "demo-{version}"

[source]
tag = "v{version}"

[environment]
kind = "image"
form = "tar"
  url = "https://example.org/root.tar.xz" # sha256 = "later"

[[environment.tool]]
name = "gen"
"url" = """https://example.org/\
  gen.tar.gz""" # comment
build = [["make"]]

[[environment.tool]]
name = "other"
url = "https://example.org/other.tar.gz"
sha256 = "` + sumA + `"
build = [["make"]]

[built]
branch = "demo-built"
author = {name = "Demo", email = "releases@example.org"}

[archives]
formats = ["tar.gz"]
`

func sumOf(text string) digest.SHA256 { return sha256.Sum256([]byte(text)) }

// fill gives every pin that lacks a digest one made of its URL.
func fill(pins []Pin) []Pin {
	for i := range pins {
		if pins[i].SHA256.IsZero() {
			pins[i].SHA256 = sumOf(string(pins[i].URL))
		}
	}
	return pins
}

func TestPins(t *testing.T) {
	pins, err := Pins([]byte(unpinned))
	if err != nil {
		t.Fatal(err)
	}
	want := []Pin{
		{What: "image", URL: "https://example.org/root.tar.xz", Line: 17},
		{What: "tool gen", URL: "https://example.org/gen.tar.gz", Line: 21},
		{What: "tool other", URL: "https://example.org/other.tar.gz", Line: 27},
		{What: "download a", URL: "https://example.org/a", Line: 3},
		{What: "download b", URL: "https://example.org/b", Line: 4},
	}
	for i, p := range pins {
		if p.lacks != p.SHA256.IsZero() || p.lacks == (p.What == "tool other") {
			t.Errorf("%s lacks %v, %v", p.What, p.lacks, p.SHA256)
		}
		p.place, p.lacks, p.SHA256 = "", false, digest.SHA256{}
		if len(pins) != len(want) || p != want[i] {
			t.Errorf("got %+v", p)
		}
	}
	if _, err := Parse([]byte(unpinned)); err == nil {
		t.Error("a recipe that lacks digests is none")
	}
}

func TestWithDigests(t *testing.T) {
	line := func(url string) string { return `sha256 = "` + sumOf("https://example.org/"+url).String() + `"` }
	want := unpinned
	for _, r := range [][2]string{
		{`"https://example.org/a"`, `"https://example.org/a", ` + line("a")},
		{`'https://example.org/b'`, `'https://example.org/b', ` + line("b")},
		{"# sha256 = \"later\"\n", "# sha256 = \"later\"\n  " + line("root.tar.xz") + "\n"},
		{"# comment\n", "# comment\n" + line("gen.tar.gz") + "\n"},
	} {
		if strings.Count(want, r[0]) != 1 {
			t.Fatalf("%q is not there once", r[0])
		}
		want = strings.Replace(want, r[0], r[1], 1)
	}
	for _, end := range []string{"\n", "\r\n"} {
		text := []byte(strings.ReplaceAll(unpinned, "\n", end))
		pins, err := Pins(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := WithDigests(text, fill(pins))
		if err != nil || string(got) != strings.ReplaceAll(want, "\n", end) {
			t.Errorf("%q: %v, got\n%s\nwant\n%s", end, err, got, want)
		}
	}
}

// Nothing changes where nothing is lacking; and whatever is taken out of a
// recipe comes back.
func TestPinningRestores(t *testing.T) {
	key := regexp.MustCompile(`(, )?sha256 = "[0-9a-f]{64}"\n?`)
	for _, text := range append(examples(t), full) {
		pins, err := Pins([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if same, err := WithDigests([]byte(text), pins); err != nil || string(same) != text {
			t.Errorf("%v, got\n%s", err, same)
		}
		sums := map[URL]digest.SHA256{}
		for _, p := range pins {
			sums[p.URL] = p.SHA256
		}
		stripped := []byte(key.ReplaceAllString(text, ""))
		if pins, err = Pins(stripped); err != nil {
			t.Fatal(err)
		}
		for i := range pins {
			pins[i].SHA256 = sums[pins[i].URL]
		}
		restored, err := WithDigests(stripped, pins)
		if err != nil {
			t.Fatal(err)
		}
		got, want := parse(t, string(restored)), parse(t, text)
		got.Digest = want.Digest
		if !reflect.DeepEqual(got, want) {
			t.Errorf("restored to\n%s", restored)
		}
	}
}

func TestPinsRefuses(t *testing.T) {
	for text, says := range map[string]string{
		strings.Replace(unpinned, `path = "a"`, `path = "../a"`, 1):                            "path",
		strings.Replace(unpinned, "  url = \"https://example.org/root.tar.xz\"", "#", 1):       "neither a URL nor a SHA-256",
		strings.Replace(unpinned, sumA, "0", 1):                                                "is no SHA-256",
		strings.Replace(unpinned, "sha256 = \"", "git = \"https://example.org/g\"\ny = \"", 1): "",
		strings.Replace(unpinned, "path = \"b\", ", "", 1):                                     `"path" is missing`,
	} {
		pins, err := Pins([]byte(text))
		if _, ok := errors.AsType[*ParseError](err); pins != nil || !ok || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, %v, want %q", pins, err, says)
		}
	}
	pins, err := Pins([]byte(unpinned))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := WithDigests([]byte(unpinned), pins); err == nil {
		t.Errorf("without a digest: %s", got)
	}
}

// FuzzPins: a recipe that only lacks digests becomes one that Parse accepts.
func FuzzPins(f *testing.F) {
	f.Add([]byte(unpinned))
	f.Add([]byte(full))
	for _, text := range examples(f) {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		pins, err := Pins(data)
		if err != nil || len(data)+len(pins)*200 > MaxFileBytes {
			return
		}
		out, err := WithDigests(data, fill(pins))
		if err != nil {
			t.Fatalf("%v\n%q", err, data)
		}
		again, err := Pins(out)
		if err != nil || len(again) != len(pins) {
			t.Fatalf("%v\n%q", err, out)
		}
		for i, p := range again {
			if p.URL != pins[i].URL || p.SHA256 != pins[i].SHA256 {
				t.Fatalf("%+v became %+v", pins[i], p)
			}
		}
	})
}
