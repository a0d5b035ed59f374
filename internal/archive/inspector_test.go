package archive_test

import (
	"bytes"
	"context"
	"path/filepath"
	"testing"

	"github.com/countermark/countermark/internal/archive"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/envelope"
	"github.com/countermark/countermark/internal/testkit"
	"github.com/countermark/countermark/internal/tree"
)

// shown is an inspector that keeps what it is shown.
type shown map[tree.Path]shownFile

type shownFile struct {
	content string
	ids     digest.IDs
}

func (shown) Wants(tree.Path) bool { return true }

func (s shown) Inspect(e *tree.Entry, content []byte) {
	s[e.Path] = shownFile{string(content), e.IDs}
}

// piecesNodes are files that come in one piece, in none and in many, in turn.
func piecesNodes() []node {
	return []node{
		{path: "a", kind: tree.File, content: "a"},
		{path: "b", kind: tree.File},
		{path: "c", kind: tree.File, content: string(bytes.Repeat([]byte("0123456789abcde\n"), 3<<16))},
		{path: "d", kind: tree.File},
		{path: "e", kind: tree.File, content: "e\n"},
	}
}

// TestInspectorIsShownEveryFile: whatever came before it, each file is shown
// whole, with the ids that git gives it.
func TestInspectorIsShownEveryFile(t *testing.T) {
	testkit.Program(t, "git")
	nodes := piecesNodes()
	work := filepath.Join(t.TempDir(), topName)
	write(t, work, nodes)
	repo := commitTree(t, digest.SHA1Format, work)
	git := func(format string) []byte {
		return run(t, work, nil, "git", "--git-dir="+repo.gitDir, "archive", "--format="+format, "--prefix="+topName+"/", repo.commit)
	}
	for name, raw := range map[string][]byte{"a.tar": git("tar"), "a.tar.gz": git("tar.gz"), "a.zip": git("zip"), "Go.tar": goWritten(t, nodes)} {
		r, err := archive.Open(bytes.NewReader(raw), archive.Options{Envelope: envelope.Options{Name: name}})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		seen := make(shown)
		c, err := r.Read(context.Background(), seen)
		if err != nil || len(seen) != len(nodes) {
			t.Fatalf("%s: %d files are shown, want %d; %v", name, len(seen), len(nodes), err)
		}
		for _, n := range nodes {
			got, want, read := seen[tree.Path(n.path)], repo.tree.Lookup(tree.Path(n.path)), c.Tree.Lookup(tree.Path(n.path))
			if got.content != n.content {
				t.Errorf("%s: of %s %d bytes are shown, want its %d", name, n.path, len(got.content), len(n.content))
			}
			id := want.IDs.In(digest.SHA1Format)
			if got.ids.In(digest.SHA1Format) != id || read.IDs.In(digest.SHA1Format) != id {
				t.Errorf("%s: %s is shown as %v, read as %v, want %v", name, n.path, got.ids.In(digest.SHA1Format), read.IDs.In(digest.SHA1Format), id)
			}
		}
	}
}
