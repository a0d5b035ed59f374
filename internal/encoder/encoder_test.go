//go:build unix

package encoder_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/countermark/countermark/internal/encoder"
	"github.com/countermark/countermark/internal/encoder/command"
	"github.com/countermark/countermark/internal/envelope"
	"github.com/countermark/countermark/internal/testkit"
)

// find finds a program that the test cannot do without.
func find(t *testing.T, name string) *encoder.Program {
	t.Helper()
	testkit.Program(t, name)
	p, err := encoder.Find(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// text is of a kind that compresses, always the same.
func text(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	for b.Len() < n {
		fmt.Fprintf(&b, "line %d of %x\n", r.IntN(1000), r.IntN(1<<20))
	}
	return b.Bytes()[:n]
}

func TestFind(t *testing.T) {
	for _, name := range []string{"gzip", "bzip2", "xz", "zstd", "zip", "pigz", "lbzip2", "python3"} {
		p := find(t, name)
		if p.Name != name || !filepath.IsAbs(p.Path) || p.Version == "" || !strings.Contains(p.Banner, p.Version) || strings.Contains(p.Banner, "\n") {
			t.Errorf("%s: %+v", name, p)
		}
	}
	p, err := encoder.Find(t.Context(), "no-such-program")
	missing, ok := errors.AsType[*encoder.MissingError](err)
	if p != nil || !ok || missing.Name != "no-such-program" || err.Error() != "no-such-program is not installed" {
		t.Errorf("%+v, %v", p, err)
	}
	if p, err := encoder.Find(t.Context(), "false"); p != nil || err == nil || !strings.Contains(err.Error(), "asking false for its version: exit status 1") {
		t.Errorf("%+v, %v", p, err)
	}
}

// lines are all that command.New can give, but for zip's.
func lines(t *testing.T) map[envelope.Format][]command.Line {
	t.Helper()
	all := make(map[envelope.Format][]command.Line)
	for _, s := range []command.Settings{
		{Format: envelope.Gzip, Level: 9, Threads: 1}, {Format: envelope.Bzip2, Level: 9, Threads: 1},
		{Format: envelope.XZ, Level: 0, Threads: 1}, {Format: envelope.XZ, Level: 0, Threads: 2}, {Format: envelope.XZ, Level: 0, Threads: 3},
		{Format: envelope.Zstd, Level: 3, Threads: 1}, {Format: envelope.Zstd, Level: 3, Threads: 2}, {Format: envelope.Zstd, Level: 20, Threads: 1},
	} {
		line, err := command.New(s)
		if err != nil {
			t.Fatal(err)
		}
		all[s.Format] = append(all[s.Format], line)
	}
	return all
}

// What a line writes is what our strict reader accepts, without a word; it does not
// depend on how the input comes, nor on the environment; and of xz and zstd not on
// how many threads there are, if there are several.
func TestRun(t *testing.T) {
	for _, kv := range []string{"GZIP=-1", "BZIP2=-1", "XZ_OPT=-C sha256", "XZ_DEFAULTS=-9e", "ZSTD_CLEVEL=1", "ZSTD_NBTHREADS=4"} {
		key, value, _ := strings.Cut(kv, "=")
		t.Setenv(key, value)
	}
	content := text(2500 << 10)
	for format, all := range lines(t) {
		outputs := make(map[string][]byte)
		for _, line := range all {
			p := find(t, line.Program)
			var out, again bytes.Buffer
			err := p.Run(t.Context(), encoder.Call{Args: line.Args, In: bytes.NewReader(content), Out: &out})
			if err2 := p.Run(t.Context(), encoder.Call{Args: line.Args, In: iotest.HalfReader(bytes.NewReader(content)), Out: &again}); err != nil || err2 != nil || !bytes.Equal(out.Bytes(), again.Bytes()) {
				t.Fatalf("%s: %v, %v, %d and %d bytes", line, err, err2, out.Len(), again.Len())
			}
			r, err := envelope.Open(&again, envelope.Options{})
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, content) || r.Format() != format || len(r.Notes()) > 0 {
				t.Errorf("%s: %d bytes, %v, notes %q", line, len(got), err, r.Notes())
			}
			outputs[line.String()] = out.Bytes()
		}
		switch format {
		case envelope.XZ:
			one, two, three := outputs[all[0].String()], outputs[all[1].String()], outputs[all[2].String()]
			if bytes.Equal(one, two) || !bytes.Equal(two, three) {
				t.Errorf("xz: %d, %d and %d bytes with 1, 2 and 3 threads", len(one), len(two), len(three))
			}
		case envelope.Zstd:
			if !bytes.Equal(outputs[all[0].String()], outputs[all[1].String()]) {
				t.Error("zstd: 2 threads do not give what 1 gives")
			}
		}
	}
}

func TestRunErrors(t *testing.T) {
	gzip := find(t, "gzip")
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		call encoder.Call
		want string
	}{
		"bad option":   {encoder.Call{Args: []string{"--no-such-option"}}, `running gzip: exit status 1: it said "`},
		"input fails":  {encoder.Call{Args: []string{"-c"}, In: io.MultiReader(bytes.NewReader(text(1<<20)), iotest.ErrReader(broken)), Out: io.Discard}, "broken"},
		"output fails": {encoder.Call{Args: []string{"-c"}, In: bytes.NewReader(text(1 << 24)), Out: writerFunc(func([]byte) (int, error) { return 0, broken })}, "broken"},
	} {
		if c.call.In == nil {
			c.call.In, c.call.Out = strings.NewReader(""), io.Discard
		}
		err := gzip.Run(t.Context(), c.call)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "\n") || c.want == "broken" && !errors.Is(err, broken) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	quiet := &encoder.Program{Name: "false", Path: testkit.Program(t, "false")}
	if err := quiet.Run(t.Context(), encoder.Call{In: strings.NewReader(""), Out: io.Discard}); err == nil || err.Error() != "running false: exit status 1" {
		t.Errorf("false: %v", err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// A context that ends kills the program and all that it started.
func TestCancel(t *testing.T) {
	dir := t.TempDir()
	sh := &encoder.Program{Name: "sh", Path: testkit.Program(t, "sh")}
	ctx, cancel := context.WithCancel(t.Context())
	begun := time.Now()
	time.AfterFunc(200*time.Millisecond, cancel)
	err := sh.Run(ctx, encoder.Call{Args: []string{"-c", "(sleep 1; touch survived) & sleep 30"}, Folder: dir, In: strings.NewReader(""), Out: io.Discard})
	if !errors.Is(err, context.Canceled) || time.Since(begun) > 20*time.Second {
		t.Errorf("%v after %v", err, time.Since(begun))
	}
	time.Sleep(1500 * time.Millisecond)
	if _, err := os.Stat(filepath.Join(dir, "survived")); err == nil {
		t.Error("what the program started lived on")
	}
}
