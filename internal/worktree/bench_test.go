package worktree

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
)

// benchFiles files of 6 kB on average: PHP 8 has 20,000 with 120 MB.
const benchFiles = 20_000

func benchWorld(b *testing.B) world {
	files := make(map[string]file, benchFiles)
	for i := range benchFiles {
		files[fmt.Sprintf("d%d/e%d/f%d", i%40, i%7, i)] = file{"644", strings.Repeat(fmt.Sprintf("line %d;\n", i), i%1000)}
	}
	return newWorld(b, digest.SHA1Format, files)
}

func BenchmarkLay(b *testing.B) {
	w := benchWorld(b)
	i := 0
	for b.Loop() {
		i++
		if _, err := Lay(b.Context(), w.layout(filepath.Join(b.TempDir(), fmt.Sprint(i)), digest.SHA1Format)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "tree")
	laid, err := Lay(b.Context(), benchWorld(b).layout(dir, digest.SHA1Format))
	if err != nil {
		b.Fatal(err)
	}
	var bytes int64
	for _, e := range laid.Entries() {
		bytes += e.Size
	}
	b.SetBytes(bytes)
	for b.Loop() {
		if _, err := Read(b.Context(), dir, Reading{}); err != nil {
			b.Fatal(err)
		}
	}
}
