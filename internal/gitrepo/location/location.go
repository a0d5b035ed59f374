// Package location finds where the objects and refs of a local repository lie,
// without running git (gitrepository-layout(5)).
package location

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// ErrNone says that no repository was found. Callers may test for it.
var ErrNone = errors.New("no git repository")

// MaxPointerBytes is the longest ".git" or "commondir" file that is read: a
// path and a few words.
const MaxPointerBytes = 8192

// Discover looks for the repository that a directory belongs to, as git does
// (git(1), "GIT_DISCOVERY_ACROSS_FILESYSTEM" aside), without running it: the
// directory or one above it holds ".git", or is itself a bare repository. It
// returns a path for Locate. The error wraps ErrNone if there is none.
func Discover(dir string) (string, error) {
	start, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("looking for a repository at %q: %v", dir, err)
	}
	for at := start; ; at = filepath.Dir(at) {
		if _, err := Locate(at); err == nil {
			return at, nil
		} else if !errors.Is(err, ErrNone) {
			return "", err
		}
		if filepath.Dir(at) == at {
			return "", fmt.Errorf("looking for a repository at %q and above: %w", start, ErrNone)
		}
	}
}

// Locate returns the directory that holds the objects and refs of the
// repository at path, absolute: path may be a work tree, a ".git" directory or
// file, or a bare repository (gitrepository-layout(5)). The error wraps
// ErrNone unless something is there but broken.
func Locate(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("opening repository %q: %v", path, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("opening repository %q: %w: %v", path, ErrNone, err)
	}
	if !info.IsDir() {
		return follow(path)
	}
	inner := filepath.Join(path, ".git")
	if info, err := os.Stat(inner); err == nil {
		if info.Mode().IsRegular() {
			return follow(inner)
		}
		if common, err := commonDir(inner); err == nil {
			return common, nil
		}
	}
	common, err := commonDir(path)
	if err != nil {
		return "", fmt.Errorf("opening repository %q: %w: %v", path, ErrNone, err)
	}
	return common, nil
}

// follow reads a file that says "gitdir: PATH": that of a linked work tree, of
// a submodule or of a separate git directory.
func follow(file string) (string, error) {
	text, err := ReadPointer(file)
	if err != nil {
		return "", fmt.Errorf("opening repository %q: %v", file, err)
	}
	target, found := strings.CutPrefix(text, "gitdir: ")
	if !found {
		return "", fmt.Errorf("opening repository %q: the file does not begin with \"gitdir: \"", file)
	}
	common, err := commonDir(against(filepath.Dir(file), target))
	if err != nil {
		return "", fmt.Errorf("opening repository %q, to which %q points: %v", target, file, err)
	}
	return common, nil
}

// commonDir checks that a directory looks like git's own and returns the one
// that it shares with the main work tree: itself, or what its file commondir
// names.
func commonDir(gitDir string) (string, error) {
	if _, err := os.Lstat(filepath.Join(gitDir, "HEAD")); err != nil {
		return "", errors.New("it has no HEAD")
	}
	common := gitDir
	if text, err := ReadPointer(filepath.Join(gitDir, "commondir")); err == nil {
		common = against(gitDir, text)
	} else if !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	for _, name := range []string{"objects", "refs"} {
		if info, err := os.Stat(filepath.Join(common, name)); err != nil || !info.IsDir() {
			return "", fmt.Errorf("it has no directory %s", name)
		}
	}
	return common, nil
}

// against returns path, taken relative to base unless it is absolute.
func against(base, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(base, path)
}

// ReadPointer reads a small regular file without the line ends at its end.
func ReadPointer(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err //nolint:wrapcheck // the callers test for os.ErrNotExist
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%q is no regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("reading %q: %v", path, err)
	}
	defer f.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(f, MaxPointerBytes+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("reading %q: %v", path, err)
	case len(text) > MaxPointerBytes:
		return "", fmt.Errorf("reading %q: the file is longer than %d bytes", path, MaxPointerBytes)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}
