package sandbox

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/countermark/countermark/internal/sandbox/obstacle"
	"github.com/countermark/countermark/internal/testkit"
)

// copyFile copies a program.
func copyFile(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// rootFilesystem makes a small one of this machine's programs and what they are
// linked with.
func rootFilesystem(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for dir := root; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil { // podman looks at it as another user
			t.Fatal(err)
		}
	}
	for _, name := range []string{"sh", "env", "true", "cat", "ls", "id", "sleep", "touch"} {
		path := testkit.Program(t, name)
		at := "/usr/bin/" + name
		copyFile(t, path, filepath.Join(root, at))
		libraries, err := exec.Command("ldd", path).Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(/\S+) \(`).FindAllStringSubmatch(string(libraries), -1) {
			copyFile(t, m[1], filepath.Join(root, "usr", strings.TrimPrefix(m[1], "/usr")))
		}
	}
	for _, name := range []string{"bin", "lib", "lib64"} {
		if err := os.Symlink("usr/"+name, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	testkit.Write(t, filepath.Join(root, "etc", "passwd"), "someone:x:7:7::/:/bin/sh\n")
	testkit.Write(t, filepath.Join(root, "etc", "own"), "own\n")
	testkit.Write(t, filepath.Join(root, "opt", "tool"), "tool\n")
	testkit.Write(t, filepath.Join(root, "root", "x"), "x\n")
	return root
}

// A program of a root filesystem sees that, and nothing of this machine's.
func TestRootFilesystem(t *testing.T) {
	for name, find := range map[string]func(*testing.T) *Sandbox{"bubblewrap": bubblewrapHere, "podman": podmanHere, "docker": dockerHere} {
		t.Run(name, func(t *testing.T) { testRootFilesystem(t, find(t)) })
	}
}

func testRootFilesystem(t *testing.T, s *Sandbox) {
	t.Helper()
	root := rootFilesystem(t)
	if err := s.Try(t.Context(), root); err != nil {
		testkit.Missing(t, "%s does not work here: %v", s.about.Kind, err)
	}
	before := contents(t, root)
	in := func(p *Program) { p.System, p.Hostname, p.User, p.Group = root, "vary", 4321, 1234 }
	o, out, folder := shell{script: "cat /opt/tool /etc/own /etc/passwd /etc/hostname; id -u; id -g; umask; echo x > made; exit 9", change: in}.run(t, s)
	user, group := 4321, 1234
	if s.Describe().OwnIDs {
		user, group = os.Geteuid(), os.Getegid()
	}
	want := fmt.Sprintf("tool\nown\nroot:x:0:0:root:/:/bin/sh\nbuild:x:%d:%d:build:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\nvary\n%[1]d\n%[2]d\n0022\n", user, group)
	if o.Exit != 9 || out != want {
		t.Errorf("%s: %+v, printed %q, expected %q", s.about.Kind, o, out, want)
	}
	info, err := os.Stat(filepath.Join(folder, "made"))
	if err != nil || info.Mode().Perm() != 0o644 || int(info.Sys().(*syscall.Stat_t).Uid) != os.Geteuid() {
		t.Errorf("%s: what it made is %+v, %v", s.about.Kind, info, err)
	}
	for _, attempt := range []string{"echo x > /opt/x", "echo x > /usr/bin/x", "echo x > /x", "echo x > /etc/x", "cat /usr/bin/bwrap", "echo 1 > /proc/sys/kernel/printk",
		"ls " + os.TempDir() + "/*/", "cat /etc/shadow", "test -e /home/."} {
		if o, out, _ := (shell{script: "if (" + attempt + "); then echo DONE; else echo FAILED; fi", change: in}).run(t, s); !strings.Contains(out, "FAILED\n") || strings.Contains(out, "DONE") {
			t.Errorf("%s: %q: %+v, %q", s.about.Kind, attempt, o, out)
		}
	}
	_, out, _ = shell{change: func(p *Program) { in(p); p.Arguments = []string{"env"}; p.Environment = []string{"PATH=/bin", "A=b c"} }}.run(t, s)
	if out != "PATH=/bin\nA=b c\n" {
		t.Errorf("%s: the environment is %q", s.about.Kind, out)
	}
	if after := contents(t, root); !slices.Equal(before, after) {
		t.Errorf("%s: the root filesystem has changed from %q to %q", s.about.Kind, before, after)
	}
}

// Nothing that a root filesystem holds leads out of it: no folder is made outside for
// what is shown, and no folder outside is shown as one of its own.
func TestRootFilesystemLeadsNowhere(t *testing.T) {
	for name, find := range map[string]func(*testing.T) *Sandbox{"bubblewrap": bubblewrapHere, "podman": podmanHere, "docker": dockerHere} {
		t.Run(name, func(t *testing.T) { testLeadsNowhere(t, find(t)) })
	}
}

func testLeadsNowhere(t *testing.T, s *Sandbox) {
	t.Helper()
	root, outside := rootFilesystem(t), t.TempDir()
	if err := s.Try(t.Context(), root); err != nil {
		testkit.Missing(t, "%s does not work here: %v", s.about.Kind, err)
	}
	// bubblewrap has this machine's files at /oldroot while it makes its folders.
	for _, top := range []string{"/oldroot" + outside, outside, "../../../../../../oldroot" + outside, "", "folder"} {
		at := filepath.Join(root, "build")
		err := os.RemoveAll(at)
		switch {
		case top == "folder":
			testkit.Write(t, filepath.Join(at, "own"), "own\n")
		case top != "":
			err = errors.Join(err, os.Symlink(top, at))
		}
		if err != nil {
			t.Fatal(err)
		}
		o, out, folder := shell{script: "echo x > made; cat made", change: func(p *Program) {
			p.System, p.Dir = root, "/build/deep/project-1.0"
			p.Binds[0].Target = p.Dir
		}}.run(t, s)
		if made, err := os.ReadFile(filepath.Join(folder, "made")); o.Exit != 0 || string(made) != "x\n" || err != nil {
			t.Errorf("%s, %q: %+v, printed %q; made %q, %v", s.about.Kind, top, o, out, made, err)
		}
		if left, err := os.ReadDir(outside); err != nil || len(left) > 0 {
			t.Errorf("%s, %q: outside there is %v, %v", s.about.Kind, top, left, err)
		}
	}
	if s.about.Kind == Podman {
		return // which looks at /etc from the inside
	}
	testkit.Write(t, filepath.Join(outside, "secret"), "secret\n")
	if err := errors.Join(os.RemoveAll(filepath.Join(root, "etc")), os.Symlink(outside, filepath.Join(root, "etc"))); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Run(t.Context(), Program{Arguments: []string{"true"}, System: root}); err == nil || !strings.Contains(err.Error(), "etc is no folder") {
		t.Errorf("%s: /etc leads out: %v", s.about.Kind, err)
	}
}

func contents(t *testing.T, root string) []string {
	t.Helper()
	var found []string
	err := filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
		if err == nil {
			found = append(found, fmt.Sprint(path, info.Mode(), info.Size()))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// podmanHere returns podman.
func podmanHere(t *testing.T) *Sandbox {
	t.Helper()
	testkit.Program(t, "podman")
	s, err := Find(t.Context(), Podman)
	if err != nil {
		testkit.Missing(t, "podman: %v", err)
	}
	return s
}

// dockerHere returns docker, if a server answers. It is no program that can be
// installed alone, so nowhere is it expected.
func dockerHere(t *testing.T) *Sandbox {
	t.Helper()
	s, err := Find(t.Context(), Docker)
	if err != nil {
		t.Skipf("docker does not work here: %v", err) // everywhere
	}
	return s
}

func TestContainersEnd(t *testing.T) {
	for name, find := range map[string]func(*testing.T) *Sandbox{"podman": podmanHere, "docker": dockerHere} {
		t.Run(name, func(t *testing.T) { testContainersEnd(t, find(t)) })
	}
}

func testContainersEnd(t *testing.T, s *Sandbox) {
	t.Helper()
	root := rootFilesystem(t)
	if err := s.Try(t.Context(), root); err != nil {
		testkit.Missing(t, "podman does not work here: %v", err)
	}
	temp, duration := t.TempDir(), fmt.Sprintf("76543.%d", os.Getpid())
	t.Setenv("TMPDIR", temp)
	o, _, _ := shell{script: "sleep " + duration, change: func(p *Program) { p.System, p.Limits.Time = root, 2*time.Second }}.run(t, s)
	if o.Limit != TimeLimit || o.Network.Watched || o.Succeeded() {
		t.Errorf("got %+v", o)
	}
	if left := running(t, duration); len(left) > 0 {
		t.Errorf("still running: %q", left)
	}
	if left, err := filepath.Glob(filepath.Join(temp, "countermark-etc-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
	// The two streams come out in the order in which they were written.
	_, out, _ := shell{script: "echo a; echo b >&2; echo c; echo d >&2", change: func(p *Program) { p.System = root }}.run(t, s)
	if out != "a\nb\nc\nd\n" {
		t.Errorf("printed %q", out)
	}
	if _, err := s.Run(t.Context(), Program{Arguments: []string{"true"}, System: "/nonexistent"}); err == nil {
		t.Error("a program of no root filesystem has run")
	}
}

// Inside a sandbox no other can be built, and the cause is told.
func TestObstacle(t *testing.T) {
	_, out, _ := shell{script: "bwrap --unshare-user --ro-bind / / true"}.run(t, bubblewrapHere(t))
	if o := obstacle.Of(strings.TrimSpace(out)); o == nil || o.Advice == "" {
		t.Errorf("%q is explained as %v", out, o)
	}
}

// As root, the same tests run once more as a user without rights: then other
// things are allowed by the kernel, and other things are forbidden.
func TestAsAnotherUser(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long")
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user; then the other tests are this one") // everywhere
	}
	bubblewrapHere(t)
	dir, err := os.MkdirTemp("", "sandbox-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	copyFile(t, os.Args[0], filepath.Join(dir, "sandbox.test"))
	tests := "Program|Hostile|Usual|Left|Limits|Network|Quiet|Dies|Descriptors|Cancelled"
	user := &syscall.Credential{Uid: 65534, Gid: 65534}
	if group, ok := dockerGroup(); ok {
		tests += "|RootFilesystem/docker|Containers/docker" // podman needs more of a user
		user.Groups = []uint32{group}
	}
	cmd := exec.Command(filepath.Join(dir, "sandbox.test"), "-test.run", tests, "-test.skip", "TestAsAnotherUser")
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/", "TMPDIR=" + dir, testkit.All + "=1", "DOCKER_HOST=" + os.Getenv("DOCKER_HOST")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: user}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// dockerGroup returns the group whose members may use docker here.
func dockerGroup() (group uint32, ok bool) {
	socket, found := strings.CutPrefix(os.Getenv("DOCKER_HOST"), "unix://")
	if !found {
		socket = "/var/run/docker.sock"
	}
	info, err := os.Stat(socket)
	if err != nil || info.Mode()&0o020 == 0 {
		return 0, false
	}
	group = info.Sys().(*syscall.Stat_t).Gid
	return group, group != 0
}
