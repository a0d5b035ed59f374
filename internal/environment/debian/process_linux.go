package debian

import (
	"os"
	"os/exec"
	"syscall"
)

// separate makes the program the leader of a session, so of a process group: a
// signal of the terminal reaches us alone. As root it also gets mounts of its
// own: what mmdebstrap mounts is nowhere else, and is gone with it, however it
// ends; else its folder could not be removed, or worse, what is mounted there.
func separate(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr.Unshareflags = syscall.CLONE_NEWNS
	}
	// All at once are asked to end, as by a terminal: mmdebstrap then cleans up.
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
}

// endAll kills whatever is left of the program's group.
func endAll(cmd *exec.Cmd) {
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
}
