//go:build unix

package worktree

import (
	"time"

	"golang.org/x/sys/unix"
)

// nonBlocking keeps opening a FIFO that took a file's place from waiting for a
// writer.
const nonBlocking = unix.O_NONBLOCK

// linkTime sets the times of a link itself, which package os cannot.
func linkTime(path string, t time.Time) error {
	spec, err := unix.TimeToTimespec(t)
	if err != nil {
		return err //nolint:wrapcheck // the caller names the path
	}
	return unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{spec, spec}, unix.AT_SYMLINK_NOFOLLOW) //nolint:wrapcheck // as above
}
