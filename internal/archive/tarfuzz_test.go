package archive_test

import (
	gotar "archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/archive"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/tree"
)

// FuzzTar: no panic; an error is a refusal and comes with no contents; reading
// twice gives the same; and what is accepted, Go's own reader reads alike.
func FuzzTar(f *testing.F) {
	for _, c := range allCases() {
		if len(c.raw) < 20_000 {
			f.Add(c.raw)
		}
	}
	if table, err := os.ReadDir("../../../shared/hostile/tar"); err == nil {
		for _, entry := range table {
			if raw, err := os.ReadFile("../../../shared/hostile/tar/" + entry.Name()); err == nil && len(raw) < 20_000 {
				f.Add(raw)
			}
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		contents, err := readArchive(raw, plainTar())
		again, errAgain := readArchive(raw, plainTar())
		if ruleOf(err) != ruleOf(errAgain) {
			t.Fatalf("first %v, then %v", err, errAgain)
		}
		if err != nil {
			if contents != nil || errors.As(err, new(*refusal.Refusal)) == false {
				t.Fatalf("no refusal, or with contents: %v", err)
			}
			return
		}
		if contents.Identity != again.Identity || contents.SHA256 != again.SHA256 {
			t.Fatal("reading twice gives two results")
		}
		if contents.Members > len(raw)/512 || contents.TarBytes != int64(len(raw)) {
			t.Fatalf("%d members and %d bytes in %d bytes", contents.Members, contents.TarBytes, len(raw))
		}
		checkWithGo(t, contents, raw)
	})
}

// checkWithGo compares with what the standard library reads.
func checkWithGo(t *testing.T, c *archive.Contents, raw []byte) {
	t.Helper()
	said := saidFiles(c)
	r := gotar.NewReader(bytes.NewReader(raw))
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("Go refuses what is accepted: %v", err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatalf("Go refuses what is accepted: %v", err)
		}
		name := strings.TrimSuffix(h.Name, "/")
		if got, want := goFile(h, content), said[name]; want != got && (got != "hard link" || !strings.HasPrefix(want, "100")) && h.Typeflag != gotar.TypeXGlobalHeader {
			t.Fatalf("%q: we say %q, Go says %q", name, want, got)
		}
	}
}

func goFile(h *gotar.Header, content []byte) string {
	blob := func(mode string, content []byte) string {
		id, _ := digest.HashObject(digest.SHA256Format, digest.Blob, content)
		return mode + " " + id.String()
	}
	switch h.Typeflag {
	case gotar.TypeReg:
		if h.Mode&0o100 != 0 {
			return blob("100755", content)
		}
		return blob("100644", content)
	case gotar.TypeSymlink:
		return blob("120000", []byte(h.Linkname))
	case gotar.TypeLink:
		return "hard link"
	case gotar.TypeDir:
		return tree.Directory.String()
	case gotar.TypeFifo, gotar.TypeChar, gotar.TypeBlock:
		return tree.Special.String()
	}
	return fmt.Sprintf("type %q", h.Typeflag)
}
