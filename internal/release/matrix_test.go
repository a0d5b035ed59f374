package release_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/countermark/countermark/internal/coalition"
	"github.com/countermark/countermark/internal/policy"
	"github.com/countermark/countermark/internal/release"
	"github.com/countermark/countermark/internal/testkit"
)

func someone(name string, kind policy.Kind, place ...string) policy.Party {
	p := policy.Party{Name: name, Kind: kind}
	if len(place) > 1 {
		p.Domain, p.Toolchain = place[0], place[1]
	}
	if len(place) > 2 {
		p.Operators = place[2:]
	}
	return p
}

func needs(r policy.Role, need int, of ...string) policy.Requirement {
	if need == 0 {
		return policy.Requirement{Role: r, Waived: true}
	}
	return policy.Requirement{Role: r, Quorum: policy.Quorum{Need: need, Of: of}}
}

// common is a policy of source, builder, rebuilder and release manager.
func common() *policy.Policy {
	return &policy.Policy{
		Owners: policy.Quorum{Need: 2, Of: []string{"saki", "ben", "ada"}},
		Parties: []policy.Party{
			someone("saki", policy.Person, "home", "guix"), someone("ben", policy.Person, "office", "nix"), someone("ada", policy.Person),
			someone("ci", policy.Machine, "forge", "debian", "ada"), someone("nightjar", policy.Machine, "university", "fedora"), someone("heron", policy.Machine, "forge", "guix"),
		},
		Requirements: []policy.Requirement{
			needs(policy.Source, 1, "saki", "ben"), needs(policy.Builder, 1, "ci"), needs(policy.Rebuilder, 1, "nightjar"),
			needs(policy.Reviewer, 0), needs(policy.ReleaseManager, 1, "saki", "ben"),
		},
	}
}

// policies are those for which the matrix is made.
func policies() map[string]func(*policy.Policy) {
	return map[string]func(*policy.Policy){
		"source, builder, rebuilder, release manager": func(*policy.Policy) {},
		"two of two rebuilders":                       func(p *policy.Policy) { p.Requirements[2] = needs(policy.Rebuilder, 2, "nightjar", "heron") },
		"one of two rebuilders":                       func(p *policy.Policy) { p.Requirements[2] = needs(policy.Rebuilder, 1, "nightjar", "heron") },
		"two of three release managers":               func(p *policy.Policy) { p.Requirements[4] = needs(policy.ReleaseManager, 2, "saki", "ben", "ada") },
		"a release manager who operates the builder": func(p *policy.Policy) {
			p.Requirements[4] = needs(policy.ReleaseManager, 1, "ada", "ben")
			p.Parties[2].Domain, p.Parties[2].Toolchain = "cafe", "nix"
		},
		"one toolchain for all": func(p *policy.Policy) {
			for i := range p.Parties {
				p.Parties[i].Toolchain = "debian"
			}
		},
		"one toolchain for all machines": func(p *policy.Policy) { p.Parties[4].Toolchain, p.Parties[5].Toolchain = "debian", "debian" },
		"three hosting domains":          func(p *policy.Policy) { p.Conditions.HostingDomains = 3 },
		"two toolchain origins": func(p *policy.Policy) {
			p.Parties[0].Toolchain, p.Parties[1].Toolchain = "debian", "debian"
			p.Conditions.ToolchainOrigins = 2
		},
		"nobody signs the source": func(p *policy.Policy) { p.Requirements[0] = needs(policy.Source, 0) },
		"one owner":               func(p *policy.Policy) { p.Owners.Need = 1 },
		"the release manager alone": func(p *policy.Policy) {
			p.Requirements[1], p.Requirements[2] = needs(policy.Builder, 0), needs(policy.Rebuilder, 0)
		},
		"reviews of what was not reproduced": func(p *policy.Policy) {
			p.Conditions.Unreproduced = true
			p.Requirements[3] = needs(policy.Reviewer, 1, "ada")
		},
		"reviews by nobody's operator": func(p *policy.Policy) {
			p.Conditions.Unreproduced = true
			p.Parties[3].Operators = nil
			p.Requirements[3] = needs(policy.Reviewer, 1, "ada")
		},
		"reviews of everything": func(p *policy.Policy) { p.Requirements[3] = needs(policy.Reviewer, 1, "ada") },
		"one person in two roles": func(p *policy.Policy) {
			p.Combine = []policy.Pair{{policy.Source, policy.ReleaseManager}}
			p.Requirements[0], p.Requirements[4] = needs(policy.Source, 1, "saki"), needs(policy.ReleaseManager, 1, "saki")
		},
	}
}

// drawn changes a policy at random.
func drawn(seed uint64) func(*policy.Policy) {
	return func(p *policy.Policy) {
		r := rand.New(rand.NewPCG(seed, 1))
		pick := func(most int, from ...string) (int, []string) {
			r.Shuffle(len(from), func(i, j int) { from[i], from[j] = from[j], from[i] })
			from = from[:1+r.IntN(len(from))]
			return min(r.IntN(most+1), len(from)), from
		}
		people, all := []string{"saki", "ben", "ada"}, []string{"saki", "ben", "ada", "ci", "nightjar", "heron"}
		for i, role := range policy.Roles() {
			most, from := 2, slices.Clone(all)
			if role.ByPeople() {
				from = slices.Clone(people)
			}
			if role == policy.Source {
				most = 1 // a tag carries one signature
			}
			need, of := pick(most, from...)
			if role == policy.ReleaseManager {
				need = max(need, 1)
			}
			p.Requirements[i] = needs(role, need, of...)
		}
		p.Conditions.Unreproduced = !p.Requirements[3].Waived && r.IntN(2) == 0
		p.Conditions.HostingDomains = r.IntN(3)
		p.Owners.Need = 1 + r.IntN(2)
		if r.IntN(2) == 0 {
			p.Combine = []policy.Pair{{policy.Source, policy.ReleaseManager}}
		}
	}
}

// foretold is what package coalition says of one coalition and one question: yes,
// no, or nothing, for it names the smallest coalitions alone.
func foretold(r *coalition.Report, q coalition.Question, c []coalition.Actor) (succeeds, known bool) {
	for _, a := range r.Answers {
		if a.Question != q {
			continue
		}
		for _, smallest := range a.Coalitions {
			within := func(one coalition.Actor) bool { return slices.Contains(c, one) }
			if !slices.ContainsFunc(smallest, func(one coalition.Actor) bool { return !within(one) }) {
				return true, true
			}
		}
		return false, len(c) <= a.Tried
	}
	return false, false
}

// actors returns everybody who may be bad in the world of a policy.
func actors(p *policy.Policy) []coalition.Actor {
	all := []coalition.Actor{{Kind: coalition.GitHost}, {Kind: coalition.Mirror}}
	for _, party := range p.Parties {
		kind := map[policy.Kind]coalition.Kind{policy.Person: coalition.Person, policy.Machine: coalition.Machine}[party.Kind]
		all = append(all, coalition.Actor{Kind: kind, Name: party.Name})
		if party.Domain != "" {
			all = append(all, coalition.Actor{Kind: coalition.Domain, Name: party.Domain}, coalition.Actor{Kind: coalition.Origin, Name: party.Toolchain})
		}
	}
	slices.SortFunc(all, func(a, b coalition.Actor) int {
		if a.Kind != b.Kind {
			return int(a.Kind) - int(b.Kind)
		}
		return slices.Compare([]byte(a.Name), []byte(b.Name))
	})
	return slices.Compact(all)
}

// coalitions returns nobody, every single actor, every pair, and the smallest that
// are said to come through.
func coalitions(p *policy.Policy, r *coalition.Report) [][]coalition.Actor {
	all := [][]coalition.Actor{nil}
	single := actors(p)
	for i, a := range single {
		all = append(all, []coalition.Actor{a})
		if a.Kind == coalition.GitHost {
			continue // with a mirror it can do no more: a mirror signs nothing, and nobody sees what it does
		}
		for _, b := range single[i+1:] {
			all = append(all, []coalition.Actor{a, b})
		}
	}
	for _, a := range r.Answers {
		if a.Question <= coalition.Rewrite && a.Size() > 2 {
			all = append(all, a.Coalitions...)
		}
	}
	return all
}

// For each policy, every single compromised actor and every pair tries to pass a
// bad release, with everything that it can have signed; with the first policy, and
// where all is tested the single ones with each, in every way there is. What
// package coalition says of the policy is what comes of it.
func TestCompromiseMatrix(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long")
	}
	all := policies()
	for seed := range uint64(map[bool]int{true: 6, false: 2}[os.Getenv(testkit.All) != ""]) {
		all[fmt.Sprintf("drawn, %d", seed)] = drawn(seed)
	}
	shipped, tried := 0, 0
	for name, change := range all {
		t.Run(name, func(t *testing.T) {
			p := common()
			change(p)
			stages := newStages(t, p)
			if problems := p.Check(); problems != nil {
				if len(name) > 5 && name[:5] == "drawn" {
					return
				}
				t.Fatalf("the policy is at fault: %+v", problems)
			}
			report := coalition.Analyse(p, p.AllTerms()[0])
			if !slices.ContainsFunc(stages, func(s *stage) bool { return s.show(s.good, s.everything(s.good, everybody)) == release.Vouched }) {
				t.Errorf("not even the honest release is vouched for")
			}
			for _, c := range coalitions(p, &report) {
				tried++
				if len(c) == 2 && name != thorough && os.Getenv(testkit.All) == "" && !isNamed(&report, c) {
					continue
				}
				everything := name == thorough || os.Getenv(testkit.All) != "" && len(c) < 2
				if try(t, stages, &report, attempt{c, everything}) {
					shipped++
				}
			}
		})
	}
	t.Logf("%d coalitions, of which %d ship a bad release, as is foretold", tried, shipped)
	if shipped == 0 || shipped == tried {
		t.Errorf("%d of %d coalitions ship a bad release: the matrix shows nothing", shipped, tried)
	}
}

// isNamed reports whether the coalition is one of the smallest.
func isNamed(r *coalition.Report, c []coalition.Actor) bool {
	return slices.ContainsFunc(r.Answers, func(a coalition.Answer) bool {
		return slices.ContainsFunc(a.Coalitions, func(smallest []coalition.Actor) bool { return slices.Equal(smallest, c) })
	})
}

// thorough is the policy for which pairs, too, try each single way. With the others
// they try at all only where all is tested, unless they are said to come through.
const thorough = "source, builder, rebuilder, release manager"

// attempt is a coalition, and whether it tries more than the ways of which package
// coalition thinks.
type attempt struct {
	coalition  []coalition.Actor
	everything bool
}

// try has one coalition try, and reports whether it ships a bad release.
func try(t *testing.T, stages []*stage, r *coalition.Report, a attempt) bool {
	t.Helper()
	c := a.coalition
	h := holdOf(c)
	feeds := slices.ContainsFunc(c, func(a coalition.Actor) bool {
		return a.Kind == coalition.GitHost || slices.Contains(stages[0].policy.Requirements[0].Of, a.Name) // who signs tags pushes them
	})
	anywhere := func(does func(*stage) bool) bool { return slices.ContainsFunc(stages, does) }
	ships := false
	for q, got := range map[coalition.Question]bool{
		coalition.Tamper: anywhere(func(s *stage) bool {
			signed := s.tampered(h)
			return s.show(s.evil, signed) == release.Vouched || s.policy.Conditions.Unreproduced && s.show(s.evil, slices.Concat(signed, s.partial(h))) == release.Vouched
		}),
		coalition.Substitute: feeds && stages[0].substituted(h),
		coalition.Rewrite:    stages[0].rewritten(h),
	} {
		if want, known := foretold(r, q, c); known && got != want {
			t.Errorf("%s can %v: %t, and it is foretold: %t", describe(c), q, got, want)
		}
		ships = ships || got
	}
	if tampers, known := foretold(r, coalition.Tamper, c); known && !tampers && a.everything {
		for _, s := range stages {
			for _, way := range s.ways(h) {
				t.Errorf("%s come through by %s", describe(c), way)
			}
		}
	}
	return ships
}
