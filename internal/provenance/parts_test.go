package provenance

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/tree"
)

// blobOf is the id of a member's content.
func blobOf(m member) digest.ObjectID {
	e := m.entry()
	return e.IDs.In(digest.SHA1Format)
}

// TestNeededOfEachPart: a part of the commit is asked for its own blobs, those of
// templates too.
func TestNeededOfEachPart(t *testing.T) {
	ours, theirs, changed := file("x.in", "@OURS@\n"), file("sub/y.in", "@THEIRS@\n"), file("sub/z", "old")
	var entries []tree.Entry
	for _, m := range []member{ours, theirs, changed} {
		entries = append(entries, m.entry())
	}
	commit, err := tree.Build(entries)
	if err != nil {
		t.Fatal(err)
	}
	v := NewEvidence(commit, digest.SHA1Format, "")
	for _, m := range []member{file("x", "1\n"), file("sub/y", "2\n"), file("sub/z", "new")} {
		e := m.entry()
		v.show(m, &e, commit.Lookup(e.Path))
	}
	for _, c := range []struct {
		name   string
		within func(tree.Path) bool
		want   []digest.ObjectID
	}{
		{"no part", func(tree.Path) bool { return false }, nil},
		{"the commit", func(p tree.Path) bool { return !strings.HasPrefix(string(p), "sub/") }, []digest.ObjectID{blobOf(ours)}},
		{"the submodule", func(p tree.Path) bool { return strings.HasPrefix(string(p), "sub/") }, []digest.ObjectID{blobOf(theirs), blobOf(changed)}},
	} {
		got := v.Needed(map[tree.Path]bool{"sub/z": true}, c.within)
		byBytes := func(a, b digest.ObjectID) int { return slices.Compare(a.Bytes(), b.Bytes()) }
		slices.SortFunc(got, byBytes)
		slices.SortFunc(c.want, byBytes)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: needed %v, want %v", c.name, got, c.want)
		}
	}
}

// TestGivenIsLetGo: what was compared with the commit's content is not kept.
func TestGivenIsLetGo(t *testing.T) {
	w := &world{
		commit:  []member{file("a", "1\n"), file("b", "1\n"), file("c", "3\n")},
		archive: []member{file("a", "other\n"), file("b", "another\n"), file("c", "c 3\n")},
	}
	for _, f := range w.judge(t) {
		if f.Change != OtherChange {
			t.Errorf("%s: %v: %s", f.Path, f.Change, f.Evidence)
		}
	}
	if n := w.evidence.kept; n != 0 {
		t.Errorf("%d bytes are kept of what was compared", n)
	}
	w.absent = true
	w.judge(t)
	if n, want := w.evidence.kept, len("other\nanother\nc 3\n"); n != want {
		t.Errorf("%d bytes are kept of what is to be compared, want %d", n, want)
	}
}

// TestTemplatesAreCounted: no more templates are kept than the limit says,
// wherever they come from.
func TestTemplatesAreCounted(t *testing.T) {
	for _, inArchive := range []bool{true, false} {
		w := &world{}
		for i := range maxCatalogues + 5 {
			template := file(fmt.Sprintf("%d.in", i), fmt.Sprintf("%d @X@\n", i))
			w.commit = append(w.commit, template)
			w.archive = append(w.archive, file(fmt.Sprint(i), fmt.Sprintf("%d 1\n", i)))
			if inArchive {
				w.archive = append(w.archive, template)
			}
		}
		filled := 0
		for _, f := range w.judge(t) {
			if f.Label == Derived && f.Tool == "template" {
				filled++
			}
		}
		if n := len(w.evidence.templates); n != maxCatalogues || filled != maxCatalogues {
			t.Errorf("in the archive %v: %d templates are kept, %d files are made of them, want %d", inArchive, n, filled, maxCatalogues)
		}
	}
}
