//go:build !linux

package environment

import (
	"io/fs"
	"os"
	"path/filepath"
)

// SyncFolder has everything below a folder on the disk.
func SyncFolder(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return nil // one that is read-only is written by the system, sooner or later
		}
		defer f.Close()
		return f.Sync()
	})
}
