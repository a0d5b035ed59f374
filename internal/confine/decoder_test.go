package confine_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/countermark/countermark/internal/confine"
	"github.com/countermark/countermark/internal/envelope"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/testkit"
)

func systemXZ(t testing.TB, ctx context.Context) envelope.XZDecoder {
	t.Helper()
	testkit.Program(t, "xz")
	d, err := confine.SystemXZ(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// compress runs the real xz over content.
func compress(t testing.TB, content []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(testkit.Program(t, "xz"), append([]string{"-c", "-T1"}, args...)...)
	cmd.Env = []string{"LC_ALL=C"}
	cmd.Stdin = bytes.NewReader(content)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("running xz %q: %v", args, err)
	}
	return out
}

// sample is a plausible tar's worth of bytes: part text, part noise.
func sample(size int) []byte {
	var b bytes.Buffer
	seed := [32]byte{1}
	for b.Len() < size {
		fmt.Fprintf(&b, "line %d of a source file\n", b.Len())
		if b.Len()%7 == 0 {
			seed = sha256.Sum256(seed[:])
			b.Write(seed[:])
		}
	}
	return b.Bytes()[:size]
}

// verdict reads everything with one decoder.
func verdict(t *testing.T, content []byte, name string, d envelope.XZDecoder) (string, []byte) {
	t.Helper()
	r, err := envelope.Open(bytes.NewReader(content), envelope.Options{Name: name, XZ: d})
	if err != nil {
		return verdictOf(err), nil
	}
	defer r.Close()
	out, err := io.ReadAll(r)
	if err != nil {
		return verdictOf(err), nil
	}
	return "accept", out
}

func verdictOf(err error) string {
	var refused *refusal.Refusal
	if errors.As(err, &refused) {
		return string(refused.Rule)
	}
	return "error: " + err.Error()
}

// sameVerdict checks that both decoders say want, and give the same bytes.
func sameVerdict(t *testing.T, content []byte, name, want string, system envelope.XZDecoder) {
	t.Helper()
	builtIn, ours := verdict(t, content, name, envelope.XZDecoder{})
	external, theirs := verdict(t, content, name, system)
	if builtIn != want || external != want {
		t.Errorf("the decoder that is built in says %s, the system's %s, expected %s", builtIn, external, want)
	}
	if !bytes.Equal(ours, theirs) {
		t.Errorf("the decoders give different bytes: %d and %d", len(ours), len(theirs))
	}
}

func TestSystemXZName(t *testing.T) {
	d := systemXZ(t, t.Context())
	if !strings.HasPrefix(d.Name, "xz ") || !strings.Contains(d.Name, "(system, ") {
		t.Errorf("the decoder's name is %q", d.Name)
	}
}

func TestHostileFilesWithBothDecoders(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "hostile")
	table, err := os.Open(filepath.Join(dir, "compressed.tsv"))
	if err != nil {
		testkit.Missing(t, "the folder %s is not there", dir)
	}
	defer table.Close()
	system := systemXZ(t, t.Context())
	cases := 0
	for lines := bufio.NewScanner(table); lines.Scan(); {
		name, want, ok := strings.Cut(lines.Text(), "\t")
		if strings.HasPrefix(name, "#") || !ok {
			continue
		}
		cases++
		t.Run(name, func(t *testing.T) {
			content, err := os.ReadFile(filepath.Join(dir, "compressed", name))
			if err != nil {
				t.Fatal(err)
			}
			sameVerdict(t, content, name, want, system)
		})
	}
	if cases == 0 {
		t.Fatal("no case found")
	}
}

func TestGoodFilesWithBothDecoders(t *testing.T) {
	system := systemXZ(t, t.Context())
	for _, c := range []struct {
		name string
		size int
		args []string
	}{
		{"empty", 0, nil},
		{"one byte", 1, nil},
		{"text", 3 << 20, []string{"-1"}},
		{"crc32", 100_000, []string{"--check=crc32"}},
		{"sha256", 100_000, []string{"--check=sha256"}},
		{"blocks", 1 << 20, []string{"--block-size=100000"}},
		{"small dictionary", 1 << 20, []string{"--lzma2=dict=4KiB"}},
		{"no literal context", 1 << 20, []string{"--lzma2=lc=0,lp=4,pb=0"}},
		{"xz -9", 1 << 20, []string{"-9"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			content := sample(c.size)
			compressed := compress(t, content, c.args...)
			sameVerdict(t, compressed, "a.tar.xz", "accept", system)
			if _, out := verdict(t, compressed, "a.tar.xz", system); !bytes.Equal(out, content) {
				t.Error("the bytes are not those that were compressed")
			}
		})
	}
}

// TestDamagedFilesWithBothDecoders flips bits all over a file and cuts it at
// many places: whatever rule applies, it applies with both decoders.
func TestDamagedFilesWithBothDecoders(t *testing.T) {
	system := systemXZ(t, t.Context())
	good := compress(t, sample(40_000), "--block-size=30000")
	step := max(1, len(good)/120)
	for at := 0; at < len(good); at += step {
		bad := bytes.Clone(good)
		bad[at] ^= 1 << (at % 8)
		want, _ := verdict(t, bad, "", envelope.XZDecoder{})
		if want == "accept" || strings.HasPrefix(want, "error") {
			t.Errorf("a flipped bit at byte %d gives %s", at, want)
		}
		sameVerdict(t, bad, "", want, system)
		sameVerdict(t, good[:at], "a.tar.xz", "Z_TRUNCATED", system)
	}
}

func TestCancelKillsXZ(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	d := systemXZ(t, ctx)
	blocked, release := io.Pipe()
	defer release.Close()
	stream, err := d.Start(blocked, 16<<20)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	time.AfterFunc(100*time.Millisecond, func() { release.Close() })
	if _, err := stream.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("reading after cancel gives %v, expected %v", err, context.Canceled)
	}
	stream.Close()
}

// TestMemoryLimitIsNoVerdict: a decoder that cannot do its work refuses
// nothing.
func TestMemoryLimitIsNoVerdict(t *testing.T) {
	d := systemXZ(t, t.Context())
	stream, err := d.Start(bytes.NewReader(compress(t, sample(1000), "-9")), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if _, err := io.ReadAll(stream); err == nil || errors.Is(err, envelope.ErrCorrupt) {
		t.Errorf("reading with too little memory gives %v, expected an error that does not blame the data", err)
	}
}

// TestCloseEarly closes readers that have not been read to their end.
func TestCloseEarly(t *testing.T) {
	d := systemXZ(t, t.Context())
	compressed := compress(t, sample(8<<20), "-0")
	before := runtime.NumGoroutine()
	for range 20 {
		r, err := envelope.Open(bytes.NewReader(compressed), envelope.Options{XZ: d})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		r.Close()
		if _, err := r.Read(make([]byte, 1<<20)); err == nil {
			t.Error("a closed reader can be read")
		}
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines before, %d after", before, runtime.NumGoroutine())
}

// BenchmarkXZ compares the whole path (file, scanner, confined xz, Ahead) with
// xz alone, on the same data.
func BenchmarkXZ(b *testing.B) {
	system := systemXZ(b, b.Context())
	content := sample(64 << 20)
	name := filepath.Join(b.TempDir(), "a.tar.xz")
	if err := os.WriteFile(name, compress(b, content, "-1"), 0o600); err != nil {
		b.Fatal(err)
	}
	b.Run("xz alone", func(b *testing.B) {
		b.SetBytes(int64(len(content)))
		for b.Loop() {
			if err := exec.Command("xz", "-dc", "-T1", name).Run(); err != nil { // its stdout is the null device
				b.Fatal(err)
			}
		}
	})
	for _, d := range []envelope.XZDecoder{system, {Name: "go xz"}} {
		b.Run(d.Name, func(b *testing.B) {
			b.SetBytes(int64(len(content)))
			for b.Loop() {
				readFile(b, name, d)
			}
		})
	}
}

func readFile(b *testing.B, name string, d envelope.XZDecoder) {
	b.Helper()
	f, err := os.Open(name)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	r, err := envelope.Open(f, envelope.Options{XZ: d})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	a := envelope.NewAhead(r, nil)
	defer a.Close()
	for err == nil {
		_, err = a.Next()
	}
	if err != io.EOF {
		b.Fatal(err)
	}
}
