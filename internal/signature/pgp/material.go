package pgp

import (
	"bytes"
	"crypto/rsa"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"

	"github.com/ProtonMail/go-crypto/openpgp/ecdsa"
	"github.com/ProtonMail/go-crypto/openpgp/ed25519"
	"github.com/ProtonMail/go-crypto/openpgp/ed448"
	"github.com/ProtonMail/go-crypto/openpgp/eddsa"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/countermark/countermark/internal/publickey"
	"github.com/countermark/countermark/internal/signature/pgp/framing"
)

// minRSABits is the length of RSA moduli below which the standard library does
// not even compute.
const minRSABits = 1024

// readSigningKey reads a key that could have made a signature of the version, in
// a certificate of that version (RFC 9580, sections 5.2.3 and 10.1.1). The error
// is one sentence.
func readSigningKey(p framing.Packet, version, primary int) (*packet.PublicKey, publickey.Key, error) {
	key, err := readKey(p)
	if err != nil {
		return nil, publickey.Key{}, err
	}
	if key.Version != version || primary != version {
		return nil, publickey.Key{}, fmt.Errorf("it is of version %d in a certificate of version %d, and the signature of version %d", key.Version, primary, version)
	}
	m, err := material(key)
	return key, m, err
}

// material returns the raw key. The error says in one sentence why no signature
// can be verified with it.
func material(key *packet.PublicKey) (publickey.Key, error) {
	m, err := rawKey(key)
	if err != nil {
		return publickey.Key{}, fmt.Errorf("the key %s: %v", hex.EncodeToString(key.Fingerprint), err)
	}
	return m, nil
}

func rawKey(key *packet.PublicKey) (publickey.Key, error) {
	if key.PubKeyAlgo == packet.PubKeyAlgoDSA {
		return dsaKey(key)
	}
	switch k := key.PublicKey.(type) {
	case *rsa.PublicKey:
		if !key.PubKeyAlgo.CanSign() {
			return publickey.Key{}, errors.New("it is for encryption alone")
		}
		if k.N.BitLen() < minRSABits {
			return publickey.Key{}, fmt.Errorf("RSA of %d bits is not even computed", k.N.BitLen())
		}
		return publickey.NewRSA(k.N, k.E)
	case *ecdsa.PublicKey:
		return ecdsaKey(key, k)
	case *eddsa.PublicKey:
		return edwardsKey(key, k)
	case *ed25519.PublicKey:
		return publickey.NewEd25519(k.Point)
	case *ed448.PublicKey:
		return publickey.NewEd448(k.Point)
	}
	return publickey.Key{}, fmt.Errorf("public key algorithm %d, expected RSA, ECDSA on a NIST curve, or EdDSA", key.PubKeyAlgo)
}

// dsaKey reads the four numbers from the key's packet: the standard library's
// type for them is deprecated.
func dsaKey(key *packet.PublicKey) (publickey.Key, error) {
	var b bytes.Buffer
	if err := key.SerializeForHash(&b); err != nil {
		return publickey.Key{}, err
	}
	// RFC 9580, sections 5.5.4.2 and 5.5.2.2: 0x99 and a length, then version,
	// time and algorithm.
	const head = 3 + 6
	r := reader{rest: b.Bytes()[head:]}
	var numbers [4]*big.Int
	for i := range numbers {
		numbers[i] = new(big.Int).SetBytes(r.number())
	}
	return publickey.NewDSA(numbers[0], numbers[1], numbers[2], numbers[3])
}

func ecdsaKey(key *packet.PublicKey, k *ecdsa.PublicKey) (publickey.Key, error) {
	curve, err := key.Curve()
	if err != nil {
		return publickey.Key{}, err
	}
	switch curve {
	case packet.CurveNistP256:
		return publickey.NewECDSA(publickey.ECDSAP256, k.MarshalPoint())
	case packet.CurveNistP384:
		return publickey.NewECDSA(publickey.ECDSAP384, k.MarshalPoint())
	case packet.CurveNistP521:
		return publickey.NewECDSA(publickey.ECDSAP521, k.MarshalPoint())
	}
	return publickey.Key{}, fmt.Errorf("ECDSA on the curve %s, expected P-256, P-384 or P-521", curve)
}

func edwardsKey(key *packet.PublicKey, k *eddsa.PublicKey) (publickey.Key, error) {
	curve, err := key.Curve()
	if err != nil {
		return publickey.Key{}, err
	}
	if curve != packet.Curve25519 {
		// RFC 9580, section 9.2: the old form is for that curve alone. Of a
		// signature on the other the library does not look at every bit.
		return publickey.Key{}, fmt.Errorf("EdDSA in its old form on the curve %s, expected Ed25519", curve)
	}
	return publickey.NewEd25519(k.X)
}
