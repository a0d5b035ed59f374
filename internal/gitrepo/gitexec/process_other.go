//go:build !unix

package gitexec

import "os/exec"

func setGroup(*exec.Cmd) {}

// Kill kills the program alone; what it started ends when its pipes close.
func Kill(cmd *exec.Cmd) error {
	if cmd.Process == nil {
		return nil
	}
	return cmd.Process.Kill()
}
