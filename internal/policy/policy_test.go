package policy

import (
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/policy/version"
	"github.com/countermark/countermark/internal/refusal"
)

func TestNames(t *testing.T) {
	seen := map[string]bool{}
	fresh := func(name string) {
		if seen[name] || name == "" {
			t.Errorf("the name %q is doubled or empty", name)
		}
		seen[name] = true
	}
	for r := range Withdrawer + 1 {
		fresh(r.String())
	}
	for a := range SignPolicy + 1 {
		fresh(a.String())
	}
	for k := range Machine + 1 {
		fresh(k.String())
	}
	if (Withdrawer+1).String() != "none" || (SignPolicy+1).String() != "nothing" || (Machine+1).String() != "nobody" || len(Roles()) != int(ReleaseManager) {
		t.Error("a role, act or kind that is none has a name of its own")
	}
}

func TestTerms(t *testing.T) {
	rc, _ := version.ParsePattern("*RC*")
	p := &Policy{
		Requirements: []Requirement{{Role: Source, Quorum: Quorum{1, []string{"saki"}}}, {Role: Rebuilder, Quorum: Quorum{2, []string{"a", "b"}}}},
		Exceptions:   []Exception{{[]Pattern{rc}, []Requirement{{Role: Rebuilder, Waived: true}}}, {[]Pattern{rc}, nil}},
	}
	if got := p.Terms("8.0"); got.Versions != nil || len(got.Requirements) != 2 || got.Requirements[1].Need != 2 {
		t.Errorf("got %+v", got)
	}
	if got := p.Terms("8.0RC1"); len(got.Versions) != 1 || got.Requirements[0].Need != 1 || !got.Requirements[1].Waived || got.Requirements[1].Need != 0 {
		t.Errorf("got %+v", got)
	}
	if all := p.AllTerms(); len(all) != 3 || all[0].Versions != nil || !all[1].Requirements[1].Waived || all[2].Requirements[1].Waived {
		t.Errorf("got %+v", all)
	}
}

func TestKeeps(t *testing.T) {
	p := &Policy{Kept: []Kept{{digest.SHA256{1}, 3}}}
	if v, ok := p.Keeps(digest.SHA256{1}); v != 3 || !ok {
		t.Error("a kept release is not found")
	}
	if _, ok := p.Keeps(digest.SHA256{}); ok {
		t.Error("a release is kept that the policy does not name")
	}
}

// What is not judged is not met.
func TestZeroValues(t *testing.T) {
	if (&Judgement{}).Met() || (&Judgement{judged: true, Failures: []Failure{{Rule: refusal.PolQuorum}}}).Met() {
		t.Error("the zero value is met")
	}
	if (&Tally{Need: 2, Counted: []string{"a"}}).Missing() != 1 || (&Tally{Need: 2, Waived: true}).Missing() != 0 || (&Tally{Need: 2, Idle: true}).Missing() != 0 {
		t.Error("the number of those who are missing is wrong")
	}
}

// What a well-formed policy or release was found to be is a verdict; the rest is none.
func TestExitOfRules(t *testing.T) {
	for status, rules := range map[int][]refusal.Rule{
		1: {refusal.PolChain, refusal.PolRollback, refusal.PolQuorum, refusal.PolOperator, refusal.PolMixed, refusal.PolCondition},
		2: {refusal.PolInvalid, refusal.PolKeyReuse},
	} {
		for _, rule := range rules {
			if rule.Exit() != status {
				t.Errorf("%s asks for exit status %d, expected %d", rule, rule.Exit(), status)
			}
		}
	}
}
