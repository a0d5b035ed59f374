package pgp_test

import (
	"bytes"
	"crypto"
	"io"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
)

// born is when the keys of the crafted certificates were made, in Unix seconds.
const born = 1_500_000_000

// userID is that of the crafted certificates.
const userID = "Alice <alice@example.org>"

// newKey makes a key of the time, by default Ed25519 as GnuPG writes it.
func newKey(t testing.TB, created int64, change ...func(*packet.Config)) *packet.PrivateKey {
	t.Helper()
	config := &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA}
	for _, c := range change {
		c(config)
	}
	e, err := openpgp.NewEntity("", "", "x@example.org", config)
	if err != nil {
		t.Fatal(err)
	}
	key := packet.NewSignerPrivateKey(time.Unix(created, 0), e.PrivateKey.PrivateKey)
	if config.V6Keys {
		if err := key.UpgradeToV6(); err != nil {
			t.Fatal(err)
		}
	}
	return key
}

// newSubkey makes a key that is written as a subkey.
func newSubkey(t testing.TB, created int64) *packet.PrivateKey {
	t.Helper()
	key := newKey(t, created)
	key.IsSubkey = true
	return key
}

// noSalt has the library write nothing that no case asked for.
func noSalt() *packet.Config {
	salted := false
	return &packet.Config{NonDeterministicSignaturesViaNotation: &salted}
}

// change is what a case does to a signature before it is made.
type change func(*packet.Signature)

// Changes that several cases make.
func sha1(s *packet.Signature)     { s.Hash = crypto.SHA1 }
func maySign(s *packet.Signature)  { s.FlagsValid, s.FlagSign = true, true }
func noSign(s *packet.Signature)   { s.FlagsValid, s.FlagSign, s.FlagCertify = true, false, true }
func encrypts(s *packet.Signature) { s.FlagsValid, s.FlagEncryptCommunications = true, true }
func noFlags(s *packet.Signature)  { s.FlagsValid, s.FlagSign = false, false }
func critical(s *packet.Signature) {
	s.Notations = []*packet.Notation{{Name: "x@example.org", IsCritical: true}}
}
func endsAfter(seconds uint32) change {
	return func(s *packet.Signature) { s.KeyLifetimeSecs = &seconds }
}
func holdsFor(seconds uint32) change {
	return func(s *packet.Signature) { s.SigLifetimeSecs = &seconds }
}
func because(r packet.ReasonForRevocation) change {
	return func(s *packet.Signature) { s.RevocationReason = &r }
}

// newSignature begins one by the key, as of the time.
func newSignature(kind packet.SignatureType, by *packet.PrivateKey, at int64, changes []change) *packet.Signature {
	s := &packet.Signature{Version: by.Version, SigType: kind, PubKeyAlgo: by.PubKeyAlgo, Hash: crypto.SHA256, CreationTime: time.Unix(at, 0),
		IssuerKeyId: &by.KeyId, IssuerFingerprint: by.Fingerprint, IssuerKeyVersion: uint8(by.Version)}
	for _, c := range changes {
		c(s)
	}
	return s
}

// certificate writes packets one after the other.
type certificate struct {
	t   testing.TB
	key *packet.PrivateKey
	out bytes.Buffer
}

func newCertificate(t testing.TB, key *packet.PrivateKey) *certificate {
	c := &certificate{t: t, key: key}
	c.write(&key.PublicKey)
	return c
}

func (c *certificate) write(p interface{ Serialize(io.Writer) error }) *certificate {
	c.t.Helper()
	if err := p.Serialize(&c.out); err != nil {
		c.t.Fatal(err)
	}
	return c
}

func (c *certificate) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// user adds the user id, and certify a certification of it, by default for signatures.
func (c *certificate) user() *certificate {
	return c.write(packet.NewUserId("Alice", "", "alice@example.org"))
}

func (c *certificate) certify(at int64, changes ...change) *certificate {
	s := newSignature(packet.SigTypePositiveCert, c.key, at, append([]change{maySign, func(s *packet.Signature) { s.FlagCertify = true }}, changes...))
	c.must(s.SignUserId(userID, &c.key.PublicKey, c.key, noSalt()))
	return c.write(s)
}

// direct adds a signature on the primary key itself.
func (c *certificate) direct(at int64, changes ...change) *certificate {
	s := newSignature(packet.SigTypeDirectSignature, c.key, at, changes)
	c.must(s.SignDirectKeyBinding(&c.key.PublicKey, c.key, noSalt()))
	return c.write(s)
}

// subkey adds a subkey, without a binding.
func (c *certificate) subkey(sub *packet.PrivateKey) *certificate { return c.write(&sub.PublicKey) }

// bind adds a binding of a subkey for signatures, with the back signature.
func (c *certificate) bind(sub *packet.PrivateKey, at int64, changes ...change) *certificate {
	return c.bindWith(sub, c.back(sub, at), at, changes...)
}

// back makes the back signature of a subkey.
func (c *certificate) back(sub *packet.PrivateKey, at int64, changes ...change) *packet.Signature {
	s := newSignature(packet.SigTypePrimaryKeyBinding, sub, at, changes)
	c.must(s.CrossSignKey(&sub.PublicKey, &c.key.PublicKey, sub, noSalt()))
	return s
}

func (c *certificate) bindWith(sub *packet.PrivateKey, back *packet.Signature, at int64, changes ...change) *certificate {
	s := newSignature(packet.SigTypeSubkeyBinding, c.key, at, append([]change{maySign}, changes...))
	s.EmbeddedSignature = back
	c.must(s.SignKey(&sub.PublicKey, c.key, noSalt()))
	return c.write(s)
}

// revoke adds a revocation of the primary key by another key or its own.
func (c *certificate) revoke(by *packet.PrivateKey, at int64, changes ...change) *certificate {
	s := newSignature(packet.SigTypeKeyRevocation, by, at, changes)
	c.must(s.RevokeKey(&c.key.PublicKey, by, noSalt()))
	return c.write(s)
}

// revokeAs adds a revocation by the key itself that says anything of its maker, in
// its hashed or its unhashed area.
func (c *certificate) revokeAs(hashed, unhashed string) *certificate {
	var b bytes.Buffer
	c.must(c.key.PublicKey.SerializeForHash(&b))
	c.out.Write(handmadeOver(c.t, c.key, "\x20"+b.String(), [2]string{"\x05\x02\x60\x00\x00\x00" + hashed, unhashed}))
	return c
}

// revokeSubkey adds a revocation of a subkey.
func (c *certificate) revokeSubkey(sub *packet.PrivateKey, at int64, changes ...change) *certificate {
	s := newSignature(packet.SigTypeSubkeyRevocation, c.key, at, changes)
	c.must(s.RevokeSubkey(&sub.PublicKey, c.key, noSalt()))
	return c.write(s)
}

func (c *certificate) bytes() []byte { return c.out.Bytes() }

// signMessage makes a detached signature of the message.
func signMessage(t testing.TB, by *packet.PrivateKey, at int64, changes ...change) []byte {
	t.Helper()
	s := newSignature(packet.SigTypeBinary, by, at, changes)
	h, err := s.PrepareSign(noSalt())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(h, message); err != nil {
		t.Fatal(err)
	}
	if err := s.Sign(h, by, noSalt()); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := s.Serialize(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
