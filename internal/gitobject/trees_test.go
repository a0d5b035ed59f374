package gitobject_test

import (
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/tree"
)

// The last tree is the top's, and has the id that package tree computes; each
// tree that another names is there before it.
func TestEncodeTrees(t *testing.T) {
	var entries []tree.Entry
	for _, p := range []string{"a", "a-b/c", "a/d/e", "a/d/f", "a.c", "z/y/x/w"} {
		id, err := digest.HashObject(digest.SHA1Format, digest.Blob, []byte(p))
		if err != nil {
			t.Fatal(err)
		}
		e := tree.Entry{Path: tree.Path(p), Kind: tree.File}
		e.IDs.Set(id)
		if p != "a" {
			entries = append(entries, e)
		}
	}
	entries = append(entries, tree.Entry{Path: "empty/in", Kind: tree.Directory}, tree.Entry{Path: "fifo", Kind: tree.Special})
	built, err := tree.Build(entries)
	if err != nil {
		t.Fatal(err)
	}
	trees, err := gitobject.EncodeTrees(digest.SHA1Format, built)
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[digest.ObjectID]bool)
	var last digest.ObjectID
	for _, raw := range trees {
		parsed, err := gitobject.ParseTree(digest.SHA1Format, raw)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range parsed {
			if e.Mode == 0o040000 && !seen[e.ID] {
				t.Errorf("the tree %q comes after what names it", e.Name)
			}
		}
		if last, err = digest.HashObject(digest.SHA1Format, digest.Tree, raw); err != nil {
			t.Fatal(err)
		}
		seen[last] = true
	}
	want := built.Identity(digest.SHA1Format).Git
	if last != want.In(digest.SHA1Format) {
		t.Errorf("the top's id is %v, want %v", last, want.In(digest.SHA1Format))
	}
	if len(trees) != 7 { // a-b, a/d, a, z/y/x, z/y, z, top
		t.Errorf("%d trees", len(trees))
	}
	nothing, err := gitobject.EncodeTrees(digest.SHA1Format, tree.Tree{})
	if err != nil || len(nothing) != 1 || len(nothing[0]) != 0 {
		t.Errorf("the empty tree: %q, %v", nothing, err)
	}
}
