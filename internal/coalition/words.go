package coalition

import (
	"fmt"
	"strings"
)

// MaxListed is how many coalitions a sentence names.
const MaxListed = 12

// String returns the question in words, as what could be done, or not.
func (q Question) String() string {
	switch q {
	case Tamper:
		return "release something else than the source makes"
	case Substitute:
		return "have everybody build another source"
	case Rewrite:
		return "replace the policy"
	case Withdraw:
		return "withdraw a release"
	case Block:
		return "keep anything from being released by being absent"
	case BlockPolicy:
		return "keep the policy from being changed by being absent"
	}
	return "nothing"
}

// Text returns the answer in one sentence, names as the policy has them. A
// policy that one actor can defeat is said to be so.
func (a *Answer) Text() string {
	switch n := a.Size(); {
	case n == 1:
		return fmt.Sprintf("ONE ALONE can %s: %s.", a.Question, listed(a.Coalitions, "; "))
	case n > 1:
		return fmt.Sprintf("It takes %d to %s: %s.", n, a.Question, listed(a.Coalitions, "; "))
	case a.All:
		return fmt.Sprintf("Nobody here can %s, not even all of them together.", a.Question)
	}
	return fmt.Sprintf("It takes more than %d to %s; larger coalitions were not tried.", a.Tried, a.Question)
}

func listed(coalitions [][]Actor, separator string) string {
	var all []string
	for i, c := range coalitions {
		if i == MaxListed {
			all = append(all, fmt.Sprintf("and %d more", len(coalitions)-i))
			break
		}
		var names []string
		for _, a := range c {
			names = append(names, a.String())
		}
		all = append(all, strings.Join(names, " with "))
	}
	return strings.Join(all, separator)
}

// Text returns the report in sentences, one for each question, and what they
// take for granted.
func (r *Report) Text() []string {
	versions := "Versions that no exception names:"
	if r.Versions != nil {
		var patterns []string
		for _, v := range r.Versions {
			patterns = append(patterns, v.String())
		}
		versions = "Versions " + strings.Join(patterns, ", ") + ":"
	}
	all := []string{versions}
	if alone := r.Alone(); alone != nil {
		var one [][]Actor
		for _, a := range alone {
			one = append(one, []Actor{a})
		}
		all = append(all, "THIS POLICY CAN BE DEFEATED BY ONE ALONE: "+listed(one, ", ")+".")
	}
	for i := range r.Answers {
		all = append(all, r.Answers[i].Text())
	}
	if r.Unstated != nil {
		all = append(all, strings.Join(r.Unstated, ", ")+": it is not said with which toolchain they build, so each counts as theirs.")
	}
	return append(all, "No mirror can do any of this: what it hands out is verified.",
		"What the source itself holds is not judged: whoever may sign its tag answers for it.")
}
