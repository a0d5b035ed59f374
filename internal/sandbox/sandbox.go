// Package sandbox runs one program where it can do little but its work, and
// tells afterwards whether it tried to use the network, and which limit it hit.
//
// The program is foreign: a generator of a project's, or what such a generator
// was made to do. It sees the system's programs read-only, the folders that it
// is given, an environment of which every variable is chosen, and no network.
// The outside thing behind this is one of four (Kind); what each of them keeps
// apart stands in its Description. docs/spec/sandbox.md says what is promised,
// and what is not.
package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/sandbox/namespace"
	"github.com/countermark/countermark/internal/sandbox/version"
)

// Kind is what keeps a program apart.
type Kind string

// The kinds. Where bubblewrap cannot run, podman often can (rootless, or inside
// a container), or docker, whose server has root's rights; None keeps nothing
// apart and is chosen by name only.
const (
	Bubblewrap Kind = "bubblewrap"
	Podman     Kind = "podman"
	Docker     Kind = "docker"
	UnsafeNone Kind = "none"
)

// What the zero values of a Program stand for.
const (
	DefaultUser     = 1000 // user and group
	DefaultUmask    = 0o022
	DefaultHostname = "countermark"
	DefaultUserName = "build"
)

// Program is one program to be run, and all that it shall see.
type Program struct {
	// Arguments are the program and its arguments; one without a slash is
	// looked up in the PATH of Environment, inside.
	Arguments []string
	// Dir is the folder to run in, an absolute path inside.
	Dir string
	// Environment is the whole environment, as NAME=value.
	Environment []string
	// System is the folder of a root filesystem, of which the program sees a
	// read-only view; "" is this machine's own programs and libraries.
	System string
	// Binds are the folders and files that are shown besides.
	Binds []Bind
	// Hostname is what the machine is called inside, "" for DefaultHostname.
	Hostname string
	// User and Group are the ids inside, from 1 to 65533; 0 for DefaultUser.
	// Outside the program has the ids of whoever runs it. Where the
	// Description has OwnIDs, it has them inside too.
	User, Group int
	// UserName is what user and group are called inside, "" for DefaultUserName.
	UserName string
	// Umask is the file mode creation mask, up to 0777; 0 for DefaultUmask (a
	// mask of 000 cannot be had).
	Umask uint32
	// CPUs is how many processors the program may use, 0 for all.
	CPUs int
	// Output gets what the program prints, stdout and stderr together, as
	// foreign bytes; nil drops it. Standard input is empty.
	Output io.Writer
	Limits Limits
}

// Bind is a folder or file that a program is shown.
type Bind struct {
	Source   string // absolute path of this machine
	Target   string // absolute path inside
	Writable bool
}

// Limits bound one run; 0 is no bound. What is counted is looked at some
// ten times a second, so that a fast program passes a limit before it is ended.
type Limits struct {
	Time time.Duration
	// OutputBytes bounds the sizes of all files below the writable binds
	// together, the size of any one file that is written, and each of the
	// private folders for temporary files.
	OutputBytes int64
	// Files bounds the files and folders below the writable binds.
	Files int
	// Processes bounds the processes and threads at one time.
	Processes int
	// PrintedBytes bounds what is given to Output.
	PrintedBytes int64
}

// Limit names a limit that ended a run.
type Limit string

// The limits. A folder that could not be looked into when the program had ended
// may hold anything, so counts as too much.
const (
	NoLimit          Limit = ""
	TimeLimit        Limit = "time"
	OutputLimit      Limit = "output bytes"
	FilesLimit       Limit = "files"
	ProcessesLimit   Limit = "processes"
	PrintedLimit     Limit = "printed bytes"
	UnreadableOutput Limit = "unreadable output"
	DeepOutput       Limit = "depth of folders" // longer paths than the system opens (PATH_MAX, 4096 bytes on Linux)
)

// Outcome is what a run came to.
type Outcome struct {
	// Exit is the program's exit status; 128+n if signal n ended it, as
	// shells have it; 126 or 127 if it could not be executed or found. After
	// a limit was hit it means nothing.
	Exit     int
	Duration time.Duration
	Limit    Limit // what ended the run, NoLimit if the program did
	Network  namespace.Network
}

// Succeeded reports whether the program ended by itself, with status 0, and
// was not seen trying to use the network.
func (o Outcome) Succeeded() bool {
	return o.Exit == 0 && o.Limit == NoLimit && len(o.Network.Attempts) == 0
}

// Description is what a record says about a sandbox.
type Description struct {
	Kind    Kind
	Path    string // of the sandboxing program, "" for UnsafeNone
	Version string // what it says of itself, "" for UnsafeNone
	// Isolated lists what is kept apart, in a fixed order; empty for
	// UnsafeNone.
	Isolated []string
	// OwnIDs says that programs have the ids of whoever runs them, and those
	// of a Program are not used.
	OwnIDs bool
	// NetworkWatched says whether attempts to use the network are seen.
	NetworkWatched bool
}

// Sandbox runs programs. It may be used by several goroutines.
type Sandbox struct {
	about   Description
	version version.Number
	setuid  bool   // bubblewrap is installed set-user-ID
	runtime string // of podman's, "" for its own choice
}

// Describe returns what the sandbox is.
func (s *Sandbox) Describe() Description { return s.about }

// Find looks for the program behind a kind of sandbox and asks for its version.
// That it is there does not mean that it works here: Try tells. The error says
// in one sentence what is missing.
func Find(ctx context.Context, kind Kind) (*Sandbox, error) {
	switch kind {
	case Bubblewrap:
		return findBubblewrap(ctx)
	case Podman:
		return findPodman(ctx)
	case Docker:
		return findDocker(ctx)
	case UnsafeNone:
		return &Sandbox{about: Description{Kind: UnsafeNone}}, nil
	}
	return nil, fmt.Errorf("choosing a sandbox: %q is none of %q, %q, %q, %q", kind, Bubblewrap, Podman, Docker, UnsafeNone)
}

// tryTime is more than a program that does nothing can need.
const tryTime = time.Minute

// maxTrySaid bounds what it may print, in bytes.
const maxTrySaid = 4 << 10

// Try runs a program that does nothing, and returns nil if that works here. The
// error is an *obstacle.Error if the cause is known. System is as in Program.
func (s *Sandbox) Try(ctx context.Context, system string) error {
	var said bytes.Buffer
	o, err := s.Run(ctx, Program{Arguments: []string{"/bin/true"}, Dir: "/", System: system, Output: &said, Limits: Limits{Time: tryTime, PrintedBytes: maxTrySaid}})
	if err == nil && (o.Exit != 0 || o.Limit != NoLimit) {
		err = fmt.Errorf("trying %s: /bin/true ended with status %d, after %v, and said %s", s.about.Kind, o.Exit, o.Duration, escape.Quote(said.String()))
	}
	return err
}

// Run runs a program to its end, or until a limit or ctx ends it. Nothing of it
// runs on afterwards, but for UnsafeNone what made itself a session of its own.
//
// What the program does is a value. An error means that it could not be run, or
// that what became of it is not known; ctx's own error if that was the cause.
func (s *Sandbox) Run(ctx context.Context, p Program) (Outcome, error) {
	p = p.withDefaults()
	if err := p.check(s.about.Kind); err != nil {
		return Outcome{}, err
	}
	if err := ctx.Err(); err != nil {
		return Outcome{}, err
	}
	var j job
	var err error
	switch s.about.Kind {
	case Bubblewrap:
		j, err = s.bubblewrap(p)
	case Podman:
		j, err = s.podman(p)
	case Docker:
		j, err = s.docker(ctx, p)
	default:
		j, err = unsafeNone(p)
	}
	if err != nil {
		return Outcome{}, fmt.Errorf("preparing the sandbox: %w", err)
	}
	return execute(ctx, p, j)
}
