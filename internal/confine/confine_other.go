//go:build !linux

package confine

import (
	"os"
	"os/exec"
)

// startConfined starts cmd without confinement: the system has none that this
// package knows.
func startConfined(cmd *exec.Cmd) (string, error) { return "not confined", cmd.Start() }

func limit(pid int, addressBytes int64) error { return nil }

func enlarge(pipe *os.File) {}
