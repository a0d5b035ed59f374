package policy

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/countermark/countermark/internal/digest"
)

// drawPolicy draws a small policy, which need not be sound.
func drawPolicy(t *rapid.T) *Policy {
	p := sample()
	p.Parties, p.Requirements = nil, nil
	var people, all []string
	for i := range rapid.IntRange(1, 4).Draw(t, "people") {
		people = append(people, fmt.Sprintf("p%d", i))
		p.Parties = append(p.Parties, person(people[i], people[i]+"'s card"))
	}
	all = slices.Clone(people)
	for i := range rapid.IntRange(0, 3).Draw(t, "machines") {
		m := machine(fmt.Sprintf("m%d", i), rapid.SampledFrom([]string{"x", "y"}).Draw(t, "domain"), "debian")
		m.Operators = drawSome(t, people, 0)
		p.Parties, all = append(p.Parties, m), append(all, m.Name)
	}
	draw := func(of []string) Quorum {
		q := Quorum{Of: drawSome(t, of, 1)}
		q.Need = min(len(q.Of), rapid.SampledFrom([]int{1, 1, 1, 2, 3}).Draw(t, "need"))
		return q
	}
	p.Owners = draw(people)
	for _, role := range Roles() {
		r := Requirement{Role: role, Waived: role != ReleaseManager && rapid.Bool().Draw(t, "waived")}
		if !r.Waived {
			r.Quorum = draw(map[bool][]string{true: people, false: all}[role.ByPeople()])
		}
		p.Requirements = append(p.Requirements, r)
	}
	for _, role := range Roles() {
		for other := role + 1; other <= ReleaseManager; other++ {
			if (role != Builder || other != Rebuilder) && rapid.IntRange(0, 2).Draw(t, "combine") == 0 {
				p.Combine = append(p.Combine, Pair{other, role})
			}
		}
	}
	if rapid.IntRange(0, 3).Draw(t, "revoke") == 0 {
		p.Revocations = []Revocation{{keyOf("p0"), []digest.SHA256{digestOf("kept")}}}
	}
	return p
}

func drawSome(t *rapid.T, of []string, least int) []string {
	var some []string
	for _, name := range of {
		if rapid.Bool().Draw(t, name) {
			some = append(some, name)
		}
	}
	if len(some) < least {
		some = []string{rapid.SampledFrom(of).Draw(t, "one")}
	}
	return some
}

// drawSigned draws most of what the parties could sign, and some of what they
// had better not.
func drawSigned(t *rapid.T, p *Policy) []Signed {
	var signed []Signed
	names := []string{"mallory", "p0's card"}
	for _, party := range p.Parties {
		names = append(names, party.Name)
		for _, act := range []Act{SignTag, Build, Review, Release} {
			if rapid.IntRange(0, 7).Draw(t, "signs") > 0 {
				signed = append(signed, Signed{Key: keyOf(party.Name), Act: act, Relation: Agrees, Digest: digestOf("kept")})
			}
		}
	}
	noise := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Signed {
		return Signed{
			Key: keyOf(rapid.SampledFrom(names).Draw(t, "key")), Act: rapid.SampledFrom([]Act{SignTag, Build, Review, Release, SignPolicy}).Draw(t, "act"),
			Relation: rapid.SampledFrom([]Relation{Agrees, Agrees, Unrelated}).Draw(t, "relation"),
			Digest:   digestOf(rapid.SampledFrom([]string{"kept", "other"}).Draw(t, "digest")),
		}
	}), 0, 4).Draw(t, "noise")
	return append(signed, noise...)
}

// oracle says whether the quorums can be met, by trying every way in which
// parties may count. It shares nothing with the judge but the policy.
type oracle struct {
	p    *Policy
	acts map[string]map[Act]bool // what each party has signed that counts
}

func consult(p *Policy, signed []Signed) *oracle {
	o := &oracle{p, map[string]map[Act]bool{}}
	for _, s := range signed {
		for _, party := range p.Parties {
			dead := len(p.Revocations) > 0 && s.Key == p.Revocations[0].Key && s.Digest != digestOf("kept")
			if slices.Contains(party.Keys(), s.Key) && s.Relation == Agrees && !dead {
				if o.acts[party.Name] == nil {
					o.acts[party.Name] = map[Act]bool{}
				}
				o.acts[party.Name][s.Act] = true
			}
		}
	}
	return o
}

func (o *oracle) could(name string, r Requirement) bool {
	a := o.acts[name]
	if r.Waived || !slices.Contains(r.Of, name) {
		return false
	}
	return map[Role]bool{Source: a[SignTag], Builder: a[Build], Rebuilder: a[Build], Reviewer: a[Review], ReleaseManager: a[Release] && a[Build]}[r.Role]
}

// met tries all ways from the party i on; chosen are the names in each role.
func (o *oracle) met(i int, chosen map[Role][]string) bool {
	if i == len(o.p.Parties) {
		return o.enough(chosen)
	}
	name := o.p.Parties[i].Name
	for set := range 32 {
		next := map[Role][]string{}
		fits := true
		for _, r := range o.p.Requirements {
			next[r.Role] = slices.Clone(chosen[r.Role])
			if set>>(r.Role-1)&1 == 0 {
				continue
			}
			fits = fits && o.could(name, r)
			next[r.Role] = append(next[r.Role], name)
			for _, q := range o.p.Requirements {
				both := set>>(q.Role-1)&1 == 1 && q.Role != r.Role
				allowed := slices.Contains(o.p.Combine, Pair{q.Role, r.Role}) || slices.Contains(o.p.Combine, Pair{r.Role, q.Role})
				fits = fits && (!both || allowed)
			}
		}
		if fits && o.met(i+1, next) {
			return true
		}
	}
	return false
}

func (o *oracle) enough(chosen map[Role][]string) bool {
	var union []string
	var roles []Role
	for _, r := range o.p.Requirements {
		if r.Waived {
			continue
		}
		if len(chosen[r.Role]) != r.Need {
			return false
		}
		if r.Need > 1 && o.oneHand(chosen[r.Role]) {
			return false
		}
		if r.Role == Builder || r.Role == Rebuilder || r.Role == ReleaseManager {
			union, roles = append(union, chosen[r.Role]...), append(roles, r.Role)
		}
	}
	for _, r := range roles {
		for _, q := range roles {
			if r != q && !slices.Contains(o.p.Combine, Pair{q, r}) && !slices.Contains(o.p.Combine, Pair{r, q}) {
				return !o.oneHand(union)
			}
		}
	}
	return true
}

// oneHand is the definition of docs/spec/policy.md.
func (o *oracle) oneHand(names []string) bool {
	for _, head := range o.p.Parties {
		within, holdsHead := true, false
		for _, name := range names {
			operates := slices.Contains(o.p.Party(name).Operators, head.Name)
			operated := slices.Contains(head.Operators, name)
			within = within && (name == head.Name || operates || operated)
			holdsHead = holdsHead || name == head.Name
		}
		if within && (head.Kind == Person || holdsHead) {
			return true
		}
	}
	return false
}

// The judge finds a way to count exactly if there is one, and what it says adds up.
func TestMatchingAgainstOracle(t *testing.T) {
	met, unmet, hands := 0, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPolicy(rt)
		signed := drawSigned(rt, p)
		j := judge(p, p.Terms("1"), signed, facts())
		want := consult(p, signed).met(0, map[Role][]string{})
		if j.Met() != want {
			rt.Fatalf("met is %v, the oracle says %v: %+v", j.Met(), want, j)
		}
		checkAccounts(t, "drawn", p, j)
		switch {
		case want:
			met++
		case rules(j) == "POL_OPERATOR":
			hands++
		default:
			unmet++
		}
	})
	t.Logf("%d met, %d not, %d in one hand", met, unmet, hands)
	if met == 0 || unmet == 0 {
		t.Error("the policies drawn decide nothing")
	}
}

// Whoever signs more that agrees does no harm; the order makes no difference.
func TestMoreSignaturesDoNoHarm(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPolicy(rt)
		signed := drawSigned(rt, p)
		j := judge(p, p.Terms("1"), signed, facts())
		more := append(slices.Clone(signed), drawSigned(rt, p)...)
		if j.Met() && !judge(p, p.Terms("1"), more, facts()).Met() {
			rt.Fatal("more signatures make it unmet")
		}
		shuffled := rapid.Permutation(signed).Draw(rt, "order")
		if judge(p, p.Terms("1"), shuffled, facts()).Met() != j.Met() {
			rt.Fatal("the order decides")
		}
	})
}
