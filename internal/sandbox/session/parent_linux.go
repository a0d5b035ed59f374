package session

import (
	"os/exec"
	"syscall"
)

// EndWithParent has the kernel kill the program when this process dies.
func EndWithParent(cmd *exec.Cmd) { cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL }
