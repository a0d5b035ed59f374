package account_test

import (
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/account"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/tree"
)

// Each row is a built tree, and what of it the recipe does not permit.
func TestDeclared(t *testing.T) {
	const built = "README=r version.h=0 kept=k .version=1.0 phar=p"
	for _, row := range []struct{ name, built, want string }{
		{"all of it", built + " configure*=c gen/x.c=x late=l", ""},
		{"nothing generated", "README=r version.h=0 kept=k", ""},
		{"changed as declared", strings.Replace(built, "version.h=0", "version.h=1", 1), ""},
		{"changed", strings.Replace(built, "README=r", "README=s", 1), "README changed file"},
		{"made executable", strings.Replace(built, "README=r", "README*=r", 1), "README changed file"},
		{"another kind", strings.Replace(built, "README=r", "README@=r", 1), "README changed symlink"},
		{"added", built + " configure2=c", "configure2 created file"},
		{"added beside a pattern", built + " gen/y/x.c=x", "gen/y/x.c created file"},
		{"removed", strings.Replace(built, "README=r", "", 1), "README removed file"},
		{"not left out", built + " left/a=a", "left/a kept file"},
		{"scratch", built + " cache/a=a", "cache/a created file, cache/a kept file"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := say(account.Declared(parse(t), trees(t, source), trees(t, row.built))); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

// A submodule's files are permitted where the recipe takes them in, and nowhere
// else; the submodule itself never is.
func TestDeclaredSubmodules(t *testing.T) {
	with := func(words string, module bool) tree.Tree {
		all := trees(t, words).Entries()
		if module {
			all = append(all, tree.Entry{Path: "lib/sub", Kind: tree.Submodule, IDs: all[0].IDs})
		}
		built, err := tree.Build(all)
		if err != nil {
			t.Fatal(err)
		}
		return built
	}
	for _, row := range []struct {
		how    recipe.Submodules
		words  string
		module bool
		want   string
	}{
		{recipe.FlattenSubmodules, "README=r lib/sub/a.c=a", false, ""},
		{recipe.FlattenSubmodules, "README=r lib/subtle=a", false, "lib/subtle created file"},
		{recipe.OmitSubmodules, "README=r", false, ""},
		{recipe.OmitSubmodules, "README=r lib/sub/a.c=a", false, "lib/sub/a.c created file"},
		{recipe.NoSubmodules, "README=r", false, "lib/sub removed submodule"},
		{recipe.OmitSubmodules, "README=r", true, "lib/sub kept submodule"},
	} {
		r := parse(t)
		r.Source.Submodules = row.how
		if got := say(account.Declared(r, with("README=r", true), with(row.words, row.module))); got != row.want {
			t.Errorf("%v, %s: got %q, want %q", row.how, row.words, got, row.want)
		}
	}
}
