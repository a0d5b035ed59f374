package cause_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/cause"
	"github.com/countermark/countermark/internal/knownfile"
	"github.com/countermark/countermark/internal/testkit"
	"github.com/countermark/countermark/internal/tree"
)

// run runs a program in a folder, with an environment of its own.
func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(testkit.Program(t, name), args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LC_ALL=C.UTF-8", "TZ=UTC", "GIT_CONFIG_NOSYSTEM=1"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// published returns a published archive, downloading it where tests must not skip.
func published(t *testing.T, release, archive string) string {
	t.Helper()
	dir := testkit.Releases(t)
	file := filepath.Join(dir, archive)
	if _, err := os.Stat(file); err == nil {
		return file
	}
	get := filepath.Join("..", "..", "..", "shared", "cases", "get")
	if os.Getenv(testkit.All) == "" {
		t.Skipf("%s is not here; %s %s downloads it", file, get, release)
	}
	out, err := exec.Command(get, release, dir).CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 4 {
		t.Skipf("the mirror no longer has %s: %s", archive, out)
	}
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", get, release, err, out)
	}
	return file
}

// unpack unpacks an archive twice: to be looked at, and to be built in.
func unpack(t *testing.T, archive, top string) (asPublished, built string) {
	t.Helper()
	asPublished, built = t.TempDir(), t.TempDir()
	for _, dir := range []string{asPublished, built} {
		run(t, dir, "tar", "-xf", archive)
	}
	return filepath.Join(asPublished, top), filepath.Join(built, top)
}

// needDebian12 ends the test where the tools are not those that the expected
// findings are of.
func needDebian12(t *testing.T, versions map[string]string) {
	t.Helper()
	for name, version := range versions {
		if out := run(t, ".", name, "--version"); !strings.Contains(out, version) {
			testkit.Missing(t, "%s is not %s, as in Debian 12", name, version)
		}
	}
}

// files returns the files below a folder.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			rel, _ := filepath.Rel(dir, name)
			names = append(names, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// side reads one file, with what is known of it.
func side(t *testing.T, index *knownfile.Index, dir, name string) cause.File {
	t.Helper()
	file := filepath.Join(dir, filepath.FromSlash(name))
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	f := cause.File{Content: content, Perm: uint16(info.Mode().Perm())}
	print := knownfile.Take(path.Base(name), content)
	if f.Known = index.Find(print.SHA256); len(f.Known) == 0 {
		if m, ok := index.Nearest(path.Base(name), print); ok {
			f.Nearest = &m
		}
	}
	return f
}

// compareFolders explains every file that is in both folders and differs; same
// counts the generated ones that do not.
func compareFolders(t *testing.T, dir, built string, generated []string, build cause.Build) (same int, found []cause.Difference) {
	t.Helper()
	index, err := knownfile.Parse(knownfile.Embedded())
	if err != nil {
		t.Fatal(err)
	}
	var pairs []cause.Pair
	for _, name := range generated {
		if _, err := os.Stat(filepath.Join(built, name)); err != nil {
			continue
		}
		p := cause.Pair{Path: tree.Path(name), Ours: side(t, index, built, name), Theirs: side(t, index, dir, name)}
		if bytes.Equal(p.Ours.Content, p.Theirs.Content) {
			same++
			continue
		}
		pairs = append(pairs, p)
	}
	found = cause.Explain(slices.Values(pairs), build)
	for _, d := range found {
		t.Logf("%s: %d lines added, %d removed, the first is %d; %d left", d.Path, d.Added, d.Removed, d.FirstLine, d.Left)
		for _, c := range d.Causes {
			t.Logf("    %v (%d remain): %s", c.Kind, c.Remaining, c.Sentence)
		}
	}
	return same, found
}

// TestXZ: xz 5.4.1, built from the files of its commit with Debian 12's tools.
// Each of the 16 files that differ from the published ones has its cause.
func TestXZ(t *testing.T) {
	if testing.Short() {
		t.Skip("runs autotools")
	}
	repo := filepath.Join("..", "..", "..", "shared", "cases", "xz-5.4.1", "repo.git")
	if _, err := os.Stat(repo); err != nil {
		testkit.Missing(t, "%s is not there", repo)
	}
	needDebian12(t, map[string]string{"autoconf": "2.71", "automake": "1.16.5", "autopoint": "0.21", "libtoolize": "2.4.7"})
	dir, built := unpack(t, published(t, "xz-5.4.1", "xz-utils_5.4.1.orig.tar.xz"), "xz-5.4.1")
	tracked := make(map[string]bool)
	for name := range strings.SplitSeq(run(t, ".", "git", "--git-dir="+repo, "ls-tree", "-r", "-z", "--name-only", "v5.4.1"), "\x00") {
		tracked[name] = true
	}
	var generated []string
	for _, name := range files(t, dir) {
		if !tracked[name] {
			generated = append(generated, name)
			if err := os.Remove(filepath.Join(built, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	run(t, built, "sh", "autogen.sh", "--no-po4a")

	same, found := compareFolders(t, dir, built, generated, cause.Build{Dir: built, Tools: []cause.Tool{{Program: "autoconf", Version: "2.71", Package: "autoconf 2.71-3", Declared: true}}})
	if same != 31 || len(found) != 16 {
		t.Errorf("%d equal, %d differ; want 31 and 16", same, len(found))
	}
	for _, d := range found {
		want, name := "gettext 0.21", path.Base(string(d.Path))
		kind := cause.ToolFile
		switch name {
		case "configure":
			kind, want = cause.ToolVersion, "libtool 2.4.7-dirty there, 2.4.7 here"
		case "ltmain.sh":
			kind, want = cause.ToolVersion, "libtool 2.4.7-dirty there, 2.4.7 here"
		case "ltversion.m4":
			kind, want = cause.ToolVersion, "libtool 2.4.7-dirty there, 2.4.7 here"
		case "libtool.m4":
			kind, want = cause.ToolVersion, "m4/ltversion.m4 says 2.4.7-dirty there, 2.4.7 here"
		case "config.sub":
			want = "of libtool 2.4.7 there, of gnu-config 20220109.1 here"
		}
		if !says(d, kind, want) {
			t.Errorf("%s: no cause %v says %q", d.Path, kind, want)
		}
	}
}

// says reports whether a cause of the kind says something.
func says(d cause.Difference, kind cause.Kind, words string) bool {
	return slices.ContainsFunc(d.Causes, func(c cause.Cause) bool { return c.Kind == kind && strings.Contains(c.Sentence, words) })
}

// TestPHP: PHP 8.2.32, whose generated files are made anew with Debian 12's
// tools: bison's are the same, re2c's and autoconf's are of other versions.
func TestPHP(t *testing.T) {
	if testing.Short() {
		t.Skip("runs autoconf, bison and re2c")
	}
	needDebian12(t, map[string]string{"autoconf": "2.71", "bison": "3.8.2", "re2c": "3.0"})
	dir, built := unpack(t, published(t, "php-8.2.32", "php8.2_8.2.32.orig.tar.xz"), "php-8.2.32")
	generated := []string{"configure", "main/php_config.h.in"}
	for _, name := range files(t, dir) {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case strings.HasSuffix(name, ".output"),
			!strings.HasPrefix(name, "ext/date/") && (bytes.HasPrefix(content, []byte("/* Generated by re2c")) || bytes.HasPrefix(content, []byte("/* A Bison parser"))):
			generated = append(generated, name)
		}
	}
	for _, name := range append(generated, "pear/install-pear-nozlib.phar") {
		if err := os.Remove(filepath.Join(built, name)); err != nil {
			t.Fatal(err)
		}
	}
	run(t, built, "sh", "buildconf", "--force")
	run(t, built, "sh", "scripts/dev/genfiles")

	same, found := compareFolders(t, dir, built, generated, cause.Build{Dir: built, Tools: []cause.Tool{{Program: "/usr/bin/re2c", Package: "re2c 3.0-2"}}})
	if len(generated) != 24 || same != 11 || len(found) != 13 {
		t.Errorf("%d generated, %d equal, %d differ; want 24, 11 and 13", len(generated), same, len(found))
	}
	for _, d := range found {
		want := "the header says re2c 4.0 there, 3.0 here (re2c 3.0-2 ran here, which the recipe does not declare)"
		switch d.Path {
		case "configure":
			want = "the header says autoconf 2.72 there, 2.71 here"
		case "main/php_config.h.in":
			want = "configure says 2.72 there, 2.71 here"
		}
		if !says(d, cause.ToolVersion, want) {
			t.Errorf("%s: nothing says %q", d.Path, want)
		}
	}
}
