package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/countermark/countermark/internal/sandbox/container"
	"github.com/countermark/countermark/internal/sandbox/etc"
	"github.com/countermark/countermark/internal/sandbox/namespace"
	"github.com/countermark/countermark/internal/sandbox/session"
)

// containerRun is a run under podman or docker.
type containerRun struct {
	kind  Kind
	cmd   *exec.Cmd
	c     *container.Container
	given []string // folders that are the program's user's as long as it runs
}

// newContainer makes the files of /etc and chooses a name. The removal is as in
// package container. The run has no command yet.
func newContainer(p Program, kind Kind, removal ...string) (r *containerRun, dir string, err error) {
	if dir, err = os.MkdirTemp("", "countermark-etc-"); err != nil {
		return nil, "", err
	}
	for _, f := range etc.Own(p.User, p.Group, p.UserName, p.Hostname) {
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, f.Name), []byte(f.Content), 0o644)
		}
	}
	if err == nil {
		r = &containerRun{kind: kind}
		r.c, err = container.New(dir, removal...)
	}
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, "", err
	}
	return r, dir, nil
}

// start makes the command that runs the container. The kernel kills it when this
// process dies: it has nothing to say any more, and package container's watcher
// ends the container.
func (r *containerRun) start(path string, arguments []string) {
	r.cmd = exec.Command(path, arguments...)
	r.cmd.Dir = "/"
	session.Separate(r.cmd)
	session.EndWithParent(r.cmd)
}

func (r *containerRun) command() *exec.Cmd { return r.cmd }

func (r *containerRun) release() error { return nil }

// processes are limited by the container.
func (r *containerRun) processes(int) int { return 0 }

func (r *containerRun) kill() {
	_ = r.c.Remove() // settle tells
	session.Kill(r.cmd)
}

func (r *containerRun) settle() error {
	if err := r.c.Remove(); err != nil && r.cmd.ProcessState.ExitCode() != containerFailed {
		return fmt.Errorf("removing the container: %w", err)
	}
	return container.Give(r.given, os.Geteuid(), os.Getegid())
}

// containerFailed is the status with which podman and docker say that they failed
// themselves (podman-run(1), "Exit Codes"). A program that ends so is taken for one
// that never ran.
const containerFailed = 125

// exit takes the statuses of a program that could not be executed, 126 and 127,
// for podman's or docker's own where they have the last word: from a program, they
// are those of setUp, which finds programs itself.
func (r *containerRun) exit(status int, said string) (int, bool) {
	own := strings.HasPrefix(said, "Error: ") || strings.HasPrefix(said, "docker: ")
	return status, status != containerFailed && (status != 126 && status != 127 || !own)
}

func (r *containerRun) network() (namespace.Network, error) { return namespace.Network{}, nil }

func (r *containerRun) explain(said string) error { return neverRan(r.kind, said) }

func (r *containerRun) close() { r.c.Close() }
