package minisign

import (
	"crypto/ed25519"
	"io"
	"slices"

	"golang.org/x/crypto/blake2b"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature/finding"
)

// Verify says by which of the keys the signature is over the message. Keys are
// looked for by the id that the signature names; of those that share it, any
// may have signed. The message is read once, to its end, unless no key has the
// id; one that is signed itself is held in memory. The error is that of reading,
// or a *refusal.Refusal of the rule SIG_LIMIT; all else is a finding.
func (s *Signature) Verify(message io.Reader, keys []PublicKey) (finding.Finding, error) {
	if !slices.ContainsFunc(keys, s.isNamed) {
		return s.not(finding.NoKey, refusal.SigNoKey, "no key given has the id of the signature"), nil
	}
	data, err := s.signedData(message)
	if err != nil {
		return finding.Finding{}, err
	}
	for i, k := range keys {
		if !s.isNamed(k) || !ed25519.Verify(k.point, data, s.value) {
			continue
		}
		if s.Form == finding.Minisign && !ed25519.Verify(k.point, slices.Concat(s.value, []byte(s.TrustedComment)), s.global) {
			return s.not(finding.Bad, refusal.SigBad, "the key that the signature names did not sign the trusted comment"), nil
		}
		return s.good(i, k), nil
	}
	return s.not(finding.Bad, refusal.SigBad, "the key that the signature names did not sign these bytes"), nil
}

// isNamed reports whether the signature names the key.
func (s *Signature) isNamed(k PublicKey) bool { return len(k.point) != 0 && k.id == s.id }

// signedData returns what the value signs.
func (s *Signature) signedData(message io.Reader) ([]byte, error) {
	if s.Prehashed {
		digest, err := blake2b.New512(nil)
		if err != nil {
			return nil, err //nolint:wrapcheck // cannot happen: there is no key
		}
		if _, err := io.Copy(digest, message); err != nil {
			return nil, err //nolint:wrapcheck // the caller knows what it reads
		}
		return digest.Sum(nil), nil
	}
	data, err := io.ReadAll(io.LimitReader(message, MaxLegacyBytes+1))
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller knows what it reads
	}
	if len(data) > MaxLegacyBytes {
		return nil, refusal.New(refusal.SigLimit, "the %s signature is over the message itself and not its digest, and the message has more than %d bytes", s.Form, MaxLegacyBytes)
	}
	return data, nil
}

func (s *Signature) good(index int, k PublicKey) finding.Finding {
	f := finding.Finding{State: finding.Good, Form: s.Form, Key: k.Material, Holder: index, Fingerprint: s.KeyID(), Signed: s.signed()}
	if s.TrustedComment != "" {
		f.Note = "trusted comment " + escape.Quote(s.TrustedComment)
	}
	return f
}

// not returns a finding that is not good.
func (s *Signature) not(state finding.State, rule refusal.Rule, why string) finding.Finding {
	f := finding.Not(state, rule, "%s", why)
	f.Form, f.Fingerprint = s.Form, s.KeyID()
	return f
}
