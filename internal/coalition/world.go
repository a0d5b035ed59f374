package coalition

import (
	"slices"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/policy"
)

// world is a policy, and what those in it do.
type world struct {
	policy *policy.Policy
	terms  policy.Terms
	court  *policy.Court
}

func newWorld(p *policy.Policy, terms policy.Terms) *world {
	return &world{p, terms, policy.NewCourt(p)}
}

// listed reports whether the terms list the party in one of the roles.
func (w *world) listed(name string, roles ...policy.Role) bool {
	for _, r := range w.terms.Requirements {
		if !r.Waived && slices.Contains(roles, r.Role) && slices.Contains(r.Of, name) {
			return true
		}
	}
	return false
}

func (w *world) builds(name string) bool {
	return w.listed(name, policy.Builder, policy.Rebuilder, policy.ReleaseManager)
}

// actors returns those who may make a difference to a question, sorted.
func (w *world) actors(q Question) []Actor {
	all := []Actor{{Kind: GitHost}, {Kind: Mirror}}
	for _, p := range w.policy.Parties {
		kind := map[policy.Kind]Kind{policy.Person: Person, policy.Machine: Machine}[p.Kind]
		if w.matters(q, p) {
			all = append(all, Actor{kind, p.Name})
		}
		if (q == Tamper || q == Block) && w.builds(p.Name) {
			all = append(all, Actor{Domain, p.Domain}, Actor{Origin, p.Toolchain})
		}
	}
	all = slices.DeleteFunc(all, func(a Actor) bool { return (a.Kind == Domain || a.Kind == Origin) && a.Name == "" })
	slices.SortFunc(all, compare)
	return slices.Compact(all)
}

// matters reports whether a party may make a difference to a question.
func (w *world) matters(q Question, p policy.Party) bool {
	switch q {
	case Tamper, Block:
		operates := slices.ContainsFunc(w.policy.Parties, func(m policy.Party) bool { return slices.Contains(m.Operators, p.Name) })
		return operates || w.listed(p.Name, policy.Roles()...)
	case Substitute:
		return w.listed(p.Name, policy.Source)
	case Rewrite, BlockPolicy:
		return slices.Contains(w.policy.Owners.Of, p.Name)
	case Withdraw:
		return slices.Contains(w.policy.WithdrawalQuorum().Of, p.Name)
	}
	return false
}

// influence is what a coalition makes of a party.
type influence uint8

const (
	none     influence = iota
	deceived           // builds what the coalition likes, and believes it
	owned              // signs what the coalition likes
)

// influenceOn returns what a coalition makes of a party.
func influenceOn(party policy.Party, coalition []Actor) influence {
	most := none
	for _, a := range coalition {
		machine := party.Kind == policy.Machine
		i := none
		switch {
		case a.Kind == Person && (a.Name == party.Name || slices.Contains(party.Operators, a.Name)),
			a.Kind == Machine && a.Name == party.Name,
			a.Kind == Domain && machine && a.Name == party.Domain:
			i = owned
		case a.Kind == Domain && a.Name == party.Domain,
			a.Kind == Origin && (a.Name == party.Toolchain || party.Toolchain == ""):
			i = deceived
		}
		most = max(most, i)
	}
	return most
}

// succeeds reports whether the coalition, bad or absent, brings about what is
// asked.
func (w *world) succeeds(q Question, coalition []Actor) bool {
	switch q {
	case Tamper:
		signed := w.tampered(coalition)
		return w.judge(signed) || w.policy.Conditions.Unreproduced && w.judge(append(signed, w.partial(coalition)...))
	case Substitute:
		feeds := slices.ContainsFunc(coalition, func(a Actor) bool { return a.Kind == GitHost || a.Kind == Person })
		return feeds && w.judge(w.substituted(coalition))
	case Rewrite:
		return w.court.JudgePolicy(w.by(policy.SignPolicy, func(p policy.Party) bool { return influenceOn(p, coalition) == owned })).Met()
	case Withdraw:
		return w.court.JudgeWithdrawal(w.by(policy.Withdraw, func(p policy.Party) bool { return influenceOn(p, coalition) == owned })).Met()
	case Block:
		return !w.judge(w.without(coalition))
	case BlockPolicy:
		return !w.court.JudgePolicy(w.by(policy.SignPolicy, func(p policy.Party) bool { return !slices.Contains(coalition, Actor{Person, p.Name}) })).Met()
	}
	return false
}

func (w *world) judge(signed []policy.Signed) bool {
	facts := policy.Facts{Recipe: w.policy.Recipes[0], PortableNames: policy.Holds}
	return w.court.Judge(w.terms, signed, facts).Met()
}

// by returns an act of every party of which something is so.
func (w *world) by(act policy.Act, who func(policy.Party) bool) []policy.Signed {
	var all []policy.Signed
	for _, p := range w.policy.Parties {
		if k, live := w.policy.LiveKey(&p); live && who(p) {
			all = append(all, policy.Signed{Key: k, Act: act, Relation: policy.Agrees})
		}
	}
	return all
}

// tampered returns what is signed of a release that is not what the source
// makes: the source's tag, which is honest, by all who sign tags; everything by
// those whom the coalition owns; builds, and with them releases, by those whom
// it deceives.
func (w *world) tampered(coalition []Actor) []policy.Signed {
	at := func(least influence) func(policy.Party) bool {
		return func(p policy.Party) bool { return influenceOn(p, coalition) >= least }
	}
	signed := w.by(policy.SignTag, everybody)
	signed = append(signed, w.by(policy.Build, at(deceived))...)
	signed = append(signed, w.by(policy.Release, at(deceived))...)
	reviews := w.by(policy.Review, at(owned))
	for i := range reviews {
		reviews[i].Files = evil()
	}
	return append(signed, reviews...)
}

func everybody(policy.Party) bool { return true }

// evil is the file in which a bad release differs.
func evil() []policy.File { return []policy.File{{Path: "evil", Digest: digest.SHA256{1}}} }

// partial returns what the honest sign of such a release where the policy has
// reviewers look at what was not reproduced: truthfully that they did not
// reproduce the file, and a release, since it is reviewed.
func (w *world) partial(coalition []Actor) []policy.Signed {
	builds := w.by(policy.Build, func(p policy.Party) bool { return influenceOn(p, coalition) == none })
	var digests []digest.SHA256
	for i := range builds {
		builds[i].Relation, builds[i].Files, builds[i].Digest = policy.AllBut, evil(), digest.SHA256{byte(i), 2}
		digests = append(digests, builds[i].Digest)
	}
	releases := w.by(policy.Release, everybody)
	for i := range releases {
		releases[i].Answers = digests
	}
	return append(builds, releases...)
}

// substituted returns what is signed of a release of another source: the tag by
// those whom the coalition owns, everything else by everybody.
func (w *world) substituted(coalition []Actor) []policy.Signed {
	signed := w.by(policy.SignTag, func(p policy.Party) bool { return influenceOn(p, coalition) == owned })
	for _, act := range []policy.Act{policy.Build, policy.Review, policy.Release} {
		signed = append(signed, w.by(act, everybody)...)
	}
	return signed
}

// without returns what is signed of a good release while the coalition is
// absent: machines work on without those who operate them, people sign and
// review without their machine.
func (w *world) without(coalition []Actor) []policy.Signed {
	present := func(p policy.Party) bool {
		kind := map[policy.Kind]Kind{policy.Person: Person, policy.Machine: Machine}[p.Kind]
		return !slices.Contains(coalition, Actor{kind, p.Name})
	}
	able := func(p policy.Party) bool {
		return present(p) && !slices.Contains(coalition, Actor{Domain, p.Domain}) && !slices.Contains(coalition, Actor{Origin, p.Toolchain})
	}
	signed := w.by(policy.Build, able)
	for _, act := range []policy.Act{policy.SignTag, policy.Review, policy.Release} {
		signed = append(signed, w.by(act, present)...)
	}
	return signed
}
