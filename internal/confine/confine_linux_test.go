package confine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/countermark/countermark/internal/testkit"
)

// needLandlock skips a test where the kernel has none.
func needLandlock(t testing.TB) {
	t.Helper()
	f, err := newFence()
	if err != nil {
		t.Fatal(err)
	}
	if f == nil {
		testkit.Missing(t, "the kernel has no Landlock")
	}
	f.close()
}

// run runs a program confined and returns what it printed.
func run(t *testing.T, stdin string, path string, args ...string) (string, error) {
	t.Helper()
	p, err := start(t.Context(), command{path: path, args: args, memoryBytes: 64 << 20}, strings.NewReader(stdin))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	out, err := io.ReadAll(p)
	return string(out), err
}

func TestConfinedProgramRuns(t *testing.T) {
	out, err := run(t, "through the pipe", testkit.Program(t, "cat"))
	if err != nil || out != "through the pipe" {
		t.Errorf("cat gave %q, %v", out, err)
	}
}

func TestConfinedProgramCannotReadFiles(t *testing.T) {
	needLandlock(t)
	cat := testkit.Program(t, "cat")
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{secret, "/etc/passwd", "/proc/self/environ"} {
		out, err := run(t, "", cat, path)
		var ended *exitError
		if !errors.As(err, &ended) || !strings.Contains(ended.stderr, "Permission denied") || out != "" {
			t.Errorf("cat %s gave %q, %v, expected that permission is denied", path, out, err)
		}
		if _, err := os.ReadFile(path); err != nil {
			t.Errorf("this process itself is restricted: %v", err)
		}
	}
}

func TestConfinedProgramCannotWriteFiles(t *testing.T) {
	needLandlock(t)
	sh := testkit.Program(t, "sh")
	path := filepath.Join(t.TempDir(), "new")
	if out, err := run(t, "", sh, "-c", "echo x > "+path); err == nil {
		t.Errorf("sh wrote a file, and printed %q", out)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is there (%v)", err)
	}
}

func TestConfinedProgramCannotConnect(t *testing.T) {
	needLandlock(t)
	if abi, _, _ := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION); abi < 4 {
		t.Skip("the kernel's Landlock knows no network rules; Linux 6.7 and later do") // everywhere: Debian 12 has 6.1
	}
	bash := testkit.Program(t, "bash")
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	port := listener.Addr().(*net.TCPAddr).Port
	out, err := run(t, "", bash, "-c", fmt.Sprintf("echo x > /dev/tcp/127.0.0.1/%d", port))
	if err == nil || !strings.Contains(err.Error(), "Permission denied") {
		t.Errorf("bash gave %q, %v, expected that permission is denied", out, err)
	}
	conn, err := net.Dial("tcp4", listener.Addr().String())
	if err != nil {
		t.Fatalf("this process itself is restricted: %v", err)
	}
	conn.Close()
}

func TestConfinedProgramHasNoEnvironment(t *testing.T) {
	t.Setenv("COUNTERMARK_SECRET", "secret")
	out, err := run(t, "", testkit.Program(t, "env"))
	if err != nil || out != "LC_ALL=C\n" {
		t.Errorf("env printed %q, %v", out, err)
	}
}

// TestThreadsStayFree looks at every thread of this process after confined
// starts: none has entered a domain, which would have set no_new_privs.
func TestThreadsStayFree(t *testing.T) {
	needLandlock(t)
	cat := testkit.Program(t, "cat")
	for range 20 {
		if _, err := run(t, "x", cat); err != nil {
			t.Fatal(err)
		}
	}
	// A thread ends a moment after what it was locked for.
	var restricted []string
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if restricted = restrictedThreads(t); len(restricted) == 0 {
			return
		}
	}
	t.Errorf("threads are restricted: %v", restricted)
}

// restrictedThreads returns the threads of this process that may gain no rights.
func restrictedThreads(t *testing.T) []string {
	files, err := filepath.Glob("/proc/self/task/*/status")
	if err != nil || len(files) == 0 {
		t.Fatalf("no thread found: %v", err)
	}
	var restricted []string
	for _, file := range files {
		status, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			continue // ended meanwhile
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(status), "NoNewPrivs:\t1") {
			restricted = append(restricted, file)
		}
	}
	return restricted
}

func TestLimitsAreSet(t *testing.T) {
	cat := testkit.Program(t, "cat")
	in, feed := io.Pipe()
	p, err := start(t.Context(), command{path: cat, memoryBytes: 1 << 20}, in)
	if err != nil {
		t.Fatal(err)
	}
	for resource, want := range map[int]uint64{
		unix.RLIMIT_AS: 1<<20 + marginBytes, unix.RLIMIT_CPU: cpuSeconds, unix.RLIMIT_NOFILE: maxOpenFiles,
		unix.RLIMIT_FSIZE: 0, unix.RLIMIT_NPROC: 0, unix.RLIMIT_CORE: 0,
	} {
		var got unix.Rlimit
		if err := unix.Prlimit(p.cmd.Process.Pid, resource, nil, &got); err != nil || got.Cur != want || got.Max != want {
			t.Errorf("limit %d is %+v, %v, expected %d", resource, got, err, want)
		}
	}
	feed.Close()
	p.Close()
	if err := unix.Kill(p.cmd.Process.Pid, 0); err != unix.ESRCH {
		t.Errorf("the process is still there after Close: %v", err)
	}
}

func TestStartFails(t *testing.T) {
	if _, err := start(t.Context(), command{path: "/nonexistent/xz", memoryBytes: 1}, strings.NewReader("")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("starting what is not there gives %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := start(ctx, command{path: testkit.Program(t, "cat"), memoryBytes: 1}, strings.NewReader("")); !errors.Is(err, context.Canceled) {
		t.Errorf("starting after cancel gives %v", err)
	}
}

func TestStderrIsBounded(t *testing.T) {
	sh := testkit.Program(t, "sh")
	_, err := run(t, "", sh, "-c", `i=0; while [ $i -lt 2000 ]; do printf '\033[31mred' >&2; i=$((i+1)); done; exit 3`)
	var ended *exitError
	if !errors.As(err, &ended) || len(ended.stderr) != maxStderrBytes || strings.Contains(err.Error(), "\033") {
		t.Errorf("sh gave %v, expected %d bytes of stderr, escaped", err, maxStderrBytes)
	}
}

func TestParseVersion(t *testing.T) {
	for said, want := range map[string]string{
		"xz (XZ Utils) 5.4.1\nliblzma 5.4.1\n":   "5.4.1",
		"xz (XZ Utils) 5.7.1alpha\nliblzma x\n":  "5.7.1alpha",
		"xz (XZ Utils) 5.6.1\nliblzma 5.6.1\n":   "",
		"xz (XZ Utils) 5.6.0\nliblzma 5.6.0\n":   "",
		"xz (XZ Utils) 5.4.1":                    "",
		"BusyBox v1.35.0\n":                      "",
		"\033]0;title\007xz (XZ Utils) 5.4.1\n":  "",
		"xz (XZ Utils) 5.4.1\033[2J\nliblzma \n": "",
		"":                                       "",
	} {
		got, err := parseVersion(said)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q gives %q, %v, expected %q", said, got, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "\033") {
			t.Errorf("%q is not escaped in %q", said, err)
		}
	}
}

// BenchmarkStart measures what one confined program costs besides its work.
func BenchmarkStart(b *testing.B) {
	path := testkit.Program(b, "true")
	for b.Loop() {
		p, err := start(b.Context(), command{path: path, memoryBytes: 1 << 20}, strings.NewReader(""))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadAll(p); err != nil {
			b.Fatal(err)
		}
	}
}
