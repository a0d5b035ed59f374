//go:build !linux

package sandbox

import (
	"context"
	"errors"
	"os/exec"
)

func findBubblewrap(context.Context) (*Sandbox, error) {
	return nil, errors.New("looking for bubblewrap: it runs on Linux only")
}

func (s *Sandbox) bubblewrap(Program) (job, error) {
	return nil, errors.New("bubblewrap runs on Linux only")
}

func endWithParent(*exec.Cmd) {}

func ulimits() []string { return nil }

// restrain can do nothing here: the size of files is looked at while the
// program runs.
func restrain(_ int, p Program, _ bool) error {
	if p.CPUs != 0 {
		return errors.New("the number of processors can be limited on Linux only")
	}
	return nil
}
