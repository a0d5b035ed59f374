// Package scratch is the folders in which builds happen: of this user, held as long
// as they are in use, and removed afterwards, by a later build if need be.
package scratch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// lockName is the file in a folder that its build holds locked.
const lockName = "lock"

// Folder is a folder that is in use. Remove must be called.
type Folder struct {
	Dir  string
	held *os.File
}

// New makes a folder in parent; its name begins with the prefix.
func New(parent, prefix string) (*Folder, error) {
	dir, err := os.MkdirTemp(parent, prefix+"*")
	if err != nil {
		return nil, fmt.Errorf("making a folder to build in: %w", err)
	}
	held, err := lock(dir)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("making a folder to build in: %w", err), os.RemoveAll(dir))
	}
	return &Folder{dir, held}, nil
}

// Remove removes the folder and all in it.
func (f *Folder) Remove() error { return errors.Join(RemoveAll(f.Dir), f.held.Close()) }

// RemoveStale removes the folders of builds that were killed: those that nobody
// holds locked any more. One without a lock is being made.
func RemoveStale(parent, prefix string) {
	folders, err := filepath.Glob(filepath.Join(parent, prefix+"*"))
	if err != nil {
		return
	}
	for _, dir := range folders {
		if _, err := os.Lstat(filepath.Join(dir, lockName)); err != nil || !isOwn(dir) {
			continue
		}
		if held, err := lock(dir); err == nil {
			_ = RemoveAll(dir) // the next build tries again
			_ = held.Close()   // nothing was written
		}
	}
}
