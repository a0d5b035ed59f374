// Package view is what a sandboxed program sees of the files of a machine, or of
// a root filesystem: which of them, and where.
package view

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/sandbox/etc"
)

// Entry is a file or folder that is shown read-only, or a symbolic link.
type Entry struct {
	Target string // absolute path inside
	Source string // absolute path outside, "" for a link
	Link   string // what a link holds, "" for what is none
}

// Of returns the programs and libraries of a root filesystem, and what of /etc
// goes with them; of this machine's if root is "". Parents come before what
// lies in them.
//
// Other things are shown at the targets. The top folders that those lie in are made
// anew, and are not the root filesystem's: bubblewrap follows links when it makes
// folders, and a link of a foreign root filesystem could lead it out of that.
func Of(root string, targets ...string) ([]Entry, error) {
	host := root == ""
	shown := func(name string) bool {
		return !slices.Contains(etc.MadeTop, name) && !slices.ContainsFunc(targets, func(target string) bool { return top(target) == name })
	}
	inEtc := func(name string) bool { return !isOwnEtc(name) }
	if host {
		root = "/"
		shown = func(name string) bool { return slices.Contains(etc.HostTop, name) }
		inEtc = isHostEtc
	} else if info, err := os.Lstat(filepath.Join(root, "etc")); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("looking at a root filesystem: %s is no folder", filepath.Join(root, "etc")) // a link may lead to another's
	}
	all, err := entries(root, "/", shown)
	if err != nil {
		return nil, err
	}
	below, err := entries(filepath.Join(root, "etc"), "/etc", inEtc)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	all = append(all, below...)
	for _, store := range etc.HostStores {
		if host && IsFolder(store) {
			all = append(all, Entry{Target: store, Source: store})
		}
	}
	return all, nil
}

// administrators is where an administrator may have put secrets beside the
// programs.
const administrators = "/usr/local/etc"

// Hidden returns the folders that Of shows and that are to look empty.
func Hidden(root string) []string {
	if root == "" && IsFolder(administrators) {
		return []string{administrators}
	}
	return nil
}

// Private returns the folders that each program has for itself, empty at first.
func Private(root string) []string {
	private := []string{"/tmp", "/dev/shm", "/run"}
	isReal := func(name string) bool {
		info, err := os.Lstat(filepath.Join(root, name))
		return err == nil && info.IsDir()
	}
	if root == "" || isReal("var") && isReal("var/tmp") {
		private = append(private, "/var/tmp")
	}
	return private
}

// top returns the name of the top folder that an absolute path lies in.
func top(target string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(target, "/"), "/")
	return name
}

// IsFolder reports whether there is a folder of the name.
func IsFolder(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// entries returns the chosen entries of a folder. What is no file, folder or
// link is left out.
func entries(from, at string, chosen func(string) bool) ([]Entry, error) {
	list, err := os.ReadDir(from)
	if err != nil {
		return nil, err
	}
	var all []Entry
	for _, e := range list {
		if !chosen(e.Name()) {
			continue
		}
		source, target := filepath.Join(from, e.Name()), path.Join(at, e.Name())
		switch {
		case e.Type()&os.ModeSymlink != 0:
			to, err := os.Readlink(source)
			if err != nil {
				return nil, err
			}
			all = append(all, Entry{Target: target, Link: to})
		case e.IsDir() || e.Type().IsRegular():
			all = append(all, Entry{Target: target, Source: source})
		}
	}
	return all, nil
}

func isOwnEtc(name string) bool {
	return slices.ContainsFunc(etc.Own(0, 0, "", ""), func(f etc.File) bool { return f.Name == name })
}

func isHostEtc(name string) bool {
	return slices.Contains(etc.Host, name) || slices.ContainsFunc(etc.HostPatterns, func(pattern string) bool {
		ok, _ := path.Match(pattern, name)
		return ok
	})
}
