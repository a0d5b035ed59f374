//go:build !unix

package memory

import (
	"context"
	"errors"
	"os"
	"time"
)

// retryEvery is how often a lock that another holds is tried again.
const retryEvery = 20 * time.Millisecond

// staleAfter is how old a lock is that a killed process has left: it is held
// for the time of writing one small file.
const staleAfter = time.Minute

// lock takes the lock: a file that only one process can make.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	for {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err == nil {
			return func() { _ = errors.Join(f.Close(), os.Remove(path)) }, nil
		}
		if !errors.Is(err, os.ErrExist) && !errors.Is(err, os.ErrPermission) {
			return nil, err
		}
		if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > staleAfter {
			_ = os.Remove(path) // another may be doing so, too
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(retryEvery):
		}
	}
}
