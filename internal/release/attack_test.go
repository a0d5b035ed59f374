package release_test

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"

	"github.com/countermark/countermark/internal/coalition"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/dsse"
	"github.com/countermark/countermark/internal/lineage"
	"github.com/countermark/countermark/internal/policy"
	"github.com/countermark/countermark/internal/policychain"
	"github.com/countermark/countermark/internal/policyfile"
	"github.com/countermark/countermark/internal/release"
	"github.com/countermark/countermark/internal/signature"
	"github.com/countermark/countermark/internal/statement"
	"github.com/countermark/countermark/internal/tree"
)

// stage is a project with a policy, its releases, and what attackers would like
// to pass for one.
type stage struct {
	*world
	policy   *policy.Policy
	tagger   string // who signed the tags, "" for nobody
	good     *made  // version 1.0
	old      *made  // version 0.9
	evil     *made  // 1.0 of the same source, with another generated file
	foreign  *made  // 1.0 of another source, whose tag nobody signed
	widened  *made  // 1.0 by a recipe that permits what the approved one does not
	files    map[*made]lineage.File
	objects  *lineage.Objects
	envelope map[string]dsse.Envelope // signed statements, by payload and party
}

// newStages sets up a policy, whose parties get their keys here, and the releases
// once for each who may have signed the tag.
func newStages(t testing.TB, p *policy.Policy) []*stage {
	t.Helper()
	w := &world{tb: t, parties: map[string]party{}}
	p.Version, p.Project, p.Recipes = 1, projectURL, []digest.SHA256{sha256.Sum256([]byte(helloRecipe))}
	for i := range p.Parties {
		w.give(&p.Parties[i])
	}
	w.policy = string(policyfile.Format(p))
	taggers := p.Requirements[0].Of
	if len(taggers) == 0 {
		taggers = []string{""}
	}
	var all []*stage
	for _, tagger := range taggers {
		s := &stage{world: w, policy: p, tagger: tagger, files: map[*made]lineage.File{}, objects: &lineage.Objects{}, envelope: map[string]dsse.Envelope{}}
		s.set()
		all = append(all, s)
	}
	return all
}

// set makes the releases.
func (s *stage) set() {
	s.good, s.old = s.plan("1.0", nil), s.plan("0.9", nil)
	s.evil = s.plan("1.0", func(p *plan) { p.generated["words.h"] = "evil\n" })
	s.foreign = s.plan("1.0", func(p *plan) { p.source["main.c"], p.tagger = "evil\n", "" })
	s.widened = s.plan("1.0", func(p *plan) {
		p.recipe = helloRecipe + "\n[[step]]\nname = \"evil\"\nrun = [\"sh\", \"-c\", \"evil\"]\noutputs = [\"evil.c\"]\n"
		p.generated["evil.c"] = "evil\n"
	})
}

// give gives a party a key.
func (w *world) give(p *policy.Party) {
	w.addKey(p.Name)
	p.Texts = []string{w.parties[p.Name].key.Line()}
	holders, err := signature.ParseHolders([]byte(p.Texts[0]))
	w.must(err)
	p.Holders = holders
}

// plan makes a release as it is on this stage.
func (s *stage) plan(version string, change func(*plan)) *made {
	p := honest()
	p.version, p.tagger = version, s.tagger
	if change != nil {
		change(&p)
	}
	m := s.makeRelease(p)
	s.keep(m)
	return m
}

func (s *stage) keep(m *made) {
	s.files[m] = s.open(m.archive.Name, m.file)
	for id, o := range m.objects {
		s.must(s.objects.Add(id, o.kind, o.content))
	}
}

// signed returns a statement, signed by a party.
func (s *stage) signed(said *statement.Statement, name string) dsse.Envelope {
	payload, err := said.Encode()
	s.must(err)
	key := name + " " + string(payload)
	if _, known := s.envelope[key]; !known {
		s.envelope[key] = s.signPayload(dsse.StatementType, payload, signature.StatementNamespace, name)
	}
	return s.envelope[key]
}

// say returns statements of one kind on a release by all parties of which
// something is so.
func (s *stage) say(said *statement.Statement, who func(*policy.Party) bool) []dsse.Envelope {
	var all []dsse.Envelope
	for i := range s.policy.Parties {
		if p := &s.policy.Parties[i]; who(p) && (p.Kind == policy.Person || said.Kind == statement.KindBuild) {
			all = append(all, s.signed(said, p.Name))
		}
	}
	return all
}

func everybody(*policy.Party) bool { return true }

// everything returns all statements on a release by some.
func (s *stage) everything(m *made, who func(*policy.Party) bool) []dsse.Envelope {
	return slices.Concat(s.say(m.build(), who), s.say(s.reviewOf(m), who), s.say(m.release(1, s.root()), who))
}

// reviewOf returns a review of the generated files of a release.
func (s *stage) reviewOf(m *made) *statement.Statement {
	var files []statement.Reviewed
	for _, path := range []string{"words.h", "table.h"} {
		e := s.files[m].Contents.Tree.Lookup(tree.Path(path))
		files = append(files, statement.Reviewed{Path: e.Path, Mode: "100644", Blob: statement.Blob{ID: e.IDs.In(format), SHA256: e.IDs.In(digest.SHA256Format)}})
	}
	return m.review(files...)
}

// show judges what an archive comes with.
func (s *stage) show(m *made, statements []dsse.Envelope, change ...func(*release.Evidence)) release.Outcome {
	s.tb.Helper()
	e := release.Evidence{Chain: []policychain.Link{{Policy: []byte(s.world.policy)}}, Root: s.root(), Statements: statements, Objects: s.objects,
		Recipes: [][]byte{m.recipe}, Now: epoch, Files: []lineage.File{s.files[m]}}
	for _, c := range change {
		c(&e)
	}
	v, err := release.Judge(e)
	if err != nil {
		return release.Incomplete
	}
	return v.Outcome()
}

// hold is what a coalition has over a party: it signs what the coalition likes,
// or is deceived by it.
type hold struct{ owned, deceived func(*policy.Party) bool }

func holdOf(c []coalition.Actor) hold {
	has := func(k coalition.Kind, name string) bool {
		return name != "" && slices.Contains(c, coalition.Actor{Kind: k, Name: name})
	}
	anyOrigin := slices.ContainsFunc(c, func(a coalition.Actor) bool { return a.Kind == coalition.Origin })
	owned := func(p *policy.Party) bool {
		if p.Kind == policy.Person {
			return has(coalition.Person, p.Name)
		}
		operated := slices.ContainsFunc(p.Operators, func(name string) bool { return has(coalition.Person, name) })
		return operated || has(coalition.Machine, p.Name) || has(coalition.Domain, p.Domain)
	}
	return hold{owned, func(p *policy.Party) bool {
		return owned(p) || has(coalition.Domain, p.Domain) || has(coalition.Origin, p.Toolchain) || p.Toolchain == "" && anyOrigin
	}}
}

func (h hold) neither(p *policy.Party) bool { return !h.deceived(p) }

// tampered is everything that a coalition can have signed of the evil release.
func (s *stage) tampered(h hold) []dsse.Envelope {
	return slices.Concat(s.say(s.evil.build(), h.deceived), s.say(s.evil.release(1, s.root()), h.deceived), s.say(s.reviewOf(s.evil), h.owned))
}

// partial is what the honest sign where the policy lets reviewers decide of what
// was not reproduced.
func (s *stage) partial(h hold) []dsse.Envelope {
	builds := s.say(s.good.build(), h.neither)
	seen := seenAs(statement.Dissents, builds)
	return slices.Concat(builds, s.say(s.evil.release(1, s.root(), seen...), everybody))
}

// seenAs returns what a release manager writes who has seen some statements.
func seenAs(verdict statement.Verdict, envelopes []dsse.Envelope) []statement.Seen {
	var seen []statement.Seen
	for _, e := range envelopes {
		one := statement.Seen{Statement: statement.Digest(e.Payload), Verdict: verdict}
		if verdict == statement.Dissents {
			one.Cause, one.Text = statement.BuilderFault, "its disk was broken"
		}
		if !slices.Contains(seen, one) {
			seen = append(seen, one)
		}
	}
	return seen
}

// substituted reports whether a coalition comes through with a release of another
// source, which it shows to everybody, with whatever tags it can have.
func (s *stage) substituted(h hold) bool {
	all := []*made{s.foreign}
	for i := range s.policy.Parties {
		if p := &s.policy.Parties[i]; h.owned(p) && p.Kind == policy.Person {
			all = append(all, s.plan("1.0", func(plan *plan) { plan.source["main.c"], plan.tagger = "evil\n", p.Name }))
		}
	}
	return slices.ContainsFunc(all, func(m *made) bool { return s.show(m, s.everything(m, everybody)) == release.Vouched })
}

// rewritten reports whether a coalition comes through with a policy by which it
// does what it likes.
func (s *stage) rewritten(h hold) bool {
	chain, statements := s.usurp(h)
	return s.show(s.evil, statements, func(e *release.Evidence) { e.Chain = chain }) == release.Vouched
}

// usurp returns a second version of the policy by which one who is no party of the
// first does all, signed by the owners that the coalition has, and what that one
// signs.
func (s *stage) usurp(h hold) ([]policychain.Link, []dsse.Envelope) {
	first := []byte(s.world.policy)
	mallory := policy.Party{Name: "mallory", Kind: policy.Person}
	s.give(&mallory)
	alone := policy.Quorum{Need: 1, Of: []string{"mallory"}}
	second := &policy.Policy{Version: 2, Previous: s.root(), Project: projectURL, Recipes: s.policy.Recipes, Parties: []policy.Party{mallory}, Owners: alone}
	for _, r := range policy.Roles() {
		second.Requirements = append(second.Requirements, policy.Requirement{Role: r, Waived: r != policy.ReleaseManager})
	}
	second.Requirements[len(second.Requirements)-1].Quorum = alone
	raw := policyfile.Format(second)
	names := []string{"mallory"}
	for i := range s.policy.Parties {
		if h.owned(&s.policy.Parties[i]) {
			names = append(names, s.policy.Parties[i].Name)
		}
	}
	link := policychain.Link{Policy: raw, Signatures: s.signPayload(dsse.PolicyType, raw, signature.PolicyNamespace, names...).Signatures}
	return []policychain.Link{{Policy: first}, link}, []dsse.Envelope{s.signed(s.evil.build(), "mallory"), s.signed(s.evil.release(2, sha256.Sum256(raw)), "mallory")}
}

// ways returns in how many ways a coalition that must not be able to comes through
// with a bad release, one sentence each.
func (s *stage) ways(h hold) []string {
	var through []string
	try := func(name string, m *made, statements []dsse.Envelope, change ...func(*release.Evidence)) {
		if s.show(m, statements, change...) == release.Vouched {
			through = append(through, name)
		}
	}
	honest := s.everything(s.good, everybody)
	evil := s.tampered(h)
	try("commit and archive that agree with each other", s.evil, evil)
	try("the same, with what the honest say of their own release", s.evil, slices.Concat(evil, s.everything(s.good, h.neither)))
	dissents := seenAs(statement.Dissents, s.say(s.good.build(), h.neither))
	try("the same, the dissents passed over", s.evil, slices.Concat(evil, s.everything(s.good, h.neither), s.say(s.evil.release(1, s.root(), dissents...), h.owned)))
	agreeing := seenAs(statement.Agrees, s.say(s.good.build(), h.neither))
	try("dissents that are called agreement", s.evil, slices.Concat(evil, s.everything(s.good, h.neither), s.say(s.evil.release(1, s.root(), agreeing...), h.owned)))
	try("release managers who do not build", s.evil, slices.Concat(s.say(s.evil.release(1, s.root()), h.owned), s.say(s.good.build(), everybody)))
	try("statements on build A and a release of build B", s.evil, slices.Concat(s.say(s.good.build(), everybody), s.say(s.evil.release(1, s.root()), h.deceived)))
	s.evil.archive, s.good.archive = s.good.archive, s.evil.archive
	crossed := s.everything(s.good, h.owned) // names the evil archive
	s.evil.archive, s.good.archive = s.good.archive, s.evil.archive
	try("the archive alone", s.evil, slices.Concat(honest, crossed))
	try("statements on the version before", s.evil, slices.Concat(evil, s.everything(s.old, everybody)))
	try("an old release under a new name", s.old, s.everything(s.old, everybody), func(e *release.Evidence) { e.Files[0].Name = s.good.archive.Name })
	try("an old release, called the new one", s.old, s.everything(s.old, everybody), func(e *release.Evidence) { e.Version, e.Files[0].Name = "1.0", "" })
	try("signatures over something else", s.evil, grafted(evil, honest))
	try("a recipe that permits more, by which all have built", s.widened, s.everything(s.widened, everybody))
	try("a policy of their own", s.evil, evil, func(e *release.Evidence) { e.Chain, e.Statements = s.ownPolicy() })
	try("an older policy", s.good, honest, func(e *release.Evidence) { e.Remembered = release.Remembered{Version: 2, Policy: digest.SHA256{1}} })
	try("without the policy", s.good, honest, func(e *release.Evidence) { e.Chain = nil })
	try("the honest objects", s.evil, evil, func(e *release.Evidence) { e.Objects = objectsOf(s.world, s.good) })
	return through
}

// ownPolicy returns the chain of one who trusts nobody but themself.
func (s *stage) ownPolicy() ([]policychain.Link, []dsse.Envelope) {
	chain, statements := s.usurp(hold{func(*policy.Party) bool { return false }, everybody})
	return chain[1:], statements
}

// grafted puts the signatures of some envelopes into others.
func grafted(onto, from []dsse.Envelope) []dsse.Envelope {
	var all []dsse.Envelope
	for i, e := range onto {
		e.Signatures = slices.Concat(e.Signatures, from[i%len(from)].Signatures)
		all = append(all, e)
	}
	return all
}

func objectsOf(w *world, m *made) *lineage.Objects {
	o := &lineage.Objects{}
	for id, object := range m.objects {
		w.must(o.Add(id, object.kind, object.content))
	}
	return o
}

func describe(c []coalition.Actor) string {
	var names []string
	for _, a := range c {
		names = append(names, a.String())
	}
	return fmt.Sprint(names)
}
