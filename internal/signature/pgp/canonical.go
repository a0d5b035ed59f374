package pgp

import (
	"slices"

	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature/pgp/framing"
)

// Canonical returns the form in which an envelope holds the signature: binary,
// one packet with a header of the new format, nothing in the unhashed area.
// Every bit of it is signed or follows from what is. The signature itself must
// carry the fingerprint of its key in the hashed area, as GnuPG writes it since
// version 2.1.16. Whether the signature is good is not looked at. The error is
// a refusal (SIG_FORMAT, SIG_MULTI, SIG_ALG, SIG_LIMIT).
func Canonical(sig []byte) ([]byte, error) {
	s, err := parseSignature(sig)
	if err != nil {
		return nil, err
	}
	if !s.inHashed {
		return nil, refusal.New(refusal.SigFormat, "the OpenPGP signature does not carry the fingerprint of its key where it is signed, as GnuPG 2.1.16 and later write it")
	}
	empty := make([]byte, s.headLength()-4) // the length of the unhashed area
	return framing.Packet{Tag: framing.TagSignature, Body: slices.Concat(s.hashed, empty, s.tag, s.salt, s.numbers)}.Encode(), nil
}

// Issuer returns what the signature names as the key that made it, in lower-case
// hex: the fingerprint (40 or 64 digits), or of old signatures the key id (16
// digits). It is a claim until the signature is verified. The error is a refusal.
func Issuer(sig []byte) (string, error) {
	s, err := parseSignature(sig)
	if err != nil {
		return "", err
	}
	return s.issuer, nil
}
