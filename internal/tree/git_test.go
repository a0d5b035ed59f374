package tree_test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/testkit"
)

// fataler is what testing.T and rapid.T have in common.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// git runs git in dir, without any configuration from outside.
func git(t fataler, dir string, stdin []byte, args ...string) string {
	t.Helper()
	var problem bytes.Buffer
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Stdin, cmd.Stderr = dir, bytes.NewReader(stdin), &problem
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null"}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("running git %q: %v: %s", args, err, problem.String())
	}
	return strings.TrimSuffix(string(out), "\n")
}

func newRepository(t testing.TB, f digest.Format) string {
	t.Helper()
	testkit.Program(t, "git")
	dir := t.TempDir()
	git(t, dir, nil, "init", "-q", "--bare", "--object-format="+f.String(), ".")
	return dir
}
