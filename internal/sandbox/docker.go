package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/countermark/countermark/internal/sandbox/container"
	"github.com/countermark/countermark/internal/sandbox/etc"
	"github.com/countermark/countermark/internal/sandbox/version"
	"github.com/countermark/countermark/internal/sandbox/view"
)

// oldestDocker knows --pull=never.
var oldestDocker = version.Number{20, 10, 0}

// findDocker asks the server, which is another program than the one in PATH.
func findDocker(ctx context.Context) (*Sandbox, error) {
	path, err := version.Look("docker")
	if err != nil {
		return nil, err
	}
	said, err := container.Ask(ctx, nil, path, "version", "--format", "{{.Server.Version}}")
	if err != nil {
		return nil, err
	}
	v, err := version.Parse("", said)
	if err != nil {
		return nil, fmt.Errorf("asking docker's server for its version: %v", err)
	}
	if v.Before(oldestDocker) {
		return nil, fmt.Errorf("looking for docker: its server has version %s, at least %s is needed", v, oldestDocker)
	}
	security, err := container.Ask(ctx, nil, path, "info", "--format", "{{.SecurityOptions}}")
	if err != nil {
		return nil, err
	}
	// Then no id inside is that of this user, but root's.
	if strings.Contains(security, "name=rootless") {
		return nil, errors.New("looking for docker: its server runs without root's rights, where files of this user's belong to root; podman is for that")
	}
	return &Sandbox{version: v, about: Description{Kind: Docker, Path: path, Version: v.String(), OwnIDs: os.Geteuid() != 0,
		Isolated: []string{"mounts", "processes", "IPC", "network", "host name", "control groups", "terminal session", "system calls"}}}, nil
}

// docker prepares a run. The ids inside are those outside: root gives what may be
// written to the program's user for the time of the run, anybody else's programs
// have the user's own ids.
func (s *Sandbox) docker(ctx context.Context, p Program) (job, error) {
	if s.about.OwnIDs {
		p.User, p.Group = os.Geteuid(), os.Getegid()
	}
	shown, err := view.Of(p.System, p.targets()...)
	if err != nil {
		return nil, err
	}
	image, err := container.Image(ctx, s.about.Path, shown)
	if err != nil {
		return nil, err
	}
	r, dir, err := newContainer(p, Docker, s.about.Path, "rm", "--force")
	if err != nil {
		return nil, err
	}
	for _, b := range p.Binds {
		if b.Writable && !s.about.OwnIDs {
			r.given = append(r.given, b.Source)
		}
	}
	if err := container.Give(r.given, p.User, p.Group); err != nil {
		r.close()
		return nil, errors.Join(err, container.Give(r.given, os.Geteuid(), os.Getegid()))
	}
	a := append(dockerArguments(p, r.c.Name), dockerMounts(p, shown, dir)...)
	r.start(s.about.Path, append(append(a, image), p.shellArguments(joined)...))
	return r, nil
}

// dockerArguments returns the arguments of docker-run(1), without what is shown.
func dockerArguments(p Program, name string) []string {
	a := []string{"run", "--rm", "--name", name, "--network=none", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges",
		"--security-opt=label=disable", "--userns=host", "--ipc=none", "--pull=never", "--log-driver=none", "--hostname", p.Hostname,
		"--user", strconv.Itoa(p.User) + ":" + strconv.Itoa(p.Group), "--workdir", p.Dir, "--ulimit=core=0:0"}
	if p.Limits.Processes > 0 {
		a = append(a, "--pids-limit="+strconv.Itoa(p.Limits.Processes))
	}
	if most := strconv.FormatInt(p.Limits.OutputBytes, 10); p.Limits.OutputBytes > 0 {
		a = append(a, "--ulimit=fsize="+most+":"+most)
	}
	if p.CPUs > 0 {
		a = append(a, "--cpuset-cpus=0-"+strconv.Itoa(p.CPUs-1))
	}
	return a
}

// dockerMounts returns what is shown.
func dockerMounts(p Program, shown []view.Entry, dir string) []string {
	var a []string
	show := func(source, target string, writable bool) {
		mount := "type=bind,source=" + source + ",target=" + target
		if !writable {
			mount += ",readonly"
		}
		a = append(a, "--mount", mount)
	}
	empty := func(target, options string) { a = append(a, "--tmpfs", target+":nosuid,nodev,"+options) }
	for _, e := range shown {
		if e.Source != "" {
			show(e.Source, e.Target, false)
		}
	}
	for _, folder := range append(view.Hidden(p.System), "/sys") {
		empty(folder, "ro,mode=0555,size=4k")
	}
	for _, folder := range view.Private(p.System) {
		options := "rw,exec,mode=1777"
		if most := p.Limits.OutputBytes; most > 0 {
			options += ",size=" + strconv.FormatInt(most, 10)
		}
		empty(folder, options)
	}
	for _, f := range etc.Own(p.User, p.Group, p.UserName, p.Hostname) {
		show(filepath.Join(dir, f.Name), "/etc/"+f.Name, false)
	}
	for _, b := range p.Binds {
		show(b.Source, b.Target, b.Writable)
	}
	return a
}
