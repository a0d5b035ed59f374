package trust

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/rootfile"
)

// systemRoots is where an administrator or a distribution installs root files.
const systemRoots = "/etc/countermark/roots"

// Installed returns the root that is installed for archives of the given base
// names, zero if there is none. That two are, for different projects, or that one
// cannot be read, is an error: nothing is passed over.
func Installed(names []string) (rootfile.Root, error) {
	dirs := []string{systemRoots}
	if config, err := os.UserConfigDir(); err == nil {
		dirs = append(dirs, filepath.Join(config, "countermark", "roots"))
	}
	var found rootfile.Root
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return found, fmt.Errorf("looking for installed roots: %w", err)
		}
		for _, e := range entries {
			if !strings.HasSuffix(e.Name(), rootfile.Extension) {
				continue
			}
			r, err := readRootFile(filepath.Join(dir, e.Name()))
			if err != nil {
				return found, err
			}
			if !namesAll(r, names) || r == found {
				continue
			}
			if found != (rootfile.Root{}) {
				return rootfile.Root{}, report.UsageFailure("name one with --root, or remove the other", "two roots are installed for such archives: of %s, and of %s", escape.Quote(found.Project), escape.Quote(r.Project))
			}
			found = r
		}
	}
	return found, nil
}

func readRootFile(path string) (rootfile.Root, error) {
	data, err := ReadFile(path, rootfile.MaxBytes)
	if err != nil {
		return rootfile.Root{}, err
	}
	r, err := rootfile.Parse(data)
	if err != nil {
		return r, &report.Failure{Code: report.Rejected, File: path, Detail: fmt.Sprintf("%s: %v", escape.Quote(path), err), Hint: "docs/spec/release.md, \"Installed roots\", has the grammar"}
	}
	return r, nil
}

// namesAll reports whether all of the names, of which there is one at least, are of
// archives of the root's project.
func namesAll(r rootfile.Root, names []string) bool {
	for _, name := range names {
		if !r.Names(name) {
			return false
		}
	}
	return len(names) > 0
}
