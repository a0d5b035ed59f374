package rootfile_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/rootfile"
)

const sample = "countermark-root 1\nproject https://git.example.org/hello\narchive hello-{version}\nroot 00000000000000000000000000000000000000000000000000000000000000aa\n"

func TestParse(t *testing.T) {
	r, err := rootfile.Parse([]byte(sample))
	if err != nil || r.Project != "https://git.example.org/hello" || r.Archive != "hello-{version}" || r.Root[31] != 0xaa {
		t.Fatalf("%+v, %v", r, err)
	}
	if got := r.Encode(); string(got) != sample {
		t.Errorf("written again: %q", got)
	}
}

// Each is one change of the sample, and what the error says.
func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ name, from, to, says string }{
		{"another version", "root 1", "root 2", "line 1"},
		{"no project", "project https", "projekt https", "line 2"},
		{"an empty project", "project https://git.example.org/hello", "project ", "line 2"},
		{"a project with a space", "org/hello", "org/hello x", "line 2"},
		{"a project with an escape", "org/hello", "org/\x1b[2J", "line 2"},
		{"no version", "hello-{version}", "hello", "line 3"},
		{"the version alone", "hello-{version}", "{version}", "line 3"},
		{"two versions", "hello-{version}", "hello-{version}{version}", "line 3"},
		{"a folder", "hello-{version}", "hello/{version}", "line 3"},
		{"a short digest", "aa\n", "a\n", "line 4"},
		{"a zero digest", "aa\n", "00\n", "line 4"},
		{"no end", "aa\n", "aa", "four lines"},
		{"a line more", "aa\n", "aa\n\n", "four lines"},
		{"a carriage return", "aa\n", "aa\r\n", "line 4"},
	} {
		_, err := rootfile.Parse([]byte(strings.Replace(sample, c.from, c.to, 1)))
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.name, err, c.says)
		}
	}
}

func TestNames(t *testing.T) {
	r, err := rootfile.Parse([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{
		"hello-1.0.tar.gz": true, "hello-1.0": true, "hello-1.0.zip": true, "hello-1.0.RC1.tar.xz": true,
		"hello-.tar.gz": false, "hello.tar.gz": false, "hullo-1.0.tar.gz": false, "xhello-1.0.tar.gz": false, "hello-1/0.tar.gz": false, "": false,
	} {
		if r.Names(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, err := rootfile.Parse(data); err == nil && !bytes.Equal(r.Encode(), data) {
			t.Errorf("%q is read, and written as %q", data, r.Encode())
		}
	})
}
