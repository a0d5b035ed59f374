// Package doctor wires up `countermark doctor`: it tries what the commands need
// of a machine, and says in one line what to do about each thing that is
// missing. It changes nothing, but that docker keeps an image of some kilobytes.
package doctor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/gitrepo/gitexec"
	"github.com/countermark/countermark/internal/sandbox"
	"github.com/countermark/countermark/internal/sandbox/obstacle"
)

// FormatVersion names the form of a Report as JSON.
const FormatVersion = "countermark-doctor-v1"

// State is how a thing stands.
type State string

// The states.
const (
	Works   State = "works"
	Missing State = "missing" // not installed
	Blocked State = "blocked" // installed, and does not work here
)

// Item is one thing that was looked at. All texts are escaped.
type Item struct {
	Name   string `json:"name"`
	State  State  `json:"state"`
	Detail string `json:"detail"`          // the version, or what is wrong
	For    string `json:"for"`             // what it is needed for
	Advice string `json:"advice,omitzero"` // one line; none if it works
}

// Report is what a machine can do.
type Report struct {
	Format string `json:"format"`
	// Ready says that a build in a sandbox works here, with git and
	// bubblewrap, and that its use of the network is seen.
	Ready bool     `json:"ready"`
	Items []Item   `json:"items"`
	Notes []string `json:"notes"`
}

// Examine tries everything. The error is ctx's.
func Examine(ctx context.Context) (Report, error) {
	r := Report{Format: FormatVersion, Notes: []string{}}
	git := examineGit(ctx)
	bubblewrap, network := examineBubblewrap(ctx)
	r.Items = []Item{git, bubblewrap, network, examinePodman(ctx), examineDocker(ctx)}
	for _, tool := range tools {
		r.Items = append(r.Items, tool.examine(ctx))
	}
	r.Ready = git.State == Works && bubblewrap.State == Works && network.State == Works
	if os.Geteuid() == 0 {
		r.Notes = append(r.Notes, "this runs as root: a program in the sandbox could change the modes of /dev/null and its like, and the kernel does not limit the number of its processes; build as an ordinary user where you can")
	}
	return r, ctx.Err()
}

func examineGit(ctx context.Context) Item {
	item := Item{Name: "git", For: "everything"}
	if _, err := find("git"); err != nil {
		return item.failed(err, "install git 2.39 or newer")
	}
	git, err := gitexec.Find(ctx)
	if err != nil {
		return item.failed(err, "install git 2.39 or newer")
	}
	return item.works(git.Version())
}

// works returns the item with what is known of it.
func (i Item) works(detail string) Item {
	i.State, i.Detail = Works, escape.Text(detail)
	return i
}

// failed returns the item with what is wrong.
func (i Item) failed(err error, advice string) Item {
	i.State, i.Detail, i.Advice = Blocked, escape.Sentence(err.Error()), advice
	if errors.Is(err, exec.ErrNotFound) {
		i.State, i.Detail = Missing, "not installed"
	}
	if obstacle, ok := errors.AsType[*obstacle.Error](err); ok {
		i.Advice = obstacle.Advice
	}
	return i
}

// attempt is a program that tries to use the network in a way that needs no
// tool beside the shell's: bash's own, or Python's.
const attempt = `exec 2>/dev/null; bash -c 'echo > /dev/udp/198.51.100.1/9' || python3 -c 'import socket; socket.socket(2, 2).connect(("198.51.100.1", 9))'; exit 0`

// examineBubblewrap runs bwrap twice: with a quiet program, and with one that
// tries to send something to an address for documentation (RFC 5737).
func examineBubblewrap(ctx context.Context) (bubblewrap, network Item) {
	bubblewrap = Item{Name: "bubblewrap", For: "builds in a sandbox"}
	network = Item{Name: "network watch", For: "seeing that a build uses the network"}
	s, err := sandbox.Find(ctx, sandbox.Bubblewrap)
	if err == nil {
		err = s.Try(ctx, "")
	}
	if err != nil {
		return bubblewrap.failed(err, "install bubblewrap 0.8 or newer (Debian, Ubuntu: sudo apt install bubblewrap)"),
			Item{Name: network.Name, For: network.For, State: Missing, Detail: "needs bubblewrap", Advice: "see bubblewrap"}
	}
	bubblewrap = bubblewrap.works(s.Describe().Version)
	o, err := s.Run(ctx, sandbox.Program{Arguments: []string{"/bin/sh", "-c", attempt}, Environment: []string{"PATH=/usr/bin:/bin"},
		Limits: sandbox.Limits{Time: time.Minute, PrintedBytes: maxSaidBytes}})
	switch {
	case err != nil:
		return bubblewrap, network.failed(err, "report this; without it no build can be trusted to have used no network")
	case len(o.Network.Attempts) == 0:
		return bubblewrap, network.failed(errors.New("an attempt to use the network was not seen"), "install bash or python3 and try again; else report this, with the kernel's version")
	}
	return bubblewrap, network.works("attempts are seen")
}

func examinePodman(ctx context.Context) Item {
	item := Item{Name: "podman", For: "builds in a root filesystem where bubblewrap cannot run"}
	s, err := sandbox.Find(ctx, sandbox.Podman)
	if err != nil {
		return item.failed(err, "install podman 4.3 or newer, if bubblewrap does not work")
	}
	if err := tryPodman(ctx, s.Describe().Path); err != nil {
		return item.failed(err, "run podman info, and see podman(1), \"Rootless mode\"; not needed if bubblewrap works")
	}
	return item.works(s.Describe().Version + "; whether it runs is known when there is a root filesystem")
}

// tryPodman asks podman for its state, which fails where its storage or its
// name spaces do not work.
func tryPodman(ctx context.Context, path string) error {
	_, err := ask(ctx, path, "info", "--format", "{{.Host.Security.Rootless}}")
	return err
}

// examineDocker runs a program under docker, if its server answers.
func examineDocker(ctx context.Context) Item {
	item := Item{Name: "docker", For: "builds where neither bubblewrap nor podman can run"}
	s, err := sandbox.Find(ctx, sandbox.Docker)
	if err == nil {
		err = s.Try(ctx, "")
	}
	if err != nil {
		return item.failed(err, "start docker's server on this machine, and see that this user may use it; not needed if bubblewrap or podman works")
	}
	return item.works(s.Describe().Version)
}

// maxSaidBytes bounds what is read of a program's answer.
const maxSaidBytes = 4 << 10

// answerTime is how long a program may take to answer.
const answerTime = 20 * time.Second

// find returns the absolute path of a program.
func find(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return "", fmt.Errorf("looking for %s: %w", name, err)
	}
	return path, nil
}

// versionNumber is how every program that is asked writes its version.
var versionNumber = regexp.MustCompile(`[0-9]+\.[0-9][0-9A-Za-z.+~-]*[0-9A-Za-z]|[0-9]+\.[0-9]`)

// ask runs a program and returns the first version in its answer, else the
// answer's first line.
func ask(ctx context.Context, path string, arguments ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, arguments...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &out, time.Second
	err := cmd.Run()
	said := out.String()
	said = said[:min(len(said), maxSaidBytes)]
	first, _, _ := strings.Cut(strings.TrimSpace(said), "\n")
	if err != nil {
		return "", fmt.Errorf("%s ended with %v: %s", filepath.Base(path), err, escape.Text(first))
	}
	if v := versionNumber.FindString(said); v != "" {
		return v, nil
	}
	return first, nil
}
