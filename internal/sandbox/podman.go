package sandbox

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/sandbox/etc"
	"github.com/countermark/countermark/internal/sandbox/namespace"
	"github.com/countermark/countermark/internal/sandbox/version"
)

// oldestPodman knows --userns=keep-id with ids, and overlays of a --rootfs.
var oldestPodman = version.Number{4, 3, 0}

func findPodman(ctx context.Context) (*Sandbox, error) {
	path, said, err := version.Ask(ctx, "podman")
	if err != nil {
		return nil, err
	}
	v, err := version.Parse("podman version ", said)
	if err != nil {
		return nil, fmt.Errorf("asking %q for its version: %v", path, err)
	}
	if v.Before(oldestPodman) {
		return nil, fmt.Errorf("looking for podman: %q is version %s, at least %s is needed", path, v, oldestPodman)
	}
	return &Sandbox{version: v, about: Description{Kind: Podman, Path: path, Version: v.String(),
		Isolated: []string{"users", "mounts", "processes", "IPC", "network", "host name", "terminal session", "system calls"}}}, nil
}

// podmanRun is a run under podman.
type podmanRun struct {
	cmd  *exec.Cmd
	path string
	name string // of the container
	etc  string // folder with the files of /etc that the sandbox makes itself
}

// podman prepares a run.
func (s *Sandbox) podman(p Program) (job, error) {
	dir, err := os.MkdirTemp("", "countermark-etc-")
	if err != nil {
		return nil, err
	}
	r := &podmanRun{path: s.about.Path, name: "countermark-" + strings.ToLower(rand.Text()), etc: dir}
	for _, f := range etc.Own(p.User, p.Group, p.UserName, p.Hostname) {
		if err := os.WriteFile(filepath.Join(dir, f.Name), []byte(f.Content), 0o644); err != nil {
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
	}
	r.cmd = exec.Command(s.about.Path, podmanArguments(p, r.name, dir, os.Geteuid() == 0)...)
	r.cmd.Dir = "/"
	separate(r.cmd)
	return r, nil
}

// podmanArguments returns the arguments of podman-run(1). The root filesystem
// lies under an overlay, so that places to mount on can be made without writing
// to it.
func podmanArguments(p Program, name, dir string, root bool) []string {
	user, group := strconv.Itoa(p.User), strconv.Itoa(p.Group)
	a := []string{"run", "--rm", "--name", name, "--network=none", "--read-only", "--cap-drop=all", "--security-opt=no-new-privileges",
		"--security-opt=label=disable", "--pull=never", "--no-hosts", "--log-driver=none", "--hostname", p.Hostname, "--user", user + ":" + group,
		"--workdir", p.Dir, "--ulimit=core=0:0", "--stop-timeout=0"}
	if root {
		// The id inside stands for root, to whom the binds belong; podman
		// itself needs a root inside, for which any other id will do.
		a = append(a, "--uidmap="+user+":0:1", "--gidmap="+group+":0:1", "--uidmap=0:"+spareID+":1", "--gidmap=0:"+spareID+":1")
	} else {
		a = append(a, "--userns=keep-id:uid="+user+",gid="+group)
	}
	if p.Limits.Processes > 0 {
		a = append(a, "--pids-limit="+strconv.Itoa(p.Limits.Processes))
	}
	if most := strconv.FormatInt(p.Limits.OutputBytes, 10); p.Limits.OutputBytes > 0 {
		a = append(a, "--ulimit=fsize="+most+":"+most)
	}
	if p.CPUs > 0 {
		a = append(a, "--cpuset-cpus=0-"+strconv.Itoa(p.CPUs-1))
	}
	a = append(a, ulimits()...)
	for _, f := range etc.Own(p.User, p.Group, p.UserName, p.Hostname) {
		a = append(a, "--volume="+filepath.Join(dir, f.Name)+":/etc/"+f.Name+":ro")
	}
	for _, b := range p.Binds {
		how := ":ro"
		if b.Writable {
			how = ":rw"
		}
		a = append(a, "--volume="+b.Source+":"+b.Target+how)
	}
	a = append(a, "--rootfs", p.System+":O")
	return append(a, p.shellArguments(setUp)...)
}

// spareID is an id of the outside that stands for root inside: above those of
// users, and of no account.
const spareID = "2000000000"

func (r *podmanRun) command() *exec.Cmd { return r.cmd }

func (r *podmanRun) release() error { return nil }

// processes are limited by podman itself.
func (r *podmanRun) processes(int) int { return 0 }

// removalTime is how long podman may take to end a container.
const removalTime = 30 * time.Second

func (r *podmanRun) remove() error {
	ctx, cancel := context.WithTimeout(context.Background(), removalTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, r.path, "rm", "--force", "--ignore", "--time=0", r.name)
	separate(cmd)
	return cmd.Run()
}

func (r *podmanRun) kill() {
	_ = r.remove() // settle tells
	killGroup(r.cmd)
}

func (r *podmanRun) settle() error {
	if err := r.remove(); err != nil && r.cmd.ProcessState.ExitCode() != podmanFailed {
		return fmt.Errorf("removing the container: %w", err)
	}
	return nil
}

// podmanFailed is the status with which podman says that it failed itself
// (podman-run(1), "Exit Codes"). A program that ends so is taken for one that
// never ran.
const podmanFailed = 125

// exit takes the statuses of a program that could not be executed, 126 and 127,
// for podman's own where podman has the last word: from a program, they are
// those of setUp, which finds programs itself.
func (r *podmanRun) exit(status int, said string) (int, bool) {
	return status, status != podmanFailed && (status != 126 && status != 127 || !strings.HasPrefix(said, "Error: "))
}

func (r *podmanRun) network() (namespace.Network, error) { return namespace.Network{}, nil }

func (r *podmanRun) explain(said string) error { return neverRan(Podman, said) }

func (r *podmanRun) close() { _ = os.RemoveAll(r.etc) } // small files of ours in the folder for temporary ones
