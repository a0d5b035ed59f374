package ledger

import (
	"context"
	"errors"
	"slices"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/entry"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/gitrepo/refs"
	"github.com/countermark/countermark/internal/refusal"
)

// Pushing is what shall get to a server.
type Pushing struct {
	Server  refs.Server
	Version string // whose statements; "" for all
}

// Pushed is what a push has done.
type Pushed struct {
	Answer   refs.Answer // what became of it, and why; Moved if the server's chain of policies is not continued by the one here: fetch first
	Entries  int         // statements that the server had not
	Policies bool        // the server had not the newest policy
	Problems []Problem   // what is here and was not pushed because it is no entry, or because the server has another in its place
}

// Push gives a server the statements and policies that it lacks, by atomic pushes
// with leases: one, unless the server lacks more than refs.MaxChanges. Nothing
// there is replaced. A push that was interrupted is done again; what has arrived
// is not pushed twice. What refers to statements, such as a branch, is pushed
// afterwards (see refs.PushAll on refs that a server hides). The error is that of
// refs.PushAll.
func Push(ctx context.Context, r *gitrepo.Repository, p Pushing) (Pushed, error) {
	contents, err := Read(ctx, r, p.Version)
	if err != nil {
		return Pushed{}, err
	}
	done, last := Pushed{}, 0
	for range attempts {
		plan, err := newPlan(ctx, r, p.Server, contents.Entries)
		if err != nil {
			return done, err
		}
		if done.Answer.Outcome == refs.Refused && len(plan.changes) == last {
			return done, nil // it was not that another was faster
		}
		last = len(plan.changes)
		done.Problems = append(slices.Clone(contents.Problems), plan.problems...)
		if done.Answer = plan.answer; done.Answer.Outcome == refs.Moved {
			return done, nil
		}
		if err := plan.push(ctx, r, p.Server, &done); err != nil {
			return done, err
		}
		if done.Answer.Outcome == refs.Changed || done.Answer.Outcome == refs.Unchanged {
			return done, nil
		}
	}
	return done, errors.New("pushing the ledger: what the server has changes all the time; try again")
}

// plan is what a server lacks.
type plan struct {
	changes  []refs.Change // of statements, then of the policies
	there    seen          // what it has of these already
	problems []Problem
	answer   refs.Answer // Moved if the policies there are not what is followed here
}

// newPlan compares a server with what is here.
func newPlan(ctx context.Context, r *gitrepo.Repository, to refs.Server, entries []entry.Entry) (plan, error) {
	chain, err := ReadPolicies(ctx, r)
	if err != nil {
		return plan{}, err
	}
	v, err := look(ctx, r, to)
	if err != nil {
		return plan{}, err
	}
	p := plan{there: seen{}}
	theirs := held(v.entries)
	for _, e := range entries {
		ref := e.Place().Ref()
		id, err := digest.HashObject(r.Format(), digest.Blob, e.Content)
		if err != nil {
			return plan{}, refusal.New(refusal.GitSHA1Collision, "the statement carries a SHA-1 collision attack").At(refusal.Unknown, ref)
		}
		switch there := theirs[ref]; {
		case there == id:
			p.there[ref] = id
		case there.IsZero():
			p.changes = append(p.changes, refs.Change{Ref: ref, New: id})
		default:
			p.problems = append(p.problems, Problem{ref, refusal.New(refusal.LedgerName, "the server has %v under this name, which belongs to %v: nothing is ever replaced, so its owner has to delete that ref", there, id)})
		}
	}
	head := chain.Head()
	switch {
	case head == v.policy:
		if !head.IsZero() {
			p.there[PolicyRef] = head
		}
	case chain.after(v.policy) < 0 && !v.policy.IsZero():
		p.answer = refs.Answer{Outcome: refs.Moved, Ref: PolicyRef, At: v.policy}
	case !head.IsZero():
		p.changes = append(p.changes, refs.Change{Ref: PolicyRef, Old: v.policy, New: head})
	}
	return p, nil
}

// push pushes, and remembers what the server has now.
func (p plan) push(ctx context.Context, r *gitrepo.Repository, to refs.Server, done *Pushed) error {
	done.Answer = refs.Answer{Outcome: refs.Unchanged}
	for batch := range slices.Chunk(p.changes, refs.MaxChanges) {
		answer, err := refs.PushAll(ctx, r, refs.Pushing{Server: to.Address, Changes: batch, Progress: to.Progress})
		if err != nil {
			return err
		}
		switch answer.Outcome {
		case refs.Changed:
			done.Answer = answer
		case refs.Unchanged:
		default:
			done.Answer = answer
			return nil
		}
		for _, c := range batch {
			p.there[c.Ref] = c.New
			if c.Ref == PolicyRef {
				done.Policies = true
				continue
			}
			done.Entries++
		}
	}
	return remember(ctx, r, to.Address, p.there)
}
