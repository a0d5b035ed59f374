//go:build !unix

package encoder

import "os/exec"

func setGroup(*exec.Cmd) {}

// kill kills the program alone; what it started ends when its pipes close.
func kill(cmd *exec.Cmd) error {
	if cmd.Process == nil {
		return nil
	}
	return cmd.Process.Kill()
}
