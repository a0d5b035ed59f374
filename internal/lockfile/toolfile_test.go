package lockfile

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/countermark/countermark/internal/tree"
)

func nls(path string) ToolFile {
	return ToolFile{Class: Added, Tool: "gettext", MinVersion: "0.21", Mode: 0o100644, Path: path}
}

// toolFileRefusals are lines after the five of minimal that are refused; line
// counts from the first of them.
var toolFileRefusals = []struct {
	name, lines string
	line        int
	says        string
}{
	{"no path", "accept-tool-file added gettext 0.21 100644\n", 1, "CLASS TOOL VERSION MODE PATH"},
	{"no field", "accept-tool-file \n", 1, "CLASS TOOL VERSION MODE PATH"},
	{"no space", "accept-tool-file\n", 1, "CLASS TOOL VERSION MODE PATH"},
	{"another keyword", "accept-tool-files added gettext 0.21 100644 a\n", 1, "CLASS TOOL VERSION MODE PATH"},
	{"no line end", "accept-tool-file added gettext 0.21 100644 a", 1, "line end"},
	{"a carriage return", "accept-tool-file added gettext 0.21 100644 a\r\n", 1, "NAME_CONTROL"},
	{"an empty path", "accept-tool-file added gettext 0.21 100644 \n", 1, "NAME_PATH"},
	{"an absolute path", "accept-tool-file added gettext 0.21 100644 /m4\n", 1, "NAME_PATH"},
	{"two slashes", "accept-tool-file added gettext 0.21 100644 m4//\n", 1, "NAME_PATH"},
	{"only slashes", "accept-tool-file added gettext 0.21 100644 //\n", 1, "NAME_PATH"},
	{"a path out of the tree", "accept-tool-file added gettext 0.21 100644 ../m4/\n", 1, "NAME_PATH"},
	{"the directory itself", "accept-tool-file added gettext 0.21 100644 ./\n", 1, "NAME_PATH"},
	{"git's directory", "accept-tool-file added gettext 0.21 100644 .git/\n", 1, "NAME_DOTGIT"},
	{"an escape", "accept-tool-file added gettext 0.21 100644 a\x1b[2J\n", 1, "NAME_CONTROL"},
	{"no UTF-8", "accept-tool-file added gettext 0.21 100644 a\xff\n", 1, "NAME_UTF8"},
	{"an unknown class", "accept-tool-file identical gettext 0.21 100644 a\n", 1, "none of added"},
	{"missing", "accept-tool-file missing gettext 0.21 100644 a\n", 1, "is added or changed, not missing"},
	{"special", "accept-tool-file special gettext 0.21 100644 a\n", 1, "is added or changed, not special"},
	{"mode", "accept-tool-file mode gettext 0.21 100644 a\n", 1, "is added or changed, not mode"},
	{"filtered-refs", "accept-tool-file filtered-refs gettext 0.21 100644 a\n", 1, "is added or changed, not filtered-refs"},
	{"an empty tool", "accept-tool-file added  0.21 100644 a\n", 1, "expected a name or version"},
	{"an empty version", "accept-tool-file added gettext  100644 a\n", 1, "expected a name or version"},
	{"a long tool", "accept-tool-file added " + strings.Repeat("g", maxWordBytes+1) + " 0.21 100644 a\n", 1, "1 to 64"},
	{"a long version", "accept-tool-file added gettext " + strings.Repeat("1", maxWordBytes+1) + " 100644 a\n", 1, "1 to 64"},
	{"a tool outside ASCII", "accept-tool-file added g\u00e9ttext 0.21 100644 a\n", 1, "printable ASCII"},
	{"a tab in a tool", "accept-tool-file added get\ttext 0.21 100644 a\n", 1, "printable ASCII"},
	{"an escape in a version", "accept-tool-file added gettext 0\x1b[2J 100644 a\n", 1, "printable ASCII"},
	{"a DEL in a version", "accept-tool-file added gettext 0\x7f 100644 a\n", 1, "printable ASCII"},
	{"no mode", "accept-tool-file added gettext 0.21 - a\n", 1, "100644 or 100755"},
	{"a link's mode", "accept-tool-file added gettext 0.21 120000 a\n", 1, "100644 or 100755"},
	{"a directory's mode", "accept-tool-file added gettext 0.21 040000 m4/\n", 1, "100644 or 100755"},
	{"a short mode", "accept-tool-file added gettext 0.21 644 a\n", 1, "040000"},
	{"a path twice", "accept-tool-file added gettext 0.21 100644 a\naccept-tool-file added automake 1 100644 a\n", 2, "out of order, or occurs twice"},
	{"out of order", "accept-tool-file added gettext 0.21 100644 b\naccept-tool-file added gettext 0.21 100644 a\n", 2, "out of order"},
	{"a directory after its file", "accept-tool-file added gettext 0.21 100644 m4/a\naccept-tool-file added gettext 0.21 100644 m4/\n", 2, "out of order"},
	{"accept after it", "accept-tool-file added gettext 0.21 100644 a\naccept missing - - b\n", 2, "CLASS TOOL VERSION MODE PATH"},
	{"an empty line after it", "accept-tool-file added gettext 0.21 100644 a\n\n", 2, "CLASS TOOL VERSION MODE PATH"},
}

func TestToolFileRefusals(t *testing.T) {
	for _, c := range toolFileRefusals {
		l, err := Parse([]byte(minimal + c.lines))
		var perr *ParseError
		if !errors.As(err, &perr) || l != nil {
			t.Errorf("%s: got %+v, %v", c.name, l, err)
			continue
		}
		if perr.Line != 5+c.line || !strings.Contains(perr.Detail, c.says) || strings.ContainsAny(err.Error(), "\n\r\x1b\x7f") {
			t.Errorf("%s: got %v, want line %d to say %q", c.name, err, 5+c.line, c.says)
		}
	}
}

// TestToolFilesAreSorted by the bytes of their paths, a directory with its slash.
func TestToolFilesAreSorted(t *testing.T) {
	l := &Lock{ToolFiles: []ToolFile{nls("m4/nls.m4"), nls("m4.txt"), nls("m4/"), nls("a"), nls("/"), nls("m4")}}
	out, err := l.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for line := range strings.Lines(strings.TrimPrefix(string(out), minimal)) {
		path, ok := strings.CutPrefix(line, "accept-tool-file added gettext 0.21 100644 ")
		if !ok {
			t.Fatalf("wrote %q", line)
		}
		paths = append(paths, strings.TrimSuffix(path, "\n"))
	}
	if got := strings.Join(paths, " "); got != "/ a m4 m4.txt m4/ m4/nls.m4" || l.ToolFiles[0].Path != "m4/nls.m4" {
		t.Errorf("wrote %s; the value has %s first", got, l.ToolFiles[0].Path)
	}
}

// TestCovers: a path, or the files directly in a directory.
func TestCovers(t *testing.T) {
	for _, c := range []struct {
		path    string
		covered []tree.Path
		not     []tree.Path
	}{
		{"m4/nls.m4", []tree.Path{"m4/nls.m4"}, []tree.Path{"m4", "m4/nls.m4/a", "nls.m4", "a/m4/nls.m4", "m4/nls"}},
		{"m4/", []tree.Path{"m4/nls.m4", "m4/a b"}, []tree.Path{"m4", "m4/a/b", "m4x/a", "a/m4/b", "a"}},
		{"a/m4/", []tree.Path{"a/m4/b"}, []tree.Path{"m4/b", "a/b", "a/m4", "a/m4/b/c"}},
		{"/", []tree.Path{"install-sh"}, []tree.Path{"m4/nls.m4"}},
	} {
		for _, p := range c.covered {
			if !nls(c.path).Covers(p) {
				t.Errorf("%s does not cover %s", c.path, p)
			}
		}
		for _, p := range c.not {
			if nls(c.path).Covers(p) {
				t.Errorf("%s covers %s", c.path, p)
			}
		}
	}
}

// drawToolFile draws a line for a path, or for the directory of that name.
func drawToolFile(rt *rapid.T, path string) ToolFile {
	word := rapid.StringMatching(`[!-~]{1,8}`)
	return ToolFile{
		Class: rapid.SampledFrom([]Class{Added, Changed}).Draw(rt, "tool class"),
		Tool:  word.Draw(rt, "tool"), MinVersion: word.Draw(rt, "version"),
		Mode: rapid.SampledFrom([]uint32{0o100644, 0o100755}).Draw(rt, "tool mode"),
		Path: path + rapid.SampledFrom([]string{"", "/"}).Draw(rt, "slash"),
	}
}
