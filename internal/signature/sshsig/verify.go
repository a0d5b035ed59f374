package sshsig

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"hash"
	"io"
	"math/big"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/publickey"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature/finding"
)

// Hash names the digest of the message. The zero value is none.
type Hash string

// The digests of PROTOCOL.sshsig. OpenSSH signs with SHA512 unless asked.
const (
	SHA256 Hash = "sha256"
	SHA512 Hash = "sha512"
)

func (h Hash) new() hash.Hash {
	switch h {
	case SHA256:
		return sha256.New()
	case SHA512:
		return sha512.New()
	}
	return nil
}

// SignedData returns the bytes that a key signs: namespace, digest and the
// digest of the message, which is read to its end. The hash is SHA256 or
// SHA512; the error is that of reading.
func SignedData(namespace string, hash Hash, message io.Reader) ([]byte, error) {
	digest := hash.new()
	if digest == nil {
		return nil, refusal.New(refusal.SigAlg, "the digest is %s, expected sha256 or sha512", escape.Quote(string(hash)))
	}
	if _, err := io.Copy(digest, message); err != nil {
		return nil, err //nolint:wrapcheck // the caller knows what it reads
	}
	data := appendString([]byte(magic), []byte(namespace))
	data = appendString(data, nil)
	data = appendString(data, []byte(hash))
	return appendString(data, digest.Sum(nil)), nil
}

// The algorithms of RFC 8332; the others are called as the types of their keys.
const (
	rsaSHA256 = "rsa-sha2-256"
	rsaSHA512 = "rsa-sha2-512"
)

// value is the innermost signature, by its key's algorithm.
type value struct {
	algorithm string
	bytes     []byte   // of Ed25519 and RSA
	r, s      *big.Int // of ECDSA
	flags     byte     // of keys in hardware: what the authenticator saw
	counter   uint32   // of keys in hardware: how often it has signed
}

// userPresent is the flag that the authenticator was touched (WebAuthn, section
// 6.1; OpenSSH's SSH_SK_USER_PRESENCE_REQD).
const userPresent = 0x01

// parseValue reads a signature as ssh encodes it: RFC 5656, section 3.1.2, RFC
// 8332, section 3, RFC 8709, section 6, PROTOCOL.u2f.
func parseValue(key PublicKey, encoded []byte) (value, error) {
	r := reader{rest: encoded}
	v := value{algorithm: string(r.string())}
	blob := r.string()
	if key.inHardware() {
		v.flags, v.counter = r.byte(), r.uint32()
	}
	if !r.done() {
		return value{}, refusal.New(refusal.SigFormat, "the value of the ssh signature is cut short, or bytes follow it")
	}
	if v.algorithm != key.algorithm && (key.rsa == nil || v.algorithm != rsaSHA256 && v.algorithm != rsaSHA512) || v.algorithm == typeRSA {
		return value{}, refusal.New(refusal.SigAlg, "the ssh signature of a key of type %s has the algorithm %s, which is not accepted", key.algorithm, escape.Quote(v.algorithm))
	}
	if key.ecdsa != nil {
		numbers := reader{rest: blob}
		v.r, v.s = numbers.positive(), numbers.positive()
		order := key.ecdsa.Params().N
		if !numbers.done() || v.r.Cmp(order) >= 0 || v.s.Cmp(order) >= 0 {
			return value{}, refusal.New(refusal.SigFormat, "the ECDSA signature is not two numbers below the curve's order, written in the one way")
		}
		return v, nil
	}
	v.bytes = blob
	size := ed25519.SignatureSize
	if key.rsa != nil {
		size = key.rsa.Size()
	}
	if len(blob) != size {
		return value{}, refusal.New(refusal.SigFormat, "the value of the %s signature has %d bytes, expected %d", v.algorithm, len(blob), size)
	}
	return v, nil
}

// isOver reports whether the key made the value over data.
func (v value) isOver(k PublicKey, data []byte) bool {
	if k.inHardware() {
		data = v.asAuthenticator(k, data)
	}
	switch {
	case k.ed25519 != nil:
		return ed25519.Verify(k.ed25519, data, v.bytes)
	case k.ecdsa != nil:
		return ecdsa.Verify(k.ecdsa, digestFor(k, data), v.r, v.s)
	case k.rsa != nil && v.algorithm == rsaSHA256:
		sum := sha256.Sum256(data)
		return rsa.VerifyPKCS1v15(k.rsa, crypto.SHA256, sum[:], v.bytes) == nil
	case k.rsa != nil && v.algorithm == rsaSHA512:
		sum := sha512.Sum512(data)
		return rsa.VerifyPKCS1v15(k.rsa, crypto.SHA512, sum[:], v.bytes) == nil
	}
	return false
}

// asAuthenticator returns what the hardware signs in place of data
// (PROTOCOL.u2f, "SSH U2F Signatures").
func (v value) asAuthenticator(k PublicKey, data []byte) []byte {
	application, message := sha256.Sum256([]byte(k.application)), sha256.Sum256(data)
	signed := append(application[:], v.flags)
	signed = binary.BigEndian.AppendUint32(signed, v.counter)
	return append(signed, message[:]...)
}

// digestFor hashes data as ECDSA on the key's curve does (RFC 5656, section 6.2.1).
func digestFor(k PublicKey, data []byte) []byte {
	switch k.material.Algorithm() {
	case publickey.ECDSAP384:
		sum := sha512.Sum384(data)
		return sum[:]
	case publickey.ECDSAP521:
		sum := sha512.Sum512(data)
		return sum[:]
	}
	sum := sha256.Sum256(data)
	return sum[:]
}

// Demand is what a signature must be to count. The zero value is refused.
type Demand struct {
	Namespace string
	Now       int64 // Unix seconds; as ssh signatures do not say when they were made, a line that limits its key in time is held to it
	Untouched bool  // whether keys in hardware may sign without a touch, as their owners can allow when they make them; else it is weak
}

// Verify says by which of the holders' keys the signature is over the message.
// The message is read once, to its end, unless none of them has the key that the
// signature names. The error is a *refusal.Refusal of the rule SIG_NAMESPACE, or
// that of reading; all else is a finding.
func (s *Signature) Verify(d Demand, message io.Reader, holders []Holder) (finding.Finding, error) {
	if s.Namespace != d.Namespace || d.Namespace == "" {
		return finding.Finding{}, refusal.New(refusal.SigNamespace, "the ssh signature was made for the namespace %s, expected %s", escape.Quote(s.Namespace), escape.Quote(d.Namespace))
	}
	index := s.among(holders, d.Now)
	if index == finding.NoHolder {
		return s.not(finding.NoKey, refusal.SigNoKey, "no key given is that of the signature"), nil
	}
	data, err := SignedData(s.Namespace, s.Hash, message)
	if err != nil {
		return finding.Finding{}, err
	}
	if !s.value.isOver(s.Key, data) {
		return s.not(finding.Bad, refusal.SigBad, "the key that the signature names did not sign these bytes"), nil
	}
	f := s.judge(d, holders[index])
	f.Holder = index
	return f, nil
}

// among returns the index of the first holder of the key who may use it for the
// signature's purpose now, else of the first holder of the key. A key in
// hardware is another than the same key outside: it promises a touch.
func (s *Signature) among(holders []Holder, now int64) int {
	found := finding.NoHolder
	for i, h := range holders {
		if h.Key.blob != s.Key.blob {
			continue
		}
		if h.mayUse(s.Namespace) && h.isValid(now) {
			return i
		}
		if found == finding.NoHolder {
			found = i
		}
	}
	return found
}

// judge says what follows of a signature that is the key's.
func (s *Signature) judge(d Demand, h Holder) finding.Finding {
	note, weak := finding.Strength(s.Key.material)
	untouched := s.Key.inHardware() && s.value.flags&userPresent == 0
	f := finding.Finding{State: finding.Good, Form: finding.SSH, Fingerprint: s.Key.Fingerprint()}
	switch {
	case weak:
		f = s.not(finding.Weak, refusal.SigWeak, "the key is too weak: "+note)
	case untouched && !d.Untouched:
		f = s.not(finding.Weak, refusal.SigKeyUse, "the hardware key was used without its owner's touch")
	case !h.mayUse(s.Namespace):
		f = s.not(finding.Weak, refusal.SigKeyUse, "the line of the key permits other namespaces than "+escape.Quote(s.Namespace))
	case !h.isValid(d.Now):
		f = s.not(finding.Expired, refusal.SigExpired, "the line of the key limits when it may sign, ssh signatures do not say when they were made, and now is not within the limits")
	}
	if untouched {
		note = "hardware key, used without a touch"
	}
	f.Key, f.Note = s.Key.material, note
	return f
}

// not returns a finding that is not good.
func (s *Signature) not(state finding.State, rule refusal.Rule, why string) finding.Finding {
	f := finding.Not(state, rule, "%s", why)
	f.Form, f.Fingerprint = finding.SSH, s.Key.Fingerprint()
	return f
}
