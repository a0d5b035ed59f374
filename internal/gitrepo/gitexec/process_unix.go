//go:build unix

package gitexec

import (
	"os/exec"
	"syscall"
)

// setGroup makes the program the leader of a session, so of a process group:
// all that it starts can be killed at once, and none of it can ask anything on
// the terminal.
func setGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// Kill kills the program and all that it started.
func Kill(cmd *exec.Cmd) error {
	if cmd.Process == nil {
		return nil
	}
	return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
}
