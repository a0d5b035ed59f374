package tree_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/tree"
)

// entry returns an entry whose ids are made from its path: which blob it is
// does not matter to a tree. A final slash makes a directory, "@" a link, "!"
// a submodule, "|" a special file, "*" an executable.
func entry(name string) tree.Entry {
	e := tree.Entry{Kind: tree.File}
	path := strings.TrimRight(name, "/@!|*")
	switch name[len(path):] {
	case "/":
		e.Kind = tree.Directory
	case "@":
		e.Kind = tree.Symlink
	case "!":
		e.Kind = tree.Submodule
	case "|":
		e.Kind = tree.Special
	case "*":
		e.Exec = tree.Executable
	}
	e.Path = tree.Path(path)
	if e.Kind != tree.Directory && e.Kind != tree.Special {
		sum := sha256.Sum256([]byte(path))
		copy(e.IDs.SHA1[:], sum[:])
		e.IDs.SHA256 = sum
	}
	return e
}

func entries(names ...string) []tree.Entry {
	list := make([]tree.Entry, len(names))
	for i, name := range names {
		list[i] = entry(name)
		list[i].Offset = int64(512 * i)
	}
	return list
}

func build(t fataler, names ...string) tree.Tree {
	t.Helper()
	built, err := tree.Build(entries(names...))
	if err != nil {
		t.Fatalf("building a tree of %q: %v", names, err)
	}
	return built
}

func paths(tr tree.Tree) []string {
	var list []string
	for _, e := range tr.Entries() {
		list = append(list, string(e.Path))
	}
	return list
}

// indexInfo is the tree as git update-index -z --index-info reads it.
func indexInfo(tr tree.Tree, f digest.Format) []byte {
	var b bytes.Buffer
	for _, e := range tr.Entries() {
		if e.Kind != tree.Special && e.Kind != tree.Directory {
			fmt.Fprintf(&b, "%06o %v\t%s\x00", e.GitMode(), e.IDs.In(f), e.Path)
		}
	}
	return b.Bytes()
}

// drawNames draws the names of a set without conflicts, in any order.
func drawNames(t *rapid.T) []string {
	component := rapid.SampledFrom([]string{"a", "b", "a.c", "a-b", "a0", "A", "ab", "é", "z z", "-", "0", "a+", "日本"})
	suffix := rapid.SampledFrom([]string{"", "", "", "*", "@", "!", "|", "/"})
	taken := map[string]bool{} // paths, and with true those that must be no directory
	var names []string
	for range rapid.IntRange(0, 30).Draw(t, "count") {
		parts := rapid.SliceOfN(component, 1, 4).Draw(t, "path")
		path, kind := strings.Join(parts, "/"), suffix.Draw(t, "kind")
		if _, seen := taken[path]; seen || slices.ContainsFunc(parents(path), func(p string) bool { return taken[p] }) {
			continue
		}
		taken[path] = kind != "/"
		for _, p := range parents(path) {
			taken[p] = false
		}
		names = append(names, path+kind)
	}
	return names
}

func parents(path string) []string {
	var list []string
	for i := range len(path) {
		if path[i] == '/' {
			list = append(list, path[:i])
		}
	}
	return list
}

func TestIdentityIsGits(t *testing.T) {
	for _, f := range []digest.Format{digest.SHA1Format, digest.SHA256Format} {
		dir := newRepository(t, f)
		rapid.Check(t, func(t *rapid.T) {
			names := drawNames(t)
			tr := build(t, names...)
			git(t, dir, nil, "read-tree", "--empty")
			git(t, dir, indexInfo(tr, f), "update-index", "-z", "--index-info")
			want := git(t, dir, nil, "write-tree", "--missing-ok")
			if got := tr.Identity(f).Git; got.In(f).String() != want {
				t.Fatalf("%q: the id is %v, git says %s", names, got.In(f), want)
			}
			listed := git(t, dir, nil, "ls-tree", "-r", "-z", "--name-only", want)
			var files []string
			for _, e := range tr.Entries() {
				if e.Kind != tree.Special && e.Kind != tree.Directory {
					files = append(files, string(e.Path)+"\x00")
				}
			}
			if listed != strings.Join(files, "") {
				t.Fatalf("order %q, git's is %q", files, listed)
			}
		})
	}
}

// Both formats at once, or one: the same ids; and the members' order is of no
// consequence.
func TestIdentityDependsOnTheSetOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := drawNames(t)
		tr := build(t, names...)
		both := tr.Identity(digest.SHA1Format, digest.SHA256Format)
		shuffled := rapid.Permutation(names).Draw(t, "order")
		other := build(t, shuffled...)
		if !slices.Equal(paths(tr), paths(other)) || other.Identity(digest.SHA1Format, digest.SHA256Format) != both {
			t.Fatalf("%q and %q differ", names, shuffled)
		}
		for _, f := range []digest.Format{digest.SHA1Format, digest.SHA256Format} {
			if one := tr.Identity(f); one.Git.In(f) != both.Git.In(f) || both.Git.In(f).IsZero() {
				t.Fatalf("%v: alone %v, with the other %v", f, one.Git.In(f), both.Git.In(f))
			}
		}
	})
}

func TestSoftwareHeritageCountsEmptyDirectories(t *testing.T) {
	dir := newRepository(t, digest.SHA1Format)
	blob := entry("a").IDs
	const empty = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
	inner := git(t, dir, []byte("040000 tree "+empty+"\tempty\n"), "mktree", "--missing")
	root := git(t, dir, fmt.Appendf(nil, "100644 blob %v\ta\n040000 tree %s\td\n", blob.In(digest.SHA1Format), inner), "mktree", "--missing")
	plain := git(t, dir, fmt.Appendf(nil, "100644 blob %v\ta\n", blob.In(digest.SHA1Format)), "mktree", "--missing")
	id := build(t, "a", "d/", "d/empty/").Identity(digest.SHA1Format)
	if id.SWH != "swh:1:dir:"+root || id.Git.In(digest.SHA1Format).String() != plain {
		t.Errorf("got %s and %v, git gives %s and %s", id.SWH, id.Git.In(digest.SHA1Format), root, plain)
	}
	if id := build(t, "a").Identity(digest.SHA1Format); id.SWH != "swh:1:dir:"+plain {
		t.Errorf("without empty directories: %s, expected %s", id.SWH, plain)
	}
	for name, id := range map[string]tree.Identity{
		"special file": build(t, "a", "fifo|").Identity(digest.SHA1Format),
		"submodule":    build(t, "a", "s!").Identity(digest.SHA1Format),
		"no SHA-1":     build(t, "a").Identity(digest.SHA256Format),
	} {
		if id.SWH != "" {
			t.Errorf("%s: %s", name, id.SWH)
		}
	}
}

func TestBuildRefuses(t *testing.T) {
	for _, c := range []struct {
		names []string
		want  refusal.Rule
		at    int // index of the member that is named
	}{
		{[]string{"a", "a"}, refusal.NameDup, 1},
		{[]string{"x", "a/b", "c", "a/b@"}, refusal.NameDup, 3},
		{[]string{"a/", "b", "a/"}, refusal.NameDup, 2},
		{[]string{"a", "a/"}, refusal.NameDup, 1},
		{[]string{"a/", "a.b", "a-b", "a"}, refusal.NameDup, 0},
		{[]string{"a@", "a.b", "a/"}, refusal.NameDup, 2},
		{[]string{"s!", "s/"}, refusal.NameDup, 1},
		{[]string{"a", "a/b"}, refusal.NamePrefix, 1},
		{[]string{"a/b/c", "a-b", "a.b", "a@"}, refusal.NamePrefix, 0},
		{[]string{"a/b", "a/b/c/d/e", "a/b-c", "a/b.c"}, refusal.NamePrefix, 1},
		{[]string{"s!", "s/x"}, refusal.NamePrefix, 1},
		{[]string{"f|", "f/x"}, refusal.NamePrefix, 1},
		{[]string{"a@", "a/b/"}, refusal.NamePrefix, 1},
		{[]string{"é", "é/x"}, refusal.NamePrefix, 1},
	} {
		tr, err := tree.Build(entries(c.names...))
		if got := ruleOf(t, err); got != c.want || tr.Len() != 0 {
			t.Errorf("%q: %v, expected %s", c.names, err, c.want)
			continue
		}
		r := err.(*refusal.Refusal)
		if want := entry(c.names[c.at]).Path; r.Member != string(want) || r.Offset != int64(512*c.at) {
			t.Errorf("%q: %q at %d is named, expected %q at %d", c.names, r.Member, r.Offset, want, 512*c.at)
		}
	}
}

// conflict is the plain, quadratic form of what Build checks.
func conflict(list []tree.Entry) bool {
	for i, a := range list {
		for j, b := range list {
			if i != j && (a.Path == b.Path || a.Kind != tree.Directory && strings.HasPrefix(string(b.Path), string(a.Path)+"/")) {
				return true
			}
		}
	}
	return false
}

func TestBuildRefusesEveryConflictAndNothingElse(t *testing.T) {
	conflicts := 0
	name := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "a-", "a0", "b"}), 1, 3).Draw(t, "path"), "/") +
			rapid.SampledFrom([]string{"", "@", "/", "/", "|"}).Draw(t, "kind")
	})
	rapid.Check(t, func(t *rapid.T) {
		list := entries(rapid.SliceOfN(name, 0, 6).Draw(t, "names")...)
		want := conflict(list)
		if want {
			conflicts++
		}
		tr, err := tree.Build(slices.Clone(list))
		if (err != nil) != want {
			t.Fatalf("conflict %v, Build says %v", want, err)
		}
		if err == nil {
			checkLookups(t, tr, list)
		}
	})
	if conflicts == 0 && !testing.Short() {
		t.Error("no set with a conflict was drawn")
	}
}

// checkLookups holds Lookup, HasDir and the dropping of directories to their
// plain meanings.
func checkLookups(t *rapid.T, tr tree.Tree, list []tree.Entry) {
	for _, e := range list {
		held := slices.ContainsFunc(list, func(b tree.Entry) bool { return strings.HasPrefix(string(b.Path), string(e.Path)+"/") })
		kept := slices.Contains(paths(tr), string(e.Path))
		found := tr.Lookup(e.Path)
		switch {
		case kept != (e.Kind != tree.Directory || !held):
			t.Fatalf("%q (%v, holds something: %v) is kept: %v", e.Path, e.Kind, held, kept)
		case (found != nil) != (e.Kind != tree.Directory), found != nil && found.Kind != e.Kind:
			t.Fatalf("Lookup(%q) is %v, expected the %v", e.Path, found, e.Kind)
		case tr.HasDir(e.Path) != (e.Kind == tree.Directory):
			t.Fatalf("HasDir(%q) is %v for a %v", e.Path, tr.HasDir(e.Path), e.Kind)
		}
		for _, p := range parents(string(e.Path)) {
			if !tr.HasDir(tree.Path(p)) || tr.Lookup(tree.Path(p)) != nil {
				t.Fatalf("%q is not known as a directory", p)
			}
		}
	}
	if tr.Lookup("nowhere") != nil || tr.HasDir("nowhere") {
		t.Fatalf("something is found where nothing is")
	}
}

func TestCompareIsTheOrderOfEntries(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := build(t, drawNames(t)...).Entries()
		for i := range list {
			for j := range list {
				got := tree.Compare(&list[i], &list[j])
				if want := min(1, max(-1, i-j)); got != want {
					t.Fatalf("Compare(%q, %q) = %d, expected %d", list[i].Path, list[j].Path, got, want)
				}
			}
		}
	})
}

// Deep names cost time in proportion to their bytes, not to the square of
// their depth.
func TestDeepNamesAreCheap(t *testing.T) {
	deep := strings.Repeat("a/", tree.MaxPathBytes/2-4)
	list := make([]tree.Entry, 0, 200)
	for i := range cap(list) {
		list = append(list, entry(fmt.Sprintf("%d/%sx", i, deep)))
	}
	start := time.Now()
	tr, err := tree.Build(list)
	if err != nil {
		t.Fatal(err)
	}
	foldings := tr.CaseFoldings()
	id := tr.Identity(digest.SHA1Format)
	took := time.Since(start)
	t.Logf("%d directories took %v", len(list)*tree.MaxPathBytes/2, took)
	if took > 10*time.Second {
		t.Errorf("%d directories took %v", len(list)*tree.MaxPathBytes/2, took)
	}
	if len(foldings) != 0 || id.SWH == "" {
		t.Errorf("got %v, %v", foldings, id)
	}
}
