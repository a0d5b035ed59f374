package gitobject

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/tree"
)

// The trees are those whose ids package tree computes by itself.
func TestEncodeTrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom(formats()).Draw(t, "format")
		component := rapid.SampledFrom([]string{"a", "b", "a.c", "a-b", "a0", "ab", "é"})
		var entries []tree.Entry
		for range rapid.IntRange(0, 12).Draw(t, "files") {
			e := tree.Entry{
				Path: tree.Path(strings.Join(rapid.SliceOfN(component, 1, 4).Draw(t, "path"), "/")),
				Kind: rapid.SampledFrom([]tree.Kind{tree.File, tree.File, tree.Symlink, tree.Directory, tree.Submodule}).Draw(t, "kind"),
			}
			if e.Kind != tree.Directory {
				e.IDs.Set(drawID(f).Draw(t, "id"))
			}
			if _, err := tree.Build(append(append([]tree.Entry(nil), entries...), e)); err == nil {
				entries = append(entries, e)
			}
		}
		given, err := tree.Build(entries)
		if err != nil {
			t.Fatal(err)
		}
		encoded, err := EncodeTrees(f, given)
		if err != nil {
			t.Fatal(err)
		}
		identity := given.Identity(f)
		if root := encoded[len(encoded)-1]; root.ID != identity.Git.In(f) {
			t.Fatalf("the root is %v, want %v", root.ID, identity.Git.In(f))
		}
		written := map[digest.ObjectID]bool{}
		for _, e := range encoded {
			inner, err := ParseTree(f, e.Content)
			if id, hashErr := digest.HashObject(f, digest.Tree, e.Content); err != nil || hashErr != nil || id != e.ID {
				t.Fatalf("%q is %v, not %v: %v, %v", e.Content, id, e.ID, err, hashErr)
			}
			for _, x := range inner {
				if x.Mode == modeTree && !written[x.ID] {
					t.Fatalf("%v names %v, which comes later or never", e.ID, x.ID)
				}
			}
			written[e.ID] = true
		}
	})
}

func TestEncodeTreesRefuses(t *testing.T) {
	special, _ := tree.Build([]tree.Entry{{Path: "a/fifo", Kind: tree.Special}})
	_, err := EncodeTrees(digest.SHA1Format, special)
	wantRefusal(t, err, refusal.GitTree)
	bare, _ := tree.Build([]tree.Entry{{Path: "a/b", Kind: tree.File}})
	_, err = EncodeTrees(digest.SHA1Format, bare)
	wantRefusal(t, err, refusal.GitFormat)
	empty, err := EncodeTrees(digest.SHA1Format, tree.Tree{})
	if err != nil || len(empty) != 1 || !bytes.Equal(empty[0].Content, nil) {
		t.Errorf("nothing is %v, %v", empty, err)
	}
}
