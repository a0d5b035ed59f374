package gitobject

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/testkit"
)

func formats() []digest.Format { return []digest.Format{digest.SHA1Format, digest.SHA256Format} }

func drawID(f digest.Format) *rapid.Generator[digest.ObjectID] {
	return rapid.Custom(func(t *rapid.T) digest.ObjectID {
		raw := rapid.SliceOfN(rapid.Byte(), f.Size(), f.Size()).Draw(t, "id")
		raw[0] |= 1 // never the null id
		return digest.ObjectIDFromBytes(f, raw)
	})
}

func drawPerson(t *rapid.T) Person {
	return Person{
		Name:  rapid.StringMatching(`[A-Za-zéü .'"-]{0,12}`).Draw(t, "name"),
		Email: rapid.StringMatching(`[a-z@. ]{0,12}`).Draw(t, "email"),
		Unix:  rapid.Int64Range(0, 1<<62).Draw(t, "seconds"),
		Zone:  rapid.StringMatching(`[+-][0-9]{4}`).Draw(t, "zone"),
	}
}

const armour = "-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n\nAAAA\n-----END SSH SIGNATURE-----\n"

// What is written reads as what it was made of, and no signature is left in the
// unsigned form.
func TestEncodeCommit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom(formats()).Draw(t, "format")
		c := &Commit{
			Tree: drawID(f).Draw(t, "tree"), Parents: rapid.SliceOfN(drawID(f), 0, 3).Draw(t, "parents"),
			Author: drawPerson(t), Committer: drawPerson(t),
			Encoding:  rapid.SampledFrom([]string{"", "ISO-8859-1"}).Draw(t, "encoding"),
			Signature: rapid.SampledFrom([]string{"", armour, armour + "\n"}).Draw(t, "signature"),
			Message:   rapid.SampledFrom([]string{"", "x", "a\n\ngpgsig b\n c\n", "\n"}).Draw(t, "message"),
		}
		if len(c.Parents) == 0 {
			c.Parents = nil
		}
		raw, err := EncodeCommit(f, c)
		if err != nil {
			t.Fatal(err)
		}
		if parsed, err := ParseCommit(f, raw); err != nil || !reflect.DeepEqual(parsed, c) {
			t.Fatalf("%q reads as %+v, %v", raw, parsed, err)
		}
		unsigned, err := Unsigned(f, raw)
		c.Signature = ""
		if want, encodeErr := EncodeCommit(f, c); err != nil || encodeErr != nil || !bytes.Equal(unsigned, want) {
			t.Fatalf("without its signature %q is %q, %v", raw, unsigned, err)
		}
	})
}

func TestEncodeTree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom(formats()).Draw(t, "format")
		entries := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) TreeEntry {
			return TreeEntry{
				Mode: rapid.SampledFrom([]uint32{modeTree, modeFile, modeExecutable, modeSymlink, modeSubmodule}).Draw(t, "mode"),
				Name: rapid.SampledFrom([]string{"a", "a.b", "a-", "a0", "A", "ab", "é", "z z", "-", "日本"}).Draw(t, "name"),
				ID:   drawID(f).Draw(t, "id"),
			}
		}), 0, 10, func(e TreeEntry) string { return e.Name }).Draw(t, "entries")
		given := slices.Clone(entries)
		raw, err := EncodeTree(f, entries)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := ParseTree(f, raw)
		slices.SortFunc(given, compareEntries)
		if err != nil || !slices.Equal(parsed, given) && len(given) > 0 {
			t.Fatalf("%q reads as %v, %v", raw, parsed, err)
		}
	})
}

// The bytes are those that git itself writes.
func TestEncodeAsGit(t *testing.T) {
	for _, f := range formats() {
		t.Run(f.String(), func(t *testing.T) { checkAsGit(t, f) })
	}
}

func checkAsGit(t *testing.T, f digest.Format) {
	r := newRepo(t, f)
	r.history()
	signed := 0
	for _, rev := range revisions() {
		kind, raw := r.object(rev)
		var again []byte
		var err error
		switch kind {
		case "tree":
			entries, parseErr := ParseTree(f, raw)
			slices.Reverse(entries)
			again, err = EncodeTree(f, entries)
			id := r.git(r.git("", "ls-tree", rev), "mktree", "--missing")
			if _, made := r.object(strings.TrimSpace(id)); parseErr != nil || !bytes.Equal(made, again) {
				t.Errorf("%s: git mktree made %q, we %q, %v", rev, made, again, parseErr)
			}
		case "commit":
			c, parseErr := ParseCommit(f, raw)
			if parseErr != nil {
				t.Fatal(parseErr)
			}
			if c.Signature != "" {
				signed++
				checkUnsigned(t, r, f, raw)
			}
			if mergetags(raw) != "" {
				continue
			}
			again, err = EncodeCommit(f, c)
		default:
			continue
		}
		if err != nil || !bytes.Equal(again, raw) {
			t.Errorf("%s: git made\n%q\nwe\n%q, %v", rev, raw, again, err)
		}
	}
	if signed < 2 {
		t.Errorf("%d signed commits were looked at", signed)
	}
}

// checkUnsigned holds the unsigned form to two judges: ssh-keygen, which checks
// the signature over it, and git, which makes it by itself.
func checkUnsigned(t *testing.T, r *repo, f digest.Format, raw []byte) {
	t.Helper()
	unsigned, err := Unsigned(f, raw)
	c, parseErr := ParseCommit(f, raw)
	if err != nil || parseErr != nil || bytes.Contains(unsigned, []byte("gpgsig")) {
		t.Fatalf("%q: %v, %v", unsigned, err, parseErr)
	}
	signature := testkit.Write(t, filepath.Join(t.TempDir(), "signature"), c.Signature)
	cmd := exec.Command(testkit.Program(t, "ssh-keygen"), "-Y", "check-novalidate", "-n", "git", "-s", signature)
	cmd.Stdin = bytes.NewReader(unsigned)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("the signature is not over the unsigned bytes: %v: %s", err, out)
	}
	if mergetags(raw) != "" {
		return
	}
	args := []string{"commit-tree", c.Tree.String()}
	for _, parent := range c.Parents {
		args = append(args, "-p", parent.String())
	}
	_, made := r.object(strings.TrimSpace(r.git(c.Message, args...)))
	if !bytes.Equal(made, unsigned) {
		t.Errorf("git commit-tree made %q, the unsigned commit is %q", made, unsigned)
	}
}

// What cannot be written so that it reads the same is refused.
func TestEncodeRefuses(t *testing.T) {
	f := digest.SHA1Format
	id, _ := digest.HashObject(f, digest.Tree, nil)
	other, _ := digest.HashObject(digest.SHA256Format, digest.Tree, nil)
	person := Person{Name: "A", Email: "a@b", Zone: "+0000"}
	for name, c := range map[string]*Commit{
		"a line feed in a name":     {Tree: id, Author: Person{Name: "A\nparent x", Zone: "+0000"}, Committer: person},
		"a forged parent":           {Tree: id, Author: person, Committer: person, Encoding: fmt.Sprintf("x\nparent %v", id)},
		"a bracket in an e-mail":    {Tree: id, Author: Person{Email: "a> 1 +0000 <b", Zone: "+0000"}, Committer: person},
		"a tree of another format":  {Tree: other, Author: person, Committer: person},
		"no tree":                   {Author: person, Committer: person},
		"a NUL in the message":      {Tree: id, Author: person, Committer: person, Message: "a\x00b"},
		"a signature that is none":  {Tree: id, Author: person, Committer: person, Signature: "x\n"},
		"a signature without an LF": {Tree: id, Author: person, Committer: person, Signature: strings.TrimSuffix(armour, "\n")},
		"a negative date":           {Tree: id, Author: Person{Unix: -1, Zone: "+0000"}, Committer: person},
	} {
		if raw, err := EncodeCommit(f, c); err == nil {
			t.Errorf("%s: written as %q", name, raw)
		}
	}
	for name, entries := range map[string][]TreeEntry{
		"a name twice":        {{modeFile, "a", id}, {modeFile, "a", id}},
		"a file and a folder": {{modeFile, "a", id}, {modeFile, "a.b", id}, {modeTree, "a", id}},
		"a NUL in a name":     {{modeFile, "a\x00b", id}},
		"two in one name":     {{modeFile, "a\x00" + strings.Repeat("i", 20) + "100644 b", id}},
		"git's own folder":    {{modeTree, ".GIT", id}},
		"a path":              {{modeFile, "a/b", id}},
		"another mode":        {{0o100664, "a", id}},
		"another format":      {{modeFile, "a", other}},
		"no id":               {{modeFile, "a", digest.ObjectID{}}},
	} {
		if raw, err := EncodeTree(f, entries); err == nil {
			t.Errorf("%s: written as %q", name, raw)
		}
	}
	_, err := Unsigned(f, []byte("tree x\n\n"))
	wantRefusal(t, err, refusal.GitCommit)
}

// What follows the signature stays.
func TestUnsignedKeepsOtherHeaders(t *testing.T) {
	id, _ := digest.HashObject(digest.SHA1Format, digest.Tree, nil)
	head := fmt.Sprintf("tree %v\nauthor A <a> 1 +0000\ncommitter A <a> 1 +0000\n", id)
	const tag = "mergetag object x\n gpgsig y\n \n z\n"
	signature := "gpgsig " + strings.ReplaceAll(strings.TrimSuffix(armour, "\n"), "\n", "\n ") + "\n"
	const message = "\ngpgsig is no header here\n and this continues nothing\n"
	for _, raw := range []string{head + tag + signature + tag + message, head + signature + tag + tag + message, head + tag + tag + signature + message, head + tag + tag + message} {
		if got, err := Unsigned(digest.SHA1Format, []byte(raw)); err != nil || string(got) != head+tag+tag+message {
			t.Errorf("%q became %q, %v", raw, got, err)
		}
	}
}

func wantRefusal(t *testing.T, err error, rule refusal.Rule) {
	t.Helper()
	if r, ok := err.(*refusal.Refusal); !ok || r.Rule != rule {
		t.Errorf("got %v, want a refusal by %s", err, rule)
	}
}

func FuzzUnsigned(f *testing.F) {
	seed(f, "commit")
	f.Fuzz(func(t *testing.T, sha256 bool, raw []byte) {
		format := formatOf(sha256)
		unsigned, err := Unsigned(format, raw)
		if err != nil {
			return
		}
		before, _ := ParseCommit(format, raw)
		after, err := ParseCommit(format, unsigned)
		if err != nil {
			t.Fatalf("%q: %v", unsigned, err)
		}
		if before.Signature = ""; !reflect.DeepEqual(before, after) {
			t.Fatalf("%+v became %+v", before, after)
		}
		if again, err := Unsigned(format, unsigned); err != nil || !bytes.Equal(again, unsigned) {
			t.Fatalf("%q became %q, %v", unsigned, again, err)
		}
	})
}
