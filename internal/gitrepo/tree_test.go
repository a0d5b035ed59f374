package gitrepo

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/testkit"
	"github.com/countermark/countermark/internal/tree"
)

// mktree stores a tree object of the given lines, as git ls-tree prints them.
func (w *work) mktree(lines ...string) string {
	w.tb.Helper()
	return w.gitIn(strings.Join(lines, "\n")+"\n", "mktree", "--missing")
}

func parseID(t *testing.T, hex string) digest.ObjectID {
	t.Helper()
	id, err := digest.ParseObjectID(hex)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestTreeKinds(t *testing.T) {
	w := newWork(t)
	blob := w.gitIn("x", "hash-object", "-w", "--stdin")
	empty := w.gitIn("", "mktree")
	inner := w.mktree("100755 blob "+blob+"\trun", "040000 tree "+empty+"\thollow")
	root := w.mktree("100644 blob "+blob+"\ta", "120000 blob "+blob+"\tlink", "160000 commit "+absent(t, 1).String()+"\tsub",
		"040000 tree "+inner+"\tone", "040000 tree "+inner+"\ttwo")
	files, err := open(t, w.dir).Tree(t.Context(), parseID(t, root))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range files.Entries() {
		got = append(got, fmt.Sprintf("%v %o %s", e.Kind, e.GitMode(), e.Path))
	}
	want := "file 100644 a|symlink 120000 link|directory 40000 one/hollow|file 100755 one/run|submodule 160000 sub|directory 40000 two/hollow|file 100755 two/run"
	if strings.Join(got, "|") != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A chain of trees, each holding the next twice, has few objects and endlessly
// many paths; one that holds nothing else has not a single file.
func TestTreeBombs(t *testing.T) {
	w := newWork(t)
	blob := w.gitIn("x", "hash-object", "-w", "--stdin")
	grow := func(leaf string, depth int, lines ...string) digest.ObjectID {
		id := leaf
		for range depth {
			var entries []string
			for _, name := range lines {
				entries = append(entries, "040000 tree "+id+"\t"+name)
			}
			id = w.mktree(entries...)
		}
		return parseID(t, id)
	}
	r := open(t, w.dir)
	leaf := w.mktree("100644 blob " + blob + "\ta")
	for name, id := range map[string]digest.ObjectID{
		"files":       grow(leaf, 25, "a", "b"),
		"directories": grow(w.gitIn("", "mktree"), 25, "a", "b"),
		"deep":        grow(leaf, gitobject.MaxTreeDepth, "a"),
	} {
		begun := time.Now()
		_, err := r.Tree(t.Context(), id)
		wantRule(t, err, refusal.GitLimit)
		t.Logf("%s: refused after %v", name, time.Since(begun))
		ranked, err := r.Rank(t.Context(), tree.Tree{}, []Ref{{Name: "refs/tags/x", ID: parseID(t, w.commitTree(id))}}, nil)
		if err != nil || len(ranked) != 1 || (ranked[0].Err == nil) != (name == "directories") {
			t.Errorf("%s: ranked %v, %v", name, ranked, err)
		}
	}
	files, err := r.Tree(t.Context(), grow(leaf, gitobject.MaxTreeDepth-1, "a"))
	if err != nil || files.Len() != 1 {
		t.Errorf("as deep as is allowed: %d files, %v", files.Len(), err)
	}
	_, err = r.Tree(t.Context(), grow(leaf, 20, strings.Repeat("long", 60)))
	wantRule(t, err, refusal.GitName)
}

func (w *work) commitTree(id digest.ObjectID) string {
	w.tb.Helper()
	return w.gitIn("", "commit-tree", "-m", "x", id.String())
}

func TestTreeMissing(t *testing.T) {
	w := newWork(t)
	gone := absent(t, 3)
	_, err := open(t, w.dir).Tree(t.Context(), parseID(t, w.mktree("040000 tree "+gone.String()+"\ta")))
	wantRule(t, err, refusal.GitMissing)
	if err == nil || !strings.Contains(err.Error(), gone.String()) {
		t.Errorf("the error does not name the object: %v", err)
	}
}

// Attributes are those that git itself sees in a checkout, for every path.
func TestAttributesAgainstGit(t *testing.T) {
	w := newWork(t)
	w.write(".gitattributes", "*.c text eol=lf\n*.png binary\n[attr]gen -text export-ignore\n*.gen gen\n/top ident=x\n"+
		"deep/** filter=w\nb.png working-tree-encoding=ISO-8859-1\n\"quo\\tted\" filter=z\ndocs/ export-ignore\n"+strings.Repeat("x", 3000)+" ident\n")
	w.write("deep/.gitattributes", "*.c -eol !text\n# comment ident\n")
	w.write("deep/er/.gitattributes", "x.c text=auto\n!bad ident\n")
	paths := []string{"a.c", "b.png", "c.gen", "top", "deep/a.c", "deep/er/x.c", "deep/top", "docs/x", "caf\u00e9 \u2603.c", " odd name"}
	for _, p := range paths {
		w.write(p, "x")
	}
	w.git("add", "-A")
	w.git("commit", "-q", "-m", "x")
	testkit.Write(t, w.dir+"/.git/info/attributes", "* ident\n")
	names := []string{"text", "eol", "ident", "export-ignore", "working-tree-encoding", "filter", "binary", "gen"}
	paths = append(paths, "docs/", "deep/")
	r := open(t, w.dir)
	root := w.id("HEAD^{tree}")
	files, err := r.Tree(t.Context(), root)
	if err != nil {
		t.Fatal(err)
	}
	values, err := r.Attributes(t.Context(), AttributeQuery{TreeID: root, Tree: files, Names: names, Paths: paths})
	if err != nil {
		t.Fatal(err)
	}
	testkit.Write(t, w.dir+"/.git/info/attributes", "")
	want := strings.Split(w.gitIn(strings.Join(paths, "\x00")+"\x00", append([]string{"check-attr", "-z", "--stdin"}, names...)...), "\x00")
	set := 0
	for i := 0; i+2 < len(want); i += 3 {
		if got := values[want[i]][want[i+1]]; got != want[i+2] {
			t.Errorf("%s of %q: %q, git says %q", want[i+1], want[i], got, want[i+2])
		} else if got != "unspecified" {
			set++
		}
	}
	if set < 15 || len(want) != 3*len(names)*len(paths)+1 {
		t.Errorf("only %d values are set, of %d", set, len(want)/3)
	}
}

func TestAttributesUnmentioned(t *testing.T) {
	w := newWork(t).sample()
	r := open(t, w.dir)
	files, err := r.Tree(t.Context(), w.id("HEAD^{tree}"))
	if err != nil {
		t.Fatal(err)
	}
	for name, none := range map[string]bool{"ident": false, "text": false, "filter": true, "diff": true} {
		values, err := r.Attributes(t.Context(), AttributeQuery{TreeID: w.id("HEAD^{tree}"), Tree: files, Names: []string{name}, Paths: []string{"a.txt"}})
		if err != nil || (values == nil) != none {
			t.Errorf("%s: %v, %v", name, values, err)
		}
	}
	for content, want := range map[string]bool{"": false, "* text": true, "*.x binary": true, "[attr]y z": false, "[attr]y text": true, "* -crlf": false} {
		if mentions([]byte(content), "text") != want {
			t.Errorf("%q mentions text: %v", content, !want)
		}
	}
}

func TestRank(t *testing.T) {
	w := newWork(t)
	for i := range 6 {
		w.write("same", "x")
		w.write(fmt.Sprintf("dir/%d", i), "x")
		w.write("dir/deep/changes", fmt.Sprint(i))
		w.write("outside/a", fmt.Sprint(i))
		w.git("add", ".")
		w.git("commit", "-q", "-m", "x")
		w.git("tag", fmt.Sprintf("v%d", i))
	}
	w.git("tag", "-a", "-m", "x", "annotated", "v2")
	w.git("update-ref", "refs/tags/tree", w.git("rev-parse", "HEAD^{tree}"))
	r := open(t, w.dir)
	entries, err := r.Tree(t.Context(), w.id("v3^{tree}"))
	if err != nil {
		t.Fatal(err)
	}
	var kept []tree.Entry
	for _, e := range entries.Entries() {
		if e.Path != "outside/a" {
			kept = append(kept, e)
		}
	}
	archive, err := tree.Build(kept)
	if err != nil {
		t.Fatal(err)
	}
	tags, _, err := r.Tags(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	steps := 0
	ranked, err := r.Rank(t.Context(), archive, tags, func(_, total int) {
		if steps++; total != len(tags) {
			t.Errorf("progress of %d", total)
		}
	})
	if err != nil || len(ranked) != len(tags) || steps != len(tags) {
		t.Fatalf("%d of %d ranked in %d steps, %v", len(ranked), len(tags), steps, err)
	}
	var got []string
	for _, one := range ranked {
		got = append(got, fmt.Sprintf("%s %d/%d %v", strings.TrimPrefix(one.Ref.Name, "refs/tags/"), one.Shared, one.Total, one.Err == nil))
	}
	want := "v3 6/7 true|v4 5/8 true|v5 5/9 true|annotated 4/6 true|v2 4/6 true|v1 3/5 true|v0 2/4 true|tree 0/0 false"
	if strings.Join(got, "|") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "|"), want)
	}
}
