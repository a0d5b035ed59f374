package indexing_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/indexing"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/testkit"
)

// sources makes one source of each kind.
func sources(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	testkit.Write(t, filepath.Join(dir, "gettext-0.22.5/m4/nls.m4"), "nls")
	testkit.Write(t, filepath.Join(dir, "odd=name-1/a"), "odd")
	tagged := newRepository(t, "tagged")
	tagged.commit("2020-01-10", map[string]string{"m4/x.m4": "x1", "y": "y"})
	tagged.git("", "tag", "v1.0")
	dated := newRepository(t, "dated.git")
	dated.commit("2020-01-10", map[string]string{"lib/z": "z1"})
	t.Chdir(dir)
	inner := build(t, indexing.Options{Sources: []string{"inner@7=" + filepath.Join(dir, "gettext-0.22.5")}})
	return map[string]string{
		"folder":  filepath.Join(dir, "gettext-0.22.5"),
		"equals":  "odd=name-1", // as a path, for it exists
		"archive": writeTar(t, filepath.Join(dir, "automake-1.16.5.tar"), map[string]string{"automake-1.16.5/lib/install-sh": "install"}),
		"named":   "t@9=" + writeTar(t, filepath.Join(dir, "nothing.tar"), map[string]string{"a/b": "named"}),
		"package": deb(t, filepath.Join(dir, "libtool.deb"), "Package: libtool\nVersion: 1:2.4.7-1\n", map[string]string{"usr/share/ltmain.sh": "lt"}),
		"tags":    "gl@{tag}=" + tagged.dir,
		"dates":   "gd@{date}=" + dated.dir,
		"index":   testkit.Write(t, filepath.Join(dir, "inner.index"), string(inner.Marshal())),
	}
}

func TestBuildEveryKind(t *testing.T) {
	all := sources(t)
	order := []string{"package", "folder", "equals", "archive", "named", "tags", "dates", "index"}
	var specs []string
	for _, name := range order {
		specs = append(specs, all[name])
	}
	x := build(t, indexing.Options{Sources: specs})
	wantOrigins(t, x, map[string]string{
		"nls": "gettext 0.22.5..0.22.5 m4/nls.m4, inner 7..7 m4/nls.m4", "odd": "odd=name 1..1 a", "install": "automake 1.16.5..1.16.5 lib/install-sh",
		"named": "t 9..9 b", "lt": "libtool 2.4.7-1..2.4.7-1 usr/share/ltmain.sh", "x1": "gl 1.0..1.0 m4/x.m4", "y": "gl 1.0..1.0 y", "z1": "gd 20200111..20200111 lib/z", "nothing": "",
	})
	var tools []string
	for _, v := range x.ToolVersions() {
		tools = append(tools, v.Tool)
	}
	if got, want := strings.Join(tools, " "), "libtool gettext odd=name automake t gl gd inner"; got != want {
		t.Errorf("the tools come as %q, want %q", got, want)
	}

	// An index of indexes, one for each source, is that of all.
	var parts []string
	for _, name := range order {
		part := build(t, indexing.Options{Sources: []string{all[name]}})
		parts = append(parts, testkit.Write(t, filepath.Join(t.TempDir(), name), string(part.Marshal())))
	}
	if got := build(t, indexing.Options{Sources: parts}); !bytes.Equal(got.Marshal(), x.Marshal()) {
		t.Error("an index of indexes is not that of all")
	}
	// In another order it is the same but for that of the tools.
	slices.Reverse(parts)
	slices.Reverse(specs)
	if !bytes.Equal(build(t, indexing.Options{Sources: parts}).Marshal(), build(t, indexing.Options{Sources: specs}).Marshal()) {
		t.Error("an index of indexes is not that of all, in another order")
	}
	wantOrigins(t, build(t, indexing.Options{Sources: specs, Only: []string{"m4/"}}), map[string]string{
		"x1": "gl 1.0..1.0 m4/x.m4", "y": "", "z1": "", "lt": "", "nls": "inner 7..7 m4/nls.m4, gettext 0.22.5..0.22.5 m4/nls.m4",
	})
}

func TestBuildErrors(t *testing.T) {
	dir := t.TempDir()
	archive := writeTar(t, filepath.Join(dir, "nothing.tar"), map[string]string{"a/b": "x"})
	whole := build(t, indexing.Options{Sources: []string{"t@1=" + archive}}).Marshal()
	damaged := testkit.Write(t, filepath.Join(dir, "damaged"), string(whole[:len(whole)-1]))
	newer := testkit.Write(t, filepath.Join(dir, "newer"), "countermark-index 2\nwhatever")
	repo := newRepository(t, "repo")
	repo.commit("2020-01-01", map[string]string{"a": "x"})
	repo.git("", "tag", "v1")
	for name, c := range map[string]struct {
		o     indexing.Options
		says  string
		usage bool
	}{
		"missing":          {indexing.Options{Sources: []string{"t@1=" + dir + "/absent"}}, `there is no "` + dir + `/absent"`, true},
		"missing, unnamed": {indexing.Options{Sources: []string{"absent"}}, `there is no "absent"`, true},
		"unnamed":          {indexing.Options{Sources: []string{archive}}, "nothing says which tool and version", true},
		"no version":       {indexing.Options{Sources: []string{"t=" + archive}}, "nothing says which tool and version", true},
		"a version of git": {indexing.Options{Sources: []string{"t@1.0=" + repo.dir}}, "t@1.0: a repository holds many versions", true},
		"bad pattern":      {indexing.Options{Sources: []string{"t@1=" + archive}, Only: []string{"["}}, `--only: the pattern "["`, true},
		"selects nothing":  {indexing.Options{Sources: []string{"t@1=" + archive}, Only: []string{"m4/"}}, "hold no file", true},
		"no sources":       {indexing.Options{}, "hold no file", true},
		"too late":         {indexing.Options{Sources: []string{repo.dir}, Since: day(t, "2030-01-01")}, "hold no file", true},
		"damaged index":    {indexing.Options{Sources: []string{damaged}}, `reading "` + damaged + `": the index is damaged`, false},
		"newer index":      {indexing.Options{Sources: []string{newer}}, `reading "` + newer + `": the index is of another version`, false},
		"bad tool":         {indexing.Options{Sources: []string{"a b@1=" + archive}}, `the tool "a b"`, false},
		"no archive":       {indexing.Options{Sources: []string{"t@1=" + testkit.Write(t, filepath.Join(dir, "text"), "text")}}, "none of tar, gzip", false},
		"no folder":        {indexing.Options{Sources: []string{archive + "/x"}}, "reading a source: ", false},
	} {
		x, err := indexing.Build(t.Context(), c.o)
		failure, isFailure := errors.AsType[*report.Failure](err)
		if x != nil || err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		} else if isFailure != c.usage || isFailure && (failure.Code != report.Usage || failure.Hint == "") {
			t.Errorf("%s: %+v", name, failure)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, source := range []string{"t@1=" + archive, repo.dir} {
		if _, err := indexing.Build(ctx, indexing.Options{Sources: []string{source}}); !errors.Is(err, context.Canceled) {
			t.Errorf("%q, interrupted: %v", source, err)
		}
	}
}

func TestReadIndex(t *testing.T) {
	dir := t.TempDir()
	for name, says := range map[string]string{
		testkit.Write(t, filepath.Join(dir, "text"), "text"): "it is no index of countermark", testkit.Write(t, filepath.Join(dir, "empty"), ""): "it is no index of countermark",
		dir: "it is no index of countermark", filepath.Join(dir, "absent"): "reading an index: ",
		testkit.Write(t, filepath.Join(dir, "other"), "countermark-index 2\n"): "another version",
	} {
		if x, err := indexing.ReadIndex(name); x != nil || err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", name, err, says)
		}
	}
	embedded, err := indexing.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	x, err := indexing.ReadIndex(testkit.Write(t, filepath.Join(dir, "whole"), string(embedded.Marshal())))
	if err != nil || x.Counts() != embedded.Counts() {
		t.Errorf("%+v, %v", x.Counts(), err)
	}
}

func TestDescribe(t *testing.T) {
	dir := t.TempDir()
	text := strings.Repeat("A line of the text.\n", 5) + "Another line of it.\nAnd a third.\nAnd a fourth.\n"
	x := build(t, indexing.Options{Sources: []string{
		"t@1=" + writeTar(t, filepath.Join(dir, "1.tar"), map[string]string{"t/m4/a.m4": text, "t/other\x1b/a.m4": text}),
		"u@2=" + writeTar(t, filepath.Join(dir, "2.tar"), map[string]string{"t/b": text}),
	}})
	for _, c := range []struct {
		name, content, want string
		known               bool
	}{
		{"a.m4", text, "t 1: m4/a.m4\nt 1: other\\x1b/a.m4\nu 2: b\n", true},
		{"elsewhere", text, "t 1: m4/a.m4\nt 1: other\\x1b/a.m4\nu 2: b\n", true},
		{"a.m4", "# changed\n" + text, "not known; most like t 1: m4/a.m4 (SHA-256 ", false},
		{"moved", "# changed\n" + text, "not known; most like t 1: m4/a.m4 (SHA-256 ", false},
		{"a.m4", "something else", "not known, and like no known file\n", false},
	} {
		got, known, err := indexing.Describe(x, testkit.Write(t, filepath.Join(t.TempDir(), c.name), c.content))
		if err != nil || known != c.known || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q, %v, %v, want %q", c.name, got, known, err, c.want)
		}
	}
	large := testkit.Write(t, filepath.Join(dir, "large"), "")
	if err := os.Truncate(large, 8<<20+1); err != nil {
		t.Fatal(err)
	}
	for name, says := range map[string]string{large: "it has more than 8388608 bytes", filepath.Join(dir, "absent"): "no such file", dir: "is a directory"} {
		if got, known, err := indexing.Describe(x, name); got != "" || known || err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "nil") {
			t.Errorf("%q: %q, %v", name, got, err)
		}
	}
}
