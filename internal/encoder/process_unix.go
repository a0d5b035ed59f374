//go:build unix

package encoder

import (
	"os/exec"
	"syscall"
)

// setGroup makes the program the leader of a session, so of a process group:
// all that it starts can be killed at once, and no key on the terminal ends it
// before we do.
func setGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// kill kills the program and all that it started.
func kill(cmd *exec.Cmd) error {
	if cmd.Process == nil {
		return nil
	}
	return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
}
