package sshsig_test

import (
	"bytes"
	"crypto/elliptic"
	"encoding/base64"
	"math/big"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature/finding"
	"github.com/countermark/countermark/internal/signature/sshsig"
	"github.com/countermark/countermark/internal/testkit"
	"github.com/countermark/countermark/internal/testkit/signer"
)

// secondOpinion reports whether ssh-keygen accepts the signature. What it accepts
// differs between its versions; the tables have what OpenSSH 9.2 does.
func secondOpinion(t *testing.T, name string, expected bool, sig []byte, line string) bool {
	t.Helper()
	ok, said := openSSH(t, sig, "x", "someone "+line)
	if ok != expected {
		t.Logf("%s: this ssh-keygen accepts it: %v: %s", name, ok, said)
	}
	return ok
}

// Each case has one defect. Where ssh-keygen accepts it nevertheless, the case
// says so: the rule is ours.
func TestDefects(t *testing.T) {
	type parts = signer.SSHSignature
	for _, c := range []struct {
		name    string
		spoil   func(*parts)
		want    refusal.Rule
		openSSH bool // accepts it
	}{
		{"nothing", func(*parts) {}, "", true},
		{"version 0", func(p *parts) { p.Version = 0 }, refusal.SigFormat, true},
		{"version 2", func(p *parts) { p.Version = 2 }, refusal.SigFormat, false},
		{"reserved", func(p *parts) { p.Reserved = "hi" }, refusal.SigFormat, true},
		{"namespace git", func(p *parts) { p.Namespace = "git" }, refusal.SigNamespace, false},
		{"namespace with a NUL", func(p *parts) { p.Namespace += "\x00" }, refusal.SigNamespace, true},
		{"no namespace", func(p *parts) { p.Namespace = "" }, refusal.SigFormat, false},
		{"other digest", func(p *parts) { p.Hash = "sha256" }, refusal.SigBad, false},
		{"digest sha1", func(p *parts) { p.Hash = "sha1" }, refusal.SigAlg, false},
		{"digest in capitals", func(p *parts) { p.Hash = "SHA512" }, refusal.SigAlg, false},
		{"no digest", func(p *parts) { p.Hash = "" }, refusal.SigAlg, false},
		{"trailing byte", func(p *parts) { p.Rest = []byte{0} }, refusal.SigFormat, false},
		{"trailing byte after the key", func(p *parts) { p.Key = append(p.Key, 0) }, refusal.SigKey, false},
		{"trailing byte after the value", func(p *parts) { p.Value = append(p.Value, 0) }, refusal.SigFormat, false},
		{"cut value", func(p *parts) { p.Value = p.Value[:len(p.Value)-1] }, refusal.SigFormat, false},
		{"no value", func(p *parts) { p.Value = nil }, refusal.SigFormat, false},
		{"no key", func(p *parts) { p.Key = nil }, refusal.SigKey, false},
		{"another key's value", func(p *parts) { p.Value = signer.NewSSH(t, "ssh-ed25519").Make(namespace, []byte("x")).Value }, refusal.SigBad, false},
		{"another algorithm's value", func(p *parts) { p.Value = signer.NewSSH(t, "rsa-2048").Make(namespace, []byte("x")).Value }, refusal.SigAlg, false},
		{"short Ed25519 value", func(p *parts) { p.Value = value("ssh-ed25519", make([]byte, 63)) }, refusal.SigFormat, false},
		{"value of nothing", func(p *parts) { p.Value = value("ssh-ed25519", make([]byte, 64)) }, refusal.SigBad, false},
		{"S plus the group's order", func(p *parts) { p.Value = addOrder(p.Value) }, refusal.SigBad, true},
	} {
		key := signer.NewSSH(t, "ssh-ed25519")
		p := key.Make(namespace, []byte("x"))
		c.spoil(&p)
		f, err := verify(p.Armour(), "x", holders(t, key.Line()))
		if got := ruleOf(f, err); got != c.want || (f.State == finding.Good) != (c.want == "") {
			t.Errorf("%s: %q (%v, %v), expected %q", c.name, got, f.Why, err, c.want)
		}
		if ok := secondOpinion(t, c.name, c.openSSH, p.Armour(), key.Line()); !ok && c.want == "" {
			t.Errorf("%s: ssh-keygen refuses what is good", c.name)
		}
	}
}

// value is a signature value as ssh encodes it.
func value(algorithm string, blob []byte) []byte {
	return ssh.Marshal(struct {
		Algorithm string
		Blob      []byte
	}{algorithm, blob})
}

// addOrder adds the order of the group to S at the end of an Ed25519 value: the
// same equation holds for it (RFC 8032, section 5.1.7, demands that S is smaller).
func addOrder(encoded []byte) []byte {
	order, _ := new(big.Int).SetString("27742317777372353535851937790883648493", 10)
	order.Add(order, new(big.Int).Lsh(big.NewInt(1), 252))
	out := bytes.Clone(encoded)
	s := out[len(out)-32:]
	carry := 0
	for i := range s {
		limb := new(big.Int).And(new(big.Int).Rsh(order, uint(8*i)), big.NewInt(255))
		carry += int(s[i]) + int(limb.Int64())
		s[i], carry = byte(carry), carry>>8
	}
	return out
}

// numbers encodes an ECDSA signature.
func numbers(r, s []byte) []byte {
	return value("ecdsa-sha2-nistp256", ssh.Marshal(struct{ R, S []byte }{r, s}))
}

// Each ECDSA value has one form, and there is none outside the group. Of the two
// values that ECDSA has for each signature, s and its negative, both are
// accepted: OpenSSH writes either.
func TestECDSAValues(t *testing.T) {
	key := signer.NewSSH(t, "ecdsa-sha2-nistp256")
	order := elliptic.P256().Params().N
	for _, c := range []struct {
		name    string
		spoil   func(r, s *big.Int) []byte
		want    refusal.Rule
		openSSH bool
	}{
		{"as it is", func(r, s *big.Int) []byte { return numbers(mpint(r), mpint(s)) }, "", true},
		{"negative s", func(r, s *big.Int) []byte { return numbers(mpint(r), mpint(new(big.Int).Sub(order, s))) }, "", true},
		{"zero before r", func(r, s *big.Int) []byte { return numbers(append([]byte{0}, mpint(r)...), mpint(s)) }, refusal.SigFormat, true},
		{"r without its zero", func(r, s *big.Int) []byte { return numbers(append([]byte{0xff}, mpint(r)...), mpint(s)) }, refusal.SigFormat, false},
		{"r = 0", func(_, s *big.Int) []byte { return numbers(nil, mpint(s)) }, refusal.SigFormat, false},
		{"s = 0", func(r, _ *big.Int) []byte { return numbers(mpint(r), nil) }, refusal.SigFormat, false},
		{"s = a zero byte", func(r, _ *big.Int) []byte { return numbers(mpint(r), []byte{0}) }, refusal.SigFormat, false},
		{"s too large", func(r, s *big.Int) []byte { return numbers(mpint(r), mpint(new(big.Int).Add(s, order))) }, refusal.SigFormat, false},
		{"r too large", func(r, s *big.Int) []byte { return numbers(mpint(new(big.Int).Add(r, order)), mpint(s)) }, refusal.SigFormat, false},
		{"r = order", func(_, s *big.Int) []byte { return numbers(mpint(order), mpint(s)) }, refusal.SigFormat, false},
		{"a third number", func(r, s *big.Int) []byte {
			return value("ecdsa-sha2-nistp256", ssh.Marshal(struct{ R, S, T *big.Int }{r, s, r}))
		}, refusal.SigFormat, false},
	} {
		p := key.Make(namespace, []byte("x"))
		var outer struct {
			Algorithm string
			Blob      []byte
		}
		var inner struct{ R, S *big.Int }
		if err := ssh.Unmarshal(p.Value, &outer); err != nil {
			t.Fatal(err)
		}
		if err := ssh.Unmarshal(outer.Blob, &inner); err != nil {
			t.Fatal(err)
		}
		p.Value = c.spoil(inner.R, inner.S)
		f, err := verify(p.Armour(), "x", holders(t, key.Line()))
		if got := ruleOf(f, err); got != c.want {
			t.Errorf("%s: %q (%v), expected %q", c.name, got, err, c.want)
		}
		if ok := secondOpinion(t, c.name, c.openSSH, p.Armour(), key.Line()); !ok && c.want == "" {
			t.Errorf("%s: ssh-keygen refuses what is good", c.name)
		}
	}
}

// mpint returns a positive number's bytes as RFC 4251 has them, without length.
func mpint(n *big.Int) []byte { return ssh.Marshal(struct{ N *big.Int }{n})[4:] }

// RSA signatures are as long as the modulus, and of SHA-2.
func TestRSAValues(t *testing.T) {
	for _, c := range []struct {
		name string
		bits string
		want refusal.Rule
		note string
	}{
		{"3072", "rsa-3072", "", ""},
		{"2048", "rsa-2048", "", "RSA 2048"},
		{"1024", "rsa-1024", refusal.SigWeak, "RSA 1024"},
	} {
		key := signer.NewSSH(t, c.bits)
		sig := key.Sign(namespace, []byte("x"))
		f, err := verify(sig, "x", holders(t, key.Line()))
		if got := ruleOf(f, err); got != c.want || f.Note != c.note || f.Key.IsZero() || (c.want == "") != (f.State == finding.Good) {
			t.Errorf("%s: %q, %+v, %v", c.name, got, f, err)
		}
		if ok, said := openSSH(t, sig, "x", "someone "+key.Line()); !ok {
			t.Errorf("%s: ssh-keygen refuses it: %s", c.name, said)
		}
	}
	key := signer.NewSSH(t, "rsa-2048")
	key.SHA256 = true
	sig := key.Sign(namespace, []byte("x"))
	if f, err := verify(sig, "x", holders(t, key.Line())); err != nil || f.State != finding.Good {
		t.Errorf("rsa-sha2-256: %+v, %v", f, err)
	}
	if ok, said := openSSH(t, sig, "x", "someone "+key.Line()); !ok {
		t.Errorf("rsa-sha2-256: ssh-keygen refuses it: %s", said)
	}
	key.SHA256 = false
	for name, spoil := range map[string]func(blob []byte) []byte{
		"SHA-1":     func(blob []byte) []byte { return value("ssh-rsa", blob) },
		"SHA-256":   func(blob []byte) []byte { return value("rsa-sha2-256", blob) },
		"zero byte": func(blob []byte) []byte { return value("rsa-sha2-512", append([]byte{0}, blob...)) },
		"short":     func(blob []byte) []byte { return value("rsa-sha2-512", blob[1:]) },
	} {
		p := key.Make(namespace, []byte("x"))
		p.Value = spoil(p.Value[len(p.Value)-256:])
		want := map[string]refusal.Rule{"SHA-1": refusal.SigAlg, "SHA-256": refusal.SigBad}[name]
		if want == "" {
			want = refusal.SigFormat
		}
		if f, err := verify(p.Armour(), "x", holders(t, key.Line())); ruleOf(f, err) != want {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
		if ok, said := openSSH(t, p.Armour(), "x", "someone "+key.Line()); ok {
			t.Errorf("%s: ssh-keygen accepts it: %s", name, said)
		}
	}
}

// Keys in hardware sign for the application that they were made for, and only if
// touched; flags and counter are signed.
func TestHardware(t *testing.T) {
	for _, keyType := range []string{signer.SKEd25519, signer.SKECDSA} {
		key := signer.NewSSH(t, keyType)
		h := holders(t, key.Line())
		key.Flags, key.Counter = 0, 0
		sig := key.Sign(namespace, []byte("x"))
		if f, err := verify(sig, "x", h); err != nil || f.State != finding.Weak || f.Rule != refusal.SigKeyUse || f.Key != h[0].Key.Material() {
			t.Errorf("%s, not touched: %+v, %v", keyType, f, err)
		}
		parsed, err := sshsig.Parse(sig)
		if err != nil {
			t.Fatal(err)
		}
		if f, err := parsed.Verify(sshsig.Demand{Namespace: namespace, Untouched: true}, strings.NewReader("x"), h); err != nil || f.State != finding.Good || !strings.Contains(f.Note, "without a touch") {
			t.Errorf("%s, not touched, as it need not be: %+v, %v", keyType, f, err)
		}
		if ok, said := openSSH(t, sig, "x", "someone "+key.Line()); !ok { // the rule is ours
			t.Errorf("%s, not touched: ssh-keygen refuses it: %s", keyType, said)
		}
		key.Flags = 0x04 | signer.Touched // with a PIN, too
		p := key.Make(namespace, []byte("x"))
		if f, err := verify(p.Armour(), "x", h); err != nil || f.State != finding.Good {
			t.Errorf("%s, with a PIN: %+v, %v", keyType, f, err)
		}
		for bit := range 5 * 8 { // flags and counter
			p := key.Make(namespace, []byte("x"))
			p.Value[len(p.Value)-5+bit/8] ^= 1 << (bit % 8)
			if f, err := verify(p.Armour(), "x", h); ruleOf(f, err) != refusal.SigBad {
				t.Errorf("%s, bit %d of flags and counter: %+v, %v", keyType, bit, f, err)
			}
		}
		p.Value = p.Value[:len(p.Value)-5]
		if f, err := verify(p.Armour(), "x", h); ruleOf(f, err) != refusal.SigFormat {
			t.Errorf("%s, without flags: %+v, %v", keyType, f, err)
		}
		key.Application = "ssh:other"
		if f, err := verify(key.Sign(namespace, []byte("x")), "x", h); err != nil || f.State != finding.NoKey {
			t.Errorf("%s, another application: %+v, %v", keyType, f, err)
		}
		if other := holders(t, key.Line()); other[0].Key.Material() != h[0].Key.Material() {
			t.Errorf("%s: another application gives another raw key", keyType)
		}
	}
}

// The armour has one form. ssh-keygen is asked about each other one.
func TestArmour(t *testing.T) {
	key := signer.NewSSH(t, "ssh-ed25519")
	good := string(key.Sign(namespace, []byte("x")))
	body := strings.Split(good, "\n")
	for _, c := range []struct {
		name, text string
		want       refusal.Rule
		openSSH    bool
	}{
		{"as it is", good, "", true},
		{"empty", "", refusal.SigFormat, false},
		{"text before", "x\n" + good, refusal.SigFormat, false},
		{"line feed before", "\n" + good, refusal.SigFormat, false},
		{"space before", " " + good, refusal.SigFormat, false},
		{"byte order mark", "\ufeff" + good, refusal.SigFormat, false},
		{"text after", good + "x\n", refusal.SigFormat, true},
		{"line feed after", good + "\n", refusal.SigFormat, true},
		{"NUL after", good + "\x00", refusal.SigFormat, true},
		{"no final line feed", strings.TrimSuffix(good, "\n"), refusal.SigFormat, true},
		{"CRLF", strings.ReplaceAll(good, "\n", "\r\n"), refusal.SigFormat, false},
		{"two blocks", good + good, refusal.SigMulti, true},
		{"two beginnings", body[0] + "\n" + good, refusal.SigMulti, false},
		{"space in the base64", strings.Replace(good, body[1], body[1][:9]+" "+body[1][9:], 1), refusal.SigFormat, true},
		{"empty line in the base64", strings.Replace(good, body[1], body[1]+"\n", 1), refusal.SigFormat, true},
		{"one line", body[0] + "\n" + strings.Join(body[1:len(body)-2], "") + "\n" + body[len(body)-2] + "\n", refusal.SigFormat, true},
		{"64 characters a line", wrapped(body, 64), refusal.SigFormat, true},
		{"no padding", strings.ReplaceAll(good, "=", ""), refusal.SigFormat, false},
		{"header line", strings.Replace(good, "\n", "\nComment: x\n", 1), refusal.SigFormat, false},
		{"no end", strings.Join(body[:len(body)-2], "\n") + "\n", refusal.SigFormat, false},
		{"no content", body[0] + "\n" + body[len(body)-2] + "\n", refusal.SigFormat, false},
		{"other magic", string(signer.Armour([]byte("SSHSIX"))), refusal.SigFormat, false},
		{"short magic", string(signer.Armour([]byte("SSH"))), refusal.SigFormat, false},
		{"PGP", strings.ReplaceAll(good, " SSH ", " PGP "), refusal.SigFormat, false},
		{"long", good + strings.Repeat("\n", sshsig.MaxBytes), refusal.SigLimit, true},
	} {
		f, err := verify([]byte(c.text), "x", holders(t, key.Line()))
		if got := ruleOf(f, err); got != c.want {
			t.Errorf("%s: %q (%v), expected %q", c.name, got, err, c.want)
		}
		if ok := secondOpinion(t, c.name, c.openSSH, []byte(c.text), key.Line()); !ok && c.want == "" {
			t.Errorf("%s: ssh-keygen refuses what is good", c.name)
		}
	}
}

// wrapped writes the base64 of an armour in lines of another width.
func wrapped(lines []string, width int) string {
	text := strings.Join(lines[1:len(lines)-2], "")
	out := lines[0] + "\n"
	for len(text) > width {
		out, text = out+text[:width]+"\n", text[width:]
	}
	return out + text + "\n" + lines[len(lines)-2] + "\n"
}

// No bit of a signature can be changed.
func TestEveryBit(t *testing.T) {
	for _, keyType := range []string{"ssh-ed25519", "ecdsa-sha2-nistp256", signer.SKEd25519} {
		key := signer.NewSSH(t, keyType)
		good := key.Sign(namespace, []byte("x"))
		h := holders(t, key.Line())
		for i := range 8 * len(good) {
			flipped := bytes.Clone(good)
			flipped[i/8] ^= 1 << (i % 8)
			if f, err := verify(flipped, "x", h); err == nil && f.State != finding.Bad && f.State != finding.NoKey {
				t.Errorf("%s, bit %d: %+v", keyType, i, f)
			}
		}
	}
}

// FuzzParse holds that what is accepted is written again as the same bytes, and
// that no bytes make it panic.
func FuzzParse(f *testing.F) {
	for _, keyType := range types() {
		p := signer.NewSSH(f, keyType).Make(namespace, []byte("x"))
		f.Add(append([]byte("SSHSIG"), ssh.Marshal(p)...))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		_, _ = sshsig.Parse(raw)
		armoured := signer.Armour(raw)
		s, err := sshsig.Parse(armoured)
		if err != nil {
			return
		}
		var p signer.SSHSignature
		if err := ssh.Unmarshal(raw[6:], &p); err != nil {
			t.Fatalf("x/crypto/ssh does not read what is accepted: %v", err)
		}
		again, err := sshsig.Encode(s.Key, s.Namespace, s.Hash, p.Value)
		if err != nil || !bytes.Equal(again, armoured) {
			t.Errorf("%s is written again as %s, %v", armoured, again, err)
		}
		public, err := ssh.ParsePublicKey(p.Key)
		if err != nil || !bytes.Equal(public.Marshal(), p.Key) || ssh.FingerprintSHA256(public) != s.Key.Fingerprint() {
			t.Errorf("x/crypto/ssh reads the key %s otherwise: %v", base64.StdEncoding.EncodeToString(p.Key), err)
		}
	})
}

// FuzzParseHolders holds that lines that are accepted name a key.
func FuzzParseHolders(f *testing.F) {
	for _, keyType := range types() {
		line := signer.NewSSH(f, keyType).Line()
		f.Add([]byte(line + " comment\n"))
		f.Add([]byte("# x\n*@example.org namespaces=\"git,file\",valid-after=\"20200101Z\" " + line))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		found, err := sshsig.ParseHolders(data)
		if (err == nil) != (len(found) > 0) {
			t.Errorf("%d holders, %v", len(found), err)
		}
		for _, h := range found {
			again, err := sshsig.ParsePublicKey(h.Key.Blob())
			if err != nil || again.Fingerprint() != h.Key.Fingerprint() || h.Key.Material().IsZero() {
				t.Errorf("%+v is no key: %v", h, err)
			}
		}
		if err == nil && !sshsig.RecognisesHolders(data) {
			t.Error("the file is not recognised")
		}
	})
}

// Second opinions are of no use if the program accepts everything.
func TestSecondOpinion(t *testing.T) {
	testkit.Program(t, "ssh-keygen")
	key := signer.NewSSH(t, "ssh-ed25519")
	if ok, said := openSSH(t, key.Sign(namespace, []byte("x")), "y", "someone "+key.Line()); ok {
		t.Errorf("ssh-keygen accepts another message: %s", said)
	}
}
