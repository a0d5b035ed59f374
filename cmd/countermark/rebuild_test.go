package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/testkit"
)

// rebuilt is what of a rebuild's JSON these tests look at.
type rebuilt struct {
	Verdict  string
	Findings []any
	Counts   map[string]struct{ Paths, Generated int }
	Paths    []rebuiltPath
}

// rebuiltPath is one path that was not reproduced.
type rebuiltPath struct {
	Path, Class string
	Generated   bool
	Causes      []struct{ Kind, Sentence string }
}

// says reports whether a cause is of the kind and says the words.
func (p *rebuiltPath) says(kind, words string) bool {
	for _, c := range p.Causes {
		if c.Kind == kind && strings.Contains(c.Sentence, words) {
			return true
		}
	}
	return false
}

// of returns the paths of a class.
func (r *rebuilt) of(class string) []rebuiltPath {
	return slices.DeleteFunc(slices.Clone(r.Paths), func(p rebuiltPath) bool { return p.Class != class })
}

// needDebian12 ends a test whose figures are those of other tools than are here,
// and one that has no sandbox.
func needDebian12(t *testing.T, versions map[string]string) {
	t.Helper()
	if testing.Short() {
		t.Skip("builds a real release")
	}
	if !hasSandbox() {
		testkit.Missing(t, "no sandbox works here")
	}
	for name, version := range versions {
		out, err := exec.Command(testkit.Program(t, name), "--version").Output()
		if first, _, _ := strings.Cut(string(out), "\n"); err != nil || !strings.HasSuffix(first, " "+version) {
			testkit.Missing(t, "%s is %q, and not %s, as in Debian 12", name, first, version)
		}
	}
}

// unpacked unpacks an archive and returns its top folder and the files in it.
func unpacked(t *testing.T, archive, top string) (dir string, files []string) {
	t.Helper()
	dir = t.TempDir()
	if out, err := exec.Command("tar", "-C", dir, "-xf", archive).CombinedOutput(); err != nil {
		t.Fatalf("tar: %v\n%s", err, out)
	}
	dir = filepath.Join(dir, top)
	err := filepath.WalkDir(dir, func(name string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			rel, _ := filepath.Rel(dir, name)
			files = append(files, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir, files
}

// commitAll makes a repository of a folder, with one commit and one tag.
func commitAll(t *testing.T, dir, tag string) {
	t.Helper()
	home := t.TempDir()
	for name, value := range map[string]string{
		"HOME": home, "XDG_CACHE_HOME": filepath.Join(home, "cache"), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.DevNull,
		"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "C", "GIT_COMMITTER_EMAIL": "c@example.org",
		"GIT_AUTHOR_DATE": "2024-04-01T12:00:00+0200", "GIT_COMMITTER_DATE": "2024-04-01T12:00:00+0200",
	} {
		t.Setenv(name, value)
	}
	for _, args := range [][]string{
		{"init", "-q", "-b", "main"}, {"-c", "core.autocrlf=false", "add", "-Af"}, {"commit", "-q", "-m", "release"}, {"tag", "-a", "-m", "release", tag},
	} {
		if out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
	}
}

// rebuildJSON runs rebuild with --json and returns what it said.
func rebuildJSON(t *testing.T, args ...string) (exit int, doc rebuilt) {
	t.Helper()
	var out, errs bytes.Buffer
	exit = run(context.Background(), append([]string{"rebuild", "--json"}, args...), streams{in: strings.NewReader(""), out: &out, err: &errs})
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
		t.Fatalf("rebuild %q: %v\nstdout: %s\nstderr: %s", args, err, out.Bytes(), errs.Bytes())
	}
	for _, f := range doc.Findings {
		t.Errorf("finding: %v", f)
	}
	for _, p := range doc.of("differs") {
		t.Logf("%s: %v", p.Path, p.Causes)
	}
	return exit, doc
}

// figures are the numbers of paths: all, and generated ones, of each class.
func (r *rebuilt) figures() string {
	var all []string
	for _, class := range []string{"reproduced", "differs", "missing", "extra"} {
		all = append(all, fmt.Sprintf("%s %d/%d", class, r.Counts[class].Paths, r.Counts[class].Generated))
	}
	return strings.Join(all, ", ")
}

func recipeFile(name string) string { return filepath.Join("..", "..", "testdata", "recipes", name) }

// TestRebuildXZ: the files that the published archive of xz 5.4.1 has of its real
// commit, built with Debian 12's tools and compared with that archive.
func TestRebuildXZ(t *testing.T) {
	needDebian12(t, map[string]string{"autoconf": "2.71", "automake": "1.16.5", "autopoint": "0.21", "libtoolize": "2.4.7"})
	archive := archiveOf(t, releaseCase{name: "xz-5.4.1", archive: "xz-utils_5.4.1.orig.tar.xz"})
	listed, err := exec.Command("git", "--git-dir="+filepath.Join(casesDir, "xz-5.4.1", "repo.git"), "ls-tree", "-r", "-z", "--name-only", "v5.4.1").Output()
	if err != nil {
		testkit.Missing(t, "the real commit is not here: %v", err)
	}
	tracked := strings.Split(string(listed), "\x00")
	slices.Sort(tracked)
	dir, files := unpacked(t, archive, "xz-5.4.1")
	kept := 0
	for _, name := range files {
		if _, ok := slices.BinarySearch(tracked, name); ok {
			kept++
		} else if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if kept != 478 {
		t.Fatalf("the archive has %d files of the commit, want 478", kept)
	}
	commitAll(t, dir, "v5.4.1")
	exit, doc := rebuildJSON(t, "v5.4.1", "--repo", dir, "--recipe", recipeFile("xz-5.4.1.toml"), "--against", archive)
	if want := "reproduced 509/31, differs 16/16, missing 81/81, extra 1/1"; exit != 1 || doc.Verdict != "not reproduced" || doc.figures() != want {
		t.Errorf("exit %d, %s, %s; want %s", exit, doc.Verdict, doc.figures(), want)
	}
	for _, p := range doc.of("differs") {
		kind, want := "tool file", "gettext 0.21"
		switch path.Base(p.Path) {
		case "configure", "ltmain.sh", "ltversion.m4":
			kind, want = "tool version", "libtool 2.4.7-dirty there, 2.4.7 here"
		case "libtool.m4":
			kind, want = "tool version", "m4/ltversion.m4 says 2.4.7-dirty there, 2.4.7 here"
		case "config.sub":
			want = "of libtool 2.4.7 there, of gnu-config 20220109.1 here"
		}
		if !p.Generated || !p.says(kind, want) {
			t.Errorf("%s: no cause of kind %q says %q", p.Path, kind, want)
		}
	}
}

// TestRebuildPHP: PHP 8.2.32, built of its published archive without the generated
// files, with Debian 12's tools: bison's files are those that were published,
// re2c's and autoconf's are of other versions.
func TestRebuildPHP(t *testing.T) {
	needDebian12(t, map[string]string{"autoconf": "2.71", "bison": "3.8.2", "re2c": "3.0"})
	archive := archiveOf(t, releaseCase{name: "php-8.2.32", archive: "php8.2_8.2.32.orig.tar.xz"})
	dir, files := unpacked(t, archive, "php-8.2.32")
	var made, bison []string
	for _, name := range files {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case strings.HasSuffix(name, ".output"), bytes.HasPrefix(content, []byte("/* A Bison parser")):
			bison = append(bison, name)
		case name == "configure", name == "main/php_config.h.in", bytes.HasPrefix(content, []byte("/* Generated by re2c")) && !strings.HasPrefix(name, "ext/date/"):
			made = append(made, name)
		}
	}
	if len(bison) != 11 || len(made) != 13 {
		t.Fatalf("%d files of bison and %d others are generated, want 11 and 13", len(bison), len(made))
	}
	for _, name := range append(append(made, bison...), "pear/install-pear-nozlib.phar") {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	commitAll(t, dir, "php-8.2.32")
	exit, doc := rebuildJSON(t, "php-8.2.32", "--repo", dir, "--recipe", recipeFile("php-8.2.32-host.toml"), "--against", archive)
	if want := "reproduced 22498/11, differs 13/13, missing 1/1, extra 0/0"; exit != 1 || doc.figures() != want {
		t.Errorf("exit %d, %s; want %s", exit, doc.figures(), want)
	}
	for _, p := range doc.of("differs") {
		want := "the header says re2c 4.0 there, 3.0 here"
		switch p.Path {
		case "configure":
			want = "the header says autoconf 2.72 there, 2.71 here"
		case "main/php_config.h.in":
			want = "configure says 2.72 there, 2.71 here"
		}
		if slices.Contains(bison, p.Path) || !p.Generated || !p.says("tool version", want) {
			t.Errorf("%s: no cause says %q", p.Path, want)
		}
	}
}
