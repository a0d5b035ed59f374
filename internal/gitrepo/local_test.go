package gitrepo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitrepo/location"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/testkit"
	"github.com/countermark/countermark/internal/tree"
)

// listing prints a tree as git ls-tree -r does.
func listing(t tree.Tree, f digest.Format) string {
	var b strings.Builder
	for _, e := range t.Entries() {
		kind := "blob"
		if e.Kind == tree.Submodule {
			kind = "commit"
		}
		fmt.Fprintf(&b, "%06o %s %v\t%s\n", e.GitMode(), kind, e.IDs.In(f), e.Path)
	}
	return b.String()
}

func TestOpenLocalShapes(t *testing.T) {
	w := newWork(t).sample()
	base := t.TempDir()
	at := func(name string) string { return filepath.Join(base, name) }
	w.git("clone", "-q", "--bare", ".", at("bare.git"))
	w.git("worktree", "add", "-q", at("linked"), "v1.0")
	w.git("clone", "-q", "--separate-git-dir", at("separate.git"), ".", at("separate"))
	w.git("clone", "-q", "--shared", ".", at("shared"))
	w.git("clone", "-q", "--depth=1", "--branch=v1.0", "file://"+w.dir, at("shallow"))
	if err := os.Symlink(w.dir, at("link")); err != nil {
		t.Fatal(err)
	}
	newWorkAt(t, at("packed")).git("pull", "-q", "--tags", w.dir, "main")
	(&work{tb: t, dir: at("packed")}).git("gc", "-q")
	for _, path := range []string{
		w.dir, filepath.Join(w.dir, ".git"), at("bare.git"), at("linked"), filepath.Join(at("linked"), ".git"),
		at("separate"), at("separate.git"), at("shared"), at("link"), at("packed"),
	} {
		t.Run(filepath.Base(path), func(t *testing.T) { checkSample(t, open(t, path), w) })
	}
	t.Run("shallow", func(t *testing.T) {
		r := open(t, at("shallow"))
		checkSample(t, r, w)
		if r.IsRemote() || r.BytesFetched() != 0 || r.Fetch(t.Context(), "refs/tags/none") != nil {
			t.Error("a local repository fetches")
		}
	})
}

func TestOpenLocalSHA256(t *testing.T) {
	w := newWork(t, "--object-format=sha256").sample()
	r := open(t, w.dir)
	if r.Format() != digest.SHA256Format {
		t.Fatalf("the format is %v", r.Format())
	}
	checkSample(t, r, w)
	_, _, err := r.Object(t.Context(), digest.ObjectIDFromBytes(digest.SHA1Format, make([]byte, 20)))
	wantRule(t, err, refusal.GitFormat)
}

// The format of a repository without tags is found all the same.
func TestGuessFormat(t *testing.T) {
	for _, f := range []digest.Format{digest.SHA1Format, digest.SHA256Format} {
		w := newWork(t, "--object-format="+f.String())
		w.write("a", "1")
		w.git("add", "a")
		check := func(what string) {
			if r := open(t, w.dir); r.Format() != f {
				t.Errorf("%v repository with %s: taken for %v", f, what, r.Format())
			}
		}
		check("a loose object")
		w.git("commit", "-q", "-m", "1")
		check("a branch")
		w.git("checkout", "-q", "--detach")
		w.git("branch", "-q", "-D", "main")
		check("a detached HEAD")
		w.git("gc", "-q")
		w.git("update-ref", "--no-deref", "-d", "HEAD")
		testkit.Write(t, filepath.Join(w.dir, ".git/HEAD"), "ref: refs/heads/none\n")
		check("a pack")
	}
}

// git separates alternates by colons and unquotes those in double quotes.
func TestOpenLocalOddPaths(t *testing.T) {
	for _, name := range []string{"a:b", `"quoted"`, "line\nfeed", `back\slash`, " space ", "#hash", "[glob]*?", "caf\u00e9", "bytes\xff"} {
		t.Run(fmt.Sprintf("%q", name), func(t *testing.T) {
			w := newWorkAt(t, filepath.Join(t.TempDir(), name)).sample()
			checkSample(t, open(t, w.dir), w)
		})
	}
}

// partial makes a clone without file contents whose server is gone.
func partial(t *testing.T) (clone string, w *work) {
	t.Helper()
	w = newWork(t).sample()
	w.git("config", "uploadpack.allowFilter", "true")
	clone = filepath.Join(t.TempDir(), "partial.git")
	w.git("clone", "-q", "--bare", "--filter=blob:none", "file://"+w.dir, clone)
	(&work{tb: t, dir: clone}).git("config", "remote.origin.url", "/nonexistent")
	return clone, w
}

func TestPartialClone(t *testing.T) {
	clone, w := partial(t)
	r := open(t, clone)
	resolved, err := r.ResolveTag(t.Context(), tag(t, r, "v1.0"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := r.Tree(t.Context(), resolved.Commit.Tree)
	if err != nil || files.Len() != 7 {
		t.Fatalf("%d files, %v", files.Len(), err)
	}
	_, err = r.Attributes(t.Context(), AttributeQuery{TreeID: resolved.Commit.Tree, Tree: files, Names: []string{"text"}, Paths: []string{"a.txt"}})
	wantRule(t, err, refusal.GitMissing)
	if err == nil || !strings.Contains(err.Error(), `".gitattributes"`) {
		t.Errorf("the error does not name the file: %v", err)
	}
	want := w.id("v1.0:a.txt")
	lacking, err := r.Blobs(t.Context(), []digest.ObjectID{want, want}, func(digest.ObjectID, []byte) error { return errors.New("called") })
	if err != nil || len(lacking) != 1 || lacking[0] != want {
		t.Errorf("missing blobs: %v, %v", lacking, err)
	}
	_, _, err = r.Object(t.Context(), want)
	wantRule(t, err, refusal.GitMissing)
}

func TestOpenLocalNoRepository(t *testing.T) {
	g, dir := findGit(t), t.TempDir()
	testkit.Write(t, filepath.Join(dir, "broken/.git"), "gitdir: /nonexistent\n")
	testkit.Write(t, filepath.Join(dir, "odd/.git"), "something else\n")
	testkit.Write(t, filepath.Join(dir, "long/.git"), "gitdir: "+strings.Repeat("x", location.MaxPointerBytes)+"\n")
	if err := os.MkdirAll(filepath.Join(dir, "empty/.git"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, none := range map[string]bool{"": true, "absent": true, "empty": true, "broken": false, "odd": false, "long": false} {
		r, err := g.OpenLocal(t.Context(), filepath.Join(dir, name))
		if r != nil || err == nil || errors.Is(err, ErrNoRepository) != none {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestDiscover(t *testing.T) {
	w := newWork(t).sample()
	bare := filepath.Join(t.TempDir(), "bare.git")
	w.git("clone", "-q", "--bare", ".", bare)
	for from, want := range map[string]string{
		w.dir: w.dir, filepath.Join(w.dir, "sub/deep"): w.dir, filepath.Join(w.dir, ".git/refs"): filepath.Join(w.dir, ".git"),
		bare: bare, filepath.Join(bare, "objects/pack"): bare,
	} {
		got, err := Discover(from)
		if err != nil || got != want {
			t.Errorf("from %q: %q, %v, want %q", from, got, err, want)
		}
	}
	if got, err := Discover(t.TempDir()); !errors.Is(err, ErrNoRepository) {
		t.Errorf("in an empty folder: %q, %v", got, err)
	}
	testkit.Write(t, filepath.Join(w.dir, "sub/.git"), "gitdir: /nonexistent\n")
	if got, err := Discover(filepath.Join(w.dir, "sub/deep")); err == nil || errors.Is(err, ErrNoRepository) {
		t.Errorf("below a broken .git file: %q, %v", got, err)
	}
}

// The published cases open, list and, where their blobs are there, give their attributes.
func TestCases(t *testing.T) {
	repos, err := filepath.Glob("../../../shared/cases/*/repo.git")
	if err != nil || len(repos) == 0 {
		testkit.Missing(t, "the case repositories are not here")
	}
	for _, dir := range repos {
		t.Run(filepath.Base(filepath.Dir(dir)), func(t *testing.T) {
			r := open(t, dir)
			tags, skipped, err := r.Tags(t.Context())
			if err != nil || len(skipped) > 0 {
				t.Fatalf("tags: %v, %v, %v", tags, skipped, err)
			}
			var id digest.ObjectID
			if len(tags) > 0 {
				resolved, err := r.ResolveTag(t.Context(), tags[0])
				if err != nil {
					t.Fatal(err)
				}
				id = resolved.CommitID
			} else {
				id = (&work{tb: t, dir: dir}).id("refs/heads/release")
			}
			commit, err := r.Commit(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			files, err := r.Tree(t.Context(), commit.Tree)
			if err != nil {
				t.Fatal(err)
			}
			identity := files.Identity(r.Format())
			if got := identity.Git.In(r.Format()); got != commit.Tree {
				t.Errorf("the %d files make tree %v, want %v", files.Len(), got, commit.Tree)
			}
			if _, err := r.Attributes(t.Context(), AttributeQuery{TreeID: commit.Tree, Tree: files, Names: []string{"text"}, Paths: []string{"Makefile"}}); err != nil {
				t.Error(err)
			}
		})
	}
}
