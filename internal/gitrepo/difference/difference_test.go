package difference

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/testkit"
)

// newRepository makes a repository that holds nothing, and returns its folder.
func newRepository(t *testing.T) string {
	t.Helper()
	testkit.Program(t, "git")
	dir := t.TempDir()
	cmd := exec.Command("git", "init", "-q", dir)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git init: %v: %s", err, out)
	}
	return dir
}

func open(t *testing.T, dir string) *gitrepo.Repository {
	t.Helper()
	git, err := gitrepo.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r, err := git.OpenLocal(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func TestLines(t *testing.T) {
	r := open(t, newRepository(t))
	for name, c := range map[string]struct{ before, after, want string }{
		"equal":            {"a\n", "a\n", ""},
		"both empty":       {"", "", ""},
		"one line":         {"a\nb\nc\n", "a\nx\nc\n", "@@ -1,3 +1,3 @@|  a|-b|+x|  c"},
		"from nothing":     {"", "a\n", "@@ -0,0 +1 @@|+a"},
		"to nothing":       {"a\n", "", "@@ -1 +0,0 @@|-a"},
		"no final LF":      {"a", "b", `@@ -1 +1 @@|-a|\ No newline at end of file|+b|\ No newline at end of file`},
		"binary":           {"a\x00", "b\x00", "Binary files a/before and b/after differ"},
		"binary before":    {"a\x00", "b\n", "Binary files a/before and b/after differ"},
		"binary since":     {"a\n", "a\nevil\n#\x00\n", "@@ -1 +1,3 @@|  a|+evil|+#\x00"},
		"like a header":    {"", "@@ -1 +1 @@\n--- a\n", "@@ -0,0 +1,2 @@|+@@ -1 +1 @@|+--- a"},
		"said of a binary": {"Binary files a\n", "x\n", "@@ -1 +1 @@|-Binary files a|+x"},
		"escape bytes":     {"", "\x1b[2J\r\xff\n", "@@ -0,0 +1 @@|+\x1b[2J\r\xff"},
		"white space":      {"a\n", "a \n", "@@ -1 +1 @@|-a|+a "},
		"line ends":        {"a\n", "a\r\n", "@@ -1 +1 @@|-a|+a\r"},
	} {
		got, err := Lines(t.Context(), r, []byte(c.before), []byte(c.after))
		if err != nil || strings.Join(got, "|") != strings.ReplaceAll(c.want, "|  ", "| ") {
			t.Errorf("%s: %q, %v, want %q", name, got, err, c.want)
		}
	}
	if _, err := os.Stat(filepath.Join(r.Access().Temp, "diff")); err == nil {
		t.Error("the contents are still there")
	}
}

// A long difference is cut, a long content is not, and neither takes long.
func TestLimits(t *testing.T) {
	r := open(t, newRepository(t))
	long := strings.Repeat("a line of some length\n", maxDiffBytes/16)
	got, err := Lines(t.Context(), r, nil, []byte(long))
	if err != nil || len(got) < maxDiffBytes/32 || got[len(got)-1] != "… the difference goes on" || got[0][:2] != "@@" || got[1] != "+a line of some length" {
		t.Errorf("%d lines, %v", len(got), err)
	}
	if got, err := Lines(t.Context(), r, []byte(long), []byte(long+"end\n")); err != nil || len(got) != 5 || got[4] != "+end" {
		t.Errorf("%q, %v", got, err)
	}
	var a, b strings.Builder // lines of few kinds, in two orders
	for i := range 100_000 {
		a.WriteString([]string{"a\n", "b\n", "c\n"}[i*i%7%3])
		b.WriteString([]string{"a\n", "b\n", "c\n"}[i*i*i%11%3])
	}
	begun := time.Now()
	if _, err := Lines(t.Context(), r, []byte(a.String()), []byte(b.String())); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
}

// Neither configuration nor attributes nor the environment have a say, and
// nothing that they name is run.
func TestLinesAreAlone(t *testing.T) {
	dir, home := newRepository(t), t.TempDir()
	ran := filepath.Join(home, "ran")
	script := filepath.Join(home, "script")
	testkit.Write(t, script, "#!/bin/sh\necho x >>'"+ran+"'\necho of the script\n")
	if err := os.Chmod(script, 0o755); err != nil {
		t.Fatal(err)
	}
	config := "[diff]\n\texternal = " + script + "\n\tnoprefix = true\n\tcontext = 0\n\torderFile = /nonexistent\n[diff \"own\"]\n\ttextconv = " + script + "\n\tcommand = " + script +
		"\n[core]\n\tpager = " + script + "\n\tattributesFile = " + home + "/attributes\n\tfsmonitor = " + script + "\n[color]\n\tui = always\n[pager]\n\tdiff = " + script + "\n[diff]\n\tignoreAllSpace = true\n"
	for _, path := range []string{filepath.Join(home, ".gitconfig"), filepath.Join(home, "git/config"), filepath.Join(dir, ".git/config")} {
		testkit.Write(t, path, config)
	}
	testkit.Write(t, filepath.Join(home, "attributes"), "* diff=own\n")
	testkit.Write(t, filepath.Join(dir, ".git/info/attributes"), "* diff=own\n")
	testkit.Write(t, filepath.Join(home, ".gitattributes"), "* diff=own\n")
	for key, value := range map[string]string{
		"HOME": home, "XDG_CONFIG_HOME": home, "GIT_CONFIG_GLOBAL": filepath.Join(home, ".gitconfig"), "GIT_CONFIG_SYSTEM": filepath.Join(home, ".gitconfig"),
		"GIT_EXTERNAL_DIFF": script, "GIT_DIFF_OPTS": "--unified=0", "GIT_PAGER": script, "PAGER": script, "GIT_DIR": filepath.Join(dir, ".git"), "GIT_WORK_TREE": dir,
		"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "diff.external", "GIT_CONFIG_VALUE_0": script, "GIT_CONFIG_PARAMETERS": "'diff.external'='" + script + "'",
		"GIT_ATTR_SOURCE": "HEAD", "GIT_TRACE": ran, "TMPDIR": home,
	} {
		t.Setenv(key, value)
	}
	r := open(t, dir)
	got, err := Lines(t.Context(), r, []byte("a\nb\nc\n"), []byte("a\nb \nc\n"))
	if want := "@@ -1,3 +1,3 @@| a|-b|+b | c"; err != nil || strings.Join(got, "|") != want {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	if text, err := os.ReadFile(ran); err == nil {
		t.Errorf("the script was run, or git traced: %s", text)
	}
}
