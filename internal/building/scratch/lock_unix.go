//go:build unix

package scratch

import (
	"os"
	"path/filepath"
	"syscall"
)

// lock marks a folder as in use, by whatever process on whatever machine shares
// it, until that process ends (flock(2)). The file is to be kept open.
func lock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close() // it was not locked
		return nil, err
	}
	return f, nil
}

// isOwn reports whether a folder is this user's: others may make theirs where
// everybody may.
func isOwn(dir string) bool {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() {
		return false
	}
	about, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(about.Uid) == os.Geteuid()
}
