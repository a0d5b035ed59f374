package sandbox

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/countermark/countermark/internal/sandbox/etc"
	"github.com/countermark/countermark/internal/sandbox/restraint"
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
	return &Sandbox{version: v, runtime: runtimeHere(), about: Description{Kind: Podman, Path: path, Version: v.String(),
		Isolated: []string{"users", "mounts", "processes", "IPC", "network", "host name", "terminal session", "system calls"}}}, nil
}

// unifiedControllers lists what a kernel controls by groups of both versions, as
// systemd mounts them side by side.
const unifiedControllers = "/sys/fs/cgroup/unified/cgroup.controllers"

// runtimeHere returns the runtime that podman is to use, "" for its own choice:
// crun refuses machines with both versions of control groups (libcrun_get_cgroup_mode),
// on which runc works.
func runtimeHere() string {
	text, err := os.ReadFile(unifiedControllers)
	if err != nil || len(strings.TrimSpace(string(text))) == 0 {
		return ""
	}
	runc, _ := version.Look("runc") // without it, crun says what is wrong
	return runc
}

// podman prepares a run.
func (s *Sandbox) podman(p Program) (job, error) {
	r, dir, err := newContainer(p, Podman, s.about.Path, "rm", "--force", "--ignore", "--time=0")
	if err != nil {
		return nil, err
	}
	a := podmanArguments(p, r.c.Name, dir, os.Geteuid() == 0)
	if s.runtime != "" {
		a = append([]string{"--runtime=" + s.runtime}, a...)
	}
	r.start(s.about.Path, a)
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
	a = append(a, restraint.Ulimits()...)
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
	return append(a, p.shellArguments(joined)...)
}

// spareID is an id of the outside that stands for root inside: above those of
// users, and of no account.
const spareID = "2000000000"
