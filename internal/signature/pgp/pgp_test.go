package pgp_test

import (
	"bytes"
	"testing"

	"github.com/countermark/countermark/internal/publickey"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature/finding"
	"github.com/countermark/countermark/internal/signature/pgp"
)

const message = "the message\n"

// now is a time at which everything that the tests make is of interest.
const now = 1_700_000_000

func verify(t *testing.T, sig []byte, certificates []pgp.Certificate) finding.Finding {
	t.Helper()
	f, err := pgp.Verify(sig, bytes.NewReader([]byte(message)), certificates, now)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func parse(t *testing.T, data []byte) []pgp.Certificate {
	t.Helper()
	all, err := pgp.ParseCertificates(data)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestGnuPG(t *testing.T) {
	g := newGnuPG(t)
	for _, c := range []struct {
		algorithm string
		want      publickey.Algorithm
		note      string
	}{
		{"rsa2048", publickey.RSA, "RSA 2048"},
		{"rsa3072", publickey.RSA, ""},
		{"ed25519", publickey.Ed25519, ""},
		{"nistp256", publickey.ECDSAP256, ""},
		{"nistp384", publickey.ECDSAP384, ""},
		{"nistp521", publickey.ECDSAP521, ""},
	} {
		fingerprint := g.key(c.algorithm, now-1000)
		for _, sig := range [][]byte{g.sign(fingerprint, now-500), g.sign(fingerprint, now-500, "--armor")} {
			certificates := parse(t, g.export(fingerprint))
			f := verify(t, sig, certificates)
			if f.State != finding.Good || f.Rule != "" || f.Note != c.note || f.Signed != now-500 || f.Holder != 0 || f.Form != finding.OpenPGP {
				t.Errorf("%s: %+v", c.algorithm, f)
			}
			if f.Fingerprint != fingerprint || certificates[0].Fingerprint != fingerprint || certificates[0].Name != g.name(c.algorithm) {
				t.Errorf("%s: %q in %+v", c.algorithm, f.Fingerprint, certificates[0])
			}
			if f.Key.Algorithm() != c.want || len(certificates[0].Keys) != 1 || certificates[0].Keys[0] != f.Key {
				t.Errorf("%s: %v of %v", c.algorithm, f.Key, certificates[0].Keys)
			}
			for _, program := range []string{"gpgv", "sqv"} {
				if accepted, said := g.judge(program, sig, g.export(fingerprint)); !accepted {
					t.Errorf("%s: %s refuses: %s", c.algorithm, program, said)
				}
			}
			f, err := pgp.Verify(sig, bytes.NewReader([]byte("another message\n")), certificates, now)
			if err != nil || f.State != finding.Bad || f.Rule != refusal.SigBad || !f.Key.IsZero() || f.Fingerprint != fingerprint || f.Holder != finding.NoHolder {
				t.Errorf("%s, another message: %+v, %v", c.algorithm, f, err)
			}
		}
	}
}
