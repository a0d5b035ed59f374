package compare_test

import (
	"slices"
	"testing"

	"github.com/countermark/countermark/internal/compare"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/tree"
	"pgregory.net/rapid"
)

// entries draws what can be a tree: no path twice, none below another.
func entries(kinds ...string) *rapid.Generator[[]tree.Entry] {
	return rapid.Custom(func(t *rapid.T) []tree.Entry {
		return drawEntries(t, "", 0, kinds)
	})
}

func drawEntries(t *rapid.T, dir string, depth int, kinds []string) []tree.Entry {
	var all []tree.Entry
	names := []string{"a", "b", "a.b", "a-b", "a0", "z", "é"}
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, 5-depth, rapid.ID).Draw(t, "names") {
		if depth < 3 && rapid.IntRange(0, 3).Draw(t, "directory") == 0 {
			all = append(all, drawEntries(t, dir+name+"/", depth+1, kinds)...)
			continue
		}
		kind := rapid.SampledFrom(kinds).Draw(t, "kind")
		all = append(all, entry(kind+" "+dir+name+"="+rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "content")))
	}
	return all
}

// commitKinds and archiveKinds are what the two sides can hold.
var (
	commitKinds  = []string{"f", "f", "x", "l"}
	archiveKinds = []string{"f", "f", "x", "l", "d", "s", "?"}
)

func compareTrees(t *rapid.T, archive, commit []tree.Entry) (compare.Input, *compare.Report) {
	in := compare.Input{Archive: build(t, slices.Clone(archive)), Commit: build(t, slices.Clone(commit))}
	r, err := compare.Compare(in)
	if err != nil {
		t.Fatal(err)
	}
	return in, r
}

func TestTreeIsIdenticalToItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := entries(commitKinds...).Draw(t, "tree")
		_, r := compareTrees(t, all, all)
		if r.Verdict() != compare.IdenticalTree || r.Count(compare.Identical) != len(all) {
			t.Fatalf("%v, %d of %d identical", r.Verdict(), r.Count(compare.Identical), len(all))
		}
	})
}

// TestExitZeroMeansTheSameTree compares any two trees: the invariants hold,
// and exit status 0 is given only to trees of one id.
func TestExitZeroMeansTheSameTree(t *testing.T) {
	outcomes := make(map[bool]int)
	rapid.Check(t, func(rt *rapid.T) {
		commit := entries(commitKinds...).Draw(rt, "commit")
		archive := entries(archiveKinds...).Draw(rt, "archive")
		if rapid.Bool().Draw(rt, "related") {
			archive = mutate(rt, commit)
		}
		in, r := compareTrees(rt, archive, commit)
		checkInvariants(t, in, r)
		same := in.Archive.Identity(digest.SHA1Format, digest.SHA256Format).Git == in.Commit.Identity(digest.SHA1Format, digest.SHA256Format).Git
		if r.ExecUnstated() > 0 {
			return // the id takes such files for not executable
		}
		zero := r.Verdict().Exit() == 0
		outcomes[zero]++
		onlyGitSees := r.Count(compare.Added) + r.Count(compare.Special) // empty directories and specials are not in the id
		if zero && !same || !zero && same && onlyGitSees == 0 {
			rt.Fatalf("verdict %v, the ids are equal: %v, %s", r.Verdict(), same, classes(r.Results()))
		}
	})
	if outcomes[false] == 0 && !testing.Short() {
		t.Error("no two trees differed")
	}
}

// mutate alters one thing.
func mutate(t *rapid.T, all []tree.Entry) []tree.Entry {
	altered := slices.Clone(all)
	added := entry(rapid.SampledFrom(archiveKinds).Draw(t, "kind") + " added=1")
	if len(altered) == 0 {
		return append(altered, added)
	}
	i := rapid.IntRange(0, len(altered)-1).Draw(t, "which")
	e := &altered[i]
	switch rapid.IntRange(0, 5).Draw(t, "mutation") {
	case 0:
		return slices.Delete(altered, i, i+1)
	case 1:
		return append(altered, added)
	case 2:
		e.Path += "x"
	case 3:
		e.IDs = entry("f x=another content").IDs
	case 4:
		e.Kind, e.Exec = map[tree.Kind]tree.Kind{tree.File: tree.Symlink, tree.Symlink: tree.File}[e.Kind], tree.NotExecutable
	default:
		if e.Kind != tree.File {
			e.Kind = tree.Special
		} else if e.Exec == tree.Executable {
			e.Exec = tree.NotExecutable
		} else {
			e.Exec = tree.Executable
		}
	}
	return altered
}

func TestMutationIsNeverExitZero(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		commit := entries(commitKinds...).Draw(t, "commit")
		_, r := compareTrees(t, mutate(t, commit), commit)
		if r.Verdict().Exit() == 0 {
			t.Fatalf("the verdict is %v: %s", r.Verdict(), classes(r.Results()))
		}
	})
}
