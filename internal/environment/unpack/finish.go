package unpack

import (
	"slices"

	"github.com/countermark/countermark/internal/refusal"
)

// Directories makes the directories that are not there, and refuses what has the
// name of one and is none.
func (f *Folder) Directories(names ...string) error {
	for _, name := range names {
		info, err := f.lstat(name)
		if err == nil && info == nil {
			err = wrap(f.root.Mkdir(name, dirMode))
		}
		if err != nil {
			return err
		}
		if info != nil && !info.IsDir() {
			return refuse(refusal.NamePrefix, name, "it must be a directory")
		}
	}
	return nil
}

// Finish sets the times of directories. Nothing may be laid out afterwards.
func (f *Folder) Finish() error {
	dirs := make([]string, 0, len(f.times))
	for dir := range f.times {
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	for _, dir := range dirs {
		info, err := f.lstat(dir)
		if err != nil {
			return err
		}
		if info == nil || !info.IsDir() { // a later layer has removed it
			continue
		}
		if err := f.root.Chtimes(dir, f.times[dir], f.times[dir]); err != nil {
			return wrap(err)
		}
	}
	return nil
}
