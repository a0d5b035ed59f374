package sandbox

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/countermark/countermark/internal/testkit"
)

// Each of these fails inside, and the last of them prints the word that the
// test waits for: a script that does nothing would not pass.
func TestHostileProgramsFail(t *testing.T) {
	s := bubblewrapHere(t)
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	secret := testkit.Write(t, filepath.Join(t.TempDir(), "secret"), "very secret")
	for what, attempt := range map[string]string{
		"a file beside the programs":       "echo x > /usr/x",
		"a file in /etc":                   "echo x > /etc/x",
		"a changed file of /etc":           "echo x >> /etc/passwd",
		"a file in the root":               "echo x > /x",
		"a folder in the root":             "mkdir /x",
		"a file in /dev":                   "echo x > /dev/x",
		"the machine's passwords":          "cat /etc/shadow",
		"keys of the system":               "ls /etc/ssh /etc/ssl",
		"root's folder":                    "ls /root",
		"the folders of users":             "ls /home",
		"the user's folder":                "ls -d '" + home + "/.'* | grep -q '[a-z]'",
		"a file of this machine":           "cat '" + secret + "'",
		"sockets of the system":            "test -n \"$(ls -A /run)\"",
		"the kernel's settings":            "cat /proc/sys/kernel/printk > /proc/sys/kernel/printk",
		"a process of another's priority":  "echo 500 > /proc/self/oom_score_adj",
		"the machine's log":                "cat /proc/kmsg",
		"a device node":                    "mknod node c 1 1",
		"a set-user-ID file":               "cp /bin/sh sh && chmod 4755 sh",
		"a set-group-ID folder":            "mkdir d && chmod g+s d",
		"a set-user-ID file by open":       python(t, "import os; os.umask(0); os.open('f', os.O_CREAT|os.O_WRONLY, 0o4755)"),
		"a mount":                          "mount -t tmpfs none /tmp",
		"a bind mount":                     "mount --bind /tmp /build",
		"a namespace of its own":           "unshare -U true",
		"capabilities in a namespace":      "unshare -Ur true",
		"a network of its own":             "unshare -Urn true",
		"another root":                     "chroot / true",
		"the processes of the machine":     "test -e /proc/$(( $(ls -d /proc/[0-9]* | wc -l) + 60 ))",
		"the end of the first process":     "kill -9 1; sleep 0.2; false",
		"the terminal":                     "(: < /dev/tty)",
		"typing into a terminal":           python(t, "import fcntl, pty\na, b = pty.openpty()\nfcntl.ioctl(b, 0x5412, b'x')"),
		"pasting into a console":           python(t, "import fcntl, pty, sys\na, b = pty.openpty()\ntry: fcntl.ioctl(b, 0x541C, b'x')\nexcept PermissionError: sys.exit(1)"),
		"the kernel's keys":                python(t, "import ctypes, sys; libc = ctypes.CDLL(None, use_errno=True)\nsys.exit(libc.syscall(250, 0, -3, 0) == -1)"),
		"another user":                     python(t, "import os; os.setuid(0)"),
		"a write to what is shown to read": "echo x > /shown/x",
	} {
		shown := t.TempDir()
		o, out, _ := shell{script: "if " + strings.Replace(attempt, "\nEND", "\nEND\n", 1) + "\nthen echo DONE; else echo FAILED; fi",
			change: func(p *Program) { p.Binds = append(p.Binds, Bind{shown, "/shown", false}) }}.run(t, s)
		if o.Exit != 0 || !strings.HasSuffix(out, "FAILED\n") {
			t.Errorf("%s: %+v, printed %q", what, o, out)
		}
		if entries, err := os.ReadDir(shown); err != nil || len(entries) > 0 {
			t.Errorf("%s: the folder to read holds %v, %v", what, entries, err)
		}
	}
}

// What a program may do, so that the test above is none of a sandbox in which
// nothing works.
func TestUsualWorkIsPossible(t *testing.T) {
	s := bubblewrapHere(t)
	for _, script := range []string{
		"cp /bin/sh sh && chmod 0755 sh && ./sh -c true", "echo x > /tmp/x && cat /tmp/x /dev/null && echo x > /dev/null",
		"ln file link; ln -s a b; mkfifo f; mkdir -p d/e; rm -r d", "test -r /dev/urandom && head -c 1 /dev/urandom > r", "perl -e 'print 1'; ls -l /etc/alternatives > l",
		"printf 'int main(void) { return 0; }' > a.c && gcc -o a a.c && ./a", "mkdir -m 0700 d && touch d/f && chmod 0444 d/f && test -r d/f",
	} {
		if o, out, _ := (shell{script: "echo x > file; " + script}).run(t, s); o.Exit != 0 {
			t.Errorf("%q: %+v, printed %q", script, o, out)
		}
	}
}

// Processes left behind end before Run returns, also those that are sessions of
// their own; without a sandbox, those that are not.
func TestNothingIsLeftBehind(t *testing.T) {
	for kind, script := range map[Kind]string{
		Bubblewrap: "setsid setsid sh -c 'trap \"\" TERM HUP; while :; do echo x >> growing; sleep 0.01; done' & while ! test -s growing; do :; done",
		UnsafeNone: "sh -c 'trap \"\" TERM HUP; while :; do echo x >> growing; sleep 0.01; done' & while ! test -s growing; do :; done",
	} {
		s := &Sandbox{about: Description{Kind: UnsafeNone}}
		if kind == Bubblewrap {
			s = bubblewrapHere(t)
		}
		o, _, folder := shell{script: script + "; exit 3"}.run(t, s)
		if o.Exit != 3 || o.Duration > 20*time.Second {
			t.Errorf("%s: %+v", kind, o)
		}
		size := func() int64 {
			info, err := os.Stat(filepath.Join(folder, "growing"))
			if err != nil {
				t.Fatal(err)
			}
			return info.Size()
		}
		if kind == UnsafeNone {
			time.Sleep(100 * time.Millisecond) // killed, but nobody waits for it
		}
		before := size()
		time.Sleep(200 * time.Millisecond)
		if after := size(); after != before {
			t.Errorf("%s: the file has grown from %d to %d bytes after the end", kind, before, after)
		}
	}
}

// What lost its parent and ended is waited for, by whatever shell is the first
// process: else a long build would run into its limit of processes.
func TestOrphansAreWaitedFor(t *testing.T) {
	s := bubblewrapHere(t)
	const script = `i=0; while [ $i -lt 50 ]; do sh -c 'sh -c : & :'; i=$((i+1)); done; sleep 1; grep -l '^State:.Z' /proc/[0-9]*/status | wc -l`
	for _, first := range []string{"dash", "bash", "busybox"} {
		path := testkit.Program(t, first)
		o, out, _ := shell{script: script, change: func(p *Program) {
			p.Binds = append(p.Binds, Bind{Source: path, Target: "/usr/bin/sh"})
		}}.run(t, s)
		if !o.Succeeded() || out != "0\n" {
			t.Errorf("%s: %+v, %q processes are left", first, o, out)
		}
	}
}

func TestLimits(t *testing.T) {
	s := bubblewrapHere(t)
	none := &Sandbox{about: Description{Kind: UnsafeNone}}
	for _, c := range []struct {
		script string
		limits Limits
		want   Limit
		only   bool // under bubblewrap

		ordinary bool // not as root
	}{
		{"sleep 600", Limits{Time: 300 * time.Millisecond}, TimeLimit, false, false},
		{"trap '' TERM INT HUP; sleep 600 & while :; do :; done", Limits{Time: 300 * time.Millisecond}, TimeLimit, false, false},
		{"yes", Limits{PrintedBytes: 1000}, PrintedLimit, false, false},
		{"head -c 1001 /dev/zero", Limits{PrintedBytes: 1000}, PrintedLimit, false, false},
		{"cat /dev/zero > big; sleep 600", Limits{OutputBytes: 1 << 20}, OutputLimit, false, false},
		{"truncate -s 1T big", Limits{OutputBytes: 1 << 20}, OutputLimit, false, false},
		{"head -c 600 /dev/zero > a; head -c 600 /dev/zero > b", Limits{OutputBytes: 1000}, OutputLimit, false, false},
		{"i=0; while :; do i=$((i+1)); : > $i; done", Limits{Files: 100}, FilesLimit, false, false},
		{"mkdir d; ln -s . d/a; ln -s . d/b", Limits{Files: 4}, FilesLimit, false, false},
		{"mkdir d; : > d/f; chmod 0000 d", Limits{Files: 100}, UnreadableOutput, true, true},
		{"name=$(printf %0200d 0); for i in $(seq 25); do mkdir $name; cd -P $name; done", Limits{Files: 100}, DeepOutput, true, false},
		{"while :; do sleep 600 & done", Limits{Processes: 50}, ProcessesLimit, true, false},
		{"exec 2> /dev/null; bomb() { bomb | bomb & }; bomb; sleep 600", Limits{Processes: 50}, ProcessesLimit, true, true},
		{python(t, "import threading, time\nfor i in range(60): threading.Thread(target=time.sleep, args=(600,)).start()"), Limits{Processes: 50}, ProcessesLimit, true, false},
	} {
		for _, s := range []*Sandbox{s, none} {
			// Root reads everything; and a bomb of root's, whom the kernel sets no
			// limit, would be the whole machine's.
			if c.only && s == none || c.ordinary && os.Geteuid() == 0 {
				continue
			}
			begun := time.Now()
			limits := c.limits
			o, out, folder := shell{script: c.script, change: func(p *Program) {
				limits.Time = min(max(limits.Time, 1), p.Limits.Time)
				if c.limits.Time == 0 {
					limits.Time = p.Limits.Time
				}
				p.Limits = limits
			}}.run(t, s)
			if o.Limit != c.want || o.Succeeded() || time.Since(begun) > 20*time.Second || c.want == PrintedLimit && len(out) != 1000 {
				t.Errorf("%s: %q: %+v after %v, printed %.100q", s.about.Kind, c.script, o, time.Since(begun), out)
			}
			if info, err := os.Stat(filepath.Join(folder, "big")); err == nil && info.Size() > c.limits.OutputBytes {
				t.Errorf("%s: %q: a file of %d bytes", s.about.Kind, c.script, info.Size())
			}
			_ = os.Chmod(filepath.Join(folder, "d"), 0o755) // so that the folder can be removed
		}
	}
	// Just below the limits, nothing is hit.
	o, out, _ := shell{script: "head -c 1000 /dev/zero; head -c 999 /dev/zero > a; : > b", change: func(p *Program) {
		p.Limits = Limits{Time: time.Minute, PrintedBytes: 1000, OutputBytes: 1000, Files: 4, Processes: 20}
	}}.run(t, s)
	if !o.Succeeded() || len(out) != 1000 {
		t.Errorf("below the limits: %+v, printed %d bytes", o, len(out))
	}
	// A file system in memory is no way around the limit.
	o, _, _ = shell{script: "head -c 3000000 /dev/zero | split -b 100k - /tmp/x", change: func(p *Program) { p.Limits.OutputBytes = 1 << 20 }}.run(t, s)
	if !s.version.Before(hasSize) && o.Exit == 0 {
		t.Errorf("3 MB fit into /tmp: %+v", o)
	}
}

// dying says what a copy of this test is to run until it is killed.
const dying = "COUNTERMARK_TEST_DIES"

// runUntilKilled runs sleep under a sandbox, in a copy of this test.
func runUntilKilled(t *testing.T) {
	t.Helper()
	kind, rest, _ := strings.Cut(os.Getenv(dying), " ")
	seconds, system, _ := strings.Cut(rest, " ")
	s, err := Find(t.Context(), Kind(kind))
	if err != nil {
		t.Fatal(err)
	}
	if program := os.Getenv(dying + "_UNDER"); program != "" {
		s.about.Path = program
	}
	fmt.Println("begins")
	_, err = s.Run(t.Context(), Program{Arguments: []string{"sleep", seconds}, Environment: []string{"PATH=/usr/bin:/bin"}, System: system})
	t.Fatalf("sleep has ended, %v", err)
}

// dies starts a copy of this test that runs sleep, kills it after some time, or, if
// that is none, when sleep runs, and returns a word that all has that was started.
func dies(t *testing.T, kind Kind, system string, after time.Duration) (word string) {
	t.Helper()
	deaths++
	word = fmt.Sprintf("%d.%d", 65432+deaths, os.Getpid())
	cmd := exec.Command(os.Args[0], "-test.run=^TestDiesWithUs$")
	cmd.Env = append(os.Environ(), dying+"="+string(kind)+" "+word+" "+system)
	begins, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := begins.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if after > 0 {
		time.Sleep(after)
	} else {
		waitFor(t, "the program runs", func() bool {
			return slices.ContainsFunc(running(t, word), func(line string) bool { return strings.HasPrefix(line, "sleep\x00") })
		})
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	return word
}

var deaths int //nolint:gochecknoglobals // a number for each copy, and no test runs in parallel

// A sandbox dies with the program that started it, however that ends.
func TestDiesWithUs(t *testing.T) {
	if os.Getenv(dying) != "" {
		runUntilKilled(t)
	}
	bubblewrapHere(t)
	word := dies(t, Bubblewrap, "", 0)
	waitFor(t, "the program has ended", func() bool { return len(running(t, word)) == 0 })
}

// Also while it is being set up, and when there is little time for anything.
func TestDiesWithUsAnyTime(t *testing.T) {
	bubblewrapHere(t)
	for range 4 { // more than there are processors, as a rule
		load := exec.Command("sh", "-c", "while :; do :; done")
		if err := load.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = load.Process.Kill(); _ = load.Wait() }()
	}
	var words []string
	for i := range 200 {
		words = append(words, dies(t, Bubblewrap, "", time.Duration(1+i*150)*time.Microsecond))
	}
	own := fmt.Sprintf(".%d\x00", os.Getpid())
	waitFor(t, fmt.Sprintf("all of %q have ended", words), func() bool { return len(running(t, own)) == 0 })
}

// What waits for a bwrap that was killed is killed too: here a shell that stands for
// both, and dies with nobody.
func TestWhatBubblewrapLeavesDies(t *testing.T) {
	bubblewrapHere(t)
	stub := filepath.Join(t.TempDir(), "bwrap")
	if err := os.WriteFile(stub, []byte("#!/bin/sh\nsetsid sh -c 'kill -STOP $$' \"$@\" sleeping & wait\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv(dying+"_UNDER", stub)
	word := dies(t, Bubblewrap, "", 300*time.Millisecond)
	waitFor(t, "all has ended", func() bool { return len(running(t, word)) == 0 })
}

// Containers do, too, though they are nobody's children.
func TestContainersDieWithUs(t *testing.T) {
	for name, find := range map[string]func(*testing.T) *Sandbox{"podman": podmanHere, "docker": dockerHere} {
		t.Run(name, func(t *testing.T) {
			s, root := find(t), rootFilesystem(t)
			if err := s.Try(t.Context(), root); err != nil {
				testkit.Missing(t, "%s does not work here: %v", s.about.Kind, err)
			}
			temp := t.TempDir()
			t.Setenv("TMPDIR", temp)
			var words []string
			for _, after := range []time.Duration{0, 100 * time.Millisecond, 300 * time.Millisecond, 500 * time.Millisecond} {
				words = append(words, dies(t, s.about.Kind, root, after))
			}
			waitFor(t, "the folders are removed", func() bool {
				left, err := filepath.Glob(filepath.Join(temp, "countermark-etc-*"))
				return err == nil && len(left) == 0
			})
			for _, word := range words {
				if left := running(t, word); len(left) > 0 {
					t.Errorf("still running: %q", left)
				}
			}
		})
	}
}

func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not after a minute: %s", what)
		}
	}
}

// With a terminal of its own this process can reach it; the program cannot.
func TestTerminalIsOutOfReach(t *testing.T) {
	s := bubblewrapHere(t)
	if os.Getenv("COUNTERMARK_TEST_TERMINAL") != "" {
		tty, err := os.Open("/dev/tty")
		if err != nil {
			t.Fatalf("this process has no terminal: %v", err)
		}
		defer tty.Close()
		for _, s := range []*Sandbox{s, {about: Description{Kind: UnsafeNone}}} {
			if o, out, _ := (shell{script: ": < /dev/tty"}).run(t, s); o.Exit == 0 {
				t.Errorf("%s: the program has reached the terminal: %q", s.about.Kind, out)
			}
		}
		return
	}
	cmd := exec.Command(testkit.Program(t, "script"), "-qec", os.Args[0]+" -test.run=^TestTerminalIsOutOfReach$ -test.v", "/dev/null")
	cmd.Env = append(os.Environ(), "COUNTERMARK_TEST_TERMINAL=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS")) {
		t.Errorf("%v: %s", err, out)
	}
}

// What this process has open does not reach the program, also if it was
// inherited without being marked.
func TestDescriptorsAreClosed(t *testing.T) {
	secret := testkit.Write(t, filepath.Join(t.TempDir(), "secret"), "very secret")
	for _, s := range []*Sandbox{bubblewrapHere(t), {about: Description{Kind: UnsafeNone}}} {
		fd, err := unix.Open(secret, unix.O_RDONLY, 0) // without O_CLOEXEC
		if err != nil {
			t.Fatal(err)
		}
		o, out, _ := shell{script: fmt.Sprintf("cat /proc/self/fd/%d; ls /proc/self/fd | wc -l", fd)}.run(t, s)
		if err := unix.Close(fd); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(out, "\n4\n") || strings.Contains(out, "very secret") || o.Exit != 0 {
			t.Errorf("%s: printed %q", s.about.Kind, out)
		}
	}
}
