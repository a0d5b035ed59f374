package finding

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/durable"
)

// maxKeptBuilds is of how many failed builds the logs are kept: of the latest.
const maxKeptBuilds = 20

// keepPrefix begins the name of a folder that is not whole yet, and keepAge is when
// one is what a killed process left.
const (
	keepPrefix = ".making-"
	keepAge    = time.Hour
)

// KeepLogs keeps the logs of a failed build, which lie in the folder from, in a new
// folder in dir whose name begins with name, and removes those of the oldest builds
// there. Nothing is kept, and nothing wrong, if there are no logs.
func (l *List) KeepLogs(dir, name, from string) error {
	if _, err := os.Stat(from); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	kept, err := keep(dir, name, from)
	if err != nil {
		return fmt.Errorf("keeping the logs: %w", err)
	}
	l.Logs = kept
	return forget(dir, kept)
}

// keep makes the folder under another name, and renames it when it is whole.
func keep(dir, name, from string) (string, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	temp, err := os.MkdirTemp(dir, keepPrefix+name+"-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(temp) // what is left of it
	whole := filepath.Join(temp, "logs")
	if err := os.Rename(from, whole); err != nil { // another file system
		if err := durable.CopyFolder(whole, from); err != nil {
			return "", err
		}
	}
	kept := filepath.Join(dir, strings.TrimPrefix(filepath.Base(temp), keepPrefix))
	now := time.Now()
	return kept, cmp.Or(os.Rename(whole, kept), os.Chtimes(kept, now, now))
}

// forget removes the oldest folders in dir, but never the one that was just made.
func forget(dir, made string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	type folder struct {
		path string
		time time.Time
	}
	var all []folder
	for _, e := range entries {
		info, err := e.Info()
		path := filepath.Join(dir, e.Name())
		if err != nil || path == made {
			continue // another build was faster
		}
		unfinished := strings.HasPrefix(e.Name(), keepPrefix)
		if unfinished && time.Since(info.ModTime()) > keepAge {
			_ = os.RemoveAll(path) // a later build tries again
		} else if !unfinished {
			all = append(all, folder{path, info.ModTime()})
		}
	}
	slices.SortFunc(all, func(a, b folder) int { return b.time.Compare(a.time) })
	for _, f := range all[min(len(all), maxKeptBuilds-1):] {
		_ = os.RemoveAll(f.path) // a later build tries again
	}
	return nil
}
