package pgp_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/signature/finding"
	"github.com/countermark/countermark/internal/signature/pgp"
)

// FuzzSignature holds that no bytes upset the reader, that the canonical form is
// its own, and that what verifies is the one signature there is.
func FuzzSignature(f *testing.F) {
	key := newKey(f, born)
	sig := signMessage(f, key, signed)
	certificates, err := pgp.ParseCertificates(simple(f, key))
	if err != nil {
		f.Fatal(err)
	}
	canonical, err := pgp.Canonical(sig)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sig)
	f.Add(canonical)
	f.Add([]byte(armoured(f, "PGP SIGNATURE", sig)))
	f.Add(handmade(f, key, "\x05\x02\x60\x00\x00\x00", "\x09\x10"+string(key.Fingerprint[12:])))
	v6 := newKey(f, born, v6Ed25519)
	f.Add(signMessage(f, v6, signed))
	f.Fuzz(func(t *testing.T, data []byte) {
		again, err := pgp.Canonical(data)
		if err == nil {
			if twice, err := pgp.Canonical(again); err != nil || !bytes.Equal(twice, again) {
				t.Errorf("the canonical form %x becomes %x, %v", again, twice, err)
			}
		}
		found, verifyErr := pgp.Verify(data, strings.NewReader(message), certificates, now)
		if _, issuerErr := pgp.Issuer(data); (verifyErr == nil) != (issuerErr == nil) {
			t.Errorf("verifying: %v, the issuer: %v", verifyErr, issuerErr)
		}
		if verifyErr == nil && found.State == finding.Good && bytes.Equal(again, data) && !bytes.Equal(again, canonical) {
			t.Errorf("%x is good, and is not %x", data, canonical)
		}
	})
}

// FuzzCertificates holds that no key file upsets the reader, and that nothing in
// it makes a signature good that another key made.
func FuzzCertificates(f *testing.F) {
	key, sub := newKey(f, born), newSubkey(f, born)
	f.Add(simple(f, key))
	f.Add([]byte(armoured(f, "PGP PUBLIC KEY BLOCK", simple(f, key))))
	f.Add(newCertificate(f, key).revoke(key, signed).user().certify(born).subkey(sub).bind(sub, born).revokeSubkey(sub, signed).bytes())
	f.Add(newCertificate(f, key).direct(born).user().certify(born).subkey(sub).bindWith(sub, nil, born).bytes())
	f.Add(append(versionThree(), unknownAlgorithm()...))
	f.Add(simple(f, newKey(f, born, v6Ed25519)))
	stranger := newKey(f, born)
	sigs := [][]byte{signMessage(f, key, signed), signMessage(f, sub, signed), signMessage(f, stranger, signed)}
	f.Fuzz(func(t *testing.T, data []byte) {
		certificates, err := pgp.ParseCertificates(data)
		if err != nil {
			return
		}
		for i, sig := range sigs {
			found, err := pgp.Verify(sig, strings.NewReader(message), certificates, now)
			if err != nil || found.State == finding.Good && i == len(sigs)-1 {
				t.Errorf("signature %d: %+v, %v", i, found, err)
			}
			if found.State == finding.Good && found.Key.IsZero() {
				t.Errorf("signature %d is good, by no key", i)
			}
		}
	})
}
