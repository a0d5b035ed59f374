// Package toolshed keeps tools that were built from source, so that the next build
// has them: each in a folder named by the key of all that its build depended on.
// Beside the files lies the digest of all of them as they were when they were kept.
// They are hashed again whenever they are used: so a disk that forgets is noticed,
// and a program that writes where it should not. Whoever writes files and digest can
// deceive it.
package toolshed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/countermark/countermark/internal/building/finding"
	"github.com/countermark/countermark/internal/building/scratch"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/durable"
	"github.com/countermark/countermark/internal/environment"
	"github.com/countermark/countermark/internal/worktree"
)

// What a kept tool's folder holds.
const (
	filesName = "files"
	sumName   = "sha256"
)

// sumBytes is how long a digest and a line end are.
const sumBytes = 65

// Shed is the folder of kept tools. Several processes may use it at once.
type Shed struct{ dir string }

// Open returns the shed in a folder, which is made if it is not there.
func Open(dir string) (*Shed, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the folder of tools: %w", err)
	}
	return &Shed{dir}, nil
}

// State is what a tool was found to be.
type State uint8

// The states. The zero value is none.
const (
	Absent  State = iota + 1 // it was never kept
	Intact                   // it is what was kept
	Altered                  // it is something else, and was removed
)

// Find looks for a tool and hashes it. The folder is where its files are if it is
// intact.
func (s *Shed) Find(ctx context.Context, key digest.SHA256) (State, string, error) {
	dir := filepath.Join(s.dir, key.String())
	if _, err := os.Lstat(dir); errors.Is(err, os.ErrNotExist) {
		return Absent, "", nil
	} else if err != nil {
		return 0, "", fmt.Errorf("looking for a kept tool: %w", err)
	}
	files := filepath.Join(dir, filesName)
	want, err := readSum(filepath.Join(dir, sumName))
	if err == nil {
		var got digest.SHA256
		if got, err = measure(ctx, files); err == nil && got == want {
			return Intact, files, nil
		}
	}
	if ctx.Err() != nil {
		return 0, "", ctx.Err()
	}
	// Whatever is wrong with it, it is not what was kept.
	return Altered, "", s.remove(dir)
}

// Keep keeps what was installed in a folder, which is moved, and returns where its
// files are. It is on the disk when it appears. The error is a *refusal.Refusal if
// there is a name that worktree.Read refuses.
func (s *Shed) Keep(ctx context.Context, key digest.SHA256, installed string) (string, error) {
	sum, err := measure(ctx, installed)
	if err != nil {
		return "", err
	}
	temp, err := scratch.New(s.dir, ".keeping-")
	if err != nil {
		return "", err
	}
	final := filepath.Join(s.dir, key.String())
	err = s.keep(temp.Dir, final, installed, sum)
	if err = errors.Join(err, temp.Remove()); err != nil {
		return "", fmt.Errorf("keeping a tool: %w", err)
	}
	return filepath.Join(final, filesName), nil
}

func (s *Shed) keep(temp, final, installed string, sum digest.SHA256) error {
	whole := filepath.Join(temp, "tool")
	if err := os.Mkdir(whole, 0o755); err != nil {
		return err
	}
	if err := os.Rename(installed, filepath.Join(whole, filesName)); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(whole, sumName), []byte(sum.String()+"\n"), 0o644); err != nil {
		return err
	}
	if err := environment.SyncFolder(whole); err != nil {
		return err
	}
	if err := os.Rename(whole, final); err != nil {
		// Another build may have been faster: the same was made of the same.
		if _, there := os.Lstat(filepath.Join(final, sumName)); there != nil {
			return err
		}
	}
	return durable.SyncFolder(s.dir)
}

// remove takes a tool out of the shed: its name first, so that no build finds half
// of it.
func (s *Shed) remove(dir string) error {
	scratch.RemoveStale(s.dir, ".keeping-")
	temp, err := scratch.New(s.dir, ".keeping-")
	if err != nil {
		return err
	}
	err = os.Rename(dir, filepath.Join(temp.Dir, "tool"))
	if errors.Is(err, os.ErrNotExist) {
		err = nil // another build was faster
	}
	if err = errors.Join(err, temp.Remove()); err != nil {
		return fmt.Errorf("removing a kept tool that was changed: %w", err)
	}
	return nil
}

// readSum reads the digest that was written when the tool was kept.
func readSum(path string) (digest.SHA256, error) {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() != sumBytes {
		return digest.SHA256{}, errors.Join(err, errors.New("there is no digest"))
	}
	line, err := os.ReadFile(path)
	if err != nil {
		return digest.SHA256{}, err
	}
	return digest.ParseSHA256(strings.TrimSuffix(string(line), "\n"))
}

// measure returns the SHA-256 of a line for each entry below a folder: kind,
// permissions (not those of folders), the id of its content in git's SHA-256 format,
// its quoted path.
func measure(ctx context.Context, dir string) (digest.SHA256, error) {
	t, err := worktree.Read(ctx, dir, worktree.Reading{})
	if err != nil {
		return digest.SHA256{}, err
	}
	s := finding.NewSum()
	for _, e := range t.Entries() {
		_, _ = fmt.Fprintf(s, "%v %04o %v %q\n", e.Kind, e.Perm, e.IDs.In(digest.SHA256Format), e.Path)
	}
	return s.Digest(), nil
}
