package pgp_test

import (
	"bytes"
	"crypto"
	"regexp"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature/finding"
	"github.com/countermark/countermark/internal/testkit"
)

const (
	year   = 365 * 24 * 60 * 60
	signed = born + 2*year // when the signatures of the cases were made
)

// life is a case of a certificate, signed by its primary key.
type life struct {
	name  string
	build func(c *certificate)
	state finding.State
	rule  refusal.Rule
	why   string // a pattern
	lax   string // the programs that accept although we do not; what we accept, all accept
}

var primaryLives = []life{
	{"plain", func(c *certificate) { c.user().certify(born) }, finding.Good, "", "^$", ""},
	{"an end later than now", func(c *certificate) { c.user().certify(born, endsAfter(20*year)) }, finding.Good, "", "^$", ""},
	{"an end between signature and now", func(c *certificate) { c.user().certify(born, endsAfter(3*year)) },
		finding.GoodExpired, refusal.SigExpired, "has expired after the time that the signature names, 2019-07-14, which is its own claim", ""},
	{"an end before the signature", func(c *certificate) { c.user().certify(born, endsAfter(year)) },
		finding.Expired, refusal.SigExpired, "had expired .* 2019-07-14", "gpgv"},
	{"an end before the signature, prolonged in time", func(c *certificate) { c.user().certify(born, endsAfter(year)).certify(born + year/2) },
		finding.Good, "", "^$", ""},
	{"an end before the signature, prolonged later", func(c *certificate) { c.user().certify(born, endsAfter(year)).certify(signed + year) },
		finding.Expired, refusal.SigExpired, "had expired", "gpgv"},
	{"an end on the key itself", func(c *certificate) { c.direct(born, endsAfter(year)).user().certify(born) },
		finding.Expired, refusal.SigExpired, "had expired", "gpgv"},
	{"only a later certification", func(c *certificate) { c.user().certify(signed + year) },
		finding.Expired, refusal.SigExpired, "nothing of its key that was written by 2019-07-14", "gpgv"},
	{"a certification that has ended", func(c *certificate) { c.user().certify(born, holdsFor(year)) },
		finding.Expired, refusal.SigExpired, "nothing of its key", "gpgv"},
	{"revoked without a reason, later", func(c *certificate) { c.revoke(c.key, signed+year).user().certify(born) },
		finding.Revoked, refusal.SigRevoked, "revoked on 2020-07-13 .no reason given., which counts for all", "gpgv"},
	{"revoked as compromised, later", func(c *certificate) {
		c.revoke(c.key, signed+year, because(packet.KeyCompromised)).user().certify(born)
	},
		finding.Revoked, refusal.SigRevoked, "compromised", "gpgv"},
	{"revoked for a reason that nobody knows", func(c *certificate) { c.revoke(c.key, signed+year, because(99)).user().certify(born) },
		finding.Revoked, refusal.SigRevoked, "counts for all", "gpgv"},
	{"superseded later", func(c *certificate) { c.revoke(c.key, signed+year, because(packet.KeySuperseded)).user().certify(born) },
		finding.GoodExpired, refusal.SigRevoked, "out of use on 2020-07-13 .superseded., after", ""},
	{"retired before", func(c *certificate) { c.revoke(c.key, signed-year, because(packet.KeyRetired)).user().certify(born) },
		finding.Revoked, refusal.SigRevoked, "out of use on 2018-07-14 .retired., before", "gpgv"},
	{"retired before, and certified again", func(c *certificate) {
		c.revoke(c.key, signed-year, because(packet.KeyRetired)).user().certify(born).certify(signed - 1)
	}, finding.Revoked, refusal.SigRevoked, "retired", "gpgv sqv"},
	{"a revocation by SHA-1", func(c *certificate) { c.revoke(c.key, signed-year, sha1).user().certify(born) },
		finding.Revoked, refusal.SigRevoked, "counts for all", "gpgv"},
	{"a revocation that has ended", func(c *certificate) {
		c.revoke(c.key, signed-year, because(packet.KeyRetired), holdsFor(1)).user().certify(born)
	}, finding.Revoked, refusal.SigRevoked, "retired", "gpgv sqv"},
	{"a revocation after the user id", func(c *certificate) { c.user().certify(born).revoke(c.key, signed-year) },
		finding.Revoked, refusal.SigRevoked, "counts for all", "gpgv"},
	{"a revocation with a critical notation", func(c *certificate) { c.revoke(c.key, signed-year, critical).user().certify(born) },
		finding.Revoked, refusal.SigRevoked, "counts for all", "gpgv sqv"},
	{"a revocation by a stranger", func(c *certificate) { c.revoke(newKey(c.t, born), signed-year).user().certify(born) }, finding.Good, "", "^$", ""},
	{"a revocation that names nobody", func(c *certificate) { c.revokeAs("", "").user().certify(born) }, finding.Revoked, refusal.SigRevoked, "counts for all", "gpgv sqv"},
	{"a revocation that names another in its unsigned part", func(c *certificate) {
		c.revokeAs("", "\x09\x1012345678").user().certify(born)
	}, finding.Revoked, refusal.SigRevoked, "counts for all", "gpgv sqv"},
	{"certified by SHA-1", func(c *certificate) { c.user().certify(born, sha1) }, finding.Weak, refusal.SigWeak, "SHA-1 alone", "gpgv"},
	{"certified by SHA-1, and better in time", func(c *certificate) { c.user().certify(born, sha1).certify(born + year) }, finding.Good, "", "^$", ""},
	{"certified by SHA-1, and better too late", func(c *certificate) { c.user().certify(born, sha1).certify(signed + year) },
		finding.Weak, refusal.SigWeak, "SHA-1 alone", "gpgv"},
	{"certified with a critical notation", func(c *certificate) { c.user().certify(born, critical) },
		finding.Weak, refusal.SigKeyUse, "no signature of its own on it holds", ""},
	{"no leave to sign", func(c *certificate) { c.user().certify(born, noSign) }, finding.Weak, refusal.SigKeyUse, "leave to sign", ""},
	{"no leave to sign by the key itself", func(c *certificate) { c.direct(born, noSign).user().certify(born) },
		finding.Weak, refusal.SigKeyUse, "leave to sign", "sqv"},
	{"nothing of its use", func(c *certificate) { c.user().certify(born, noFlags) }, finding.Weak, refusal.SigKeyUse, "not say what the key is for", "gpgv"},
}

func TestPrimaryKey(t *testing.T) {
	for _, c := range primaryLives {
		t.Run(c.name, func(t *testing.T) {
			key := newKey(t, born)
			built := newCertificate(t, key)
			c.build(built)
			c.check(t, built.bytes(), signMessage(t, key, signed))
		})
	}
}

// check holds our finding to the case, and to what gpgv, sqv and the library say.
func (c life) check(t *testing.T, certificates, sig []byte) {
	t.Helper()
	f := verify(t, sig, parse(t, certificates))
	if f.State != c.state || f.Rule != c.rule || !regexp.MustCompile(c.why).MatchString(f.Why) || f.Key.IsZero() || f.Holder != 0 || f.Signed == 0 {
		t.Errorf("%+v, expected %v, %q and %q", f, c.state, c.rule, c.why)
	}
	ours := f.State == finding.Good || f.State == finding.GoodExpired
	when := time.Unix(now+600, 0)
	el, err := openpgp.ReadKeyRing(bytes.NewReader(certificates))
	if err == nil {
		_, _, err = openpgp.VerifyDetachedSignature(el, bytes.NewReader([]byte(message)), bytes.NewReader(sig), &packet.Config{Time: func() time.Time { return when }})
	}
	if ours && err != nil {
		t.Errorf("the library refuses: %v", err)
	}
	g := &gnuPG{t: t, home: t.TempDir()}
	for _, program := range []string{"gpgv", "sqv"} {
		if !testkit.HasProgram(program) {
			continue
		}
		accepted, said := g.judge(program, sig, certificates)
		expected := ours
		if regexp.MustCompile(`\b` + program + `\b`).MatchString(c.lax) {
			expected = true
		}
		if accepted != expected {
			t.Errorf("%s accepts: %v, expected %v: %s", program, accepted, expected, said)
		}
	}
}

// A certificate and a subkey of it, which signs.
var subkeyLives = []struct {
	life
	build func(c *certificate, sub *packet.PrivateKey)
}{
	{life{"plain", nil, finding.Good, "", "^$", ""}, func(c *certificate, sub *packet.PrivateKey) { c.user().certify(born).subkey(sub).bind(sub, born) }},
	{life{"a primary key without leave to sign", nil, finding.Good, "", "^$", ""},
		func(c *certificate, sub *packet.PrivateKey) {
			c.user().certify(born, noSign).subkey(sub).bind(sub, born)
		}},
	{life{"for encryption", nil, finding.Weak, refusal.SigKeyUse, "leave to sign", ""},
		func(c *certificate, sub *packet.PrivateKey) {
			c.user().certify(born).subkey(sub).bindWith(sub, nil, born, noFlags, encrypts)
		}},
	{life{"for encryption, with a back signature", nil, finding.Weak, refusal.SigKeyUse, "leave to sign", ""},
		func(c *certificate, sub *packet.PrivateKey) {
			c.user().certify(born).subkey(sub).bind(sub, born, noFlags, encrypts)
		}},
	{life{"for nothing", nil, finding.Weak, refusal.SigKeyUse, "not say what the key is for", "gpgv"},
		func(c *certificate, sub *packet.PrivateKey) {
			c.user().certify(born).subkey(sub).bind(sub, born, noFlags)
		}},
	{life{"no back signature", nil, finding.Weak, refusal.SigKeyUse, "not signed that it belongs", ""},
		func(c *certificate, sub *packet.PrivateKey) {
			c.user().certify(born).subkey(sub).bindWith(sub, nil, born)
		}},
	{life{"another's back signature", nil, finding.Weak, refusal.SigKeyUse, "not signed that it belongs", ""},
		func(c *certificate, sub *packet.PrivateKey) {
			other := newCertificate(c.t, newKey(c.t, born)).back(sub, born)
			c.user().certify(born).subkey(sub).bindWith(sub, other, born)
		}},
	{life{"a back signature by SHA-1", nil, finding.Weak, refusal.SigWeak, "SHA-1 alone", "gpgv"},
		func(c *certificate, sub *packet.PrivateKey) {
			c.user().certify(born).subkey(sub).bindWith(sub, c.back(sub, born, sha1), born)
		}},
	{life{"a back signature that has ended", nil, finding.Expired, refusal.SigExpired, "nothing of its key", "gpgv"},
		func(c *certificate, sub *packet.PrivateKey) {
			c.user().certify(born).subkey(sub).bindWith(sub, c.back(sub, born, holdsFor(year)), born)
		}},
	{life{"bound by SHA-1", nil, finding.Weak, refusal.SigWeak, "SHA-1 alone", "gpgv"},
		func(c *certificate, sub *packet.PrivateKey) { c.user().certify(born).subkey(sub).bind(sub, born, sha1) }},
	{life{"a primary key certified by SHA-1", nil, finding.Weak, refusal.SigWeak, "SHA-1 alone", "gpgv"},
		func(c *certificate, sub *packet.PrivateKey) { c.user().certify(born, sha1).subkey(sub).bind(sub, born) }},
	{life{"not bound", nil, finding.Weak, refusal.SigKeyUse, "does not bind the key", ""},
		func(c *certificate, sub *packet.PrivateKey) { c.user().certify(born).subkey(sub) }},
	{life{"bound by another key", nil, finding.Weak, refusal.SigKeyUse, "does not bind the key", ""},
		func(c *certificate, sub *packet.PrivateKey) {
			other := newCertificate(c.t, newKey(c.t, born))
			other.bind(sub, born)
			c.user().certify(born).subkey(sub).out.Write(other.bytes()[publicKeyBytes:])
		}},
	{life{"bound later", nil, finding.Expired, refusal.SigExpired, "nothing of its key", "gpgv"},
		func(c *certificate, sub *packet.PrivateKey) {
			c.user().certify(born).subkey(sub).bind(sub, signed+year)
		}},
	{life{"an end before the signature", nil, finding.Expired, refusal.SigExpired, "had expired", "gpgv"},
		func(c *certificate, sub *packet.PrivateKey) {
			c.user().certify(born).subkey(sub).bind(sub, born, endsAfter(year))
		}},
	{life{"an end after the signature", nil, finding.GoodExpired, refusal.SigExpired, "has expired after", ""},
		func(c *certificate, sub *packet.PrivateKey) {
			c.user().certify(born).subkey(sub).bind(sub, born, endsAfter(3*year))
		}},
	{life{"an end of the primary key before the signature", nil, finding.Expired, refusal.SigExpired, "had expired", "gpgv"},
		func(c *certificate, sub *packet.PrivateKey) {
			c.user().certify(born, endsAfter(year)).subkey(sub).bind(sub, born)
		}},
	{life{"an end of the primary key after the signature", nil, finding.GoodExpired, refusal.SigExpired, "has expired after", ""},
		func(c *certificate, sub *packet.PrivateKey) {
			c.user().certify(born, endsAfter(3*year)).subkey(sub).bind(sub, born)
		}},
	{life{"revoked as compromised, later", nil, finding.Revoked, refusal.SigRevoked, "compromised", "gpgv"},
		func(c *certificate, sub *packet.PrivateKey) {
			c.user().certify(born).subkey(sub).revokeSubkey(sub, signed+year, because(packet.KeyCompromised)).bind(sub, born)
		}},
	{life{"a revocation after the binding", nil, finding.Revoked, refusal.SigRevoked, "compromised", "gpgv"},
		func(c *certificate, sub *packet.PrivateKey) {
			c.user().certify(born).subkey(sub).bind(sub, born).revokeSubkey(sub, signed+year, because(packet.KeyCompromised))
		}},
	{life{"a revocation before its subkey", nil, finding.Revoked, refusal.SigRevoked, "compromised", "gpgv"},
		func(c *certificate, sub *packet.PrivateKey) {
			c.user().certify(born).revokeSubkey(sub, signed+year, because(packet.KeyCompromised)).subkey(sub).bind(sub, born)
		}},
	{life{"superseded later", nil, finding.GoodExpired, refusal.SigRevoked, "superseded", ""},
		func(c *certificate, sub *packet.PrivateKey) {
			c.user().certify(born).subkey(sub).revokeSubkey(sub, signed+year, because(packet.KeySuperseded)).bind(sub, born)
		}},
	{life{"retired before", nil, finding.Revoked, refusal.SigRevoked, "retired", "gpgv"},
		func(c *certificate, sub *packet.PrivateKey) {
			c.user().certify(born).subkey(sub).revokeSubkey(sub, signed-year, because(packet.KeyRetired)).bind(sub, born)
		}},
	{life{"retired before, and bound again", nil, finding.Revoked, refusal.SigRevoked, "retired", "gpgv sqv"},
		func(c *certificate, sub *packet.PrivateKey) {
			c.user().certify(born).subkey(sub).revokeSubkey(sub, signed-year, because(packet.KeyRetired)).bind(sub, born).bind(sub, signed-1)
		}},
	{life{"the primary key revoked later", nil, finding.Revoked, refusal.SigRevoked, "counts for all", "gpgv"},
		func(c *certificate, sub *packet.PrivateKey) {
			c.revoke(c.key, signed+year).user().certify(born).subkey(sub).bind(sub, born)
		}},
}

// publicKeyBytes is the length of the packet of a key that newKey makes.
const publicKeyBytes = 2 + 51

func TestSubkey(t *testing.T) {
	for _, c := range subkeyLives {
		t.Run(c.name, func(t *testing.T) {
			sub := newSubkey(t, born)
			built := newCertificate(t, newKey(t, born))
			c.build(built, sub)
			c.check(t, built.bytes(), signMessage(t, sub, signed))
		})
	}
}

func TestTimes(t *testing.T) {
	for _, c := range []struct {
		life
		at      int64
		changes []change
	}{
		{life{name: "now", state: finding.Good, why: "^$"}, now, nil},
		{life{name: "a clock that is ahead", state: finding.Good, why: "^$"}, now + 600, nil},
		{life{name: "yet to come", state: finding.Expired, rule: refusal.SigExpired, why: "yet to come", lax: "gpgv sqv"}, now + 601, nil},
		{life{name: "the moment of the key", state: finding.Good, why: "^$"}, born, nil},
		{life{name: "older than the key", state: finding.Expired, rule: refusal.SigExpired, why: "made on 2017-07-14, and the key on 2017-07-14"}, born - 1, nil},
		{life{name: "a signature that still holds", state: finding.Good, why: "^$"}, now - 1000, []change{holdsFor(uint32(20 * year))}},
		{life{name: "a signature that has ended", state: finding.Expired, rule: refusal.SigExpired, why: "until 2020-07-13 alone"}, signed, []change{holdsFor(year)}},
		{life{name: "SHA-1", state: finding.Weak, rule: refusal.SigWeak, why: "SHA-1, expected", lax: "gpgv"}, signed, []change{sha1}},
		{life{name: "SHA-224", state: finding.Weak, rule: refusal.SigWeak, why: "SHA-224, expected", lax: "gpgv sqv"}, signed,
			[]change{func(s *packet.Signature) { s.Hash = crypto.SHA224 }}},
		{life{name: "SHA-384", state: finding.Good, why: "^$"}, signed, []change{func(s *packet.Signature) { s.Hash = crypto.SHA384 }}},
		{life{name: "SHA-512", state: finding.Good, why: "^$"}, signed, []change{func(s *packet.Signature) { s.Hash = crypto.SHA512 }}},
	} {
		t.Run(c.name, func(t *testing.T) {
			key := newKey(t, born)
			c.check(t, newCertificate(t, key).user().certify(born).bytes(), signMessage(t, key, c.at, c.changes...))
		})
	}
}
