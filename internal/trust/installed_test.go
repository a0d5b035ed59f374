package trust_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/countermark/countermark/internal/trust"
)

func TestInstalled(t *testing.T) {
	config := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", config)
	roots := filepath.Join(config, "countermark", "roots")
	if err := os.MkdirAll(roots, 0o700); err != nil {
		t.Fatal(err)
	}
	install := func(file, pattern string, root int) {
		t.Helper()
		text := fmt.Sprintf("countermark-root 1\nproject https://git.example.org/%s\narchive %s\nroot %064x\n", file, pattern, root)
		if err := os.WriteFile(filepath.Join(roots, file+".root"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	install("hello", "hello-{version}", 1)
	install("hello-extras", "hello-extras-{version}", 2)
	install("twin", "twin-{version}", 3)
	install("other-twin", "twin-{version}", 4)
	install("left", "cross-{version}", 5)
	install("right", "{version}-cross", 6)
	for _, c := range []struct {
		names []string
		want  string // end of the project's URL, "" for none, "!" for an error
	}{
		{[]string{"hello-1.0.tar.gz"}, "hello"},
		{[]string{"hello-extras-1.0.tar.gz"}, "hello-extras"}, // the narrower of two
		{[]string{"hello-1.0.tar.gz", "hello-1.0.zip"}, "hello"},
		{[]string{"hello-1.0.tar.gz", "hello-extras-1.0.tar.gz"}, "hello"}, // which all names are of
		{[]string{"hello-1.0.tar.gz", "hullo-1.0.tar.gz"}, ""},
		{[]string{"hullo-1.0.tar.gz"}, ""},
		{nil, ""},
		{[]string{"twin-1.0.tar.gz"}, "!"},
		{[]string{"cross-1-cross.tar.gz"}, "!"}, // neither is narrower
	} {
		got, err := trust.Installed(c.names)
		switch {
		case c.want == "!" && err == nil:
			t.Errorf("%q: %s, want an error", c.names, got.Project)
		case c.want == "" && (err != nil || got.Project != ""):
			t.Errorf("%q: %s, %v, want none", c.names, got.Project, err)
		case c.want != "!" && c.want != "" && (err != nil || got.Project != "https://git.example.org/"+c.want):
			t.Errorf("%q: %s, %v, want %s", c.names, got.Project, err, c.want)
		}
	}
}
