package report

import (
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/archive"
	"github.com/countermark/countermark/internal/compare"
	"github.com/countermark/countermark/internal/provenance"
	"github.com/countermark/countermark/internal/tree"
)

// documentOf returns the document of an archive that differs from its commit in
// what the findings are of: it has the added ones alone, and the changed ones as
// links where the commit has files.
func documentOf(t *testing.T, all bool, findings []provenance.Finding) *Document {
	t.Helper()
	slices.SortFunc(findings, func(a, b provenance.Finding) int { return strings.Compare(string(a.Path), string(b.Path)) })
	var ours, theirs []tree.Entry
	for _, f := range findings {
		ours = append(ours, tree.Entry{Path: f.Path, Kind: f.Kind})
		if f.Label == 0 {
			theirs = append(theirs, tree.Entry{Path: f.Path, Kind: tree.File})
		}
	}
	r, err := compare.Compare(compare.Input{Archive: build(t, ours), Commit: build(t, theirs)})
	if err != nil {
		t.Fatal(err)
	}
	d := &Document{Commit: &Commit{ID: "0123456789abcdef"}, Archives: []Archive{{Name: "demo-1.0.tar"}}}
	d.SetComparison(r, &archive.Contents{Tree: build(t, ours)}, all)
	d.SetProvenance(findings)
	if n := r.Count(compare.Added) + r.Count(compare.Changed); n != len(findings) {
		t.Fatalf("%d paths differ, want %d", n, len(findings))
	}
	return d
}

func build(t *testing.T, entries []tree.Entry) tree.Tree {
	t.Helper()
	built, err := tree.Build(slices.Clone(entries))
	if err != nil {
		t.Fatal(err)
	}
	return built
}

// unexplained is an added file that nothing is known of.
func unexplained(p string) provenance.Finding {
	return provenance.Finding{Path: tree.Path(p), Kind: tree.File, Label: provenance.Unexplained, Evidence: "nothing"}
}
