package envelope_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/countermark/countermark/internal/envelope"
)

// FuzzOpen: whatever the input, there is a refusal or a whole container; a
// container that is accepted is refused with a byte more and a byte less.
func FuzzOpen(f *testing.F) {
	for _, file := range samples(f, tarOf(f, "a/b", sample(700))) {
		f.Add(file)
		f.Add(append(bytes.Clone(file), file...))
		f.Add(file[:len(file)/2])
	}
	f.Add(xzFile(xzParts{}))
	f.Add(xzFile(xzParts{blockFlags: 0xC0, sizes: []byte{10, 6}}))
	f.Add([]byte("\x28\xb5\x2f\xfd\x00\x00\x08\x00\x00a\x09\x00\x00b"))
	files, _ := filepath.Glob(filepath.Join("..", "..", "..", "shared", "hostile", "compressed", "*"))
	for _, name := range files {
		if content, err := os.ReadFile(name); err == nil {
			f.Add(content)
		}
	}
	limits := envelope.Limits{MaxWindowBytes: 1 << 20, MaxUncompressedBytes: 1 << 22}
	read := func(t *testing.T, content []byte) (envelope.Format, string) {
		r, err := envelope.Open(bytes.NewReader(content), envelope.Options{Limits: limits})
		if err != nil {
			return 0, ruleOf(err)
		}
		defer r.Close()
		n, err := io.Copy(io.Discard, r)
		if n > limits.MaxUncompressedBytes {
			t.Errorf("%d bytes came out", n)
		}
		if err == nil && r.InputBytes() != int64(len(content)) {
			t.Errorf("accepted after %d of %d bytes", r.InputBytes(), len(content))
		}
		if err != nil && ruleOf(err) == "" {
			t.Errorf("an error that is no refusal: %v", err)
		}
		return r.Format(), ruleOf(err)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		format, rule := read(t, content)
		if rule != "" || format == envelope.Tar || format == 0 {
			return
		}
		if _, rule := read(t, append(bytes.Clone(content), 0)); rule != "Z_TRAILING" {
			t.Errorf("with a byte more: %q", rule)
		}
		if _, rule := read(t, content[:len(content)-1]); rule != "Z_TRUNCATED" {
			t.Errorf("with a byte less: %q", rule)
		}
	})
}
