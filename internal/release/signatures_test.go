package release_test

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/dsse"
	"github.com/countermark/countermark/internal/policychain"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/release"
	"github.com/countermark/countermark/internal/signature"
	"github.com/countermark/countermark/internal/testkit/signer"
)

// answer is what came of judging: the rule, "" for none, and the exit status.
func answer(e release.Evidence) (rule string, exit int, text string) {
	v, err := release.Judge(e)
	if refused, ok := errors.AsType[*refusal.Refusal](err); ok {
		return string(refused.Rule), 2, refused.Detail
	}
	if err != nil {
		return err.Error(), 2, err.Error()
	}
	if len(v.Failures) > 0 {
		rule = string(v.Failures[0].Rule)
	}
	return rule, v.Outcome().Exit(), fmt.Sprint(v.Failures, v.Open)
}

// resign replaces ben's signature over the release statement.
func resign(change func(w *world, sig, message []byte) []byte) func(*world, *made, *release.Evidence) {
	return func(w *world, _ *made, e *release.Evidence) {
		last := &e.Statements[len(e.Statements)-1]
		s := &last.Signatures[0]
		last.Signatures = []dsse.Signature{{KeyID: s.KeyID, Sig: change(w, s.Sig, dsse.PAE(last.PayloadType, last.Payload))}}
	}
}

// spoiled has ben sign with ssh, and what his signature holds changed.
func spoiled(change func(s *signer.SSHSignature)) func(*world, *made, *release.Evidence) {
	return resign(func(w *world, _, message []byte) []byte {
		s := w.parties["ben"].key.(*signer.SSH).Make(signature.StatementNamespace.Namespace(), message)
		change(&s)
		return s.Armour()
	})
}

// byPGP has the release manager sign with a certificate.
func byPGP(change func(k openPGPKey, s *packet.Signature)) func(*world, *made, *release.Evidence) {
	return func(w *world, m *made, e *release.Evidence) {
		k := w.parties["ben/pgp"].key.(openPGPKey)
		last := w.sign(m.release(1, w.root()), "ben/pgp")
		last.Signatures[0].Sig = k.signAs(dsse.PAE(last.PayloadType, last.Payload), change)
		e.Statements[len(e.Statements)-1] = last
	}
}

// repolicy changes the policy's text.
func repolicy(old, new string) func(*world, *made, *release.Evidence) {
	return func(w *world, m *made, e *release.Evidence) {
		if !strings.Contains(w.policy, old) {
			w.tb.Fatalf("the policy has no %q", old)
		}
		w.policy = strings.Replace(w.policy, old, new, 1)
		e.Chain, e.Root, e.Statements = []policychain.Link{{Policy: []byte(w.policy)}}, w.root(), w.vouch(m)
	}
}

// repayload changes the payload of the release statement, which ben signs.
func repayload(change func(payload []byte) []byte) func(*world, *made, *release.Evidence) {
	return func(w *world, m *made, e *release.Evidence) {
		e.Statements[3] = w.signPayload(dsse.StatementType, change(encoded(w, m.release(1, w.root()))), signature.StatementNamespace, "ben")
	}
}

func sha1(_ openPGPKey, s *packet.Signature) { s.Hash = crypto.SHA1 }

func older(_ openPGPKey, s *packet.Signature) { s.CreationTime = time.Unix(epoch-5000, 0) }

// The hostile signatures and statements, and what comes of each.
func TestHostileSignatures(t *testing.T) {
	saki := func(p *plan) { p.tagger = "" }
	rows := []row{
		{"S01 one key of two parties", func(w *world, m *made, e *release.Evidence) {
			repolicy(w.parties["ben"].key.Line(), w.parties["eve"].key.Line())(w, m, e)
		}, "POL_KEYREUSE", 2},
		{"S01 one key of two parties, in two forms", func(w *world, m *made, e *release.Evidence) {
			w.addKey("eve/twin")
			repolicy(w.parties["ben"].key.Line(), w.parties["eve/twin"].key.Line())(w, m, e)
		}, "POL_KEYREUSE", 2},
		{"S01 a certificate and its subkey are one party", func(w *world, m *made, e *release.Evidence) {
			e.Statements[3] = w.sign(m.release(1, w.root()), "ben/pgp", "ben/subkey")
		}, "", 0},
		{"S02 one key under two names", func(w *world, m *made, e *release.Evidence) {
			s := e.Statements[3].Signatures[0]
			e.Statements[3].Signatures = append(e.Statements[3].Signatures, dsse.Signature{KeyID: "SHA256:other", Sig: s.Sig})
		}, "SIG_FORMAT", 2},
		{"S03 nobody is needed", repolicy("[quorum.builder]\nneed = 1", "[quorum.builder]\nneed = 0"), "POL_INVALID", 2},
		{"S03 more are needed than there are", repolicy("[quorum.builder]\nneed = 1", "[quorum.builder]\nneed = 2"), "POL_INVALID", 2},
		{"S03 fewer than none are needed", repolicy("[quorum.builder]\nneed = 1", "[quorum.builder]\nneed = -1"), "POL_INVALID", 2},
		{"S03 nobody is listed", repolicy(`of = ["ci"]`, `of = []`), "POL_INVALID", 2},
		{"S03 an unknown role", repolicy("[quorum.builder]", "[quorum.bilder]"), "POL_INVALID", 2},
		{"S04 an unknown signature beside a good one", func(w *world, m *made, e *release.Evidence) {
			w.addKey("stranger")
			e.Statements[3] = w.sign(m.release(1, w.root()), "ben", "stranger")
		}, "", 0},
		{"S04 a bad one beside a good one", func(w *world, m *made, e *release.Evidence) {
			e.Statements[3].Signatures = append(e.Statements[3].Signatures, w.sign(m.build(), "eve").Signatures...)
		}, "SIG_BAD", 1},
		{"S05 two armours", resign(func(_ *world, sig, _ []byte) []byte { return append(slices.Clone(sig), sig...) }), "SIG_MULTI", 2},
		{"S05 two packets", func(w *world, m *made, e *release.Evidence) {
			e.Statements[3] = w.sign(m.release(1, w.root()), "ben/pgp")
			s := &e.Statements[3].Signatures[0]
			s.Sig = append(slices.Clone(s.Sig), s.Sig...)
		}, "SIG_MULTI", 2},
		{"S06 armour in place of one packet", func(w *world, m *made, e *release.Evidence) {
			k := w.parties["ben/pgp"].key.(openPGPKey)
			e.Statements[3] = w.sign(m.release(1, w.root()), "ben/pgp")
			e.Statements[3].Signatures[0].Sig = k.Sign(signature.GitNamespace.Namespace(), dsse.PAE(dsse.StatementType, e.Statements[3].Payload))
		}, "SIG_FORMAT", 2},
		{"S06 a form feed before the armour", resign(func(_ *world, sig, _ []byte) []byte { return append([]byte("\f"), sig...) }), "SIG_FORMAT", 2},
		{"S06 a message in place of a signature", resign(func(*world, []byte, []byte) []byte { return []byte("-----BEGIN PGP SIGNED MESSAGE-----\n") }), "SIG_FORMAT", 2},
		{"S07 SHA-1", byPGP(sha1), "SIG_WEAK", 1},
		{"S08 older than its key", byPGP(older), "SIG_EXPIRED", 1},
		{"S08 a key that the policy has revoked", func(w *world, m *made, e *release.Evidence) {
			repolicy("[owners]", "[[revoked]]\nkey = \""+w.raw("ben")+"\"\n\n[owners]")(w, m, e)
		}, "POL_QUORUM", 1},
		{"S09 a subkey that may not sign", func(w *world, m *made, e *release.Evidence) {
			k := w.parties["ben/pgp"].key.(openPGPKey)
			k.entity.Subkeys[0].Bindings[0].Packet.FlagSign = false
			w.must(k.entity.Subkeys[0].Bindings[0].Packet.SignKey(k.entity.Subkeys[0].PublicKey, k.entity.PrivateKey, nil))
			w.policy = w.fill(strings.ReplaceAll(helloPolicy, "KEY(ben)", "KEY(ben), KEY(ben/pgp)"))
			e.Chain, e.Root, e.Statements = []policychain.Link{{Policy: []byte(w.policy)}}, w.root(), w.vouch(m)
			e.Statements[3] = w.sign(m.release(1, w.root()), "ben/subkey")
		}, "SIG_WEAK", 1},
		{"S10 RSA of 1024 bits", func(w *world, m *made, e *release.Evidence) {
			repolicy(w.parties["ada"].key.Line(), signer.NewSSH(w.tb, "rsa-1024").Line())(w, m, e)
		}, "POL_INVALID", 2},
		{"S11 a signature for git", func(w *world, m *made, e *release.Evidence) {
			e.Statements[3] = w.signPayload(dsse.StatementType, e.Statements[3].Payload, signature.GitNamespace, "ben")
		}, "SIG_NAMESPACE", 2},
		{"S11 a signature for files", func(w *world, m *made, e *release.Evidence) {
			e.Statements[3] = w.signPayload(dsse.StatementType, e.Statements[3].Payload, signature.FileNamespace, "ben")
		}, "SIG_NAMESPACE", 2},
		{"S12 the reserved field", spoiled(func(s *signer.SSHSignature) { s.Reserved = "x" }), "SIG_FORMAT", 2},
		{"S13 text before", resign(func(_ *world, sig, _ []byte) []byte { return append([]byte("x\n"), sig...) }), "SIG_FORMAT", 2},
		{"S13 text after", resign(func(_ *world, sig, _ []byte) []byte { return append(slices.Clone(sig), "x\n"...) }), "SIG_FORMAT", 2},
		{"S13 CRLF", resign(func(_ *world, sig, _ []byte) []byte { return bytes.ReplaceAll(sig, []byte("\n"), []byte("\r\n")) }), "SIG_FORMAT", 2},
		{"S13 bytes behind", spoiled(func(s *signer.SSHSignature) { s.Rest = []byte{0} }), "SIG_FORMAT", 2},
		{"S14 a line of allowed_signers in a policy", func(w *world, m *made, e *release.Evidence) {
			repolicy(`"`+w.parties["ada"].key.Line(), `"* `+w.parties["ada"].key.Line())(w, m, e)
		}, "POL_INVALID", 2},
		{"S14 a time of validity in a policy", func(w *world, m *made, e *release.Evidence) {
			repolicy(`"`+w.parties["ada"].key.Line(), `"ada valid-after=\"19700101\" `+w.parties["ada"].key.Line())(w, m, e)
		}, "POL_INVALID", 2},
		{"S14 an authority of certificates in a policy", func(w *world, m *made, e *release.Evidence) {
			repolicy(`"`+w.parties["ada"].key.Line(), `"ada cert-authority `+w.parties["ada"].key.Line())(w, m, e)
		}, "POL_INVALID", 2},
		{"S15 another payload type", func(_ *world, _ *made, e *release.Evidence) { e.Statements[3].PayloadType = "application/json" }, "DSSE_FORMAT", 2},
		{"S15 a key twice", repayload(func(p []byte) []byte { return append([]byte(`{"_type":"x",`), p[1:]...) }), "JSON_FORMAT", 2},
		{"S15 bad UTF-8", repayload(func(p []byte) []byte { return append([]byte("{\"\xff\":1,"), p[1:]...) }), "JSON_FORMAT", 2},
		{"S15 a large number", repayload(func(p []byte) []byte { return append([]byte(`{"x":9007199254740992,`), p[1:]...) }), "JSON_FORMAT", 2},
		{"S15 an unknown member", repayload(func(p []byte) []byte { return append([]byte(`{"x":1,`), p[1:]...) }), "", 0},
		{"S16 a builder's statement on another commit", func(w *world, m *made, e *release.Evidence) {
			s := m.build()
			s.Identity.Commit.SHA256[0] ^= 1
			e.Statements[0] = w.sign(s, "ci")
		}, "POL_QUORUM", 1},
		{"S16 a builder's statement on another version", func(w *world, m *made, e *release.Evidence) {
			s := m.build()
			s.Identity.Version = "1.1"
			e.Statements[0] = w.sign(s, "ci")
		}, "POL_QUORUM", 1},
		{"S16 all of another project", func(w *world, m *made, e *release.Evidence) {
			m.identity.Project += "o"
			e.Statements = w.vouch(m)
		}, "REL_BINDING", 1},
		{"S16 a release under another policy", func(w *world, m *made, e *release.Evidence) {
			e.Statements[3] = w.sign(m.release(2, w.root()), "ben")
		}, "POL_QUORUM", 1},
		{"S17 an older policy than was seen", func(_ *world, _ *made, e *release.Evidence) {
			e.Remembered = release.Remembered{Version: 3, Policy: digest.SHA256{1}}
		}, "POL_ROLLBACK", 1},
		{"S17 an older release in the place of this", func(_ *world, _ *made, e *release.Evidence) { e.Files[0].Name = "hello-2.0.tar.gz" }, "REL_BINDING", 1},
		{"S17 a builder's statement on build A, a release of build B", func(w *world, _ *made, e *release.Evidence) {
			other := w.makeRelease(func() plan { p := honest(); p.generated["words.h"] = "other\n"; return p }())
			e.Statements[0] = w.sign(other.build(), "ci")
		}, "POL_MIXED", 1},
		{"S18 an entry of a log of sigstore", resign(func(*world, []byte, []byte) []byte { return []byte(`{"logIndex":"1","logId":{"keyId":""}}`) }), "SIG_FORMAT", 2}, // sigstore is not read
		{"S19 a bundle of sigstore", resign(func(*world, []byte, []byte) []byte {
			return []byte(`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"}`)
		}), "SIG_FORMAT", 2},
		{"S20 the built commit was rewritten", func(w *world, m *made, e *release.Evidence) { e.Objects = w.rewritten(m) }, "", 3},
		{"S21 a merged tag in the source commit", func(w *world, _ *made, e *release.Evidence) { *e = w.merged(saki) }, "POL_QUORUM", 1},
		{"S22 a statement of long ago", func(w *world, m *made, e *release.Evidence) {
			s := m.release(1, w.root())
			s.Issued = 0
			e.Statements[3] = w.sign(s, "ben")
		}, "", 0},
		{"S22 a statement of the year 9999", func(w *world, m *made, e *release.Evidence) {
			s := m.release(1, w.root())
			s.Issued = 253402300799
			e.Statements[3] = w.sign(s, "ben")
		}, "", 0},
		{"S22 a clock of long ago", func(_ *world, _ *made, e *release.Evidence) { e.Now = 0 }, "", 0},
		{"S22 a clock of long after", func(_ *world, _ *made, e *release.Evidence) { e.Now = 1 << 40 }, "", 0},
	}
	for i := 1; i <= 22; i++ {
		if id := fmt.Sprintf("S%02d ", i); !slices.ContainsFunc(rows, func(r row) bool { return strings.HasPrefix(r.name, id) }) {
			t.Errorf("%s has no case", id)
		}
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			w := newWorld(t, strings.ReplaceAll(helloPolicy, "KEY(ben)", "KEY(ben), KEY(ben/pgp)"))
			m := w.makeRelease(honest())
			e := w.evidence(m, w.vouch(m)...)
			r.change(w, m, &e)
			if rule, exit, text := answer(e); rule != r.want || exit != r.exit {
				t.Errorf("exit %d, want %d; %q, want %q: %s", exit, r.exit, rule, r.want, text)
			}
		})
	}
}

// raw returns a raw key as policies name it.
func (w *world) raw(name string) string {
	h, err := signature.ParseHolders([]byte(w.parties[name].key.Line()))
	w.must(err)
	return h[0].Keys[0].String()
}
