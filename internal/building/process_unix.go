//go:build unix

package building

import (
	"errors"
	"os"
	"syscall"
)

// isRunning reports whether there is a process of this id.
func isRunning(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

// isOwn reports whether a folder is this user's: others may make theirs where
// everybody may.
func isOwn(dir string) bool {
	info, err := os.Lstat(dir)
	if err != nil {
		return false
	}
	about, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(about.Uid) == os.Geteuid()
}
