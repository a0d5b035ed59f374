package policy

import (
	"fmt"
	"strings"

	"github.com/countermark/countermark/internal/policy/matching"
	"github.com/countermark/countermark/internal/refusal"
)

// Court judges by one policy, which is checked once and must not be changed
// afterwards. The zero value is none.
type Court struct {
	policy  *Policy
	unsound *Judgement // what it says of everything, if the policy is at fault
}

// NewCourt returns the court of a policy.
func NewCourt(p *Policy) *Court { return &Court{p, p.unsound()} }

// Judge says whether the policy is satisfied that a release of the version be
// taken for good. Further signatures that agree never make it unmet.
func Judge(p *Policy, version string, signed []Signed, facts Facts) *Judgement {
	j := NewCourt(p).Judge(p.Terms(version), signed, facts)
	j.Version = version
	return j
}

// Judge is the function of that name, for whatever version the terms, which are
// of the policy, hold for.
func (c *Court) Judge(terms Terms, signed []Signed, facts Facts) *Judgement {
	if c.unsound != nil {
		return c.unsound
	}
	return judge(c.policy, terms, signed, facts)
}

// unsound returns the judgement of a policy that Check finds fault with, nil if
// it does not.
func (p *Policy) unsound() *Judgement {
	problems := p.Check()
	if len(problems) == 0 {
		return nil
	}
	j := p.blank()
	for _, problem := range problems {
		j.fail(problem.Rule, "the policy itself is at fault: %s", problem.Text)
	}
	return j
}

func (p *Policy) blank() *Judgement {
	return &Judgement{Project: p.Project, Policy: p.Version, Combine: p.Combine, judged: true}
}

func (j *Judgement) fail(rule refusal.Rule, format string, args ...any) {
	j.Failures = append(j.Failures, Failure{rule, fmt.Sprintf(format, args...)})
}

// judge is Judge by a sound policy.
func judge(p *Policy, terms Terms, signed []Signed, facts Facts) *Judgement {
	j := p.blank()
	j.Exception = terms.Versions
	c := newCase(p, terms, signed)
	c.sort()
	solution := c.match()
	j.Tallies, j.Results = c.tallies(), c.conclude()
	c.dissents(j)
	if solution.OneHand {
		j.fail(refusal.PolOperator, "%s: those who vouch for the release are one machine and people who operate it, or one person and machines of theirs", c.countedNames())
	}
	for _, t := range j.Tallies {
		if t.Missing() > 0 {
			j.fail(refusal.PolQuorum, "%s", t.Lacks())
		}
	}
	c.conditions(j, facts)
	return j
}

// Lacks says who is missing in the role, of one that lacks somebody: one sentence
// without full stop.
func (t *Tally) Lacks() string {
	s := fmt.Sprintf("%s: %d of %d", t.Role, len(t.Counted), t.Need)
	if len(t.Absent) > 0 {
		s += ", missing " + strings.Join(t.Absent, ", ")
	}
	if len(t.Elsewhere) > 0 {
		s += ", counted in another role " + strings.Join(t.Elsewhere, ", ")
	}
	return s
}

// match decides who counts in which role.
func (c *courtCase) match() matching.Solution {
	problem := &matching.Problem{Combinable: c.policy.combinable, Hands: c.policy.hands()}
	for i, r := range c.terms.Requirements {
		if !c.idle(r) {
			problem.Needs[i] = uint8(r.Need) // Check holds it to MaxNeed
		}
	}
	problem.Apart = c.policy.apart(problem.Needs)
	for i := range c.policy.Parties {
		if roles := c.roles(i); roles != 0 {
			problem.Candidates = append(problem.Candidates, matching.Candidate{Party: i, Roles: roles})
		}
	}
	solution := matching.Solve(problem)
	for i, candidate := range problem.Candidates {
		c.counted[candidate.Party] = solution.Roles[i]
	}
	return solution
}

// dissents notes the dissents that nobody answers.
func (c *courtCase) dissents(j *Judgement) {
	for i, r := range j.Results {
		if r.Fate == Dissent && !c.answered[c.signed[i].Digest] {
			j.fail(refusal.PolMixed, "%s: %s", r.Party, r.Text)
		}
	}
}

// conditions judges what is asked beside quorums.
func (c *courtCase) conditions(j *Judgement, facts Facts) {
	note := func(met bool, name, format string, args ...any) {
		condition := Condition{name, fmt.Sprintf(format, args...), met}
		j.Conditions = append(j.Conditions, condition)
		if !met {
			j.fail(refusal.PolCondition, "%s: %s", name, condition.Text)
		}
	}
	approved := false
	for _, r := range c.policy.Recipes {
		approved = approved || r == facts.Recipe && !r.IsZero()
	}
	note(approved, "recipes", "the recipe %s is %s", facts.Recipe, map[bool]string{true: "approved", false: "not approved"}[approved])
	wanted := c.policy.Conditions
	if n := wanted.HostingDomains; n > 0 {
		found := c.places(func(p *Party) string { return p.Domain })
		note(len(found) >= n, "hosting-domains", "%d of %d (%s)", len(found), n, strings.Join(found, ", "))
	}
	if n := wanted.ToolchainOrigins; n > 0 {
		found := c.places(func(p *Party) string { return p.Toolchain })
		note(len(found) >= n, "toolchain-origins", "%d of %d (%s)", len(found), n, strings.Join(found, ", "))
	}
	if wanted.PortableNames {
		text := map[Check]string{Holds: "the names mean the same on every system", Fails: "some names do not mean the same on every system"}[facts.PortableNames]
		if text == "" {
			text = "nobody has looked at the names"
		}
		note(facts.PortableNames == Holds, "portable-names", "%s", text)
	}
}

// JudgeWithdrawal says whether enough of those who may do so withdraw a release.
// Signed are the withdrawals that may speak of it.
func JudgeWithdrawal(p *Policy, signed []Signed) *Judgement {
	return NewCourt(p).JudgeWithdrawal(signed)
}

// JudgeWithdrawal is the function of that name.
func (c *Court) JudgeWithdrawal(signed []Signed) *Judgement {
	return c.plain(plain{Withdrawer, c.policy.WithdrawalQuorum(), Withdraw}, signed)
}

// JudgePolicy says whether enough of the policy's owners sign a policy: itself,
// or the one that follows. Signed are the signatures over that one.
func JudgePolicy(p *Policy, signed []Signed) *Judgement { return NewCourt(p).JudgePolicy(signed) }

// JudgePolicy is the function of that name.
func (c *Court) JudgePolicy(signed []Signed) *Judgement {
	return c.plain(plain{Owner, c.policy.Owners, SignPolicy}, signed)
}

// WithdrawalQuorum returns who withdraws releases.
func (p *Policy) WithdrawalQuorum() Quorum {
	if p.Withdrawers.Need != 0 || p.Withdrawers.Of != nil {
		return p.Withdrawers
	}
	for _, r := range p.Requirements {
		if r.Role == ReleaseManager {
			return r.Quorum
		}
	}
	return Quorum{}
}

// plain is one quorum of people, and what they have to sign.
type plain struct {
	role   Role
	quorum Quorum
	act    Act
}

// plain judges by one quorum of people.
func (c *Court) plain(asked plain, signed []Signed) *Judgement {
	if c.unsound != nil {
		return c.unsound
	}
	q := asked.quorum
	j := c.policy.blank()
	signers := newCase(c.policy, Terms{}, signed)
	first := map[string]int{} // by party: the signature that counts
	for i := range signed {
		r := signers.identify(i)
		_, signedAlready := first[r.Party]
		switch {
		case r.Fate != 0:
		case signed[i].Act != asked.act || signed[i].Relation != Agrees:
			r.Fate, r.Text = OtherMatter, "it is no "+asked.act.String()+" of what is judged"
		case !q.lists(r.Party):
			r.Fate, r.Text = NoRole, r.Party+" is not listed as "+asked.role.String()
		case signedAlready:
			r.Fate, r.Text = Repeated, r.Party+" counts once"
		default:
			first[r.Party] = i
			r.Role, r.Text = asked.role, r.Party+" counts as "+asked.role.String()
		}
		j.Results = append(j.Results, r)
	}
	t := Tally{Role: asked.role, Need: q.Need, Of: q.Of}
	for _, p := range c.policy.Parties {
		i, has := first[p.Name]
		switch {
		case !has && q.lists(p.Name):
			t.Absent = append(t.Absent, p.Name)
		case has && len(t.Counted) < q.Need:
			j.Results[i].Fate, t.Counted = Counted, append(t.Counted, p.Name)
		case has:
			j.Results[i].Fate, j.Results[i].Text, t.Spare = Spare, p.Name+" is not needed", append(t.Spare, p.Name)
		}
	}
	j.Tallies = []Tally{t}
	if t.Missing() > 0 || q.Need < 1 {
		j.fail(refusal.PolQuorum, "%s", t.Lacks())
	}
	return j
}
