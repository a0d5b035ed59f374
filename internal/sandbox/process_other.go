//go:build !unix

package sandbox

import (
	"os"
	"os/exec"
)

func separate(*exec.Cmd) {}

// killGroup kills the program alone.
func killGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() } // an error: it has ended

func exitStatus(state *os.ProcessState) int { return state.ExitCode() }
