package opened

import (
	"encoding/binary"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/countermark/countermark/internal/tree"
)

// Watcher watches files. End must be called.
type Watcher struct {
	fd    int // of inotify(7), -1 for none
	paths map[int32]tree.Path
}

// Watch watches files below a folder: by their inodes, so whatever name or place they
// have for a program. One that cannot be watched is not.
func Watch(dir string, paths []tree.Path) *Watcher {
	w := &Watcher{fd: -1, paths: make(map[int32]tree.Path)}
	if len(paths) == 0 {
		return w
	}
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return w
	}
	w.fd = fd
	for _, p := range paths {
		// Once is enough, and leaves room for the events of the others.
		id, err := unix.InotifyAddWatch(fd, filepath.Join(dir, filepath.FromSlash(string(p))), unix.IN_OPEN|unix.IN_ONESHOT|unix.IN_DONT_FOLLOW)
		if err == nil {
			w.paths[int32(id)] = p
		}
	}
	return w
}

// eventBytes is the length of an event of a file: its name, the last field, is empty.
const eventBytes = unix.SizeofInotifyEvent

// End ends the watch and returns the files that were opened, sorted.
func (w *Watcher) End() []tree.Path {
	if w.fd < 0 {
		return nil
	}
	defer unix.Close(w.fd) //nolint:errcheck // nothing was written
	var opened []tree.Path
	buffer := make([]byte, 1024*eventBytes)
	for {
		n, err := unix.Read(w.fd, buffer)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n < eventBytes {
			break
		}
		for event := buffer[:n]; len(event) >= eventBytes; event = event[eventBytes:] {
			id, mask := int32(binary.NativeEndian.Uint32(event)), binary.NativeEndian.Uint32(event[4:])
			if p, ok := w.paths[id]; ok && mask&unix.IN_OPEN != 0 {
				opened = append(opened, p)
			}
		}
	}
	slices.Sort(opened)
	return slices.Compact(opened)
}
