package zipfile_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/archive"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/testkit"
	"github.com/countermark/countermark/internal/tree"
)

// TestZipBitFlips: every bit of a zip counts, but for those that say nothing
// about what is unpacked: there the tree stays the same, or only modes change.
func TestZipBitFlips(t *testing.T) {
	z := goodZip(t)
	z.members[2].extra("UT\x09\x00\x03aaaabbbb", "UT\x05\x00\x03aaaa")
	z.comment(goodID)
	data := z.bytes()
	want, err := readZip(data, archive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	silent := silentBytes(z, data)
	accepted := 0
	for i := range data {
		for bit := range 8 {
			flipped := bytes.Clone(data)
			flipped[i] ^= 1 << bit
			got, err := readZip(flipped, archive.Options{})
			if _, ok := errors.AsType[*refusal.Refusal](err); err != nil && !ok {
				t.Errorf("bit %d of byte %d: %v, want a refusal", bit, i, err)
			}
			if err != nil {
				continue
			}
			accepted++
			if !silent[i] {
				t.Errorf("bit %d of byte %d: accepted", bit, i)
			}
			for _, e := range got.Tree.Entries() {
				if w := want.Tree.Lookup(e.Path); w == nil || w.Kind == tree.File && e.Kind == tree.File && w.IDs != e.IDs {
					t.Errorf("bit %d of byte %d: %q is %v", bit, i, e.Path, e)
				}
			}
		}
	}
	if accepted == 0 {
		t.Error("no flip was accepted, though attributes were flipped")
	}
}

// silentBytes are the places of bytes of which some values are as good as
// others: made-by version, internal and external attributes, the time of
// access, which the local header alone has, the archive comment, which is a
// claim, and deflate data, which has unused bits before stored blocks and at
// its end (RFC 1951, 3.2.4 and 3.2.3).
func silentBytes(z *rawZip, data []byte) map[int]bool {
	silent := make(map[int]bool)
	mark := func(begin, length int) {
		for i := range length {
			silent[begin+i] = true
		}
	}
	at := bytes.Index(data, []byte(centralSignature))
	for _, m := range z.members {
		mark(at+4, 2)
		mark(at+36, 1)
		mark(at+38, 4)
		at += len(m.central)
	}
	mark(at+endBytes, len(goodID))
	mark(bytes.Index(data, []byte("bbbb")), 4)
	mark(bytes.Index(data, z.members[1].data), len(z.members[1].data))
	return silent
}

// extractors are programs that unpack p-1.zip into the current directory;
// bsdtar reads a pipe without looking at the central directory.
var extractors = []struct {
	program string
	args    []string
}{
	{"unzip", []string{"unzip", "-q", "p-1.zip"}},
	{"bsdtar", []string{"bsdtar", "-xf", "p-1.zip"}},
	{"bsdtar", []string{"sh", "-c", "cat p-1.zip | bsdtar -xf -"}},
	{"python3", []string{"python3", "-m", "zipfile", "-e", "p-1.zip", "."}},
}

// TestExtractorsAgree: programs that unpack the zips of real writers write the
// files that were read here.
func TestExtractorsAgree(t *testing.T) {
	for _, writer := range zipWriters() {
		t.Run(writer.name, func(t *testing.T) {
			testkit.Program(t, writer.program)
			w := newWorkshop(t, "sha1", !writer.ascii)
			data := writer.write(w)
			got, err := readZip(data, archive.Options{})
			if err != nil {
				t.Fatal(err)
			}
			for _, extractor := range extractors {
				t.Run(strings.Join(extractor.args, " "), func(t *testing.T) {
					testkit.Program(t, extractor.program)
					compareFiles(t, extractZip(t, w, extractor.args, data), got.Tree)
				})
			}
		})
	}
}

// extractZip returns the directory that a program unpacked.
func extractZip(t *testing.T, w *workshop, args []string, data []byte) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "p-1.zip"), data, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir, cmd.Env = dir, append(w.env, "PYTHONUTF8=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("running %q: %v\n%s", args, err, out)
	}
	return filepath.Join(dir, "p-1")
}

// compareFiles holds the files below dir against a tree. Programs that know no
// links write their target as a file's content, which has the link's id.
func compareFiles(t *testing.T, dir string, want tree.Tree) {
	t.Helper()
	found := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		found++
		var content []byte
		if d.Type()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			content = []byte(target)
		} else if content, err = os.ReadFile(path); err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		id, _ := digest.HashObject(digest.SHA1Format, digest.Blob, content)
		if e := want.Lookup(tree.Path(filepath.ToSlash(name))); e == nil || e.IDs.In(digest.SHA1Format) != id {
			t.Errorf("%s was written with content %v, want %v", name, id, e)
		}
		return nil
	})
	if err != nil || found != want.Len() {
		t.Errorf("%d files were written (%v), want %d", found, err, want.Len())
	}
}
