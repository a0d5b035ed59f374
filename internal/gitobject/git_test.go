package gitobject

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/testkit"
)

// repo is a scratch repository in which real git makes objects.
type repo struct {
	tb     testing.TB
	dir    string
	format digest.Format
}

func newRepo(tb testing.TB, f digest.Format) *repo {
	tb.Helper()
	testkit.Program(tb, "git")
	r := &repo{tb, tb.TempDir(), f}
	r.git("", "init", "-q", "-b", "main", "--object-format="+f.String())
	return r
}

// git runs git hermetically and returns what it prints.
func (r *repo) git(stdin string, args ...string) string {
	r.tb.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = r.dir
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + r.dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=A U Thor", "GIT_AUTHOR_EMAIL=author@example.com", "GIT_AUTHOR_DATE=1700000000 +0100",
		"GIT_COMMITTER_NAME=C O Mitter", "GIT_COMMITTER_EMAIL=committer@example.com", "GIT_COMMITTER_DATE=1700000001 -0230"}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		r.tb.Fatalf("git %q: %v: %s", args, err, stderr.String())
	}
	return string(out)
}

func (r *repo) write(name, content string) {
	r.tb.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.tb.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		r.tb.Fatal(err)
	}
}

// signWithSSH makes git sign with a fresh SSH key.
func (r *repo) signWithSSH() {
	r.tb.Helper()
	testkit.Program(r.tb, "ssh-keygen")
	key := filepath.Join(r.tb.TempDir(), "key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		r.tb.Fatalf("ssh-keygen: %v: %s", err, out)
	}
	r.git("", "config", "gpg.format", "ssh")
	r.git("", "config", "user.signingKey", key)
}

// object returns the type and content of what a revision names.
func (r *repo) object(rev string) (string, []byte) {
	r.tb.Helper()
	kind := strings.TrimSpace(r.git("", "cat-file", "-t", rev))
	return kind, []byte(r.git("", "cat-file", kind, rev))
}

// history makes one object of each shape that git writes: a root, a signed
// commit, one in another encoding, a merge of a signed tag, tags with and
// without a signature, a tree with every mode.
func (r *repo) history() {
	r.tb.Helper()
	r.signWithSSH()
	r.write("a", "1\n")
	r.write("a.b", "2\n")
	r.write("dir/c", "3\n")
	r.git("", "add", ".")
	r.git("", "commit", "-q", "-m", "root")
	r.git("", "update-index", "--add", "--cacheinfo", "100755,"+strings.TrimSpace(r.git("", "rev-parse", "HEAD:a"))+",run")
	r.git("", "update-index", "--add", "--cacheinfo", "120000,"+strings.TrimSpace(r.git("", "rev-parse", "HEAD:a"))+",link")
	r.git("", "update-index", "--add", "--cacheinfo", "160000,"+strings.TrimSpace(r.git("", "rev-parse", "HEAD"))+",sub")
	r.git("", "commit", "-q", "-S", "-m", "signed\n\nwith a body")
	r.git("", "tag", "-a", "-m", "annotated", "annotated")
	r.git("", "tag", "-s", "-m", "signed tag\n\nof two paragraphs", "signed")
	r.git("", "checkout", "-q", "-f", "-b", "side", "HEAD~1")
	r.git("", "-c", "i18n.commitEncoding=ISO-8859-1", "commit", "-q", "--allow-empty", "-m", "caf\xe9")
	r.git("", "tag", "-s", "-m", "to be merged", "topic")
	r.git("", "checkout", "-q", "-f", "main")
	r.git("", "merge", "-q", "-S", "--no-ff", "-m", "merge", "topic")
}

// revisions names the objects of history.
func revisions() []string {
	return []string{"HEAD~1^{commit}", "HEAD^1^1", "side", "HEAD", "annotated", "signed", "topic", "HEAD^{tree}", "HEAD:dir"}
}
