package release_test

import (
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/dsse"
	"github.com/countermark/countermark/internal/policy"
	"github.com/countermark/countermark/internal/release"
	"github.com/countermark/countermark/internal/signature"
	"github.com/countermark/countermark/internal/statement"
)

// formsPolicy has a party for each form of key.
var formsPolicy = strings.NewReplacer(
	"KEY(saki)", "KEY(saki/pgp)", "KEY(ben)", "KEY(ben), KEY(ben/twin), KEY(ben/sktwin), KEY(ben/pgptwin), KEY(ben2), KEY(ben/minisign)",
	"KEY(ci)", "KEY(ci/sk)", "KEY(nightjar)", "KEY(nightjar/minisign)").Replace(helloPolicy)

// Each key of every form counts for its party.
func TestForms(t *testing.T) {
	w := newWorld(t, formsPolicy)
	for _, name := range []string{"saki/pgp", "saki/subkey"} {
		p := honest()
		p.tagger = name
		m := w.makeRelease(p)
		for _, ben := range []string{"ben", "ben/twin", "ben/sktwin", "ben/pgptwin", "ben2", "ben/minisign"} {
			v := judge(t, w.evidence(m, []dsse.Envelope{w.sign(m.build(), "ci/sk", "nightjar/minisign", ben), w.sign(m.release(1, w.root()), ben)}...))
			if v.Outcome() != release.Vouched {
				t.Errorf("%s, %s: %v: %+v, %v", name, ben, v.Outcome(), v.Failures, v.Open)
			}
		}
	}
}

// tricksPolicy needs two of two in each role but the source's.
const tricksPolicy = `countermark-policy = 1
version = 1
project = "https://git.example.org/hello"
recipes = [RECIPE]
waive = ["reviewer"]

[people.saki]
keys = [KEY(saki)]

[people.eve]
keys = [KEY(eve)]

[people.ben]
keys = [KEY(ben), KEY(ben/twin), KEY(ben/sktwin), KEY(ben/pgptwin), KEY(ben2), KEY(ben/pgp), KEY(ben/minisign)]

[people.ada]
keys = [KEY(ada)]

[machines.ci]
keys = [KEY(ci), KEY(ci/twin), KEY(ci/sktwin), KEY(ci/pgptwin), KEY(ci2), KEY(ci/pgp), KEY(ci/minisign)]
domain = "forge"
toolchain = "debian"

[machines.ant]
keys = [KEY(ant)]
domain = "forge"
toolchain = "debian"
operators = ["eve"]

[machines.nightjar]
keys = [KEY(nightjar), KEY(nightjar/twin), KEY(nightjar/sktwin), KEY(nightjar/pgptwin), KEY(nightjar2), KEY(nightjar/pgp), KEY(nightjar/minisign)]
domain = "university"
toolchain = "guix"

[machines.heron]
keys = [KEY(heron)]
domain = "home"
toolchain = "guix"

[owners]
need = 1
of = ["saki"]

[quorum.source]
need = 1
of = ["saki"]

[quorum.builder]
need = 2
of = ["ci", "ant"]

[quorum.rebuilder]
need = 2
of = ["nightjar", "heron", "ci"]

[quorum.release-manager]
need = 2
of = ["ben", "ada", "saki"]
`

// seat is a role that two parties have to fill: one who plays tricks, and one who
// is missing.
type seat struct {
	role             policy.Role
	trickster, other string
	kind             statement.Kind
}

// said is what a party of the seat says.
func (w *world) said(m *made, s seat) *statement.Statement {
	if s.kind == statement.KindRelease {
		return m.release(1, w.root())
	}
	return m.build()
}

// others are the statements of all but the missing one, with what is not in
// question of theirs: a release manager who has built, and does not sign.
func (w *world) others(m *made, s seat) []dsse.Envelope {
	var all []dsse.Envelope
	for _, name := range []string{"ci", "ant", "nightjar", "heron"} {
		if name != s.other {
			all = append(all, w.sign(m.build(), name))
		}
	}
	all = append(all, w.sign(m.build(), "ben"), w.sign(m.build(), "ada"), w.sign(m.release(1, w.root()), "ben"))
	if s.other != "ada" {
		all = append(all, w.sign(m.release(1, w.root()), "ada"))
	}
	return all
}

// trick makes one party seem to be two. What it returns comes on top of what all
// but the missing one have signed.
type trick struct {
	name string
	play func(w *world, m *made, s seat) []dsse.Envelope
}

// again has the trickster sign the statement with further keys of theirs.
func again(suffixes ...string) func(w *world, m *made, s seat) []dsse.Envelope {
	return func(w *world, m *made, s seat) []dsse.Envelope {
		var names []string
		for _, suffix := range suffixes {
			names = append(names, s.trickster+suffix)
		}
		return []dsse.Envelope{w.sign(w.said(m, s), names...)}
	}
}

// moved puts the missing one's signature over something else into an envelope with
// the statement.
func moved(over func(w *world, m *made, s seat) dsse.Envelope) func(w *world, m *made, s seat) []dsse.Envelope {
	return func(w *world, m *made, s seat) []dsse.Envelope {
		e := w.sign(w.said(m, s), s.trickster)
		e.Signatures = append(e.Signatures, over(w, m, s).Signatures...)
		return []dsse.Envelope{e}
	}
}

func one(e dsse.Envelope) []dsse.Envelope { return []dsse.Envelope{e} }

// otherwise has the missing one sign the statement with something changed.
func otherwise(change func(s *statement.Statement)) func(w *world, m *made, s seat) []dsse.Envelope {
	return func(w *world, m *made, s seat) []dsse.Envelope {
		said := w.said(m, s)
		change(said)
		return one(w.sign(said, s.other))
	}
}

func tricks() []trick {
	later := func(w *world, m *made, s seat) *statement.Statement {
		said := w.said(m, s)
		said.Issued++
		return said
	}
	return []trick{
		{"nothing", func(*world, *made, seat) []dsse.Envelope { return nil }},
		{"the same statement again", again("")},
		{"one signature twice", again("", "")},
		{"the key in the form of minisign", again("", "/twin")},
		{"the key in the form of hardware", again("", "/sktwin")},
		{"the key in the form of OpenPGP", again("", "/pgptwin")},
		{"a second ssh key", again("", "2")},
		{"a second key of minisign", again("", "/minisign")},
		{"a certificate and its subkey", again("/pgp", "/subkey")},
		{"all of their keys", again("", "/twin", "/sktwin", "/pgptwin", "2", "/pgp", "/subkey", "/minisign")},
		{"a later statement", func(w *world, m *made, s seat) []dsse.Envelope { return one(w.sign(later(w, m, s), s.trickster)) }},
		{"a later statement by another key", func(w *world, m *made, s seat) []dsse.Envelope { return one(w.sign(later(w, m, s), s.trickster+"2")) }},
		{"two envelopes of one payload", func(w *world, m *made, s seat) []dsse.Envelope {
			return []dsse.Envelope{w.sign(later(w, m, s), s.trickster), w.sign(later(w, m, s), s.trickster+"2")}
		}},
		{"the payload in another spelling", func(w *world, m *made, s seat) []dsse.Envelope {
			payload, err := w.said(m, s).Encode()
			w.must(err)
			return one(w.signPayload(dsse.StatementType, append([]byte("{ "), payload[1:]...), signature.StatementNamespace, s.trickster+"2"))
		}},
		{"a stranger", func(w *world, m *made, s seat) []dsse.Envelope {
			w.addKey("stranger")
			return one(w.sign(w.said(m, s), "stranger"))
		}},
		{"a stranger under the missing one's name", func(w *world, m *made, s seat) []dsse.Envelope {
			w.addKey("stranger")
			e := w.sign(w.said(m, s), "stranger")
			e.Signatures[0].KeyID = w.sign(w.said(m, s), s.other).Signatures[0].KeyID
			return one(e)
		}},
		{"the trickster under the missing one's name", func(w *world, m *made, s seat) []dsse.Envelope {
			e := w.sign(later(w, m, s), s.trickster)
			e.Signatures[0].KeyID = w.sign(w.said(m, s), s.other).Signatures[0].KeyID
			return one(e)
		}},
		{"a party of no such role", func(w *world, m *made, s seat) []dsse.Envelope { return one(w.sign(w.said(m, s), "eve")) }},
		{"the missing one's signature over another version", moved(func(w *world, m *made, s seat) dsse.Envelope {
			said := w.said(m, s)
			said.Identity.Version = "0.9"
			return w.sign(said, s.other)
		})},
		{"the missing one's signature over a later statement", moved(func(w *world, m *made, s seat) dsse.Envelope { return w.sign(later(w, m, s), s.other) })},
		{"the missing one's signature for git", moved(func(w *world, m *made, s seat) dsse.Envelope {
			return w.signPayload(dsse.StatementType, encoded(w, w.said(m, s)), signature.GitNamespace, s.other)
		})},
		{"the missing one's signature for policies", moved(func(w *world, m *made, s seat) dsse.Envelope {
			return w.signPayload(dsse.StatementType, encoded(w, w.said(m, s)), signature.PolicyNamespace, s.other)
		})},
		{"the missing one's signature over another payload type", moved(func(w *world, m *made, s seat) dsse.Envelope {
			return w.signPayload(dsse.PolicyType, encoded(w, w.said(m, s)), signature.StatementNamespace, s.other)
		})},
		{"another version", otherwise(func(s *statement.Statement) { s.Identity.Version = "1.1" })},
		{"another project", otherwise(func(s *statement.Statement) { s.Identity.Project += "o" })},
		{"another tag", otherwise(func(s *statement.Statement) { s.Identity.TagRef = "refs/tags/v1.0.0" })},
		{"another source commit", otherwise(func(s *statement.Statement) { s.Identity.Commit.SHA256[0] ^= 1 })},
		{"another source tree", otherwise(func(s *statement.Statement) { s.Identity.Tree = s.Outcome.BuiltTree })},
		{"another recipe", otherwise(func(s *statement.Statement) { s.Identity.Recipe[0] ^= 1 })},
		{"another outcome", otherwise(func(s *statement.Statement) { s.Outcome.Commit.SHA256[0] ^= 1 })},
		{"a withdrawal", func(w *world, m *made, s seat) []dsse.Envelope { return one(w.sign(m.withdrawal(), s.other)) }},
		{"a review", func(w *world, m *made, s seat) []dsse.Envelope { return one(w.sign(m.review(), s.other)) }},
	}
}

func encoded(w *world, s *statement.Statement) []byte {
	payload, err := s.Encode()
	w.must(err)
	return payload
}

// review returns what a reviewer says who has seen the files.
func (m *made) review(files ...statement.Reviewed) *statement.Statement {
	s := m.build()
	s.Kind, s.Build, s.Review = statement.KindReview, nil, &statement.Review{Files: files}
	return s
}

// In each role that two have to fill, no one party counts as two, whatever the
// keys, forms, duplicates and roles that they try it with.
func TestTricks(t *testing.T) {
	w := newWorld(t, tricksPolicy)
	m := w.makeRelease(honest())
	n := 0
	for _, s := range []seat{
		{policy.Builder, "ci", "ant", statement.KindBuild},
		{policy.Rebuilder, "nightjar", "heron", statement.KindBuild},
		{policy.ReleaseManager, "ben", "ada", statement.KindRelease},
	} {
		if v := judge(t, w.evidence(m, append(w.others(m, s), w.sign(w.said(m, s), s.other))...)); v.Outcome() != release.Vouched {
			t.Fatalf("%v: with both of them the release is %v: %+v, %v", s.role, v.Outcome(), v.Failures, v.Open)
		}
		for _, trick := range tricks() {
			n++
			t.Run(s.role.String()+", "+trick.name, func(t *testing.T) {
				v, err := release.Judge(w.evidence(m, append(w.others(m, s), trick.play(w, m, s)...)...))
				if err != nil {
					return // it is no evidence at all
				}
				for _, tally := range v.Judgement.Tallies {
					if tally.Role == s.role && (len(tally.Counted) > 1 || tally.Missing() < 1) {
						t.Errorf("%v count as %v", tally.Counted, s.role)
					}
				}
				if v.Outcome() == release.Vouched {
					t.Errorf("it is vouched for by %v", v.Parties())
				}
			})
		}
	}
	if n < 60 {
		t.Errorf("%d tricks, expected 60", n)
	}
}
