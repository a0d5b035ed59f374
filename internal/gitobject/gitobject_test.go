package gitobject

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/testkit"
)

// printCommit writes a commit as git does, with the headers that a Commit does
// not keep taken from mergetags.
func printCommit(f digest.Format, c *Commit, mergetags string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "tree %v\n", c.Tree)
	for _, p := range c.Parents {
		fmt.Fprintf(&b, "parent %v\n", p)
	}
	fmt.Fprintf(&b, "author %s\ncommitter %s\n", printPerson(c.Author), printPerson(c.Committer))
	if c.Encoding != "" {
		fmt.Fprintf(&b, "encoding %s\n", c.Encoding)
	}
	b.WriteString(mergetags)
	if c.Signature != "" {
		key := map[digest.Format]string{digest.SHA1Format: "gpgsig", digest.SHA256Format: "gpgsig-sha256"}[f]
		b.WriteString(key + " " + strings.ReplaceAll(strings.TrimSuffix(c.Signature, "\n"), "\n", "\n ") + "\n")
	}
	b.WriteString("\n" + c.Message)
	return b.Bytes()
}

func printPerson(p Person) string {
	return fmt.Sprintf("%s <%s> %d %s", p.Name, p.Email, p.Unix, p.Zone)
}

func printTag(t *Tag) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "object %v\ntype %v\ntag %s\n", t.Object, t.Type, t.Name)
	if t.Tagger != nil {
		fmt.Fprintf(&b, "tagger %s\n", printPerson(*t.Tagger))
	}
	b.WriteString("\n" + t.Message + t.Signature)
	return b.Bytes()
}

func printTree(entries []TreeEntry) []byte {
	var b bytes.Buffer
	for _, e := range entries {
		fmt.Fprintf(&b, "%o %s\x00%s", e.Mode, e.Name, e.ID.Bytes())
	}
	return b.Bytes()
}

// mergetags returns the mergetag headers of a commit as they stand.
func mergetags(raw []byte) string {
	head, _, _ := strings.Cut(string(raw), "\n\n")
	var b strings.Builder
	in := false
	for line := range strings.SplitAfterSeq(head+"\n", "\n") {
		in = strings.HasPrefix(line, "mergetag ") || in && strings.HasPrefix(line, " ")
		if in {
			b.WriteString(line)
		}
	}
	return b.String()
}

// checkObject parses an object and prints it again.
func checkObject(t *testing.T, f digest.Format, kind string, raw []byte) {
	t.Helper()
	var printed []byte
	switch kind {
	case "commit":
		c, err := ParseCommit(f, raw)
		if err != nil {
			t.Fatal(err)
		}
		printed = printCommit(f, c, mergetags(raw))
	case "tag":
		tag, err := ParseTag(f, raw)
		if err != nil {
			t.Fatal(err)
		}
		printed = printTag(tag)
	case "tree":
		entries, err := ParseTree(f, raw)
		if err != nil {
			t.Fatal(err)
		}
		printed = printTree(entries)
	default:
		t.Fatalf("an object of type %q", kind)
	}
	if !bytes.Equal(printed, raw) {
		t.Errorf("printed again:\n%q\nwant\n%q", printed, raw)
	}
}

// Objects that git itself wrote, in both formats, are read whole.
func TestRealObjects(t *testing.T) {
	for _, f := range []digest.Format{digest.SHA1Format, digest.SHA256Format} {
		t.Run(f.String(), func(t *testing.T) {
			r := newRepo(t, f)
			r.history()
			for _, rev := range revisions() {
				kind, raw := r.object(rev)
				checkObject(t, f, kind, raw)
			}
			_, raw := r.object("HEAD")
			c, err := ParseCommit(f, raw)
			if err != nil {
				t.Fatal(err)
			}
			if len(c.Parents) != 2 || !strings.HasPrefix(c.Signature, "-----BEGIN SSH SIGNATURE-----\n") || c.Message != "merge\n" ||
				c.Author != (Person{"A U Thor", "author@example.com", 1700000000, "+0100"}) {
				t.Errorf("the merge was read as %+v", c)
			}
			if _, raw = r.object("side"); !bytes.Contains(raw, []byte("\nencoding ISO-8859-1\n")) {
				t.Errorf("git wrote no encoding: %q", raw)
			}
		})
	}
}

// Every object of the published cases but blobs is read.
func TestCaseObjects(t *testing.T) {
	testkit.Program(t, "git")
	repos, err := filepath.Glob("../../../shared/cases/*/repo.git")
	if err != nil || len(repos) == 0 {
		testkit.Missing(t, "the case repositories are not here")
	}
	for _, dir := range repos {
		t.Run(filepath.Base(filepath.Dir(dir)), func(t *testing.T) {
			cmd := exec.Command("git", "--git-dir="+dir, "cat-file", "--batch-all-objects", "--batch", "--buffer")
			cmd.Env = []string{"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_NO_LAZY_FETCH=1"}
			out, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			objects := 0
			for len(out) > 0 {
				line, rest, _ := bytes.Cut(out, []byte("\n"))
				var id, kind string
				var size int
				if _, err := fmt.Sscanf(string(line), "%s %s %d", &id, &kind, &size); err != nil {
					t.Fatalf("%q: %v", line, err)
				}
				if kind != "blob" {
					checkObject(t, digest.SHA1Format, kind, rest[:size])
					objects++
				}
				out = rest[size+1:]
			}
			if objects == 0 {
				t.Error("no object")
			}
		})
	}
}
