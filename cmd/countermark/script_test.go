package main

import (
	"archive/tar"
	"context"
	"debug/elf"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/countermark/countermark/internal/sandbox"
	"github.com/countermark/countermark/internal/testkit"
)

// waiting is how many scripts run at once on each processor: they wait for
// programs more than they compute.
const waiting = 2

func TestMain(m *testing.M) {
	// Unless the flag is given: the default is that of a test that computes.
	_ = flag.Set("test.parallel", strconv.Itoa(waiting*runtime.GOMAXPROCS(0)))
	testscript.Main(m, map[string]func(){
		"countermark": func() {
			os.Exit(run(context.Background(), os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr}))
		},
	})
}

func TestScripts(t *testing.T) {
	if signal.Ignored(syscall.SIGHUP) { // by nohup(1): what we start would ignore it too
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			for _, kv := range [][2]string{
				{"HOME", env.WorkDir}, {"XDG_CACHE_HOME", filepath.Join(env.WorkDir, ".cache")},
				{"GIT_CONFIG_NOSYSTEM", "1"}, {"GIT_CONFIG_GLOBAL", os.DevNull},
				{"GIT_AUTHOR_NAME", "A U Thor"}, {"GIT_AUTHOR_EMAIL", "author@example.com"},
				{"GIT_COMMITTER_NAME", "C O Mitter"}, {"GIT_COMMITTER_EMAIL", "committer@example.com"},
				{"GIT_AUTHOR_DATE", "2024-04-01T12:00:00+0200"}, {"GIT_COMMITTER_DATE", "2024-04-01T12:00:00+0200"},
				{"TMPDIR", filepath.Join(env.WorkDir, "tmp")}, {"MIRROR", debianMirror},
				{"DOCKER_HOST", os.Getenv("DOCKER_HOST")},
			} {
				env.Setenv(kv[0], kv[1])
			}
			slot := &serverSlot{}
			env.Values[serverKey{}] = slot
			env.Defer(slot.stop)
			return os.Mkdir(filepath.Join(env.WorkDir, "tmp"), 0o700)
		},
		Condition: func(cond string) (bool, error) {
			if cond == "sandbox" {
				return hasSandbox(), nil
			}
			switch cond {
			case "machines":
				return canBeTwoMachines(), nil
			case "docker":
				return hasContainers(sandbox.Docker, ""), nil
			case "podman":
				return hasStaticBusybox() && hasContainers(sandbox.Podman, busyboxSystem(t)), nil
			case "faketime":
				return hasFaketime(), nil
			case "mirror":
				return hasMirror(), nil
			case "static":
				return hasStaticBusybox(), nil
			}
			name, ok := strings.CutPrefix(cond, "have:")
			if !ok {
				return false, fmt.Errorf("unknown condition %q", cond)
			}
			_, err := exec.LookPath(name)
			if err != nil && os.Getenv(testkit.All) != "" {
				return false, fmt.Errorf("%s is set and %s is not installed", testkit.All, name)
			}
			return err == nil, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"mktar":   mktar,
			"replace": replaceText,
			"exits":   exits,
			"nothing": nothing,
			"serve":   serve,
			"share":   share,
		},
	})
}

// hasSandbox reports whether the steps of a build can be kept apart here. Where
// no test may be skipped it says yes, and the tests fail.
func hasSandbox() bool {
	if os.Getenv(testkit.All) != "" {
		return true
	}
	s, err := sandbox.Find(context.Background(), sandbox.Bubblewrap)
	return err == nil && s.Try(context.Background(), "") == nil
}

// canBeTwoMachines reports whether namespaces can be made here, and another user
// runs programs in them.
func canBeTwoMachines() bool {
	if os.Getenv(testkit.All) != "" {
		return true
	}
	return exec.Command("unshare", "--net", "--uts", "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "true").Run() == nil
}

// hasContainers reports whether docker or podman runs programs of a system here.
// They need a server, or rights that not every user has, so nowhere must they.
func hasContainers(kind sandbox.Kind, system string) bool {
	s, err := sandbox.Find(context.Background(), kind)
	return err == nil && s.Try(context.Background(), system) == nil
}

// busyboxSystem makes the smallest root filesystem there is.
func busyboxSystem(t *testing.T) string {
	path, err := exec.LookPath("busybox")
	if err != nil {
		return "/nonexistent"
	}
	root, err := os.MkdirTemp("", "busybox-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	content, err := os.ReadFile(path)
	err = errors.Join(err, os.Chmod(root, 0o755)) // podman looks at it as another user
	for _, name := range []string{"bin/sh", "bin/true", "usr/bin/env"} {
		err = errors.Join(err, os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755), os.WriteFile(filepath.Join(root, name), content, 0o755))
	}
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// hasFaketime reports whether there is a libfaketime where Debian has it.
func hasFaketime() bool {
	found, err := filepath.Glob("/usr/lib/*/faketime/libfaketime*.so.1")
	return os.Getenv(testkit.All) != "" || err == nil && len(found) > 0
}

// debianMirror is an archive of Debian packages.
const debianMirror = "http://deb.debian.org/debian"

// hasMirror reports whether that can be reached.
func hasMirror() bool {
	if os.Getenv(testkit.All) != "" {
		return true
	}
	client := &http.Client{Timeout: 10 * time.Second}
	answer, err := client.Head(debianMirror + "/dists/bookworm/Release")
	if err != nil {
		return false
	}
	_ = answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// hasStaticBusybox reports whether busybox needs no libraries: then it is a whole
// system.
func hasStaticBusybox() bool {
	if os.Getenv(testkit.All) != "" {
		return true
	}
	path, err := exec.LookPath("busybox")
	if err != nil {
		return false
	}
	f, err := elf.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	libraries, err := f.ImportedLibraries()
	return err == nil && len(libraries) == 0
}

// mktar OUT SPEC writes a tar of the members that SPEC lists, one a line:
//
//	f MODE NAME @FILE    a regular file with the content of FILE
//	f MODE NAME =TEXT    … with TEXT, in which \n, \r, \t and \xHH are escapes
//	d MODE NAME/          (escapes are read in the NAME of files too)
//	l NAME TARGET        a symbolic link
//	p MODE NAME          a FIFO
func mktar(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mktar OUT SPEC")
	}
	out, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	defer out.Close()
	w := tar.NewWriter(out)
	for line := range strings.Lines(ts.ReadFile(args[1])) {
		f := strings.Fields(line)
		if len(f) == 0 || strings.HasPrefix(f[0], "#") {
			continue
		}
		h := &tar.Header{Format: tar.FormatUSTAR, ModTime: time.Unix(1700000000, 0)}
		content := ""
		switch f[0] {
		case "f":
			h.Typeflag, h.Name, h.Mode = tar.TypeReg, f[2], octalMode(ts, f[1])
			_, content, _ = strings.Cut(strings.TrimSuffix(line, "\n"), " "+f[2]+" ")
			if name, ok := strings.CutPrefix(content, "@"); ok {
				content = ts.ReadFile(name)
			} else {
				content, err = strconv.Unquote(`"` + strings.ReplaceAll(content[1:], `"`, `\"`) + `"`)
				ts.Check(err)
			}
			h.Size = int64(len(content))
			h.Name, err = strconv.Unquote(`"` + h.Name + `"`)
			ts.Check(err)
		case "d":
			h.Typeflag, h.Name, h.Mode = tar.TypeDir, f[2], octalMode(ts, f[1])
		case "p":
			h.Typeflag, h.Name, h.Mode = tar.TypeFifo, f[2], octalMode(ts, f[1])
		case "l":
			h.Typeflag, h.Name, h.Linkname, h.Mode = tar.TypeSymlink, f[1], f[2], 0o777
		default:
			ts.Fatalf("mktar: unknown line %q", line)
		}
		ts.Check(w.WriteHeader(h))
		_, err := io.WriteString(w, content)
		ts.Check(err)
	}
	ts.Check(w.Close())
}

func octalMode(ts *testscript.TestScript, s string) int64 {
	mode, err := strconv.ParseInt(s, 8, 64)
	ts.Check(err)
	return mode
}

// replaceText FILE OLD NEW replaces text in a file of any bytes, wherever it
// occurs; OLD must occur. OLD and NEW are Go strings without their quotes.
func replaceText(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: replace FILE OLD NEW")
	}
	for i := 1; i <= 2; i++ {
		s, err := strconv.Unquote(`"` + args[i] + `"`)
		ts.Check(err)
		args[i] = s
	}
	raw := ts.ReadFile(args[0])
	if !strings.Contains(raw, args[1]) {
		ts.Fatalf("%s does not hold %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.ReplaceAll(raw, args[1], args[2])), 0o644))
}

// exits N COMMAND... runs the command, which must exit with exactly status N.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits N COMMAND [ARG...]")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := err.(*exec.ExitError); ok {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if want := args[0]; strconv.Itoa(got) != want {
		ts.Fatalf("exit status %d, expected %s", got, want)
	}
}

// nothing left: the folder for temporary files must be empty.
func nothing(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 || args[0] != "left" {
		ts.Fatalf("usage: nothing left")
	}
	entries, err := os.ReadDir(ts.Getenv("TMPDIR"))
	ts.Check(err)
	for _, e := range entries {
		ts.Fatalf("%s was left behind in the temporary folder", e.Name())
	}
}
