package account_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/account"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/tree"
)

const toy = `countermark-recipe = 1
[project]
url = "https://example.org/toy"
archive = "toy-{version}"
[source]
tag = "v{version}"
[environment]
kind = "host"
[write]
".version" = "{version}"
[[download]]
url = "https://example.org/phar"
sha256 = "a71349da29f1a6e3f0792695b167e582375a93c70c0e9d35e7c4675697c5f039"
path = "phar"
[[step]]
name = "one"
run = ["one"]
outputs = ["configure", "gen/*.c"]
discard = ["cache/", "kept"]
[[step]]
name = "two"
run = ["two"]
outputs = ["late"]
changes = ["version.h", "configure"]
discard = ["gen/a*"]
[built]
branch = "toy-built"
author = {name = "a", email = "b"}
omit = ["left/"]
[archives]
formats = ["tar.gz"]
`

func parse(t *testing.T) *recipe.Recipe {
	t.Helper()
	r, err := recipe.Parse([]byte(toy))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// trees makes a tree of words: PATH=CONTENT is a file, PATH*=CONTENT an
// executable one, PATH@=TARGET a link, PATH! a FIFO, PATH/ a directory.
func trees(t *testing.T, words string) tree.Tree {
	t.Helper()
	var entries []tree.Entry
	for _, word := range strings.Fields(words) {
		name, content, isFile := strings.Cut(word, "=")
		e := tree.Entry{Kind: tree.File}
		switch {
		case !isFile && strings.HasSuffix(name, "!"):
			e.Kind = tree.Special
		case !isFile:
			e.Kind = tree.Directory
		case strings.HasSuffix(name, "*"):
			e.Exec = tree.Executable
		case strings.HasSuffix(name, "@"):
			e.Kind = tree.Symlink
		}
		if isFile {
			id, err := digest.HashObject(digest.SHA256Format, digest.Blob, []byte(content))
			if err != nil {
				t.Fatal(err)
			}
			e.IDs.Set(id)
		}
		path, err := tree.ParsePath(strings.TrimRight(name, "*@!/"))
		if err != nil {
			t.Fatal(err)
		}
		e.Path = path
		entries = append(entries, e)
	}
	built, err := tree.Build(entries)
	if err != nil {
		t.Fatal(err)
	}
	return built
}

func say(violations []account.Violation) string {
	var said []string
	for _, v := range violations {
		said = append(said, fmt.Sprintf("%s %v %v", v.Path, v.Deed, v.Kind))
	}
	return strings.Join(said, ", ")
}

const (
	source = "README=r version.h=0 left/a=a kept=k"
	laid   = source + " .version=1.0 phar=p"
)

// Each row is what the tree is after the first step and after the second, and
// what is said of both: nothing where the recipe permits it.
func TestStep(t *testing.T) {
	for _, row := range []struct{ name, first, second, want string }{
		{"nothing", laid, laid, ""},
		{"output", laid + " configure*=c gen/x.c=x", laid + " configure*=c gen/x.c=x", ""},
		{"undeclared", laid + " other=o", laid, "other created file | other removed file"},
		{"output of another step", laid + " late=l", laid + " late=l", "late created file | "},
		{"pattern is within a directory", laid + " gen/y/x.c=x", laid, "gen/y/x.c created file | gen/y/x.c removed file"},
		{"scratch comes and goes", laid + " cache/a=1 cache/b/c=2", laid + " cache/a=3", ""},
		{"scratch of an earlier step is for all", laid, laid + " cache/a=3", "| cache/a created file"},
		{"scratch may be special", laid + " cache/socket!", laid + " cache/socket!", ""},
		{"other things may not", laid + " pipe!", laid, "pipe created special | pipe removed special"},
		{"what the source has is no scratch", strings.Replace(laid, "kept=k", "kept=other", 1), laid, "kept changed file | kept changed file"},
		{"change", laid, strings.Replace(laid, "version.h=0", "version.h=1", 1), ""},
		{"change by another step", strings.Replace(laid, "version.h=0", "version.h=1", 1), laid, "version.h changed file | "},
		{"executable bit", strings.Replace(laid, "README=r", "README*=r", 1), laid, "README changed file | README changed file"},
		{"kind", strings.Replace(laid, "README=r", "README@=r", 1), laid, "README changed symlink | README changed file"},
		{"change of an output", laid + " configure=c", laid + " configure=d", ""},
		{"output is not the later step's to change", laid + " gen/a.c=c", laid + " gen/a.c=d", "| gen/a.c changed file"},
		{"removed", strings.Replace(laid, "README=r", "", 1), laid, "README removed file | README created file"},
		{"removed and left out", strings.Replace(laid, "left/a=a", "", 1), strings.Replace(laid, "left/a=a", "", 1), ""},
		{"download changed", strings.Replace(laid, "phar=p", "phar=q", 1), laid, "phar changed file | phar changed file"},
		{"a discard does not permit what is another step's output", laid, laid + " gen/a.c=c", "| gen/a.c created file"},
		{"a FIFO that stays is not changed", laid + " configure!", laid + " configure!", ""},
		{"empty directories are nobody's", laid + " empty/", laid, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			a, wrong := account.Open(parse(t), trees(t, source), trees(t, laid))
			if len(wrong) > 0 {
				t.Fatalf("Open: %s", say(wrong))
			}
			got := say(a.Step(0, trees(t, row.first))) + " | " + say(a.Step(1, trees(t, row.second)))
			if strings.TrimSpace(got) == "|" {
				got = ""
			}
			if strings.TrimSpace(got) != strings.TrimSpace(row.want) {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

// What lies there before the first step is the source, downloads and writes.
func TestOpen(t *testing.T) {
	_, wrong := account.Open(parse(t), trees(t, source), trees(t, strings.Replace(laid, "README=r", "README=s", 1)+" configure=c"))
	if got, want := say(wrong), "README changed file, configure created file"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	// A download does not take the place of a file that the source has.
	if _, wrong := account.Open(parse(t), trees(t, source+" phar=x"), trees(t, laid)); say(wrong) != "phar changed file" {
		t.Errorf("got %q", say(wrong))
	}
}

// What is said is sorted, however much it is.
func TestStepIsSorted(t *testing.T) {
	words := laid
	for i := range 100 {
		words += fmt.Sprintf(" z%d=1", (i*37)%100)
	}
	a, _ := account.Open(parse(t), trees(t, source), trees(t, laid))
	wrong := a.Step(0, trees(t, words))
	if len(wrong) != 100 || !slices.IsSortedFunc(wrong, func(a, b account.Violation) int { return strings.Compare(string(a.Path), string(b.Path)) }) {
		t.Errorf("%s", say(wrong))
	}
}

// Every step that changed a path is remembered.
func TestChangers(t *testing.T) {
	a, _ := account.Open(parse(t), trees(t, source), trees(t, laid))
	a.Step(0, trees(t, laid+" configure=a"))
	a.Step(1, trees(t, laid+" configure=b"))
	a.Step(1, trees(t, laid+" configure=c"))
	if m, _ := a.MakerOf("configure"); !slices.Equal(m.Changers, []int{1, 1}) {
		t.Errorf("changed by %v", m.Changers)
	}
}

func TestBuilt(t *testing.T) {
	a, _ := account.Open(parse(t), trees(t, source), trees(t, laid))
	a.Step(0, trees(t, laid+" configure*=c cache/a=1 cache/s! empty/"))
	a.Step(1, trees(t, strings.Replace(laid, "version.h=0", "version.h=1", 1)+" configure*=d cache/a=1 cache/s! empty/"))
	built, wrong := a.Built()
	var paths []string
	for _, e := range built.Entries() {
		paths = append(paths, string(e.Path))
	}
	want := []string{".version", "README", "configure", "kept", "phar", "version.h"}
	if !slices.Equal(paths, want) || len(wrong) > 0 {
		t.Errorf("the built tree holds %v (%s), want %v", paths, say(wrong), want)
	}
	for path, want := range map[tree.Path]account.Maker{
		"configure": {Origin: recipe.Origin{Kind: recipe.FromStep, Step: 0}, Changers: []int{1}},
		"phar":      {Origin: recipe.Origin{Kind: recipe.FromDownload}},
		".version":  {Origin: recipe.Origin{Kind: recipe.FromWrite}},
		"version.h": {Changers: []int{1}},
	} {
		if got, ok := a.MakerOf(path); !ok || got.Origin != want.Origin || !slices.Equal(got.Changers, want.Changers) {
			t.Errorf("MakerOf(%s) = %+v, %v, want %+v", path, got, ok, want)
		}
	}
	if _, ok := a.MakerOf("README"); ok {
		t.Error("README has a maker, and is the source's")
	}
	// What is gone has none.
	a.Step(1, trees(t, laid))
	if _, ok := a.MakerOf("cache/a"); ok {
		t.Error("what was removed still has a maker")
	}
}

// A commit cannot hold a FIFO, even where a step may make what is there.
func TestBuiltSpecial(t *testing.T) {
	a, _ := account.Open(parse(t), trees(t, source), trees(t, laid))
	if wrong := a.Step(0, trees(t, laid+" configure!")); len(wrong) > 0 {
		t.Fatal(say(wrong))
	}
	if _, wrong := a.Built(); say(wrong) != "configure kept special" {
		t.Errorf("got %q", say(wrong))
	}
}
