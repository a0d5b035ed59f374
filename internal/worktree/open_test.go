package worktree_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/countermark/countermark/internal/testkit"
	"github.com/countermark/countermark/internal/tree"
	"github.com/countermark/countermark/internal/worktree"
)

// opened lays files and links out below a folder beside a file with a secret, and
// reads it.
func opened(t *testing.T) (dir string, root *os.Root, read tree.Tree) {
	t.Helper()
	top := t.TempDir()
	dir = filepath.Join(top, "work")
	testkit.Write(t, filepath.Join(top, "outside"), "secret")
	testkit.Write(t, filepath.Join(dir, "d", "file"), "content")
	for name, target := range map[string]string{"link": "../outside", "d/inside": "file"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	read, err := worktree.Read(context.Background(), dir, worktree.Reading{})
	if err != nil {
		t.Fatal(err)
	}
	if root, err = os.OpenRoot(dir); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return dir, root, read
}

// What Open gives of a file or link is what Read saw.
func TestOpen(t *testing.T) {
	_, root, read := opened(t)
	for path, content := range map[tree.Path]string{"d/file": "content", "link": "../outside", "d/inside": "file"} {
		e := read.Lookup(path)
		if e == nil {
			t.Fatalf("%s was not read", path)
		}
		r, err := worktree.Open(root, e)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || r.Close() != nil || string(got) != content || int64(len(got)) != e.Size {
			t.Errorf("%s: %q of %d bytes, %v, want %q", path, got, e.Size, err, content)
		}
	}
}

// Open gives nothing that lies elsewhere, whatever was put in the file's place.
func TestOpenStaysInside(t *testing.T) {
	dir, root, read := opened(t)
	file := read.Lookup("d/file")
	if err := os.Remove(filepath.Join(dir, "d", "file")); err != nil {
		t.Fatal(err)
	}
	if _, err := worktree.Open(root, file); err == nil {
		t.Error("a file that has gone is opened")
	}
	if err := os.Symlink("../../outside", filepath.Join(dir, "d", "file")); err != nil {
		t.Fatal(err)
	}
	if r, err := worktree.Open(root, file); err == nil {
		got, _ := io.ReadAll(r)
		t.Errorf("a link out of the folder gives %q", got)
	}
	if _, err := worktree.Open(root, &tree.Entry{Path: "absent", Kind: tree.Symlink}); err == nil {
		t.Error("a link that is not there has a target")
	}
}
