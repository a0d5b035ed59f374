package release

import (
	"slices"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/policy"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/statement"
)

// Survey says how the releases of the version that the evidence asks for stand, one
// after the other: those that a release statement names or, while there is none,
// what builds have made and could be released. None of the latter is ever vouched
// for: REL_NONE is among the failures. Where nobody has said anything, there is one
// verdict without a release. The error is that of Judge.
func Survey(e Evidence) ([]*Verdict, error) {
	j := &judging{e: e, known: make(map[digest.SHA256][]ballot)}
	var err error
	if j.papers, err = read(e.Statements); err != nil {
		return nil, err
	}
	base := &Verdict{}
	if err := j.openChain(base); err != nil {
		return nil, err
	}
	if j.chain == nil {
		return []*Verdict{base}, nil
	}
	released := true
	of := j.of(statement.KindRelease)
	if len(of) == 0 {
		released, of = false, j.of(statement.KindBuild)
	}
	if len(of) > MaxCandidates {
		return nil, refusal.New(refusal.RelLimit, "the statements are on more than %d releases that may be meant", MaxCandidates)
	}
	if len(of) == 0 {
		newest := j.chain.Newest()
		base.Policy, base.PolicySum = newest.Policy, newest.Digest
		base.Judgement = policy.Judge(newest.Policy, e.Version, nil, policy.Facts{})
		base.fail(refusal.RelNone, "nobody has built this version, as far as is known here: there is no statement on it")
		return []*Verdict{base}, nil
	}
	var all []*Verdict
	for _, p := range of {
		v := *base
		v.Failures, v.Open = slices.Clone(base.Failures), slices.Clone(base.Open)
		if !released {
			v.fail(refusal.RelNone, "no release manager has released this: there is no release statement")
		}
		if err := j.judge(&v, p); err != nil {
			return nil, err
		}
		all = append(all, &v)
	}
	return all, nil
}

// of returns a statement of the kind on each release of the version.
func (j *judging) of(kind statement.Kind) []*paper {
	var found []*paper
	seen := make(map[digest.SHA256]bool)
	for i := range j.papers {
		p := &j.papers[i]
		if p.statement.Kind == kind && j.isVersion(p.statement) && !seen[p.release] {
			seen[p.release] = true
			found = append(found, p)
		}
	}
	return found
}
