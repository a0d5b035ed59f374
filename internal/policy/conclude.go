package policy

import "github.com/countermark/countermark/internal/policy/role"

// tallies says of each role who counts and who does not.
func (c *courtCase) tallies() []Tally {
	var all []Tally
	for _, r := range c.terms.Requirements {
		t := Tally{Role: r.Role, Waived: r.Waived, Idle: !r.Waived && c.idle(r), Need: r.Need, Of: r.Of}
		for i, p := range c.policy.Parties {
			if r.lists(p.Name) {
				c.tally(&t, i)
			}
		}
		all = append(all, t)
	}
	return all
}

func (c *courtCase) tally(t *Tally, party int) {
	list := &t.Absent
	switch {
	case c.counted[party].Has(t.Role):
		list = &t.Counted
	case c.roles(party).Has(t.Role) && c.counted[party] != 0:
		list = &t.Elsewhere
	case c.roles(party).Has(t.Role):
		list = &t.Spare
	}
	*list = append(*list, c.policy.Parties[party].Name)
}

// conclude returns what became of each signature.
func (c *courtCase) conclude() []Result {
	for i, b := range c.ballots {
		for _, at := range []int{b.tag, b.build, b.review, b.release} {
			if at != none {
				c.concludeOne(&c.results[at], i, c.signed[at].Act)
			}
		}
	}
	return c.results
}

func (c *courtCase) concludeOne(r *Result, party int, act Act) {
	could, counts := c.roles(party)&roleOf(act), c.counted[party]&roleOf(act)
	if act == Build { // by itself it makes no release manager
		could, counts = could&^role.SetOf(ReleaseManager), counts&^role.SetOf(ReleaseManager)
	}
	switch {
	case counts != 0:
		r.Fate, r.Role, r.Text = Counted, first(counts), r.Party+" counts as "+first(counts).String()
	case act == Release && could == 0:
		r.Fate, r.Text = Insufficient, r.Party+" has signed no build of their own that agrees"
	case act == Build && c.lists(r.Party, role.SetOf(ReleaseManager)):
		r.Fate, r.Text = OwnBuild, "without it "+r.Party+" could not count as "+ReleaseManager.String()
	case c.counted[party] != 0:
		r.Fate, r.Role, r.Text = Spare, first(could), r.Party+" counts as "+first(c.counted[party]).String()+" already"
	default:
		r.Fate, r.Role, r.Text = Spare, first(could), r.Party+" is not needed"
	}
}

// first returns the first role of a set, none for an empty one.
func first(s role.Set) Role {
	if roles := s.Roles(); len(roles) > 0 {
		return roles[0]
	}
	return 0
}
