// Package amount measures what lies below folders.
package amount

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// Amount is what lies below some folders.
type Amount struct {
	Bytes      int64 // the sizes of the files together
	Files      int   // files and folders, also the folders themselves
	Unreadable bool  // there may be more: something could not be looked into
	Deep       bool  // so it is because a path would be too long
}

// Most is how much is counted; 0 is no bound.
type Most struct {
	Bytes int64
	Files int
}

func (m Most) reached(a Amount) bool {
	return m.Bytes > 0 && a.Bytes >= m.Bytes || m.Files > 0 && a.Files >= m.Files
}

// Of counts each folder once, and no further than to what is most. It follows no
// link.
func Of(folders []string, most Most) Amount {
	var a Amount
	for i, folder := range folders {
		if slices.Contains(folders[:i], folder) {
			continue
		}
		// The function returns no error but SkipAll, so neither does WalkDir.
		_ = filepath.WalkDir(folder, func(_ string, d fs.DirEntry, err error) error { return a.add(d, err, most) })
	}
	return a
}

func (a *Amount) add(d fs.DirEntry, err error, most Most) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil // gone meanwhile
	}
	if err != nil || d == nil {
		a.Deep = a.Deep || errors.Is(err, syscall.ENAMETOOLONG)
		a.Unreadable = true
		return nil
	}
	a.Files++
	if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
		a.Bytes += min(info.Size(), math.MaxInt64-a.Bytes)
	}
	if most.reached(*a) {
		return filepath.SkipAll
	}
	return nil
}
