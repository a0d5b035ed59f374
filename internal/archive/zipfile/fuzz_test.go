package zipfile_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os/exec"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/archive"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/envelope"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/tree"
)

// FuzzZip: no input panics; an error is a refusal and comes without contents;
// what is accepted reads the same twice, and archive/zip finds the same files
// in it.
func FuzzZip(f *testing.F) {
	f.Add(goodZip(f).bytes())
	for _, c := range badZips(f) {
		z := goodZip(f)
		c.spoil(z)
		f.Add(z.bytes())
	}
	for _, data := range realSeeds(f) {
		f.Add(data)
	}
	// Small limits keep each try short.
	o := archive.Options{PrefixSet: true, Envelope: envelope.Options{Limits: envelope.Limits{MaxUncompressedBytes: 4 << 20}}}
	f.Fuzz(func(t *testing.T, data []byte) {
		if format, ok := envelope.Recognise(data[:min(len(data), envelope.HeadBytes)]); !ok || format != envelope.Zip {
			return
		}
		got, err := readZip(data, o)
		if err != nil {
			if _, ok := errors.AsType[*refusal.Refusal](err); !ok || got != nil {
				t.Fatalf("contents %v, error %v, want only a refusal", got, err)
			}
			return
		}
		again, err := readZip(data, o)
		if err != nil || again.Identity != got.Identity || again.SHA256 != got.SHA256 || got.SHA256 != sha256Of(data) {
			t.Fatalf("read again: %v, %v, want %v", again, err, got)
		}
		compareWithStandardLibrary(t, data, got)
	})
}

// compareWithStandardLibrary holds an accepted zip against another reader.
func compareWithStandardLibrary(t *testing.T, data []byte, got *archive.Contents) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatalf("archive/zip refuses an accepted zip: %v", err)
	}
	if len(z.File) != got.Members {
		t.Fatalf("archive/zip finds %d members, want %d", len(z.File), got.Members)
	}
	for _, file := range z.File {
		if strings.HasSuffix(file.Name, "/") {
			continue
		}
		e := got.Tree.Lookup(tree.Path(file.Name))
		r, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatalf("archive/zip on %q: %v", file.Name, err)
		}
		id, _ := digest.HashObject(digest.SHA1Format, digest.Blob, content)
		if e == nil || e.IDs.In(digest.SHA1Format) != id || (e.Kind == tree.Symlink) != (file.Mode()&fs.ModeSymlink != 0) {
			t.Fatalf("archive/zip finds %q with mode %v and content %v, want %v", file.Name, file.Mode(), id, e)
		}
	}
}

// realSeeds are zips of the real writers that are installed.
func realSeeds(f *testing.F) [][]byte {
	if _, err := exec.LookPath("git"); err != nil {
		return nil
	}
	var seeds [][]byte
	for _, writer := range zipWriters() {
		if _, err := exec.LookPath(writer.program); err != nil {
			continue
		}
		w := newWorkshop(f, "sha1", !writer.ascii)
		w.git("rm", "-q", "sub/noise", "sub/dir/big.txt", "sub/run.big")
		w.write("sub/run.big", "exit\n", 0o755)
		w.git("add", "-A")
		w.git("commit", "-q", "-m", "small")
		seeds = append(seeds, writer.write(w))
	}
	return seeds
}
