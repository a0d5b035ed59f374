package scratch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// RemoveAll removes a folder in which a program may have taken rights away, or made
// folders within folders, deeper than any path can name.
func RemoveAll(dir string) error {
	if err := os.RemoveAll(dir); err == nil {
		return nil
	}
	return removeFlat(dir)
}

// removeFlat moves every folder below dir into one of ours, where its path is short,
// and empties it there.
func removeFlat(dir string) (err error) {
	if err := os.Chmod(dir, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	pit, err := os.MkdirTemp(dir, "removing-*")
	if err != nil {
		return errors.Join(err, root.Close())
	}
	f := &flattener{root: root, pit: filepath.Base(pit)}
	err = f.empty(".")
	for i := 0; i < f.moved && err == nil; i++ {
		folder := filepath.Join(f.pit, strconv.Itoa(i))
		if err = f.empty(folder); err == nil {
			err = root.Remove(folder)
		}
	}
	if err == nil {
		err = root.Remove(f.pit)
	}
	if err = errors.Join(err, root.Close()); err != nil {
		return err
	}
	return os.Remove(dir)
}

// flattener is one run of removeFlat.
type flattener struct {
	root  *os.Root
	pit   string // name of the folder into which others are moved
	moved int    // so many, named by their number
}

// empty removes the files of a folder, and moves its folders.
func (f *flattener) empty(folder string) error {
	entries, err := fs.ReadDir(f.root.FS(), filepath.ToSlash(folder))
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := filepath.Join(folder, e.Name())
		switch {
		case name == f.pit:
			continue
		case e.IsDir():
			if err = f.root.Chmod(name, 0o700); err == nil { // else it can be neither moved nor read
				err = f.root.Rename(name, filepath.Join(f.pit, strconv.Itoa(f.moved)))
			}
			f.moved++
		default:
			err = f.root.Remove(name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
