package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/policy/role"
	"github.com/countermark/countermark/internal/publickey"
)

// courtCase is one release before the judge. Signatures are named by their
// index, parties by theirs in the policy.
type courtCase struct {
	policy   *Policy
	terms    Terms
	signed   []Signed
	results  []Result // of each signature; Fate is 0 while it may count
	ballots  []ballot // of each party
	counted  []role.Set
	answered map[digest.SHA256]bool // the dissents that release managers pass over
	unmade   []File                 // what some build did not reproduce, and reviewers must have seen
}

// ballot is what of one party may count: an index into the signatures for each
// act, or none.
type ballot struct{ tag, build, review, release int }

const none = -1

func newCase(p *Policy, terms Terms, signed []Signed) *courtCase {
	c := &courtCase{policy: p, terms: terms, signed: signed, results: make([]Result, len(signed)),
		ballots: make([]ballot, len(p.Parties)), counted: make([]role.Set, len(p.Parties)), answered: map[digest.SHA256]bool{}}
	for i := range c.ballots {
		c.ballots[i] = ballot{none, none, none, none}
	}
	return c
}

func (q *Quorum) lists(name string) bool { return slices.Contains(q.Of, name) }

// lists reports whether the terms list the party in one of the roles.
func (c *courtCase) lists(party string, roles role.Set) bool {
	for _, r := range c.terms.Requirements {
		if roles.Has(r.Role) && !r.Waived && r.lists(party) {
			return true
		}
	}
	return false
}

func (c *courtCase) requirement(wanted Role) Requirement {
	for _, r := range c.terms.Requirements {
		if r.Role == wanted {
			return r
		}
	}
	return Requirement{}
}

// idle reports whether nobody is needed in the role for this release.
func (c *courtCase) idle(r Requirement) bool {
	return r.Waived || r.Role == Reviewer && c.policy.Conditions.Unreproduced && len(c.unmade) == 0
}

// identify returns the result of a signature as far as its key alone decides.
func (c *courtCase) identify(i int) Result {
	s := c.signed[i]
	party := c.policy.holder(s.Key)
	if party == nobody {
		return Result{Fate: Stranger, Text: "no party of the policy has this key"}
	}
	r := Result{Party: c.policy.Parties[party].Name}
	for _, revocation := range c.policy.Revocations {
		if revocation.Key == s.Key && !slices.Contains(revocation.Keeps, s.Digest) {
			r.Fate, r.Text = Dead, "the key is revoked, and this is none of what stays valid"
		}
	}
	return r
}

// nobody is no index of a party.
const nobody = -1

// holder returns the index of the party that has the key, or nobody.
func (p *Policy) holder(k publickey.Key) int {
	for i := range p.Parties {
		for _, h := range p.Parties[i].Holders {
			if !k.IsZero() && slices.Contains(h.Keys, k) {
				return i
			}
		}
	}
	return nobody
}

// roleOf returns the roles for which an act is made.
func roleOf(a Act) role.Set {
	switch a {
	case SignTag:
		return role.SetOf(Source)
	case Build:
		return role.Made()
	case Review:
		return role.SetOf(Reviewer)
	case Release:
		return role.SetOf(ReleaseManager)
	case Withdraw, SignPolicy:
	}
	return 0
}

// sort decides of each signature whether it may count, in the order in which
// one decision needs the other: who signed and where they are listed; which
// dissents are answered; what was not reproduced; who has reviewed all of it.
func (c *courtCase) sort() {
	for i, s := range c.signed {
		c.results[i] = c.identify(i)
		if r := &c.results[i]; r.Fate == 0 {
			c.admit(r, s)
		}
	}
	c.answers()
	for i, s := range c.signed {
		c.dissent(&c.results[i], s)
	}
	for i, s := range c.signed {
		if r := &c.results[i]; r.Fate == 0 && s.Act == Review {
			c.covers(r, s)
		}
	}
	for i, s := range c.signed {
		if c.results[i].Fate == 0 {
			c.cast(i, s)
		}
	}
}

// admit decides whether the signature is one that its party may make here.
func (c *courtCase) admit(r *Result, s Signed) {
	agreeing := s.Relation == Agrees || s.Act == Build && s.Relation == AllBut || (s.Act == Build || s.Act == Release) && s.Relation == Differs
	switch {
	case roleOf(s.Act) == 0 || !agreeing:
		r.Fate, r.Text = OtherMatter, "it speaks of something else than this release"
	case !c.lists(r.Party, roleOf(s.Act)):
		r.Fate, r.Text = NoRole, r.Party+" is listed in no role in which this counts"
	}
}

// answers finds the dissents that as many release managers name, with a reason,
// as it takes to release.
func (c *courtCase) answers() {
	by := map[digest.SHA256]map[string]bool{}
	for i, s := range c.signed {
		if c.results[i].Fate != 0 || s.Act != Release || s.Relation != Agrees {
			continue
		}
		for _, d := range s.Answers {
			if by[d] == nil {
				by[d] = map[string]bool{}
			}
			by[d][c.results[i].Party] = true
		}
	}
	need := c.requirement(ReleaseManager).Need
	for d, parties := range by {
		c.answered[d] = len(parties) >= max(1, need)
	}
}

// dissent decides whether a build or release is of something else, or of what
// reviewers have to look at.
func (c *courtCase) dissent(r *Result, s Signed) {
	reviewers := c.requirement(Reviewer)
	reviewable := c.policy.Conditions.Unreproduced && !reviewers.Waived && len(s.Files) > 0 &&
		(!c.answered[s.Digest] || c.reviewed(s.Files) >= reviewers.Need)
	switch {
	case r.Fate != 0 || s.Relation == Agrees:
	case s.Relation == AllBut && reviewable:
		for _, f := range s.Files {
			if !slices.Contains(c.unmade, f) {
				c.unmade = append(c.unmade, f)
			}
		}
	case s.Relation == AllBut:
		r.Fate, r.Text = Dissent, fmt.Sprintf("did not reproduce %d generated files", len(s.Files))
	default:
		r.Fate, r.Text = Dissent, "the "+s.Act.String()+" has another outcome"
	}
	if r.Fate == Dissent && c.answered[s.Digest] {
		r.Text += "; passed over with a reason"
	}
}

// reviewed returns how many listed reviewers have seen all of the files.
func (c *courtCase) reviewed(files []File) int {
	by := map[string]bool{}
	for i, s := range c.signed {
		if c.results[i].Fate == 0 && s.Act == Review && lacking(s.Files, files) == nil {
			by[c.results[i].Party] = true
		}
	}
	return len(by)
}

// lacking returns the first of the files that is not among those seen, nil if
// there is none.
func lacking(seen, files []File) *File {
	for i, f := range files {
		if !slices.Contains(seen, f) {
			return &files[i]
		}
	}
	return nil
}

// covers decides whether a review names all that was not reproduced.
func (c *courtCase) covers(r *Result, s Signed) {
	if f := lacking(s.Files, c.unmade); f != nil {
		r.Fate, r.Text = Insufficient, "the review does not name "+escape.Quote(f.Path)+" as it is in the release, which was not reproduced"
	}
}

// cast puts the signature on its party's ballot, unless there is as good a one.
func (c *courtCase) cast(i int, s Signed) {
	r := &c.results[i]
	b := &c.ballots[slices.IndexFunc(c.policy.Parties, func(p Party) bool { return p.Name == r.Party })]
	at := map[Act]*int{SignTag: &b.tag, Build: &b.build, Review: &b.review, Release: &b.release}[s.Act]
	switch {
	case *at == none:
		*at = i
		return
	case s.Relation == Agrees && c.signed[*at].Relation == AllBut:
		i, *at = *at, i
	}
	c.results[i].Fate, c.results[i].Text = Repeated, r.Party+" has signed another that counts as well"
}

// roles returns the roles in which a party could count.
func (c *courtCase) roles(party int) role.Set {
	b := c.ballots[party]
	name := c.policy.Parties[party].Name
	// Somebody must have made the release as it is: the builders, or, where
	// there are none, the release managers.
	whole := b.build != none && c.signed[b.build].Relation == Agrees
	own := whole || b.build != none && !c.requirement(Builder).Waived
	var roles role.Set
	for _, could := range []struct {
		role Role
		has  bool
	}{
		{Source, b.tag != none}, {Builder, whole}, {Rebuilder, b.build != none},
		{Reviewer, b.review != none}, {ReleaseManager, b.release != none && own},
	} {
		if could.has && c.lists(name, role.SetOf(could.role)) {
			roles |= role.SetOf(could.role)
		}
	}
	return roles
}

// places returns the distinct places, sorted, at which listed parties made the
// release.
func (c *courtCase) places(of func(*Party) string) []string {
	var found []string
	for i := range c.policy.Parties {
		p := &c.policy.Parties[i]
		if place := of(p); place != "" && c.ballots[i].build != none {
			found = append(found, place)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func (c *courtCase) countedNames() string {
	var names []string
	for i, roles := range c.counted {
		if roles&role.Made() != 0 {
			names = append(names, c.policy.Parties[i].Name)
		}
	}
	return strings.Join(names, ", ")
}
