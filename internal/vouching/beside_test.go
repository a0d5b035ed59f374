package vouching

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/countermark/countermark/internal/testkit"
)

func TestWithoutExtension(t *testing.T) {
	for path, want := range map[string]string{
		"hello-1.0.tar.gz":            "hello-1.0",
		"hello-1.0.tar":               "hello-1.0",
		"a.b/hello-1.0.tar.zst":       "a.b/hello-1.0",
		"a.tar.gz/hello-1.0":          "a.tar.gz/hello-1.0",
		"hello-1.0.zip":               "hello-1.0",
		"hello-1.0.tgz":               "hello-1.0",
		"hello.tartan-1.0.zip":        "hello.tartan-1.0",
		"hello.tartan-1.0.tar.xz":     "hello.tartan-1.0",
		"hello.tar-1.0.tgz":           "hello.tar-1.0",
		"hello-1.0.tar.gz.part":       "hello-1.0.tar.gz.part",
		"hello-1.0.tarball":           "hello-1.0.tarball",
		".tar.gz":                     ".tar.gz",
		".zip":                        ".zip",
		"hello":                       "hello",
		"":                            "",
		"hello-1.0.tar.gz.tar.gz":     "hello-1.0.tar.gz",
		"v1.0.tar.gz/../x-1.0.tar.gz": "v1.0.tar.gz/../x-1.0",
	} {
		if got := withoutExtension(path); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}

// Bundles beside archives are found by both names, each once; nothing but regular
// files is one, and none belongs to standard input.
func TestBeside(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"a-1.tar.gz.countermark", "a-1.countermark", "b-1.countermark", "c-1.zip.countermark", "-.countermark"} {
		testkit.Write(t, in(name), "x")
	}
	if err := os.Mkdir(in("d-1.countermark"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	for _, c := range []struct{ archives, want []string }{
		{[]string{"a-1.tar.gz"}, []string{"a-1.tar.gz.countermark", "a-1.countermark"}},
		{[]string{"a-1.tar.xz"}, []string{"a-1.countermark"}},
		{[]string{"a-1.tar.xz", "a-1.tar.gz", "a-1.zip"}, []string{"a-1.countermark", "a-1.tar.gz.countermark"}},
		{[]string{in("b-1.zip")}, []string{in("b-1.countermark")}},
		{[]string{"c-1.zip", "b-1.tar"}, []string{"c-1.zip.countermark", "b-1.countermark"}},
		{[]string{"c-1.tar.gz", "d-1.tar.gz", "-"}, nil},
		{nil, nil},
	} {
		if got := Beside(c.archives); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.archives, got, c.want)
		}
	}
}
