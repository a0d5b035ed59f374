package pattern

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/countermark/countermark/internal/tree"
)

// The table of the specification, cell by cell.
func TestPatternTable(t *testing.T) {
	text, err := os.ReadFile("../../docs/spec/recipe.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| pattern | means | does not mean |\n|---|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	code := regexp.MustCompile("`([^`]+)`")
	rows := 0
	for row := range strings.Lines(table) {
		rows++
		cells := strings.Split(row, "|")
		p, err := Parse(code.FindStringSubmatch(cells[1])[1])
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range map[int]bool{2: true, 3: false} {
			for _, m := range code.FindAllStringSubmatch(cells[i], -1) {
				if p.Match(tree.Path(m[1])) != want {
					t.Errorf("%s means %s: %v", p, m[1], !want)
				}
			}
		}
	}
	if rows != 6 {
		t.Errorf("the table has %d rows", rows)
	}
}

// reference translates a pattern into a regular expression, over paths.
func reference(pattern string) *regexp.Regexp {
	text, below := strings.CutSuffix(pattern, "/")
	text = strings.ReplaceAll(regexp.QuoteMeta(text), `\*\*/`, `([^/]+/)*`)
	text = strings.ReplaceAll(text, `\*`, `[^/]*`)
	if below {
		text += `/.+`
	}
	return regexp.MustCompile(`^(?s:` + text + `)$`)
}

// Few letters and few components, so that much matches.
func drawPattern(rt *rapid.T, label string) Pattern {
	text := rapid.StringMatching(`(\*\*/)?([ab*]{1,3}/(\*\*/)?){0,2}[ab*]{1,3}/?`).
		Filter(func(s string) bool { _, err := Parse(s); return err == nil }).Draw(rt, label)
	p, _ := Parse(text)
	return p
}

func drawPath(rt *rapid.T) tree.Path {
	return tree.Path(rapid.StringMatching(`([ab*]{1,3}/){0,3}[ab*]{1,3}`).Draw(rt, "path"))
}

func TestMatchAgainstReference(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p, path := drawPattern(rt, "pattern"), drawPath(rt)
		if got, want := p.Match(path), reference(p.text).MatchString(string(path)); got != want {
			rt.Fatalf("%s means %s: %v, the reference says %v", p, path, got, want)
		}
		if (List{p}).Match(path) != p.Match(path) || List(nil).Match(path) {
			rt.Fatal("a list of patterns means something else")
		}
	})
}

// shortPaths are all paths of up to four components of up to three of two
// letters: each pattern that drawPattern makes means one of them.
func shortPaths() []tree.Path {
	var names []string
	for _, a := range []string{"", "a", "b"} {
		for _, b := range []string{"", "a", "b"} {
			for _, c := range []string{"a", "b"} {
				names = append(names, a+b+c)
			}
		}
	}
	var paths []tree.Path
	last := []string{""}
	for range 4 {
		var longer []string
		for _, p := range last {
			for _, n := range names {
				longer = append(longer, p+n+"/")
			}
		}
		for _, p := range longer {
			paths = append(paths, tree.Path(strings.TrimSuffix(p, "/")))
		}
		if last = longer; len(last) > 6000 {
			break
		}
	}
	return paths
}

func TestOverlapAgainstReference(t *testing.T) {
	paths := shortPaths()
	rapid.Check(t, func(rt *rapid.T) {
		p, q := drawPattern(rt, "p"), drawPattern(rt, "q")
		got := p.Overlaps(q)
		if got != q.Overlaps(p) || !p.Overlaps(p) {
			rt.Fatalf("%s and %s: not symmetric or not reflexive", p, q)
		}
		if got { // what is common may be longer than the paths here
			return
		}
		rp, rq := reference(p.text), reference(q.text)
		for _, path := range paths {
			if rp.MatchString(string(path)) && rq.MatchString(string(path)) {
				rt.Fatalf("%s and %s overlap in %s", p, q, path)
			}
		}
	})
}

func TestOverlaps(t *testing.T) {
	for _, c := range []struct {
		p, q string
		want bool
	}{
		{"a", "a", true}, {"a", "b", false}, {"a", "a/", false}, {"a/", "a/b", true}, {"a/", "**/b", true},
		{"a/*.c", "a/*.h", false}, {"a/*.c", "a/x*", true}, {"*a*", "*b*", true}, {"a*", "*b", true}, {"a*b", "b*a", false},
		{"a/*/c", "a/b/*", true}, {"a/*", "a/b/c", false}, {"**/a", "b/**/a", true}, {"**/a", "**/b", false},
		{"**/a/", "**/b/", true}, {"a/**/b", "a/b", true}, {"a/**/b", "c/**/b", false}, {"a/", "b/", false},
		{"*/**/Makefile", "Makefile", false}, {"**/*.c", "*.c", true}, {"ab*", "a", false}, {"a*a", "a", false},
	} {
		p, perr := Parse(c.p)
		q, qerr := Parse(c.q)
		if perr != nil || qerr != nil || p.Overlaps(q) != c.want || q.Overlaps(p) != c.want {
			t.Errorf("%s and %s overlap: %v (%v, %v)", c.p, c.q, !c.want, perr, qerr)
		}
	}
}

func TestHolds(t *testing.T) {
	for _, c := range []struct {
		p, q string
		want bool
	}{
		{"a", "a/b", true}, {"a", "a/", true}, {"a", "a/*/c", true}, {"a/b", "a/b/c", true}, {"a", "a/**/b", true},
		{"a", "a", false}, {"a", "ab/c", false}, {"a", "*/b", false}, {"a", "b/a/c", false}, {"a*", "a/b", false}, {"*", "*/b", false}, {"a/", "a/b", false},
	} {
		p, perr := Parse(c.p)
		q, qerr := Parse(c.q)
		if perr != nil || qerr != nil || p.Holds(q) != c.want || c.want && q.Holds(p) {
			t.Errorf("%s holds %s: %v (%v, %v)", c.p, c.q, !c.want, perr, qerr)
		}
	}
}

// What has no place in a path has none in a pattern, and nothing escapes.
func TestParseRefuses(t *testing.T) {
	for _, s := range []string{
		"", "/", "//", "a//", "a//b", "/a", ".", "..", "./a", "a/.", "a/..", "a/../b", "../", "*/../a", ".git", ".GIT", ".git/", "a/.Git/b", "**/.git/config", "git~1/x", "GIT~1",
		".git./a", ".git ", ".git::$INDEX_ALLOCATION", "a\\b", "a?", "a[b", "a]", "{a", "a}", "a\nb", "a\x00", "a\x7f", "\x1b[2J", "\xff", "e\u0301", "a\u202eb", "a\u200d",
		"**", "a/**", "**/", "a/**/", "**/**/a", "a**", "**a", "***", "a/b**/c", strings.Repeat("a", tree.MaxPathBytes+1),
	} {
		if p, err := Parse(s); err == nil || p.String() != "" || strings.ContainsAny(err.Error(), "\x1b\n\x00") || !utf8.ValidString(err.Error()) || len(err.Error()) > 400 {
			t.Errorf("%q: got %q, %v", s, p, err)
		}
	}
}
