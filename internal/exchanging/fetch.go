package exchanging

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/gitrepo/intake"
	"github.com/countermark/countermark/internal/gitrepo/ledger"
	"github.com/countermark/countermark/internal/gitrepo/refs"
	"github.com/countermark/countermark/internal/report"
)

// Fetched is what a fetch has brought.
type Fetched struct {
	Ledger   ledger.Fetched
	Arrivals []intake.Arrival // candidates, then tags and built branches
	From     string           // the server, as it was named
}

// Exit returns the exit status: 1 if the server has lost or replaced something,
// or has what does not count.
func (f *Fetched) Exit() int {
	apart := slices.ContainsFunc(f.Arrivals, func(a intake.Arrival) bool { return a.Outcome == intake.Apart })
	if apart || len(f.Ledger.Problems) > 0 {
		return report.Failed.Exit()
	}
	return report.Verified.Exit()
}

// Fetch brings what a server has and the repository has not. Nothing here is
// dropped, replaced or rewound. The error is a *report.Failure.
func Fetch(ctx context.Context, o Options) (*Fetched, error) {
	x, err := open(ctx, o, refs.RemoteSource)
	if err != nil {
		return nil, explain(ctx, err)
	}
	f, err := x.fetch(ctx)
	return f, explain(ctx, errors.Join(err, x.ledger.Close()))
}

func (x *exchange) fetch(ctx context.Context) (*Fetched, error) {
	f := &Fetched{From: x.Remote}
	var err error
	if f.Ledger, err = ledger.Fetch(ctx, x.repo, x.server); err != nil {
		return nil, err
	}
	at, err := x.look(ctx)
	if err != nil {
		return nil, err
	}
	if err := x.take(ctx, f, at, x.isCandidate); err != nil {
		return nil, err
	}
	// Now it is known of which tags and branches candidates and statements speak.
	n, err := x.names(ctx)
	if err != nil {
		return nil, err
	}
	err = x.take(ctx, f, at, func(name string) bool { return slices.Contains(n.tags, name) })
	if err != nil {
		return nil, err
	}
	// A source tag that has just come may hold the recipe that names the branch.
	if n, err = x.names(ctx); err != nil {
		return nil, err
	}
	return f, x.take(ctx, f, at, func(name string) bool { return slices.Contains(n.branches, name) })
}

// take brings those of the server's refs that are wanted.
func (x *exchange) take(ctx context.Context, f *Fetched, at map[string]digest.ObjectID, wanted func(string) bool) error {
	var chosen []refs.Ref
	for name, id := range at {
		if wanted(name) {
			chosen = append(chosen, refs.Ref{Name: name, ID: id})
		}
	}
	slices.SortFunc(chosen, func(a, b refs.Ref) int { return strings.Compare(a.Name, b.Name) })
	arrivals, err := intake.Fetch(ctx, x.repo, x.server, chosen)
	f.Arrivals = append(f.Arrivals, arrivals...)
	return err
}

// Text says what has come, for people.
func (f *Fetched) Text() string {
	t := &strings.Builder{}
	line := func(format string, args ...any) { fmt.Fprintf(t, format+"\n", args...) }
	news := f.Ledger.Entries + f.Ledger.Policies
	if f.Ledger.Entries > 0 {
		line("  %s", counted(f.Ledger.Entries, "new statement", "new statements"))
	}
	if f.Ledger.Policies > 0 {
		line("  %s of the policy: countermark policy show", counted(f.Ledger.Policies, "new version", "new versions"))
	}
	for _, a := range f.Arrivals {
		name := escape.Text(a.Ref)
		switch a.Outcome {
		case intake.Made, intake.Forwarded:
			news++
			line("  %s now holds %v", name, a.There)
		case intake.Apart:
			line("  APART: the server's %s holds %v, the one here %v, and neither goes on from the other; what is here stays", name, a.There, a.Here)
		}
	}
	for _, p := range f.Ledger.Problems {
		line("  %s: %s: %s", p.Refusal.Rule, escape.Text(p.Ref), escape.Sentence(p.Refusal.Detail))
	}
	switch {
	case f.Exit() != 0:
		line("FETCHED, and something at %s is not as it should be: find out who did that", escape.Text(f.From))
	case news == 0:
		line("Nothing new at %s.", escape.Text(f.From))
	default:
		line("Fetched from %s.", escape.Text(f.From))
	}
	return t.String()
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
