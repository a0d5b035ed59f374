package gitrepo

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/testkit"
)

func TestDiff(t *testing.T) {
	r := open(t, newWork(t).sample().dir)
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
		got, err := r.Diff(t.Context(), []byte(c.before), []byte(c.after))
		if err != nil || strings.Join(got, "|") != strings.ReplaceAll(c.want, "|  ", "| ") {
			t.Errorf("%s: %q, %v, want %q", name, got, err, c.want)
		}
	}
	if _, err := os.Stat(filepath.Join(r.temp, "diff")); err == nil {
		t.Error("the contents are still there")
	}
}

// A long difference is cut, a long content is not, and neither takes long.
func TestDiffLimits(t *testing.T) {
	r := open(t, newWork(t).sample().dir)
	long := strings.Repeat("a line of some length\n", maxDiffBytes/16)
	got, err := r.Diff(t.Context(), nil, []byte(long))
	if err != nil || len(got) < maxDiffBytes/32 || got[len(got)-1] != "… the difference goes on" || got[0][:2] != "@@" || got[1] != "+a line of some length" {
		t.Errorf("%d lines, %v", len(got), err)
	}
	if got, err := r.Diff(t.Context(), []byte(long), []byte(long+"end\n")); err != nil || len(got) != 5 || got[4] != "+end" {
		t.Errorf("%q, %v", got, err)
	}
	var a, b strings.Builder // lines of few kinds, in two orders
	for i := range 100_000 {
		a.WriteString([]string{"a\n", "b\n", "c\n"}[i*i%7%3])
		b.WriteString([]string{"a\n", "b\n", "c\n"}[i*i*i%11%3])
	}
	begun := time.Now()
	if _, err := r.Diff(t.Context(), []byte(a.String()), []byte(b.String())); err != nil {
		t.Error(err)
	}
	if took := time.Since(begun); took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
}

// Neither configuration nor attributes nor the environment have a say, and
// nothing that they name is run.
func TestDiffIsAlone(t *testing.T) {
	w := newWork(t).sample()
	home := t.TempDir()
	ran := filepath.Join(home, "ran")
	script := filepath.Join(home, "script")
	testkit.Write(t, script, "#!/bin/sh\necho x >>'"+ran+"'\necho of the script\n")
	if err := os.Chmod(script, 0o755); err != nil {
		t.Fatal(err)
	}
	config := "[diff]\n\texternal = " + script + "\n\tnoprefix = true\n\tcontext = 0\n\torderFile = /nonexistent\n[diff \"own\"]\n\ttextconv = " + script + "\n\tcommand = " + script +
		"\n[core]\n\tpager = " + script + "\n\tattributesFile = " + home + "/attributes\n\tfsmonitor = " + script + "\n[color]\n\tui = always\n[pager]\n\tdiff = " + script + "\n[diff]\n\tignoreAllSpace = true\n"
	for _, path := range []string{filepath.Join(home, ".gitconfig"), filepath.Join(home, "git/config"), filepath.Join(w.dir, ".git/config")} {
		testkit.Write(t, path, config)
	}
	testkit.Write(t, filepath.Join(home, "attributes"), "* diff=own\n")
	testkit.Write(t, filepath.Join(w.dir, ".git/info/attributes"), "* diff=own\n")
	testkit.Write(t, filepath.Join(home, ".gitattributes"), "* diff=own\n")
	for key, value := range map[string]string{
		"HOME": home, "XDG_CONFIG_HOME": home, "GIT_CONFIG_GLOBAL": filepath.Join(home, ".gitconfig"), "GIT_CONFIG_SYSTEM": filepath.Join(home, ".gitconfig"),
		"GIT_EXTERNAL_DIFF": script, "GIT_DIFF_OPTS": "--unified=0", "GIT_PAGER": script, "PAGER": script, "GIT_DIR": filepath.Join(w.dir, ".git"), "GIT_WORK_TREE": w.dir,
		"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "diff.external", "GIT_CONFIG_VALUE_0": script, "GIT_CONFIG_PARAMETERS": "'diff.external'='" + script + "'",
		"GIT_ATTR_SOURCE": "HEAD", "GIT_TRACE": ran, "TMPDIR": home,
	} {
		t.Setenv(key, value)
	}
	r := open(t, w.dir)
	got, err := r.Diff(t.Context(), []byte("a\nb\nc\n"), []byte("a\nb \nc\n"))
	if want := "@@ -1,3 +1,3 @@| a|-b|+b | c"; err != nil || strings.Join(got, "|") != want {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	if text, err := os.ReadFile(ran); err == nil {
		t.Errorf("the script was run, or git traced: %s", text)
	}
}

func TestHeads(t *testing.T) {
	w := newWork(t)
	r := open(t, w.dir)
	if heads, err := r.Heads(t.Context()); err != nil || len(heads) != 0 {
		t.Errorf("of an empty repository: %v, %v", heads, err)
	}
	w.sample()
	first := w.id("HEAD")
	w.git("branch", "same")
	w.git("checkout", "-q", "-b", "other/branch")
	w.git("commit", "-q", "--allow-empty", "-m", "second")
	second := w.id("HEAD")
	w.git("checkout", "-q", "--detach")
	w.git("commit", "-q", "--allow-empty", "-m", "on no branch")
	w.git("update-ref", "refs/remotes/origin/x", "HEAD")
	heads, err := open(t, w.dir).Heads(t.Context())
	if err != nil || len(heads) != 2 || !slices.Contains(heads, first) || !slices.Contains(heads, second) {
		t.Errorf("got %v, %v, want %v and %v", heads, err, first, second)
	}
	if heads, err := (&Repository{}).Heads(t.Context()); err == nil {
		t.Errorf("of a remote repository: %v", heads)
	}
}

func TestTreeObject(t *testing.T) {
	for _, format := range []digest.Format{digest.SHA1Format, digest.SHA256Format} {
		w := newWork(t, "--object-format="+format.String()).sample()
		r := open(t, w.dir)
		entries, err := r.TreeObject(t.Context(), w.id("HEAD^{tree}"))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range entries {
			names = append(names, e.Name)
			if e.ID != w.id("HEAD:"+e.Name) {
				t.Errorf("%s is %v", e.Name, e.ID)
			}
		}
		if got := strings.Join(names, " "); got != ".gitattributes a.txt bin link sub" {
			t.Errorf("the entries are %q", got)
		}
		for _, rev := range []string{"HEAD", "HEAD:a.txt", "v1.0"} {
			_, err := r.TreeObject(t.Context(), w.id(rev))
			wantRule(t, err, refusal.GitType)
			if err == nil || !strings.Contains(err.Error(), w.id(rev).String()) {
				t.Errorf("the error does not name the object: %v", err)
			}
		}
	}
	w := newWork(t).sample()
	_, err := open(t, w.dir).TreeObject(t.Context(), absent(t, 7))
	wantRule(t, err, refusal.GitMissing)
}
