// Package standing wires up `countermark status`: how a release stands, or all of
// them, by the ledger of a repository; and whether a folder in which a project
// collects statements is in order. No archive is read, and nothing is written.
package standing

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/gathering"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/governing"
	"github.com/countermark/countermark/internal/lineage"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/release"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/trust"
	"github.com/countermark/countermark/internal/vouching"
)

// Options say what to look at.
type Options struct {
	Repository string // local; "": the one we stand in
	Version    string
	Root       string // as trust.ReadRoot takes it; "": the one remembered
	Recipe     string // file of the recipe, where the source has none; "" for none
	Memory     string // folder of what is remembered; "": the user's own
}

// Status is how the releases of one version stand.
type Status struct {
	Version  string
	Releases []*release.Verdict // at least one
	Notes    []string
}

// Exit returns the exit status: that of the release that comes nearest to being
// complete.
func (s *Status) Exit() int {
	best := report.Failed.Exit()
	for _, v := range s.Releases {
		switch exitOf(v) {
		case report.Verified.Exit():
			return report.Verified.Exit()
		case report.NotComplete.Exit():
			best = report.NotComplete.Exit()
		}
	}
	return best
}

// exitOf tells what is merely missing, and may come yet, from what speaks against
// a release.
func exitOf(v *release.Verdict) int {
	for _, f := range v.Failures {
		switch f.Rule {
		case refusal.PolQuorum, refusal.RelNone, refusal.PolCondition, refusal.PolOperator:
		default:
			return report.Failed.Exit()
		}
	}
	if len(v.Failures) > 0 || len(v.Open) > 0 || v.Judgement == nil || !v.Judgement.Met() {
		return report.NotComplete.Exit()
	}
	return report.Verified.Exit()
}

// Read looks at one version. The error is a *report.Failure.
func Read(ctx context.Context, o Options) (*Status, error) {
	if _, err := recipe.ParseVersion(o.Version); err != nil {
		return nil, report.UsageFailure("a version is what stands in the name of the archive, as in 1.0", "the version %s: %v", escape.Quote(o.Version), err)
	}
	l, err := governing.OpenLedger(ctx, o.Repository)
	if err != nil {
		return nil, explain(ctx, err)
	}
	s, err := read(ctx, o, l.Repo)
	return s, explain(ctx, errors.Join(err, l.Close()))
}

func explain(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return report.Interrupted()
	}
	f := report.FailureOf(err, report.Internal)
	if f.Refusal != nil {
		f.Hint = cmp.Or(f.Hint, report.HintFor(f.Refusal.Rule))
	}
	return f
}

func read(ctx context.Context, o Options, repo *gitrepo.Repository) (*Status, error) {
	recipes, err := gathering.ReadRecipe(o.Recipe)
	if err != nil {
		return nil, err
	}
	gathered, err := gathering.Gather(ctx, gathering.Options{Repo: repo, Version: o.Version, Recipes: recipes})
	if err != nil {
		return nil, err
	}
	e, err := vouching.Evidence(gathered.Bundle)
	if err != nil {
		return nil, err
	}
	e.Version, e.Now = o.Version, time.Now().Unix()
	if e.Root, e.Remembered, err = trust.Establish(o.Root, o.Memory, e.Chain); err != nil {
		return nil, err
	}
	s := &Status{Version: o.Version, Notes: gathered.Notes}
	if s.Releases, err = release.Survey(e); err != nil {
		return nil, err
	}
	for _, v := range s.Releases {
		forgetArchives(v)
	}
	return s, nil
}

// forgetArchives drops the questions that only an archive answers: none was asked
// about.
func forgetArchives(v *release.Verdict) {
	if v.Lineage == nil {
		return
	}
	for _, q := range []lineage.Question{lineage.IsArchive, lineage.HoldsTree} {
		if a := v.Lineage.Answers[q]; a.State == lineage.NotLooked {
			open := q.String() + ": " + a.Text
			v.Open = slices.DeleteFunc(v.Open, func(s string) bool { return s == open })
		}
	}
}
