// Package pgp verifies OpenPGP signatures (RFC 9580, RFC 4880): one detached
// signature over given bytes, against given certificates, at a given time. It
// reads no file, no keyring and no clock.
//
// The packets, the arithmetic and the lives of keys are go-crypto's
// (github.com/ProtonMail/go-crypto, packages openpgp/packet and openpgp/v2).
// What stands here is stricter than that, and only ever refuses more: the one
// way of writing a signature, algorithms, certificates put in order before the
// library sees them, so that no revocation in them is passed over, and why a
// signature is not good. docs/spec/openpgp.md specifies it.
//
// The time that a signature names is the signer's claim: whoever has the key
// can name any. Verify holds the claim against the life of the key, and does
// not believe more of it.
package pgp

import (
	"bytes"
	"fmt"
	"hash"
	"io"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/countermark/countermark/internal/publickey"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature/finding"
	"github.com/countermark/countermark/internal/signature/pgp/framing"
)

// Limits. Nothing that is in use comes near them.
const (
	maxSignatureBytes = 1 << 16          // of a signature, armoured or not: one by RSA of 16,384 bits takes 2,048 bytes
	maxKeyFileBytes   = framing.MaxBytes // of a key file
	maxCertificates   = 1 << 10          // in a key file
	maxPackets        = 1 << 16          // in a certificate: people sign each other's keys
	maxParts          = 1 << 8           // of a certificate: keys, user ids
	maxSelfSignatures = 1 << 10          // by the certificate's own key, each of which costs a verification
)

// maxClockSkew is how far, in seconds, a signature may lie in the future: clocks
// differ.
const maxClockSkew = 10 * 60

// Verify says what one detached signature over the message is, given the
// certificates that may have made it and the time in Unix seconds. The message
// is read once, to its end, and not at all if no certificate has the key that
// the signature names. Holder is an index into certificates; where several are of
// one primary key, all that they say of it counts, so that a revocation in one
// of them does, and Holder is the first that has the key.
//
// A signature counts for a key whose certificate, as it was at the time that the
// signature names, binds it and gives it leave to sign. If the key has expired or
// has been retired since that time, the state is GoodExpired. A key that was
// revoked for another reason than that makes all its signatures Revoked.
//
// The error is a refusal (SIG_FORMAT, SIG_MULTI, SIG_ALG, SIG_LIMIT), or that of
// reading the message.
func Verify(sig []byte, message io.Reader, certificates []Certificate, now int64) (finding.Finding, error) {
	s, err := parseSignature(sig)
	if err != nil {
		return finding.Finding{}, err
	}
	candidates, unusable := findCandidates(s, certificates)
	if len(candidates) == 0 {
		f := finding.Not(finding.NoKey, refusal.SigNoKey, "made by the key %s, which is none of those given", s.issuer)
		if unusable != "" {
			f.Why = fmt.Sprintf("made by the key %s, with which nothing can be verified: %s", s.issuer, unusable)
		}
		return s.describe(f), nil
	}
	digest, err := s.packet.PrepareVerify()
	if err != nil {
		return finding.Finding{}, refusal.New(refusal.SigAlg, "the digest of the OpenPGP signature cannot be computed: %v", err)
	}
	if _, err := io.Copy(digest, message); err != nil {
		return finding.Finding{}, fmt.Errorf("reading the signed data: %w", err)
	}
	best := finding.Not(finding.Bad, refusal.SigBad, "the key %s did not sign these bytes", s.issuer)
	for _, c := range candidates {
		made, err := s.madeBy(c.key, digest)
		if err != nil {
			return finding.Finding{}, err
		}
		if !made {
			continue
		}
		f := c.judge(s, now)
		if better(f, best) {
			best = f
		}
	}
	return s.describe(best), nil
}

// better reports whether one key's finding is to be given rather than another's,
// where two certificates hold the key: the first good one, else the first.
func better(f, than finding.Finding) bool {
	rank := func(s finding.State) int {
		switch {
		case s == finding.Good:
			return 3
		case s == finding.GoodExpired:
			return 2
		case s.Names():
			return 1
		}
		return 0
	}
	return rank(f.State) > rank(than.State)
}

// describe adds to a finding what the signature says of itself.
func (s *signature) describe(f finding.Finding) finding.Finding {
	f.Form, f.Signed = finding.OpenPGP, s.created
	if f.Fingerprint == "" {
		f.Fingerprint = s.issuer
	}
	return f
}

// madeBy reports whether the key made the signature over what was hashed, which
// is left as it is.
func (s *signature) madeBy(key *packet.PublicKey, digest hash.Hash) (bool, error) {
	// The library does not look at the first two bytes of the digest, which
	// stand in the signature (RFC 9580, section 5.2.3), if it is of version 4.
	for _, check := range []func(hash.Hash) error{
		func(h hash.Hash) error {
			h.Write(s.packet.HashSuffix)
			if !bytes.HasPrefix(h.Sum(nil), s.tag) {
				return io.ErrUnexpectedEOF
			}
			return nil
		},
		func(h hash.Hash) error { return key.VerifySignature(h, s.packet) },
	} {
		cloner, ok := digest.(hash.Cloner)
		if !ok {
			return false, refusal.New(refusal.SigAlg, "the digest of the OpenPGP signature cannot be computed")
		}
		h, err := cloner.Clone()
		if err != nil {
			return false, refusal.New(refusal.SigAlg, "the digest of the OpenPGP signature cannot be computed: %v", err)
		}
		if check(h) != nil {
			return false, nil
		}
	}
	return true, nil
}

// candidate is a key that a signature names, in a certificate.
type candidate struct {
	holder   int
	whole    *assembly
	key      *packet.PublicKey
	material publickey.Key
}

// findCandidates returns the keys that the signature names. Why some cannot be
// used is said in one sentence, for the case that there is no other.
func findCandidates(s *signature, certificates []Certificate) (found []candidate, unusable string) {
	seen := map[string]bool{}
	for i := range certificates {
		c := &certificates[i]
		if seen[c.Fingerprint] || !c.names(s.issuer) {
			continue
		}
		seen[c.Fingerprint] = true
		whole, err := assemble(join(c.Fingerprint, certificates))
		if err != nil {
			unusable = err.Error()
			continue
		}
		for _, p := range whole.keyPackets() {
			id, _ := identify(p.Body)
			if s.issuer != id.fingerprint && s.issuer != id.keyID {
				continue
			}
			key, material, err := readSigningKey(p, int(s.version), whole.key.Version)
			if err != nil {
				unusable = err.Error()
				continue
			}
			found = append(found, candidate{i, whole, key, material})
		}
	}
	return found, unusable
}

// join returns the packets of all certificates of one primary key.
func join(fingerprint string, certificates []Certificate) []framing.Packet {
	var packets []framing.Packet
	for _, c := range certificates {
		if c.Fingerprint == fingerprint {
			packets = append(packets, c.packets...)
		}
	}
	return packets
}
