package policy

// roleSet is a set of the roles that vouch for a release: bit 0 is Source.
type roleSet uint8

func setOf(r Role) roleSet { return 1 << (r - 1) }

func (s roleSet) has(r Role) bool { return s&setOf(r) != 0 }

// built are the roles whose parties say that they made the release themselves.
const built = roleSet(1<<(Builder-1) | 1<<(Rebuilder-1) | 1<<(ReleaseManager-1))

// candidate is a party that could count.
type candidate struct {
	party int     // index into the policy's parties
	roles roleSet // in which it could count; not empty
}

// The sets of parties that must not be in one hand: those who count as
// builders, as rebuilders, and in any of the roles of built. Quorums of people
// alone are never in one hand.
const (
	builderSet = iota
	rebuilderSet
	builtSet
	handSets
)

// state is what of an assignment decides how it may go on. Two assignments of
// the same parties that are in the same state are as good as one another.
type state struct {
	left  [ReleaseManager]uint8 // how many each role still needs
	alive [handSets]uint64      // the hands that hold all who count in each set so far
	core  [handSets]uint64      // those of them that this is a fault of: see hand
}

// node is a state that has been reached, and how.
type node struct {
	state
	before int     // index into the nodes before
	roles  roleSet // in which the candidate counts
}

// assignment decides who counts in which role. It is exact: whenever all quorums
// can be met at once, with nobody in two roles that may not be combined, and no
// set of parties in one hand, it finds out how.
type assignment struct {
	needs      [ReleaseManager]uint8
	hands      []hand
	tested     [handSets]bool
	combinable func(roleSet) bool
}

// result says in which roles each candidate counts, how many are missing in
// all, and whether some set of them is in one hand although nobody is missing.
type result struct {
	roles   []roleSet
	missing int
	oneHand bool
}

// solve goes through the candidates one after another and keeps every state
// that some choice of their roles leads to.
func (a *assignment) solve(candidates []candidate) result {
	layers := [][]node{{{state: a.start()}}}
	for _, c := range candidates {
		last := layers[len(layers)-1]
		var next []node
		reached := map[state]bool{}
		for before, n := range last {
			for _, roles := range a.options(c.roles, n.left) {
				if s := a.count(n.state, c.party, roles); !reached[s] {
					reached[s] = true
					next = append(next, node{s, before, roles})
				}
			}
		}
		layers = append(layers, next)
	}
	return a.best(layers)
}

func (a *assignment) start() state {
	s := state{left: a.needs}
	for set := range handSets {
		if !a.tested[set] {
			continue
		}
		for i, h := range a.hands {
			s.alive[set] |= 1 << i
			if h.core == nobody {
				s.core[set] |= 1 << i
			}
		}
	}
	return s
}

// options returns the sets of roles, the empty one first, in which one party may
// count at once and which are needed still.
func (a *assignment) options(roles roleSet, left [ReleaseManager]uint8) []roleSet {
	for r := Source; r <= ReleaseManager; r++ {
		if left[r-1] == 0 {
			roles &^= setOf(r)
		}
	}
	options := []roleSet{0}
	for s := roleSet(1); s <= roles; s++ {
		if s&^roles == 0 && a.combinable(s) {
			options = append(options, s)
		}
	}
	return options
}

// count returns the state after one more party counts in the roles.
func (a *assignment) count(s state, party int, roles roleSet) state {
	for r := Source; r <= ReleaseManager; r++ {
		if roles.has(r) {
			s.left[r-1]--
		}
	}
	for set, members := range [handSets]roleSet{builderSet: setOf(Builder), rebuilderSet: setOf(Rebuilder), builtSet: built} {
		if roles&members == 0 {
			continue
		}
		for i, h := range a.hands {
			if h.core == party {
				s.core[set] |= 1 << i
			}
			if !h.holds(party) {
				s.alive[set] &^= 1 << i
			}
		}
		s.core[set] &= s.alive[set]
	}
	return s
}

// best returns the way to the state in which fewest are missing, and, if
// nobody is, in which no set is in one hand.
func (a *assignment) best(layers [][]node) result {
	last := layers[len(layers)-1]
	at, best := 0, result{missing: -1}
	for i, n := range last {
		r := result{}
		for _, left := range n.left {
			r.missing += int(left)
		}
		r.oneHand = r.missing == 0 && n.core != [handSets]uint64{}
		if best.missing < 0 || r.missing < best.missing || r.missing == best.missing && best.oneHand && !r.oneHand {
			at, best = i, r
		}
	}
	best.roles = make([]roleSet, len(layers)-1)
	for l := len(layers) - 1; l > 0; l-- {
		n := layers[l][at]
		best.roles[l-1], at = n.roles, n.before
	}
	return best
}
