package trace_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/encoder/trace"
	"github.com/countermark/countermark/internal/envelope"
	"github.com/countermark/countermark/internal/testkit"
)

const contentBytes = 1_200_000

// content is what the tests compress: enough for several blocks of xz -0.
var content = makeContent()

func makeContent() []byte {
	r := rand.New(rand.NewPCG(3, 4))
	var b bytes.Buffer
	for b.Len() < contentBytes {
		fmt.Fprintf(&b, "%d %x\n", r.IntN(100), r.IntN(1<<16))
	}
	return b.Bytes()[:contentBytes]
}

// compress runs a program.
func compress(t testing.TB, stdin []byte, line string) []byte {
	t.Helper()
	words := strings.Fields(line)
	cmd := exec.Command(testkit.Program(t, words[0]), words[1:]...)
	cmd.Stdin = bytes.NewReader(stdin)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return out
}

func read(t testing.TB, file []byte, contentBytes int) *trace.Trace {
	t.Helper()
	tr, err := trace.Read(bytes.NewReader(file), int64(len(file)), int64(contentBytes))
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// show writes the candidates in a line: what they mean, or how they are spelled.
func show(tr *trace.Trace) string {
	var all []string
	for _, c := range tr.Candidates {
		s, _, _ := strings.Cut(c.Means, ",")
		if s == "" {
			s = strings.Join(slices.DeleteFunc(c.Vector(), func(w string) bool { return w == "-c" || w == "-n" || w == "-q" }), " ")
		}
		all = append(all, s)
	}
	return strings.Join(all, ", ")
}

// What each program leaves is read, and leads to the lines that may have left it.
func TestCandidates(t *testing.T) {
	small := content[:1000]
	for _, c := range []struct {
		line    string
		content []byte
		want    string // of all candidates, or their beginning if it ends in "…"
	}{
		{"gzip -9 -c", small, "gzip -9, zlib at level 9, pigz -9, gzip -9 --rsyncable"},
		{"gzip -1 -c", small, "gzip -1, zlib at level 1, pigz -1, gzip -1 --rsyncable"},
		{"gzip -5 -c", small, "gzip -6, gzip -8, gzip -7, gzip -5, gzip -4, gzip -3, gzip -2, zlib at level 6, pigz -6, zlib at level 8, …"},
		{"bzip2 -3 -c", small, "bzip2 -3, lbzip2 -3"},
		{"bzip2 -9 -c", nil, "bzip2 -9, lbzip2 -9"},
		{"xz -6 -T1 -c", small, "xz -6 -T1, xz -6e -T1, xz -5 -T1, xz -5e -T1"},
		{"xz -3 -T1 -c", small, "xz -4 -T1, xz -4e -T1, xz -3 -T1, xz -3e -T1"},
		{"xz -0 -T1 -c", small, "xz -0 -T1, xz -0e -T1"},
		{"xz -1 -T1 -c", small, "xz -1 -T1, xz -1e -T1"},
		{"xz -2 -T1 -c", small, "xz -2 -T1, xz -2e -T1"},
		{"xz -7 -T1 -c", small, "xz -7 -T1, xz -7e -T1"},
		{"xz -8 -T1 -c", small, "xz -8 -T1, xz -8e -T1"},
		{"xz -9 -T1 -c", small, "xz -9 -T1, xz -9e -T1"},
		{"xz -9 -T2 -c", small, "xz -9 -T2, xz -9e -T2"},
		{"xz -0 -T4 -c", content, "xz -0 -T2, xz -0e -T2"},
		{"xz -0 -T2 --block-size=300000 -c", content, "xz -0 -T2 --block-size=300000, xz -0e -T2 --block-size=300000"},
		{"xz -0 -T2 --block-size=300000 -c", small, "xz -0 -T2, xz -0e -T2"},
		{"xz -0 -T2 --block-size=1200000 -c", content, "xz -0 -T2 --block-size=1200000, xz -0e -T2 --block-size=1200000"},
		{"xz -0 -T1 --block-size=300000 -c", content, "xz -0 -T1 --block-size=300000, xz -0e -T1 --block-size=300000"},
		{"xz -9 -T1 -C sha256 -c", small, "xz -9 -T1 -C sha256, xz -9e -T1 -C sha256"},
		{"xz -9 -T1 -C crc32 -c", small, "xz -9 -T1 -C crc32, xz -9e -T1 -C crc32"},
		{"xz --lzma2=preset=6e,pb=0 -T1 -c", small, "xz --lzma2=preset=6,pb=0 -T1, xz --lzma2=preset=6e,pb=0 -T1, xz --lzma2=preset=5,pb=0 -T1, …"},
		{"xz --lzma2=preset=9,lc=1,lp=3,pb=1 -T1 -c", small, "xz --lzma2=preset=9,lc=1,lp=3,pb=1 -T1, xz --lzma2=preset=9e,lc=1,lp=3,pb=1 -T1"},
		{"xz --lzma2=preset=9,dict=96MiB -T1 -c", small, "xz --lzma2=preset=9,dict=100663296 -T1, xz --lzma2=preset=9e,dict=100663296 -T1, xz --lzma2=preset=6,dict=100663296 -T1, …"},
		{"zstd -19 -c", content, "zstd -19 -T1, zstd -19 --single-thread, zstd -18 -T1, zstd -18 --single-thread, zstd -17 -T1, zstd -17 --single-thread"},
		{"zstd -1 -c", content, "zstd -1 -T1, zstd -1 --single-thread"},
		{"zstd --ultra -22 -c", content, "zstd --ultra -22 -T1, zstd --ultra -22 --single-thread, zstd -19 -T1 --long, zstd -19 --single-thread --long, zstd -3 -T1 --long, …"},
		{"zstd -3 --no-check -c", content, "zstd -3 -T1 --no-check, zstd -3 --single-thread --no-check, zstd -6 -T1 --no-check, …"},
		{"zstd -1 --stream-size=1200000 -c", content, "zstd -1 -T1 --stream-size=1200000, zstd -1 --single-thread --stream-size=1200000"},
		{"zstd -3 --stream-size=1000 -c", small, "zstd -19 -T1 --stream-size=1000, zstd -19 --single-thread --stream-size=1000, zstd -3 -T1 --stream-size=1000, …"},
		{"zstd -1 --long -c", content, "zstd --ultra -22 -T1, zstd --ultra -22 --single-thread, zstd -19 -T1 --long, …"},
	} {
		got := show(read(t, compress(t, c.content, c.line), len(c.content)))
		if start, open := strings.CutSuffix(c.want, "…"); got != c.want && !(open && strings.HasPrefix(got, start)) {
			t.Errorf("%s: %s\nwant %s", c.line, got, c.want)
		}
	}
}

// A gzip header's name and time are taken out of what must be remade.
func TestGzipHeader(t *testing.T) {
	plain := compress(t, content[:100], "gzip -9 -c")
	if tr := read(t, plain, 100); !bytes.Equal(tr.Head, plain[:10]) || tr.Rest != 10 || tr.Name != "" || tr.Mtime != 0 {
		t.Errorf("%+v", tr)
	}
	named := slices.Concat([]byte("\x1f\x8b\x08\x08\x01\x02\x03\x04\x02\x03name.tar\x00"), plain[10:])
	if tr := read(t, named, 100); !bytes.Equal(tr.Head, plain[:10]) || tr.Rest != 19 || tr.Name != "name.tar" || tr.Mtime != 0x04030201 || len(tr.Candidates) != 4 {
		t.Errorf("%+v", tr)
	}
	for name, c := range map[string]struct {
		at         int
		to         byte
		candidates int
		first      string
	}{
		"header checksum": {3, 2, 0, ""}, "text flag": {3, 1, 0, ""}, "DOS": {9, 0, 0, ""},
		"Python": {9, 255, 9, "zlib at level 9"}, "another XFL": {8, 1, 28, "gzip -6"},
	} {
		file := bytes.Clone(plain)
		file[c.at] = c.to
		if tr := read(t, file, 100); len(tr.Candidates) != c.candidates || !strings.HasPrefix(show(tr), c.first) || len(tr.Told) == 0 || tr.NotTried == "" {
			t.Errorf("%s: %d candidates: %s", name, len(tr.Candidates), show(tr))
		}
	}
}

func TestReadErrors(t *testing.T) {
	broken := errors.New("broken")
	file := compress(t, content[:1000], "xz -c")
	for _, c := range []struct {
		file io.ReaderAt
		want string
	}{
		{bytes.NewReader([]byte("PK\x03\x04")), "only gzip, bzip2, xz and zstd are traced"},
		{bytes.NewReader(nil), "only gzip"},
		{failsAt{bytes.NewReader(file), 0, broken}, "broken"},
		{failsAt{bytes.NewReader(file), 1, broken}, "broken"},
	} {
		if _, err := trace.Read(c.file, int64(len(file)), 1000); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

// failsAt fails to read at offsets from one on.
type failsAt struct {
	r    io.ReaderAt
	from int64
	err  error
}

func (f failsAt) ReadAt(p []byte, offset int64) (int, error) {
	if offset >= f.from {
		return 0, f.err
	}
	return f.r.ReadAt(p, offset)
}

// Whatever the bytes: no panic, and nothing without a format.
func FuzzRead(f *testing.F) {
	for _, line := range []string{"gzip -9 -c", "bzip2 -1 -c", "xz -0 -c", "xz -0 -T2 --block-size=300 -c", "zstd -c", "zstd --single-thread --no-check -c"} {
		if testkit.HasProgram(strings.Fields(line)[0]) {
			f.Add(compress(f, content[:1000], line), int64(1000))
		}
	}
	f.Add([]byte("\x1f\x8b\x08\x08aaaaaaname"), int64(0))
	f.Add([]byte("\xfd7zXZ\x00\x00\x04\xe6\xd6\xb4\x46\x02"), int64(-1))
	f.Add([]byte("\x28\xb5\x2f\xfd\x00\xff"), int64(1)<<62)
	f.Fuzz(func(t *testing.T, file []byte, contentBytes int64) {
		tr, err := trace.Read(bytes.NewReader(file), int64(len(file)), contentBytes)
		if err != nil && tr != nil && len(tr.Candidates) > 0 {
			t.Errorf("%v with %d candidates", err, len(tr.Candidates))
		}
		if err == nil && (tr.Format < envelope.Gzip || tr.Format > envelope.Zstd || tr.Rest > int64(len(file))) {
			t.Errorf("%+v", tr)
		}
	})
}
