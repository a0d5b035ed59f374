package gitrepo

import (
	"fmt"
	"strings"
	"testing"
)

// large makes a repository of as many files as the Linux kernel has, in 4,000
// directories, with eight attributes files.
func large(b *testing.B) *work {
	b.Helper()
	w := newWork(b, "--bare")
	var stream strings.Builder
	stream.WriteString("commit refs/heads/main\ncommitter A <a@b> 1 +0000\ndata 1\nx\n")
	for i := range 80_000 {
		content := fmt.Sprint(i)
		fmt.Fprintf(&stream, "M 644 inline top%d/middle%d/directory%d/file-of-usual-length-%d.c\ndata %d\n%s\n", i%8, i/8%20, i/160%25, i, len(content), content)
	}
	for i := range 8 {
		fmt.Fprintf(&stream, "M 644 inline top%d/.gitattributes\ndata 22\n*.c ident\n*.h eol=lf\n\n", i)
	}
	w.gitIn(stream.String(), "fast-import", "--quiet")
	return w
}

func BenchmarkLarge(b *testing.B) {
	w := large(b)
	r, err := findGit(b).OpenLocal(b.Context(), w.dir)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close() //nolint:errcheck // a benchmark
	root := w.id("main^{tree}")
	files, err := r.Tree(b.Context(), root)
	if err != nil || files.Len() != 80_008 {
		b.Fatal(files.Len(), err)
	}
	var paths []string
	for _, e := range files.Entries() {
		paths = append(paths, string(e.Path))
	}
	b.Run("Tree", func(b *testing.B) {
		for b.Loop() {
			if _, err := r.Tree(b.Context(), root); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Attributes", func(b *testing.B) {
		names := []string{"text", "crlf", "eol", "ident", "export-subst", "export-ignore", "working-tree-encoding", "filter"}
		for b.Loop() {
			values, err := r.Attributes(b.Context(), AttributeQuery{TreeID: root, Tree: files, Names: names, Paths: paths})
			if err != nil || len(values) != len(paths) {
				b.Fatal(len(values), err)
			}
		}
	})
	b.Run("AttributesUnmentioned", func(b *testing.B) {
		for b.Loop() {
			if values, err := r.Attributes(b.Context(), AttributeQuery{TreeID: root, Tree: files, Names: []string{"export-ignore"}, Paths: paths}); err != nil || values != nil {
				b.Fatal(len(values), err)
			}
		}
	})
}
