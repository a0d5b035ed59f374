package tree_test

import (
	"slices"
	"testing"

	"github.com/countermark/countermark/internal/tree"
)

func TestCaseFoldings(t *testing.T) {
	for name, c := range map[string]struct {
		names []string
		want  [][2]tree.Path
	}{
		"none":                {[]string{"a", "b/A", "c/a"}, nil},
		"files":               {[]string{"README", "readme", "x"}, [][2]tree.Path{{"README", "readme"}}},
		"deep":                {[]string{"net/xt_MARK.h", "net/xt_mark.h", "net/y"}, [][2]tree.Path{{"net/xt_MARK.h", "net/xt_mark.h"}}},
		"three":               {[]string{"A", "a", "aa", "AA", "Aa"}, [][2]tree.Path{{"A", "a"}, {"AA", "Aa"}, {"Aa", "aa"}}},
		"directories":         {[]string{"Doc/x", "doc/y"}, [][2]tree.Path{{"Doc", "doc"}}},
		"the directory once":  {[]string{"Doc/x", "doc/X"}, [][2]tree.Path{{"Doc", "doc"}}},
		"file and directory":  {[]string{"a", "A/b"}, [][2]tree.Path{{"A", "a"}}},
		"empty directory":     {[]string{"a", "A/"}, [][2]tree.Path{{"A", "a"}}},
		"full folding":        {[]string{"straße", "STRASSE"}, [][2]tree.Path{{"STRASSE", "straße"}}},
		"Kelvin, Greek sigma": {[]string{"ς", "Σ"}, [][2]tree.Path{{"Σ", "ς"}}},
		"not beyond the name": {[]string{"a/b", "A-/b"}, nil},
	} {
		if got := build(t, c.names...).CaseFoldings(); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, expected %q", name, got, c.want)
		}
	}
}

func TestWindowsNames(t *testing.T) {
	unwritable := []string{"CON", "aux.txt", "Nul.tar.gz", "a/com1/b", "LPT9", "com¹.x", "conin$", "nul .txt", "a:b", `a\b`, "what?", "a*b",
		"a<b", "a>b", `"q"`, "a|b", "dot.", "space ", "dir./x", "dir /x"}
	writable := []string{"abc", "console", "com", "com0", "lpt10", "aux-file", ".con", "a.con", " leading", "é", "(a) [b] {c}"}
	got := build(t, append(slices.Clone(unwritable), writable...)...).WindowsNames()
	for _, name := range unwritable {
		if !slices.Contains(got, tree.Path(name)) {
			t.Errorf("%q is not listed", name)
		}
	}
	for _, name := range writable {
		if slices.Contains(got, tree.Path(name)) {
			t.Errorf("%q is listed", name)
		}
	}
	if len(got) != len(unwritable) {
		t.Errorf("%d names are listed, expected %d: %q", len(got), len(unwritable), got)
	}
}

func TestGitModeAndKindNames(t *testing.T) {
	for name, want := range map[string]struct {
		mode uint32
		kind string
	}{
		"a":  {0o100644, "file"},
		"a*": {0o100755, "file"},
		"a@": {0o120000, "symlink"},
		"a/": {0o040000, "directory"},
		"a!": {0o160000, "submodule"},
		"a|": {0, "special"},
	} {
		if e := entry(name); e.GitMode() != want.mode || e.Kind.String() != want.kind {
			t.Errorf("%q: mode %o, kind %q", name, e.GitMode(), e.Kind)
		}
	}
	unknown := tree.Entry{Kind: tree.File, Exec: tree.ExecUnknown}
	if unknown.GitMode() != 0o100644 {
		t.Errorf("a file of unknown mode is %o", unknown.GitMode())
	}
	if s := tree.Kind(0).String() + tree.Kind(99).String(); s != "" {
		t.Errorf("what is no kind is named %q", s)
	}
}
