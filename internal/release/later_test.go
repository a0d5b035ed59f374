package release_test

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/dsse"
	"github.com/countermark/countermark/internal/lineage"
	"github.com/countermark/countermark/internal/policychain"
	"github.com/countermark/countermark/internal/release"
	"github.com/countermark/countermark/internal/signature"
	"github.com/countermark/countermark/internal/statement"
)

// second returns the chain of the world's policy and a second version, changed and
// signed by those owners.
func (w *world) second(change func(policy string) string, owners ...string) []policychain.Link {
	text := strings.Replace(helloPolicy, "version = 1\n", fmt.Sprintf("version = 2\nprevious = \"%v\"\n", w.root()), 1)
	for _, name := range []string{"newben", "newci", "newsaki"} {
		w.addKey(name)
	}
	raw := []byte(w.fill(change(text)))
	return []policychain.Link{{Policy: []byte(w.policy)}, {Policy: raw, Signatures: w.signPayload(dsse.PolicyType, raw, signature.PolicyNamespace, owners...).Signatures}}
}

// kept is the end of a policy that keeps a release.
func kept(s *statement.Statement) string {
	return fmt.Sprintf("\n[[kept]]\nrelease = \"%v\"\npolicy = 1\n", s.ReleaseDigest())
}

// newPeople has others in the place of the builder and the release manager.
func newPeople(policy string) string {
	return strings.NewReplacer("KEY(ci)", "KEY(newci)", "people.ben", "people.newben", "KEY(ben)", "KEY(newben)", `"ben"`, `"newben"`).Replace(policy)
}

// What a later policy makes of a release that an earlier one was made under.
func TestLaterPolicy(t *testing.T) {
	revoke := func(w *world, name string, keeps ...digest.SHA256) string {
		s := "\n[[revoked]]\nkey = \"" + w.raw(name) + "\"\n"
		for i, d := range keeps {
			s += map[bool]string{true: "keeps = [", false: ", "}[i == 0] + `"` + d.String() + `"`
		}
		if len(keeps) > 0 {
			s += "]\n"
		}
		return s
	}
	as := func(change func(string) string) func(*world, *made, *release.Evidence) {
		return func(w *world, _ *made, e *release.Evidence) { e.Chain = w.second(change, "saki", "ada", "newben") }
	}
	keeping := func(w *world, m *made, e *release.Evidence) {
		e.Chain = w.second(func(p string) string { return newPeople(p) + kept(m.build()) }, "saki", "ada", "newben")
	}
	// Whoever's key is revoked has another.
	renewed := strings.NewReplacer("KEY(ci)", "KEY(ci), KEY(newci)", "KEY(saki)", "KEY(saki), KEY(newsaki)")
	for _, r := range []row{
		{"nothing has changed", as(func(p string) string { return p + "\n# the same\n" }), "", 0},
		{"signed by too few", func(w *world, _ *made, e *release.Evidence) {
			e.Chain = w.second(func(p string) string { return p }, "saki")
		}, "POL_CHAIN", 1},
		{"another builder and release manager", as(newPeople), "POL_QUORUM", 1},
		{"others, and the release is kept", keeping, "", 0},
		{"the version by which it is kept is not at hand", func(w *world, m *made, e *release.Evidence) {
			keeping(w, m, e)
			e.Chain = e.Chain[1:]
			e.Root = sha256.Sum256(e.Chain[0].Policy)
		}, "POL_CHAIN", 1},
		{"kept, and withdrawn by the new release manager", func(w *world, m *made, e *release.Evidence) {
			keeping(w, m, e)
			e.Statements = append(e.Statements, w.sign(m.withdrawal(), "newben"))
		}, "REL_DRAWN", 1},
		{"kept, and withdrawn by the old release manager", func(w *world, m *made, e *release.Evidence) {
			keeping(w, m, e)
			e.Statements = append(e.Statements, w.sign(m.withdrawal(), "ben"))
		}, "", 0},
		{"kept, and a bad withdrawal by the new release manager", func(w *world, m *made, e *release.Evidence) {
			keeping(w, m, e)
			bad := w.sign(m.withdrawal(), "newben")
			bad.Signatures = w.sign(m.build(), "newben").Signatures
			e.Statements = append(e.Statements, bad)
		}, "SIG_BAD", 1},
		{"another release is kept", func(w *world, m *made, e *release.Evidence) {
			other := m.build()
			other.Outcome.Commit.SHA256[0] ^= 1
			e.Chain = w.second(func(p string) string { return newPeople(p) + kept(other) }, "saki", "ada", "newben")
		}, "POL_QUORUM", 1},
		{"the builder's key is revoked", func(w *world, _ *made, e *release.Evidence) {
			e.Chain = w.second(func(p string) string { return renewed.Replace(p) + revoke(w, "ci") }, "saki", "ada")
		}, "POL_QUORUM", 1},
		{"revoked, and this statement stays valid", func(w *world, _ *made, e *release.Evidence) {
			e.Chain = w.second(func(p string) string {
				return renewed.Replace(p) + revoke(w, "ci", sha256.Sum256(e.Statements[0].Payload))
			}, "saki", "ada")
		}, "", 0},
		{"revoked, and another statement stays valid", func(w *world, _ *made, e *release.Evidence) {
			e.Chain = w.second(func(p string) string { return renewed.Replace(p) + revoke(w, "ci", digest.SHA256{1}) }, "saki", "ada")
		}, "POL_QUORUM", 1},
		{"the tagger's key is revoked by the other owners", func(w *world, _ *made, e *release.Evidence) {
			e.Chain = w.second(func(p string) string { return renewed.Replace(p) + revoke(w, "saki") }, "ben", "ada")
		}, "POL_QUORUM", 1},
		{"the tagger's key is revoked, the tag stays", func(w *world, m *made, e *release.Evidence) {
			e.Chain = w.second(func(p string) string { return renewed.Replace(p) + revoke(w, "saki", m.identity.Tag.SHA256) }, "ben", "ada")
		}, "", 0},
	} {
		t.Run(r.name, func(t *testing.T) {
			w := newWorld(t, helloPolicy)
			m := w.makeRelease(honest())
			e := w.evidence(m, w.vouch(m)...)
			r.change(w, m, &e)
			if rule, exit, text := answer(e); rule != r.want || exit != r.exit {
				t.Errorf("exit %d, want %d; %q, want %q: %s", exit, r.exit, rule, r.want, text)
			}
		})
	}
}

// The reason of a withdrawal is that of somebody who counts, and nobody else's.
func TestWhyWithdrawn(t *testing.T) {
	w := newWorld(t, helloPolicy)
	w.addKey("stranger")
	m := w.makeRelease(honest())
	strange := m.withdrawal()
	strange.Withdrawal.Why = "call 555"
	for _, withdrawals := range [][]dsse.Envelope{{w.sign(m.withdrawal(), "ben"), w.sign(strange, "stranger")}, {w.sign(strange, "stranger"), w.sign(m.withdrawal(), "ben")}} {
		v := judge(t, w.evidence(m, append(w.vouch(m), withdrawals...)...))
		if len(v.Failures) != 1 || v.Failures[0].Text != "the release was withdrawn: words.h is wrong" {
			t.Errorf("%+v", v.Failures)
		}
		if i := slices.IndexFunc(v.Votes, func(vote release.Vote) bool { return vote.Party == "ben" && vote.Kind == statement.KindWithdrawal }); i < 0 {
			t.Errorf("nobody is said to withdraw: %+v", v.Votes)
		}
	}
}

// Which archives are the release's is said by those who count: a stranger's
// statement on the same release, with an archive more, makes it none of them.
func TestStrangersArchive(t *testing.T) {
	w := newWorld(t, helloPolicy)
	w.addKey("stranger")
	p := honest()
	p.recipe = strings.Replace(p.recipe, `["tar.gz"]`, `["tar.gz", "zip"]`, 1)
	w.policy = strings.Replace(w.policy, w.fill("RECIPE"), fmt.Sprintf(`"%x"`, sha256.Sum256([]byte(p.recipe))), 1)
	m := w.makeRelease(p)
	zip := *w.open(m.archive.Name, m.file).Contents
	zip.SHA256, zip.TarSHA256 = digest.SHA256{7}, digest.SHA256{}
	said := m.release(1, w.root())
	said.Archives = append(said.Archives, statement.Archive{Name: "hello-1.0.zip", SHA256: zip.SHA256})
	for by, want := range map[string]string{"stranger": "REL_ARCHIVE 1", "saki": "REL_ARCHIVE 1", "ben": " 0"} {
		e := w.evidence(m, append(w.vouch(m), w.sign(said, by))...)
		e.Files = []lineage.File{{Name: "hello-1.0.zip", Contents: &zip}}
		if rule, exit, text := answer(e); fmt.Sprint(rule, " ", exit) != want {
			t.Errorf("by %s: %s %d, want %s: %s", by, rule, exit, want, text)
		}
	}
}

// There is a limit to the signatures that are verified.
func TestTooManySignatures(t *testing.T) {
	w := newWorld(t, helloPolicy)
	m := w.makeRelease(honest())
	one := w.sign(m.build(), "ci")
	one.Signatures = slices.Repeat(one.Signatures, dsse.MaxSignatures)
	for n, want := range map[int]string{release.MaxSignatures / dsse.MaxSignatures: "REL_NONE", release.MaxSignatures/dsse.MaxSignatures + 1: "REL_LIMIT"} {
		if rule, _, text := answer(w.evidence(m, slices.Repeat([]dsse.Envelope{one}, n)...)); rule != want {
			t.Errorf("%d signatures: %s, want %s: %s", n*dsse.MaxSignatures, rule, want, text)
		}
	}
}
