package matching

import (
	"slices"
	"testing"
)

func alone(s Set) bool { return s&(s-1) == 0 }

func TestSolve(t *testing.T) {
	for _, c := range []struct {
		name  string
		p     Problem
		roles []Set
		want  Solution
	}{
		{name: "nothing is needed", p: Problem{Combinable: alone}, roles: []Set{}},
		{name: "the second choice is the right one",
			p:     Problem{Needs: [MaxRoles]uint8{1, 1}, Candidates: []Candidate{{0, Of(0, 1)}, {1, Of(0)}}, Combinable: alone},
			roles: []Set{Of(1), Of(0)}},
		{name: "nobody in two roles",
			p:     Problem{Needs: [MaxRoles]uint8{1, 1}, Candidates: []Candidate{{0, Of(0, 1)}}, Combinable: alone},
			roles: []Set{Of(0)}, want: Solution{Missing: 1}},
		{name: "but in two that may be combined",
			p:     Problem{Needs: [MaxRoles]uint8{1, 1}, Candidates: []Candidate{{0, Of(0, 1)}}, Combinable: func(Set) bool { return true }},
			roles: []Set{Of(0, 1)}},
		{name: "no more than are needed",
			p:     Problem{Needs: [MaxRoles]uint8{1}, Candidates: []Candidate{{0, Of(0)}, {1, Of(0)}}, Combinable: alone},
			roles: []Set{0, Of(0)}},
		{name: "the one who breaks the hand",
			p: Problem{Needs: [MaxRoles]uint8{1, 1}, Candidates: []Candidate{{0, Of(0)}, {1, Of(1)}, {2, Of(1)}}, Combinable: alone,
				Hands: []Hand{{[]bool{true, true, false}, Nobody}}, Apart: []Set{Of(0, 1)}},
			roles: []Set{Of(0), 0, Of(1)}},
		{name: "all in one hand",
			p: Problem{Needs: [MaxRoles]uint8{1, 1}, Candidates: []Candidate{{0, Of(0)}, {1, Of(1)}}, Combinable: alone,
				Hands: []Hand{{[]bool{true, true}, 0}}, Apart: []Set{Of(0, 1)}},
			roles: []Set{Of(0), Of(1)}, want: Solution{OneHand: true}},
		{name: "in a hand without its core",
			p: Problem{Needs: [MaxRoles]uint8{1, 1}, Candidates: []Candidate{{0, Of(0)}, {1, Of(1)}}, Combinable: alone,
				Hands: []Hand{{[]bool{true, true, true}, 2}}, Apart: []Set{Of(0, 1)}},
			roles: []Set{Of(0), Of(1)}},
		{name: "in one hand, where that is no fault",
			p: Problem{Needs: [MaxRoles]uint8{1, 1}, Candidates: []Candidate{{0, Of(0)}, {1, Of(1)}}, Combinable: alone,
				Hands: []Hand{{[]bool{true, true}, 0}}},
			roles: []Set{Of(0), Of(1)}},
	} {
		got := Solve(&c.p)
		if !slices.Equal(got.Roles, c.roles) || got.Missing != c.want.Missing || got.OneHand != c.want.OneHand {
			t.Errorf("%s: got %+v, want %v, %+v", c.name, got, c.roles, c.want)
		}
	}
}

func TestSet(t *testing.T) {
	s := Of(0, 4)
	if !s.Has(0) || s.Has(1) || !s.Has(4) || s != 17 {
		t.Errorf("got %b", s)
	}
}
