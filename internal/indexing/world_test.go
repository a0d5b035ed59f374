package indexing_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/countermark/countermark/internal/indexing"
	"github.com/countermark/countermark/internal/knownfile"
	"github.com/countermark/countermark/internal/testkit"
)

// repository is a scratch work tree whose commits have dates of their own.
type repository struct {
	tb  testing.TB
	dir string
	day string // YYYY-MM-DD, of what is committed next
}

func newRepository(tb testing.TB, name string) *repository {
	tb.Helper()
	testkit.Program(tb, "git")
	r := &repository{tb, filepath.Join(tb.TempDir(), name), "2000-01-01"}
	if err := os.Mkdir(r.dir, 0o755); err != nil {
		tb.Fatal(err)
	}
	r.git("", "init", "-q", "-b", "main")
	return r
}

// git runs git hermetically and returns what it prints, without the last line end.
func (r *repository) git(stdin string, args ...string) string {
	r.tb.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Stdin = r.dir, strings.NewReader(stdin)
	at := r.day + "T23:30:00-0100" // the next day in UTC
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + r.dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=A U Thor", "GIT_AUTHOR_EMAIL=author@example.com", "GIT_AUTHOR_DATE=1999-01-01T00:00:00Z",
		"GIT_COMMITTER_NAME=C O Mitter", "GIT_COMMITTER_EMAIL=committer@example.com", "GIT_COMMITTER_DATE=" + at}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		r.tb.Fatalf("git %q: %v: %s", args, err, stderr.Bytes())
	}
	return strings.TrimSuffix(string(out), "\n")
}

// commit makes the tree hold these files alone, on a day.
func (r *repository) commit(day string, files map[string]string) {
	r.tb.Helper()
	r.day = day
	r.git("", "rm", "-rfq", "--ignore-unmatch", ".")
	for name, content := range files {
		testkit.Write(r.tb, filepath.Join(r.dir, name), content)
	}
	r.git("", "add", "-A")
	r.git("", "commit", "-q", "--allow-empty", "-m", day)
}

// deb makes a Debian package.
func deb(tb testing.TB, path, control string, files map[string]string) string {
	tb.Helper()
	testkit.Program(tb, "dpkg-deb")
	root := filepath.Join(tb.TempDir(), "root")
	testkit.Write(tb, filepath.Join(root, "DEBIAN/control"), control+"Architecture: all\nMaintainer: A <a@example.com>\nDescription: x\n")
	for name, content := range files {
		testkit.Write(tb, filepath.Join(root, name), content)
	}
	if out, err := exec.Command("dpkg-deb", "--build", "--root-owner-group", "-Zgzip", root, path).CombinedOutput(); err != nil {
		tb.Fatalf("%v: %s", err, out)
	}
	return path
}

func build(tb testing.TB, o indexing.Options) *knownfile.Index {
	tb.Helper()
	x, err := indexing.Build(tb.Context(), o)
	if err != nil {
		tb.Fatal(err)
	}
	return x
}

// origins says where a content was shipped: "TOOL VERSIONS PATH", joined by commas.
func origins(x *knownfile.Index, content string) string {
	var all []string
	for _, o := range x.Find(sha256.Sum256([]byte(content))) {
		all = append(all, fmt.Sprintf("%s %s..%s %s", o.Tool, o.First, o.Last, o.Path))
	}
	return strings.Join(all, ", ")
}

func wantOrigins(t *testing.T, x *knownfile.Index, want map[string]string) {
	t.Helper()
	for content, where := range want {
		if got := origins(x, content); got != where {
			t.Errorf("%q comes from %q, want %q", content, got, where)
		}
	}
}

func day(tb testing.TB, s string) time.Time {
	tb.Helper()
	at, err := time.Parse(time.DateOnly, s)
	if err != nil {
		tb.Fatal(err)
	}
	return at
}

// writeTar writes a tar of regular files and returns its path.
func writeTar(tb testing.TB, path string, files map[string]string) string {
	tb.Helper()
	return testkit.Write(tb, path, string(testkit.Tar(tb, files)))
}
