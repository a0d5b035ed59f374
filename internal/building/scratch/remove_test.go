//go:build unix

package scratch

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// deepen makes folders within folders, and in the innermost a file and a link.
func deepen(t *testing.T, dir string, levels int) {
	t.Helper()
	at, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	for range levels {
		if err := at.Mkdir("d", 0o755); err != nil {
			t.Fatal(err)
		}
		inner, err := at.OpenRoot("d")
		if err = errors.Join(err, at.Close()); err != nil {
			t.Fatal(err)
		}
		at = inner
	}
	f, err := at.Create("file")
	if err = errors.Join(err, at.Symlink("/", "link"), f.Close(), at.Chmod(".", 0), at.Close()); err != nil {
		t.Fatal(err)
	}
}

// What is deeper than a path can say, or may not be read, is removed; what links
// lead to is not.
func TestRemove(t *testing.T) {
	for name, remove := range map[string]func(string) error{"all": RemoveAll, "flat": removeFlat} {
		parent := t.TempDir()
		dir, kept := filepath.Join(parent, "dir"), filepath.Join(parent, "kept")
		for _, folder := range []string{dir, kept, filepath.Join(dir, "removing-1"), filepath.Join(dir, "removing-1", "0"), filepath.Join(dir, "closed"), filepath.Join(dir, "closed", "in")} {
			if err := os.Mkdir(folder, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		err := errors.Join(os.WriteFile(filepath.Join(kept, "file"), nil, 0o600), os.Symlink(kept, filepath.Join(dir, "link")))
		if err = errors.Join(err, os.Chmod(filepath.Join(dir, "closed", "in"), 0), os.Chmod(filepath.Join(dir, "closed"), 0)); err != nil {
			t.Fatal(err)
		}
		deepen(t, dir, 6_000)
		if err := remove(dir); err != nil {
			t.Fatalf("%s: %.300s", name, err)
		}
		if _, err := os.Lstat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %.300v", name, err)
		}
		if info, err := os.Stat(kept); err != nil || info.Mode().Perm() != 0o755 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
		if _, err := os.Stat(filepath.Join(kept, "file")); err != nil {
			t.Error(err)
		}
	}
}

// What cannot be removed is an error, and no long one.
func TestRemoveFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "absent")
	if err := RemoveAll(dir); err != nil {
		t.Error(err)
	}
	if err := removeFlat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}
