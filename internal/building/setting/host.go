package setting

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/countermark/countermark/internal/building/finding"
	"github.com/countermark/countermark/internal/digest"
)

// packageDatabases are where the package managers of systems keep what is installed,
// with versions: dpkg, apk, rpm (two places), pacman. Of a folder its names count.
func packageDatabases() []string {
	return []string{"/var/lib/dpkg/status", "/lib/apk/db/installed", "/var/lib/rpm/rpmdb.sqlite", "/usr/lib/sysimage/rpm/rpmdb.sqlite", "/var/lib/pacman/local"}
}

// hostID stands for this machine in the keys of tools that were built on it. Which
// of its files such a build reads is not known beforehand, and of what it read the
// declared tools are only a part; so everything counts that a change of programs,
// headers or libraries shows in: the packages with their versions, and, for what no
// package manager watches, name, size, mode and times of whatever lies in the folders
// of programs and anywhere in /usr/local. A tool is built anew too often rather than
// once too seldom.
func hostID(system string) digest.SHA256 {
	s := finding.NewSum()
	_, _ = fmt.Fprintf(s, "host 2\n%s\n%s\n", system, runtime.GOARCH)
	for _, name := range packageDatabases() {
		if names, err := os.ReadDir(name); err == nil {
			for _, e := range names {
				_, _ = fmt.Fprintf(s, "%q\n", e.Name())
			}
		} else if f, err := os.Open(name); err == nil {
			_, _ = s.ReadFrom(f)
			_ = f.Close()
		}
	}
	for dir := range strings.SplitSeq(SystemPath, ":") {
		stamp(s, dir, false)
	}
	stamp(s, "/usr/local", true)
	return s.Digest()
}

// stamp adds what lies in a folder, or anywhere below it, by name, size, mode, time
// and target. What cannot be read is as if it were not there.
func stamp(s finding.Sum, dir string, below bool) {
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	}
	_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if info, err := e.Info(); err == nil {
			target, _ := os.Readlink(path) // "" of what is no link
			_, _ = fmt.Fprintf(s, "%q %d %v %d %q\n", path, info.Size(), info.Mode(), info.ModTime().UnixNano(), target)
		}
		if e.IsDir() && path != dir && !below {
			return fs.SkipDir
		}
		return nil
	})
}
