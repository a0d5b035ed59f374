package policy

import (
	"slices"

	"github.com/countermark/countermark/internal/policy/matching"
	"github.com/countermark/countermark/internal/policy/role"
)

// hands returns the sets of more than one party that are one when it comes to
// independence: a person and the machines that they operate; a machine and all
// who operate it, if the machine is among those who vouch, since its operators
// by themselves are several people. There are at most as many as parties.
func (p *Policy) hands() []matching.Hand {
	var all []matching.Hand
	for i, party := range p.Parties {
		h := matching.Hand{Members: make([]bool, len(p.Parties)), Core: matching.Nobody}
		if party.Kind == Machine {
			h.Core = i
		}
		n := 0
		for j, other := range p.Parties {
			h.Members[j] = i == j || slices.Contains(other.Operators, party.Name) || slices.Contains(party.Operators, other.Name)
			if h.Members[j] {
				n++
			}
		}
		if n > 1 {
			all = append(all, h)
		}
	}
	return all
}

// combinable reports whether one person may count in all of the roles at once:
// whether "may-combine" has each two of them.
func (p *Policy) combinable(roles role.Set) bool {
	for _, r := range roles.Roles() {
		for _, q := range roles.Roles() {
			if q > r && !slices.Contains(p.Combine, Pair{r, q}) && !slices.Contains(p.Combine, Pair{q, r}) {
				return false
			}
		}
	}
	return true
}

// apart returns the sets of roles whose parties must not be in one hand: the
// builders, the rebuilders, and all who say that they made the release. Quorums
// of people alone are never in one hand. Where the policy needs one party alone,
// or lets one person count in all the roles, there is nothing to keep apart.
func (p *Policy) apart(needs [matching.MaxRoles]uint8) []role.Set {
	var all []role.Set
	var needed role.Set
	for _, r := range Roles() {
		if needs[r-1] > 0 {
			needed |= role.SetOf(r)
		}
		if needs[r-1] > 1 && !r.ByPeople() {
			all = append(all, role.SetOf(r))
		}
	}
	if !p.combinable(needed & role.Made()) {
		all = append(all, role.Made())
	}
	return all
}
