package environment

import (
	"crypto/sha256"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/recipe"
)

const toolRecipe = `countermark-recipe = 1
[project]
url = "https://example.org/"
archive = "demo-{version}"
[source]
tag = "v{version}"
[environment]
kind = "rootfs"
suite = "trixie"
[[environment.tool]]
name = "one"
url = "https://example.org/one.tar.gz"
sha256 = "AAAA"
build = [["./configure", "--prefix={prefix}"], ["make"]]
[[environment.tool]]
name = "two"
git = "https://example.org/two"
commit = "BBBB"
build = [["make", "install"]]
[built]
branch = "demo-built"
author = {name = "Demo", email = "releases@example.org"}
[archives]
formats = ["tar.gz"]
`

func keys(t *testing.T, environment string, replace ...string) []digest.SHA256 {
	t.Helper()
	text := strings.NewReplacer(replace...).Replace(toolRecipe)
	text = strings.NewReplacer("AAAA", strings.Repeat("a", 64), "BBBB", strings.Repeat("b", 40)).Replace(text)
	r, err := recipe.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return ToolKeys(r.Environment.Tools, sha256.Sum256([]byte(environment)))
}

// Whatever a build depends on changes its key, and nothing else does.
func TestToolKeys(t *testing.T) {
	was := keys(t, "e")
	if len(was) != 2 || was[0] == was[1] {
		t.Fatal(was)
	}
	for name, c := range map[string]struct {
		now        []digest.SHA256
		one, other bool // whether the keys stay
	}{
		"nothing":              {keys(t, "e"), true, true},
		"names":                {keys(t, "e", `"one"`, `"uno"`), false, false},
		"places":               {keys(t, "e", "example.org/one", "example.org/uno", "example.org/two", "example.org/due"), true, true},
		"environment":          {keys(t, "f"), false, false},
		"source of the first":  {keys(t, "e", "AAAA", strings.Repeat("c", 64)), false, false},
		"source of the second": {keys(t, "e", "BBBB", strings.Repeat("c", 40)), true, false},
		"command":              {keys(t, "e", `["make", "install"]`, `["make", "install", "x"]`), true, false},
		"commands joined":      {keys(t, "e", `"--prefix={prefix}"], ["make"]`, `"--prefix={prefix}", "make"]`), false, false},
		"arguments joined":     {keys(t, "e", `["make", "install"]`, `["make install"]`), true, false},
		"line in an argument":  {keys(t, "e", `["make", "install"]`, `["make\n7 install"]`), true, false},
	} {
		if (c.now[0] == was[0]) != c.one || (c.now[1] == was[1]) != c.other {
			t.Errorf("%s: %v, was %v", name, c.now, was)
		}
	}
	// The form is the one that the comment of ToolKeys gives.
	e := digest.SHA256(sha256.Sum256([]byte("e"))).String()
	if was[0] != sha256.Sum256([]byte("countermark-tool 2\nname one\nenvironment "+e+"\nafter none\narchive "+strings.Repeat("a", 64)+
		"\n11 ./configure\n17 --prefix={prefix}\nrun\n4 make\nrun\n")) {
		t.Errorf("%v", was[0])
	}
}
