package replica

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/testkit"
)

// In a sandbox the user is another, and the replica cannot be written to: git
// works all the same, with the environment that goes with it.
func TestOtherUser(t *testing.T) {
	repository := source(t)
	l := lay(t, repository, "v2", recipe.GitHistory)
	l.make(t)
	const questions = `set -e
git status --porcelain
git describe --tags --dirty
git ls-files | wc -l
git log --oneline | wc -l
git archive HEAD | tar tf - | wc -l`
	bwrap := []string{testkit.Program(t, "bwrap"), "--unshare-all", "--uid", "4321", "--gid", "4321", "--ro-bind", "/", "/", "--dev", "/dev", "--tmpfs", "/tmp",
		"--ro-bind", l.dir, "/tmp/build", "--chdir", "/tmp/build", "--clearenv", "--setenv", "PATH", os.Getenv("PATH")}
	// git's own tests pretend so that the files are somebody else's (git's t/t0033-safe-directory.sh).
	bwrap = append(bwrap, "--setenv", "GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
	shell := []string{"sh", "-c", questions}
	if out, err := exec.Command(bwrap[0], append(append([]string(nil), bwrap[1:]...), shell...)...).CombinedOutput(); err == nil || !strings.Contains(string(out), "dubious ownership") {
		t.Fatalf("without the environment git is content, so the test would show nothing: %v: %s", err, out)
	}
	for _, pair := range Environment() {
		key, value, _ := strings.Cut(pair, "=")
		bwrap = append(bwrap, "--setenv", key, value)
	}
	out, err := exec.Command(bwrap[0], append(append([]string(nil), bwrap[1:]...), shell...)...).CombinedOutput()
	if got := strings.Join(strings.Fields(string(out)), " "); err != nil || got != "v2 8 3 10" {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := os.Lstat(filepath.Join(l.dir, ".git/index.lock")); err == nil {
		t.Error("git left a lock")
	}
}
