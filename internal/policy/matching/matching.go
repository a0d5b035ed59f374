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

// maxStates is how many states are looked at in search of a choice in which no
// set is in one hand. Policies of dozens of parties, most of whom operate the
// others, may need more; then the sets are taken to be in one hand.
const maxStates = 200_000

// left is how many parties each role still needs.
type left [MaxRoles]uint8

func (l left) sum() int {
	n := 0
	for _, role := range l {
		n += int(role)
	}
	return n
}

// less returns what is left after one more party counts in the roles.
func (l left) less(roles role.Set) left {
	for _, r := range roles.Roles() {
		l[r-1]--
	}
	return l
}

// solver remembers what has been found out already.
type solver struct {
	*Problem
	most    map[place]int
	visited map[state]bool
	chosen  []role.Set
}

// place is a candidate, and what is left when it is their turn.
type place struct {
	candidate int
	left      left
}

// state is what decides whether a choice can go on so that no set is in one hand.
type state struct {
	place
	alive [MaxApart]uint64 // the hands that hold all who count in each set so far
	core  [MaxApart]uint64 // those of them whose core is among these, or that have none
}

// Solve finds the choice in which fewest parties are missing and, if nobody is,
// no set is in one hand. The first of equally good ones is taken, with earlier
// candidates counting where they can.
func Solve(p *Problem) Solution {
	s := &solver{p, map[place]int{}, map[state]bool{}, make([]role.Set, len(p.Candidates))}
	missing := left(p.Needs).sum() - s.fill(place{left: p.Needs})
	if missing == 0 && s.apart(s.start()) {
		return Solution{Roles: s.chosen}
	}
	clear(s.chosen)
	s.walk(place{left: p.Needs})
	return Solution{Roles: s.chosen, Missing: missing, OneHand: missing == 0}
}

// fill returns how much of what is left the candidates from one on can fill.
func (s *solver) fill(at place) int {
	if at.candidate == len(s.Candidates) {
		return 0
	}
	if most, known := s.most[at]; known {
		return most
	}
	most := 0
	for _, roles := range s.options(at) {
		most = max(most, len(roles.Roles())+s.fill(place{at.candidate + 1, at.left.less(roles)}))
	}
	s.most[at] = most
	return most
}

// walk notes the first choice that fills as much as can be.
func (s *solver) walk(at place) {
	for ; at.candidate < len(s.Candidates); at.candidate++ {
		for _, roles := range s.options(at) {
			next := place{at.candidate + 1, at.left.less(roles)}
			if len(roles.Roles())+s.fill(next) == s.fill(at) {
				s.chosen[at.candidate], at.left = roles, next.left
				break
			}
		}
	}
}

// options returns the sets of roles in which a candidate may count at once and
// which are needed still, the empty one last.
func (s *solver) options(at place) []role.Set {
	c := s.Candidates[at.candidate]
	roles := c.Roles
	for _, r := range roles.Roles() {
		if at.left[r-1] == 0 {
			roles &^= role.SetOf(r)
		}
	}
	var options []role.Set
	for set := role.Set(1); set <= roles; set++ {
		if set&^roles == 0 && s.Combinable(set) {
			options = append(options, set)
		}
	}
	return append(options, 0)
}

func (s *solver) start() state {
	first := state{place: place{left: s.Needs}}
	for set := range s.Apart {
		for i, h := range s.Hands {
			first.alive[set] |= 1 << i
			if h.Core == Nobody {
				first.core[set] |= 1 << i
			}
		}
	}
	return first
}

// apart reports whether the candidates from one on can fill all that is left so
// that no set is in one hand, and notes how.
func (s *solver) apart(at state) bool {
	if at.candidate == len(s.Candidates) {
		return at.left.sum() == 0 && at.core == [MaxApart]uint64{}
	}
	if s.visited[at] || len(s.visited) > maxStates || s.fill(at.place) < at.left.sum() {
		return false
	}
	s.visited[at] = true
	for _, roles := range s.options(at.place) {
		s.chosen[at.candidate] = roles
		if s.apart(s.count(at, roles)) {
			return true
		}
	}
	return false
}

// count returns the state after a candidate counts in the roles.
func (s *solver) count(at state, roles role.Set) state {
	party := s.Candidates[at.candidate].Party
	at.place = place{at.candidate + 1, at.left.less(roles)}
	for set, apart := range s.Apart {
		if roles&apart == 0 {
			continue
		}
		for i, h := range s.Hands {
			if h.Core == party {
				at.core[set] |= 1 << i
			}
			if !h.Members[party] {
				at.alive[set] &^= 1 << i
			}
		}
		at.core[set] &= at.alive[set]
	}
	return at
}
