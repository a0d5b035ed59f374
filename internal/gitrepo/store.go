package gitrepo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/refusal"
)

// store is a folder of snapshots. A snapshot is a bare repository in a folder
// named after what it holds; it is filled under another name and renamed when
// it is complete, and never changed afterwards. So several programs may share a
// store, and one that is killed leaves only a folder that a later run removes.
type store struct {
	dir string
}

const (
	temporaryPrefix = "tmp-"
	temporaryMaxAge = 24 * time.Hour // twelve times as long as a fetch may take
)

// open makes the store's folder, and removes what killed runs left there.
func (s store) open() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("making the cache folder: %v", err)
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return fmt.Errorf("reading the cache folder: %v", err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), temporaryPrefix) {
			continue
		}
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > temporaryMaxAge {
			_ = os.RemoveAll(filepath.Join(s.dir, e.Name())) // another run may be removing it too
		}
	}
	return nil
}

// temporary makes a folder to fill.
func (s store) temporary() (string, error) {
	dir, err := os.MkdirTemp(s.dir, temporaryPrefix)
	if err != nil {
		return "", fmt.Errorf("making a folder in the cache: %v", err)
	}
	return dir, nil
}

// place renames a filled folder to its final name and returns that. Where
// another run was faster, its folder stays.
func (s store) place(temporary, key string) (string, error) {
	final := filepath.Join(s.dir, key)
	err := os.Rename(temporary, final)
	if err != nil {
		if _, statErr := os.Stat(final); statErr != nil {
			return "", fmt.Errorf("keeping what was fetched: %v", err)
		}
	}
	return final, nil
}

// discard removes a snapshot that turned out to be damaged: first its name, so
// that no run finds half of it.
func (s store) discard(key string) error {
	dir, err := s.temporary()
	if err != nil {
		return err
	}
	err = os.Rename(filepath.Join(s.dir, key), filepath.Join(dir, key))
	if errors.Is(err, os.ErrNotExist) {
		err = nil // another run was faster
	}
	if err = errors.Join(err, os.RemoveAll(dir)); err != nil {
		return fmt.Errorf("removing a damaged snapshot: %v", err)
	}
	return nil
}

// snapshotKey names a snapshot after the repository and what was asked of it.
func snapshotKey(url string, what ...string) string {
	sum := sha256.Sum256([]byte(url + "\x00" + strings.Join(what, "\x00")))
	return hex.EncodeToString(sum[:])
}

// snapshot is one to be had, from the store or from the server.
type snapshot struct {
	key   string
	check func(ctx context.Context) error             // whether all of it can be read
	fill  func(ctx context.Context, dir string) error // fetches it into an empty repository
}

// snapshot makes a snapshot's objects readable.
func (r *Repository) snapshot(ctx context.Context, s snapshot) error {
	final := filepath.Join(r.store.dir, s.key)
	objects := filepath.Join(final, "objects")
	if slices.Contains(r.reader.Alternates, objects) {
		return nil
	}
	if _, err := os.Stat(objects); err == nil {
		r.attach(objects)
		if err = s.check(ctx); err == nil {
			return nil
		}
		r.detach(objects)
		if !damaged(err) {
			return err
		}
		if err := r.store.discard(s.key); err != nil {
			return err
		}
	}
	dir, err := r.store.temporary()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // gone already if it was renamed; else a later run removes it
	if err := MakeBare(dir, r.reader.Format); err != nil {
		return err
	}
	if err := s.fill(ctx, dir); err != nil {
		return err
	}
	if _, err := r.store.place(dir, s.key); err != nil {
		return err
	}
	r.attach(objects)
	return nil
}

// damaged reports whether the error means that a snapshot is not what it was
// when it was made, so that fetching it again helps.
func damaged(err error) bool {
	r, ok := errors.AsType[*refusal.Refusal](err)
	return ok && (r.Rule == refusal.GitMissing || r.Rule == refusal.GitHash)
}

// attach and detach add and remove a directory that objects are read from.
func (r *Repository) attach(objects string) {
	r.reader.Close()
	r.reader.Alternates = append(r.reader.Alternates, objects)
}

func (r *Repository) detach(objects string) {
	r.reader.Close()
	r.reader.Alternates = slices.DeleteFunc(r.reader.Alternates, func(dir string) bool { return dir == objects })
}

// packBytes returns the size of the packs in a directory of objects.
func packBytes(objects string) (int64, error) {
	entries, err := os.ReadDir(filepath.Join(objects, "pack"))
	if err != nil {
		return 0, fmt.Errorf("measuring what was fetched: %v", err)
	}
	var sum int64
	for _, e := range entries {
		if filepath.Ext(e.Name()) == ".pack" {
			info, err := e.Info()
			if err != nil {
				return 0, fmt.Errorf("measuring what was fetched: %v", err)
			}
			sum += info.Size()
		}
	}
	return sum, nil
}
