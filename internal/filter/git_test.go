package filter

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/testkit"
)

// history is what a test repository says: made by git fast-import, so that
// every byte is ours.
type history struct {
	format            digest.Format
	author, committer gitobject.Person
	encoding          string
	message           string
	parents           int
	tags              []string
	attributes        string
	files             map[string][]byte
}

// repository is a real git repository with one archived commit.
type repository struct {
	t      testing.TB
	dir    string
	commit Commit
}

func (h history) person(p gitobject.Person) string {
	return fmt.Sprintf("%s <%s> %d %s", p.Name, p.Email, p.Unix, p.Zone)
}

func (h history) stream() []byte {
	var b bytes.Buffer
	data := func(content []byte) { fmt.Fprintf(&b, "data %d\n%s\n", len(content), content) }
	for i := range h.parents {
		fmt.Fprintf(&b, "commit refs/heads/side%d\nmark :%d\ncommitter Side <side@example.org> %d +0000\n", i, i+1, i)
		data([]byte("side"))
	}
	fmt.Fprintf(&b, "commit refs/heads/main\nauthor %s\ncommitter %s\n", h.person(h.author), h.person(h.committer))
	if h.encoding != "" {
		fmt.Fprintf(&b, "encoding %s\n", h.encoding)
	}
	data([]byte(h.message))
	for i := range h.parents {
		verb := "merge"
		if i == 0 {
			verb = "from"
		}
		fmt.Fprintf(&b, "%s :%d\n", verb, i+1)
	}
	fmt.Fprintf(&b, "M 100644 inline .gitattributes\n")
	data([]byte(h.attributes))
	for name, content := range h.files {
		fmt.Fprintf(&b, "M 100644 inline %s\n", name)
		data(content)
	}
	for _, tag := range h.tags {
		fmt.Fprintf(&b, "reset refs/tags/%s\nfrom refs/heads/main\n\n", tag)
	}
	return b.Bytes()
}

func newRepository(t testing.TB, h history) *repository {
	t.Helper()
	testkit.Program(t, "git")
	dir, err := os.MkdirTemp("", "countermark-filter-") // t.TempDir of one test holds every try of rapid's
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	r := &repository{t: t, dir: dir}
	r.git(nil, "init", "-q", "--bare", "--object-format="+h.format.String(), ".")
	r.git(h.stream(), "fast-import", "--quiet")
	id := func(rev string) digest.ObjectID {
		parsed, err := digest.ParseObjectID(strings.TrimSpace(string(r.git(nil, "rev-parse", rev))))
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	c := &gitobject.Commit{Author: h.author, Committer: h.committer, Encoding: h.encoding, Message: h.message, Tree: id("main^{tree}")}
	for i := range h.parents {
		c.Parents = append(c.Parents, id(fmt.Sprintf("main^%d", i+1)))
	}
	r.commit = Commit{ID: id("main"), Commit: c}
	return r
}

// git runs git without any configuration but the repository's own.
func (r *repository) git(stdin []byte, args ...string) []byte {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Stdin = r.dir, bytes.NewReader(stdin)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + r.dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull, "LC_ALL=C", "TZ=UTC"}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return out
}

// archive returns the files that git archive puts into a tar under a
// configuration.
func (r *repository) archive(config string) map[string][]byte {
	r.t.Helper()
	files := map[string][]byte{}
	tr := tar.NewReader(bytes.NewReader(r.git(nil, "-c", config, "archive", "--format=tar", "main")))
	for {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			r.t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			if files[h.Name], err = io.ReadAll(tr); err != nil {
				r.t.Fatal(err)
			}
		}
	}
	if len(files) < 2 {
		r.t.Fatalf("the archive holds %d files", len(files))
	}
	return files
}

// attributes asks git check-attr about one file in each directory.
func (r *repository) attributes(files map[string][]byte) map[string]Attributes {
	r.t.Helper()
	r.git(nil, "read-tree", "main")
	var stdin []byte
	for name := range files {
		stdin = append(append(stdin, name...), 0)
	}
	args := append([]string{"check-attr", "--cached", "-z", "--stdin"}, AttributeNames()...)
	fields := strings.Split(strings.TrimSuffix(string(r.git(stdin, args...)), "\x00"), "\x00")
	values := map[string]map[string]string{}
	for ; len(fields) >= 3; fields = fields[3:] {
		if values[fields[0]] == nil {
			values[fields[0]] = map[string]string{}
		}
		values[fields[0]][fields[1]] = fields[2]
	}
	parsed := map[string]Attributes{}
	for name, v := range values {
		parsed[name] = ParseAttributes(v)
	}
	return parsed
}

func blobOf(t testing.TB, f digest.Format, content []byte) Blob {
	t.Helper()
	id, err := digest.HashObject(f, digest.Blob, content)
	if err != nil {
		t.Fatal(err)
	}
	return Blob{ID: id, Content: content}
}

func testPerson(name string, unix int64, zone string) gitobject.Person {
	return gitobject.Person{Name: name, Email: strings.ToLower(name) + "@example.org", Unix: unix, Zone: zone}
}

func simpleHistory(f digest.Format) history {
	return history{
		format: f, author: testPerson("Author", 1112911993, "-0730"), committer: testPerson("Committer", 1112912053, "+0000"),
		message: "\n  Sub ject:  one \ntwo..three  \n\n\n body \n\nend", parents: 2, tags: []string{"v1.0", "v1.0-rc1"},
		attributes: "* ident text export-subst\n", files: map[string][]byte{},
	}
}
