package worktree_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/countermark/countermark/internal/tree"
	"github.com/countermark/countermark/internal/worktree"
)

// TestOpen: what Open gives of a file or link is what Read saw, and nothing that
// lies elsewhere.
func TestOpen(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(dir, "outside")
	work := filepath.Join(dir, "work")
	for path, content := range map[string]string{outside: "secret", filepath.Join(work, "d", "file"): "content"} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{"link": "../outside", "d/inside": "file"} {
		if err := os.Symlink(target, filepath.Join(work, name)); err != nil {
			t.Fatal(err)
		}
	}
	read, err := worktree.Read(context.Background(), work, worktree.Reading{})
	if err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(work)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	checkContents(t, root, read)
	checkReplaced(t, root, read.Lookup("d/file"))
}

// checkContents holds Open to what lies there.
func checkContents(t *testing.T, root *os.Root, read tree.Tree) {
	t.Helper()
	want := map[tree.Path]string{"d/file": "content", "link": "../outside", "d/inside": "file"}
	for path, content := range want {
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

// checkReplaced puts a link in the file's place.
func checkReplaced(t *testing.T, root *os.Root, file *tree.Entry) {
	t.Helper()
	if err := root.Remove("d/file"); err != nil {
		t.Fatal(err)
	}
	if _, err := worktree.Open(root, file); err == nil {
		t.Error("a file that has gone is opened")
	}
	if err := root.Symlink("../../outside", "d/file"); err != nil {
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
