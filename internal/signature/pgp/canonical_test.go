package pgp_test

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"github.com/countermark/countermark/internal/signature/finding"
	"github.com/countermark/countermark/internal/signature/pgp"
)

// algorithms are those of which signatures count, with keys of one subkey-less
// certificate each.
func algorithms(t testing.TB) map[string]*packet.PrivateKey {
	t.Helper()
	with := func(a packet.PublicKeyAlgorithm, curve packet.Curve, v6 bool) *packet.PrivateKey {
		return newKey(t, born, func(c *packet.Config) { c.Algorithm, c.Curve, c.V6Keys, c.RSABits = a, curve, v6, 2048 })
	}
	return map[string]*packet.PrivateKey{
		"RSA":             with(packet.PubKeyAlgoRSA, "", false),
		"RSA, v6":         with(packet.PubKeyAlgoRSA, "", true),
		"P-256":           with(packet.PubKeyAlgoECDSA, packet.CurveNistP256, false),
		"P-384":           with(packet.PubKeyAlgoECDSA, packet.CurveNistP384, false),
		"P-521, v6":       with(packet.PubKeyAlgoECDSA, packet.CurveNistP521, true),
		"Ed25519, legacy": with(packet.PubKeyAlgoEdDSA, packet.Curve25519, false),
		"Ed25519":         with(packet.PubKeyAlgoEd25519, "", false),
		"Ed25519, v6":     with(packet.PubKeyAlgoEd25519, "", true),
		"Ed448, v6":       with(packet.PubKeyAlgoEd448, "", true),
	}
}

// v6Ed25519 asks for a key of version 6.
func v6Ed25519(c *packet.Config) { c.Algorithm, c.V6Keys = packet.PubKeyAlgoEd25519, true }

// simple returns a certificate of the key alone. In version 6 the key itself is
// what is certified (RFC 9580, section 10.1.1).
func simple(t testing.TB, key *packet.PrivateKey) []byte {
	t.Helper()
	if key.Version == 6 {
		return newCertificate(t, key).direct(born, maySign).bytes()
	}
	return newCertificate(t, key).user().certify(born).bytes()
}

// counts reports whether a signature in an envelope is good: canonical, and by the key.
func counts(sig []byte, certificates []pgp.Certificate) bool {
	again, err := pgp.Canonical(sig)
	if err != nil || !bytes.Equal(sig, again) {
		return false
	}
	f, err := pgp.Verify(sig, strings.NewReader(message), certificates, now)
	return err == nil && f.State == finding.Good
}

// No bit of a signature in an envelope can be changed. For comparison: of each
// signature as GnuPG and others write it, the library accepts some changes.
func TestEveryBit(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long")
	}
	for name, key := range algorithms(t) {
		t.Run(name, func(t *testing.T) {
			certificates := parse(t, simple(t, key))
			sig, err := pgp.Canonical(signMessage(t, key, signed))
			if err != nil {
				t.Fatal(err)
			}
			if !counts(sig, certificates) {
				t.Fatalf("the signature itself does not count: %+v", verify(t, sig, certificates))
			}
			step := 1
			if strings.HasPrefix(name, "P-521") {
				step = 5 // it is slow
			}
			for i := 0; i < 8*len(sig); i += step {
				flipped := slices.Clone(sig)
				flipped[i/8] ^= 1 << (i % 8)
				if counts(flipped, certificates) {
					t.Errorf("bit %d of %d can be changed", i, 8*len(sig))
				}
			}
			for n := range sig {
				if counts(sig[:n], certificates) {
					t.Errorf("%d of %d bytes count", n, len(sig))
				}
			}
			if counts(append(slices.Clone(sig), 0), certificates) {
				t.Error("a byte more counts")
			}
		})
	}
}

// SHA-3 counts as well, as far as there are programs that write it.
func TestSHA3(t *testing.T) {
	for _, h := range []crypto.Hash{crypto.SHA3_256, crypto.SHA3_512} {
		key := newKey(t, born, v6Ed25519)
		f := verify(t, signMessage(t, key, signed, func(s *packet.Signature) { s.Hash = h }), parse(t, simple(t, key)))
		if f.State != finding.Good {
			t.Errorf("%v: %+v", h, f)
		}
	}
}

// A signature by the real program, as it writes it and in an envelope; and how
// many of its bits can be changed: all of them in the unhashed area (its key id,
// which is not looked at) and in the packet's header.
func TestEveryBitOfGnuPG(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long")
	}
	g := newGnuPG(t)
	fingerprint := g.key("ed25519", born)
	certificates := parse(t, g.export(fingerprint))
	sig := g.sign(fingerprint, signed)
	canonical, err := pgp.Canonical(sig)
	if err != nil {
		t.Fatal(err)
	}
	if !counts(canonical, certificates) || counts(sig, certificates) {
		t.Error("the signature in an envelope does not count, or the other does")
	}
	if fromArmour, err := pgp.Canonical(g.sign(fingerprint, signed, "--armor")); err != nil || !bytes.Equal(fromArmour, canonical) {
		t.Errorf("%v: %x from armour, %x from the binary form", err, fromArmour, canonical)
	}
	for _, program := range []string{"gpgv", "sqv"} {
		if accepted, said := g.judge(program, canonical, g.export(fingerprint)); !accepted {
			t.Errorf("%s refuses the canonical form: %s", program, said)
		}
	}
	keys, err := openpgp.ReadKeyRing(bytes.NewReader(g.export(fingerprint)))
	if err != nil {
		t.Fatal(err)
	}
	byUs, byLibrary := 0, 0
	for i := range 8 * len(sig) {
		flipped := slices.Clone(sig)
		flipped[i/8] ^= 1 << (i % 8)
		f, err := pgp.Verify(flipped, strings.NewReader(message), certificates, now)
		if err == nil && f.State == finding.Good {
			byUs++
			if again, err := pgp.Canonical(flipped); err != nil || !bytes.Equal(again, canonical) {
				t.Errorf("bit %d can be changed, and is signed", i)
			}
		}
		_, _, err = openpgp.VerifyDetachedSignature(keys, strings.NewReader(message), bytes.NewReader(flipped), &packet.Config{Time: func() time.Time { return time.Unix(now, 0) }})
		if err == nil {
			byLibrary++
		}
	}
	t.Logf("of %d bits %d can be changed outside envelopes; the library accepts %d", 8*len(sig), byUs, byLibrary)
}

// The numbers that a canonical signature may not be written with.
func TestRSASignatureBelowModulus(t *testing.T) {
	key := newKey(t, born, func(c *packet.Config) { c.Algorithm, c.RSABits = packet.PubKeyAlgoRSA, 2048 })
	certificates := parse(t, simple(t, key))
	n := key.PublicKey.PublicKey.(*rsa.PublicKey).N.Bytes()
	sig := signMessage(t, key, signed)
	for i := int64(1); sig[len(sig)-len(n)-2] != 8; i++ { // until it is as long as the modulus
		sig = signMessage(t, key, signed+i)
	}
	at := len(sig) - len(n)
	copy(sig[at:], n) // the modulus itself
	sig[at-2], sig[at-1] = 8, 0
	f, err := pgp.Verify(sig, strings.NewReader(message), certificates, now)
	if err != nil || f.State != finding.Bad {
		t.Errorf("%+v, %v", f, err)
	}
}
