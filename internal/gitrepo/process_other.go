//go:build !unix

package gitrepo

import "os/exec"

func setGroup(*exec.Cmd) {}

// killGroup kills the program alone; what it started ends when its pipes close.
func killGroup(cmd *exec.Cmd) error {
	if cmd.Process == nil {
		return nil
	}
	return cmd.Process.Kill()
}
