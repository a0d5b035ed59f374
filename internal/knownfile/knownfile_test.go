package knownfile

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestVersions(t *testing.T) {
	o := Origin{Tool: "t", First: "0.19.8", Last: "0.21", Path: "a"}
	if got := o.Versions(); got != "0.19.8 to 0.21" {
		t.Errorf("got %q", got)
	}
	if got := (Origin{First: "1", Last: "1"}).Versions(); got != "1" {
		t.Errorf("got %q", got)
	}
	for version, want := range map[string]bool{"0.19.8": true, "0.21": true, "0.20": true, "0.21.0": false, "0.21-1": false, "0.22": false, "0": true} {
		if o.IsVersionAtLeast("t", version) != want || o.IsVersionAtLeast("u", version) {
			t.Errorf("at least %q: %v", version, !want)
		}
	}
}

func TestBest(t *testing.T) {
	origins := []Origin{{Tool: "a", Path: "m4/x.m4"}, {Tool: "b", Path: "y.m4"}, {Tool: "c", Path: "lib/y.m4"}}
	for name, want := range map[string]string{"x.m4": "a", "y.m4": "b", "z.m4": "a", "m4": "a"} {
		if got := Best(origins, name); got.Tool != want {
			t.Errorf("of %q: %v, want %q", name, got, want)
		}
	}
}

// What gettext ships in build-aux is another tool's, but for its own script.
func TestBestIsTheOwners(t *testing.T) {
	for _, c := range []struct{ name, want string }{{"install-sh", "gnulib"}, {"config.rpath", "gettext"}, {"host.m4", "gettext"}} {
		dir := "build-aux/"
		if c.name == "host.m4" {
			dir = "m4/"
		}
		origins := []Origin{{Tool: "gettext", Path: dir + c.name}, {Tool: "gnulib", Path: dir + c.name}}
		if got := Best(origins, c.name); got.Tool != c.want {
			t.Errorf("%s: %v, want %s", c.name, got, c.want)
		}
		if got := Best(origins[:1], c.name); got.Tool != "gettext" {
			t.Errorf("%s of gettext alone: %v", c.name, got)
		}
	}
}

// Of versions that cannot be told apart all are named, of one tool.
func TestNearestIsSeveral(t *testing.T) {
	text := numbered("text", 100)
	x := build(t, added{"t", "1", "a.m4", "# 1\n" + text}, added{"t", "2", "a.m4", "# 2\n" + text}, added{"t", "3", "a.m4", "# 3\n" + text},
		added{"t", "4", "a.m4", "# serial 9\n" + text}, added{"t", "0", "a.m4", numbered("other", 100)}, added{"u", "9", "a.m4", "# 9\n" + text})
	m, ok := x.Nearest("a.m4", Take("a.m4", []byte("# mine\n"+text)))
	if !ok || m.Versions() != "3" || m.Near() != "1 to 3" || m.AsNear.Tool != "t" {
		t.Errorf("got %+v, %v", m, ok)
	}
	m, ok = x.NearestOfAnyName("b.m4", Take("b.m4", []byte("# mine\n"+text)))
	if !ok || m.Near() != "1 to 3" {
		t.Errorf("of any name: %+v, %v", m, ok)
	}
	x2 := build(t, added{"t", "1", "a.m4", "# 1\n" + text}, added{"t", "1-7", "a.m4", "# 2\n" + text})
	if m, ok := x2.Nearest("a.m4", Take("a.m4", []byte("# mine\n"+text))); !ok || m.Near() != "1 to 1-7" {
		t.Errorf("of a packaging: %+v, %v", m, ok)
	}
	m, ok = x.Nearest("a.m4", Take("a.m4", []byte("# serial 9\n# mine\n"+text)))
	if !ok || m.Near() != "4" {
		t.Errorf("of a serial number: %+v, %v", m, ok)
	}
}

func TestHighestSerial(t *testing.T) {
	x := sample(t)
	serial, where, ok := x.HighestSerial("a.m4")
	if !ok || serial != "4" || where != (Origin{"gettext", "0.22", "0.22", "m4/a.m4"}) {
		t.Errorf("%q, %v, %v", serial, where, ok)
	}
	if serial, _, ok := x.HighestSerial("b.m4"); !ok || serial != "4" {
		t.Errorf("%q, %v", serial, ok)
	}
	twice := build(t, added{"t", "1", "x/a", "text"}, added{"t", "1", "y/a", "text"})
	if got := twice.byName["a"]; len(got) != 1 {
		t.Errorf("one content of a name at two places is looked at %d times", len(got))
	}
	for _, name := range []string{"missing", "c.m4", "m4/a.m4", ""} {
		if serial, _, ok := x.HighestSerial(name); ok {
			t.Errorf("%q has %q", name, serial)
		}
	}
	for name, want := range map[string]bool{"a.m4": true, "empty": true, "m4": false, "c.m4": false, "": false} {
		if where, ok := x.Named(name); ok != want || ok && path.Base(where.Path) != name {
			t.Errorf("%q: %v, %v", name, where, ok)
		}
	}
}

// Each row is decided by one thing, against all that come after it.
func TestNearest(t *testing.T) {
	text := numbered("text", 100)
	changed := strings.Replace(text, "line 5 ", "line five ", 1)
	for name, c := range map[string]struct {
		known []added
		given string
		want  string // its version
	}{
		"the form": {[]added{{"t", "1", "a.m4", "# serial 1\n" + text}, {"t", "2", "a.m4", "# serial 7\n" + changed}},
			"# serial 7\n# changed\n " + text, "1"},
		"the lines": {[]added{{"t", "1", "a.m4", "# serial 1\n" + text}, {"t", "2", "a.m4", "# serial 7\n" + numbered("text", 50)}},
			"# serial 7\n" + changed, "1"},
		"the serial number": {[]added{{"t", "1", "a.m4", "# serial 7\n" + text}, {"t", "2", "a.m4", "# serial 1\n" + text}},
			"# serial 7\n# changed\n" + text, "1"},
		"the version": {[]added{{"t", "1.9", "a.m4", "# serial 7\n#1\n" + text}, {"t", "1.10", "a.m4", "# serial 7\n#2\n" + text}},
			"# serial 7\n" + text, "1.10"},
	} {
		for range 2 {
			x := build(t, c.known...)
			m, ok := x.Nearest("a.m4", Take("a.m4", []byte(c.given)))
			if !ok || m.Last != c.want {
				t.Errorf("%s: %+v, %v, want version %s", name, m, ok, c.want)
			}
			slices.Reverse(c.known)
		}
	}
}

// One that differs in the number of lines only comes second, though its version is higher.
func TestNearestNumberOfLines(t *testing.T) {
	f := Take("a", []byte(numbered("text", 100)))
	f.Form.Digest = [16]byte{9}
	var b Builder
	for i, lines := range []int{104, 97, 103} {
		known := f
		known.SHA256, known.Form.Digest, known.Form.Lines = [32]byte{byte(i)}, [16]byte{byte(i)}, lines
		if err := b.Add("t", fmt.Sprint(lines), "a", known); err != nil {
			t.Fatal(err)
		}
	}
	x, err := b.Index()
	if err != nil {
		t.Fatal(err)
	}
	if m, ok := x.Nearest("a", f); !ok || m.Last != "103" || m.Percent != 100 || m.SameForm {
		t.Errorf("got %+v, %v", m, ok)
	}
}

func TestNearestIsLikeIt(t *testing.T) {
	x := sample(t)
	for name, c := range map[string]struct {
		name, text string
		like       bool
		form       bool
	}{
		"itself":          {"a.m4", "# serial 3\n" + numbered("a", 30), true, true},
		"white space":     {"a.m4", strings.ReplaceAll(numbered("a", 30), " ", "\t "), true, true},
		"a third":         {"a.m4", numbered("a", 30) + numbered("z", 45), true, false},
		"another text":    {"a.m4", numbered("z", 30), false, false},
		"another name":    {"b", numbered("a", 30), false, false},
		"no form":         {"a.m4", "short", false, false},
		"binary":          {"a.m4", numbered("a", 30) + "\x00", false, false},
		"nothing to like": {"empty", numbered("a", 30), false, false},
	} {
		m, ok := x.Nearest(c.name, Take(c.name, []byte(c.text)))
		if ok != c.like || m.SameForm != c.form || ok && (m.Tool != "gettext" || m.Percent < MinPercentSameName) {
			t.Errorf("%s: %+v, %v", name, m, ok)
		}
	}
	for name, c := range map[string]struct {
		text string
		want string // path, "" for none
	}{
		"the same form": {"# moved\n" + numbered("a", 30), "m4/a.m4"},
		"a line more":   {numbered("b", 31), "m4/sub/b.m4"},
		"a third":       {numbered("a", 30) + numbered("z", 45), ""},
		"another text":  {numbered("z", 30), ""},
		"no form":       {"short", ""},
		"few lines":     {numbered("a", 4), ""},
	} {
		if m, ok := x.NearestOfAnyName("moved.txt", Take("moved.txt", []byte(c.text))); ok != (c.want != "") || m.Path != c.want {
			t.Errorf("%s, of any name: %+v, %v, want %q", name, m, ok, c.want)
		}
	}
	if m, ok := (&Index{}).Nearest("a.m4", Take("a.m4", []byte(numbered("a", 30)))); ok {
		t.Errorf("the empty index knows %+v", m)
	}
	if m, ok := (&Index{}).NearestOfAnyName("a.m4", Take("a.m4", []byte(numbered("a", 30)))); ok {
		t.Errorf("the empty index knows %+v", m)
	}
}

// What is looked up of forms is what a search through all of them finds.
func TestFormsLike(t *testing.T) {
	found := 0
	rapid.Check(t, func(rt *rapid.T) {
		sketch := func(base Sketch, label string) Sketch {
			changes := rapid.IntRange(0, SketchSize).Draw(rt, label)
			for range changes / 2 {
				base[rapid.IntRange(0, SketchSize-1).Draw(rt, "bin")] = byte(rapid.IntRange(0, 3).Draw(rt, "byte"))
			}
			return base
		}
		given := Form{Digest: [16]byte{1}, Sketch: sketch(Sketch{}, "given"), Lines: 4}
		for i := range given.Sketch {
			if rapid.IntRange(0, 9).Draw(rt, "filled") > 1 {
				given.Sketch[i] = byte(i + 10)
			}
		}
		var forms []Form
		for i := range rapid.IntRange(0, 10).Draw(rt, "forms") {
			forms = append(forms, Form{Digest: [16]byte{byte(i % 3)}, Sketch: sketch(given.Sketch, "changed"), Lines: i})
		}
		slices.SortFunc(forms, compareForms)
		x := &Index{forms: forms, byBin: newBinTable(forms)}
		got := x.formsLike(given)
		for i, f := range forms {
			same, filled := f.Sketch.Compare(given.Sketch)
			want := f.Digest == given.Digest || same >= minSameOtherName && 100*same/filled >= MinPercentOtherName
			if got[int32(i)] != want {
				rt.Fatalf("form %d, %d of %d the same: found %v", i, same, filled, got[int32(i)])
			}
			if want {
				found++
			}
		}
	})
	if found < 50 {
		t.Errorf("only %d forms were found", found)
	}
}

func TestEmbedded(t *testing.T) {
	file := Embedded()
	if len(file) > 2<<20 {
		t.Errorf("it has %d bytes", len(file))
	}
	x, err := Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(x.Marshal(), file) {
		t.Error("it is not written as it was read")
	}
	var b Builder
	if err := b.AddIndex(x); err != nil {
		t.Fatal(err)
	}
	if again, err := b.Index(); err != nil || !bytes.Equal(again.Marshal(), file) {
		t.Errorf("an index of it is another one: %v", err)
	}
	var tools []string
	for _, v := range x.ToolVersions() {
		tools = append(tools, v.Tool)
		if v.Files == 0 || v.Releases == 0 || CompareVersions(v.First, v.Last) > 0 {
			t.Errorf("got %+v", v)
		}
	}
	slices.Sort(tools) // their order is that of sources.tsv
	want := "autoconf autoconf-archive automake gettext gnu-config gnulib gtk-doc intltool libtool pkg-config pkgconf xutils-dev"
	if got := strings.Join(tools, " "); got != want {
		t.Errorf("the tools are %q, want %q", got, want)
	}
	for name, least := range map[string]Serial{"gettext.m4": "75", "nls.m4": "6", "build-to-host.m4": "3", "libtool.m4": "59", "pkg.m4": "12"} {
		serial, where, ok := x.HighestSerial(name)
		if !ok || serial.Compare(least) < 0 || serial.Compare("200") > 0 && name != "pkg.m4" {
			t.Errorf("%s: serial %q of %v, %v, want at least %s", name, serial, where, ok, least)
		}
	}
	for _, name := range []string{"install-sh", "config.guess", "config.sub", "ltmain.sh", "missing", "depcomp", "compile", "Makefile.in.in", "config.rpath"} {
		if _, ok := x.Named(name); !ok {
			t.Errorf("it knows no %s", name)
		}
	}
	if empty := x.Find(Take("", nil).SHA256); len(empty) != 0 {
		t.Logf("an empty file is known: %v", empty[0])
	}
}
