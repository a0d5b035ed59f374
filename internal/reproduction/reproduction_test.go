package reproduction_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/cause"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/reproduction"
	"github.com/countermark/countermark/internal/tree"
	"pgregory.net/rapid"
)

var both = []digest.Format{digest.SHA1Format, digest.SHA256Format}

// treeOf builds a tree from short forms separated by commas: a letter (f, x, ? a
// file without, with and with unknown executable bit; l, d, s, m a link,
// directory, special, submodule), the path, and "=" with the content.
func treeOf(t interface {
	Helper()
	Fatal(args ...any)
}, shorts string) tree.Tree {
	t.Helper()
	var entries []tree.Entry
	for short := range strings.SplitSeq(shorts, ", ") {
		if short == "" {
			continue
		}
		kind, rest, _ := strings.Cut(short, " ")
		path, content, _ := strings.Cut(rest, "=")
		e := tree.Entry{Path: tree.Path(path), Kind: map[string]tree.Kind{"l": tree.Symlink, "d": tree.Directory, "s": tree.Special, "m": tree.Submodule}[kind]}
		switch kind {
		case "f", "x", "?":
			e.Kind = tree.File
			e.Exec = map[string]tree.Exec{"x": tree.Executable, "?": tree.ExecUnknown}[kind]
		}
		if e.Kind != tree.Directory && e.Kind != tree.Special {
			h := digest.NewObjectHash(both...)
			h.Reset(digest.Blob, int64(len(content)))
			_, _ = h.Write([]byte(content))
			e.IDs, _ = h.Sum()
		}
		entries = append(entries, e)
	}
	built, err := tree.Build(entries)
	if err != nil {
		t.Fatal(err)
	}
	return built
}

// show writes a comparison as "class path" for each path, with "*" for what is
// generated.
func show(c *reproduction.Comparison) string {
	var all []string
	for r := range c.Results() {
		mark := ""
		if r.Generated {
			mark = "*"
		}
		all = append(all, fmt.Sprintf("%v %s%s", r.Class, r.Path, mark))
	}
	return strings.Join(all, ", ")
}

// TestCompare: every path of both sides, and the verdict. The source is a file
// "a" of content "1".
func TestCompare(t *testing.T) {
	const source = "f a=1"
	for _, c := range []struct {
		ours, theirs, want string
		verdict            reproduction.Verdict
	}{
		{"f a=1, f c=3", "f a=1, f c=3", "reproduced a, reproduced c*", reproduction.SameTree},
		{"f a=1, f c=3", "f a=1, f c=4", "reproduced a, differs c*", reproduction.NotSame},
		{"f a=1, f c=3", "f a=1, x c=3", "reproduced a, differs c*", reproduction.NotSame},
		{"f a=1, f c=3", "f a=1, l c=3", "reproduced a, differs c*", reproduction.NotSame},
		{"f a=1", "f a=1, f c=3", "reproduced a, missing c*", reproduction.NotSame},
		{"f a=1, f c=3", "f a=1", "reproduced a, extra c*", reproduction.NotSame},
		{"f a=2", "f a=1", "differs a*", reproduction.NotSame},
		{"f a=1", "f a=2", "differs a*", reproduction.NotSame},
		{"f a=2", "f a=2", "reproduced a*", reproduction.SameTree},
		{"f a=1", "", "extra a", reproduction.NotSame},
		{"", "", "", reproduction.SameTree},
		{"f a=1, f c=3", "? a=1, ? c=3", "reproduced a, reproduced c*", reproduction.SameContents},
		{"f a=1, x c=3", "f a=1, ? c=3", "reproduced a, reproduced c*", reproduction.SameContents},
		{"f a=1, x c=3", "f a=1, ? c=4", "reproduced a, differs c*", reproduction.NotSame},
		{"? a=1, f c=3", "f a=1", "reproduced a, extra c*", reproduction.NotSame},
		{"f a=1, s d", "f a=1, s d", "reproduced a, differs d*", reproduction.NotSame}, // the ids are equal: git holds neither
		{"f a=1, d e", "f a=1", "reproduced a, extra e*", reproduction.NotSame},
		{"f a=1, d e", "f a=1, d e", "reproduced a, reproduced e*", reproduction.SameTree},
		{"f a=1, f e=1", "f a=1, f e/f=1", "reproduced a, extra e*, missing e/f*", reproduction.NotSame},
		{"f a=1, m m=1", "f a=1, m m=1", "reproduced a, reproduced m*", reproduction.SameTree},
		{"f a=1, m m=1", "f a=1, m m=2", "reproduced a, differs m*", reproduction.NotSame},
	} {
		got, err := reproduction.Compare(reproduction.Input{Ours: treeOf(t, c.ours), Theirs: treeOf(t, c.theirs), Source: treeOf(t, source), Formats: both})
		if err != nil {
			t.Fatal(err)
		}
		if show(got) != c.want || got.Verdict() != c.verdict {
			t.Errorf("%q against %q: %v: %s; want %v: %s", c.theirs, c.ours, got.Verdict(), show(got), c.verdict, c.want)
		}
		if (got.ExecUnstated() > 0) != (strings.Contains(c.ours+c.theirs, "?")) {
			t.Errorf("%q against %q: %d executable bits are not stated", c.theirs, c.ours, got.ExecUnstated())
		}
	}
}

// TestCollision: an attack on SHA-1 is never a reproduction.
func TestCollision(t *testing.T) {
	entries := slices.Clone(treeOf(t, "f a=1").Entries())
	entries[0].Collision = true
	attacked, err := tree.Build(entries)
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range []reproduction.Input{{Ours: attacked, Theirs: treeOf(t, "f a=1")}, {Ours: treeOf(t, "f a=1"), Theirs: attacked}, {Ours: attacked, Theirs: attacked}} {
		in.Formats = both
		c, err := reproduction.Compare(in)
		if err != nil || c.Verdict() != reproduction.NotSame || show(c) != "differs a*" {
			t.Errorf("%v, %v, %s", err, c.Verdict(), show(c))
		}
	}
}

// TestNoVerdict: without ids there is nothing to compare.
func TestNoVerdict(t *testing.T) {
	entries := slices.Clone(treeOf(t, "f a=1").Entries())
	entries[0].IDs.SHA256 = [32]byte{}
	half, err := tree.Build(entries)
	if err != nil {
		t.Fatal(err)
	}
	whole := treeOf(t, "f a=1")
	for _, in := range []reproduction.Input{{Ours: half, Theirs: whole, Source: whole, Formats: both}, {Ours: whole, Theirs: half, Source: whole, Formats: both},
		{Ours: whole, Theirs: whole, Source: half, Formats: both}, {Ours: whole, Theirs: whole, Source: whole}} {
		if _, err := reproduction.Compare(in); err == nil {
			t.Errorf("%+v: a verdict", in)
		}
	}
	if _, err := reproduction.Compare(reproduction.Input{Ours: half, Theirs: whole, Source: whole, Formats: both[:1]}); err != nil {
		t.Errorf("the one format is there: %v", err)
	}
	if got := reproduction.Verdict(0); got.Exit() != 2 || got.String() != "" || reproduction.Class(0).String() != "" {
		t.Error("the zero value is a verdict")
	}
	if reproduction.SameTree.Exit() != 0 || reproduction.SameContents.Exit() != 0 || reproduction.NotSame.Exit() != 1 {
		t.Error("the exit status is not that of cmp(1)")
	}
}

// TestAccounting: every path of either side is in one class, the counts add up,
// and only equal trees are the same.
func TestAccounting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) string {
			var all []string
			for _, path := range []string{"a", "b/c", "b/d", "e", "f/g/h", "i"} {
				if kind := rapid.SampledFrom([]string{"f", "f", "x", "l", ""}).Draw(t, name+path); kind != "" {
					all = append(all, kind+" "+path+"="+rapid.SampledFrom([]string{"1", "2"}).Draw(t, "content"))
				}
			}
			return strings.Join(all, ", ")
		}
		ours, theirs := treeOf(t, draw("ours")), treeOf(t, draw("theirs"))
		source := treeOf(t, draw("source"))
		c, err := reproduction.Compare(reproduction.Input{Ours: ours, Theirs: theirs, Source: source, Formats: both})
		if err != nil {
			t.Fatal(err)
		}
		sum, counts := 0, map[reproduction.Class]int{}
		for _, class := range reproduction.Classes() {
			all, generated := c.Count(class)
			counts[class] = all
			if sum += all; generated > all {
				t.Fatalf("%d generated of %d", generated, all)
			}
		}
		paths := map[tree.Path]bool{}
		for _, side := range []tree.Tree{ours, theirs} {
			for _, e := range side.Entries() {
				paths[e.Path] = true
			}
		}
		if sum != len(paths) || counts[reproduction.Reproduced]+counts[reproduction.Differs]+counts[reproduction.Extra] != ours.Len() ||
			counts[reproduction.Reproduced]+counts[reproduction.Differs]+counts[reproduction.Missing] != theirs.Len() {
			t.Fatalf("%v of %d, %d and %d paths", counts, len(paths), ours.Len(), theirs.Len())
		}
		equal := slices.EqualFunc(ours.Entries(), theirs.Entries(), func(a, b tree.Entry) bool { return a == b })
		if (c.Verdict() == reproduction.SameTree) != equal {
			t.Fatalf("%v of %s", c.Verdict(), show(c))
		}
	})
}

// TestExplain: causes are for what differs.
func TestExplain(t *testing.T) {
	c, err := reproduction.Compare(reproduction.Input{Ours: treeOf(t, "f a=1, f c=3"), Theirs: treeOf(t, "f a=1, f c=4"), Formats: both})
	if err != nil {
		t.Fatal(err)
	}
	pair := cause.Pair{Path: "c", Ours: cause.File{Content: []byte("3")}, Theirs: cause.File{Content: []byte("4")}}
	found := cause.Explain(slices.Values([]cause.Pair{pair}), cause.Build{})
	if err := c.Explain(append([]cause.Difference{{Path: "a"}}, found...)); err == nil || !strings.Contains(err.Error(), `"a"`) {
		t.Errorf("what is reproduced was explained: %v", err)
	}
	for r := range c.Results() {
		if r.Difference != nil {
			t.Errorf("%s: explained in spite of the error", r.Path)
		}
	}
	if err := c.Explain(found); err != nil {
		t.Fatal(err)
	}
	for r := range c.Results() {
		if (r.Difference != nil) != (r.Path == "c") || r.Path == "c" && r.Difference.Causes[0].Kind != cause.Unknown {
			t.Errorf("%s: %+v", r.Path, r.Difference)
		}
	}
}
