package beside

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/gitrepo/pack"
	"github.com/countermark/countermark/internal/testkit"
)

// run runs git hermetically in dir.
func run(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command(testkit.Program(t, "git"), args...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader("content")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %q: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// files lists all below a folder.
func files(t *testing.T, dir string) (names string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		names += path + "\n"
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// What is written beside a repository is there with all that the repository has,
// which stays as it was. Its path has what lists of alternates quote.
func TestMake(t *testing.T) {
	for _, f := range []digest.Format{digest.SHA1Format, digest.SHA256Format} {
		dir := filepath.Join(t.TempDir(), `#a[b]:"c\ d`)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		run(t, dir, "init", "-q", "--bare", "--object-format="+f.String())
		first := run(t, dir, "hash-object", "-w", "--stdin")
		for _, name := range []string{"refs/tags/x", "refs/tags/a/b", "refs/not-a-tag"} {
			run(t, dir, "update-ref", name, first)
		}
		before := files(t, dir)
		checkMake(t, dir, first)
		if after := files(t, dir); after != before {
			t.Errorf("the repository has\n%s\nit had\n%s", after, before)
		}
	}
}

func checkMake(t *testing.T, dir, first string) {
	t.Helper()
	g, err := gitrepo.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r, err := g.OpenLocal(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	path, err := Make(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	made, err := g.OpenLocal(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	tags, _, err := made.Tags(t.Context())
	if err != nil || len(tags) != 2 || tags[0].Name != "refs/tags/a/b" || tags[1].ID.String() != first {
		t.Errorf("its tags are %v, %v", tags, err)
	}
	o, err := pack.InMemory(r.Format(), digest.Blob, []byte("another"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pack.Add(t.Context(), made, []pack.Object{o}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []digest.ObjectID{o.ID, tags[0].ID} {
		if kind, _, err := made.Object(t.Context(), id); err != nil || kind != digest.Blob {
			t.Errorf("%v: %v, %v", id, kind, err)
		}
	}
	if _, _, err := r.Object(t.Context(), o.ID); err == nil {
		t.Error("the repository has what was written beside it")
	}
	if err := errors.Join(made.Close(), r.Close()); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
}
