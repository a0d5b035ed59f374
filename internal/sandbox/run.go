package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/sandbox/handover"
	"github.com/countermark/countermark/internal/sandbox/namespace"
	"github.com/countermark/countermark/internal/sandbox/restraint"
	"github.com/countermark/countermark/internal/sandbox/session"
)

// job is one program on its way through one kind of sandbox. The methods are
// called in this order, kill at any time after start, also more than once.
type job interface {
	// command returns what is to be started.
	command() *exec.Cmd
	// release waits until the program is held back, looks at what must be
	// seen before it runs, and lets it go. It returns when that is done or
	// the started process has ended.
	release() error
	// processes returns how many processes and threads there are, counting
	// no further than to most; 0 if that is not known.
	processes(most int) int
	// kill ends everything that was started, as far as it is known.
	kill()
	// settle ends what is left when the started process has ended, and
	// returns when nothing is.
	settle() error
	// exit returns the program's exit status, and false if it never ran,
	// from the status of the started process and its last line.
	exit(status int, said string) (int, bool)
	// network returns what was seen of the network, after the end.
	network() (namespace.Network, error)
	// explain says why the program never ran, from what was printed.
	explain(said string) error
	close()
}

// setUp is what every program is started through: it sets the umask and leaves
// no variable but the given ones. env(1) ends with 127 if there is no such
// program, with 126 if it cannot be executed.
const setUp = `umask "$1" && shift && exec </dev/null /usr/bin/env -i "$@"`

// gate says on descriptor 4 that it is there, and waits for a line on descriptor 3.
// Its end without one means that whoever should open the gate has died.
const gate = `echo >&4 && read -r go <&3 || exit 125; exec 3<&- 4>&-; `

const heldSetUp = gate + setUp

// innerSetUp is heldSetUp for the first process of a sandbox, which stays, waits for
// all that is left to it, and ends with the program's status. What it would say of
// how the program ended is not the program's.
const innerSetUp = gate + `umask "$1" && shift || exit 125; exec </dev/null 5>&2 2>/dev/null; /usr/bin/env -i "$@" 2>&5 5>&-; exit $?`

// joined is setUp for a container, out of which the two streams are carried by
// themselves, in no order between them.
const joined = "exec 2>&1; " + setUp

// shellArguments returns the program behind setUp, or behind a longer script
// that ends with it.
func (p Program) shellArguments(script string) []string {
	args := []string{"/bin/sh", "-c", script, "sh", "0" + strconv.FormatUint(uint64(p.Umask), 8)}
	return append(append(args, p.Environment...), p.Arguments...)
}

// restraint is what the kernel is to hold the program to. Processes are limited
// in a user namespace of its own only.
func (p Program) restraint(ownNamespace bool) restraint.Restraint {
	r := restraint.Restraint{OutputBytes: p.Limits.OutputBytes, CPUs: p.CPUs}
	if ownNamespace {
		r.Processes = p.Limits.Processes
	}
	return r
}

// Statuses of what a signal ended, as shells have it: SIGKILL; SIGXFSZ, which
// the kernel sends to what writes more than RLIMIT_FSIZE (setrlimit(2)).
const (
	statusKilled   = 128 + 9
	statusFileSize = 128 + 25
)

const (
	// settleTime is how long the end of what was killed is waited for: of a
	// program that has started ten thousand others, some seconds.
	settleTime = time.Minute
	// drainTime is how long its output is waited for: without a sandbox,
	// what made itself a session of its own can hold it open.
	drainTime = 5 * time.Second
)

// execute carries a job out. The thread that starts the process stays with it
// to the end: the kernel tells a process of the death of the thread that
// started it (PR_SET_PDEATHSIG(2const)), and Go may end threads before.
func execute(ctx context.Context, p Program, j job) (Outcome, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer j.close()
	w := &watch{p: p, j: j, stop: make(chan struct{}), overrun: make(chan struct{})}
	out := &handover.Printed{To: p.Output, Most: p.Limits.PrintedBytes, Overrun: w.overrun}
	cmd := j.command()
	read, files, err := handover.Connect(cmd)
	if err != nil {
		return Outcome{}, err
	}
	defer read.Close()
	begun := time.Now()
	err = session.Start(cmd)
	handover.CloseAll(files)
	if err != nil {
		return Outcome{}, fmt.Errorf("starting the sandbox: %w", err)
	}
	var watched, copied sync.WaitGroup
	watched.Go(func() { w.run(ctx) })
	copied.Go(func() { _, _ = io.Copy(out, read) }) // out takes everything, and keeps its own error
	v := verdict{p: p, j: j, out: out}
	if v.releaseErr = j.release(); v.releaseErr != nil {
		j.kill()
	}
	waitErr := cmd.Wait()
	close(w.stop)
	watched.Wait()
	settleErr := j.settle()
	o := Outcome{Duration: time.Since(begun), Limit: w.hit}
	_ = read.SetReadDeadline(time.Now().Add(drainTime)) // a pipe has deadlines
	copied.Wait()
	if settleErr != nil {
		return Outcome{}, fmt.Errorf("ending what the program left behind: %w", settleErr)
	}
	if ended, ok := errors.AsType[*exec.ExitError](waitErr); ok {
		o.Exit = session.Status(ended.ProcessState)
	} else if waitErr != nil {
		return Outcome{}, fmt.Errorf("waiting for the program: %w", waitErr)
	}
	return conclude(ctx, o, v)
}

// verdict is what conclude needs beside the outcome so far.
type verdict struct {
	p          Program
	j          job
	out        *handover.Printed
	releaseErr error
}

// conclude tells what the program did from what kept it from running.
func conclude(ctx context.Context, o Outcome, v verdict) (Outcome, error) {
	if err := ctx.Err(); err != nil {
		return Outcome{}, err
	}
	if v.out.Err != nil {
		return Outcome{}, fmt.Errorf("keeping what the program prints: %w", v.out.Err)
	}
	exit, ran := v.j.exit(o.Exit, v.out.Last())
	switch {
	case !ran && o.Limit == NoLimit && (v.releaseErr == nil || v.out.Last() != ""):
		return Outcome{}, v.j.explain(v.out.Last())
	case v.releaseErr != nil && o.Limit == NoLimit:
		return Outcome{}, fmt.Errorf("letting the program run: %w", v.releaseErr)
	}
	o.Exit = exit
	if !ran {
		o.Exit = statusKilled
	}
	if o.Limit == NoLimit && exit == statusFileSize && v.p.Limits.OutputBytes > 0 {
		o.Limit = OutputLimit // no byte of the file need have been written
	}
	if o.Limit == NoLimit {
		o.Limit = finalLimit(v.p, v.out)
	}
	if v.releaseErr != nil {
		return o, nil // a limit was hit before the program ran
	}
	var err error
	if o.Network, err = v.j.network(); err != nil {
		return Outcome{}, fmt.Errorf("reading the counters of the network: %w", err)
	}
	return o, nil
}

// neverRan is the error of a sandbox that gave up, with what it said.
func neverRan(kind Kind, said string) error {
	if said == "" {
		return fmt.Errorf("running a program under %s: it ended before the program began, and said nothing", kind)
	}
	return fmt.Errorf("running a program under %s: %s", kind, escape.Text(said))
}
