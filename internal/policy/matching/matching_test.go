package matching

import (
	"slices"
	"testing"

	"github.com/countermark/countermark/internal/policy/role"
)

// of returns the set of the roles with these numbers, from 0.
func of(numbers ...int) role.Set {
	var s role.Set
	for _, n := range numbers {
		s |= role.SetOf(role.Role(n + 1))
	}
	return s
}

func alone(s role.Set) bool { return s&(s-1) == 0 }

func TestSolve(t *testing.T) {
	for _, c := range []struct {
		name  string
		p     Problem
		roles []role.Set
		want  Solution
	}{
		{name: "nothing is needed", p: Problem{Combinable: alone}, roles: []role.Set{}},
		{name: "the second choice is the right one",
			p:     Problem{Needs: [MaxRoles]uint8{1, 1}, Candidates: []Candidate{{0, of(0, 1)}, {1, of(0)}}, Combinable: alone},
			roles: []role.Set{of(1), of(0)}},
		{name: "nobody in two roles",
			p:     Problem{Needs: [MaxRoles]uint8{1, 1}, Candidates: []Candidate{{0, of(0, 1)}}, Combinable: alone},
			roles: []role.Set{of(0)}, want: Solution{Missing: 1}},
		{name: "but in two that may be combined",
			p:     Problem{Needs: [MaxRoles]uint8{1, 1}, Candidates: []Candidate{{0, of(0, 1)}}, Combinable: func(role.Set) bool { return true }},
			roles: []role.Set{of(0, 1)}},
		{name: "no more than are needed",
			p:     Problem{Needs: [MaxRoles]uint8{1}, Candidates: []Candidate{{0, of(0)}, {1, of(0)}}, Combinable: alone},
			roles: []role.Set{of(0), 0}},
		{name: "the one who breaks the hand",
			p: Problem{Needs: [MaxRoles]uint8{1, 1}, Candidates: []Candidate{{0, of(0)}, {1, of(1)}, {2, of(1)}}, Combinable: alone,
				Hands: []Hand{{[]bool{true, true, false}, Nobody}}, Apart: []role.Set{of(0, 1)}},
			roles: []role.Set{of(0), 0, of(1)}},
		{name: "all in one hand",
			p: Problem{Needs: [MaxRoles]uint8{1, 1}, Candidates: []Candidate{{0, of(0)}, {1, of(1)}}, Combinable: alone,
				Hands: []Hand{{[]bool{true, true}, 0}}, Apart: []role.Set{of(0, 1)}},
			roles: []role.Set{of(0), of(1)}, want: Solution{OneHand: true}},
		{name: "in a hand without its core",
			p: Problem{Needs: [MaxRoles]uint8{1, 1}, Candidates: []Candidate{{0, of(0)}, {1, of(1)}}, Combinable: alone,
				Hands: []Hand{{[]bool{true, true, true}, 2}}, Apart: []role.Set{of(0, 1)}},
			roles: []role.Set{of(0), of(1)}},
		{name: "in one hand, where that is no fault",
			p: Problem{Needs: [MaxRoles]uint8{1, 1}, Candidates: []Candidate{{0, of(0)}, {1, of(1)}}, Combinable: alone,
				Hands: []Hand{{[]bool{true, true}, 0}}},
			roles: []role.Set{of(0), of(1)}},
	} {
		got := Solve(&c.p)
		if !slices.Equal(got.Roles, c.roles) || got.Missing != c.want.Missing || got.OneHand != c.want.OneHand {
			t.Errorf("%s: got %+v, want %v, %+v", c.name, got, c.roles, c.want)
		}
	}
}
