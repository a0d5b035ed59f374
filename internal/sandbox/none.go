package sandbox

import (
	"errors"
	"os/exec"

	"github.com/countermark/countermark/internal/sandbox/handover"
	"github.com/countermark/countermark/internal/sandbox/namespace"
	"github.com/countermark/countermark/internal/sandbox/restraint"
	"github.com/countermark/countermark/internal/sandbox/session"
)

// unconfined is a run with nothing around it.
type unconfined struct {
	p    Program
	cmd  *exec.Cmd
	gate *handover.Gate
}

func unsafeNone(p Program) (job, error) {
	g, err := handover.NewGate()
	if err != nil {
		return nil, err
	}
	arguments := p.shellArguments(heldSetUp)
	cmd := exec.Command(arguments[0], arguments[1:]...)
	cmd.Env, cmd.Dir, cmd.ExtraFiles = []string{}, p.Dir, g.Theirs
	session.Separate(cmd)
	session.EndWithParent(cmd)
	return &unconfined{p: p, cmd: cmd, gate: g}, nil
}

func (u *unconfined) command() *exec.Cmd { return u.cmd }

func (u *unconfined) release() error {
	handover.CloseAll(u.gate.Theirs)
	if there, err := u.gate.Wait(); err != nil || !there {
		return err
	}
	if err := restraint.Set(u.cmd.Process.Pid, u.p.restraint(false)); err != nil {
		return err
	}
	return u.gate.Open()
}

func (u *unconfined) processes(int) int { return 0 }

func (u *unconfined) kill() { session.Kill(u.cmd) }

func (u *unconfined) settle() error {
	u.kill() // the group's number is not given out anew as long as it has a process
	return nil
}

func (u *unconfined) exit(status int, _ string) (int, bool) { return status, true }

func (u *unconfined) network() (namespace.Network, error) { return namespace.Network{}, nil }

func (u *unconfined) explain(string) error { return errors.New("the program did not run") }

func (u *unconfined) close() { u.gate.Close() }
