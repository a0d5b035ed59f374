package signature_test

import (
	"bytes"
	"crypto"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"github.com/countermark/countermark/internal/refusal"
)

// The times in the vectors of OpenPGP, in Unix seconds.
const (
	vectorBorn   = vectorTime - 1000000
	vectorSigned = vectorTime - 500000
)

// openPGP makes certificates and signatures for the vectors.
type openPGP struct{ t *testing.T }

func (o openPGP) config(at int64, change ...func(*packet.Config)) *packet.Config {
	c := &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, Time: func() time.Time { return time.Unix(at, 0) }}
	for _, f := range change {
		f(c)
	}
	return c
}

func (o openPGP) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o openPGP) armour(kind string, write func(io.Writer) error) string {
	var b bytes.Buffer
	w, err := armor.Encode(&b, kind, nil)
	o.must(err)
	o.must(write(w))
	o.must(w.Close())
	return b.String() + "\n"
}

// key makes a certificate without subkeys.
func (o openPGP) key(change ...func(*packet.Config)) *openpgp.Entity {
	e, err := openpgp.NewEntity("Alice", "", "alice@example.org", o.config(vectorBorn, change...))
	o.must(err)
	e.Subkeys = nil
	return e
}

func (o openPGP) public(e *openpgp.Entity) string {
	return o.armour("PGP PUBLIC KEY BLOCK", e.Serialize)
}

// revoked returns the certificate with a revocation of the given time.
func (o openPGP) revoked(e *openpgp.Entity, why packet.ReasonForRevocation, at int64) string {
	c := *e
	o.must(c.Revoke(why, "", o.config(at)))
	return o.public(&c)
}

// sign makes a detached signature, armoured.
func (o openPGP) sign(e *openpgp.Entity, message string, at int64, change ...func(*packet.Signature)) string {
	key := e.PrivateKey
	s := &packet.Signature{Version: key.Version, SigType: packet.SigTypeBinary, PubKeyAlgo: key.PubKeyAlgo, Hash: crypto.SHA256, CreationTime: time.Unix(at, 0), IssuerKeyId: &key.KeyId}
	for _, f := range change {
		f(s)
	}
	salted := false
	config := &packet.Config{NonDeterministicSignaturesViaNotation: &salted}
	h, err := s.PrepareSign(config)
	o.must(err)
	_, err = io.WriteString(h, message)
	o.must(err)
	o.must(s.Sign(h, key, config))
	return o.armour("PGP SIGNATURE", s.Serialize)
}

func openPGPVectors(t *testing.T) (string, question, []variant) {
	o := openPGP{t}
	with := func(a packet.PublicKeyAlgorithm, curve packet.Curve, v6 bool) *openpgp.Entity {
		return o.key(func(c *packet.Config) { c.Algorithm, c.Curve, c.V6Keys, c.RSABits = a, curve, v6, 2048 })
	}
	key, other := o.key(), o.key()
	ends := func(seconds uint32) *openpgp.Entity {
		return o.key(func(c *packet.Config) { c.KeyLifetimeSecs = seconds })
	}
	const message = "hello\n"
	q := question{"file", o.public(key), message, o.sign(key, message, vectorSigned)}
	signedBy := func(e *openpgp.Entity) func(*question) {
		return func(q *question) { q.keys, q.signature = o.public(e), o.sign(e, message, vectorSigned) }
	}
	signedAs := func(at int64, change ...func(*packet.Signature)) func(*question) {
		return func(q *question) { q.signature = o.sign(key, message, at, change...) }
	}
	revoked := func(why packet.ReasonForRevocation, at int64) func(*question) {
		return func(q *question) { q.keys = o.revoked(key, why, at) }
	}
	hash := func(h crypto.Hash) func(*packet.Signature) { return func(s *packet.Signature) { s.Hash = h } }
	armour := func(old, new string) func(*question) {
		return func(q *question) { q.signature = strings.Replace(q.signature, old, new, 1) }
	}
	day := uint32(24 * 60 * 60)
	return "One OpenPGP signature by an Ed25519 key of version 4, over a file.", q, []variant{
		{"another message", func(q *question) { q.message = "hullo\n" }, refusal.SigBad},
		{"another key", func(q *question) { q.keys = o.public(other) }, refusal.SigNoKey},
		{"two blocks of keys", func(q *question) { q.keys = o.public(other) + "text\n" + q.keys }, ""},
		{"a broken block of keys", func(q *question) { q.keys += strings.Replace(o.public(other), "\n\n", "\n\n!", 1) }, refusal.SigKey},
		{"RSA of 2048 bits", signedBy(with(packet.PubKeyAlgoRSA, "", false)), ""},
		{"ECDSA P-256", signedBy(with(packet.PubKeyAlgoECDSA, packet.CurveNistP256, false)), ""},
		{"ECDSA brainpoolP256r1", signedBy(with(packet.PubKeyAlgoECDSA, packet.CurveBrainpoolP256, false)), refusal.SigNoKey},
		{"Ed25519 of version 6", signedBy(with(packet.PubKeyAlgoEd25519, "", true)), ""},
		{"SHA-1", signedAs(vectorSigned, hash(crypto.SHA1)), refusal.SigWeak},
		{"SHA-512", signedAs(vectorSigned, hash(crypto.SHA512)), ""},
		{"over text", signedAs(vectorSigned, func(s *packet.Signature) { s.SigType = packet.SigTypeText }), refusal.SigFormat},
		{"a critical notation", signedAs(vectorSigned, func(s *packet.Signature) {
			s.Notations = []*packet.Notation{{Name: "x@example.org", IsCritical: true}}
		}), refusal.SigFormat},
		{"from the future", signedAs(vectorTime + 601), refusal.SigExpired},
		{"older than the key", signedAs(vectorBorn - 1), refusal.SigExpired},
		{"a signature that has ended", signedAs(vectorSigned, func(s *packet.Signature) { s.SigLifetimeSecs = &day }), refusal.SigExpired},
		{"the key ends before the signature", signedBy(ends(day)), refusal.SigExpired},
		{"the key ends after the signature", signedBy(ends(7 * day)), refusal.SigExpired},
		{"the key ends later than now", signedBy(ends(100 * day)), ""},
		{"revoked as compromised after the signature", revoked(packet.KeyCompromised, vectorSigned+1), refusal.SigRevoked},
		{"retired before the signature", revoked(packet.KeyRetired, vectorSigned-1), refusal.SigRevoked},
		{"retired after the signature", revoked(packet.KeyRetired, vectorSigned+1), refusal.SigRevoked},
		{"text before", func(q *question) { q.signature = "x\n" + q.signature }, refusal.SigFormat},
		{"text after", func(q *question) { q.signature += "x\n" }, refusal.SigFormat},
		{"a form feed in the armour", armour("\n\n", "\n\f\n"), refusal.SigFormat},
		{"two blocks", func(q *question) { q.signature += q.signature }, refusal.SigMulti},
		{"a message by its first line", armour("BEGIN PGP SIGNATURE", "BEGIN PGP MESSAGE"), refusal.SigFormat},
		{"in an envelope", func(q *question) { q.purpose = "countermark-statement-v1" }, refusal.SigFormat},
	}
}
