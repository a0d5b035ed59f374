package gitrepo

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/testkit"
)

func findGit(tb testing.TB) *Git {
	tb.Helper()
	testkit.Program(tb, "git")
	g, err := Find(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return g
}

// work is a scratch work tree.
type work struct {
	tb  testing.TB
	dir string
	env []string // besides the fixed one
}

func newWork(tb testing.TB, initArgs ...string) *work {
	tb.Helper()
	return newWorkAt(tb, filepath.Join(tb.TempDir(), "work"), initArgs...)
}

func newWorkAt(tb testing.TB, dir string, initArgs ...string) *work {
	tb.Helper()
	testkit.Program(tb, "git")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		tb.Fatal(err)
	}
	w := &work{tb: tb, dir: dir}
	w.git(append([]string{"init", "-q", "-b", "main"}, initArgs...)...)
	return w
}

// git runs git hermetically and returns what it prints, without the last line end.
func (w *work) git(args ...string) string {
	w.tb.Helper()
	return w.gitIn("", args...)
}

func (w *work) gitIn(stdin string, args ...string) string {
	w.tb.Helper()
	cmd := w.command(args...)
	cmd.Stdin = strings.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		w.tb.Fatalf("git %q: %v: %s", args, err, stderr.String())
	}
	return strings.TrimSuffix(string(out), "\n")
}

// command prepares a hermetic run of git.
func (w *work) command(args ...string) *exec.Cmd {
	cmd := exec.Command("git", args...)
	cmd.Dir = w.dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=A U Thor", "GIT_AUTHOR_EMAIL=author@example.com", "GIT_AUTHOR_DATE=1700000000 +0100",
		"GIT_COMMITTER_NAME=C O Mitter", "GIT_COMMITTER_EMAIL=committer@example.com", "GIT_COMMITTER_DATE=1700000001 -0230"}, w.env...)
	return cmd
}

func (w *work) id(rev string) digest.ObjectID {
	w.tb.Helper()
	id, err := digest.ParseObjectID(w.git("rev-parse", rev))
	if err != nil {
		w.tb.Fatal(err)
	}
	return id
}

func (w *work) write(name, content string) {
	w.tb.Helper()
	testkit.Write(w.tb, filepath.Join(w.dir, name), content)
}

// sample commits a small tree with attributes and tags it v1.0 (annotated) and
// light (lightweight).
func (w *work) sample() *work {
	w.tb.Helper()
	w.write(".gitattributes", "*.txt text\nsub/ export-ignore\n")
	w.write("a.txt", "one\n")
	w.write("bin/run", "#!/bin/sh\n")
	w.write("sub/b.txt", "two\n")
	w.write("sub/.gitattributes", "b.txt ident -text\n")
	w.write("sub/deep/c", "three\n")
	w.git("add", ".")
	w.git("update-index", "--chmod=+x", "bin/run")
	w.git("update-index", "--add", "--cacheinfo", "120000,"+w.gitIn("a.txt", "hash-object", "-w", "--stdin")+",link")
	w.git("commit", "-q", "-m", "first")
	w.git("tag", "-a", "-m", "release", "v1.0")
	w.git("tag", "light")
	return w
}

func open(tb testing.TB, path string) *Repository {
	tb.Helper()
	r, err := findGit(tb).OpenLocal(tb.Context(), path)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := r.Close(); err != nil {
			tb.Error(err)
		}
		if _, err := os.Stat(r.temp); !errors.Is(err, os.ErrNotExist) {
			tb.Errorf("the temporary folder is still there: %v", err)
		}
	})
	return r
}

// tag returns the tag of that name.
func tag(tb testing.TB, r *Repository, name string) Ref {
	tb.Helper()
	tags, _, err := r.Tags(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	i := slices.IndexFunc(tags, func(ref Ref) bool { return ref.Name == "refs/tags/"+name })
	if i < 0 {
		tb.Fatalf("no tag %q among %v", name, tags)
	}
	return tags[i]
}

// checkSample reads everything that sample made.
func checkSample(t *testing.T, r *Repository, w *work) {
	t.Helper()
	resolved, err := r.ResolveTag(t.Context(), tag(t, r, "v1.0"))
	if err != nil {
		t.Fatal(err)
	}
	if resolved.CommitID != w.id("v1.0^{commit}") || resolved.TagID != w.id("v1.0") || resolved.Commit.Message != "first\n" {
		t.Errorf("v1.0 resolves to %+v", resolved)
	}
	files, err := r.Tree(t.Context(), resolved.Commit.Tree)
	if err != nil {
		t.Fatal(err)
	}
	if got := listing(files, r.Format()); got != w.git("ls-tree", "-r", "v1.0")+"\n" {
		t.Errorf("the tree is\n%swant\n%s", got, w.git("ls-tree", "-r", "v1.0"))
	}
	values, err := r.Attributes(t.Context(), AttributeQuery{
		TreeID: resolved.Commit.Tree, Tree: files, Names: []string{"text", "ident", "export-ignore"}, Paths: []string{"a.txt", "sub/b.txt", "sub/", "bin/run"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][3]string{
		"a.txt": {"set", "unspecified", "unspecified"}, "sub/b.txt": {"unset", "set", "unspecified"},
		"sub/": {"unspecified", "unspecified", "set"}, "bin/run": {"unspecified", "unspecified", "unspecified"},
	}
	for path, v := range want {
		if got := values[path]; got["text"] != v[0] || got["ident"] != v[1] || got["export-ignore"] != v[2] {
			t.Errorf("attributes of %q: %v, want %v", path, got, v)
		}
	}
}

func wantRule(t *testing.T, err error, rule refusal.Rule) {
	t.Helper()
	if r, ok := errors.AsType[*refusal.Refusal](err); !ok || r.Rule != rule {
		t.Errorf("got error %v, want a refusal by %s", err, rule)
	}
}
