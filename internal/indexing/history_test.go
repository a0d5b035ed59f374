package indexing_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/indexing"
	"github.com/countermark/countermark/internal/testkit"
)

// The days are those of UTC, one later than the committer's.
func TestByDate(t *testing.T) {
	r := newRepository(t, "gnulib.git")
	r.commit("2020-01-09", map[string]string{"m4/a.m4": "a1"})
	r.commit("2020-02-09", map[string]string{"m4/a.m4": "a2", "b": "b1", "same": "s"})
	r.git("", "branch", "early")
	r.git("", "checkout", "-q", "-b", "side")
	r.commit("2020-02-19", map[string]string{"m4/a.m4": "a2", "b": "b1", "same": "s", "c": "c1"})
	r.git("", "checkout", "-q", "main")
	r.commit("2020-03-09", map[string]string{"m4/a.m4": "a2", "same": "s", "moved/b": "b1"})
	r.day = "2020-04-09"
	r.git("", "merge", "-q", "--no-ff", "-s", "ours", "-m", "merge", "side")
	r.commit("2020-05-09", map[string]string{"m4/a.m4": "a1", "same": "s", "moved/b": "b1"})
	source := []string{"gnulib@{date}=" + r.dir}
	for _, c := range []struct {
		since, only string
		want        map[string]string
	}{
		{"", "", map[string]string{
			"a1": "gnulib 20200110..20200510 m4/a.m4", // it came, went, and came again
			"a2": "gnulib 20200210..20200510 m4/a.m4", "s": "gnulib 20200210..20200510 same",
			"b1": "gnulib 20200210..20200310 b, gnulib 20200310..20200510 moved/b", "c1": "gnulib 20200220..20200220 c",
		}},
		{"", "m4/", map[string]string{"a1": "gnulib 20200110..20200510 m4/a.m4", "s": "", "c1": "", "b1": ""}},
		{"", "*", map[string]string{"a1": "", "b1": "gnulib 20200210..20200310 b", "c1": "gnulib 20200220..20200220 c"}},
		{"2020-02-11", "", map[string]string{ // the day before is where the line begins, with what was current then
			"a1": "gnulib 20200510..20200510 m4/a.m4", "a2": "gnulib 20200210..20200510 m4/a.m4", "c1": "gnulib 20200220..20200220 c",
		}},
		{"2020-05-10", "", map[string]string{
			"a1": "gnulib 20200510..20200510 m4/a.m4", "a2": "gnulib 20200210..20200510 m4/a.m4", "s": "gnulib 20200210..20200510 same", "c1": "gnulib 20200220..20200220 c",
			"b1": "gnulib 20200210..20200220 b, gnulib 20200410..20200510 moved/b",
		}},
	} {
		t.Run("since "+c.since+" only "+c.only, func(t *testing.T) {
			o := indexing.Options{Sources: source}
			if c.since != "" {
				o.Since = day(t, c.since)
			}
			if c.only != "" {
				o.Only = append(o.Only, c.only)
			}
			x := build(t, o)
			wantOrigins(t, x, c.want)
			if again := build(t, o); !bytes.Equal(again.Marshal(), x.Marshal()) {
				t.Error("a second time it is another index")
			}
		})
	}
}

func TestByTag(t *testing.T) {
	r := newRepository(t, "tool.git")
	r.commit("2020-01-09", map[string]string{"a": "a1", "m4/x.m4": "x", "exec": "e"})
	r.git("", "tag", "v1.9")
	r.git("", "tag", "nightly")
	r.commit("2021-01-09", map[string]string{"a": "a2", "m4/x.m4": "x"})
	r.git("", "tag", "-a", "-m", "release", "tool-1.10")
	r.git("", "update-index", "--chmod=+x", "a")
	blob := r.git("target", "hash-object", "-w", "--stdin")
	r.git("", "update-index", "--add", "--cacheinfo", "120000,"+blob+",link")
	r.git("", "update-index", "--add", "--cacheinfo", "160000,"+r.git("", "rev-parse", "HEAD")+",sub")
	r.git("", "commit", "-q", "-m", "x")
	r.git("", "tag", "v2.0")
	r.git("", "update-ref", "refs/tags/v3.0", r.git("", "rev-parse", "HEAD^{tree}")) // a tree
	r.git("", "update-ref", "refs/tags/v4.0", blob)
	r.git("", "update-ref", "refs/tags/v5.0", r.git("", "rev-parse", "tool-1.10")) // another tag's object
	r.git("", "tag", "-a", "-m", "tag of a tag", "v6.0", "tool-1.10")
	for _, source := range []string{r.dir, "tool=" + r.dir, "tool@{tag}=" + r.dir, filepath.Join(r.dir, ".git")} {
		x := build(t, indexing.Options{Sources: []string{source}})
		wantOrigins(t, x, map[string]string{
			"a1": "tool 1.9..1.9 a", "a2": "tool 1.10..2.0 a", "x": "tool 1.9..2.0 m4/x.m4", "e": "tool 1.9..1.9 exec", "target": "",
		})
		if v := x.ToolVersions(); len(v) != 1 || v[0].Releases != 3 {
			t.Errorf("%q: %+v", source, v)
		}
	}
	wantOrigins(t, build(t, indexing.Options{Sources: []string{r.dir}, Since: day(t, "2020-06-01")}), map[string]string{"a1": "", "x": "tool 1.10..2.0 m4/x.m4"})
	t.Chdir(r.dir)
	wantOrigins(t, build(t, indexing.Options{Sources: []string{"."}}), map[string]string{"a2": "tool 1.10..2.0 a"})
	bare := filepath.Join(t.TempDir(), "bare.git")
	r.git("", "clone", "-q", "--bare", ".", bare)
	wantOrigins(t, build(t, indexing.Options{Sources: []string{bare}}), map[string]string{"a2": "bare 1.10..2.0 a"})
}

// A folder that holds something named objects, or HEAD, is no repository.
func TestNoRepository(t *testing.T) {
	top := filepath.Join(t.TempDir(), "tool-1")
	testkit.Write(t, filepath.Join(top, "objects/a"), "x")
	wantOrigins(t, build(t, indexing.Options{Sources: []string{top}}), map[string]string{"x": "tool 1..1 objects/a"})
}

// Trees in one another, each holding the next twice, are endlessly many paths.
func TestTreeBombs(t *testing.T) {
	r := newRepository(t, "bomb")
	grow := func(depth int, names ...string) string {
		id := r.git("100644 blob "+r.git("x", "hash-object", "-w", "--stdin")+"\ta\n", "mktree")
		for range depth {
			var entries strings.Builder
			for _, name := range names {
				fmt.Fprintf(&entries, "040000 tree %s\t%s\n", id, name)
			}
			id = r.git(entries.String(), "mktree")
		}
		return id
	}
	for _, c := range []struct {
		tree    string
		refused bool
	}{
		{grow(gitobject.MaxTreeDepth, "a"), true},
		{grow(gitobject.MaxTreeDepth-1, "a"), false},
	} {
		r.git("", "update-ref", "refs/tags/v1", r.git("x", "commit-tree", c.tree))
		begun := time.Now()
		_, err := indexing.Build(t.Context(), indexing.Options{Sources: []string{r.dir}})
		if (err != nil && strings.Contains(err.Error(), "GIT_LIMIT")) != c.refused || !c.refused && err != nil {
			t.Errorf("refused %v: %v", c.refused, err)
		}
		t.Logf("after %v", time.Since(begun))
	}
	r.git("", "update-ref", "refs/tags/v1", r.git("x", "commit-tree", grow(40, "b", "c")))
	x := build(t, indexing.Options{Sources: []string{r.dir}, Only: []string{strings.Repeat("b/", 40) + "a"}})
	wantOrigins(t, x, map[string]string{"x": "bomb 1..1 " + strings.Repeat("b/", 40) + "a"})
}
