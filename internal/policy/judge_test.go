package policy

import (
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/policy/role"
	"github.com/countermark/countermark/internal/policy/version"
	"github.com/countermark/countermark/internal/publickey"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature"
)

// Each case is the sample, or a change of it, and signatures; what is not met
// is not met by exactly the rules named.
func TestJudge(t *testing.T) {
	combine := func(p *Policy) { p.Combine = []Pair{{Source, ReleaseManager}} }
	review := func(p *Policy) {
		p.Conditions.Unreproduced = true
		p.Requirements[3] = Requirement{Role: Reviewer, Quorum: quorum(1, "ada", "saki")}
	}
	for _, c := range []struct {
		name   string
		change func(*Policy)
		signed string
		want   string
	}{
		{"everything", nil, whole, ""},
		{"nothing", nil, "", "POL_QUORUM POL_QUORUM POL_QUORUM POL_QUORUM"},
		{"the other way round", nil, "ben:tag ci:build nightjar:build saki:build saki:release", ""},
		{"no tag", nil, strings.ReplaceAll(whole, "saki:tag", ""), "POL_QUORUM"},
		{"no rebuild", nil, strings.ReplaceAll(whole, "nightjar:build", ""), "POL_QUORUM"},
		{"no build", nil, strings.ReplaceAll(whole, "ci:build", ""), "POL_QUORUM"},
		{"release without an own build", nil, strings.ReplaceAll(whole, "ben:build", ""), "POL_QUORUM"},
		{"release without an own build that agrees", nil, strings.ReplaceAll(whole, "ben:build", "ben:build?"), "POL_QUORUM"},
		{"release without an own build, another's there", nil, strings.ReplaceAll(whole, "ben:build", "saki:build"), "POL_QUORUM"},
		{"own build and no release", nil, strings.ReplaceAll(whole, "ben:release", ""), "POL_QUORUM"},
		{"one person in two roles", nil, "saki:tag ci:build nightjar:build saki:build saki:release", "POL_QUORUM"},
		{"one person in two roles by two keys", nil, "saki:tag ci:build nightjar:build saki:build saki's_card:release", "POL_QUORUM"},
		{"own build by the other key", nil, "ben:tag ci:build nightjar:build saki:build saki's_card:release", ""},
		{"one person in two roles that may be combined", combine, "saki:tag ci:build nightjar:build saki:build saki:release", ""},
		{"a pair is not any pair", func(p *Policy) { p.Combine = []Pair{{Reviewer, ReleaseManager}} }, "saki:tag ci:build nightjar:build saki:build saki:release", "POL_QUORUM"},
		{"a stranger", nil, strings.ReplaceAll(whole, "nightjar:", "mallory:"), "POL_QUORUM"},
		{"a stranger beside", nil, whole + " mallory:build", ""},
		{"a listed party in another role", nil, strings.ReplaceAll(whole, "nightjar:", "ada:"), "POL_QUORUM"},
		{"the builder again", nil, strings.ReplaceAll(whole, "nightjar:build", "ci:build"), "POL_QUORUM"},
		{"a dissent", nil, whole + " heron:build#", "POL_MIXED"},
		{"a dissent of a stranger", nil, whole + " mallory:build#", ""},
		{"a dissent of somebody who is not listed", nil, whole + " ada:build#", ""},
		{"a dissent that is answered", nil, strings.ReplaceAll(whole, "ben:release", "ben:release!d") + " heron:build#@d", ""},
		{"another dissent is answered", nil, strings.ReplaceAll(whole, "ben:release", "ben:release!d") + " heron:build#@e", "POL_MIXED"},
		{"answered by somebody else", nil, whole + " heron:build#@d ada:release!d", "POL_MIXED"},
		{"answered in a release of something else", nil, whole + " heron:build#@d saki:release?!d", ""},
		{"another release of the same version", nil, whole + " saki:release#", "POL_MIXED"},
		{"a party that contradicts itself", nil, whole + " nightjar:build#", "POL_MIXED"},
		{"not reproduced, and nobody asks for reviews", nil, strings.ReplaceAll(whole, "nightjar:build", "nightjar:build~f"), "POL_MIXED POL_QUORUM"},
		{"not reproduced and not reviewed", review, strings.ReplaceAll(whole, "nightjar:build", "nightjar:build~f"), "POL_QUORUM"},
		{"not reproduced and reviewed", review, strings.ReplaceAll(whole, "nightjar:build", "nightjar:build~f") + " ada:review=f", ""},
		{"more was reviewed", review, strings.ReplaceAll(whole, "nightjar:build", "nightjar:build~f") + " ada:review=e,f,g", ""},
		{"another file was reviewed", review, strings.ReplaceAll(whole, "nightjar:build", "nightjar:build~f") + " ada:review=g", "POL_QUORUM"},
		{"one of two was reviewed", review, strings.ReplaceAll(whole, "nightjar:build", "nightjar:build~f,g") + " ada:review=f", "POL_QUORUM"},
		{"two reviews of one person, one file each", review, strings.ReplaceAll(whole, "nightjar:build", "nightjar:build~f,g") + " ada:review=f ada:review=g", "POL_QUORUM"},
		{"reviewed by whoever signed the tag", review, strings.ReplaceAll(whole, "nightjar:build", "nightjar:build~f") + " saki:review=f", "POL_QUORUM"},
		{"reviewed by whoever is not listed", review, strings.ReplaceAll(whole, "nightjar:build", "nightjar:build~f") + " ben:review=f", "POL_QUORUM"},
		{"all reproduced, reviews asked for", review, whole, ""},
		{"the builder did not reproduce what it made", review, strings.ReplaceAll(whole, "ci:build", "ci:build~f") + " ada:review=f", "POL_QUORUM"},
		{"the release manager did not reproduce", review, strings.ReplaceAll(whole, "ben:build", "ben:build~f") + " ada:review=f", ""},
		{"nobody says what was not reproduced", review, strings.ReplaceAll(whole, "nightjar:build", "nightjar:build~") + " ada:review=f", "POL_MIXED POL_QUORUM"},
		{"answered, so not to be reviewed", review, strings.ReplaceAll(whole, "ben:release", "ben:release!d") + " heron:build~f@d", ""},
		{"answered and reviewed", review, "saki:tag ci:build nightjar:build~f@d ben:build ben:release!d ada:review=f", ""},
		{"answered and not reviewed", review, "saki:tag ci:build nightjar:build~f@d ben:build ben:release!d", "POL_QUORUM"},
		{"answered, and reviewed by too few", func(p *Policy) {
			review(p)
			p.Parties = append(p.Parties, person("kim"), person("lee"))
			p.Requirements[3].Quorum = quorum(2, "ada", "kim", "lee")
		}, whole[:len(whole)-len("ben:release")] + "ben:release!d heron:build~f@d ada:review=f", ""},
		{"a file of another mode was reviewed", review, strings.ReplaceAll(whole, "nightjar:build", "nightjar:build~f") + " ada:review=x/f", "POL_QUORUM"},
		{"a machine and its operator build", func(p *Policy) { p.Requirements[1].Quorum = quorum(2, "ci", "ada", "heron") },
			"saki:tag ci:build ada:build nightjar:build ben:build ben:release", "POL_OPERATOR"},
		{"a machine and somebody else build", func(p *Policy) { p.Requirements[1].Quorum = quorum(2, "ci", "ada", "heron") },
			"saki:tag ci:build ada:build heron:build nightjar:build ben:build ben:release", ""},
		{"a machine, and its operator releases", func(p *Policy) {
			p.Requirements[2] = Requirement{Role: Rebuilder, Waived: true}
			p.Requirements[4].Quorum = quorum(1, "ada", "ben")
		}, "saki:tag ci:build ada:build ada:release", "POL_OPERATOR"},
		{"a machine, and somebody else releases", func(p *Policy) {
			p.Requirements[2] = Requirement{Role: Rebuilder, Waived: true}
			p.Requirements[4].Quorum = quorum(1, "ada", "ben")
		}, "saki:tag ci:build ada:build ada:release ben:build ben:release", ""},
		{"everything in one hand", func(p *Policy) {
			p.Parties[4].Operators = []string{"ada"}
			p.Requirements[4].Quorum = quorum(1, "ada", "ben")
		}, "saki:tag ci:build nightjar:build ada:build ada:release", "POL_OPERATOR"},
		{"everything in one hand but for one", func(p *Policy) {
			p.Parties[4].Operators = []string{"ada"}
			p.Requirements[4].Quorum = quorum(1, "ada", "ben")
		}, "saki:tag ci:build nightjar:build heron:build ada:build ada:release", ""},
		{"too few domains", func(p *Policy) { p.Conditions.HostingDomains = 2 }, "saki:tag ci:build heron:build ben:build ben:release", "POL_CONDITION"},
		{"enough domains", func(p *Policy) { p.Conditions.HostingDomains = 2 }, whole, ""},
		{"too few toolchains", func(p *Policy) { p.Conditions.ToolchainOrigins = 2 }, whole, "POL_CONDITION"},
		{"enough toolchains", func(p *Policy) { p.Conditions.ToolchainOrigins = 2 }, "saki:tag ci:build heron:build ben:build ben:release", ""},
		{"the dead do not stand anywhere", func(p *Policy) {
			p.Conditions.HostingDomains = 2
			p.Requirements[2].Quorum = quorum(1, "nightjar", "heron", "ada")
		}, "saki:tag ci:build heron:build nightjar:build? ben:build ben:release", "POL_CONDITION"},
		{"a revoked key", func(p *Policy) { p.Revocations = []Revocation{{Key: keyOf("saki")}} }, whole, "POL_QUORUM"},
		{"a revoked key, another statement stays", func(p *Policy) { p.Revocations = []Revocation{{keyOf("saki"), []digest.SHA256{digestOf("x")}}} }, whole, "POL_QUORUM"},
		{"a revoked key, the statement stays", func(p *Policy) { p.Revocations = []Revocation{{keyOf("saki"), []digest.SHA256{digestOf("saki:tag")}}} }, whole, ""},
		{"the other key of somebody with a revoked one", func(p *Policy) { p.Revocations = []Revocation{{Key: keyOf("saki")}} }, strings.ReplaceAll(whole, "saki:", "saki's_card:"), ""},
		{"a dissent by a revoked key", func(p *Policy) { p.Revocations = []Revocation{{Key: keyOf("saki")}} }, strings.ReplaceAll(whole, "saki:", "saki's_card:") + " saki:release#", ""},
	} {
		p := sample()
		if c.change != nil {
			c.change(p)
		}
		j := Judge(p, "1.0", acts(c.signed), facts())
		if got := rules(j); got != c.want || j.Met() != (c.want == "") {
			t.Errorf("%s: met %v by %q, want %q: %+v", c.name, j.Met(), got, c.want, j.Failures)
		}
		checkAccounts(t, c.name, p, j)
	}
}

// checkAccounts holds a judgement to its own sums: each signature has one fate,
// each listed party stands in one list of its role, and nobody in two roles.
func checkAccounts(t testing.TB, name string, p *Policy, j *Judgement) {
	t.Helper()
	roles := map[string]role.Set{}
	for _, tally := range j.Tallies {
		n := len(tally.Counted) + len(tally.Spare) + len(tally.Elsewhere) + len(tally.Absent)
		if n != len(tally.Of) || len(tally.Counted) > tally.Need {
			t.Errorf("%s: the tally %+v does not add up", name, tally)
		}
		for _, party := range tally.Counted {
			roles[party] |= role.SetOf(tally.Role)
		}
	}
	for party, set := range roles {
		if !p.combinable(set) {
			t.Errorf("%s: %s counts in the roles %b", name, party, set)
		}
	}
	for i, r := range j.Results {
		if r.Fate < Counted || r.Fate > Stranger || r.Text == "" || (r.Party == "") != (r.Fate == Stranger) {
			t.Errorf("%s: signature %d has the result %+v", name, i, r)
		}
		if r.Fate == Counted && !roles[r.Party].Has(r.Role) {
			t.Errorf("%s: signature %d counts as %s, which its party does not", name, i, r.Role)
		}
	}
}

// Two machines of one person rebuild: they are one.
func TestOneHand(t *testing.T) {
	p := sample()
	p.Parties[4].Operators, p.Parties[5].Operators = []string{"ada"}, []string{"ada", "ben"}
	p.Requirements[2].Quorum = quorum(2, "nightjar", "heron", "saki")
	signed := "ben:tag ci:build nightjar:build heron:build "
	p.Requirements[4].Quorum = quorum(1, "saki", "ben", "ada")
	for _, c := range []struct{ more, want string }{
		{"ada:build ada:release", "POL_OPERATOR"},
		{"saki:build saki:release", "POL_OPERATOR"}, // saki cannot both release and rebuild
		{"saki:build ada:build ada:release", ""},
	} {
		if j := Judge(p, "1", acts(signed+c.more), facts()); rules(j) != c.want {
			t.Errorf("%s: %q, want %q", c.more, rules(j), c.want)
		}
	}
}

func TestConditions(t *testing.T) {
	p := sample()
	p.Conditions.PortableNames = true
	for _, c := range []struct {
		facts Facts
		want  string
	}{
		{facts(), ""}, {Facts{Recipe: approved()}, "POL_CONDITION"}, {Facts{Recipe: approved(), PortableNames: Fails}, "POL_CONDITION"},
		{Facts{PortableNames: Holds}, "POL_CONDITION"}, {Facts{Recipe: digest.SHA256{1}, PortableNames: Holds}, "POL_CONDITION"},
	} {
		if j := Judge(p, "1", acts(whole), c.facts); rules(j) != c.want || len(j.Conditions) != 2 {
			t.Errorf("%+v: %q, want %q", c.facts, rules(j), c.want)
		}
	}
}

func TestExceptionsAreSaid(t *testing.T) {
	p := sample()
	rc, _ := version.ParsePattern("*RC*")
	p.Exceptions = []Exception{{[]Pattern{rc}, []Requirement{{Role: Rebuilder, Waived: true}}}}
	without := acts(strings.ReplaceAll(whole, "nightjar:build", ""))
	if j := Judge(p, "1.0RC1", without, facts()); !j.Met() || len(j.Exception) != 1 || !j.Tallies[2].Waived {
		t.Errorf("got %+v", j)
	}
	if j := Judge(p, "1.0", without, facts()); rules(j) != "POL_QUORUM" || j.Exception != nil {
		t.Errorf("got %+v", j)
	}
	p.Combine = []Pair{{Source, ReleaseManager}}
	if j := Judge(p, "1.0", acts(whole), facts()); len(j.Combine) != 1 {
		t.Error("that roles may be combined is not said")
	}
	if j := NewCourt(p).Judge(p.AllTerms()[1], without, facts()); !j.Met() || j.Version != "" {
		t.Errorf("got %+v", j)
	}
}

func TestPlainQuorums(t *testing.T) {
	p := sample()
	for _, c := range []struct{ signed, want string }{
		{"saki:policy ben:policy", ""}, {"saki:policy", "POL_QUORUM"}, {"saki:policy saki:policy", "POL_QUORUM"}, {"saki:policy saki's_card:policy", "POL_QUORUM"},
		{"saki:policy ben:policy ada:policy", ""}, {"saki:policy ci:policy", "POL_QUORUM"}, {"saki:policy mallory:policy", "POL_QUORUM"},
		{"saki:policy ben:policy?", "POL_QUORUM"}, {"saki:policy ben:release", "POL_QUORUM"}, {"saki:policy ben:withdraw", "POL_QUORUM"},
	} {
		if j := JudgePolicy(p, acts(c.signed)); rules(j) != c.want || j.Met() != (c.want == "") {
			t.Errorf("%s: %q, want %q", c.signed, rules(j), c.want)
		}
	}
	for _, c := range []struct{ signed, want string }{
		{"saki:withdraw", ""}, {"ada:withdraw", "POL_QUORUM"}, {"saki:release", "POL_QUORUM"}, {"", "POL_QUORUM"}, {"saki:withdraw#", "POL_QUORUM"},
	} {
		if j := JudgeWithdrawal(p, acts(c.signed)); rules(j) != c.want {
			t.Errorf("%s: %q, want %q", c.signed, rules(j), c.want)
		}
	}
	p.Withdrawers = quorum(1, "ada")
	if !JudgeWithdrawal(p, acts("ada:withdraw")).Met() || JudgeWithdrawal(p, acts("saki:withdraw")).Met() {
		t.Error("the quorum of those who withdraw is not their own")
	}
	if JudgePolicy(&Policy{}, acts("saki:policy")).Met() || JudgeWithdrawal(&Policy{}, acts("saki:withdraw")).Met() || Judge(&Policy{}, "1", acts(whole), facts()).Met() {
		t.Error("the zero value accepts something")
	}
}

// A policy that is at fault accepts nothing, and says what the fault is.
func TestUnsoundPolicies(t *testing.T) {
	p := sample()
	p.Requirements[2].Need = 0
	for _, j := range []*Judgement{Judge(p, "1", acts(whole), facts()), NewCourt(p).Judge(p.AllTerms()[0], acts(whole), facts()), JudgePolicy(p, acts("saki:policy ben:policy"))} {
		if j.Met() || j.Failures[0].Rule != refusal.PolInvalid || !strings.Contains(j.Failures[0].Text, "0 are needed as rebuilder") {
			t.Errorf("got %+v", j.Failures)
		}
	}
}

// The same raw key in another format is the same person.
func TestOneKeyInTwoFormats(t *testing.T) {
	p := sample()
	p.Parties[0].Holders = append(p.Parties[0].Holders, holder(signature.OpenPGP, "saki"))
	if problems := p.Check(); problems != nil {
		t.Fatal(problems)
	}
	if n := len(p.Parties[0].Keys()); n != 2 {
		t.Errorf("saki has %d keys", n)
	}
	if j := Judge(p, "1", acts("saki:tag ci:build nightjar:build saki:build saki:release"), facts()); rules(j) != "POL_QUORUM" {
		t.Errorf("got %q", rules(j))
	}
	if len(p.Holders()) != 7 {
		t.Errorf("%d holders", len(p.Holders()))
	}
	if Judge(p, "1", []Signed{{Act: SignTag, Relation: Agrees, Key: publickey.Key{}}}, facts()).Results[0].Fate != Stranger {
		t.Error("no key is somebody's")
	}
}
