package zipfile_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/testkit"

	"github.com/countermark/countermark/internal/archive"
	"github.com/countermark/countermark/internal/archive/zipfile"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/envelope"
	"github.com/countermark/countermark/internal/tree"
)

// readZip reads a zip held in memory.
func readZip(data []byte, o archive.Options) (*archive.Contents, error) {
	r, err := archive.Open(bytes.NewReader(data), o)
	if err != nil {
		return nil, err
	}
	return r.Read(context.Background(), nil)
}

// TestZipFile: the digest is the file's; a file that begins elsewhere than at
// byte 0 of its reader is read from there; a stream is not read.
func TestZipFile(t *testing.T) {
	data := goodZip(t).bytes()
	path := filepath.Join(t.TempDir(), "p-1.zip")
	if err := os.WriteFile(path, append([]byte("12345"), data...), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.Seek(5, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	most := int64(0)
	r, err := archive.Open(file, archive.Options{Progress: func(n int64) { most = n }})
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Read(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := sha256Of(data); got.SHA256 != want || got.FileBytes != int64(len(data)) || most != got.FileBytes {
		t.Errorf("SHA-256 %v of %d bytes, want %v of %d; progress to %d", got.SHA256, got.FileBytes, want, len(data), most)
	}
	if _, err := archive.Open(struct{ io.Reader }{bytes.NewReader(data)}, archive.Options{}); !errors.Is(err, archive.ErrNotSeekable) {
		t.Errorf("a stream: %v, want archive.ErrNotSeekable", err)
	}
}

// TestZipChanged: a file that is written to between opening and reading is no
// refused input: there is no one input.
func TestZipChanged(t *testing.T) {
	data := goodZip(t).bytes()
	directory := bytes.Index(data, []byte(centralSignature))
	for name, change := range map[string]func(f *os.File) error{
		"directory": func(f *os.File) error { _, err := f.WriteAt([]byte{1}, int64(directory+36)); return err },
		"appended":  func(f *os.File) error { _, err := f.WriteAt([]byte{0}, int64(len(data))); return err },
		"shortened": func(f *os.File) error { return f.Truncate(int64(directory) + 10) },
		"cut":       func(f *os.File) error { return f.Truncate(50) },
	} {
		t.Run(name, func(t *testing.T) {
			file, err := os.Create(filepath.Join(t.TempDir(), "p-1.zip"))
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			if _, err := file.Write(data); err != nil {
				t.Fatal(err)
			}
			_, _ = file.Seek(0, io.SeekStart)
			r, err := archive.Open(file, archive.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := change(file); err != nil {
				t.Fatal(err)
			}
			if _, err := r.Read(context.Background(), nil); !errors.Is(err, zipfile.ErrChanged) {
				t.Errorf("%v, want %v", err, zipfile.ErrChanged)
			}
		})
	}
}

// TestZipInspector: contents go by whole, whichever method packs them.
func TestZipInspector(t *testing.T) {
	r, err := archive.Open(bytes.NewReader(goodZip(t).bytes()), archive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	seen := make(seenContents)
	if _, err := r.Read(context.Background(), seen); err != nil {
		t.Fatal(err)
	}
	if seen["a.txt"] != goodText || seen["run"] != goodScript || len(seen) != 2 {
		t.Errorf("seen %q", seen)
	}
}

type seenContents map[tree.Path]string

func (seenContents) Wants(tree.Path) bool                    { return true }
func (s seenContents) Inspect(e *tree.Entry, content []byte) { s[e.Path] = string(content) }

// TestGoModuleZips: module zips of the module cache are accepted, their prefix
// ends at @version/, and each file has the content that archive/zip reads.
func TestGoModuleZips(t *testing.T) {
	out, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		testkit.Missing(t, "running go env: %v", err)
	}
	root := filepath.Join(strings.TrimSpace(string(out)), "cache", "download")
	found, read := 0, int64(0)
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		const enoughBytes = 20 << 20
		if err != nil || d.IsDir() || filepath.Ext(path) != ".zip" || read > enoughBytes {
			return nil
		}
		if info, err := d.Info(); err != nil || info.Size() > enoughBytes {
			return nil
		}
		found++
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		read += int64(len(data))
		checkModuleZip(t, path, data)
		return nil
	})
	if found == 0 {
		testkit.Missing(t, "the module cache holds no zip")
	}
}

func checkModuleZip(t *testing.T, path string, data []byte) {
	t.Helper()
	got, err := readZip(data, archive.Options{Envelope: envelope.Options{Name: filepath.Base(path)}})
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return
	}
	if !strings.HasSuffix(got.Prefix, "@"+strings.TrimSuffix(filepath.Base(path), ".zip")) {
		t.Errorf("%s: prefix %q", path, got.Prefix)
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := digest.HashObject(digest.SHA1Format, digest.Blob, content)
		e := got.Tree.Lookup(tree.Path(strings.TrimPrefix(f.Name, got.Prefix+"/")))
		if e == nil || e.IDs.In(digest.SHA1Format) != want {
			t.Errorf("%s: %s is %v, want content %v", path, f.Name, e, want)
		}
	}
	if got.Tree.Len() != len(z.File) {
		t.Errorf("%s: %d entries, want %d", path, got.Tree.Len(), len(z.File))
	}
}
