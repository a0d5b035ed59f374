package pgp_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/countermark/countermark/internal/publickey"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature/finding"
	"github.com/countermark/countermark/internal/signature/pgp"
)

// versionThree is the packet of a key of PGP's first years (RFC 4880, section
// 5.5.2), and unknownAlgorithm one of the future.
func versionThree() []byte {
	return packetOf(6, append([]byte{3, 0x30, 0, 0, 0, 0, 0, 1, 0x04, 0x00}, append(bytes.Repeat([]byte{0xc1}, 128), 0, 5, 17)...))
}

func unknownAlgorithm() []byte { return packetOf(6, []byte{4, 0x60, 0, 0, 0, 99, 1, 2, 3}) }

func TestKeyFile(t *testing.T) {
	alice, bob := newKey(t, born), newKey(t, born+1)
	a, b := simple(t, alice), simple(t, bob)
	const kind = "PGP PUBLIC KEY BLOCK"
	fingerprint := func(k *packet.PrivateKey) string { return fmt.Sprintf("%x", k.Fingerprint) }
	both := []string{fingerprint(alice), fingerprint(bob)}
	for _, c := range []struct {
		name, data string
		want       []string // fingerprints
	}{
		{"binary", string(a), both[:1]},
		{"binary, two", string(a) + string(b), both},
		{"one block", armoured(t, kind, a), both[:1]},
		{"one block, two certificates", armoured(t, kind, slices.Concat(a, b)), both},
		{"two blocks", armoured(t, kind, a) + armoured(t, kind, b), both},
		{"two blocks, text around them", "# keys\n\npub rsa\n" + armoured(t, kind, a) + "\n\f\ntext\n" + armoured(t, kind, b) + "\nend", both},
		{"two blocks, CR LF", strings.ReplaceAll(armoured(t, kind, a)+armoured(t, kind, b), "\n", "\r\n"), both},
		{"trust packets, as in GnuPG's old keyrings", string(a) + string(packetOf(12, []byte{0, 0})) + string(b), both},
		{"markers and padding", string(packetOf(10, []byte("PGP"))) + string(a) + string(packetOf(21, []byte("x"))) + string(b), both},
		{"something that may be passed over", string(a) + string(packetOf(60, []byte("x"))) + string(b), both},
		{"one of version 3 before", string(versionThree()) + string(packetOf(13, []byte("Old"))) + string(a), []string{"", both[0]}},
		{"one of an unknown algorithm before", string(unknownAlgorithm()) + string(a), []string{"", both[0]}},
	} {
		all := parse(t, []byte(c.data))
		if len(all) != len(c.want) {
			t.Errorf("%s: %d certificates, expected %d", c.name, len(all), len(c.want))
			continue
		}
		for i, got := range all {
			unusable := got.Fingerprint != both[0] && got.Fingerprint != both[1]
			if !unusable && got.Fingerprint != c.want[i] || (got.Unusable != "") != unusable || (len(got.Keys) == 0) != unusable {
				t.Errorf("%s: certificate %d is %q, %v, %q", c.name, i, got.Fingerprint, got.Keys, got.Unusable)
			}
		}
		if f := verify(t, signMessage(t, alice, signed), all); f.State != finding.Good || all[f.Holder].Fingerprint != both[0] {
			t.Errorf("%s: %+v", c.name, f)
		}
	}
}

func TestKeyFileRefused(t *testing.T) {
	a := simple(t, newKey(t, born))
	block := armoured(t, "PGP PUBLIC KEY BLOCK", a)
	for _, c := range []struct {
		name, data string
		rule       refusal.Rule
		words      string
	}{
		{"empty", "", refusal.SigKey, "holds no OpenPGP key"},
		{"text", "ssh-ed25519 AAAA\n", refusal.SigKey, "holds no OpenPGP key"},
		{"a broken block beside a good one", block + strings.Replace(block, "\n\n", "\n\n!", 1), refusal.SigKey, "no valid base64"},
		{"a block without its end", block[:len(block)-10], refusal.SigKey, "does not end with the line"},
		{"a block of something else", block + armoured(t, "PGP SIGNATURE", a), refusal.SigKey, "a block that is not the line"},
		{"a signature in the block", armoured(t, "PGP PUBLIC KEY BLOCK", signMessage(t, newKey(t, born), signed)), refusal.SigKey, "block 1 of the OpenPGP key file: it begins with a packet of type 2"},
		{"a secret key's block", block + armoured(t, "PGP PRIVATE KEY BLOCK", a), refusal.SigKey, "holds a secret key"},
		{"a secret key", string(a) + string(packetOf(5, []byte{4})), refusal.SigKey, "holds a secret key"},
		{"a secret subkey", string(a) + string(packetOf(7, []byte{4})), refusal.SigKey, "holds a secret key"},
		{"a certificate cut short", string(a[:len(a)-1]), refusal.SigKey, "and the data ends after"},
		{"bytes after", string(a) + "\x00", refusal.SigKey, "0x00 begins no packet"},
		{"too long", strings.Repeat("\n", 1<<24+1), refusal.SigLimit, "at most 16777216"},
		{"too many", strings.Repeat(string(versionThree()), 1025), refusal.SigLimit, "more than 1024 certificates"},
		{"too many packets", string(a) + strings.Repeat(string(packetOf(13, nil)), 1<<16), refusal.SigKey, "more than 65536 packets"},
	} {
		_, err := pgp.ParseCertificates([]byte(c.data))
		refused(t, c.name, err, c.rule, c.words)
	}
}

// A certificate that cannot be used says why, and so does a signature by it.
func TestUnusable(t *testing.T) {
	key := newKey(t, born)
	config := func(a packet.PublicKeyAlgorithm, curve packet.Curve) func(*packet.Config) {
		return func(c *packet.Config) { c.Algorithm, c.Curve = a, curve }
	}
	brainpool := newKey(t, born, config(packet.PubKeyAlgoECDSA, packet.CurveBrainpoolP256))
	koblitz := newKey(t, born, config(packet.PubKeyAlgoECDSA, packet.CurveSecP256k1))
	oldEd448 := newKey(t, born, config(packet.PubKeyAlgoEdDSA, packet.Curve448))
	for _, c := range []struct {
		name  string
		data  []byte
		key   *packet.PrivateKey
		words string
	}{
		{"a packet that no certificate has", slices.Concat(simple(t, key), packetOf(11, nil)), key, "a packet of type 11"},
		{"no user id", newCertificate(t, key).bytes(), key, "cannot be understood"},
		{"brainpool", simple(t, brainpool), brainpool, "the curve BrainpoolP256, expected P-256"},
		{"secp256k1", simple(t, koblitz), koblitz, "the curve SecP256k1, expected P-256"},
		{"Ed448 in the old form", simple(t, oldEd448), oldEd448, "the curve Curve448, expected Ed25519"},
		{"too many user ids", slices.Concat(simple(t, key), many(300, func(i int) []byte { return packetOf(13, []byte{byte(i), byte(i >> 8)}) })), key, "more than 256 subkeys or user ids"},
		{"too many subkeys", slices.Concat(simple(t, key), many(300, func(i int) []byte { return packetOf(14, []byte{4, byte(i), byte(i >> 8)}) })), key, "more than 256 subkeys or user ids"},
		{"too many signatures", slices.Concat(simple(t, key), newCertificate(t, key).direct(born).bytes()[publicKeyBytes:], many(1100, func(i int) []byte {
			return newCertificate(t, key).direct(born + int64(i)).bytes()[publicKeyBytes:]
		})), key, "more than 1024 signatures of its own"},
		{"too many stray signatures", slices.Concat(simple(t, key), bytes.Repeat(packetOf(2, []byte{4, 0x28}), 1100)), key, "more than 1024 signatures of its own"},
	} {
		all := parse(t, c.data)
		if len(all) != 1 || !strings.Contains(all[0].Unusable, c.words) || all[0].Keys != nil || all[0].Fingerprint == "" {
			t.Errorf("%s: %+v, expected %q", c.name, all, c.words)
		}
		f := verify(t, signMessage(t, c.key, signed), all)
		if f.State != finding.NoKey || !strings.Contains(f.Why, "with which nothing can be verified") || !strings.Contains(f.Why, c.words) {
			t.Errorf("%s: %+v", c.name, f)
		}
	}
	exponentOne := packetOf(6, slices.Concat([]byte{4, 0x50, 0, 0, 0, 1, 0x08, 0}, bytes.Repeat([]byte{0xc1}, 256), []byte{0, 1, 1}))
	if all := parse(t, exponentOne); !strings.Contains(all[0].Unusable, "exponent of the RSA key is 1") {
		t.Errorf("%+v", all)
	}
	rsa512 := packetOf(6, slices.Concat([]byte{4, 0x50, 0, 0, 0, 1, 2, 0}, bytes.Repeat([]byte{0xc1}, 64), []byte{0, 5, 17}))
	if all := parse(t, rsa512); !strings.Contains(all[0].Unusable, "RSA of 512 bits") {
		t.Errorf("%+v", all)
	}
	short := versionThree()
	if all := parse(t, short); !strings.Contains(all[0].Unusable, "version 3, expected 4 or 6") {
		t.Errorf("%+v", all)
	}
	// A key with bytes after its end has another fingerprint for those who do
	// not look.
	long := newCertificate(t, key).bytes()
	if all := parse(t, packetOf(6, append(body(long), 0))); !strings.Contains(all[0].Unusable, "bytes after its end") {
		t.Errorf("%+v", all)
	}
}

func many(n int, packet func(int) []byte) []byte {
	var all []byte
	for i := range n {
		all = append(all, packet(i)...)
	}
	return all
}

// Certificates of one primary key are one, however they are cut and wherever they
// stand.
func TestJoined(t *testing.T) {
	key, sub := newKey(t, born), newSubkey(t, born)
	plain := newCertificate(t, key).user().certify(born).subkey(sub).bind(sub, born).bytes()
	withoutSubkey := newCertificate(t, key).user().certify(born).bytes()
	revoked := newCertificate(t, key).revoke(key, signed-year, because(packet.KeyRetired)).bytes()
	subRevoked := newCertificate(t, key).user().certify(born).subkey(sub).revokeSubkey(sub, signed-year, because(packet.KeyRetired)).bytes()
	unreadable := newCertificate(t, key).user().certify(born).bytes()
	unreadable = append(unreadable, packetOf(2, []byte{3, 5, 0x20, 0, 0, 0, 0})...)
	subUnreadable := newCertificate(t, key).user().certify(born).subkey(sub).bind(sub, born).bytes()
	subUnreadable = append(subUnreadable, packetOf(2, []byte{4, 0x28, 99})...)
	ended := newCertificate(t, key).user().certify(born, endsAfter(year)).subkey(sub).bind(sub, born).bytes()
	other := simple(t, newKey(t, born))
	for _, c := range []struct {
		name   string
		parts  [][]byte
		state  finding.State
		holder int
	}{
		{"plain", [][]byte{plain}, finding.Good, 0},
		{"another first", [][]byte{other, plain}, finding.Good, 1},
		{"twice", [][]byte{plain, other, plain}, finding.Good, 0},
		{"without the subkey first", [][]byte{withoutSubkey, plain}, finding.Good, 1},
		{"revoked in a copy without the subkey", [][]byte{plain, other, revoked}, finding.Revoked, 0},
		{"revoked in a copy before", [][]byte{revoked, plain}, finding.Revoked, 1},
		{"the subkey revoked in a copy", [][]byte{plain, subRevoked}, finding.Revoked, 0},
		{"the subkey revoked in a copy before", [][]byte{subRevoked, plain}, finding.Revoked, 0},
		{"a revocation in a copy that cannot be read", [][]byte{plain, unreadable}, finding.Revoked, 0},
		{"a revocation of the subkey that cannot be read", [][]byte{subUnreadable}, finding.Revoked, 0},
		{"a signature of which nothing can be read", [][]byte{plain, packetOf(2, nil)}, finding.Revoked, 0},
		{"ended, and prolonged in a copy", [][]byte{ended, newCertificate(t, key).user().certify(born + year/2).bytes()}, finding.Good, 0},
		{"ended", [][]byte{ended}, finding.Expired, 0},
	} {
		sig := signMessage(t, sub, signed)
		f := verify(t, sig, parse(t, slices.Concat(c.parts...)))
		if f.State != c.state || f.Holder != c.holder {
			t.Errorf("%s: %+v", c.name, f)
		}
	}
}

// A subkey is of the version of its certificate.
func TestMixedVersions(t *testing.T) {
	six, four := newKey(t, born, v6Ed25519), newKey(t, born)
	six.IsSubkey = true
	mixed := newCertificate(t, four).user().certify(born).subkey(six).bind(six, born).bytes()
	if f := verify(t, signMessage(t, six, signed), parse(t, mixed)); f.State != finding.NoKey || !strings.Contains(f.Why, "in a certificate of version 4") {
		t.Errorf("%+v", f)
	}
}

// Two certificates may hold one key. Whoever claims another's cannot spoil it.
func TestClaimedKey(t *testing.T) {
	key, sub, thief := newKey(t, born), newSubkey(t, born), newKey(t, born)
	owner := newCertificate(t, key).user().certify(born).subkey(sub).bind(sub, born).bytes()
	for name, claim := range map[string][]byte{
		"unbound":                newCertificate(t, thief).user().certify(born).subkey(sub).bytes(),
		"without back signature": newCertificate(t, thief).user().certify(born).subkey(sub).bindWith(sub, nil, born).bytes(),
		"revoked":                newCertificate(t, thief).user().certify(born).subkey(sub).revokeSubkey(sub, born).bytes(),
	} {
		all := parse(t, slices.Concat(claim, owner))
		if f := verify(t, signMessage(t, sub, signed), all); f.State != finding.Good || f.Holder != 1 {
			t.Errorf("%s: %+v", name, f)
		}
		if len(all[0].Keys) != 1 || len(all[1].Keys) != 2 {
			t.Errorf("%s: the keys are %v and %v", name, all[0].Keys, all[1].Keys)
		}
		if f := verify(t, signMessage(t, sub, signed), all[:1]); f.State == finding.Good || f.State == finding.GoodExpired {
			t.Errorf("%s, alone: %+v", name, f)
		}
	}
}

// A key that its owner has named may revoke it. As its certificate is not at
// hand, the revocation is believed.
func TestDesignatedRevoker(t *testing.T) {
	g := newGnuPG(t)
	revoker := g.key("nistp256", born)
	fingerprint := g.key("ed25519", born)
	sig := g.sign(fingerprint, signed)
	g.at(born, "addrevoker\n"+revoker+"\ny\nsave\n", "--command-fd", "0", "--no-batch", "--edit-key", fingerprint)
	named := g.export(fingerprint)
	if f := verify(t, sig, parse(t, named)); f.State != finding.Good {
		t.Errorf("named: %+v", f)
	}
	armour := g.at(signed+year, "y\n0\n\ny\n", "--command-fd", "0", "--no-batch", "--desig-revoke", fingerprint)
	g.at(signed+year, string(armour), "--import")
	if f := verify(t, sig, parse(t, g.export(fingerprint))); f.State != finding.Revoked || !strings.Contains(f.Why, "another key that its owner has named") {
		t.Errorf("revoked: %+v", f)
	}
}

// The same, where the revocation names its maker by key id alone, as old programs
// write it.
func TestDesignatedRevokerByKeyID(t *testing.T) {
	key, revoker, stranger := newKey(t, born), newKey(t, born), newKey(t, born)
	var b bytes.Buffer
	if err := key.PublicKey.SerializeForHash(&b); err != nil {
		t.Fatal(err)
	}
	const created = "\x05\x02\x60\x00\x00\x00"
	naming := handmadeOver(t, key, "\x1f"+b.String(), [2]string{created + "\x17\x0c\x80\x16" + string(revoker.Fingerprint), "\x09\x10" + string(key.Fingerprint[12:])})
	for by, want := range map[*packet.PrivateKey]finding.State{revoker: finding.Revoked, stranger: finding.Good} {
		revocation := handmadeOver(t, by, "\x20"+b.String(), [2]string{created, "\x09\x10" + string(by.Fingerprint[12:])})
		all := parse(t, slices.Concat(newCertificate(t, key).bytes(), revocation, naming, newCertificate(t, key).user().certify(born).bytes()))
		if f := verify(t, signMessage(t, key, signed), all); f.State != want {
			t.Errorf("%+v, expected %v", f, want)
		}
	}
}

// Old keys, as their owners still have them.
func TestWeakKeys(t *testing.T) {
	g := newGnuPG(t)
	for _, algorithm := range []string{"dsa1024", "rsa1024"} {
		fingerprint := g.key(algorithm, born)
		for _, options := range [][]string{{"--digest-algo", "SHA256"}, {"--digest-algo", "SHA512", "--armor"}} {
			f := verify(t, g.sign(fingerprint, signed, options...), parse(t, g.export(fingerprint)))
			if f.State != finding.Weak || f.Rule != refusal.SigWeak || f.Fingerprint != fingerprint || f.Holder != 0 ||
				!strings.EqualFold(strings.ReplaceAll(strings.SplitN(strings.TrimPrefix(f.Why, "the key is "), ",", 2)[0], " ", ""), algorithm) {
				t.Errorf("%s: %+v", algorithm, f)
			}
		}
	}
	if keys := parse(t, g.export(g.fingerprint(g.name("dsa1024"))))[0].Keys; len(keys) != 1 || keys[0].Algorithm() != publickey.DSA || keys[0].Bits() != 1024 {
		t.Errorf("%v", keys)
	}
	// A strong subkey of a weak primary key: who breaks that one makes another subkey.
	weak := g.fingerprint(g.name("rsa1024"))
	g.at(born, "", "--quick-add-key", weak, "rsa3072", "sign", "never")
	sub := g.fingerprints(g.name("rsa1024"))[1]
	if f := verify(t, g.sign(sub, signed), parse(t, g.export(weak))); f.State != finding.Weak || !strings.Contains(f.Why, "primary key, which binds the key, is RSA 1024") {
		t.Errorf("%+v", f)
	}
	good := g.key("rsa2048", born)
	g.at(born, "", "--quick-add-key", good, "ed25519", "sign", "never")
	sub = g.fingerprints(g.name("rsa2048"))[1]
	if f := verify(t, g.sign(sub, signed), parse(t, g.export(good))); f.State != finding.Good || f.Note != "primary key RSA 2048" || f.Fingerprint != sub {
		t.Errorf("%+v", f)
	}
}
