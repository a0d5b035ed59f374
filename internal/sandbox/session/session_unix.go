//go:build unix

package session

import (
	"os"
	"os/exec"
	"syscall"
)

// Separate makes the program the leader of a session, so of a process group:
// it has no terminal, and all that it starts can be killed at once.
func Separate(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// Kill kills the program and what it has started. After its end, the
// number of its group is not given to others while one of the group lives; a
// new process with the number would have to come up in the moment in between.
func Kill(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // an error: none is left

// Status returns the status as shells have it.
func Status(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}
