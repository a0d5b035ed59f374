package envelope_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/envelope"
	"github.com/countermark/countermark/internal/testkit"
)

// goSources returns a tar of the Go command's sources, cut to 16 MiB so that
// compressing it does not take longer than what is measured.
func goSources(b *testing.B) []byte {
	b.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		testkit.Missing(b, "the program go is needed")
	}
	var out bytes.Buffer
	cmd := exec.Command(testkit.Program(b, "tar"), "-cf", "-", "-C", filepath.Join(strings.TrimSpace(string(root)), "src"), "cmd")
	cmd.Env = []string{"LC_ALL=C", "PATH=" + os.Getenv("PATH")}
	cmd.Stdout = &out
	if err := cmd.Run(); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()[:min(out.Len(), 16<<20)]
}

// BenchmarkRead measures uncompressed bytes per second.
func BenchmarkRead(b *testing.B) {
	content := goSources(b)
	for _, c := range []struct {
		format  string
		program []string
	}{
		{"tar", nil},
		{"gzip", []string{"gzip", "-9nc"}},
		{"bzip2", []string{"bzip2", "-9c"}},
		{"xz", []string{"xz", "-6c", "-T1"}},
		{"zstd", []string{"zstd", "-9cq"}},
		{"zstd window of 128 MiB", []string{"zstd", "--long=27", "-3cq"}},
	} {
		b.Run(c.format, func(b *testing.B) {
			file := content
			if c.program != nil {
				file = compressed(b, content, c.program[0], c.program[1:]...)
			}
			b.SetBytes(int64(len(content)))
			b.ReportAllocs()
			for b.Loop() {
				readAhead(b, file)
			}
		})
	}
}

func readAhead(b *testing.B, file []byte) {
	b.Helper()
	r, err := envelope.Open(bytes.NewReader(file), envelope.Options{})
	if err != nil {
		b.Fatal(err)
	}
	a := envelope.NewAhead(r, nil)
	for err == nil {
		_, err = a.Next()
	}
	if err != io.EOF {
		b.Fatal(err)
	}
	a.Close()
	r.Close()
}
