//go:build unix

package encoder_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countermark/countermark/internal/archive"
	"github.com/countermark/countermark/internal/encoder"
	"github.com/countermark/countermark/internal/encoder/command"
	"github.com/countermark/countermark/internal/envelope"
	"github.com/countermark/countermark/internal/testkit"
	"github.com/countermark/countermark/internal/tree"
)

// layOut writes a release's folder, with names that shells and zip could
// misunderstand, and returns its paths.
func layOut(t *testing.T, dir string) []string {
	t.Helper()
	names := []string{"p-1.0/ lead", "p-1.0/trail ", "p-1.0/two words", "p-1.0/-rf", "p-1.0/@", "p-1.0/[ab]", "p-1.0/star*", "p-1.0/a?", "p-1.0/empty", "p-1.0/big", "p-1.0/run", "p-1.0/#x", "p-1.0/d/e/f"}
	for _, name := range names {
		content := name
		switch name {
		case "p-1.0/empty":
			content = ""
		case "p-1.0/big":
			content = string(text(300 << 10))
		}
		testkit.Write(t, filepath.Join(dir, name), content)
	}
	if err := errors.Join(os.Chmod(filepath.Join(dir, "p-1.0/run"), 0o755), os.Symlink("run", filepath.Join(dir, "p-1.0/link"))); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := os.Chtimes(filepath.Join(dir, name), time.Time{}, time.Unix(1700000001, 0)); err != nil {
			t.Fatal(err)
		}
	}
	names = append(names, "p-1.0/link")
	slices.Sort(names)
	return names
}

// zip makes a zip that our strict reader accepts, with modes and links; wherever
// the folder lies, whatever the time zone: the same bytes.
func TestZip(t *testing.T) {
	t.Setenv("ZIPOPT", "-0")
	zip := find(t, "zip")
	line, err := command.New(command.Settings{Format: envelope.Zip, Level: 9, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	var made [2]bytes.Buffer
	for i, zone := range []string{"UTC", "Asia/Tokyo"} {
		t.Setenv("TZ", zone)
		dir := t.TempDir()
		names := layOut(t, dir)
		touchLink(t, filepath.Join(dir, "p-1.0/link"))
		list, err := command.ZipList(names)
		if err != nil {
			t.Fatal(err)
		}
		if err := zip.Run(t.Context(), encoder.Call{Args: line.Args, Folder: dir, In: strings.NewReader(list), Out: &made[i]}); err != nil {
			t.Fatal(err)
		}
		if rest, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(rest) != 1 {
			t.Errorf("the folder holds %q", rest)
		}
		checkZip(t, made[i].Bytes(), len(names))
	}
	if !bytes.Equal(made[0].Bytes(), made[1].Bytes()) {
		t.Errorf("%d bytes, then other %d", made[0].Len(), made[1].Len())
	}
}

// touchLink gives a link the time of the files, which Go cannot.
func touchLink(t *testing.T, path string) {
	t.Helper()
	touch := &encoder.Program{Name: "touch", Path: testkit.Program(t, "touch")}
	if err := touch.Run(t.Context(), encoder.Call{Args: []string{"-h", "-d", "2023-11-14 22:13:21", path}, In: strings.NewReader(""), Out: &bytes.Buffer{}}); err != nil {
		t.Fatal(err)
	}
}

func checkZip(t *testing.T, raw []byte, files int) {
	t.Helper()
	r, err := archive.Open(bytes.NewReader(raw), archive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.Read(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Tree.Len() != files || c.Prefix != "p-1.0" || c.Dialect != "zip" || len(c.Notes) > 0 {
		t.Errorf("%d entries in %q, notes %q", c.Tree.Len(), c.Prefix, c.Notes)
	}
	for _, e := range c.Tree.Entries() {
		kind, exec := tree.File, tree.NotExecutable
		switch e.Path {
		case "link":
			kind = tree.Symlink
		case "run":
			exec = tree.Executable
		}
		if e.Kind != kind || e.Exec != exec {
			t.Errorf("%q is %v, executable: %v", e.Path, e.Kind, e.Exec)
		}
	}
}
