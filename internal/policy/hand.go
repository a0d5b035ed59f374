package policy

import "slices"

// nobody is no index of a party.
const nobody = -1

// hand is a set of parties that are one when it comes to independence: a person
// and the machines that they operate, or a machine and all who operate it. A
// set of parties that lies within a hand is in one hand; within a machine's only
// if the machine is in it, since its operators by themselves are several people.
type hand struct {
	members []bool // by index of the party
	core    int    // the machine, or nobody
}

func (h *hand) holds(party int) bool { return h.members[party] }

// hands returns the hands that hold more than one party. There are at most as
// many as parties.
func (p *Policy) hands() []hand {
	var all []hand
	for i, party := range p.Parties {
		h := hand{members: make([]bool, len(p.Parties)), core: nobody}
		if party.Kind == Machine {
			h.core = i
		}
		n := 0
		for j, other := range p.Parties {
			h.members[j] = i == j || slices.Contains(other.Operators, party.Name) || slices.Contains(party.Operators, other.Name)
			if h.members[j] {
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
			if roles.has(r) && roles.has(q) && !slices.Contains(p.Combine, Pair{r, q}) && !slices.Contains(p.Combine, Pair{q, r}) {
				return false
			}
		}
	}
	return true
}
