package policy

import (
	"slices"

	"github.com/countermark/countermark/internal/policy/matching"
)

// roleSet is a set of the roles that vouch for a release: role 0 of the matching
// is Source.
type roleSet = matching.Set

func setOf(roles ...Role) roleSet {
	var s roleSet
	for _, r := range roles {
		s |= matching.Of(int(r) - 1)
	}
	return s
}

func has(s roleSet, r Role) bool { return s&setOf(r) != 0 }

// made returns the roles whose parties say that they made the release themselves.
func made() roleSet { return setOf(Builder, Rebuilder, ReleaseManager) }

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
func (p *Policy) combinable(roles roleSet) bool {
	for r := Source; r <= ReleaseManager; r++ {
		for q := r + 1; q <= ReleaseManager; q++ {
			if has(roles, r) && has(roles, q) && !slices.Contains(p.Combine, Pair{r, q}) && !slices.Contains(p.Combine, Pair{q, r}) {
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
func (p *Policy) apart(needs [matching.MaxRoles]uint8) []roleSet {
	var all []roleSet
	var needed roleSet
	for _, r := range Roles() {
		if needs[r-1] > 0 {
			needed |= setOf(r)
		}
		if needs[r-1] > 1 && !byPeople(r) {
			all = append(all, setOf(r))
		}
	}
	if !p.combinable(needed & made()) {
		all = append(all, made())
	}
	return all
}
