package release_test

import (
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/release"
	"github.com/countermark/countermark/internal/statement"
	"github.com/countermark/countermark/internal/tree"
)

// reviewPolicy has ada review what was not reproduced.
var reviewPolicy = strings.NewReplacer(`waive = ["reviewer"]`, "", "[owners]", "[conditions]\nreview = \"unreproduced\"\n\n[owners]",
	"[quorum.source]", "[quorum.reviewer]\nneed = 1\nof = [\"eve\"]\n\n[quorum.source]", "operators = [\"eve\"]\n", "").Replace(helloPolicy)

// reviewed returns what a reviewer writes of a file of a release.
func (w *world) reviewed(m *made, path, mode string) statement.Reviewed {
	e := w.open(m.archive.Name, m.file).Contents.Tree.Lookup(tree.Path(path))
	return statement.Reviewed{Path: e.Path, Mode: mode, Blob: statement.Blob{ID: e.IDs.In(format), SHA256: e.IDs.In(digest.SHA256Format)}}
}

// A builder that differs in generated files alone is a matter for reviewers, who
// must name each with mode and content; a builder that differs in anything else is
// not.
func TestReviews(t *testing.T) {
	other := func(w *world, change func(*plan)) *made {
		p := honest()
		change(&p)
		return w.makeRelease(p)
	}
	table := func(p *plan) { p.generated["table.h"] = "3, 2, 1\n" }
	for _, c := range []struct {
		name   string
		policy string
		plan   func(*plan) // of the rebuilder
		sign   func(w *world, m *made) *statement.Statement
		want   string
		exit   int
	}{
		{"reproduced, no review", reviewPolicy, func(*plan) {}, nil, "", 0},
		{"not reproduced, no review", reviewPolicy, table, nil, "POL_QUORUM", 1},
		{"reviewed", reviewPolicy, table, func(w *world, m *made) *statement.Statement { return m.review(w.reviewed(m, "table.h", "100644")) }, "", 0},
		{"reviewed with another mode", reviewPolicy, table, func(w *world, m *made) *statement.Statement { return m.review(w.reviewed(m, "table.h", "100755")) }, "POL_QUORUM", 1},
		{"another file reviewed", reviewPolicy, table, func(w *world, m *made) *statement.Statement { return m.review(w.reviewed(m, "words.h", "100644")) }, "POL_QUORUM", 1},
		{"the rebuilder's file reviewed", reviewPolicy, table, func(w *world, m *made) *statement.Statement {
			return m.review(w.reviewed(other(w, table), "table.h", "100644"))
		}, "POL_QUORUM", 1},
		{"one of two reviewed", reviewPolicy, func(p *plan) { table(p); p.generated["words.h"] = "\n" }, func(w *world, m *made) *statement.Statement {
			return m.review(w.reviewed(m, "table.h", "100644"))
		}, "POL_QUORUM", 1},
		{"both reviewed", reviewPolicy, func(p *plan) { table(p); p.generated["words.h"] = "\n" }, func(w *world, m *made) *statement.Statement {
			return m.review(w.reviewed(m, "table.h", "100644"), w.reviewed(m, "words.h", "100644"))
		}, "", 0},
		{"a review of the rebuilder's release", reviewPolicy, table, func(w *world, m *made) *statement.Statement {
			return other(w, table).review(w.reviewed(m, "table.h", "100644"))
		}, "POL_QUORUM", 1},
		{"a file less at the rebuilder's", reviewPolicy, func(p *plan) { delete(p.generated, "table.h") }, func(w *world, m *made) *statement.Statement {
			return m.review(w.reviewed(m, "table.h", "100644"))
		}, "", 0},
		{"a file more at the rebuilder's", reviewPolicy, func(p *plan) { table(p); p.generated["more.h"] = "\n" }, func(w *world, m *made) *statement.Statement {
			return m.review(w.reviewed(m, "table.h", "100644"))
		}, "POL_MIXED", 1},
		{"another source file at the rebuilder's", reviewPolicy, func(p *plan) { table(p); p.generated["main.c"] = "\n" }, func(w *world, m *made) *statement.Statement {
			return m.review(w.reviewed(m, "table.h", "100644"), w.reviewed(m, "main.c", "100644"))
		}, "POL_MIXED", 1},
		{"reviewed, where nobody reviews", helloPolicy, table, func(w *world, m *made) *statement.Statement { return m.review(w.reviewed(m, "table.h", "100644")) }, "POL_MIXED", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.policy)
			m, theirs := w.makeRelease(honest()), other(w, c.plan)
			e := w.evidence(m, w.vouch(m)...)
			e.Statements[1] = w.sign(theirs.build(), "nightjar")
			for id, o := range theirs.objects {
				w.must(e.Objects.Add(id, o.kind, o.content))
			}
			if c.sign != nil {
				e.Statements = append(e.Statements, w.sign(c.sign(w, m), "eve"))
			}
			if rule, exit, text := answer(e); rule != c.want || exit != c.exit {
				t.Errorf("exit %d, want %d; %q, want %q: %s", exit, c.exit, rule, c.want, text)
			}
		})
	}
}

// That git's filters made of a file what the archive has is known by those who got
// the same. A rebuilder who got something else there has not vouched for it, however
// well reviewed the rest is.
func TestReviewsOfFiltered(t *testing.T) {
	for name, c := range map[string]struct {
		theirs map[string]string
		want   release.Outcome
	}{
		"the same":                   {map[string]string{"main.c": "$Id: good$\n"}, release.Vouched},
		"another":                    {map[string]string{"main.c": "$Id: other$\n"}, release.Refuted},
		"none":                       {nil, release.Refuted},
		"of what was not reproduced": {map[string]string{"main.c": "$Id: good$\n", "table.h": "x\n"}, release.Refuted},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, reviewPolicy)
			p := honest()
			p.converted = map[string]string{"main.c": "$Id: good$\n"}
			m := w.makeRelease(p)
			p = honest()
			p.generated["table.h"], p.converted = "3, 2, 1\n", c.theirs
			theirs := w.makeRelease(p)
			e := w.evidence(m, append(w.vouch(m), w.sign(m.review(w.reviewed(m, "table.h", "100644")), "eve"))...)
			e.Statements[1] = w.sign(theirs.build(), "nightjar")
			for id, o := range theirs.objects {
				w.must(e.Objects.Add(id, o.kind, o.content))
			}
			if v := judge(t, e); v.Outcome() != c.want {
				t.Errorf("%v: %+v, %v", v.Outcome(), v.Failures, v.Open)
			}
		})
	}
}
