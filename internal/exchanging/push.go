package exchanging

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/blessing"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/gitrepo/intake"
	"github.com/countermark/countermark/internal/gitrepo/ledger"
	"github.com/countermark/countermark/internal/gitrepo/refs"
	"github.com/countermark/countermark/internal/report"
)

// Pushed is what a push has done.
type Pushed struct {
	To       string // the server, as it was named
	Added    int    // statements of files that were not in the ledger here
	Entries  int    // statements that the server had not
	Policies bool   // the server has newer policies now
	Refs     []refs.Change
	Problems []string // what is not as it should be, each one sentence
}

// Exit returns the exit status: 1 if something was not pushed because the server
// has something else, or does not want it.
func (p *Pushed) Exit() int {
	if len(p.Problems) > 0 {
		return report.Failed.Exit()
	}
	return report.Verified.Exit()
}

// Push adds the statements of the files to the ledger here, and gives a server
// what it lacks. Nothing there is replaced, and nothing is ever forced. The error
// is a *report.Failure.
func Push(ctx context.Context, o Options) (*Pushed, error) {
	entries, err := ReadEnvelopes(o.Files)
	if err != nil {
		return nil, err
	}
	x, err := open(ctx, o, refs.RemoteURL)
	if err != nil {
		return nil, explain(ctx, err)
	}
	p := &Pushed{To: o.Remote}
	if p.Added, err = ledger.Append(ctx, x.repo, entries...); err == nil {
		err = x.push(ctx, p)
	}
	return p, explain(ctx, errors.Join(err, x.ledger.Close()))
}

func (x *exchange) push(ctx context.Context, p *Pushed) error {
	done, err := ledger.Push(ctx, x.repo, ledger.Pushing{Server: x.server, Version: x.Version})
	if err != nil {
		return err
	}
	p.Entries, p.Policies = done.Entries, done.Policies
	for _, problem := range done.Problems {
		p.problem("%s: %s", escape.Text(problem.Ref), escape.Sentence(problem.Refusal.Detail))
	}
	if p.rejected(done.Answer) {
		return nil // what follows rests on the statements
	}
	changes, err := x.lacking(ctx, p)
	if err != nil {
		return err
	}
	for batch := range slices.Chunk(changes, refs.MaxChanges) {
		answer, err := refs.PushAll(ctx, x.repo, refs.Pushing{Server: x.server.Address, Changes: batch, Progress: x.server.Progress})
		if err != nil {
			return err
		}
		if p.rejected(answer) {
			return nil
		}
		p.Refs = append(p.Refs, batch...)
	}
	return nil
}

func (p *Pushed) problem(format string, args ...any) {
	p.Problems = append(p.Problems, fmt.Sprintf(format, args...))
}

// rejected notes why a push was not done.
func (p *Pushed) rejected(answer refs.Answer) bool {
	switch answer.Outcome {
	case refs.Moved:
		p.problem("the server's %s holds %s, which is not what is followed here: countermark fetch first", escape.Text(answer.Ref), idText(answer.At))
	case refs.Refused:
		p.problem("the server refused it: %s", answer.Said)
	default:
		return false
	}
	return true
}

func idText(id digest.ObjectID) string {
	if id.IsZero() {
		return "nothing"
	}
	return id.String()
}

// lacking returns what of branches and tags the server shall have: what was built
// and waits, the built branches, the tags that bless. What it has and is something
// else is a problem, and stays.
func (x *exchange) lacking(ctx context.Context, p *Pushed) ([]refs.Change, error) {
	n, err := x.names(ctx)
	if err != nil {
		return nil, err
	}
	at, err := x.look(ctx)
	if err != nil {
		return nil, err
	}
	var changes []refs.Change
	var heads []digest.ObjectID
	for _, name := range n.branches {
		id, err := refs.Read(ctx, x.repo, name)
		if err != nil {
			return nil, err
		}
		heads = append(heads, id)
		changes = x.forward(ctx, p, changes, refs.Change{Ref: name, Old: at[name], New: id})
	}
	for _, name := range n.tags {
		if !strings.HasSuffix(name, blessing.TagSuffix) {
			continue // who makes source tags pushes them
		}
		id, err := refs.Read(ctx, x.repo, name)
		if err != nil {
			return nil, err
		}
		changes = p.make(changes, refs.Change{Ref: name, Old: at[name], New: id})
	}
	candidates, err := x.candidates(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range candidates {
		released := func(head digest.ObjectID) bool { return !head.IsZero() && intake.Follows(ctx, x.repo, head, c.ID) }
		if at[c.Name].IsZero() && slices.ContainsFunc(heads, released) {
			continue // it has done its duty
		}
		changes = p.make(changes, refs.Change{Ref: c.Name, Old: at[c.Name], New: c.ID})
	}
	return changes, nil
}

// forward adds a change that forwards a branch, if there is something to forward.
func (x *exchange) forward(ctx context.Context, p *Pushed, changes []refs.Change, c refs.Change) []refs.Change {
	switch {
	case c.New.IsZero() || c.New == c.Old:
	case c.Old.IsZero() || intake.Follows(ctx, x.repo, c.New, c.Old):
		return append(changes, c)
	case !intake.Follows(ctx, x.repo, c.Old, c.New):
		p.problem("the server's %s holds %v, which does not come before %v here: countermark fetch first; nothing is ever forced", escape.Text(c.Ref), c.Old, c.New)
	}
	return changes
}

// make adds a change that makes a ref, if it is not there.
func (p *Pushed) make(changes []refs.Change, c refs.Change) []refs.Change {
	switch {
	case c.New.IsZero() || c.New == c.Old:
	case c.Old.IsZero():
		return append(changes, c)
	default:
		p.problem("the server's %s holds %v, the one here %v: nothing is ever replaced, so find out whose is right", escape.Text(c.Ref), c.Old, c.New)
	}
	return changes
}

// Text says what was done, for people.
func (p *Pushed) Text() string {
	t := &strings.Builder{}
	line := func(format string, args ...any) { fmt.Fprintf(t, format+"\n", args...) }
	if p.Added > 0 {
		line("  added to the ledger here: %s", counted(p.Added, "statement", "statements"))
	}
	if p.Entries > 0 {
		line("  pushed: %s", counted(p.Entries, "statement", "statements"))
	}
	if p.Policies {
		line("  pushed: the policy")
	}
	for _, c := range p.Refs {
		line("  %s now holds %v there", escape.Text(c.Ref), c.New)
	}
	for _, problem := range p.Problems {
		line("  %s", problem)
	}
	switch {
	case len(p.Problems) > 0:
		line("NOT ALL WAS PUSHED to %s", escape.Text(p.To))
	case p.Entries == 0 && !p.Policies && len(p.Refs) == 0:
		line("Nothing to push: %s has all that is here.", escape.Text(p.To))
	default:
		line("Pushed to %s.", escape.Text(p.To))
	}
	return t.String()
}
