//go:build unix

package durable

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
)

func TestWriteNew(t *testing.T) {
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	path := filepath.Join(t.TempDir(), "file")
	content := strings.Repeat("bytes ", 1<<16)
	if err := WriteNew(path, iotest.OneByteReader(strings.NewReader(content))); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	info, err2 := os.Stat(path)
	if err != nil || err2 != nil || string(got) != content || info.Mode() != 0o644 {
		t.Errorf("%d bytes, mode %v, %v, %v", len(got), info.Mode(), err, err2)
	}
	if err := WriteNew(path, strings.NewReader("other")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file: %v", err)
	}
	link := filepath.Join(filepath.Dir(path), "link")
	if err := os.Symlink("nowhere", link); err != nil {
		t.Fatal(err)
	}
	if err := WriteNew(link, strings.NewReader("other")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a link that leads nowhere: %v", err)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != content {
		t.Errorf("what was there has %d bytes, %v", len(got), err)
	}
	broken := errors.New("broken")
	if err := WriteNew(path+"2", io.MultiReader(strings.NewReader("x"), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("of a broken reader: %v", err)
	}
}

func TestCopyFolder(t *testing.T) {
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "copy")
	want := map[string]string{"a": "first", "empty": "", "logs/one.log": "said", "logs/deep/er": "more"}
	for name, content := range want {
		path := filepath.Join(from, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := CopyFolder(to, from); err != nil {
		t.Fatal(err)
	}
	files := 0
	err := filepath.WalkDir(to, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		files++
		name, _ := filepath.Rel(to, path)
		got, err := os.ReadFile(path)
		info, err2 := e.Info()
		if content, ok := want[name]; !ok || string(got) != content || info.Mode() != 0o644 {
			t.Errorf("%s: %q, mode %v", name, got, info.Mode())
		}
		return errors.Join(err, err2)
	})
	if err != nil || files != len(want) {
		t.Errorf("%d files, %v, want %d", files, err, len(want))
	}
	if err := CopyFolder(to, from); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a folder: %v", err)
	}
	if err := CopyFolder(filepath.Join(t.TempDir(), "new"), filepath.Join(from, "absent")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of nothing: %v", err)
	}
	if err := SyncFolder(filepath.Join(from, "absent")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("syncing nothing: %v", err)
	}
}
