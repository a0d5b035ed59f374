package opened

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/testkit"
	"github.com/countermark/countermark/internal/tree"
)

// What is opened under whatever name is seen, once; what is only looked at is not.
func TestWatch(t *testing.T) {
	dir := t.TempDir()
	var all []tree.Path
	for _, name := range []string{"read", "twice", "moved", "linked", "run", "quiet", "listed"} {
		if err := os.Chmod(testkit.Write(t, filepath.Join(dir, "d", name), "#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		all = append(all, tree.Path("d/"+name))
	}
	testkit.Write(t, filepath.Join(dir, "d", "unwatched"), "")
	w := Watch(dir, append(all, "d/absent"))
	script := `cat d/read d/unwatched; cat d/twice d/unwatched d/twice; mv d/moved m; cat m; ln d/linked l; cat l; d/run; ls -l d; touch -c d/listed; stat d/listed`
	cmd := exec.Command("sh", "-c", script)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	got := w.End()
	want := []tree.Path{"d/linked", "d/moved", "d/read", "d/run", "d/twice"}
	if got = slices.DeleteFunc(got, func(p tree.Path) bool { return p == "d/listed" }); !slices.Equal(got, want) { // touch(1) may open it
		t.Errorf("opened were %q, want %q", got, want)
	}
	if got := Watch(dir, nil).End(); got != nil {
		t.Errorf("nothing was watched: %q", got)
	}
}

func TestIsText(t *testing.T) {
	dir := t.TempDir()
	for content, want := range map[string]bool{
		"": true, "text\n": true, "é": true, "a\x00b": false, "\xfd7zXZ": false, "caf\xe9": false, "caf\xc3": false,
		strings.Repeat("x", headBytes-1) + "é": true, strings.Repeat("x", headBytes) + "\x00": true, strings.Repeat("x", headBytes-1) + "\xff": false,
	} {
		testkit.Write(t, filepath.Join(dir, "f"), content)
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := isText(root, &tree.Entry{Path: "f", Kind: tree.File}); got != want || err != nil {
			t.Errorf("%.20q of %d bytes: %v, %v", content, len(content), got, err)
		}
		_ = root.Close()
	}
}
