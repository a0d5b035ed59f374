package policy

import (
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/policy/version"
	"github.com/countermark/countermark/internal/publickey"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature"
)

// rsaKey returns the material of an RSA key of so many bits, which nobody has.
func rsaKey(bits uint) publickey.Key {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	k, err := publickey.NewRSA(n.Add(n, big.NewInt(1)), 65537)
	if err != nil {
		panic(err)
	}
	return k
}

// Each case is one fault of a policy that was not read from a file; what files
// can hold is held to the line by package policyfile.
func TestCheck(t *testing.T) {
	rc, _ := version.ParsePattern("*RC*")
	many := func(n int) []digest.SHA256 {
		var all []digest.SHA256
		for i := range n {
			all = append(all, digestOf(fmt.Sprint(i)))
		}
		return all
	}
	holding := func(k publickey.Key) []signature.Holder {
		return []signature.Holder{{Form: signature.SSH, Fingerprint: "x", Keys: []publickey.Key{k}}}
	}
	for _, c := range []struct {
		name   string
		change func(*Policy)
		says   string
	}{
		{"the zero value", func(p *Policy) { *p = Policy{} }, "the version of the policy is 0"},
		{"a version beyond the limit", func(p *Policy) { p.Version = MaxVersion + 1 }, "the version of the policy is"},
		{"too many parties", func(p *Policy) {
			for i := range MaxParties {
				p.Parties = append(p.Parties, person(fmt.Sprintf("x%d", i)))
			}
		}, "parties, expected 1 to 64"},
		{"neither person nor machine", func(p *Policy) { p.Parties[2].Kind = 0 }, "neither a person nor a machine"},
		{"a person with operators", func(p *Policy) { p.Parties[2].Operators = []string{"ben"} }, "a person has operators"},
		{"a list of no operators", func(p *Policy) { p.Parties[3].Operators = []string{} }, "list of operators is empty"},
		{"no keys", func(p *Policy) { p.Parties[2].Holders = nil }, "has 0 keys"},
		{"a holder without a key", func(p *Policy) { p.Parties[2].Holders[0].Keys = nil }, "no key here"},
		{"the key that is none", func(p *Policy) { p.Parties[2].Holders = holding(publickey.Key{}) }, "too weak"},
		{"a weak key", func(p *Policy) { p.Parties[2].Holders = holding(rsaKey(2047)) }, "too weak (RSA 2047)"},
		{"a key that is too short for this policy", func(p *Policy) { p.Parties[2].Holders, p.Conditions.RSABits = holding(rsaKey(2048)), 2049 }, "the policy asks for 2049"},
		{"a key of two, in one holder of several", func(p *Policy) { p.Parties[2].Holders = []signature.Holder{holder(signature.OpenPGP, "ada", "ben")} }, "is both"},
		{"roles in another order", func(p *Policy) { p.Requirements[0], p.Requirements[1] = p.Requirements[1], p.Requirements[0] }, "in order"},
		{"a waived role with a quorum", func(p *Policy) { p.Requirements[1].Waived = true }, "is waived, and has a quorum"},
		{"too many for one release", func(p *Policy) {
			for i := range 20 {
				p.Parties = append(p.Parties, person(fmt.Sprintf("x%d", i)))
				p.Requirements[4].Of, p.Requirements[2].Of = append(p.Requirements[4].Of, fmt.Sprintf("x%d", i)), append(p.Requirements[2].Of, fmt.Sprintf("x%d", i))
			}
			p.Requirements[4].Need, p.Requirements[2].Need = 9, 9
		}, "20 parties are needed"},
		{"an exception of no version", func(p *Policy) { p.Exceptions = []Exception{{nil, []Requirement{{Role: Rebuilder, Waived: true}}}} }, "0 version patterns"},
		{"an empty pattern", func(p *Policy) {
			p.Exceptions = []Exception{{[]Pattern{{}}, []Requirement{{Role: Rebuilder, Waived: true}}}}
		}, "or empty"},
		{"a role twice in an exception", func(p *Policy) {
			p.Exceptions = []Exception{{[]Pattern{rc}, []Requirement{{Role: Rebuilder, Waived: true}, {Role: Rebuilder, Waived: true}}}}
		}, "each there once"},
		{"an owner in an exception", func(p *Policy) {
			p.Exceptions = []Exception{{[]Pattern{rc}, []Requirement{{Role: Owner, Quorum: quorum(1, "saki")}}}}
		}, "each there once"},
		{"too many exceptions", func(p *Policy) { p.Exceptions = make([]Exception, MaxCases+1) }, "65 exceptions"},
		{"a combination with owners", func(p *Policy) { p.Combine = []Pair{{Owner, Source}} }, "cannot be combined"},
		{"a combination with nothing", func(p *Policy) { p.Combine = []Pair{{0, Source}} }, "cannot be combined"},
		{"a negative condition", func(p *Policy) { p.Conditions.HostingDomains = -1 }, "hosting-domains is -1"},
		{"too many recipes", func(p *Policy) { p.Recipes = many(MaxEntries + 1) }, "4097 entries"},
		{"the zero digest", func(p *Policy) { p.Recipes = []digest.SHA256{{}} }, "the digest is zero"},
		{"a revoked key of nobody", func(p *Policy) { p.Revocations = []Revocation{{Key: keyOf("mallory")}} }, "no key of the policy's"},
		{"all keys of one who is needed revoked", func(p *Policy) { p.Revocations = []Revocation{{Key: keyOf("ci")}} }, "only 0 are listed that have a key which is not revoked"},
		{"a release kept twice", func(p *Policy) { p.Kept = []Kept{{digest.SHA256{1}, 1}, {digest.SHA256{1}, 2}} }, "is kept twice"},
		{"too much that is kept", func(p *Policy) {
			for _, d := range many(MaxEntries + 1) {
				p.Kept = append(p.Kept, Kept{d, 1})
			}
		}, "4097 entries"},
	} {
		p := sample()
		c.change(p)
		problems := p.Check()
		if !slices.ContainsFunc(problems, func(problem Problem) bool { return strings.Contains(problem.Text, c.says) }) {
			t.Errorf("%s: got %+v, want %q", c.name, problems, c.says)
		}
		for _, problem := range problems {
			reuse := strings.Contains(problem.Text, "is both")
			if problem.Hint == "" || len(problem.At) == 0 || (problem.Rule == refusal.PolKeyReuse) != reuse {
				t.Errorf("%s: got %+v", c.name, problem)
			}
		}
		if Judge(p, "1", acts(whole), facts()).Met() {
			t.Errorf("%s: something is met", c.name)
		}
	}
}

// Of two builds of one party the one that agrees counts, whichever came first.
func TestBetterBuild(t *testing.T) {
	p := sample()
	p.Conditions.Unreproduced = true
	p.Requirements[3] = Requirement{Role: Reviewer, Quorum: quorum(1, "ada")}
	for _, builds := range []string{"ci:build ci:build~f", "ci:build~f ci:build"} {
		if j := Judge(p, "1", acts("saki:tag nightjar:build ben:build ben:release ada:review=f "+builds), facts()); !j.Met() {
			t.Errorf("%s: %+v", builds, j.Failures)
		}
	}
}
