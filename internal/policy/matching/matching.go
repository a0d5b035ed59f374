// Package matching decides who counts in which role, exactly: whenever every
// role can have as many parties as it needs, with nobody in two roles that may
// not be combined and no set of parties in one hand, it finds out how.
package matching

import "github.com/countermark/countermark/internal/policy/role"

// MaxRoles is how many roles there are, MaxHands how many hands there may be, and
// MaxApart how many sets of roles whose parties must not be in one hand.
const (
	MaxRoles = int(role.ReleaseManager)
	MaxHands = 64
	MaxApart = 3
)

// Candidate is a party that could count.
type Candidate struct {
	Party int      // its number
	Roles role.Set // in which it could count
}

// Nobody is the Core of a hand that has none.
const Nobody = -1

// Hand is a set of parties that are one when it comes to independence. A set of
// parties that lies within a hand is in one hand; if the hand has a core, only
// when the core is among them.
type Hand struct {
	Members []bool // by the number of the party
	Core    int    // the number of a party, or Nobody
}

// Problem is what is to be solved.
type Problem struct {
	Needs      [MaxRoles]uint8 // how many parties each role needs; that of Source is the first
	Candidates []Candidate
	Combinable func(role.Set) bool // whether one party may count in all of the roles at once; a single role always
	Hands      []Hand              // at most MaxHands
	Apart      []role.Set          // the parties in each of these sets of roles must not be in one hand; at most MaxApart
}

// Solution says in which roles each candidate counts, how many parties are
// missing in all, and whether some set is in one hand although nobody is missing.
type Solution struct {
	Roles   []role.Set
	Missing int
	OneHand bool
}

// state is what of a choice decides how it may go on. Two choices for the same
// candidates that lead to the same state are as good as one another.
type state struct {
	left  [MaxRoles]uint8  // how many parties each role still needs
	alive [MaxApart]uint64 // the hands that hold all who count in each set so far
	core  [MaxApart]uint64 // those of them whose core is among these, or that have none
}

// node is a state that has been reached, and how.
type node struct {
	state
	before int // index into the nodes of the candidate before
	roles  role.Set
}

// Solve goes through the candidates one after another and keeps every state
// that some choice of their roles leads to. The first of equally good choices
// is taken, so that the same problem has the same solution.
func Solve(p *Problem) Solution {
	layers := [][]node{{{state: p.start()}}}
	for _, c := range p.Candidates {
		layers = append(layers, p.step(layers[len(layers)-1], c))
	}
	return best(layers)
}

func (p *Problem) start() state {
	s := state{left: p.Needs}
	for set := range p.Apart {
		for i, h := range p.Hands {
			s.alive[set] |= 1 << i
			if h.Core == Nobody {
				s.core[set] |= 1 << i
			}
		}
	}
	return s
}

// step returns what follows from all choices for one candidate.
func (p *Problem) step(last []node, c Candidate) []node {
	var next []node
	reached := map[state]bool{}
	for before, n := range last {
		for _, roles := range p.options(c.Roles, n.left) {
			if s := p.count(n.state, c.Party, roles); !reached[s] {
				reached[s] = true
				next = append(next, node{s, before, roles})
			}
		}
	}
	return next
}

// options returns the sets of roles, the empty one first, in which one party may
// count at once and which are needed still.
func (p *Problem) options(roles role.Set, left [MaxRoles]uint8) []role.Set {
	for _, r := range roles.Roles() {
		if left[r-1] == 0 {
			roles &^= role.SetOf(r)
		}
	}
	options := []role.Set{0}
	for s := role.Set(1); s <= roles; s++ {
		if s&^roles == 0 && p.Combinable(s) {
			options = append(options, s)
		}
	}
	return options
}

// count returns the state after one more party counts in the roles.
func (p *Problem) count(s state, party int, roles role.Set) state {
	for _, r := range roles.Roles() {
		s.left[r-1]--
	}
	for set, apart := range p.Apart {
		if roles&apart == 0 {
			continue
		}
		for i, h := range p.Hands {
			if h.Core == party {
				s.core[set] |= 1 << i
			}
			if !h.Members[party] {
				s.alive[set] &^= 1 << i
			}
		}
		s.core[set] &= s.alive[set]
	}
	return s
}

// best returns the way to the first state in which fewest are missing and, if
// nobody is, no set is in one hand.
func best(layers [][]node) Solution {
	last := layers[len(layers)-1]
	at, best := 0, Solution{Missing: -1}
	for i, n := range last {
		s := Solution{}
		for _, left := range n.left {
			s.Missing += int(left)
		}
		s.OneHand = s.Missing == 0 && n.core != [MaxApart]uint64{}
		if best.Missing < 0 || s.Missing < best.Missing || s.Missing == best.Missing && best.OneHand && !s.OneHand {
			at, best = i, s
		}
	}
	best.Roles = make([]role.Set, len(layers)-1)
	for l := len(layers) - 1; l > 0; l-- {
		n := layers[l][at]
		best.Roles[l-1], at = n.roles, n.before
	}
	return best
}
