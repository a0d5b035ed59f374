package indexing_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/indexing"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/testkit"
)

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	tools := filepath.Join(dir, "my tools")
	deb(t, mkdir(t, tools)+"/x.deb", "Package: debtool\nVersion: 2-1\n", map[string]string{"usr/a": "in a package"})
	writeTar(t, filepath.Join(tools, "tartool-3.tar"), map[string]string{"tartool-3/a": "in an archive", "tartool-3/b": "twice"})
	testkit.Write(t, filepath.Join(tools, "foldertool-4/m4/a"), "in a folder")
	testkit.Write(t, filepath.Join(tools, "zipped-5.zip"), "not read")
	testkit.Write(t, filepath.Join(tools, "deep/loose"), "loose")
	testkit.Write(t, filepath.Join(tools, "b"), "twice")
	index := build(t, indexing.Options{Sources: []string{"indexed@1=" + writeTar(t, filepath.Join(dir, "i.tar"), map[string]string{"i/b": "indexed"})}})
	file := testkit.Write(t, filepath.Join(dir, "i.index"), string(index.Marshal()))
	embedded, err := indexing.Load(t.Context(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	x, err := indexing.Load(t.Context(), []string{file}, []string{tools})
	if err != nil {
		t.Fatal(err)
	}
	wantOrigins(t, x, map[string]string{
		"in a package": "debtool 2-1..2-1 usr/a", "in an archive": "tartool 3..3 a", "in a folder": "foldertool 4..4 m4/a, my-tools local..local foldertool-4/m4/a",
		"loose": "my-tools local..local deep/loose", "twice": "tartool 3..3 b, my-tools local..local b", "indexed": "indexed 1..1 b", "absent": "",
	})
	own := embedded.ToolVersions()
	for i, v := range x.ToolVersions()[:len(own)] {
		if v != own[i] {
			t.Errorf("of the embedded index is left %+v, want %+v", v, own[i])
		}
	}
	if serial, _, ok := x.HighestSerial("gettext.m4"); !ok {
		t.Errorf("gettext.m4 has serial %q", serial)
	}
	for _, known := range []string{filepath.Join(tools, "tartool-3.tar"), filepath.Join(tools, "x.deb"), filepath.Join(tools, "foldertool-4")} {
		if one, err := indexing.Load(t.Context(), nil, []string{known}); err != nil || len(one.ToolVersions()) != len(own)+1 {
			t.Errorf("%q: %v", known, err)
		}
	}
	m4, err := indexing.Load(t.Context(), nil, []string{filepath.Join(tools, "foldertool-4/m4")})
	if err != nil {
		t.Fatal(err)
	}
	wantOrigins(t, m4, map[string]string{"in a folder": "m4 local..local a"})
	t.Chdir(filepath.Join(tools, "foldertool-4"))
	here, err := indexing.Load(t.Context(), nil, []string{"."})
	if err != nil {
		t.Fatal(err)
	}
	wantOrigins(t, here, map[string]string{"in a folder": "foldertool 4..4 m4/a"})
}

func mkdir(tb testing.TB, path string) string {
	tb.Helper()
	if err := os.MkdirAll(path, 0o755); err != nil {
		tb.Fatal(err)
	}
	return path
}

// The failure of a source of known files is that of the call, and no refusal of
// the archive that is verified.
func TestLoadErrors(t *testing.T) {
	dir := t.TempDir()
	text := testkit.Write(t, filepath.Join(dir, "text"), "text")
	for name, c := range map[string]struct {
		indexes, known []string
		says           string
	}{
		"no index":      {[]string{text}, nil, `--index: reading "` + text + `": it is no index of countermark`},
		"missing index": {[]string{dir + "/absent"}, nil, "--index: reading an index: "},
		"missing known": {nil, []string{dir + "/absent"}, "--known: "},
		"unnamed":       {nil, []string{text}, "--known: nothing says which tool and version"},
		"no archive":    {nil, []string{testkit.Write(t, filepath.Join(dir, "x-1.tar.gz"), "text")}, `--known: reading "` + dir + `/x-1.tar.gz": Z_FORMAT`},
		"broken":        {nil, []string{testkit.Write(t, filepath.Join(dir, "x.deb"), "!<arch>\n")}, "no data.tar"},
		"beside others": {nil, []string{dir}, "--known: "},
	} {
		x, err := indexing.Load(t.Context(), c.indexes, c.known)
		failure, ok := errors.AsType[*report.Failure](err)
		if x != nil || !ok || failure.Code != report.Usage || failure.Refusal != nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

func TestClosest(t *testing.T) {
	dir := t.TempDir()
	one := writeTar(t, filepath.Join(dir, "x-1.tar"), map[string]string{"x-1/m4/a.m4": "1\n2\n3\n4\n", "x-1/b": "1\n2\n3\n9\n"})
	two := writeTar(t, filepath.Join(dir, "x-2.tar"), map[string]string{"x-2/m4/a.m4": "1\n2\n3\n5\n6\n", "x-2/c/a.m4": "1\n1\n1\n1\n"})
	for content, want := range map[string]string{
		"1\n2\n3\n4\n": "1 m4/a.m4", "1\n2\n3\n4\n7\n": "1 m4/a.m4", "1\n2\n3\n6\n": "2 m4/a.m4", "1\n1\n1\n": "2 c/a.m4", "6\n5\n3\n2\n1\n": "2 m4/a.m4", "": "1 m4/a.m4",
	} {
		f, err := indexing.Closest(t.Context(), []string{one, two}, "a.m4", []byte(content))
		if err != nil || f.Version+" "+f.Path != want || f.Content == nil {
			t.Errorf("%q: %s %s, %v, want %s", content, f.Version, f.Path, err, want)
		}
	}
	if f, err := indexing.Closest(t.Context(), []string{one}, "other", []byte("1\n")); err != nil || f.Content != nil {
		t.Errorf("of no such name: %+v, %v", f, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := indexing.Closest(ctx, []string{one}, "a.m4", nil); err == nil {
		t.Error("interrupted, it gives no error")
	}
}
