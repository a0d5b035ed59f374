//go:build !unix

package session

import (
	"os"
	"os/exec"
)

// Separate can do nothing here.
func Separate(*exec.Cmd) {}

// Kill kills the program alone.
func Kill(cmd *exec.Cmd) { _ = cmd.Process.Kill() } // an error: it has ended

// Status returns the exit status.
func Status(state *os.ProcessState) int { return state.ExitCode() }
