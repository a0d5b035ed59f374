package pgp_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/eddsa"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature/finding"
	"github.com/countermark/countermark/internal/signature/pgp"
)

// armoured wraps packets as the library does.
func armoured(t testing.TB, kind string, data []byte) string {
	t.Helper()
	var b bytes.Buffer
	w, err := armor.Encode(&b, kind, map[string]string{"Version": "1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String() + "\n"
}

// refused holds an error to a rule and to words of its sentence.
func refused(t *testing.T, name string, err error, rule refusal.Rule, words string) {
	t.Helper()
	r, ok := errors.AsType[*refusal.Refusal](err)
	if !ok || r.Rule != rule || !strings.Contains(r.Error(), words) {
		t.Errorf("%s: %v, expected %s with %q", name, err, rule, words)
	}
}

// replace returns the text with one thing in it replaced, once.
func replace(old, new string) func(string) string {
	return func(s string) string { return strings.Replace(s, old, new, 1) }
}

func TestArmour(t *testing.T) {
	key := newKey(t, born)
	certificates := parse(t, newCertificate(t, key).user().certify(born).bytes())
	whole := armoured(t, "PGP SIGNATURE", signMessage(t, key, signed))
	_, other, _ := strings.Cut(armoured(t, "PGP SIGNATURE", signMessage(t, key, signed+1)), "\n=")
	const begin, end = "-----BEGIN PGP SIGNATURE-----\n", "-----END PGP SIGNATURE-----\n"
	for _, c := range []struct {
		name   string
		change func(string) string
		rule   refusal.Rule // "" if accepted
		words  string
	}{
		{"as it is", func(s string) string { return s }, "", ""},
		{"no end of the last line", func(s string) string { return strings.TrimSuffix(s, "\n") }, "", ""},
		{"CR LF", func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }, "", ""},
		{"no header", replace("Version: 1\n", ""), "", ""},
		{"no checksum", func(s string) string { return s[:strings.Index(s, "\n=")] + "\n" + end }, "", ""},
		{"empty", func(string) string { return "" }, refusal.SigLimit, "0 bytes, expected 1 to 65536"},
		{"too long", func(s string) string { return s + strings.Repeat("\n", 1<<16) }, refusal.SigLimit, "expected 1 to 65536"},
		{"text before", func(s string) string { return "x\n" + s }, refusal.SigFormat, `begins with "x"`},
		{"an empty line before", func(s string) string { return "\n" + s }, refusal.SigFormat, `begins with ""`},
		{"a form feed before", func(s string) string { return "\f\n" + s }, refusal.SigFormat, `begins with "\f"`},
		{"NUL before", func(s string) string { return "\x00" + s }, refusal.SigFormat, `begins with "\x00`},
		{"a mark of the byte order", func(s string) string { return "\ufeff" + s }, refusal.SigFormat, "a packet of type 47"},
		{"a space before", func(s string) string { return " " + s }, refusal.SigFormat, "begins with"},
		{"a space after the first line", replace(begin, "-----BEGIN PGP SIGNATURE----- \n"), refusal.SigFormat, "begins with"},
		{"text after", func(s string) string { return s + "x\n" }, refusal.SigFormat, "1 lines follow"},
		{"an empty line after", func(s string) string { return s + "\n" }, "", ""},
		{"two empty lines after", func(s string) string { return s + "\n\n" }, refusal.SigFormat, "2 lines follow"},
		{"a space after", func(s string) string { return s + " " }, refusal.SigFormat, "1 lines follow"},
		{"two blocks", func(s string) string { return s + s }, refusal.SigMulti, "more than one"},
		{"two blocks, text between", func(s string) string { return s + "x\n" + s }, refusal.SigMulti, "more than one"},
		{"two packets", func(s string) string {
			return armoured(t, "PGP SIGNATURE", bytes.Repeat(signMessage(t, key, signed), 2))
		}, refusal.SigMulti, "more than one"},
		{"a form feed in a header", replace("Version: 1", "Version: \f"), refusal.SigFormat, "line 2 of the armour is a header with a control character"},
		{"NUL in a header", replace("Version: 1", "Version: 1\x00"), refusal.SigFormat, "control character"},
		{"no UTF-8 in a header", replace("Version: 1", "Version: \xff"), refusal.SigFormat, "not UTF-8"},
		{"a header without value", replace("Version: 1", "Version"), refusal.SigFormat, "line 2 of the armour is no header"},
		{"a header without name", replace("Version: 1", ": 1"), refusal.SigFormat, "is no header"},
		{"no empty line", replace("\n\n", "\n"), refusal.SigFormat, "is no header"},
		{"a line with a space for the empty one", replace("\n\n", "\n \n"), refusal.SigFormat, "is no header"},
		{"an empty line in the base64", replace("\n=", "\n\n="), refusal.SigFormat, "has 0 characters, expected 1 to 76"},
		{"a long line", replace("\n\n", "\n\n"+strings.Repeat("A", 77)+"\n"), refusal.SigFormat, "has 77 characters"},
		{"a space in the base64", replace("\n\n", "\n\n "), refusal.SigFormat, "no valid base64 in its lines 4"},
		{"another alphabet", replace("\n\n", "\n\n_"), refusal.SigFormat, "no valid base64"},
		{"no base64", func(string) string { return begin + "\n" + end }, refusal.SigFormat, "no valid base64"},
		{"another's checksum", func(s string) string { return s[:strings.Index(s, "\n=")] + "\n=" + other }, refusal.SigFormat, "checksum"},
		{"a checksum that is none", replace("\n=", "\n=A"), refusal.SigFormat, "checksum"},
		{"two checksums", func(s string) string { i := strings.Index(s, "\n="); return s[:i+6] + s[i:] }, refusal.SigFormat, "does not end with the line"},
		{"no last line", replace(end, ""), refusal.SigFormat, "does not end with the line"},
		{"nothing after the header", func(string) string { return begin }, refusal.SigFormat, "has no line"},
		{"another last line", replace(end, "-----END PGP MESSAGE-----\n"), refusal.SigFormat, "does not end with the line"},
		{"a message by its first line", replace(begin, "-----BEGIN PGP MESSAGE-----\n"), refusal.SigFormat, "begins with"},
		{"a text with its signature inside", func(s string) string { return "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nx\n" + s }, refusal.SigFormat, "a text with its signature inside"},
	} {
		sig := []byte(c.change(whole))
		f, err := pgp.Verify(sig, strings.NewReader(message), certificates, now)
		if c.rule == "" {
			if err != nil || f.State != finding.Good {
				t.Errorf("%s: %+v, %v", c.name, f, err)
			}
			continue
		}
		refused(t, c.name, err, c.rule, c.words)
		_, err = pgp.Canonical(sig)
		refused(t, c.name, err, c.rule, c.words)
		_, err = pgp.Issuer(sig)
		refused(t, c.name, err, c.rule, c.words)
	}
}

// body returns the content of a packet with a length of one byte.
func body(sig []byte) []byte { return bytes.Clone(sig[2:]) }

// packetOf writes a packet of the new format, with a length of five bytes.
func packetOf(tag byte, body []byte) []byte {
	return append([]byte{0xc0 | tag, 255, byte(len(body) >> 24), byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body...)
}

func TestSignaturePacket(t *testing.T) {
	key := newKey(t, born)
	whole := body(signMessage(t, key, signed))
	hashed := 6 + int(whole[5])
	// Of some signature the first number has 255 bits.
	for i := int64(1); whole[hashed+5] != 255; i++ {
		whole = body(signMessage(t, key, signed+i))
	}
	set := func(at int, b byte) func([]byte) []byte {
		return func(s []byte) []byte { s[at] = b; return s }
	}
	// hashing puts subpackets in the hashed area, which nobody then has signed.
	hashing := func(more string) func([]byte) []byte {
		return func(s []byte) []byte {
			s[5] += byte(len(more))
			return append(append(append([]byte{}, s[:hashed]...), more...), s[hashed:]...)
		}
	}
	for _, c := range []struct {
		name   string
		change func([]byte) []byte
		rule   refusal.Rule
		words  string
	}{
		{"version 3", set(0, 3), refusal.SigAlg, "version 3, expected 4 or 6"},
		{"version 5", set(0, 5), refusal.SigAlg, "version 5"},
		{"over text", set(1, 1), refusal.SigFormat, "type 0x01, expected 0x00"},
		{"over a key", set(1, 0x20), refusal.SigFormat, "type 0x20"},
		{"standing alone", set(1, 2), refusal.SigFormat, "type 0x02"},
		{"by ElGamal", set(2, 20), refusal.SigAlg, "public key algorithm 20"},
		{"by ML-DSA", set(2, 30), refusal.SigAlg, "public key algorithm 30"},
		{"by MD5", set(3, 1), refusal.SigAlg, "MD5 or RIPEMD-160"},
		{"by RIPEMD-160", set(3, 3), refusal.SigAlg, "MD5 or RIPEMD-160"},
		{"by an unknown digest", set(3, 99), refusal.SigAlg, "algorithm 99, expected SHA-256"},
		{"a byte after its end", func(s []byte) []byte { return append(s, 0) }, refusal.SigFormat, "does not end where its numbers do"},
		{"a byte short", func(s []byte) []byte { return s[:len(s)-1] }, refusal.SigFormat, "does not end where its numbers do"},
		{"two bytes", func(s []byte) []byte { return s[:2] }, refusal.SigFormat, "ends in its header"},
		{"nothing", func([]byte) []byte { return nil }, refusal.SigFormat, "ends in its header"},
		{"up to its digest", func(s []byte) []byte { return s[:hashed+2] }, refusal.SigFormat, "shorter than its own lengths"},
		{"a longer number", func(s []byte) []byte { s[hashed+4], s[hashed+5] = 1, 0; return s }, refusal.SigFormat, "as many bits as it says"},
		{"a number after a zero byte", func(s []byte) []byte {
			s[hashed+4], s[hashed+5] = 1, 7
			return slices.Insert(s, hashed+6, 0)
		}, refusal.SigFormat, "as many bits as it says"},
		{"no time", func(s []byte) []byte { s[7] = 100; return s }, refusal.SigFormat, "when it was made"},
		{"two times", hashing("\x05\x02\x00\x00\x00\x01"), refusal.SigFormat, "two subpackets of type 2"},
		{"a critical notation", hashing("\x0b\x94\x00\x00\x00\x00\x00\x01\x00\x01xy"), refusal.SigFormat, "critical notation"},
		{"something critical that is unknown", hashing("\x02\xe4x"), refusal.SigFormat, "cannot be understood"},
		{"an empty subpacket", hashing("\x00"), refusal.SigFormat, "empty, or longer"},
		{"a subpacket longer than its area", hashing("\x05\x64"), refusal.SigFormat, "empty, or longer"},
		{"a subpacket of four GiB", hashing("\xff\xff\xff\xff\xff\x64"), refusal.SigFormat, "empty, or longer"},
		{"a broken unhashed area", func(s []byte) []byte { // without the issuer in the hashed area
			return append(append(append([]byte{4, 0, 22, 8, 0, 6}, "\x05\x02\x00\x00\x00\x01"...), 0, 1, 9), s[hashed+2:]...)
		}, refusal.SigFormat, "empty, or longer"},
		{"no issuer", func(s []byte) []byte {
			return append(append([]byte{4, 0, 22, 8, 0, 6}, "\x05\x02\x00\x00\x00\x01"...), s[hashed:]...)
		}, refusal.SigFormat, "which key made it"},
	} {
		_, err := pgp.Issuer(packetOf(2, c.change(bytes.Clone(whole))))
		refused(t, c.name, err, c.rule, c.words)
	}
}

func TestOtherPackets(t *testing.T) {
	sig := signMessage(t, newKey(t, born), signed)
	for _, c := range []struct {
		name, data string
		rule       refusal.Rule
		words      string
	}{
		{"a literal", string(packetOf(11, []byte("b\x00\x00\x00\x00\x00x"))) + string(sig), refusal.SigFormat, "a message with its signature inside"},
		{"a compressed message", string(packetOf(8, []byte("\x00"))), refusal.SigFormat, "a message with its signature inside"},
		{"a message, signed in one pass", string(packetOf(4, []byte("\x03"))), refusal.SigFormat, "a message with its signature inside"},
		{"a key", string(packetOf(6, []byte("\x04"))), refusal.SigFormat, "a public key"},
		{"a marker before", string(packetOf(10, []byte("PGP"))) + string(sig), refusal.SigFormat, "a packet of type 10"},
		{"a marker after", string(sig) + string(packetOf(10, []byte("PGP"))), refusal.SigFormat, "followed by 9 bytes"},
		{"a byte after", string(sig) + "\x00", refusal.SigFormat, "followed by 1 bytes"},
		{"a second signature", string(sig) + string(sig), refusal.SigMulti, "more than one signature"},
		{"a second signature, cut short", string(sig) + string(sig[:9]), refusal.SigFormat, "followed by 9 bytes"},
		{"a partial length", "\xc2\xe9" + string(sig[2:]), refusal.SigFormat, "partial length"},
		{"no length", "\x8b" + string(sig[2:]), refusal.SigFormat, "no length"},
		{"an absurd length", "\xc2\xff\xff\xff\xff\xff", refusal.SigFormat, "4294967295 bytes by its header, at most"},
		{"an old absurd length", "\x8a\xff\xff\xff\xff", refusal.SigFormat, "4294967295 bytes by its header, at most"},
		{"a length beyond the end", "\xc2\x05xx", refusal.SigFormat, "has 5 bytes by its header, and the data ends after 2"},
		{"half a header", "\xc2", refusal.SigFormat, "ends in the header"},
		{"half a header of two", "\xc2\xc0", refusal.SigFormat, "ends in the header"},
		{"half an old header", "\x89\x00", refusal.SigFormat, "ends in the header"},
	} {
		_, err := pgp.Issuer([]byte(c.data))
		refused(t, c.name, err, c.rule, c.words)
	}
	// Any definite length will do outside envelopes.
	for _, header := range [][]byte{{0x88, byte(len(sig) - 2)}, {0x89, 0, byte(len(sig) - 2)}, {0x8a, 0, 0, 0, byte(len(sig) - 2)}, {0xc2, 255, 0, 0, 0, byte(len(sig) - 2)}} {
		again, err := pgp.Canonical(append(header, sig[2:]...))
		if want, _ := pgp.Canonical(sig); err != nil || !bytes.Equal(again, want) {
			t.Errorf("the header %x: %v", header, err)
		}
	}
}

// The real program's other ways of signing.
func TestGnuPGForms(t *testing.T) {
	g := newGnuPG(t)
	fingerprint := g.key("ed25519", now-1000)
	for _, c := range []struct {
		option, words string
		rule          refusal.Rule
	}{
		{"--clear-sign", "a text with its signature inside", refusal.SigFormat},
		{"--sign", "a message with its signature inside", refusal.SigFormat},
		{"--compress-algo none --sign", "a message with its signature inside", refusal.SigFormat},
		{"--armor --sign", "begins with", refusal.SigFormat},
		{"--textmode --detach-sign", "type 0x01", refusal.SigFormat},
		{"--armor --textmode --detach-sign", "type 0x01", refusal.SigFormat},
	} {
		sig := g.at(now, message, append([]string{"--local-user", fingerprint}, strings.Fields(c.option)...)...)
		_, err := pgp.Verify(sig, strings.NewReader(message), nil, now)
		refused(t, c.option, err, c.rule, c.words)
	}
}

// The message is not read where no key is there, and an error of reading it is
// no finding.
func TestMessage(t *testing.T) {
	key := newKey(t, born)
	certificates := parse(t, newCertificate(t, key).user().certify(born).bytes())
	sig := signMessage(t, key, signed)
	broken := errors.New("broken")
	_, err := pgp.Verify(sig, io.MultiReader(strings.NewReader(message), failing{broken}), certificates, now)
	if !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	for _, others := range [][]pgp.Certificate{nil, parse(t, newCertificate(t, newKey(t, born)).user().certify(born).bytes())} {
		f, err := pgp.Verify(sig, failing{broken}, others, now)
		if err != nil || f.State != finding.NoKey || f.Rule != refusal.SigNoKey || f.Holder != finding.NoHolder || !f.Key.IsZero() || f.Signed != signed || f.Form != finding.OpenPGP {
			t.Errorf("%+v, %v", f, err)
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// handmade signs the message with an Ed25519 key by hand, with any areas.
func handmade(t testing.TB, key *packet.PrivateKey, hashed, unhashed string) []byte {
	t.Helper()
	return handmadeOver(t, key, "\x00"+message, [2]string{hashed, unhashed})
}

// handmadeOver does so for a signature of any type, which is the first byte of
// what it is over, with a hashed and an unhashed area.
func handmadeOver(t testing.TB, key *packet.PrivateKey, over string, areas [2]string) []byte {
	t.Helper()
	hashed, unhashed := areas[0], areas[1]
	head := append([]byte{4, over[0], 22, 8, byte(len(hashed) >> 8), byte(len(hashed))}, hashed...)
	h := sha256.New()
	h.Write([]byte(over[1:]))
	h.Write(head)
	h.Write([]byte{4, 0xff, 0, 0, byte(len(head) >> 8), byte(len(head))})
	digest := h.Sum(nil)
	r, s, err := eddsa.Sign(key.PrivateKey.(*eddsa.PrivateKey), digest)
	if err != nil {
		t.Fatal(err)
	}
	b := append(append(head, byte(len(unhashed)>>8), byte(len(unhashed))), unhashed...)
	b = append(b, digest[:2]...)
	for _, number := range [][]byte{r, s} {
		n := new(big.Int).SetBytes(number)
		b = append(append(b, byte(n.BitLen()>>8), byte(n.BitLen())), n.Bytes()...)
	}
	return packetOf(2, b)
}

// What names the key, and where: in the hashed area, in the other, as
// fingerprint, as key id.
func TestIssuer(t *testing.T) {
	key, stranger := newKey(t, born), newKey(t, born)
	certificates := parse(t, newCertificate(t, key).user().certify(born).bytes())
	fingerprint := certificates[0].Fingerprint
	const created = "\x05\x02\x60\x00\x00\x00"
	full := func(k *packet.PrivateKey) string { return "\x16\x21\x04" + string(k.Fingerprint) }
	short := func(k *packet.PrivateKey) string { return "\x09\x10" + string(k.Fingerprint[12:]) }
	for _, c := range []struct {
		name, hashed, unhashed, want string
		canonical, found             bool
	}{
		{"signed fingerprint", full(key), "", fingerprint, true, true},
		{"signed fingerprint, another's key id", full(key), short(stranger), fingerprint, true, true},
		{"signed fingerprint, another's fingerprint", full(key), full(stranger), fingerprint, true, true},
		{"signed key id", short(key), "", fingerprint[24:], false, true},
		{"signed key id and fingerprint that is not", short(stranger), full(key), fingerprint, false, true},
		{"fingerprint", "", full(key), fingerprint, false, true},
		{"key id, as GnuPG 1.4 writes it", "", short(key), fingerprint[24:], false, true},
		{"a fingerprint of version 6", "\x22\x21\x06" + strings.Repeat("x", 32), short(key), fingerprint[24:], false, true},
		{"another's signed fingerprint", full(stranger), full(key), hex.EncodeToString(stranger.Fingerprint), true, false},
	} {
		sig := handmade(t, key, created+c.hashed, c.unhashed)
		issuer, err := pgp.Issuer(sig)
		if err != nil || issuer != c.want {
			t.Errorf("%s: %q, %v", c.name, issuer, err)
		}
		f := verify(t, sig, certificates)
		if c.found && (f.State != finding.Good || f.Fingerprint != fingerprint) || !c.found && (f.State != finding.NoKey || f.Fingerprint != c.want) {
			t.Errorf("%s: %+v", c.name, f)
		}
		if _, err := pgp.Canonical(sig); (err == nil) != c.canonical {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
