// Package scratch is the folders in which builds happen: of this user, held as long
// as they are in use, and removed afterwards, by a later build if need be.
package scratch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
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
func (f *Folder) Remove() error { return errors.Join(clearAway(f.Dir), f.held.Close()) }

// clearAway removes a folder and all in it, the lock last: what is left of one whose
// process is killed meanwhile, the next build still knows as such.
func clearAway(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return RemoveAll(dir)
	}
	for _, e := range entries {
		if e.Name() != lockName {
			err = errors.Join(err, RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	return errors.Join(err, RemoveAll(dir))
}

// emptyAge is when an empty folder without a lock is what a killed process left, which
// had only just made it.
const emptyAge = time.Hour

// RemoveStale removes the folders of builds that were killed: those that nobody
// holds locked any more. One without a lock is being made, or empty and old.
func RemoveStale(parent, prefix string) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	for _, e := range entries {
		dir := filepath.Join(parent, e.Name())
		if !e.IsDir() || !strings.HasPrefix(e.Name(), prefix) || !isOwn(dir) {
			continue
		}
		if _, err := os.Lstat(filepath.Join(dir, lockName)); err != nil {
			if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > emptyAge {
				_ = os.Remove(dir) // nothing but an empty one
			}
		} else if held, err := lock(dir); err == nil {
			_ = clearAway(dir) // the next build tries again
			_ = held.Close()   // nothing was written
		}
	}
}
