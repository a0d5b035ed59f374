package builtcommit

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/testkit"
)

func formats() []digest.Format { return []digest.Format{digest.SHA1Format, digest.SHA256Format} }

func id(f digest.Format, content string) digest.ObjectID {
	id, err := digest.HashObject(f, digest.Commit, []byte(content))
	if err != nil {
		panic(err)
	}
	return id
}

func sample(f digest.Format) *Commit {
	return &Commit{
		Tree: id(f, "tree"), Previous: id(f, "previous"), Unix: 1700000001, Name: "xz", Version: "5.4.1",
		Author: Person{"Lasse Ü", "lasse@example.org"}, Committer: Person{"CI", ""},
		Source: Source{Tag: "refs/tags/v5.4.1", TagObject: id(f, "tag"), Commit: id(f, "source")},
		Recipe: digest.SHA256{1, 2, 3},
	}
}

// git runs git in a new repository of the format, hermetically.
func git(tb testing.TB, f digest.Format, stdin string, args ...string) string {
	tb.Helper()
	dir := tb.TempDir()
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Lasse Ü", "GIT_AUTHOR_EMAIL=lasse@example.org", "GIT_AUTHOR_DATE=1700000001 +0000",
		"GIT_COMMITTER_NAME=CI", "GIT_COMMITTER_EMAIL=", "GIT_COMMITTER_DATE=1700000001 +0000"}
	var out []byte
	for _, line := range [][]string{{"init", "-q", "--object-format=" + f.String()}, args} {
		cmd := exec.Command(testkit.Program(tb, "git"), line...)
		cmd.Dir, cmd.Env, cmd.Stdin = dir, env, strings.NewReader(stdin)
		var err error
		if out, err = cmd.CombinedOutput(); err != nil {
			tb.Fatalf("git %q: %v: %s", line, err, out)
		}
	}
	return string(out)
}

func TestEncode(t *testing.T) {
	raw, got, err := sample(digest.SHA1Format).Encode()
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`tree %v
parent %v
parent %v
author Lasse Ü <lasse@example.org> 1700000001 +0000
committer CI <> 1700000001 +0000

xz 5.4.1

Source-tag: refs/tags/v5.4.1
Source-tag-object: %v
Source-commit: %v
Recipe-sha256: 0102030000000000000000000000000000000000000000000000000000000000
`, id(digest.SHA1Format, "tree"), id(digest.SHA1Format, "previous"), id(digest.SHA1Format, "source"), id(digest.SHA1Format, "tag"), id(digest.SHA1Format, "source"))
	if string(raw) != want {
		t.Errorf("got\n%s\nwant\n%s", raw, want)
	}
	if asGit := strings.TrimSpace(git(t, digest.SHA1Format, want, "hash-object", "-t", "commit", "--stdin")); asGit != got.String() {
		t.Errorf("the id is %v, git says %s", got, asGit)
	}
	_, message, _ := strings.Cut(want, "\n\n")
	_, trailers, _ := strings.Cut(message, "\n\n")
	if read := git(t, digest.SHA1Format, message, "interpret-trailers", "--parse"); read != trailers {
		t.Errorf("git reads the trailers as %q, want %q", read, trailers)
	}
}

// The commit before the first is the same everywhere, and git takes it.
func TestRoot(t *testing.T) {
	for f, want := range map[digest.Format]string{
		digest.SHA1Format:   "0a0c5d669fc6af8d2c51a6d6e485dba35c0c9e05",
		digest.SHA256Format: "82c5a0ba64dc1efd57eeddd85d2a9522d31b4d6029208e14089409a040efb05a",
	} {
		raw, got, err := Root(f)
		if err != nil || got.String() != want {
			t.Errorf("the root is %v, %v, want %s", got, err, want)
		}
		if asGit := strings.TrimSpace(git(t, f, string(raw), "hash-object", "-t", "commit", "--stdin")); asGit != want {
			t.Errorf("git says %s, want %s", asGit, want)
		}
		spec, err := os.ReadFile("../../docs/spec/built-commit.md")
		shown := strings.ReplaceAll(strings.ReplaceAll("    "+strings.TrimSuffix(string(raw), "\n"), "\n", "\n    "), "\n    \n", "\n\n")
		if err != nil || !strings.Contains(string(spec), want) || f == digest.SHA1Format && !strings.Contains(string(spec), shown) {
			t.Errorf("docs/spec/built-commit.md does not name %s with its bytes %q: %v", want, raw, err)
		}
	}
}

func TestParseIsTheInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom(formats()).Draw(t, "format")
		c := sample(f)
		c.Name = rapid.StringMatching(`[A-Za-z0-9][A-Za-z0-9.+_-]{0,63}`).Draw(t, "name")
		c.Version = recipe.Version(rapid.StringMatching(`[A-Za-z0-9]([.+_-]?[A-Za-z0-9]){0,20}`).Filter(func(s string) bool { return !strings.HasSuffix(s, ".lock") }).Draw(t, "version"))
		c.Unix = rapid.Int64Range(0, 1<<40).Draw(t, "seconds")
		c.Author.Name = rapid.StringMatching(`[a-zé][a-zé .]{0,5}`).Draw(t, "author")
		if rapid.Bool().Draw(t, "lightweight") {
			c.Source.TagObject = digest.ObjectID{}
		}
		raw, _, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		signature := map[digest.Format]string{digest.SHA1Format: "gpgsig", digest.SHA256Format: "gpgsig-sha256"}[f] + " -----BEGIN SSH SIGNATURE-----\n AAAA\n -----END SSH SIGNATURE-----\n"
		signed := bytes.Replace(raw, []byte("\n\n"), []byte("\n"+signature+"\n"), 1)
		for _, given := range [][]byte{raw, signed} {
			if parsed, err := Parse(f, given); err != nil || !reflect.DeepEqual(parsed, c) {
				t.Fatalf("%q reads as %+v, %v", given, parsed, err)
			}
		}
	})
}

func wantRule(t *testing.T, what string, err error, rule refusal.Rule) {
	t.Helper()
	if r, ok := errors.AsType[*refusal.Refusal](err); !ok || r.Rule != rule {
		t.Errorf("%s: got %v, want a refusal by %s", what, err, rule)
	}
}

func TestEncodeRefuses(t *testing.T) {
	f := digest.SHA1Format
	for what, change := range map[string]func(*Commit){
		"no tree":                    func(c *Commit) { c.Tree = digest.ObjectID{} },
		"no previous commit":         func(c *Commit) { c.Previous = digest.ObjectID{} },
		"a source of another format": func(c *Commit) { c.Source.Commit = id(digest.SHA256Format, "") },
		"a tag of another format":    func(c *Commit) { c.Source.TagObject = id(digest.SHA256Format, "") },
		"one parent twice":           func(c *Commit) { c.Previous = c.Source.Commit },
		"no name":                    func(c *Commit) { c.Name = "" },
		"a name of two words":        func(c *Commit) { c.Name = "a b" },
		"a name like an option":      func(c *Commit) { c.Name = "-a" },
		"a long name":                func(c *Commit) { c.Name = strings.Repeat("a", MaxNameBytes+1) },
		"a version with a line feed": func(c *Commit) { c.Version = "1\nSource-tag: x" },
		"a short tag":                func(c *Commit) { c.Source.Tag = "v1" },
		"a nameless author":          func(c *Commit) { c.Author.Name = " " },
		"a nameless committer":       func(c *Commit) { c.Committer.Name = "" },
		"no recipe":                  func(c *Commit) { c.Recipe = digest.SHA256{} },
	} {
		c := sample(f)
		change(c)
		raw, _, err := c.Encode()
		if raw != nil {
			t.Errorf("%s: written as %q", what, raw)
		}
		wantRule(t, what, err, refusal.GitBuilt)
	}
	c := sample(f)
	c.Author.Email = "a>\nparent "
	_, _, err := c.Encode()
	wantRule(t, "a forged line", err, refusal.GitCommit)
}

func TestParseRefuses(t *testing.T) {
	f := digest.SHA1Format
	good, _, err := sample(f).Encode()
	if err != nil {
		t.Fatal(err)
	}
	second := fmt.Sprintf("parent %v\n", id(f, "source"))
	for what, c := range map[string]struct {
		old, new string
		rule     refusal.Rule
	}{
		"one parent":               {second, "", refusal.GitParent},
		"three parents":            {second, second + second, refusal.GitParent},
		"the parents exchanged":    {fmt.Sprintf("parent %v\n%s", id(f, "previous"), second), fmt.Sprintf("%sparent %v\n", second, id(f, "previous")), refusal.GitParent},
		"two dates":                {"<> 1700000001", "<> 1700000002", refusal.GitBuilt},
		"another zone":             {"+0000\n\n", "+0100\n\n", refusal.GitBuilt},
		"an encoding":              {"+0000\n\n", "+0000\nencoding UTF-8\n\n", refusal.GitBuilt},
		"a word in the title":      {"xz 5.4.1\n", "xz 5.4.1 \n", refusal.GitBuilt},
		"no title":                 {"xz 5.4.1\n\n", "", refusal.GitBuilt},
		"another trailer":          {"\nSource-tag:", "\nSigned-off-by: x\nSource-tag:", refusal.GitBuilt},
		"a trailer at the end":     {"0000\n", "0000\nSigned-off-by: x\n", refusal.GitBuilt},
		"a digest in capitals":     {"Recipe-sha256: 0102", "Recipe-sha256: 010A", refusal.GitBuilt},
		"a short tag object":       {"Source-tag-object: ", "Source-tag-object: a", refusal.GitBuilt},
		"a header of another tool": {"\n\nxz", "\nchange-id x\n\nxz", refusal.GitCommit},
	} {
		raw := strings.Replace(string(good), c.old, c.new, 1)
		if what == "a trailer at the end" {
			raw = string(good) + "Signed-off-by: x\n"
		}
		if raw == string(good) {
			t.Fatalf("%s: nothing changed", what)
		}
		got, err := Parse(f, []byte(raw))
		if got != nil {
			t.Errorf("%s: accepted as %+v", what, got)
		}
		wantRule(t, what, err, c.rule)
	}
}

func TestParseBlessing(t *testing.T) {
	f := digest.SHA1Format
	head := fmt.Sprintf("tree %v\nparent %v\n", id(f, "tree"), id(f, "built"))
	rest := "author A <a> 1 +0000\ncommitter A <a> 1 +0000\n\nbless\n\n"
	trailer := "Statement-sha256: " + strings.Repeat("ab", 32) + "\n"
	b, err := ParseBlessing(f, []byte(head+rest+"Signed-off-by: A <a>\n"+trailer))
	if err != nil || b.Built != id(f, "built") || b.Tree != id(f, "tree") || b.Statement[0] != 0xab {
		t.Errorf("got %+v, %v", b, err)
	}
	for what, c := range map[string]struct {
		raw  string
		rule refusal.Rule
	}{
		"no trailer":      {head + rest, refusal.GitBuilt},
		"two trailers":    {head + rest + trailer + trailer, refusal.GitBuilt},
		"a short trailer": {head + rest + "Statement-sha256: ab\n", refusal.GitBuilt},
		"two parents":     {head + fmt.Sprintf("parent %v\n", id(f, "x")) + rest + trailer, refusal.GitParent},
		"no commit":       {"", refusal.GitCommit},
	} {
		b, err := ParseBlessing(f, []byte(c.raw))
		if b != nil {
			t.Errorf("%s: accepted as %+v", what, b)
		}
		wantRule(t, what, err, c.rule)
	}
}

func FuzzParse(f *testing.F) {
	for _, format := range formats() {
		raw, _, err := sample(format).Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(format == digest.SHA256Format, raw)
		f.Add(format == digest.SHA256Format, bytes.Replace(raw, []byte("xz 5.4.1"), []byte("xz 5.4.1\n\nSource-tag: x"), 1))
	}
	f.Fuzz(func(t *testing.T, sha256 bool, raw []byte) {
		format := digest.SHA1Format
		if sha256 {
			format = digest.SHA256Format
		}
		if b, err := ParseBlessing(format, raw); (b == nil) != (err != nil) {
			t.Fatalf("got %+v and %v", b, err)
		}
		c, err := Parse(format, raw)
		if (c == nil) != (err != nil) {
			t.Fatalf("got %+v and %v", c, err)
		}
		if err != nil {
			return
		}
		again, _, err := c.Encode()
		if err != nil || !bytes.Contains(raw, []byte("gpgsig")) && !bytes.Equal(again, raw) {
			t.Fatalf("%q was written again as %q, %v", raw, again, err)
		}
	})
}
