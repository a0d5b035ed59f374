package trust

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/rootfile"
)

// systemRoots is where an administrator or a distribution installs root files.
const systemRoots = "/etc/countermark/roots"

// Installed returns the root that is installed for archives of the given base
// names, zero if there is none: of several the one whose pattern is narrower than
// all others. That there is no such, or that a file cannot be read, is an error:
// nothing is passed over.
func Installed(names []string) (rootfile.Root, error) {
	all, err := installed()
	if err != nil {
		return rootfile.Root{}, err
	}
	all = slices.DeleteFunc(all, func(r rootfile.Root) bool { return !namesAll(r, names) })
	if len(all) == 0 {
		return rootfile.Root{}, nil
	}
	for _, r := range all {
		rival := slices.IndexFunc(all, func(other rootfile.Root) bool { return other != r && !r.Narrower(other) })
		if rival < 0 {
			return r, nil
		}
	}
	rival := slices.IndexFunc(all, func(other rootfile.Root) bool { return other != all[0] })
	return rootfile.Root{}, report.UsageFailure("name one with --root, or remove the other", "two roots are installed for such archives: of %s, and of %s", escape.Quote(all[0].Project), escape.Quote(all[rival].Project))
}

// installed reads all root files.
func installed() ([]rootfile.Root, error) {
	dirs := []string{systemRoots}
	if config, err := os.UserConfigDir(); err == nil {
		dirs = append(dirs, filepath.Join(config, "countermark", "roots"))
	}
	var found []rootfile.Root
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, report.UsageFailure("", "looking for installed roots: %v", err)
		}
		for _, e := range entries {
			if !strings.HasSuffix(e.Name(), rootfile.Extension) {
				continue
			}
			r, err := readRootFile(filepath.Join(dir, e.Name()))
			if err != nil {
				return nil, err
			}
			found = append(found, r)
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
