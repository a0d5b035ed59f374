//go:build !linux

package sandbox

import (
	"context"
	"errors"
)

func findBubblewrap(context.Context) (*Sandbox, error) {
	return nil, errors.New("looking for bubblewrap: it runs on Linux only")
}

func (s *Sandbox) bubblewrap(Program) (job, error) {
	return nil, errors.New("bubblewrap runs on Linux only")
}
