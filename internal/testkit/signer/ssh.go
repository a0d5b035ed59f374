// Package signer holds keys in software with which tests sign: ssh keys, those
// of hardware authenticators among them, and keys of minisign and signify. It
// writes their formats by itself and with golang.org/x/crypto/ssh, not with
// the packages under test. Nothing but tests imports it.
package signer

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// The types of keys in hardware, in PROTOCOL.u2f.
const (
	SKEd25519 = "sk-ssh-ed25519@openssh.com"
	SKECDSA   = "sk-ecdsa-sha2-nistp256@openssh.com"
)

// Touched is the flag with which an authenticator says that it was touched.
const Touched = 0x01

// SSH is an ssh key. Of one in hardware, the fields are what its authenticator
// signs with; tests may change them.
type SSH struct {
	Type        string
	Application string
	Flags       byte
	Counter     uint32
	SHA256      bool // whether RSA signs with SHA-256 and not SHA-512
	secret      crypto.Signer
}

// NewSSH makes a key of a type: one of those in hardware, "ssh-ed25519",
// "ecdsa-sha2-nistp256" and so on, or "rsa-BITS".
func NewSSH(tb testing.TB, keyType string) *SSH {
	tb.Helper()
	k := &SSH{Type: keyType, Application: "ssh:", Flags: Touched, Counter: 7}
	var err error
	switch keyType {
	case ssh.KeyAlgoED25519, SKEd25519:
		_, k.secret, err = ed25519.GenerateKey(rand.Reader)
	case ssh.KeyAlgoECDSA256, SKECDSA:
		k.secret, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case ssh.KeyAlgoECDSA384:
		k.secret, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case ssh.KeyAlgoECDSA521:
		k.secret, err = ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	default:
		bits := 0
		if _, scanErr := fmt.Sscanf(keyType, "rsa-%d", &bits); scanErr != nil {
			tb.Fatalf("there is no type of ssh key called %q", keyType)
		}
		k.Type = ssh.KeyAlgoRSA
		k.secret, err = rsa.GenerateKey(rand.Reader, bits)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// Hardened returns an Ed25519 key's twin in hardware: the same raw key.
func (k *SSH) Hardened() *SSH {
	twin := *k
	twin.Type = SKEd25519
	return &twin
}

// Minisign returns an Ed25519 key's twin for minisign and signify.
func (k *SSH) Minisign() *Minisign {
	return &Minisign{ID: [8]byte{1, 2, 3, 4, 5, 6, 7, 8}, secret: k.secret.(ed25519.PrivateKey)}
}

// inHardware reports whether the key signs as authenticators do.
func (k *SSH) inHardware() bool { return strings.HasPrefix(k.Type, "sk-") }

// Blob returns the public key in ssh's encoding.
func (k *SSH) Blob() []byte {
	public, err := ssh.NewPublicKey(k.secret.Public())
	if err != nil {
		panic(err) // cannot happen: x/crypto/ssh knows each kind that NewSSH makes
	}
	switch k.Type {
	case SKEd25519:
		return ssh.Marshal(struct {
			Type        string
			Point       []byte
			Application string
		}{k.Type, k.secret.Public().(ed25519.PublicKey), k.Application})
	case SKECDSA:
		point, err := k.secret.Public().(*ecdsa.PublicKey).Bytes()
		if err != nil {
			panic(err)
		}
		return ssh.Marshal(struct {
			Type, Curve string
			Point       []byte
			Application string
		}{k.Type, "nistp256", point, k.Application})
	}
	return public.Marshal()
}

// Line returns the public key as a line of a file ".pub", without a comment or
// line feed.
func (k *SSH) Line() string { return k.Type + " " + base64.StdEncoding.EncodeToString(k.Blob()) }

// Private returns the private key in OpenSSH's format, for keys that are not in
// hardware.
func (k *SSH) Private(tb testing.TB) []byte {
	tb.Helper()
	block, err := ssh.MarshalPrivateKey(k.secret, "")
	if err != nil {
		tb.Fatal(err)
	}
	return pem.EncodeToMemory(block)
}

// Value signs data and returns the signature as an ssh agent does.
func (k *SSH) Value(data []byte) []byte {
	type plain struct {
		Algorithm string
		Value     []byte
	}
	if k.inHardware() {
		application, message := sha256.Sum256([]byte(k.Application)), sha256.Sum256(data)
		data = ssh.Marshal(struct {
			Application []byte `ssh:"rest"`
			Flags       byte
			Counter     uint32
			Message     []byte `ssh:"rest"`
		}{application[:], k.Flags, k.Counter, message[:]})
		return ssh.Marshal(struct {
			Algorithm string
			Value     []byte
			Flags     byte
			Counter   uint32
		}{k.Type, k.raw(data), k.Flags, k.Counter})
	}
	algorithm := k.Type
	if algorithm == ssh.KeyAlgoRSA {
		algorithm = ssh.KeyAlgoRSASHA512
		if k.SHA256 {
			algorithm = ssh.KeyAlgoRSASHA256
		}
	}
	return ssh.Marshal(plain{algorithm, k.raw(data)})
}

// raw signs with the algorithm of the key.
func (k *SSH) raw(data []byte) []byte {
	var value []byte
	var err error
	switch secret := k.secret.(type) {
	case ed25519.PrivateKey:
		return ed25519.Sign(secret, data)
	case *rsa.PrivateKey:
		if k.SHA256 {
			sum := sha256.Sum256(data)
			value, err = rsa.SignPKCS1v15(nil, secret, crypto.SHA256, sum[:])
			break
		}
		sum := sha512.Sum512(data)
		value, err = rsa.SignPKCS1v15(nil, secret, crypto.SHA512, sum[:])
	case *ecdsa.PrivateKey:
		var r, s *big.Int
		r, s, err = ecdsa.Sign(rand.Reader, secret, digestFor(secret.Curve, data))
		value = ssh.Marshal(struct{ R, S *big.Int }{r, s})
	}
	if err != nil {
		panic(err) // cannot happen with keys that NewSSH made
	}
	return value
}

func digestFor(curve elliptic.Curve, data []byte) []byte {
	switch curve.Params().BitSize {
	case 256:
		sum := sha256.Sum256(data)
		return sum[:]
	case 384:
		sum := sha512.Sum384(data)
		return sum[:]
	}
	sum := sha512.Sum512(data)
	return sum[:]
}

// SSHSignature is what an armoured signature holds, for tests to spoil.
type SSHSignature struct {
	Version   uint32
	Key       []byte
	Namespace string
	Reserved  string
	Hash      string
	Value     []byte
	Rest      []byte `ssh:"rest"`
}

// Make signs a message in a namespace with the digest SHA-512.
func (k *SSH) Make(namespace string, message []byte) SSHSignature {
	sum := sha512.Sum512(message)
	data := ssh.Marshal(struct {
		Magic                     [6]byte
		Namespace, Reserved, Hash string
		Digest                    []byte
	}{[6]byte([]byte("SSHSIG")), namespace, "", "sha512", sum[:]})
	return SSHSignature{Version: 1, Key: k.Blob(), Namespace: namespace, Hash: "sha512", Value: k.Value(data)}
}

// Armour returns the signature as ssh-keygen writes it.
func (s SSHSignature) Armour() []byte {
	return Armour(append([]byte("SSHSIG"), ssh.Marshal(s)...))
}

// Armour returns any bytes as ssh-keygen writes signatures.
func Armour(raw []byte) []byte {
	var b strings.Builder
	b.WriteString("-----BEGIN SSH SIGNATURE-----")
	for i, c := range base64.StdEncoding.EncodeToString(raw) {
		if i%70 == 0 {
			b.WriteByte('\n')
		}
		b.WriteRune(c)
	}
	b.WriteString("\n-----END SSH SIGNATURE-----\n")
	return []byte(b.String())
}

// Sign returns the armoured signature over a message in a namespace.
func (k *SSH) Sign(namespace string, message []byte) []byte {
	return k.Make(namespace, message).Armour()
}
