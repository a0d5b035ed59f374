package sshsig

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"math/big"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/publickey"
	"github.com/countermark/countermark/internal/refusal"
)

// MinRSABits is the length of RSA's modulus below which a key is refused: no
// OpenSSH since 7.0 accepts one (SSH_RSA_MINIMUM_MODULUS_SIZE in its sshkey.h),
// nor does crypto/rsa. Keys that are merely too weak are package finding's matter.
const MinRSABits = 1024

// The types of keys that are accepted: RFC 4253, 5656 and 8709, and OpenSSH's
// PROTOCOL.u2f.
const (
	typeEd25519   = "ssh-ed25519"
	typeRSA       = "ssh-rsa"
	typeP256      = "ecdsa-sha2-nistp256"
	typeP384      = "ecdsa-sha2-nistp384"
	typeP521      = "ecdsa-sha2-nistp521"
	typeSKEd25519 = "sk-ssh-ed25519@openssh.com"
	typeSKP256    = "sk-ecdsa-sha2-nistp256@openssh.com"
)

// PublicKey is a key in ssh's encoding. The zero value is no key.
type PublicKey struct {
	blob        string // canonical
	algorithm   string // one of the type constants
	application string // of keys in hardware: what the key was made for, "ssh:" and so on
	material    publickey.Key
	ed25519     ed25519.PublicKey
	ecdsa       *ecdsa.PublicKey
	rsa         *rsa.PublicKey
}

// Material returns the raw key, which is the same for a key in hardware and
// one outside.
func (k PublicKey) Material() publickey.Key { return k.material }

// Type returns the type as key files have it: "ssh-ed25519".
func (k PublicKey) Type() string { return k.algorithm }

// Blob returns the key in ssh's encoding.
func (k PublicKey) Blob() []byte { return []byte(k.blob) }

// Fingerprint returns the SHA-256 of the encoded key as OpenSSH writes it:
// "SHA256:" and base64 without padding.
func (k PublicKey) Fingerprint() string {
	sum := sha256.Sum256([]byte(k.blob))
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:])
}

// inHardware reports whether the key signs as FIDO authenticators do.
func (k PublicKey) inHardware() bool {
	return k.algorithm == typeSKEd25519 || k.algorithm == typeSKP256
}

// ParsePublicKey reads a key in ssh's encoding, in which each key has one form.
// The error is a *refusal.Refusal: SIG_ALG for a type that is not accepted,
// certificates among them, and SIG_KEY for a key that is malformed.
func ParsePublicKey(blob []byte) (PublicKey, error) {
	r := reader{rest: blob}
	k := PublicKey{blob: string(blob), algorithm: string(r.string())}
	if r.broken {
		return PublicKey{}, refusal.New(refusal.SigKey, "the ssh key is cut short")
	}
	var err error
	switch k.algorithm {
	case typeEd25519, typeSKEd25519:
		k.ed25519 = ed25519.PublicKey(r.string())
		k.material, err = publickey.NewEd25519(k.ed25519)
	case typeRSA:
		k.material, k.rsa, err = parseRSA(&r)
	case typeP256, typeP384, typeP521, typeSKP256:
		k.material, k.ecdsa, err = parseECDSA(&r, curveOf(k.algorithm))
	default:
		return PublicKey{}, refusal.New(refusal.SigAlg, "the ssh key has the type %s, which is not accepted", escape.Quote(k.algorithm))
	}
	if k.inHardware() {
		k.application = string(r.string())
	}
	switch {
	case !r.done():
		return PublicKey{}, refusal.New(refusal.SigKey, "the ssh key of type %s is cut short, not written in the one way, or bytes follow it", k.algorithm)
	case err != nil:
		return PublicKey{}, refusal.New(refusal.SigKey, "%v", err)
	case k.rsa != nil && k.material.Bits() < MinRSABits:
		return PublicKey{}, refusal.New(refusal.SigAlg, "the ssh key is RSA with %d bits, at least %d are expected", k.material.Bits(), MinRSABits)
	}
	return k, nil
}

func parseRSA(r *reader) (publickey.Key, *rsa.PublicKey, error) {
	e, n := r.positive(), r.positive()
	if !e.IsInt64() || int64(int(e.Int64())) != e.Int64() {
		e = new(big.Int) // which publickey refuses
	}
	material, err := publickey.NewRSA(n, int(e.Int64()))
	return material, &rsa.PublicKey{N: n, E: int(e.Int64())}, err
}

// curve is a curve of RFC 5656, section 10.1.
type curve struct {
	name      string
	algorithm publickey.Algorithm
	elliptic.Curve
}

func curveOf(keyType string) curve {
	switch keyType {
	case typeP384:
		return curve{"nistp384", publickey.ECDSAP384, elliptic.P384()}
	case typeP521:
		return curve{"nistp521", publickey.ECDSAP521, elliptic.P521()}
	}
	return curve{"nistp256", publickey.ECDSAP256, elliptic.P256()}
}

func parseECDSA(r *reader, c curve) (publickey.Key, *ecdsa.PublicKey, error) {
	if string(r.string()) != c.name {
		r.broken = true
	}
	point := r.string()
	material, err := publickey.NewECDSA(c.algorithm, point)
	if err != nil {
		return publickey.Key{}, nil, err
	}
	key, err := ecdsa.ParseUncompressedPublicKey(c.Curve, point)
	return material, key, err
}
