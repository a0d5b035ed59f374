package envelope_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/envelope"
	"github.com/countermark/countermark/internal/refusal"
)

func ruleOf(err error) string {
	var refused *refusal.Refusal
	if errors.As(err, &refused) {
		return string(refused.Rule)
	}
	return ""
}

// samples returns the same content in every format whose program is here.
func samples(t testing.TB, content []byte) map[string][]byte {
	t.Helper()
	s := map[string][]byte{"gzip": gz(t, content)}
	for name, args := range map[string][]string{
		"bzip2": {"-c", "-1"}, "xz": {"-c", "--lzma2=preset=1,dict=64KiB"}, "zstd": {"-c", "-q"},
	} {
		s[name] = compressed(t, content, name, args...)
	}
	return s
}

func TestReaderGivesContent(t *testing.T) {
	content := tarOf(t, "a/b", sample(300_000))
	for name, file := range samples(t, content) {
		t.Run(name, func(t *testing.T) {
			// One byte at a time, so that every structure is cut everywhere.
			r, err := envelope.Open(iotest.OneByteReader(bytes.NewReader(file)), envelope.Options{Name: "a"})
			if err != nil {
				t.Fatal(err)
			}
			if !r.SHA256().IsZero() {
				t.Error("there is a digest before the end")
			}
			got, err := io.ReadAll(iotest.OneByteReader(r))
			if err != nil || !bytes.Equal(got, content) {
				t.Errorf("read %d bytes, %v, expected the %d that were compressed", len(got), err, len(content))
			}
			if r.Format().String() != name || r.Decoder() != "go "+name {
				t.Errorf("format %v, decoder %q", r.Format(), r.Decoder())
			}
			if r.SHA256() != digest.SHA256(sha256.Sum256(file)) || r.InputBytes() != int64(len(file)) {
				t.Errorf("digest %v of %d bytes, expected those of the file", r.SHA256(), r.InputBytes())
			}
			if n, err := r.Read(make([]byte, 10)); n != 0 || err != io.EOF {
				t.Errorf("reading on gives %d, %v", n, err)
			}
			for range 2 {
				if err := r.Close(); err != nil {
					t.Errorf("closing: %v", err)
				}
			}
		})
	}
}

// TestTruncation cuts every format at every byte.
func TestTruncation(t *testing.T) {
	content := tarOf(t, "a/b", sample(2000))
	for name, file := range samples(t, content) {
		t.Run(name, func(t *testing.T) {
			for n := range len(file) {
				if got, _ := verdict(t, file[:n], envelope.Options{Name: "x"}); got != "Z_TRUNCATED" {
					t.Errorf("cut after %d of %d bytes: verdict %s", n, len(file), got)
				}
			}
		})
	}
}

// TestFlippedBits: a change that is accepted leaves the content as it is (the
// formats have more than one spelling of it); xz has no such change.
func TestFlippedBits(t *testing.T) {
	content := tarOf(t, "a/b", sample(400))
	for name, file := range samples(t, content) {
		step := 5
		if name == "xz" {
			step = 1
		}
		for bit := 0; bit < len(file)*8; bit += step {
			got, out := verdict(t, flip(file, bit/8, 1<<(bit%8)), envelope.Options{Name: "x"})
			switch {
			case strings.HasPrefix(got, "error"):
				t.Errorf("%s, bit %d: %s", name, bit, got)
			case got == "accept" && (name == "xz" || !bytes.Equal(out, content)):
				t.Errorf("%s, bit %d of %d bytes: accepted", name, bit, len(file))
			}
		}
	}
}

func TestTrailing(t *testing.T) {
	content := tarOf(t, "a/b", sample(2000))
	for name, file := range samples(t, content) {
		for _, c := range []struct {
			tail []byte
			want string
		}{
			{[]byte{0}, "Z_TRAILING"},
			{make([]byte, 3), "Z_TRAILING"},
			{make([]byte, 4), "Z_TRAILING"},
			{make([]byte, 8), "Z_TRAILING"},
			{[]byte("garbage"), "Z_TRAILING"},
			{bytes.Repeat([]byte("garbage"), 100_000), "Z_TRAILING"},
			{file[:2], "Z_TRAILING"},
			{file, "Z_MULTI"},
			{append(make([]byte, 4), file...), "Z_TRAILING"},
		} {
			want := c.want
			if len(c.tail) == 2 && (name == "gzip" || name == "bzip2") {
				want = "Z_MULTI" // two bytes are their whole magic number
			}
			if got, _ := verdict(t, append(bytes.Clone(file), c.tail...), envelope.Options{}); got != want {
				t.Errorf("%s and %d more bytes: verdict %s, expected %s", name, len(c.tail), got, want)
			}
		}
	}
}

func TestLimits(t *testing.T) {
	content := sample(100_000)
	for name, file := range samples(t, content) {
		for _, c := range []struct {
			limits envelope.Limits
			want   string
		}{
			{envelope.Limits{MaxUncompressedBytes: 100_000}, "accept"},
			{envelope.Limits{MaxUncompressedBytes: 99_999}, "TAR_TOO_BIG"},
			{envelope.Limits{RatioFreeBytes: 1, MaxRatio: 1000}, "accept"},
			{envelope.Limits{RatioFreeBytes: 1, MaxRatio: 1}, "Z_RATIO"},
			{envelope.Limits{RatioFreeBytes: 100_000, MaxRatio: 1}, "accept"},
		} {
			if got, _ := verdict(t, file, envelope.Options{Limits: c.limits}); got != c.want {
				t.Errorf("%s with %+v: verdict %s, expected %s", name, c.limits, got, c.want)
			}
		}
	}
}

// TestReadErrors: an error of the input is neither a refusal nor an end.
func TestReadErrors(t *testing.T) {
	broken := errors.New("the disk is gone")
	content := tarOf(t, "a/b", sample(300_000))
	files := samples(t, content)
	files["tar"] = content
	for name, file := range files {
		for _, n := range []int{0, 1, 511, 600, len(file) / 2, len(file) - 1, len(file)} {
			r, err := envelope.Open(io.MultiReader(bytes.NewReader(file[:n]), iotest.ErrReader(broken)), envelope.Options{})
			if err == nil {
				_, err = io.Copy(io.Discard, r)
			}
			if !errors.Is(err, broken) {
				t.Errorf("%s, error after %d of %d bytes: %v", name, n, len(file), err)
			}
		}
	}
}

// TestMemory: a header is judged before anything is allocated for it, and what
// it declares is what is allocated.
func TestMemory(t *testing.T) {
	const margin = 4 << 20
	for _, c := range []struct {
		name  string
		file  []byte
		want  string
		bytes uint64
	}{
		{"xz, 1.5 GiB", xzFile(xzParts{dictionary: 37}), "Z_MEM", 0},
		{"xz, 128 MiB", xzFile(xzParts{dictionary: 30}), "accept", 128 << 20},
		{"zstd, 2 GiB", []byte("\x28\xb5\x2f\xfd\x00\xa8\x09\x00\x00a"), "Z_MEM", 0},
		{"zstd, 128 MiB", []byte("\x28\xb5\x2f\xfd\x00\x88\x09\x00\x00a"), "accept", 128 << 20},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got, _ := verdict(t, c.file, envelope.Options{})
		runtime.ReadMemStats(&after)
		if got != c.want {
			t.Errorf("%s: verdict %s, expected %s", c.name, got, c.want)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > c.bytes+margin {
			t.Errorf("%s: %d bytes were allocated", c.name, n)
		}
	}
}
