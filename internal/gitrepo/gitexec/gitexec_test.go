package gitexec

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/testkit"
)

func find(t *testing.T) *Program {
	t.Helper()
	testkit.Program(t, "git")
	p, err := Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestNewEnough(t *testing.T) {
	for version, want := range map[string]bool{
		"2.39.0": true, "2.39.5 (Apple Git-154)": true, "2.47.1.windows.1": true, "2.100.0": true, "3.0.0": true, "2.38.9": false, "1.99.0": false, "": false, "x.y": false, "2": false,
	} {
		if newEnough(version) != want {
			t.Errorf("%q is new enough: %v", version, !want)
		}
	}
}

func TestFind(t *testing.T) {
	if p := find(t); !newEnough(p.Version()) {
		t.Errorf("the version is %q", p.Version())
	}
	dir := t.TempDir()
	for script, words := range map[string]string{
		"echo git version 2.38.1": "at least 2.39 is needed", "echo hello": "it answered", "exit 3": "running git --version", "": "looking for git",
	} {
		if script != "" {
			if err := os.WriteFile(dir+"/git", []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
		} else if err := os.Remove(dir + "/git"); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		t.Setenv("PATH", dir)
		if p, err := Find(t.Context()); p != nil || err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: %v", script, err)
		}
	}
}

// Nothing of the environment reaches git but what is listed; the user's own
// things reach only a call that talks to a server.
func TestEnvironment(t *testing.T) {
	for _, key := range []string{"GIT_DIR", "GIT_CONFIG_COUNT", "GIT_SSH_COMMAND", "LD_PRELOAD", "HOME", "https_proxy", "GIT_CONFIG_GLOBAL"} {
		t.Setenv(key, "value-of-"+key)
	}
	t.Setenv("PATH", ".:relative:/usr/bin::/bin")
	for transports, want := range map[bool]string{false: "", true: "HOME https_proxy"} {
		c := Call{}
		if transports {
			c.Transport = &Transport{}
		}
		var passed []string
		for _, pair := range environment(c) {
			if key, value, _ := strings.Cut(pair, "="); value == "value-of-"+key {
				passed = append(passed, key)
			} else if key == "PATH" && value != "/usr/bin:/bin" {
				t.Errorf("PATH is %q", value)
			}
		}
		if strings.Join(passed, " ") != want {
			t.Errorf("with transport %v: %q", transports, passed)
		}
	}
}

func TestRun(t *testing.T) {
	p := find(t)
	err := p.Run(t.Context(), Call{Args: []string{"cat-file", "-t", "\x1b[2J"}, GitDir: t.TempDir()})
	if failed, ok := errors.AsType[*RunError](err); !ok || len(failed.Said) == 0 || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("got %v", err)
	}
	err = p.Run(t.Context(), Call{Args: []string{"help", "-a"}, Stdout: &Limited{Max: 100, What: "help"}})
	if r, ok := errors.AsType[*refusal.Refusal](err); !ok || r.Rule != refusal.GitLimit {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = errors.Join(read.Close(), write.Close()) }()
	begun := time.Now()
	if err := p.Run(ctx, Call{Args: []string{"hash-object", "--stdin"}, Stdin: read}); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) > 5*time.Second {
		t.Errorf("after %v: %v", time.Since(begun), err)
	}
}

func TestTail(t *testing.T) {
	var shown []string
	tail := &Tail{Line: func(line string) { shown = append(shown, line) }}
	for _, part := range []string{"one\ntw", "o\n", "Receiving: 50% (1/2)\rReceiving: 100% (2/2)\n", "three\x1b\n\n", strings.Repeat("x", 10*maxTailLine), "\nlast"} {
		if n, err := tail.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	if got := tail.Lines(); len(got) != tailLines || got[0] != `three\x1b` || len(got[1]) != maxTailLine || got[2] != "last" {
		t.Errorf("the last lines are %q", got)
	}
	if len(shown) != 7 || shown[2] != "Receiving: 50% (1/2)" {
		t.Errorf("shown were %q", shown)
	}
	var b bytes.Buffer
	l := &Limited{Max: 5}
	for _, part := range []string{"a\nb", "\nc", "d"} {
		if _, err := l.Write([]byte(part)); err != nil {
			b.WriteString(err.Error())
		}
	}
	if strings.Join(l.Lines(), "|") != "a|b" || !strings.Contains(b.String(), "GIT_LIMIT") {
		t.Errorf("lines %q, error %q", l.Lines(), b.String())
	}
}
