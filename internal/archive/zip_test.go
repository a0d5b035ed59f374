package archive

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
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/envelope"
	"github.com/countermark/countermark/internal/tree"
)

// readZip reads a zip held in memory.
func readZip(data []byte, o Options) (*Contents, error) {
	r, err := Open(bytes.NewReader(data), o)
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
	r, err := Open(file, Options{Progress: func(n int64) { most = n }})
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
	if _, err := Open(struct{ io.Reader }{bytes.NewReader(data)}, Options{}); !errors.Is(err, ErrNotSeekable) {
		t.Errorf("a stream: %v, want ErrNotSeekable", err)
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
			r, err := Open(file, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := change(file); err != nil {
				t.Fatal(err)
			}
			if _, err := r.Read(context.Background(), nil); !errors.Is(err, errChanged) {
				t.Errorf("%v, want %v", err, errChanged)
			}
		})
	}
}

// TestZipInspector: contents go by whole, whichever method packs them.
func TestZipInspector(t *testing.T) {
	r, err := Open(bytes.NewReader(goodZip(t).bytes()), Options{})
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
		t.Skipf("running go env: %v", err)
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
		t.Skip("the module cache holds no zip")
	}
}

func checkModuleZip(t *testing.T, path string, data []byte) {
	t.Helper()
	got, err := readZip(data, Options{Envelope: envelope.Options{Name: filepath.Base(path)}})
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

// TestModulePrefix: a zip is taken for a Go module's only if all of it is.
func TestModulePrefix(t *testing.T) {
	for _, c := range []struct {
		names []string
		want  string
	}{
		{[]string{"example.org/a/b@v1.2.3/go.mod", "example.org/a/b@v1.2.3/x/y"}, "example.org/a/b@v1.2.3"},
		{[]string{"example.org/a@v1.2.3/"}, "example.org/a@v1.2.3"},
		{[]string{"p-1/a@v1/x", "p-1/README"}, ""},
		{[]string{"p-1/a@v1/x", "p-1/a@v12/x"}, ""},
		{[]string{"p-1/a@v1"}, ""},
		{[]string{"p-1/a@b@v1/x"}, ""},
		{[]string{"@v1/x"}, ""},
		{[]string{"a@v/x"}, ""},
		{[]string{"p-1/@vue/x"}, "p-1/@vue"},
		{nil, ""},
	} {
		var z zipReader
		for _, name := range c.names {
			z.entries = append(z.entries, zipEntry{name: name})
		}
		if got := z.modulePrefix(); got != c.want {
			t.Errorf("%q: prefix %q, want %q", c.names, got, c.want)
		}
	}
}

// TestZipModes: what each kind of external attributes means.
func TestZipModes(t *testing.T) {
	var rows []string
	for _, c := range []struct {
		host       uint8
		name       string
		attributes uint32
		kind       tree.Kind
		exec       tree.Exec
		perm       uint16
	}{
		{0, "f", 0, tree.File, tree.ExecUnknown, 0o644},
		{0, "f", 0x21, tree.File, tree.ExecUnknown, 0o644},
		{0, "d/", 0x10, tree.Directory, tree.NotExecutable, 0o644},
		{0, "d/", 0, tree.Directory, tree.NotExecutable, 0o644},
		{3, "f", 0, tree.File, tree.ExecUnknown, 0o644},
		{3, "f", 0o100644 << 16, tree.File, tree.NotExecutable, 0o644},
		{3, "f", 0o100600<<16 | 0x8020, tree.File, tree.NotExecutable, 0o600},
		{3, "f", 0o100010 << 16, tree.File, tree.Executable, 0o010},
		{3, "f", 0o600 << 16, tree.File, tree.NotExecutable, 0o600},
		{3, "f", 0o104755 << 16, tree.File, tree.Executable, 0o4755},
		{19, "f", 0o100755 << 16, tree.File, tree.Executable, 0o755},
		{3, "l", 0o120777 << 16, tree.Symlink, tree.NotExecutable, 0o777},
		{3, "d/", 0o040755<<16 | 0x10, tree.Directory, tree.NotExecutable, 0o755},
		{3, "d/", 0o040755 << 16, tree.Directory, tree.NotExecutable, 0o755},
	} {
		e := zipEntry{name: c.name, host: c.host, attributes: c.attributes}
		m, err := e.member()
		if err != nil || m.kind != c.kind || m.exec != c.exec || m.perm != c.perm {
			t.Errorf("host %d, %q, attributes %#x: %v, exec %d, perm %#o, %v", c.host, c.name, c.attributes, m.kind, m.exec, m.perm, err)
		}
		rows = append(rows, c.name)
	}
	if !slices.Contains(rows, "l") {
		t.Error("no link in the table")
	}
}
