package refs

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/countermark/countermark/internal/builtcommit"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/gitrepo/pack"
	"github.com/countermark/countermark/internal/testkit"
	"github.com/countermark/countermark/internal/tree"
	"github.com/countermark/countermark/internal/worktree"
)

// built is what a build writes: the objects, and the id of the commit.
type built struct {
	objects []pack.Object
	commit  digest.ObjectID
}

// build makes a built commit of what lies in a folder.
func build(t *testing.T, w *work, dir string, previous digest.ObjectID) built {
	t.Helper()
	f := w.r.Format()
	files, err := worktree.Read(t.Context(), dir, worktree.Reading{})
	if err != nil {
		t.Fatal(err)
	}
	var b built
	for _, e := range files.Entries() {
		path := filepath.Join(dir, string(e.Path))
		if e.Kind == tree.File {
			b.objects = append(b.objects, pack.Object{Type: digest.Blob, ID: e.IDs.In(f), SizeBytes: e.Size, Open: func() (io.ReadCloser, error) { return os.Open(path) }})
		}
	}
	add := func(kind digest.ObjectType, content []byte) digest.ObjectID {
		o, err := pack.InMemory(f, kind, content)
		if err != nil {
			t.Fatal(err)
		}
		b.objects = append(b.objects, o)
		return o.ID
	}
	trees, err := gitobject.EncodeTrees(f, files)
	if err != nil {
		t.Fatal(err)
	}
	var root digest.ObjectID
	for _, e := range trees {
		root = add(digest.Tree, e.Content)
	}
	if previous.IsZero() {
		raw, _, err := builtcommit.Root(f)
		if err != nil {
			t.Fatal(err)
		}
		add(digest.Tree, nil)
		previous = add(digest.Commit, raw)
	}
	c := &builtcommit.Commit{
		Tree: root, Previous: previous, Author: builtcommit.Person{Name: "A"}, Committer: builtcommit.Person{Name: "A"}, Unix: 1700000001, Name: "x", Version: "1",
		Source: builtcommit.Source{Tag: "refs/tags/v1", TagObject: w.id("v1"), Commit: w.id("v1^{commit}")}, Recipe: digest.SHA256{1},
	}
	raw, id, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if b.commit = add(digest.Commit, raw); b.commit != id {
		t.Fatalf("the commit is %v, encoded it was %v", b.commit, id)
	}
	return b
}

// All of it together: a commit is laid out, a file is generated, the built
// commit is written and found again, a server takes it; a checkout is clean
// although attributes, which no step has seen, would change what is committed.
func TestBuild(t *testing.T) {
	for _, f := range []string{"sha1", "sha256"} {
		t.Run(f, func(t *testing.T) {
			w := newWork(t, "--object-format="+f)
			testkit.Write(t, filepath.Join(w.dir, ".gitattributes"), "*.c ident\n*.txt text eol=crlf\n")
			testkit.Write(t, filepath.Join(w.dir, "id.c"), "$Id$\n")
			testkit.Write(t, filepath.Join(w.dir, "d/eol.txt"), "one\ntwo\n")
			testkit.Write(t, filepath.Join(w.dir, ".gitignore"), "configure\n")
			w.git("", "add", ".")
			w.git("", "commit", "-q", "-m", "three")
			w.git("", "tag", "-f", "-a", "-m", "x", "v1")
			checkBuild(t, w.open())
		})
	}
}

func checkBuild(t *testing.T, w *work) {
	const branch = "refs/heads/x-built"
	source, err := w.r.Tree(t.Context(), w.id("v1^{tree}"))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "tree")
	if _, err := worktree.Lay(t.Context(), worktree.Layout{Dir: dir, Tree: source, Format: w.r.Format(), Time: time.Unix(1700000001, 0), Blobs: w.r.Blobs}); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(testkit.Write(t, filepath.Join(dir, "configure"), "#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	first := build(t, w, dir, digest.ObjectID{})
	second := build(t, w, dir, first.commit) // the release after
	for i, b := range []built{first, second} {
		head, err := ReadBuilt(t.Context(), w.r, branch)
		if err != nil || i == 0 != head.ID.IsZero() {
			t.Fatalf("the head is %+v, %v", head, err)
		}
		if _, err := pack.Add(t.Context(), w.r, b.objects); err != nil {
			t.Fatal(err)
		}
		if got := w.update(Change{Ref: branch, Old: head.ID, New: b.commit}); got.Outcome != Changed {
			t.Errorf("got %+v", got)
		}
		checkCandidate(t, w, b.commit)
	}
	w.git("", "fsck", "--strict")
	w.git("", "checkout", "-q", "x-built")
	if got := w.git("", "status", "--porcelain", "--ignored"); got != "" {
		t.Errorf("after a checkout git status says %s", got)
	}
	if got := w.git("", "log", "--first-parent", "--format=%s"); got != "x 1\nx 1\nroot of a built branch" {
		t.Errorf("the releases are %q", got)
	}
	if got := w.git("", "diff", "--name-status", "v1", "x-built"); got != "A\tconfigure" {
		t.Errorf("git says that was generated: %s", got)
	}
}

// checkCandidate pushes to a server that checks what it receives.
func checkCandidate(t *testing.T, w *work, commit digest.ObjectID) {
	t.Helper()
	server := &work{t: t, dir: t.TempDir()}
	server.git("", "init", "-q", "--bare", "--object-format="+w.r.Format().String())
	server.git("", "config", "receive.fsckObjects", "true")
	if got := w.push(Candidate{Server: server.dir, Version: "5.4.1", Commit: commit}); got.Outcome != Changed || server.at(candidate) != commit.String() {
		t.Errorf("got %+v", got)
	}
}
