package durable

import (
	"cmp"
	"io"
	"os"
	"path/filepath"
)

// WriteNew makes a new file, readable by all, with all that r gives, and writes it
// to the disk; the name is not: see SyncFolder. The error is that of r or of the
// file system.
func WriteNew(path string, r io.Reader) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return cmp.Or(err, f.Chmod(0o644), f.Sync(), f.Close())
}

// CopyFolder copies a folder of files and folders to a new one, all of it written
// to the disk. The error is that of the file system.
func CopyFolder(to, from string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	if err := os.Mkdir(to, 0o755); err != nil {
		return err
	}
	for _, e := range entries {
		source, target := filepath.Join(from, e.Name()), filepath.Join(to, e.Name())
		if e.IsDir() {
			err = CopyFolder(target, source)
		} else {
			err = copyFile(target, source)
		}
		if err != nil {
			return err
		}
	}
	return SyncFolder(to)
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	return WriteNew(to, in)
}

// SyncFolder writes the names in a folder to the disk.
func SyncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return cmp.Or(d.Sync(), d.Close())
}
