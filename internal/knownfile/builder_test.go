package knownfile

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/countermark/countermark/internal/digest"
)

// added is one call of Builder.Add.
type added struct {
	tool, version, path string
	text                string
}

func (a added) to(tb interface{ Fatal(...any) }, b *Builder) {
	if err := b.Add(a.tool, a.version, a.path, Take(a.path, []byte(a.text))); err != nil {
		tb.Fatal(err)
	}
}

func build(tb interface{ Fatal(...any) }, all ...added) *Index {
	var b Builder
	for _, a := range all {
		a.to(tb, &b)
	}
	x, err := b.Index()
	if err != nil {
		tb.Fatal(err)
	}
	return x
}

// sample is a small index with something in each table.
func sample(tb interface{ Fatal(...any) }) *Index {
	return build(tb,
		added{"gettext", "0.21", "m4/a.m4", "# serial 3\n" + numbered("a", 30)},
		added{"gettext", "0.22", "m4/a.m4", "# serial 4\n" + numbered("a", 31)},
		added{"gettext", "0.22", "m4/sub/b.m4", "# serial 4\n" + numbered("b", 30)},
		added{"automake", "1.16.10", "lib/missing", "#!/bin/sh\n" + numbered("missing", 40)},
		added{"automake", "1.16.9", "lib/missing", "#!/bin/sh\n" + numbered("missing", 40)},
		added{"automake", "1.9", "lib/empty", ""},
		added{"automake", "1.9", "m4/a.m4", "# serial 3\n" + numbered("a", 30)},
	)
}

// generate draws files of a few tools, all of which come first in one order, so
// that what the order of the others changes must not matter.
func generate(rt *rapid.T) (first, rest []added) {
	tools := []string{"b", "a"}
	for _, tool := range tools {
		first = append(first, added{tool, "1", "first", "first"})
	}
	texts := []string{"", "short", numbered("x", 5), " " + numbered("x", 5), strings.Replace(numbered("x", 6), " of x\nline 1", " of xline 1", 1), strings.Replace(numbered("x", 5), "line 1", "line\n1", 1),
		strings.Replace(numbered("x", 5), "line 1 of x\n", "line 1\nof x\n", 1), strings.Replace(numbered("x", 5), "line 2 of x\n", "line 2\nof x\n", 1), // one form but for the sketch
		"# serial 2\n" + numbered("y", 5), "# serial 10\n" + numbered("y", 5)}
	for range rapid.IntRange(0, 30).Draw(rt, "files") {
		rest = append(rest, added{rapid.SampledFrom(tools).Draw(rt, "tool"), rapid.SampledFrom([]string{"1", "01", "1.0", "1.00", "2", "10", "1~"}).Draw(rt, "version"),
			rapid.SampledFrom([]string{"a.m4", "b", "dir/a.m4"}).Draw(rt, "path"), rapid.SampledFrom(texts).Draw(rt, "text")})
	}
	return first, rest
}

// The same files give the same bytes, in whatever order they come, through
// whichever indexes.
func TestBuilderOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		first, rest := generate(rt)
		want := build(rt, append(slices.Clone(first), rest...)...).Marshal()
		shuffled := slices.Clone(rest)
		rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "shuffle"), 0)).Shuffle(len(rest), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if got := build(rt, append(slices.Clone(first), shuffled...)...).Marshal(); !bytes.Equal(got, want) {
			rt.Fatalf("%v and %v give different bytes", rest, shuffled)
		}
		var b Builder
		cut := rapid.IntRange(0, len(rest)).Draw(rt, "cut")
		for _, part := range [][]added{append(slices.Clone(first), shuffled[:cut]...), append(slices.Clone(first), shuffled[cut:]...)} {
			if err := b.AddIndex(build(rt, part...)); err != nil {
				rt.Fatal(err)
			}
		}
		x, err := b.Index()
		if err != nil || !bytes.Equal(x.Marshal(), want) {
			rt.Fatalf("an index of indexes is not that of all: %v", err)
		}
	})
}

func TestBuilderRanges(t *testing.T) {
	text := numbered("x", 5)
	sum := Take("", []byte(text)).SHA256
	x := build(t, added{"t", "1.10", "a", text}, added{"t", "1.9", "a", text}, added{"t", "2", "a", "else"}, added{"t", "1.9", "b", text},
		added{"u", "5", "a", text}, added{"t", "1.09", "a", text}, added{"t", "1.9.5", "a", text})
	want := []Origin{{"t", "1.09", "1.10", "a"}, {"t", "1.9", "1.9", "b"}, {"u", "5", "5", "a"}}
	if got := x.Find(sum); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := x.Find(digest.SHA256{1}); got != nil {
		t.Errorf("an unknown content: %v", got)
	}
	if got, want := fmt.Sprint(x.ToolVersions()), "[{t 1.09 2 5 2} {u 5 5 1 1}]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := x.Counts(), (Counts{Tools: 2, Releases: 6, Paths: 2, Forms: 1, Files: 2}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	// The serial number is known whichever name comes first.
	m4 := "# serial 4\n"
	for _, x := range []*Index{build(t, added{"t", "1", "a.m4", m4}, added{"t", "1", "a.in", m4}), build(t, added{"t", "1", "a.in", m4}, added{"t", "1", "a.m4", m4})} {
		if serial, _, ok := x.HighestSerial("a.in"); !ok || serial != "4" {
			t.Errorf("serial %q, %v", serial, ok)
		}
	}
}

// Texts of one digest keep each its own form, whichever comes first.
func TestBuilderFormsOfOneDigest(t *testing.T) {
	text := numbered("x", 9)
	broken := []string{strings.Replace(text, "line 1 of", "line 1\nof", 1), strings.Replace(text, "line 2 of", "line 2\nof", 1), strings.Replace(text, "x\n", "x", 1), text}
	forms := make(map[Form]bool)
	for _, b := range broken {
		f := form(b)
		if forms[f] = true; f.Digest != form(text).Digest {
			t.Fatalf("%q has another digest", b)
		}
	}
	x := build(t, added{"t", "1", "a", broken[0]}, added{"t", "1", "b", broken[1]}, added{"t", "1", "c", broken[2]}, added{"t", "1", "d", broken[3]})
	if len(forms) < 3 || len(x.forms) != len(forms) {
		t.Fatalf("%d forms, want %d", len(x.forms), len(forms))
	}
	for _, r := range x.records {
		i := strings.Index("abcd", x.paths[r.origins[0].path])
		if x.forms[r.form] != form(broken[i]) {
			t.Errorf("text %d has the form of another", i)
		}
	}
	if m, ok := x.NearestOfAnyName("e", Take("e", []byte("# e\n"+broken[3]))); !ok || m.Path != "d" || !m.SameForm {
		t.Errorf("got %+v, %v", m, ok)
	}
}

// A content at many places is found in its place without a search through all.
func TestBuilderManyPlaces(t *testing.T) {
	var b Builder
	f := Take("", []byte("x"))
	add := func(i int, version string) error { return b.Add("t", version, fmt.Sprintf("%06d", i), f) }
	for i := range maxOrigins {
		if err := add(i, "2"); err != nil {
			t.Fatal(err)
		}
	}
	for _, i := range []int{0, fewOrigins, maxOrigins - 1} {
		if err := add(i, fmt.Sprint(i%5)); err != nil {
			t.Fatal(err)
		}
	}
	x, err := b.Index()
	if err != nil {
		t.Fatal(err)
	}
	back, err := Parse(x.Marshal())
	if err != nil || len(back.Find(f.SHA256)) != maxOrigins {
		t.Fatalf("%d origins, %v", len(back.Find(f.SHA256)), err)
	}
	for i, want := range map[int]string{0: "0 to 2", 1: "2", fewOrigins: "1 to 2", maxOrigins - 1: "0 to 2"} {
		if o := back.Find(f.SHA256)[i]; o.Path != fmt.Sprintf("%06d", i) || o.Versions() != want {
			t.Errorf("origin %d: %v, want %s", i, o, want)
		}
	}
	if err := add(maxOrigins, "1"); err == nil || !strings.Contains(err.Error(), "more than 65536 places") {
		t.Errorf("one more: %v", err)
	}
}

func TestBuilderRefuses(t *testing.T) {
	f := Take("x", []byte(numbered("x", 5)))
	long := strings.Repeat("x", maxNameBytes)
	var b Builder
	for name, c := range map[string]struct{ tool, version, path string }{
		"no tool": {"", "1", "a"}, "no version": {"t", "", "a"}, "no path": {"t", "1", ""}, "a folder": {"t", "1", "a/"},
		"a long tool": {long + "x", "1", "a"}, "a long version": {"t", long + "1", "a"}, "a long path": {"t", "1", strings.Repeat("x", maxPathBytes+1)},
		"a space in the tool": {"a b", "1", "a"}, "a line feed in the version": {"t", "1\n", "a"}, "another alphabet": {"t\u00e9", "1", "a"}, "no UTF-8": {"t\xff", "1", "a"}, "delete": {"t\x7f", "1", "a"},
	} {
		if err := b.Add(c.tool, c.version, c.path, f); err == nil || strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' || r == 0x7f || r == utf8.RuneError }) {
			t.Errorf("%s: %v", name, err)
		}
	}
	lines := f
	lines.Form.Lines = maxLines + 1
	if err := b.Add("t", "1", "a", lines); err == nil {
		t.Error("too many lines were accepted")
	}
	if b.Len() != 0 {
		t.Errorf("%d contents were kept", b.Len())
	}
	if err := b.Add(long, long, strings.Repeat("x", maxPathBytes), f); err != nil || b.Len() != 1 {
		t.Errorf("the longest names: %v", err)
	}
	var serial Builder
	if err := serial.Add("t", "1", "a", Fingerprint{Serial: "01"}); err != nil {
		t.Fatal(err)
	}
	if x, err := serial.Index(); x != nil || err == nil || !strings.HasPrefix(err.Error(), "making the index: the serial number") {
		t.Errorf("a serial number that is none: %v", err)
	}
	empty, err := (&Builder{}).Index()
	if err != nil || empty.Counts() != (Counts{}) {
		t.Fatalf("an empty index: %+v, %v", empty, err)
	}
	if _, err := Parse(empty.Marshal()); err != nil {
		t.Errorf("an empty index: %v", err)
	}
}
