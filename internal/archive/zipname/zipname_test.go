package zipname

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/testkit"
)

// memory is a zip in memory.
type memory struct{ data []byte }

func (m *memory) ReadAt(p []byte, at int64) (int, error) {
	return bytes.NewReader(m.data).ReadAt(p, at)
}

func (m *memory) WriteAt(p []byte, at int64) (int, error) {
	if at < 0 || at+int64(len(p)) > int64(len(m.data)) {
		return 0, errors.New("beyond the end")
	}
	return copy(m.data[at:], p), nil
}

// unmarked makes a zip with names that are not marked.
func unmarked(t testing.TB, names ...string) *memory {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, name := range names {
		f, err := w.CreateHeader(&zip.FileHeader{Name: name, NonUTF8: true, Method: zip.Deflate})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(f, "content of %s", name); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &memory{b.Bytes()}
}

func TestMark(t *testing.T) {
	names := []string{"p/a", "p/é", "p/日本語/x", "p/z"}
	m := unmarked(t, names...)
	before := bytes.Clone(m.data)
	if err := Mark(m, int64(len(m.data))); err != nil {
		t.Fatal(err)
	}
	changed := 0
	for i := range before {
		if before[i] != m.data[i] {
			changed++
			if m.data[i]^before[i] != isUTF8 {
				t.Errorf("byte %d is %#x, was %#x", i, m.data[i], before[i])
			}
		}
	}
	if changed != 4 {
		t.Errorf("%d bytes were changed, want the flags of two members, in two headers each", changed)
	}
	r, err := zip.NewReader(m, int64(len(m.data)))
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range r.File {
		if f.Name != names[i] || f.NonUTF8 || (f.Flags>>8 == isUTF8) != (i == 1 || i == 2) {
			t.Errorf("%q: flags %#x, not UTF-8: %v", f.Name, f.Flags, f.NonUTF8)
		}
	}
	again := bytes.Clone(m.data)
	if err := Mark(m, int64(len(m.data))); err != nil || !bytes.Equal(again, m.data) {
		t.Errorf("marked again it is another: %v", err)
	}
}

func TestMarkRefuses(t *testing.T) {
	for words, spoil := range map[string]func(d []byte) []byte{
		"it has none":                          func([]byte) []byte { return []byte("PK") },
		"without a comment":                    func(d []byte) []byte { return append(d, 'x') },
		"no header of a member":                func(d []byte) []byte { return bytes.Replace(d, []byte(centralSignature), []byte("PK\x01\x00"), 1) },
		"two names for":                        func(d []byte) []byte { return bytes.Replace(d, []byte("p/é"), []byte("p/xx"), 1) },
		`"p/\xff\xff" in the zip is not UTF-8`: func(d []byte) []byte { return bytes.ReplaceAll(d, []byte("p/é"), []byte("p/\xff\xff")) },
		"is cut off": func(d []byte) []byte {
			d[bytes.LastIndex(d, []byte(centralSignature))+centralNameBytes+1] = 1
			return d
		},
		"reading the header of": func(d []byte) []byte {
			d[bytes.LastIndex(d, []byte(centralSignature))+centralOffset+2] = 1
			return d
		},
	} {
		m := &memory{spoil(unmarked(t, "p/é").data)}
		if err := Mark(m, int64(len(m.data))); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%v, want %q", err, words)
		}
	}
}

// What Info-ZIP writes is marked so that every reader finds the same names.
func TestReaders(t *testing.T) {
	dir := t.TempDir()
	names := []string{"p/plain", "p/é", "p/ü ö/日本語", "p/🙂"}
	for _, name := range names {
		testkit.Write(t, filepath.Join(dir, name), name)
	}
	cmd := exec.Command(testkit.Program(t, "zip"), "-9", "-X", "-D", "-y", "-nw", "-q", "-", "-@")
	cmd.Dir, cmd.Env, cmd.Stdin = dir, []string{"LC_ALL=C"}, strings.NewReader(strings.Join(names, "\n")+"\n")
	data, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	m := &memory{data}
	if err := Mark(m, int64(len(data))); err != nil {
		t.Fatal(err)
	}
	file := testkit.Write(t, filepath.Join(dir, "marked.zip"), string(m.data))
	for _, reader := range [][]string{
		{"unzip", "-q", file}, {"bsdtar", "-xf", file}, {"7z", "x", "-bd", file}, {"python3", "-m", "zipfile", "-e", file, "."},
	} {
		out := t.TempDir()
		cmd := exec.Command(testkit.Program(t, reader[0]), reader[1:]...)
		cmd.Dir, cmd.Env = out, []string{"LC_ALL=C.UTF-8", "PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", reader[0], err, said)
		}
		for _, name := range names {
			if got, err := os.ReadFile(filepath.Join(out, name)); err != nil || string(got) != name {
				t.Errorf("%s: %q, %v", reader[0], got, err)
			}
		}
	}
}

func FuzzMark(f *testing.F) {
	f.Add(unmarked(f, "p/a", "p/é").data)
	f.Add([]byte(endSignature + strings.Repeat("\x00", endBytes-4)))
	f.Fuzz(func(_ *testing.T, data []byte) {
		_ = Mark(&memory{data}, int64(len(data))) // must not panic
	})
}
