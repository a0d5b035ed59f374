package setting

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/countermark/countermark/internal/testkit"
)

// What a foreign root filesystem calls itself is its own, wherever its links lead.
func TestDescribeSystem(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "os-release")
	testkit.Write(t, outside, "PRETTY_NAME=\"not its own\"\n")
	for name, c := range map[string]struct{ link, own, want string }{
		"its own":          {"../usr/lib/os-release", "PRETTY_NAME=\"A System\"\n", "A System"},
		"an absolute link": {"/usr/lib/os-release", "PRETTY_NAME='A System'\n", "A System"},
		"leads out":        {outside, "NAME=x\n", ""},
		"without an end":   {"/dev/zero", "PRETTY_NAME=A System\n", "A System"},
	} {
		root := t.TempDir()
		testkit.Write(t, filepath.Join(root, "usr", "lib", "os-release"), c.own)
		if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(c.link, filepath.Join(root, "etc", "os-release")); err != nil {
			t.Fatal(err)
		}
		if got := describeSystem(root); got != c.want {
			t.Errorf("%s: the system is %q, expected %q", name, got, c.want)
		}
	}
	if describeSystem(t.TempDir()) != "" {
		t.Error("a system without a name has one")
	}
}
