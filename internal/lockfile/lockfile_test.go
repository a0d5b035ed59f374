package lockfile

import (
	"bytes"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/tree"
)

const (
	sha1A   = "1111111111111111111111111111111111111111"
	sha1B   = "2222222222222222222222222222222222222222"
	sha1C   = "3333333333333333333333333333333333333333"
	sha256A = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	sha256B = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

const minimal = "countermark-lock 1\nrepository -\ntag -\nroot -\nverified -\n"

const full = `countermark-lock 1
repository https://git.example.org/demo.git
tag v{version}
root ` + sha256A + `
verified 1.2.3
verified-ref refs/tags/v1.2.3
verified-tag ` + sha1A + `
verified-commit ` + sha1B + `
verified-tree ` + sha1C + `
verified-archive ` + sha256A + `
verified-tar ` + sha256B + `
accept changed ` + sha256A + ` 100644 ChangeLog
accept missing - - README
accept added ` + sha256B + ` 100755 configure
accept mode ` + sha256B + ` 100644 install sh
accept special - - lib/fifo
accept added - 040000 m4
accept added ` + sha256A + ` 120000 m4-link
accept filtered-refs ` + sha256A + ` 100644 version.h
accept-tool-file changed gettext 0.22.5 100644 /
accept-tool-file added automake 1:1.16-3~deb12 100755 build aux/install-sh
accept-tool-file added gettext 0.21 100644 m4/
accept-tool-file added gettext 0.21 100644 m4/nls.m4
`

func TestRoundTrip(t *testing.T) {
	specified, err := os.ReadFile("../../docs/spec/lock.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(specified), "```lock\n")
	example, _, found := strings.Cut(example, "```\n")
	if !found {
		t.Fatal("docs/spec/lock.md holds no example")
	}
	for name, text := range map[string]string{
		"minimal": minimal, "full": full, "specification": example,
		"lightweight tag": strings.Replace(full, "verified-tag "+sha1A, "verified-tag -", 1),
		"no tag":          strings.Replace(strings.Replace(full, "verified-tag "+sha1A, "verified-tag -", 1), "refs/tags/v1.2.3", "-", 1),
		"zip":             strings.Replace(full, "verified-tar "+sha256B, "verified-tar -", 1),
		"keys":            withKeys(minimal),
		"keys and more":   withKeys(full),
		"sha256":          strings.NewReplacer(sha1A, sha256A, sha1B, sha256B, sha1C, sha256A).Replace(full),
	} {
		l, err := Parse([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if out, err := l.Marshal(); err != nil || string(out) != text {
			t.Errorf("%s: %v, wrote\n%s", name, err, out)
		}
	}
}

func TestParseValues(t *testing.T) {
	l, err := Parse([]byte(full))
	if err != nil {
		t.Fatal(err)
	}
	if l.Repository != "https://git.example.org/demo.git" || l.TagPattern != "v{version}" || l.Root.String() != sha256A {
		t.Errorf("got %+v", l)
	}
	if v := l.Verified; v.Version != "1.2.3" || v.Ref != "refs/tags/v1.2.3" || v.Tag.String() != sha1A || v.Commit.String() != sha1B ||
		v.Tree.String() != sha1C || v.Archive.String() != sha256A || v.Tar.String() != sha256B {
		t.Errorf("got %+v", v)
	}
	var classes []Class
	for _, a := range l.Accepted {
		classes = append(classes, a.Class)
	}
	if !reflect.DeepEqual(classes, []Class{Changed, Missing, Added, Mode, Special, Added, Added, FilteredRefs}) {
		t.Errorf("classes %v", classes)
	}
	if want := []ToolFile{
		{Class: Changed, Tool: "gettext", MinVersion: "0.22.5", Mode: 0o100644, Path: "/"},
		{Class: Added, Tool: "automake", MinVersion: "1:1.16-3~deb12", Mode: 0o100755, Path: "build aux/install-sh"},
		{Class: Added, Tool: "gettext", MinVersion: "0.21", Mode: 0o100644, Path: "m4/"},
		{Class: Added, Tool: "gettext", MinVersion: "0.21", Mode: 0o100644, Path: "m4/nls.m4"},
	}; !reflect.DeepEqual(l.ToolFiles, want) {
		t.Errorf("tool files %+v", l.ToolFiles)
	}
	if a := l.Accepted[3]; a.Path != "install sh" || a.Mode != 0o100644 || a.Blob.String() != sha256B {
		t.Errorf("got %+v", a)
	}
}

func TestParseRefuses(t *testing.T) {
	accept := func(lines string) string { return minimal + lines }
	cases := []struct {
		name, text string
		line       int
		says       string
	}{
		{"empty", "", 1, "ends"},
		{"another version", strings.Replace(minimal, "lock 1", "lock 2", 1), 1, "countermark-lock 1"},
		{"CRLF", strings.ReplaceAll(minimal, "\n", "\r\n"), 1, "countermark-lock 1"},
		{"no final line end", strings.TrimSuffix(minimal, "\n"), 5, "line end"},
		{"a line missing", strings.Replace(minimal, "root -\n", "", 1), 4, `"root"`},
		{"an unknown line", minimal + "ignore a\n", 6, "accept CLASS"},
		{"an empty line", minimal + "\n", 6, "accept CLASS"},
		{"no value", strings.Replace(minimal, "repository -", "repository ", 1), 2, "a value"},
		{"space in the repository", strings.Replace(minimal, "repository -", "repository a b", 1), 2, "0x20"},
		{"option as repository", strings.Replace(minimal, "repository -", "repository --upload-pack=x", 1), 2, "option"},
		{"long repository", strings.Replace(minimal, "repository -", "repository "+strings.Repeat("a", MaxRepositoryBytes+1), 1), 2, "at most 2048"},
		{"pattern without version", strings.Replace(minimal, "tag -", "tag v1", 1), 3, "0 times"},
		{"pattern with two", strings.Replace(minimal, "tag -", "tag {version}-{version}", 1), 3, "2 times"},
		{"pattern outside refs", strings.Replace(minimal, "tag -", "tag ../{version}", 1), 3, "no tag name"},
		{"short digest", strings.Replace(minimal, "root -", "root abc", 1), 4, "64"},
		{"capital digest", strings.Replace(minimal, "root -", "root "+strings.ToUpper(sha256A), 1), 4, "64"},
		{"null digest", strings.Replace(minimal, "root -", "root "+strings.Repeat("0", 64), 1), 4, "zeros"},
		{"bad version", strings.Replace(full, "verified 1.2.3", "verified 1..2", 1), 5, `".."`},
		{"version of a path", strings.Replace(full, "verified 1.2.3", "verified 1/2", 1), 5, "letters"},
		{"branch", strings.Replace(full, "refs/tags/v1.2.3", "refs/heads/v1.2.3", 1), 6, "refs/tags/"},
		{"lock ref", strings.Replace(full, "refs/tags/v1.2.3", "refs/tags/a.lock/b", 1), 6, ".lock"},
		{"tag without ref", strings.Replace(full, "refs/tags/v1.2.3", "-", 1), 7, "without a ref"},
		{"abbreviated commit", strings.Replace(full, sha1B, sha1B[:12], 1), 8, "full object id"},
		{"null commit", strings.Replace(full, sha1B, strings.Repeat("0", 40), 1), 8, "zeros"},
		{"no commit", strings.Replace(full, sha1B, "-", 1), 8, "missing"},
		{"two formats", strings.Replace(full, sha1C, sha256A, 1), 9, "one object format"},
		{"no archive", strings.Replace(full, "archive "+sha256A, "archive -", 1), 10, "missing"},
		{"unknown class", accept("accept identical " + sha256A + " 100644 a\n"), 6, "none of added"},
		{"SHA-1 blob", accept("accept added " + sha1A + " 100644 a\n"), 6, "64"},
		{"added without blob", accept("accept added - 100644 a\n"), 6, "has a blob"},
		{"changed directory with blob", accept("accept changed " + sha256A + " 040000 a\n"), 6, "has a blob"},
		{"missing with blob", accept("accept missing " + sha256A + " 100644 a\n"), 6, "neither"},
		{"special with mode", accept("accept special - 100644 a\n"), 6, "neither"},
		{"mode of a link", accept("accept mode " + sha256A + " 120000 a\n"), 6, "symbolic link"},
		{"short mode", accept("accept added " + sha256A + " 644 a\n"), 6, "040000"},
		{"group-writable mode", accept("accept added " + sha256A + " 100664 a\n"), 6, "040000"},
		{"no path", accept("accept missing - -\n"), 6, "accept CLASS"},
		{"empty path", accept("accept missing - - \n"), 6, "NAME_PATH"},
		{"absolute path", accept("accept missing - - /etc/passwd\n"), 6, "NAME_PATH"},
		{"escape in a path", accept("accept missing - - a\x1b[2J\n"), 6, "NAME_CONTROL"},
		{"two spaces", accept("accept missing -  - a\n"), 6, "mode"},
		{"twice", accept("accept missing - - a\naccept added " + sha256A + " 100644 a\n"), 7, "twice"},
		{"out of order", accept("accept missing - - b\naccept missing - - a\n"), 7, "out of order"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			l, err := Parse([]byte(c.text))
			var perr *ParseError
			if !errors.As(err, &perr) || l != nil {
				t.Fatalf("got %+v, %v", l, err)
			}
			if perr.Line != c.line || !strings.Contains(perr.Detail, c.says) {
				t.Errorf("got %v, want line %d to say %q", err, c.line, c.says)
			}
			if strings.ContainsAny(err.Error(), "\n\r\x1b") {
				t.Errorf("the message holds control characters: %q", err)
			}
		})
	}
}

func TestMarshalSortsAndRefuses(t *testing.T) {
	l := &Lock{Accepted: []Accepted{{Class: Missing, Path: "b"}, {Class: Missing, Path: "a"}}}
	out, err := l.Marshal()
	if err != nil || string(out) != minimal+"accept missing - - a\naccept missing - - b\n" {
		t.Errorf("got %v\n%s", err, out)
	}
	if l.Accepted[0].Path != "b" {
		t.Error("the value was changed")
	}
	for name, bad := range map[string]*Lock{
		"a path twice":       {Accepted: []Accepted{{Class: Missing, Path: "a"}, {Class: Missing, Path: "a"}}},
		"a tool file twice":  {ToolFiles: []ToolFile{nls("m4/"), nls("m4/")}},
		"no tool":            {ToolFiles: []ToolFile{{Class: Added, MinVersion: "1", Mode: 0o100644, Path: "a"}}},
		"no tool's version":  {ToolFiles: []ToolFile{{Class: Added, Tool: "a", Mode: 0o100644, Path: "a"}}},
		"a space in a tool":  {ToolFiles: []ToolFile{{Class: Added, Tool: "a 1 100644", MinVersion: "1", Mode: 0o100644, Path: "a"}}},
		"a tool's line end":  {ToolFiles: []ToolFile{{Class: Added, Tool: "a", MinVersion: "1", Mode: 0o100644, Path: "a\naccept-tool-file added a 1 100644 b"}}},
		"a tool's link":      {ToolFiles: []ToolFile{{Class: Added, Tool: "a", MinVersion: "1", Mode: 0o120000, Path: "a"}}},
		"a tool's no mode":   {ToolFiles: []ToolFile{{Class: Added, Tool: "a", MinVersion: "1", Path: "a"}}},
		"a missing tool":     {ToolFiles: []ToolFile{{Class: Missing, Tool: "a", MinVersion: "1", Mode: 0o100644, Path: "a"}}},
		"no class":           {Accepted: []Accepted{{Path: "a"}}},
		"a line end in path": {Accepted: []Accepted{{Class: Missing, Path: "a\naccept missing - - b"}}},
		"a tag's key twice":  {TagKeys: []Key{{keyA, "a"}, {keyA, "b"}}},
		"a key that is none": {ArchiveKeys: []Key{{"none", "a"}}},
		"no fingerprint":     {ArchiveKeys: []Key{{keyA, ""}}},
		"a key's line end":   {TagKeys: []Key{{keyA, "a\ntag-key " + keyB + " b"}}},
		"a line end":         {Repository: "a\nb"},
		"a dash":             {Repository: "-x"},
		"no ids":             {Verified: &Verified{Version: "1"}},
		"no version":         {Verified: &Verified{}},
	} {
		if out, err := bad.Marshal(); err == nil || out != nil {
			t.Errorf("%s: wrote %s", name, out)
		}
	}
}

// TestMarshalThenParse shows that every value that can be written reads back.
func TestMarshalThenParse(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		id := func(label string) digest.ObjectID {
			raw := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(rt, label)
			raw[0] |= 1
			return digest.ObjectIDFromBytes(digest.SHA256Format, raw)
		}
		l := &Lock{Repository: rapid.StringMatching(`(https://[!-~]{1,20})?`).Draw(rt, "repository"), TagPattern: rapid.SampledFrom([]string{"", "v{version}", "a/b-{version}_c"}).Draw(rt, "tag")}
		for i, k := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{keyA, keyB, keyC}), 0, 3, rapid.ID).Draw(rt, "keys") {
			l.TagKeys = append(l.TagKeys, Key{k, "SHA256:abc"})
			if i > 0 {
				l.ArchiveKeys = append(l.ArchiveKeys, Key{k, "0123"})
			}
		}
		seen := map[tree.Path]bool{}
		for range rapid.IntRange(0, 8).Draw(rt, "accepted") {
			path := tree.Path(rapid.StringMatching(`[a-z ]{0,3}[a-z](/[A-Zé]{1,2})?`).Draw(rt, "path"))
			a := Accepted{Class: Class(rapid.IntRange(1, int(Special)).Draw(rt, "class")), Path: path}
			if a.Class != Missing && a.Class != Special {
				a.Blob, a.Mode = id("blob"), rapid.SampledFrom([]uint32{0o100644, 0o100755}).Draw(rt, "mode")
			}
			if !seen[path] {
				l.Accepted = append(l.Accepted, a)
				l.ToolFiles = append(l.ToolFiles, drawToolFile(rt, string(path)))
			}
			seen[path] = true
		}
		out, err := l.Marshal()
		if err != nil {
			rt.Fatal(err)
		}
		back, err := Parse(out)
		if err != nil {
			rt.Fatal(err)
		}
		again, err := back.Marshal()
		if err != nil || !bytes.Equal(again, out) || len(back.Accepted) != len(l.Accepted) || len(back.ToolFiles) != len(l.ToolFiles) || len(back.TagKeys) != len(l.TagKeys) || back.Repository != l.Repository || back.TagPattern != l.TagPattern {
			rt.Fatalf("%v: wrote\n%s\nthen\n%s", err, out, again)
		}
	})
}

// FuzzParse: no panic, no value with an error, and print(parse(x)) == x.
func FuzzParse(f *testing.F) {
	f.Add([]byte(minimal))
	f.Add([]byte(full))
	f.Add([]byte(strings.Replace(full, "verified-tag "+sha1A, "verified-tag -", 1)))
	for _, c := range toolFileRefusals {
		f.Add([]byte(minimal + c.lines))
	}
	f.Add([]byte(withKeys(full)))
	for _, c := range keyRefusals() {
		f.Add([]byte(beforeVerified(minimal, c.lines)))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := Parse(data)
		if err != nil {
			var perr *ParseError
			if l != nil || !errors.As(err, &perr) || perr.Line < 1 || perr.Detail == "" {
				t.Fatalf("%v and %v", l, err)
			}
			return
		}
		if out, err := l.Marshal(); err != nil || !bytes.Equal(out, data) {
			t.Fatalf("%v: read\n%q\nwrote\n%q", err, data, out)
		}
	})
}
