package standing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/gitrepo/ledger"
	"github.com/countermark/countermark/internal/gitrepo/refs"
	"github.com/countermark/countermark/internal/governing"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/statement"
)

// List is what a ledger holds of each version.
type List struct {
	Versions []Listed // in the order of their names
	Problems []string // what in the ledger does not count, each one sentence
}

// Listed is what a ledger holds of one version.
type Listed struct {
	Version     string `json:"version"`
	Candidate   bool   `json:"candidate"` // a branch of it waits to be blessed, or was not cleared away
	Builds      int    `json:"builds"`
	Reviews     int    `json:"reviews"`
	Releases    int    `json:"releases"`
	Withdrawals int    `json:"withdrawals"`
}

// Exit returns the exit status.
func (l *List) Exit() int {
	if len(l.Problems) > 0 {
		return report.Failed.Exit()
	}
	return report.Verified.Exit()
}

// ReadAll lists the versions of a repository's ledger. The error is a
// *report.Failure.
func ReadAll(ctx context.Context, repository string) (*List, error) {
	opened, err := governing.OpenLedger(ctx, repository)
	if err != nil {
		return nil, explain(ctx, err)
	}
	l, err := readAll(ctx, opened.Repo)
	return l, explain(ctx, errors.Join(err, opened.Close()))
}

func readAll(ctx context.Context, repo *gitrepo.Repository) (*List, error) {
	l, at := &List{}, make(map[string]*Listed)
	of := func(version string) *Listed {
		if at[version] == nil {
			at[version] = &Listed{Version: version}
		}
		return at[version]
	}
	contents, err := ledger.Read(ctx, repo, "")
	if err != nil {
		return nil, err
	}
	for _, e := range contents.Entries {
		of(e.Statement.Identity.Version).count(e.Statement.Kind)
	}
	for _, p := range contents.Problems {
		l.Problems = append(l.Problems, fmt.Sprintf("%s: %s: %s", escape.Text(p.Ref), p.Refusal.Rule, escape.Sentence(p.Refusal.Detail)))
	}
	candidates, err := refs.List(ctx, repo, strings.TrimSuffix(refs.CandidatePrefix, "/"))
	if err != nil {
		return nil, err
	}
	for _, c := range candidates {
		version := strings.TrimPrefix(c.Name, refs.CandidatePrefix)
		if _, err := recipe.ParseVersion(version); err == nil {
			of(version).Candidate = true
		}
	}
	for _, v := range at {
		l.Versions = append(l.Versions, *v)
	}
	slices.SortFunc(l.Versions, func(a, b Listed) int { return strings.Compare(a.Version, b.Version) })
	return l, nil
}

func (l *Listed) count(k statement.Kind) {
	switch k {
	case statement.KindBuild:
		l.Builds++
	case statement.KindReview:
		l.Reviews++
	case statement.KindRelease:
		l.Releases++
	case statement.KindWithdrawal:
		l.Withdrawals++
	}
}

// Text lists the versions, one a line.
func (l *List) Text() string {
	t := &strings.Builder{}
	for _, v := range l.Versions {
		var parts []string
		for _, p := range []struct {
			n    int
			what string
		}{{v.Builds, "build"}, {v.Reviews, "review"}, {v.Releases, "release"}, {v.Withdrawals, "withdrawal"}} {
			if p.n > 0 {
				parts = append(parts, fmt.Sprintf("%s %d", p.what, p.n))
			}
		}
		if v.Candidate {
			parts = append(parts, "a candidate")
		}
		fmt.Fprintf(t, "  %s: %s\n", escape.Text(v.Version), strings.Join(parts, ", "))
	}
	for _, p := range l.Problems {
		fmt.Fprintf(t, "  %s\n", p)
	}
	switch {
	case len(l.Versions) == 0:
		t.WriteString("This ledger holds no statement: countermark fetch REMOTE gets them.\n")
	default:
		t.WriteString("Signed statements of each version; countermark status VERSION says who is missing.\n")
	}
	return t.String()
}

// JSON returns the list as one document.
func (l *List) JSON() []byte {
	return encode(struct {
		Format   int         `json:"format"`
		Exit     int         `json:"exit"`
		Code     report.Code `json:"code"`
		Versions []Listed    `json:"versions"`
		Problems []string    `json:"problems"`
	}{report.FormatVersion, l.Exit(), report.CodeOf(l.Exit()), l.Versions, l.Problems})
}
