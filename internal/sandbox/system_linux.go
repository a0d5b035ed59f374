package sandbox

import (
	"os/exec"
	"syscall"
)

// endWithParent has the kernel kill the program when this process dies.
func endWithParent(cmd *exec.Cmd) { cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL }
