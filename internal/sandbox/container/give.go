package container

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Give makes a user the owner of all that lies below some folders, which nobody may
// write to meanwhile. It follows no link.
func Give(folders []string, user, group int) error {
	var failed error
	for _, folder := range folders {
		failed = errors.Join(failed, filepath.WalkDir(folder, func(name string, _ fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			return os.Lchown(name, user, group)
		}))
	}
	return failed
}
