package toolrelease

import (
	"path"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSelection(t *testing.T) {
	for _, c := range []struct {
		only  Selection
		path  string
		wants bool
	}{
		{nil, "any/thing", true},
		{Selection{"m4/"}, "m4/a", true},
		{Selection{"m4/"}, "m4/a/b", true},
		{Selection{"m4/"}, "m4", false},
		{Selection{"m4/"}, "x/m4/a", false},
		{Selection{"m4/"}, "m40/a", false},
		{Selection{"*/m4/"}, "x/m4/a", true},
		{Selection{"*/m4/"}, "x/y/m4/a", false},
		{Selection{"*/m4/*.m4"}, "x/m4/a.m4", true},
		{Selection{"*/m4/*.m4"}, "x/m4/y/a.m4", false},
		{Selection{"*"}, "a", true},
		{Selection{"*"}, "a/b", false},
		{Selection{"*/"}, "a/b", true},
		{Selection{"INSTALL", "build-aux/*"}, "build-aux/x", true},
		{Selection{"INSTALL", "build-aux/*"}, "INSTALL", true},
		{Selection{"INSTALL", "build-aux/*"}, "sub/INSTALL", false},
		{Selection{"a[^x]b"}, "a/b", false}, // as in shells, nothing but a slash matches a slash
		{Selection{"a?b"}, "a/b", false},
		{Selection{"[a-c]/[!x]*"}, "b/yz", false}, // path.Match negates with ^
		{Selection{"[a-c]/[^x]*"}, "b/yz", true},
		{Selection{`\*`}, "*", true},
		{Selection{`\*`}, "a", false},
		{Selection{""}, "a", false},
		{Selection{"/"}, "a", false},
	} {
		if got := c.only.Wants(c.path); got != c.wants {
			t.Errorf("%q wants %q: %v", c.only, c.path, got)
		}
	}
	for _, c := range []struct {
		only  Selection
		dir   string
		wants bool
	}{
		{nil, "any", true},
		{Selection{"m4/"}, "m4", true},
		{Selection{"m4/"}, "m4/deep", true},
		{Selection{"m4/"}, "po", false},
		{Selection{"m4/*"}, "m4", true},
		{Selection{"m4/*"}, "m4/deep", false},
		{Selection{"*"}, "m4", false},
		{Selection{"*/*/x"}, "a/b", true},
		{Selection{"a/*/x"}, "b", false},
		{Selection{"a/*/x", "b/"}, "b/c/d", true},
	} {
		if got := c.only.WantsBelow(c.dir); got != c.wants {
			t.Errorf("%q wants below %q: %v", c.only, c.dir, got)
		}
	}
}

func TestSelectionCheck(t *testing.T) {
	for pattern, ok := range map[string]bool{"a/*.m4": true, "[a-z]/": true, "[": false, "a/[/b": false, "a[/]b": false, `a\`: false, `a\/b`: false, "[]": false, "": true} {
		if err := (Selection{"x", pattern}).Check(); (err == nil) != ok {
			t.Errorf("%q: %v", pattern, err)
		}
	}
}

// Whatever is wanted is found: every folder above it is gone into.
func TestSelectionIsConsistent(t *testing.T) {
	name := rapid.SampledFrom([]string{"a", "b", "ab", "*", "?", "[ab]", "[^a]", `\a`, "[", "x*", "a[", "-", "]"})
	names := rapid.SliceOfN(name, 1, 4)
	wanted := 0
	rapid.Check(t, func(rt *rapid.T) {
		var only Selection
		for range rapid.IntRange(0, 3).Draw(rt, "patterns") {
			only = append(only, strings.Join(names.Draw(rt, "pattern"), rapid.SampledFrom([]string{"/", ""}).Draw(rt, "joined"))+rapid.SampledFrom([]string{"/", ""}).Draw(rt, "end"))
		}
		p := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "ab", "x"}), 1, 4).Draw(rt, "path"), "/")
		if !only.Wants(p) {
			return
		}
		wanted++
		for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
			if !only.WantsBelow(dir) {
				rt.Fatalf("%q wants %q, but not what is below %q", only, p, dir)
			}
		}
	})
	if wanted < 20 && !testing.Short() {
		t.Errorf("only %d paths were wanted", wanted)
	}
}
