//go:build unix

package memory

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"
)

// retryEvery is how often a lock that another holds is tried again: it is held
// for the time of writing one small file.
const retryEvery = 20 * time.Millisecond

// lock takes the lock (flock(2)), which ends with the process at the latest.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err //nolint:wrapcheck // Advance says what for
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			_ = f.Close() // it was not locked
			return nil, err
		}
		select {
		case <-ctx.Done():
			_ = f.Close() // it was not locked
			return nil, ctx.Err()
		case <-time.After(retryEvery):
		}
	}
}
