// Package sshsig is OpenSSH's format of signatures over files
// (PROTOCOL.sshsig), read strictly and written, and the lines in which people
// keep ssh public keys.
//
// An armoured signature is the line "-----BEGIN SSH SIGNATURE-----", base64 in
// lines of 70 characters, and the line "-----END SSH SIGNATURE-----". Decoded it
// is, with strings and numbers as RFC 4251, section 5, writes them:
//
//	byte[6] "SSHSIG"
//	uint32  1
//	string  public key
//	string  namespace: what the signature is for
//	string  reserved, which nothing signs: must be empty
//	string  "sha256" or "sha512"
//	string  signature over what SignedData returns
//
// Exactly the bytes that OpenSSH writes are accepted: whatever else decodes to
// the same is refused, so that a signature has one form and no room for anything
// unsigned. Which keys and algorithms are accepted is in docs/spec/signatures.md.
package sshsig

import (
	"bytes"
	"encoding/base64"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/refusal"
)

// MaxBytes is the longest armoured signature: a key and a signature of RSA
// with 16384 bits make less than 8 KiB.
const MaxBytes = 16 << 10

// The armour, as OpenSSH's sshsig.c and sshbuf-misc.c write it.
const (
	begin     = "-----BEGIN SSH SIGNATURE-----\n"
	end       = "-----END SSH SIGNATURE-----\n"
	lineWidth = 70
)

// The beginning of a decoded signature, and of what is signed.
const (
	magic   = "SSHSIG"
	version = 1
)

// Signature is one signature, well-formed and not verified.
type Signature struct {
	Key       PublicKey // that the signature names and carries
	Namespace string    // never empty; hostile, shown only through package escape
	Hash      Hash      // of the message
	value     value
}

// Recognises reports whether data begins as an armoured ssh signature.
func Recognises(data []byte) bool { return bytes.HasPrefix(data, []byte(begin[:len(begin)-1])) }

// Parse reads one armoured signature: exactly the bytes that OpenSSH writes, with
// the final line feed. The error is a *refusal.Refusal: SIG_FORMAT, SIG_MULTI,
// SIG_ALG, SIG_KEY or SIG_LIMIT.
func Parse(armoured []byte) (*Signature, error) {
	if len(armoured) > MaxBytes {
		return nil, refusal.New(refusal.SigLimit, "the ssh signature has %d bytes, at most %d are accepted", len(armoured), MaxBytes)
	}
	if bytes.Count(armoured, []byte(begin[:len(begin)-1])) > 1 {
		return nil, refusal.New(refusal.SigMulti, "there is more than one ssh signature, expected one")
	}
	raw, err := unarmour(armoured)
	if err != nil {
		return nil, err
	}
	return parseRaw(raw)
}

// unarmour takes the armour off, and refuses one that OpenSSH does not write.
func unarmour(armoured []byte) ([]byte, error) {
	inner, found := bytes.CutPrefix(armoured, []byte(begin))
	if !found {
		return nil, refusal.New(refusal.SigFormat, "the ssh signature does not begin with the line %q", begin[:len(begin)-1])
	}
	inner, found = bytes.CutSuffix(inner, []byte(end))
	if !found {
		return nil, refusal.New(refusal.SigFormat, "the ssh signature does not end with the line %q", end[:len(end)-1])
	}
	raw := make([]byte, base64.StdEncoding.DecodedLen(len(inner)))
	n, err := base64.StdEncoding.Decode(raw, inner) // which skips line ends wherever they are
	if err != nil {
		return nil, refusal.New(refusal.SigFormat, "the ssh signature is not base64 between its first and last line")
	}
	if !bytes.Equal(armour(raw[:n]), armoured) {
		return nil, refusal.New(refusal.SigFormat, "the ssh signature is not written as ssh-keygen writes it, in lines of %d characters that end in a line feed", lineWidth)
	}
	return raw[:n], nil
}

// armour is the inverse of unarmour.
func armour(raw []byte) []byte {
	text := []byte(base64.StdEncoding.EncodeToString(raw))
	out := []byte(begin)
	for len(text) > 0 {
		n := min(lineWidth, len(text))
		out = append(append(out, text[:n]...), '\n')
		text = text[n:]
	}
	return append(out, end...)
}

// parseRaw reads a decoded signature.
func parseRaw(raw []byte) (*Signature, error) {
	r := reader{rest: raw}
	if string(r.take(len(magic))) != magic {
		return nil, refusal.New(refusal.SigFormat, "the ssh signature does not begin with %q after decoding", magic)
	}
	if v := r.uint32(); v != version {
		return nil, refusal.New(refusal.SigFormat, "the ssh signature has the version %d, expected %d", v, version)
	}
	keyBlob, namespace, reserved, hash, signature := r.string(), string(r.string()), r.string(), Hash(r.string()), r.string()
	switch {
	case !r.done():
		return nil, refusal.New(refusal.SigFormat, "the ssh signature is cut short, or bytes follow it")
	case namespace == "":
		return nil, refusal.New(refusal.SigFormat, "the ssh signature has no namespace") // PROTOCOL.sshsig demands one
	case len(reserved) != 0:
		return nil, refusal.New(refusal.SigFormat, "the reserved field of the ssh signature, which nothing signs, has %d bytes, expected none", len(reserved))
	case hash.new() == nil:
		return nil, refusal.New(refusal.SigAlg, "the ssh signature has the digest %s, expected sha256 or sha512", escape.Quote(string(hash)))
	}
	key, err := ParsePublicKey(keyBlob)
	if err != nil {
		return nil, err
	}
	v, err := parseValue(key, signature)
	if err != nil {
		return nil, err
	}
	return &Signature{key, namespace, hash, v}, nil
}

// Encode returns the armoured signature of a key over the given namespace and
// hash: signature is what an ssh agent returned for the bytes of SignedData, in
// ssh's encoding, with the format's name before and, for keys in hardware, flags
// and counter after. It is not verified. The error, a *refusal.Refusal, says
// what Parse would refuse.
func Encode(key PublicKey, namespace string, hash Hash, signature []byte) ([]byte, error) {
	raw := append([]byte(magic), 0, 0, 0, version)
	raw = appendString(raw, key.Blob())
	raw = appendString(raw, []byte(namespace))
	raw = appendString(raw, nil)
	raw = appendString(raw, []byte(hash))
	raw = appendString(raw, signature)
	armoured := armour(raw)
	if _, err := Parse(armoured); err != nil {
		return nil, err
	}
	return armoured, nil
}
