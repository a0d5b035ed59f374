package memory

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/countermark/countermark/internal/digest"
)

// Folder is where memories are kept: one file a project, named by the SHA-256
// of its address. Several processes may use it.
type Folder struct {
	Dir   string                               // made if it is not there
	Write func(path string, data []byte) error // writes a file whole, as durable.WriteFile does
}

// DefaultDir returns the user's folder: "countermark/policies" in
// $XDG_STATE_HOME, which without an absolute value is ".local/state" in the
// home folder (XDG Base Directory Specification).
func DefaultDir() (string, error) {
	state := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("looking for the folder of what was seen: set HOME or XDG_STATE_HOME: %w", err)
		}
		state = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(state, "countermark", "policies"), nil
}

func (f Folder) path(project string) string {
	return filepath.Join(f.Dir, digest.SHA256(sha256.Sum256([]byte(project))).String())
}

// Read returns what is remembered of a project, the zero value if nothing is. A
// memory that cannot be read is an error: it is not taken for none.
func (f Folder) Read(project string) (Seen, error) {
	if err := checkProject(project); err != nil {
		return Seen{}, err
	}
	path := f.path(project)
	data, err := readLimited(path)
	if errors.Is(err, os.ErrNotExist) {
		return Seen{}, nil
	}
	var s Seen
	if err == nil {
		s, err = Parse(data)
	}
	if err == nil && s.Project != project {
		err = fmt.Errorf("it is of another project, %q", s.Project)
	}
	if err != nil {
		return Seen{}, fmt.Errorf("reading which policy was seen last, %q: %w; if the file is damaged, and only then, remove it", path, err)
	}
	return s, nil
}

func readLimited(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err //nolint:wrapcheck // Read says which file
	}
	defer file.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(io.LimitReader(file, maxFileBytes+1))
	if err == nil && len(data) > maxFileBytes {
		err = fmt.Errorf("it is longer than %d bytes", maxFileBytes)
	}
	return data, err
}

// Advance judges a chain by what is remembered of the project and, if it is in
// order, remembers its newest policy. It returns what was remembered before. Of
// two processes that do so at once one waits, until the context ends. The error
// means that there is no verdict, or that nothing could be written.
func (f Folder) Advance(ctx context.Context, project string, c Chain) (Verdict, Seen, error) {
	if err := errors.Join(checkProject(project), c.check()); err != nil {
		return 0, Seen{}, err
	}
	if err := os.MkdirAll(f.Dir, 0o700); err != nil {
		return 0, Seen{}, fmt.Errorf("making the folder of what was seen: %w", err)
	}
	unlock, err := lock(ctx, filepath.Join(f.Dir, "lock"))
	if err != nil {
		return 0, Seen{}, fmt.Errorf("locking the folder of what was seen: %w", err)
	}
	defer unlock()
	before, err := f.Read(project)
	if err != nil {
		return 0, Seen{}, err
	}
	verdict := before.Judge(c)
	after := Seen{Project: project, Root: c.Root, Version: c.Last(), Policy: c.at(c.Last())}
	if verdict.InOrder() && after != before {
		if err := f.Write(f.path(project), after.Encode()); err != nil {
			return 0, before, fmt.Errorf("remembering the newest policy: %w", err)
		}
	}
	return verdict, before, nil
}
