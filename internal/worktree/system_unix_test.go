//go:build unix

package worktree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/testkit"
	"github.com/countermark/countermark/internal/tree"
)

func withUmask(t *testing.T, mask int) {
	t.Helper()
	old := unix.Umask(mask)
	t.Cleanup(func() { unix.Umask(old) })
}

// What is laid out does not depend on the umask, and has one time.
func TestLayMetadata(t *testing.T) {
	w := newWorld(t, digest.SHA1Format, sample())
	dir := filepath.Join(t.TempDir(), "tree")
	withUmask(t, 0o077)
	if _, err := Lay(t.Context(), w.layout(dir, digest.SHA1Format)); err != nil {
		t.Fatal(err)
	}
	seen := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		seen++
		want := fs.FileMode(0o644)
		switch {
		case d.IsDir():
			want = fs.ModeDir | 0o755
		case d.Type() == fs.ModeSymlink:
			want = info.Mode()
		case d.Name() == "run":
			want = 0o755
		}
		if info.Mode() != want || !info.ModTime().Equal(when) {
			t.Errorf("%s has mode %v and time %v", path, info.Mode(), info.ModTime())
		}
		return nil
	})
	if err != nil || seen != len(sample())+5 {
		t.Errorf("%d files and directories, %v", seen, err)
	}
	if target, err := os.Readlink(filepath.Join(dir, "out")); target != "/etc/passwd" || err != nil {
		t.Errorf("the link leads to %q, %v", target, err)
	}
}

// mustNot fails on any error, in a list of steps.
func mustNot(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func TestReadKinds(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	testkit.Write(t, filepath.Join(outside, "secret"), "secret")
	testkit.Write(t, at("private"), "0600")
	testkit.Write(t, at("setuid"), "x")
	mustNot(t,
		os.Chmod(at("private"), 0o600), os.Chmod(at("setuid"), os.ModeSetuid|0o711),
		unix.Mkfifo(at("fifo"), 0o644), os.Symlink(outside, at("away")), os.Symlink("gone", at("dangling")),
		os.Symlink("loop", at("loop")), os.Mkdir(at("none"), 0o700), os.MkdirAll(at("deep/none"), 0o755),
		os.Symlink("..", at("deep/up")), os.Mkdir(at(".github"), 0o755))
	// A socket's path is short by its system call.
	t.Chdir(dir)
	l, err := net.Listen("unix", "socket")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // at the end
	got, err := Read(t.Context(), dir, Reading{})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, e := range got.Entries() {
		lines = append(lines, fmt.Sprintf("%s %v %d %o %d", e.Path, e.Kind, e.Size, e.Perm&0o4777, e.Exec))
	}
	want := `.github directory 0 0 0
away symlink N 777 0
dangling symlink 4 777 0
deep/none directory 0 0 0
deep/up symlink 2 777 0
fifo special 0 644 0
loop symlink 4 777 0
none directory 0 0 0
private file 4 600 0
setuid file 1 4711 1
socket special 0 755 0`
	want = strings.Replace(want, "N", fmt.Sprint(len(outside)), 1)
	if text := strings.Join(lines, "\n"); text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	if id, _ := digest.HashObject(digest.SHA256Format, digest.Blob, []byte("gone")); got.Lookup("dangling").IDs.In(digest.SHA256Format) != id {
		t.Error("the link's id is not that of its target")
	}
}

func TestReadRefuses(t *testing.T) {
	for what, c := range map[string]struct {
		name string
		rule refusal.Rule
		how  Reading
	}{
		"git's folder":           {".git/config", refusal.NameDotGit, Reading{}},
		"in capitals":            {".GIT/config", refusal.NameDotGit, Reading{WithoutGit: true}},
		"by its short name":      {"git~1", refusal.NameDotGit, Reading{WithoutGit: true}},
		"one further down":       {"a/.git/config", refusal.NameDotGit, Reading{WithoutGit: true}},
		"no UTF-8":               {"a/b\xff", refusal.NameUTF8, Reading{}},
		"a line feed":            {"a\nb", refusal.NameControl, Reading{}},
		"decomposed":             {"e\u0301", refusal.NameNFC, Reading{}},
		"too many files":         {"d/e/f", refusal.GitLimit, Reading{Files: 2}},
		"too many bytes":         {"x", refusal.GitLimit, Reading{Bytes: 3}},
		"too deep":               {strings.Repeat("d/", MaxDepth) + "d/x", refusal.GitLimit, Reading{}},
		"a target with a secret": {"link", refusal.NameControl, Reading{}},
	} {
		dir := t.TempDir()
		if what == "a target with a secret" {
			mustNot(t, os.Symlink("a\x1b[2J", filepath.Join(dir, c.name)))
		} else {
			testkit.Write(t, filepath.Join(dir, c.name), "four")
		}
		got, err := Read(t.Context(), dir, c.how)
		if wantRule(t, err, c.rule); got.Len() != 0 {
			t.Errorf("%s: %d entries", what, got.Len())
		}
		if err != nil && (strings.ContainsAny(err.Error(), "\n\x1b") || !utf8.ValidString(err.Error())) {
			t.Errorf("%s: the error is not escaped: %q", what, err)
		}
	}
	if _, err := Read(t.Context(), filepath.Join(t.TempDir(), "none"), Reading{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	dir := t.TempDir()
	testkit.Write(t, filepath.Join(dir, "d/e"), "four")
	if got, err := Read(t.Context(), dir, Reading{Files: 2, Bytes: 4}); err != nil || got.Len() != 1 {
		t.Errorf("just within the limits: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Read(ctx, dir, Reading{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A sparse file of any size takes no time.
func TestReadHugeFile(t *testing.T) {
	path := testkit.Write(t, filepath.Join(t.TempDir(), "huge"), "")
	mustNot(t, os.Truncate(path, MaxFileBytes+1))
	_, err := Read(t.Context(), filepath.Dir(path), Reading{})
	wantRule(t, err, refusal.GitLimit)
}

// A file that another program exchanges, between the look and the opening, is
// not read as what it was.
func TestReadWhileChanging(t *testing.T) {
	dir := t.TempDir()
	testkit.Write(t, filepath.Join(dir, "secret"), "secret")
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close() //nolint:errcheck // at the end
	for what, exchange := range map[string]func(path string) error{
		"a link":       func(path string) error { return os.Symlink("secret", path) },
		"another file": func(path string) error { return os.Link(filepath.Join(dir, "secret"), path) },
		"a FIFO":       func(path string) error { return unix.Mkfifo(path, 0o644) },
		"nothing":      func(string) error { return nil },
	} {
		path := testkit.Write(t, filepath.Join(dir, "file"), "harmless")
		seen, err := root.Lstat("file")
		mustNot(t, err, os.Rename(path, path+".old"), exchange(path))
		r := &reader{how: Reading{Bytes: MaxBytes}}
		j := &job{in: &folder{root: root}, name: "file", seen: seen, entry: tree.Entry{Path: "file"}}
		if err := r.hash(j, digest.NewObjectHash(bothFormats()...), make([]byte, 100)); err == nil {
			t.Errorf("%s: read as %+v", what, j.entry)
		}
		_ = os.Remove(path)
	}
}

// Folders are closed, however reading ends.
func TestReadClosesFolders(t *testing.T) {
	dir := t.TempDir()
	for i := range 50 {
		testkit.Write(t, filepath.Join(dir, fmt.Sprintf("d%d/e/f", i)), "x")
	}
	open := func() int {
		names, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip("there is no /proc here")
		}
		return len(names)
	}
	before := open()
	for _, how := range []Reading{{}, {Bytes: 20}, {Files: 70}} {
		_, _ = Read(t.Context(), dir, how)
	}
	if after := open(); after > before {
		t.Errorf("%d files are open, before %d", after, before)
	}
}
