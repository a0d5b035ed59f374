// Package coalition computes what a policy is worth: the smallest coalitions
// that could ship a bad release, and the smallest whose absence blocks one. It
// asks the judge itself, with what such a coalition could sign, for every subset
// of those whom the policy names and of what they depend on, smaller ones first
// (docs/spec/policy.md, "What a policy is worth").
//
// What is assumed of the others is the worst that is likely: they sign what
// their tools tell them is right, they do not look at what the source holds, and
// whatever of theirs would stand in the way is withheld.
package coalition

import (
	"cmp"
	"slices"

	"github.com/countermark/countermark/internal/policy"
)

// MaxJudgements is how many coalitions are tried for one question: at less than
// a tenth of a millisecond each, a second or two.
const MaxJudgements = 20_000

// Kind is what an actor is. The zero value is none.
type Kind uint8

// The kinds of actor, in the order in which they are listed.
const (
	Person  Kind = iota + 1 // signs whatever they like, also as the machines that they operate
	Machine                 // signs whatever it likes
	Domain                  // whoever runs the machines of a hosting domain: these sign whatever it likes, people who build there are deceived
	Origin                  // a toolchain's origin: whoever builds with it builds what it likes, and believes it
	GitHost                 // shows everybody another source
	Mirror                  // hands out what it likes
)

// Actor is somebody who may be bad, or absent.
type Actor struct {
	Kind Kind
	Name string // as the policy has it; "" for GitHost and Mirror
}

// String returns the actor in words.
func (a Actor) String() string {
	switch a.Kind {
	case Person:
		return a.Name
	case Machine:
		return "the machine " + a.Name
	case Domain:
		return "whoever hosts " + a.Name
	case Origin:
		return "whoever makes the toolchain " + a.Name
	case GitHost:
		return "the git host"
	case Mirror:
		return "a mirror"
	}
	return "nobody"
}

// Question is what is asked of a policy. The zero value is none.
type Question uint8

// The questions. The first three are the ways in which a bad release comes to
// be.
const (
	Tamper      Question = iota + 1 // who could release something else than what the source makes?
	Substitute                      // who could have everybody build another source?
	Rewrite                         // who could sign another policy?
	Withdraw                        // who could withdraw a release?
	Block                           // without whom can nothing be released?
	BlockPolicy                     // without whom can the policy not be changed?
)

// Questions returns all questions, in order.
func Questions() []Question {
	return []Question{Tamper, Substitute, Rewrite, Withdraw, Block, BlockPolicy}
}

// Answer is the answer to one question.
type Answer struct {
	Question   Question
	Coalitions [][]Actor // the smallest, all of one size, each sorted; nil if there is none among those tried
	Tried      int       // there is none smaller than this and those of this size are all found, or there is none up to this size
	All        bool      // every subset was tried, as far as need be
}

// Size returns how many it takes, 0 if no coalition was found.
func (a *Answer) Size() int {
	if len(a.Coalitions) == 0 {
		return 0
	}
	return len(a.Coalitions[0])
}

// Report is what a policy is worth for the versions that some terms hold for.
type Report struct {
	Versions []policy.Pattern // nil for all that no exception names
	Answers  []Answer         // one for each of Questions, in order
	Unstated []string         // the people who build and do not say with what: each toolchain is taken to be theirs
}

// Alone returns the actors who can ship a bad release without anybody's help.
func (r *Report) Alone() []Actor {
	var all []Actor
	for _, a := range r.Answers {
		if a.Question <= Rewrite && a.Size() == 1 {
			for _, c := range a.Coalitions {
				all = append(all, c[0])
			}
		}
	}
	slices.SortFunc(all, compare)
	return slices.Compact(all)
}

func compare(a, b Actor) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
}

// Analyse asks all questions of a sound policy under some of its terms.
func Analyse(p *policy.Policy, terms policy.Terms) Report {
	w := newWorld(p, terms)
	r := Report{Versions: terms.Versions}
	for _, party := range p.Parties {
		if party.Toolchain == "" && w.builds(party.Name) {
			r.Unstated = append(r.Unstated, party.Name)
		}
	}
	for _, q := range Questions() {
		r.Answers = append(r.Answers, w.answer(q))
	}
	return r
}

// answer tries the coalitions for one question, smaller ones first.
func (w *world) answer(q Question) Answer {
	answer := Answer{Question: q, All: true}
	actors := w.actors(q)
	left := MaxJudgements
	for size := 1; size <= len(actors); size++ {
		if left -= choices(len(actors), size); left < 0 {
			answer.All = false
			break
		}
		answer.Tried = size
		subsets(len(actors), size, func(chosen []int) {
			var c []Actor
			for _, i := range chosen {
				c = append(c, actors[i])
			}
			if w.succeeds(q, c) {
				answer.Coalitions = append(answer.Coalitions, c)
			}
		})
		if answer.Coalitions != nil {
			break
		}
	}
	return answer
}

// choices returns how many subsets of a size there are, or a number beyond all
// limits.
func choices(n, size int) int {
	c := 1
	for i := range size {
		if c = c * (n - i) / (i + 1); c > MaxJudgements {
			return MaxJudgements + 1
		}
	}
	return c
}

// subsets calls f with each subset of a size of the numbers below n, in order.
func subsets(n, size int, f func([]int)) {
	chosen := make([]int, 0, size)
	var extend func(from int)
	extend = func(from int) {
		if len(chosen) == size {
			f(chosen)
			return
		}
		for i := from; i <= n-(size-len(chosen)); i++ {
			chosen = append(chosen, i)
			extend(i + 1)
			chosen = chosen[:len(chosen)-1]
		}
	}
	extend(0)
}
