package release_test

import (
	"bytes"
	"crypto"
	stded25519 "crypto/ed25519"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/ed25519"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"
	"golang.org/x/crypto/ssh"

	"github.com/countermark/countermark/internal/signature"
	"github.com/countermark/countermark/internal/testkit"
	"github.com/countermark/countermark/internal/testkit/signer"
)

// key is one key of a party, as a policy has it and as it signs.
type key interface {
	// Line is the key as it stands in a policy.
	Line() string
	// Sign returns a signature as envelopes hold it.
	Sign(namespace string, message []byte) []byte
}

// The forms of keys that the names of keys end with, as in "ben/pgp".
const (
	formMinisign = "/minisign"
	formOpenPGP  = "/pgp"    // a certificate with a signing subkey
	formSubkey   = "/subkey" // the same, signing with the subkey
	formGnuPG    = "/gpg"    // made by the real program
	formHardware = "/sk"
	formTwin     = "/twin"    // of minisign, with the raw key of the ssh key before the slash
	formPGPTwin  = "/pgptwin" // of OpenPGP, likewise
	formSKTwin   = "/sktwin"  // in hardware, likewise
)

// addKey makes the key of a name.
func (w *world) addKey(name string) {
	if _, known := w.parties[name]; known {
		return
	}
	base, form, _ := strings.Cut(name, "/")
	original := func() *signer.SSH {
		w.addKey(base)
		return w.parties[base].key.(*signer.SSH)
	}
	var k key
	switch "/" + form {
	case formMinisign:
		k = minisignKey{signer.NewMinisign(w.tb)}
	case formTwin:
		k = minisignKey{original().Minisign()}
	case formOpenPGP, formSubkey:
		primary := newOpenPGP(w.tb, nil)
		w.parties[base+formSubkey] = party{base + formSubkey, openPGPKey{primary.tb, primary.entity, primary.entity.Subkeys[0].PrivateKey}}
		w.parties[base+formOpenPGP] = party{base + formOpenPGP, primary}
		return
	case formPGPTwin:
		k = newOpenPGP(w.tb, original())
	case formGnuPG:
		k = newGnuPG(w.tb, base)
	case formHardware:
		k = signer.NewSSH(w.tb, signer.SKEd25519)
	case formSKTwin:
		k = original().Hardened()
	default:
		k = signer.NewSSH(w.tb, "ssh-ed25519")
	}
	w.parties[name] = party{name, k}
}

// enveloped returns the form for envelopes.
func enveloped(tb testing.TB, sig []byte) []byte {
	tb.Helper()
	c, err := signature.Canonical(sig)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

type minisignKey struct{ k *signer.Minisign }

func (m minisignKey) Line() string { return m.k.Public() }

func (m minisignKey) Sign(_ string, message []byte) []byte {
	c, err := signature.Canonical(m.k.Sign(message, "timestamp:1"))
	if err != nil {
		panic(err) // cannot happen: it is one of minisign's
	}
	return c
}

// openPGPKey is a certificate, and the key of it that signs.
type openPGPKey struct {
	tb     testing.TB
	entity *openpgp.Entity
	secret *packet.PrivateKey
}

// newOpenPGP makes a certificate with a signing subkey; with the raw key of an
// ssh key, if there is one, one without.
func newOpenPGP(tb testing.TB, twin *signer.SSH) openPGPKey {
	tb.Helper()
	born := time.Unix(epoch-1000, 0)
	config := &packet.Config{Algorithm: packet.PubKeyAlgoEd25519, Time: func() time.Time { return born }}
	e, err := openpgp.NewEntity("A U Thor", "", "a@example.org", config)
	if err != nil {
		tb.Fatal(err)
	}
	e.Subkeys, e.Identities = nil, make(map[string]*openpgp.Identity)
	if twin != nil {
		raw, err := ssh.ParseRawPrivateKey(twin.Private(tb))
		if err != nil {
			tb.Fatal(err)
		}
		secret := *raw.(*stded25519.PrivateKey)
		k := ed25519.NewPrivateKey(ed25519.PublicKey{Point: secret.Public().(stded25519.PublicKey)})
		k.Key = secret
		e.PrivateKey = packet.NewSignerPrivateKey(born, k)
		e.PrimaryKey = &e.PrivateKey.PublicKey
	}
	err = e.AddUserId("A U Thor", "", "a@example.org", config)
	if err == nil && twin == nil {
		err = e.AddSigningSubkey(config)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return openPGPKey{tb, e, e.PrivateKey}
}

func (o openPGPKey) armour(kind string, write func(io.Writer) error) string {
	var b bytes.Buffer
	w, err := armor.Encode(&b, kind, nil)
	if err == nil {
		err = write(w)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		o.tb.Fatal(err)
	}
	return b.String() + "\n"
}

func (o openPGPKey) Line() string {
	return o.armour("PGP PUBLIC KEY BLOCK", o.entity.Serialize)
}

func (o openPGPKey) Sign(namespace string, message []byte) []byte {
	armoured := o.armoured(message, func(openPGPKey, *packet.Signature) {})
	if namespace == signature.GitNamespace.Namespace() {
		return armoured
	}
	return enveloped(o.tb, armoured)
}

// signAs returns a signature for envelopes that was changed before it was made.
func (o openPGPKey) signAs(message []byte, change func(openPGPKey, *packet.Signature)) []byte {
	return enveloped(o.tb, o.armoured(message, change))
}

func (o openPGPKey) armoured(message []byte, change func(openPGPKey, *packet.Signature)) []byte {
	s := &packet.Signature{Version: o.secret.Version, SigType: packet.SigTypeBinary, PubKeyAlgo: o.secret.PubKeyAlgo, Hash: crypto.SHA512,
		CreationTime: time.Unix(epoch, 0), IssuerKeyId: &o.secret.KeyId, IssuerFingerprint: o.secret.Fingerprint}
	change(o, s)
	salted := false
	config := &packet.Config{NonDeterministicSignaturesViaNotation: &salted}
	h, err := s.PrepareSign(config)
	if err == nil {
		_, _ = h.Write(message)
		err = s.Sign(h, o.secret, config)
	}
	if err != nil {
		o.tb.Fatal(err)
	}
	return []byte(o.armour("PGP SIGNATURE", s.Serialize))
}

// gnuPGKey is a key of the real program, in a home of its own.
type gnuPGKey struct {
	tb          testing.TB
	home        string
	certificate string
}

func newGnuPG(tb testing.TB, name string) gnuPGKey {
	tb.Helper()
	testkit.Program(tb, "gpg")
	home, err := os.MkdirTemp("", "gpg") // the path must be short
	if err != nil {
		tb.Fatal(err)
	}
	k := gnuPGKey{tb: tb, home: home}
	tb.Cleanup(func() {
		stop := exec.Command("gpgconf", "--kill", "all")
		stop.Env = k.environment()
		_ = stop.Run()
		_ = os.RemoveAll(home)
	})
	k.run(nil, "--quick-generate-key", name+" <"+name+"@example.org>", "ed25519", "sign", "never")
	k.certificate = string(k.run(nil, "--armor", "--export"))
	return k
}

func (k gnuPGKey) environment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "GNUPGHOME=" + k.home, "LC_ALL=C"}
}

func (k gnuPGKey) run(stdin []byte, args ...string) []byte {
	k.tb.Helper()
	cmd := exec.Command("gpg", append([]string{"--batch", "--quiet", "--no-tty", "--passphrase", "", "--pinentry-mode", "loopback"}, args...)...)
	cmd.Env, cmd.Stdin = k.environment(), bytes.NewReader(stdin)
	out, err := cmd.Output()
	if err != nil {
		k.tb.Fatalf("gpg %q: %v", args, err)
	}
	return out
}

func (k gnuPGKey) Line() string { return k.certificate }

func (k gnuPGKey) Sign(namespace string, message []byte) []byte {
	if namespace == signature.GitNamespace.Namespace() {
		return k.run(message, "--armor", "--detach-sign")
	}
	return enveloped(k.tb, k.run(message, "--detach-sign", "--digest-algo", "SHA512"))
}
