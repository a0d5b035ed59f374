//go:build unix

package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// names lists a folder.
func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return strings.Join(all, " ")
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for _, content := range []string{"first", "", strings.Repeat("second", 1<<18)} {
		if err := WriteFile(path, []byte(content)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != content {
			t.Errorf("%d bytes, %v, want %d", len(got), err, len(content))
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode() != 0o644 || names(t, dir) != "file" {
			t.Errorf("mode %v, %v; there is %q", info.Mode(), err, names(t, dir))
		}
		if err := os.Chmod(path, 0o600); err != nil { // what was there does not matter
			t.Fatal(err)
		}
	}
}

func TestWriteFileIsReadableByAll(t *testing.T) {
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	path := filepath.Join(t.TempDir(), "file")
	if err := WriteFile(path, nil); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o644 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// Whoever reads meanwhile sees the old bytes or the new.
func TestWriteFileIsWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	a, b := strings.Repeat("a", 1<<20), strings.Repeat("b", 1<<20)
	if err := WriteFile(path, []byte(a)); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != a && string(got) != b {
				t.Errorf("read %d bytes, %v", len(got), err)
				return
			}
		}
	})
	for i := range 20 {
		if err := WriteFile(path, []byte([]string{a, b}[i%2])); err != nil {
			t.Error(err)
		}
	}
	close(done)
	reader.Wait()
}

func TestWriteFileFails(t *testing.T) {
	dir := t.TempDir()
	full := filepath.Join(dir, "folder")
	if err := os.Mkdir(full, 0o755); err != nil {
		t.Fatal(err)
	}
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	before := names(t, dir)
	for path, want := range map[string]string{
		filepath.Join(dir, "absent/file"): "no such file", full: "no regular file", fifo: "no regular file", os.DevNull: "no regular file",
		filepath.Join(fifo, "file"): "not a directory", filepath.Join(dir, strings.Repeat("x", 300)): "too long",
	} {
		err := WriteFile(path, []byte("x"))
		if _, ok := errors.AsType[*fs.PathError](err); err == nil || !strings.Contains(err.Error(), want) || !ok && !strings.Contains(want, "long") {
			t.Errorf("%q: %v, want %q", path, err, want)
		}
	}
	if after := names(t, dir); after != before {
		t.Errorf("there is %q, was %q", after, before)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Errorf("%s is %v, %v", os.DevNull, info.Mode(), err)
	}
}

// A link is replaced by the file; what it leads to stays.
func TestWriteFileOverLink(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(target, []byte("old"), 0o600), os.Symlink(target, link), WriteFile(link, []byte("new"))); err != nil {
		t.Fatal(err)
	}
	old, err := os.ReadFile(target)
	info, err2 := os.Lstat(link)
	if err != nil || err2 != nil || string(old) != "old" || !info.Mode().IsRegular() {
		t.Errorf("%q, %v, %v, %v", old, info.Mode(), err, err2)
	}
}
