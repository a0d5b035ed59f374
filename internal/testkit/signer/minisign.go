package signer

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"testing"

	"golang.org/x/crypto/blake2b"
)

// Minisign is a key of minisign or signify, which have one format.
type Minisign struct {
	ID     [8]byte
	secret ed25519.PrivateKey
}

// NewMinisign makes a key.
func NewMinisign(tb testing.TB) *Minisign {
	tb.Helper()
	_, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	k := &Minisign{secret: secret}
	copy(k.ID[:], secret[len(secret)-8:])
	return k
}

// Packed returns algorithm, key id and value in base64, as the second line of
// each file has them.
func (k *Minisign) Packed(algorithm string, value []byte) string {
	raw := append(append([]byte(algorithm), k.ID[:]...), value...)
	return base64.StdEncoding.EncodeToString(raw)
}

// Public returns the key in base64.
func (k *Minisign) Public() string { return k.Packed("Ed", k.secret.Public().(ed25519.PublicKey)) }

// PublicFile returns the file of the public key, with a comment that makes it
// one of minisign or of signify.
func (k *Minisign) PublicFile(comment string) []byte {
	return fmt.Appendf(nil, "untrusted comment: %s\n%s\n", comment, k.Public())
}

// Sign returns minisign's signature over the message's digest.
func (k *Minisign) Sign(message []byte, trusted string) []byte {
	sum := blake2b.Sum512(message)
	return k.file("ED", sum[:], trusted)
}

// SignLegacy returns minisign's older signature, over the message itself.
func (k *Minisign) SignLegacy(message []byte, trusted string) []byte {
	return k.file("Ed", message, trusted)
}

func (k *Minisign) file(algorithm string, data []byte, trusted string) []byte {
	value := ed25519.Sign(k.secret, data)
	global := ed25519.Sign(k.secret, append(append([]byte{}, value...), trusted...))
	return fmt.Appendf(nil, "untrusted comment: signature\n%s\ntrusted comment: %s\n%s\n",
		k.Packed(algorithm, value), trusted, base64.StdEncoding.EncodeToString(global))
}

// SignSignify returns signify's signature.
func (k *Minisign) SignSignify(message []byte) []byte {
	return fmt.Appendf(nil, "untrusted comment: verify with key.pub\n%s\n", k.Packed("Ed", ed25519.Sign(k.secret, message)))
}
