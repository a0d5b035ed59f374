package policy

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// The largest policy that is accepted, in which everybody may do everything and
// many people operate many machines, is judged in a time that one can wait for.
func TestLargestPolicy(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	p := sample()
	p.Parties, p.Combine = nil, nil
	var people, all []string
	for i := range MaxParties / 2 {
		people = append(people, fmt.Sprintf("p%d", i))
		p.Parties = append(p.Parties, person(people[i]))
	}
	all = append(all, people...)
	for i := range MaxParties / 2 {
		m := machine(fmt.Sprintf("m%d", i), "x", "y")
		for _, j := range random.Perm(len(people))[:1+random.IntN(6)] {
			m.Operators = append(m.Operators, people[j])
		}
		p.Parties, all = append(p.Parties, m), append(all, m.Name)
	}
	p.Owners = quorum(1, people...)
	p.Requirements = nil
	for _, r := range Roles() {
		p.Requirements = append(p.Requirements, Requirement{Role: r, Quorum: quorum(3, map[bool][]string{true: people, false: all}[r.ByPeople()]...)})
	}
	p.Combine = []Pair{{Source, Reviewer}, {Source, ReleaseManager}, {Reviewer, ReleaseManager}}
	const patience = 20 * time.Second
	start := time.Now()
	if problems := p.Check(); problems != nil {
		t.Fatal(problems)
	}
	for i := range p.Parties {
		if p.Parties[i].Kind == Machine { // now every set of builders is in one hand
			p.Parties[i].Operators = people
		}
	}
	p.Requirements[1].Of = all[len(people):]
	problems := p.Check()
	if len(problems) != 1 || !strings.Contains(problems[0].Text, "one person and machines of theirs") {
		t.Errorf("got %+v", problems)
	}
	if took := time.Since(start); took > patience {
		t.Errorf("it took %v", took)
	}
}
