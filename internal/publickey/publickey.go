// Package publickey holds public keys as raw material: the numbers alone,
// without name, date, format or purpose. One key that is held as an OpenPGP
// certificate, a line of ssh and a minisign file is one Key, and that is how
// keys are compared and counted.
//
// Only material that is well-formed becomes a Key: points lie on their curve and
// are written in the one canonical way, and Ed25519 points of small order, for
// which anybody can make signatures, are refused. Whether a key is strong
// enough is not decided here: see Bits.
package publickey

import (
	"crypto/ecdh"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
)

// Algorithm is what a key is used with. The zero value is none.
type Algorithm uint8

// The algorithms of which material can be held.
const (
	Ed25519   Algorithm = iota + 1 // RFC 8032
	Ed448                          // RFC 8032
	RSA                            // RFC 8017
	ECDSAP256                      // FIPS 186-5, curve P-256
	ECDSAP384
	ECDSAP521
	DSA // FIPS 186-4: held so that it can be told apart, never strong
)

// String returns the algorithm as it begins the text form of a key: "ed25519".
func (a Algorithm) String() string {
	switch a {
	case Ed25519:
		return "ed25519"
	case Ed448:
		return "ed448"
	case RSA:
		return "rsa"
	case ECDSAP256:
		return "ecdsa-p256"
	case ECDSAP384:
		return "ecdsa-p384"
	case ECDSAP521:
		return "ecdsa-p521"
	case DSA:
		return "dsa"
	}
	return "none"
}

// MaxBits is the length of the longest number of a key, RSA's modulus: as much
// as OpenSSH accepts (OPENSSH_RSA_MAX_MODULUS_BITS in its sshkey.h).
const MaxBits = 16384

// Key is the raw material of a public key. Two are the same key exactly if they
// are equal by ==. The zero value is no key.
type Key struct {
	algorithm Algorithm
	bits      int
	material  string // canonical: see the functions that make keys
}

// NewEd25519 returns the key of an encoded point (RFC 8032, section 5.1.2). The
// error says why it is none: not 32 bytes, not canonical, not on the curve, of
// small order.
func NewEd25519(point []byte) (Key, error) {
	if err := checkEdwards(point); err != nil {
		return Key{}, err
	}
	return Key{Ed25519, 255, string(point)}, nil
}

// NewEd448 returns the key of an encoded point (RFC 8032, section 5.2.2), of
// which only the length is checked: the standard library does not have the curve.
func NewEd448(point []byte) (Key, error) {
	const size = 57
	if len(point) != size {
		return Key{}, fmt.Errorf("an Ed448 key has %d bytes, expected %d", len(point), size)
	}
	return Key{Ed448, 448, string(point)}, nil
}

// NewRSA returns the key of modulus and public exponent. The modulus is odd and
// at most MaxBits long, the exponent odd and at least 3.
func NewRSA(n *big.Int, e int) (Key, error) {
	switch {
	case n == nil || n.Sign() <= 0 || n.Bit(0) == 0:
		return Key{}, errors.New("the modulus of the RSA key is not an odd, positive number")
	case n.BitLen() > MaxBits:
		return Key{}, fmt.Errorf("the RSA key has %d bits, at most %d are accepted", n.BitLen(), MaxBits)
	case e < 3 || e&1 == 0 || e > math.MaxInt32:
		// crypto/rsa verifies with no larger exponent; 1 would make every
		// message its own signature.
		return Key{}, fmt.Errorf("the public exponent of the RSA key is %d, expected an odd number of at least 3 and at most 31 bits", e)
	}
	material := binary.BigEndian.AppendUint32(nil, uint32(e))
	return Key{RSA, n.BitLen(), string(append(material, n.Bytes()...))}, nil
}

// NewECDSA returns the key of an uncompressed point (SEC 1, section 2.3.3: 4, x,
// y) on one of the three curves.
func NewECDSA(a Algorithm, point []byte) (Key, error) {
	var curve ecdh.Curve
	var bits int
	switch a {
	case ECDSAP256:
		curve, bits = ecdh.P256(), 256
	case ECDSAP384:
		curve, bits = ecdh.P384(), 384
	case ECDSAP521:
		curve, bits = ecdh.P521(), 521
	default:
		return Key{}, fmt.Errorf("%s has no curve", a)
	}
	if _, err := curve.NewPublicKey(point); err != nil {
		return Key{}, fmt.Errorf("%d bytes are not an uncompressed point on the curve P-%d", len(point), bits)
	}
	return Key{a, bits, string(point)}, nil
}

// NewDSA returns the key of DSA's four numbers. Nothing but their length and sign
// is checked: no signature by such a key is ever good.
func NewDSA(p, q, g, y *big.Int) (Key, error) {
	var material []byte
	for _, n := range []*big.Int{p, q, g, y} {
		if n == nil || n.Sign() <= 0 || n.BitLen() > MaxBits {
			return Key{}, fmt.Errorf("a number of the DSA key is not positive, or has more than %d bits", MaxBits)
		}
		material = binary.BigEndian.AppendUint32(material, uint32(n.BitLen()))
		material = append(material, n.Bytes()...)
	}
	return Key{DSA, p.BitLen(), string(material)}, nil
}

// Algorithm returns what the key is used with, 0 for no key.
func (k Key) Algorithm() Algorithm { return k.algorithm }

// IsZero reports whether k is no key.
func (k Key) IsZero() bool { return k.algorithm == 0 }

// Bits returns the length of the modulus of RSA and DSA keys in bits, of other
// keys that of their curve's field.
func (k Key) Bits() int { return k.bits }

// String returns the key's text form, "ed25519:" and so on, by which keys can
// be compared as well: for the curves the encoded point in base64 (ECDSA's
// compressed, SEC 1, section 2.3.3), for RSA the SHA-256, in hex, of exponent
// (4 bytes, big-endian) and modulus, for DSA that of p, q, g, y, each after its
// length in bits (4 bytes). No key is "none".
func (k Key) String() string {
	switch k.algorithm {
	case Ed25519, Ed448:
		return k.algorithm.String() + ":" + base64.StdEncoding.EncodeToString([]byte(k.material))
	case ECDSAP256, ECDSAP384, ECDSAP521:
		size := len(k.material) / 2 // of a coordinate; one byte stands before both
		compressed := append([]byte{2 + k.material[2*size]&1}, k.material[1:1+size]...)
		return k.algorithm.String() + ":" + base64.StdEncoding.EncodeToString(compressed)
	case RSA, DSA:
		sum := sha256.Sum256([]byte(k.material))
		return k.algorithm.String() + ":" + hex.EncodeToString(sum[:])
	}
	return k.algorithm.String()
}

// CheckText says in one sentence why s is not the text form of a key, nil if it
// is one. That there is a point of this encoding on the curve is checked for
// Ed25519 alone; of RSA and DSA keys the text holds a digest, of anything.
func CheckText(s string) error {
	name, value, _ := strings.Cut(s, ":")
	switch name {
	case RSA.String(), DSA.String():
		raw, err := hex.DecodeString(value)
		if err != nil || len(raw) != sha256.Size || strings.ToLower(value) != value {
			return fmt.Errorf("an %s key is written with 64 lower-case hexadecimal digits", name)
		}
		return nil
	}
	size, known := map[string]int{Ed25519.String(): 32, Ed448.String(): 57, ECDSAP256.String(): 33, ECDSAP384.String(): 49, ECDSAP521.String(): 67}[name]
	if !known {
		return errors.New("it begins with the name of no algorithm and a colon")
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(value)
	switch {
	case err != nil || len(raw) != size || base64.StdEncoding.EncodeToString(raw) != value: // line ends are passed over
		return fmt.Errorf("an %s key is written with %d bytes in padded base64", name, size)
	case name == Ed25519.String():
		return checkEdwards(raw)
	case name != Ed448.String() && raw[0] != 2 && raw[0] != 3:
		return fmt.Errorf("an %s key is a compressed point, which begins with 2 or 3", name)
	}
	return nil
}
