//go:build !linux

package debian

import "os/exec"

// separate does nothing: apt and mmdebstrap are not on this system.
func separate(*exec.Cmd) {}

func endAll(*exec.Cmd) {}
