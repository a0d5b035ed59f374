//go:build unix

package handover

import (
	"os"
	"strconv"
	"syscall"
)

// sealDescriptors marks all that this process has open to be closed in programs
// that it starts: what it inherited itself is not marked so, and would reach a
// program inside.
func sealDescriptors() error {
	entries, err := os.ReadDir("/dev/fd")
	if err != nil {
		return err
	}
	for _, e := range entries {
		if fd, err := strconv.Atoi(e.Name()); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
	return nil
}
