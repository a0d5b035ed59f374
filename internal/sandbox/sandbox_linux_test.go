package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countermark/countermark/internal/testkit"
)

// bubblewrapHere returns a sandbox that works, or ends the test.
func bubblewrapHere(t *testing.T) *Sandbox {
	t.Helper()
	testkit.Program(t, "bwrap")
	s, err := Find(t.Context(), Bubblewrap)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Try(t.Context(), ""); err != nil {
		testkit.Missing(t, "bubblewrap does not work here: %v", err)
	}
	return s
}

// shell is a program of the shell, in a writable folder /build of its own.
type shell struct {
	script string
	change func(*Program)
}

// run runs it and returns what it printed, and the folder.
func (sh shell) run(t *testing.T, s *Sandbox) (Outcome, string, string) {
	t.Helper()
	folder := t.TempDir()
	var out bytes.Buffer
	p := Program{Arguments: []string{"/bin/sh", "-c", sh.script}, Dir: "/build", Output: &out,
		Environment: []string{"PATH=/usr/bin:/bin:/usr/sbin:/sbin"}, Binds: []Bind{{folder, "/build", true}}}
	if s.Describe().Kind == UnsafeNone {
		p.Binds[0].Target, p.Dir = folder, folder
	}
	p.Limits.Time = time.Minute // so that no test hangs
	if sh.change != nil {
		sh.change(&p)
	}
	o, err := s.Run(t.Context(), p)
	if err != nil {
		t.Fatalf("%q: %v", sh.script, err)
	}
	return o, out.String(), folder
}

// python makes a script of the shell that runs Python.
func python(t *testing.T, code string) string {
	testkit.Program(t, "python3")
	return "python3 - <<'END'\n" + code + "\nEND"
}

func TestProgramRuns(t *testing.T) {
	for _, s := range []*Sandbox{bubblewrapHere(t), {about: Description{Kind: UnsafeNone}}} {
		o, out, folder := shell{script: "echo out; echo err >&2; cat; echo made > file; umask; exit 7"}.run(t, s)
		if o.Exit != 7 || o.Limit != NoLimit || out != "out\nerr\n0022\n" || o.Duration <= 0 || o.Succeeded() {
			t.Errorf("%s: %+v, printed %q", s.about.Kind, o, out)
		}
		if text, err := os.ReadFile(filepath.Join(folder, "file")); string(text) != "made\n" || err != nil {
			t.Errorf("%s: the file holds %q, %v", s.about.Kind, text, err)
		}
		if info, err := os.Stat(filepath.Join(folder, "file")); err != nil || info.Mode().Perm() != 0o644 {
			t.Errorf("%s: the file is %v, %v", s.about.Kind, info.Mode(), err)
		}
		if o.Network.Watched != s.about.NetworkWatched || s.about.NetworkWatched != (s.about.Kind == Bubblewrap) {
			t.Errorf("%s: the network was watched: %v", s.about.Kind, o.Network.Watched)
		}
		if o, _, _ := (shell{script: "exit 0"}).run(t, s); !o.Succeeded() {
			t.Errorf("%s: %+v", s.about.Kind, o)
		}
	}
}

// What can be chosen is what the program sees, and nothing else.
func TestProgramSeesWhatWasChosen(t *testing.T) {
	t.Setenv("COUNTERMARK_SECRET", "secret")
	t.Setenv("LD_PRELOAD", "/nonexistent.so")
	for _, s := range []*Sandbox{bubblewrapHere(t), {about: Description{Kind: UnsafeNone}}} {
		o, out, _ := shell{change: func(p *Program) {
			p.Arguments, p.Environment = []string{"env"}, []string{"PATH=/usr/bin:/bin", "B=two words", "A=-x\n"}
		}}.run(t, s)
		if out != "PATH=/usr/bin:/bin\nB=two words\nA=-x\n\n" || o.Exit != 0 {
			t.Errorf("%s: the environment is %q, %+v", s.about.Kind, out, o)
		}
		_, out, _ = shell{script: "umask; nproc", change: func(p *Program) { p.Umask, p.CPUs = 0o027, 1 }}.run(t, s)
		if out != "0027\n1\n" {
			t.Errorf("%s: umask and processors are %q", s.about.Kind, out)
		}
	}
	s := bubblewrapHere(t)
	_, out, _ := shell{script: "id -u; id -g; hostname; id -un; id -gn; pwd; ls -A /tmp /dev/shm /run /var/tmp; ls /proc/self/fd",
		change: func(p *Program) { p.User, p.Group, p.UserName, p.Hostname = 4321, 1234, "somebody-else", "vary" }}.run(t, s)
	if want := "4321\n1234\nvary\nsomebody-else\nsomebody-else\n/build\n/dev/shm:\n\n/run:\n\n/tmp:\n\n/var/tmp:\n0\n1\n2\n3\n"; out != want { // 3: ls's own
		t.Errorf("printed %q, expected %q", out, want)
	}
}

func TestHowProgramsEnd(t *testing.T) {
	for _, s := range []*Sandbox{bubblewrapHere(t), {about: Description{Kind: UnsafeNone}}} {
		for script, want := range map[string]int{"kill -9 $$": 137, "kill -TERM $$": 143, "exit 255": 255, "exec no-such-program": 127, "exec /etc": 126} {
			if o, _, _ := (shell{script: script}).run(t, s); o.Exit != want {
				t.Errorf("%s: %q ends with %d, expected %d", s.about.Kind, script, o.Exit, want)
			}
		}
		o, out, _ := shell{change: func(p *Program) { p.Arguments = []string{"no-such-program"} }}.run(t, s)
		if o.Exit != 127 || !strings.Contains(out, "no-such-program") {
			t.Errorf("%s: %+v, %q", s.about.Kind, o, out)
		}
	}
}

func TestRunCannot(t *testing.T) {
	s := bubblewrapHere(t)
	ok := Program{Arguments: []string{"true"}}
	for words, change := range map[string]func(*Program){
		"Can't find source path /nonexistent/source": func(p *Program) { p.Binds = []Bind{{"/nonexistent/source", "/x", false}} },
		"no such file or directory":                  func(p *Program) { p.System = "/nonexistent" },
		"execvp /bin/sh":                             func(p *Program) { p.System = t.TempDir() },
		"Can't chdir to /nowhere":                    func(p *Program) { p.Dir = "/nowhere" },
		"processors are asked for":                   func(p *Program) { p.CPUs = 100000 },
	} {
		p := ok
		change(&p)
		if o, err := s.Run(t.Context(), p); err == nil || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), "\n") {
			t.Errorf("expected %q, got %+v, %v", words, o, err)
		}
	}
	p := ok
	p.Arguments, p.Output = []string{"/bin/echo", "x"}, failingWriter{}
	if _, err := s.Run(t.Context(), p); !errors.Is(err, os.ErrClosed) {
		t.Errorf("an output that cannot be kept gives %v", err)
	}
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestCheck(t *testing.T) {
	for words, change := range map[string]func(*Program){
		"no program is named":  func(p *Program) { p.Arguments = nil },
		"begins with a dash":   func(p *Program) { p.Arguments = []string{"-i"} },
		"holds an equals sign": func(p *Program) { p.Arguments = []string{"A=b"} },
		"in its shortest form": func(p *Program) { p.Dir = "/a/../b" },
		"user 65534":           func(p *Program) { p.User = 65534 },
		"group -1":             func(p *Program) { p.Group = -1 },
		"umask 01000":          func(p *Program) { p.Umask = 0o1000 },
		"the host name":        func(p *Program) { p.Hostname = "a.b" },
		"the user's name":      func(p *Program) { p.UserName = "a:b" },
		"is negative":          func(p *Program) { p.Limits.Time = -1 },
		"NUL byte":             func(p *Program) { p.Arguments = []string{"a", "b\x00"} },
		"root filesystem":      func(p *Program) { p.System = "relative" },
		"is not NAME=value":    func(p *Program) { p.Environment = []string{"1A=b"} },
		"twice":                func(p *Program) { p.Environment = []string{"A=b", "A=c"} },
		"to be shown is not":   func(p *Program) { p.Binds = []Bind{{"relative", "/a", false}} },
		"the place \"a\"":      func(p *Program) { p.Binds = []Bind{{"/a", "a", false}} },
		"made by the sandbox":  func(p *Program) { p.Binds = []Bind{{"/a", "/etc", false}} },
	} {
		p := Program{Arguments: []string{"true"}}.withDefaults()
		if err := p.check(Bubblewrap); err != nil {
			t.Fatal(err)
		}
		change(&p)
		if err := p.check(Bubblewrap); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("expected %q, got %v", words, err)
		}
	}
	p := Program{Arguments: []string{"true"}, System: "/x", Binds: []Bind{{"/a", "/b", true}}}.withDefaults()
	for _, kind := range []Kind{Bubblewrap, Podman} {
		if err := p.check(kind); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if err := p.check(UnsafeNone); err == nil || !strings.Contains(err.Error(), "cannot be shown as") {
		t.Errorf("without a sandbox: %v", err)
	}
	p.Binds = nil
	if err := p.check(UnsafeNone); err == nil || !strings.Contains(err.Error(), "in place of this machine's") {
		t.Errorf("without a sandbox: %v", err)
	}
	p.Binds, p.System = []Bind{{"/a:b", "/b", true}}, "/x"
	if err := p.check(Podman); err == nil || !strings.Contains(err.Error(), "colon") {
		t.Errorf("podman: %v", err)
	}
	p.Binds, p.System = nil, ""
	if err := p.check(Podman); err == nil || !strings.Contains(err.Error(), "needs a root filesystem") {
		t.Errorf("podman: %v", err)
	}
}

func TestFind(t *testing.T) {
	if _, err := Find(t.Context(), "moon"); err == nil {
		t.Error("an unknown kind is found")
	}
	s := bubblewrapHere(t)
	about := s.Describe()
	if about.Kind != Bubblewrap || !filepath.IsAbs(about.Path) || s.version.Before(oldestBubblewrap) || !slices.Contains(about.Isolated, "network") {
		t.Errorf("it is described as %+v", about)
	}
	dir := t.TempDir()
	for script, words := range map[string]string{
		"echo bubblewrap 0.3.1": "at least 0.4.0 is needed", "printf 'hello\\033'": "it answered", "exit 3": "asking", "": "looking for bwrap",
	} {
		if err := os.RemoveAll(filepath.Join(dir, "bwrap")); err != nil {
			t.Fatal(err)
		}
		if script != "" {
			if err := os.WriteFile(filepath.Join(dir, "bwrap"), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		t.Setenv("PATH", dir)
		if _, err := Find(t.Context(), Bubblewrap); err == nil || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%q: expected %q, got %v", script, words, err)
		}
	}
}

func TestCancelled(t *testing.T) {
	duration := fmt.Sprintf("54321.%d", os.Getpid())
	for _, s := range []*Sandbox{bubblewrapHere(t), {about: Description{Kind: UnsafeNone}}} {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(300*time.Millisecond, cancel)
		begun := time.Now()
		_, err := s.Run(ctx, Program{Arguments: []string{"sleep", duration}, Environment: []string{"PATH=/usr/bin:/bin"}})
		if !errors.Is(err, context.Canceled) || time.Since(begun) > 10*time.Second {
			t.Errorf("%s: %v after %v", s.about.Kind, err, time.Since(begun))
		}
		if left := running(t, duration); len(left) > 0 {
			t.Errorf("%s: still running: %q", s.about.Kind, left)
		}
		if _, err := s.Run(ctx, Program{Arguments: []string{"true"}}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: running after cancel gives %v", s.about.Kind, err)
		}
	}
}

// running returns the command lines of this machine that hold a word.
func running(t *testing.T, word string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(files) == 0 {
		t.Fatalf("no process found: %v", err)
	}
	var found []string
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && bytes.Contains(text, []byte(word)) {
			found = append(found, string(text))
		}
	}
	return found
}
