package coalition

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/policy"
	"github.com/countermark/countermark/internal/publickey"
	"github.com/countermark/countermark/internal/signature"
)

func party(name string, kind policy.Kind, place ...string) policy.Party {
	seed := sha256.Sum256([]byte(name))
	k, err := publickey.NewEd25519(ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey))
	if err != nil {
		panic(err)
	}
	p := policy.Party{Name: name, Kind: kind, Holders: []signature.Holder{{Form: signature.SSH, Fingerprint: name, Keys: []publickey.Key{k}}}}
	if len(place) > 1 {
		p.Domain, p.Toolchain, p.Operators = place[0], place[1], place[2:]
		if len(p.Operators) == 0 {
			p.Operators = nil
		}
	}
	return p
}

func require(r policy.Role, need int, of ...string) policy.Requirement {
	if need == 0 {
		return policy.Requirement{Role: r, Waived: true}
	}
	return policy.Requirement{Role: r, Quorum: policy.Quorum{Need: need, Of: of}}
}

// sample is a policy of source, builder, rebuilder and release manager.
func sample() *policy.Policy {
	return &policy.Policy{
		Version: 1, Project: "p", Recipes: []digest.SHA256{{1}}, Owners: policy.Quorum{Need: 2, Of: []string{"saki", "ben", "ada"}},
		Parties: []policy.Party{
			party("saki", policy.Person, "home", "guix"), party("ben", policy.Person, "home2", "guix"), party("ada", policy.Person),
			party("ci", policy.Machine, "forge", "debian", "ada"), party("nightjar", policy.Machine, "university", "debian"),
		},
		Requirements: []policy.Requirement{
			require(policy.Source, 1, "saki", "ben"), require(policy.Builder, 1, "ci"), require(policy.Rebuilder, 1, "nightjar"),
			require(policy.Reviewer, 0), require(policy.ReleaseManager, 1, "saki", "ben"),
		},
	}
}

func terms(p *policy.Policy) policy.Terms { return p.AllTerms()[0] }

// answers returns the answers as "2: ci with saki; ..." by their question.
func answers(t *testing.T, p *policy.Policy) map[Question]string {
	t.Helper()
	if problems := p.Check(); problems != nil {
		t.Fatalf("the policy is at fault: %+v", problems)
	}
	r := Analyse(p, terms(p))
	all := map[Question]string{}
	for _, a := range r.Answers {
		all[a.Question] = fmt.Sprintf("%d: %s", a.Size(), listed(a.Coalitions, "; "))
	}
	return all
}

func TestAnalyse(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*policy.Policy)
		want   map[Question]string
	}{
		{"the sample", func(*policy.Policy) {}, map[Question]string{
			Tamper: "2: saki with whoever makes the toolchain debian; ben with whoever makes the toolchain debian; " +
				"whoever makes the toolchain debian with whoever makes the toolchain guix; " +
				"whoever hosts home with whoever makes the toolchain debian; whoever hosts home2 with whoever makes the toolchain debian",
			Substitute: "1: saki; ben", Rewrite: "2: ada with ben; ada with saki; ben with saki", Withdraw: "1: saki; ben",
			Block:       "1: saki; ben; the machine ci; the machine nightjar; whoever hosts forge; whoever hosts university; whoever makes the toolchain debian; whoever makes the toolchain guix",
			BlockPolicy: "2: ada with ben; ada with saki; ben with saki",
		}},
		{"the git host, where nobody signs the source", func(p *policy.Policy) { p.Requirements[0] = require(policy.Source, 0) }, map[Question]string{
			Substitute: "1: the git host", Block: "1: the machine ci; the machine nightjar; whoever hosts forge; whoever hosts university; whoever makes the toolchain debian; whoever makes the toolchain guix",
		}},
		{"two who sign the source", func(p *policy.Policy) { p.Requirements[0] = require(policy.Source, 2, "saki", "ada") }, map[Question]string{Substitute: "2: ada with saki"}},
		{"one owner", func(p *policy.Policy) { p.Owners.Need = 1 }, map[Question]string{Rewrite: "1: saki; ben; ada", BlockPolicy: "3: ada with ben with saki"}},
		{"the release manager alone", func(p *policy.Policy) {
			p.Requirements[1], p.Requirements[2] = require(policy.Builder, 0), require(policy.Rebuilder, 0)
		}, map[Question]string{Tamper: "1: saki; ben; whoever hosts home; whoever hosts home2; whoever makes the toolchain guix"}},
		{"a release manager who operates the builder", func(p *policy.Policy) {
			p.Parties[3].Operators = []string{"saki"}
			p.Requirements[2] = require(policy.Rebuilder, 0)
			p.Requirements[0] = require(policy.Source, 1, "ada")
		}, map[Question]string{Tamper: "2: ben with saki; saki with whoever hosts home2; saki with whoever makes the toolchain guix; ben with the machine ci; ben with whoever hosts forge; ben with whoever makes the toolchain debian; " +
			"the machine ci with whoever hosts home2; the machine ci with whoever makes the toolchain guix; whoever hosts forge with whoever hosts home2; " +
			"whoever hosts forge with whoever makes the toolchain guix; whoever hosts home2 with whoever makes the toolchain debian; whoever makes the toolchain debian with whoever makes the toolchain guix"}},
		{"one toolchain for all", func(p *policy.Policy) {
			p.Parties[0].Toolchain, p.Parties[1].Toolchain = "debian", "debian"
		}, map[Question]string{Tamper: "1: whoever makes the toolchain debian"}},
		{"one toolchain, and it is not said", func(p *policy.Policy) {
			p.Parties[0].Toolchain, p.Parties[1].Toolchain = "", ""
		}, map[Question]string{Tamper: "1: whoever makes the toolchain debian"}},
		{"two origins asked for", func(p *policy.Policy) {
			p.Parties[0].Toolchain, p.Parties[1].Toolchain = "debian", "debian"
			p.Parties = append(p.Parties, party("heron", policy.Machine, "home", "guix"))
			p.Requirements[2].Of = []string{"nightjar", "heron"}
			p.Conditions.ToolchainOrigins = 2
		}, map[Question]string{Tamper: "2: ada with whoever hosts home; the machine ci with whoever hosts home; whoever hosts forge with whoever hosts home; the machine heron with whoever makes the toolchain debian; whoever hosts home with whoever makes the toolchain debian; " +
			"whoever makes the toolchain debian with whoever makes the toolchain guix"}},
		{"what was not reproduced is reviewed", func(p *policy.Policy) {
			p.Conditions.Unreproduced = true
			p.Requirements[3] = require(policy.Reviewer, 1, "ada")
			p.Parties[3].Operators = nil
		}, map[Question]string{Tamper: "2: saki with whoever makes the toolchain debian; ben with whoever makes the toolchain debian; " +
			"ada with the machine ci; ada with whoever hosts forge; ada with whoever makes the toolchain debian; " +
			"whoever hosts home with whoever makes the toolchain debian; whoever hosts home2 with whoever makes the toolchain debian; " +
			"whoever makes the toolchain debian with whoever makes the toolchain guix"}},
		{"a reviewer who operates the builder", func(p *policy.Policy) {
			p.Conditions.Unreproduced = true
			p.Requirements[3] = require(policy.Reviewer, 1, "ada")
		}, map[Question]string{Tamper: "1: ada"}},
	} {
		p := sample()
		c.change(p)
		got := answers(t, p)
		for q, want := range c.want {
			if sorted(got[q]) != sorted(want) {
				t.Errorf("%s: who can %s?\n got %s\nwant %s", c.name, q, got[q], want)
			}
		}
	}
}

func sorted(s string) string {
	size, list, _ := strings.Cut(s, ": ")
	all := strings.Split(list, "; ")
	slices.Sort(all)
	return size + ": " + strings.Join(all, "; ")
}

func TestWords(t *testing.T) {
	p := sample()
	p.Owners.Need = 1
	p.Parties[0].Toolchain = ""
	r := Analyse(p, terms(p))
	text := strings.Join(r.Text(), "\n")
	for _, want := range []string{
		"Versions that no exception names:", "THIS POLICY CAN BE DEFEATED BY ONE ALONE: ada, ben, saki, whoever", "ONE ALONE can replace the policy: ada; ben; saki.",
		"It takes 3 to keep the policy from being changed by being absent", "ONE ALONE can keep anything from being released by being absent", "saki: it is not said with which toolchain", "No mirror",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the words lack %q:\n%s", want, text)
		}
	}
	for a, want := range map[*Answer]string{
		{Question: Tamper, All: true}: "Nobody here can release something else than the source makes, not even all of them together.",
		{Question: Tamper, Tried: 3}:  "It takes more than 3 to release something else than the source makes; larger coalitions were not tried.",
	} {
		if a.Text() != want {
			t.Errorf("got %q, want %q", a.Text(), want)
		}
	}
	many := make([][]Actor, MaxListed+5)
	if got := listed(many, ";"); !strings.HasSuffix(got, "and 5 more") {
		t.Errorf("got %q", got)
	}
	seen := map[string]bool{}
	for q := range BlockPolicy + 1 {
		seen[q.String()] = true
	}
	for k := range Mirror + 1 {
		seen[Actor{k, "x"}.String()] = true
	}
	if len(seen) != int(BlockPolicy)+int(Mirror)+2 {
		t.Errorf("two questions or actors have one name: %v", seen)
	}
}

// Whoever may do something alone may do it with others, too; and whatever an
// answer names does it, while none of its parts does.
func TestAnswersAreSmallest(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := draw(rt)
		if p.Check() != nil {
			rt.Skip()
		}
		w := newWorld(p, terms(p))
		for _, q := range Questions() {
			a := w.answer(q)
			actors := w.actors(q)
			if a.Coalitions != nil {
				c := rapid.SampledFrom(a.Coalitions).Draw(rt, "coalition")
				for i := range c {
					if w.succeeds(q, slices.Concat(c[:i:i], c[i+1:])) {
						rt.Fatalf("%v: a part of %v will do", q, c)
					}
				}
				more := append(slices.Clone(c), rapid.SampledFrom(actors).Draw(rt, "more"))
				if !w.succeeds(q, more) {
					rt.Fatalf("%v: %v do, and %v do not", q, c, more)
				}
			}
		}
	})
}

func draw(t *rapid.T) *policy.Policy {
	p := sample()
	p.Parties = append(p.Parties, party("heron", policy.Machine, "forge", "guix", "ben"))
	all := []string{"saki", "ben", "ada", "ci", "nightjar", "heron"}
	for i, r := range p.Requirements {
		of := rapid.Permutation(map[bool][]string{true: all[:3], false: all}[r.Role.ByPeople()]).Draw(t, "of")
		of = of[:rapid.IntRange(1, 3).Draw(t, "listed")]
		p.Requirements[i] = require(r.Role, rapid.IntRange(0, len(of)).Draw(t, "need"), of...)
	}
	if p.Requirements[4].Waived {
		p.Requirements[4] = require(policy.ReleaseManager, 1, "saki")
	}
	p.Conditions.Unreproduced = !p.Requirements[3].Waived && rapid.Bool().Draw(t, "reviews")
	p.Conditions.HostingDomains = rapid.IntRange(0, 2).Draw(t, "domains")
	if rapid.Bool().Draw(t, "combine") {
		p.Combine = []policy.Pair{{policy.Source, policy.ReleaseManager}, {policy.Reviewer, policy.ReleaseManager}, {policy.Source, policy.Reviewer}}
	}
	return p
}

func TestLimits(t *testing.T) {
	p := sample()
	p.Parties, p.Requirements[4].Of, p.Owners.Of = p.Parties[3:], nil, nil
	for i := range 60 {
		name := fmt.Sprintf("p%d", i)
		p.Parties = append(p.Parties, party(name, policy.Person, name, "debian"))
		p.Requirements[4].Of, p.Owners.Of = append(p.Requirements[4].Of, name), append(p.Owners.Of, name)
	}
	p.Parties[0].Operators = nil
	p.Requirements[4].Need, p.Owners.Need = 5, 5
	p.Requirements[0].Of = p.Requirements[4].Of
	if problems := p.Check(); problems != nil {
		t.Fatal(problems)
	}
	a := newWorld(p, terms(p)).answer(Rewrite)
	if a.Size() != 0 || a.All || a.Tried != 2 {
		t.Errorf("got %+v", a)
	}
	if got := choices(60, 3); got != MaxJudgements+1 {
		t.Errorf("60 over 3 is %d", got)
	}
	if got := choices(5, 2); got != 10 {
		t.Errorf("5 over 2 is %d", got)
	}
}
