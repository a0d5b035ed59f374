package pack

import (
	"fmt"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/testkit"
)

// benchFiles is how many blobs are written: as many as PHP 8 has files.
const benchFiles = 20_000

func content(n, i int) string {
	return strings.Repeat(fmt.Sprintf("line %d of %d;\n", i, n), i%400)
}

func BenchmarkAdd(b *testing.B) {
	n := 0
	for b.Loop() {
		b.StopTimer()
		r, _ := repository(b, digest.SHA1Format)
		objects := make([]Object, benchFiles)
		for i := range objects {
			objects[i] = blob(b, digest.SHA1Format, content(n, i))
		}
		n++
		b.StartTimer()
		if _, err := Add(b.Context(), r, objects); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHashObject is how git itself does the same, with loose objects that
// are not even synced.
func BenchmarkHashObject(b *testing.B) {
	n := 0
	for b.Loop() {
		b.StopTimer()
		_, dir := repository(b, digest.SHA1Format)
		files := b.TempDir()
		var list strings.Builder
		for i := range benchFiles {
			list.WriteString(testkit.Write(b, fmt.Sprintf("%s/%d", files, i), content(n, i)) + "\n")
		}
		n++
		b.StartTimer()
		run(b, dir, list.String(), "hash-object", "-w", "--no-filters", "--stdin-paths")
	}
}
