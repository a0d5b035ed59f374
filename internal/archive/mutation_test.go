package archive_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/compare"
	"github.com/countermark/countermark/internal/tree"
	"pgregory.net/rapid"
)

// mutations are the ways to alter one thing in a tree. Each returns nil where
// it does not apply.
var mutations = map[string]func(t *rapid.T, nodes []node) []node{
	"content": func(t *rapid.T, nodes []node) []node {
		return alterOne(t, nodes, tree.File, func(n *node) { n.content = alterText(t, n.content) })
	},
	"target": func(t *rapid.T, nodes []node) []node {
		return alterOne(t, nodes, tree.Symlink, func(n *node) { n.content += "x" })
	},
	"mode": func(t *rapid.T, nodes []node) []node {
		return alterOne(t, nodes, tree.File, func(n *node) { n.exec = !n.exec })
	},
	"name": func(t *rapid.T, nodes []node) []node {
		return alterOne(t, nodes, 0, func(n *node) { n.path += "x" })
	},
	"directory": func(t *rapid.T, nodes []node) []node {
		return alterOne(t, nodes, 0, func(n *node) { n.path = "other/" + n.path })
	},
	"file to link": func(t *rapid.T, nodes []node) []node {
		return alterOne(t, nodes, tree.File, func(n *node) { n.kind, n.content = tree.Symlink, "target" })
	},
	"link to file": func(t *rapid.T, nodes []node) []node {
		return alterOne(t, nodes, tree.Symlink, func(n *node) { n.kind = tree.File })
	},
	"file to special": func(t *rapid.T, nodes []node) []node {
		return alterOne(t, nodes, tree.File, func(n *node) { n.kind, n.content = tree.Special, "" })
	},
	"file to directory": func(t *rapid.T, nodes []node) []node {
		return alterOne(t, nodes, tree.File, func(n *node) { n.kind, n.content = tree.Directory, "" })
	},
	"dropped": func(t *rapid.T, nodes []node) []node {
		i := rapid.IntRange(0, len(nodes)-1).Draw(t, "which")
		return slices.Delete(slices.Clone(nodes), i, i+1)
	},
	"doubled": func(t *rapid.T, nodes []node) []node {
		n := rapid.SampledFrom(nodes).Draw(t, "which")
		return insert(t, nodes, n)
	},
	"doubled with other content": func(t *rapid.T, nodes []node) []node {
		n := rapid.SampledFrom(nodes).Draw(t, "which")
		n.kind, n.content = tree.File, "evil"
		return insert(t, nodes, n)
	},
	"added file": func(t *rapid.T, nodes []node) []node { return insert(t, nodes, node{path: "added", kind: tree.File}) },
	"added link": func(t *rapid.T, nodes []node) []node {
		return insert(t, nodes, node{path: "added", kind: tree.Symlink, content: "a"})
	},
	"added special": func(t *rapid.T, nodes []node) []node {
		return insert(t, nodes, node{path: "added", kind: tree.Special})
	},
	"added empty directory": func(t *rapid.T, nodes []node) []node {
		return insert(t, nodes, node{path: "added", kind: tree.Directory})
	},
	"added below a member":    func(t *rapid.T, nodes []node) []node { return insert(t, nodes, below(t, nodes, "x")) },
	"added climbing a member": func(t *rapid.T, nodes []node) []node { return insert(t, nodes, below(t, nodes, "../x")) },
}

func alterOne(t *rapid.T, nodes []node, kind tree.Kind, alter func(*node)) []node {
	var which []int
	for i, n := range nodes {
		if kind == 0 || n.kind == kind {
			which = append(which, i)
		}
	}
	if len(which) == 0 {
		return nil
	}
	altered := slices.Clone(nodes)
	alter(&altered[rapid.SampledFrom(which).Draw(t, "which")])
	return altered
}

func alterText(t *rapid.T, s string) string {
	if s == "" || rapid.Bool().Draw(t, "append") {
		return s + "\n"
	}
	b := []byte(s)
	b[rapid.IntRange(0, len(b)-1).Draw(t, "byte")] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
	return string(b)
}

func insert(t *rapid.T, nodes []node, n node) []node {
	return slices.Insert(slices.Clone(nodes), rapid.IntRange(0, len(nodes)).Draw(t, "where"), n)
}

func below(t *rapid.T, nodes []node, name string) node {
	return node{path: rapid.SampledFrom(nodes).Draw(t, "parent").path + "/" + name, kind: tree.File}
}

// TestNoMutationIsAccepted alters one thing in an archive: the verdict is
// never exit status 0.
func TestNoMutationIsAccepted(t *testing.T) {
	applied := make(map[string]int)
	rapid.Check(t, func(t *rapid.T) {
		nodes := trees(false).Draw(t, "tree")
		original, err := readArchive(handWritten(nodes), plainTar())
		if err != nil {
			t.Fatalf("reading the original: %v", err)
		}
		kind := rapid.SampledFrom(sortedKeys(mutations)).Draw(t, "mutation")
		altered := mutations[kind](t, nodes)
		if altered == nil {
			return
		}
		applied[kind]++
		contents, err := readArchive(handWritten(altered), plainTar())
		if err != nil {
			if strings.HasPrefix(ruleOf(err), "error") {
				t.Fatalf("no refusal: %v", err)
			}
			return
		}
		report, err := compare.Compare(compare.Input{Archive: contents.Tree, Commit: original.Tree})
		if err != nil {
			t.Fatal(err)
		}
		if report.Verdict().Exit() == 0 {
			t.Fatalf("%s: the verdict is %v", kind, report.Verdict())
		}
		// git's tree id does not see empty directories and special files
		if contents.Identity.Git == original.Identity.Git && report.Count(compare.Added)+report.Count(compare.Special) == 0 {
			t.Fatalf("%s: the tree id is the same", kind)
		}
	})
	if len(applied) < len(mutations)/2 && !testing.Short() {
		t.Errorf("only %d of %d mutations were tried", len(applied), len(mutations))
	}
}

// TestOrderAndDialectDoNotMatter writes one tree in several ways.
func TestOrderAndDialectDoNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := trees(true).Draw(t, "tree")
		want, err := readArchive(handWritten(nodes), plainTar())
		if err != nil {
			t.Fatal(err)
		}
		members := slices.Clone(nodes)
		for _, n := range nodes {
			for dir := tree.Path(n.path).Dir(); dir != ""; dir = dir.Dir() {
				d := node{path: string(dir), kind: tree.Directory}
				if !slices.Contains(members, d) && rapid.Bool().Draw(t, "with its directory") {
					members = append(members, d)
				}
			}
		}
		b := newTar(rapid.SampledFrom([]string{magicV7, magicUstar, magicGNU}).Draw(t, "magic"))
		for _, n := range rapid.Permutation(members).Draw(t, "order") {
			b.node(n)
		}
		got, err := readArchive(b.end(), plainTar())
		if err != nil {
			t.Fatal(err)
		}
		if got.Identity != want.Identity || listing(got) != listing(want) {
			t.Fatalf("got %s\nwant %s", listing(got), listing(want))
		}
	})
}
