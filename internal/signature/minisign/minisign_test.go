package minisign_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature/finding"
	"github.com/countermark/countermark/internal/signature/minisign"
	"github.com/countermark/countermark/internal/testkit"
	"github.com/countermark/countermark/internal/testkit/signer"
)

// The comments by which key files are told apart.
const (
	minisignComment = "minisign public key 0123456789ABCDEF"
	signifyComment  = "signify public key"
)

func public(tb testing.TB, k *signer.Minisign, comment string) minisign.PublicKey {
	tb.Helper()
	key, err := minisign.ParsePublicKey(k.PublicFile(comment))
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func verify(sig []byte, message string, keys ...minisign.PublicKey) (finding.Finding, error) {
	s, err := minisign.Parse(sig)
	if err != nil {
		return finding.Finding{}, err
	}
	return s.Verify(strings.NewReader(message), keys)
}

// ruleOf returns the rule of a refusal, else the finding's.
func ruleOf(f finding.Finding, err error) refusal.Rule {
	if r, ok := errors.AsType[*refusal.Refusal](err); ok {
		return r.Rule
	}
	if err != nil {
		return refusal.Rule(err.Error())
	}
	return f.Rule
}

// program asks the real program of the signature's form for its opinion.
func program(tb testing.TB, form finding.Form, sig, key []byte, message string) (bool, string) {
	tb.Helper()
	dir := tb.TempDir()
	files := []string{"-V", "-m", testkit.Write(tb, filepath.Join(dir, "m"), message),
		"-x", testkit.Write(tb, filepath.Join(dir, "m.sig"), string(sig)), "-p", testkit.Write(tb, filepath.Join(dir, "key.pub"), string(key))}
	name := "minisign"
	if form == finding.Signify {
		name = "signify-openbsd"
	}
	out, err := exec.Command(testkit.Program(tb, name), files...).CombinedOutput()
	return err == nil, string(out)
}

// Each kind of signature, by keys in files of either program.
func TestGood(t *testing.T) {
	k, other := signer.NewMinisign(t), signer.NewMinisign(t)
	const trusted = "timestamp:1700000001\tfile:a.tar.xz\thashed"
	for _, c := range []struct {
		name   string
		sig    []byte
		form   finding.Form
		hashed bool
		signed int64
		note   string
	}{
		{"minisign", k.Sign([]byte("x"), trusted), finding.Minisign, true, 1700000001, `trusted comment "timestamp:1700000001\tfile:a.tar.xz\thashed"`},
		{"legacy", k.SignLegacy([]byte("x"), trusted), finding.Minisign, false, 1700000001, `trusted comment "timestamp:1700000001\tfile:a.tar.xz\thashed"`},
		{"other comment", k.Sign([]byte("x"), "hé"), finding.Minisign, true, 0, `trusted comment "hé"`},
		{"time of too many digits", k.Sign([]byte("x"), "timestamp:99999999999999999999"), finding.Minisign, true, 0, `trusted comment "timestamp:99999999999999999999"`},
		{"empty comment", k.Sign([]byte("x"), ""), finding.Minisign, true, 0, ""},
		{"signify", k.SignSignify([]byte("x")), finding.Signify, false, 0, ""},
	} {
		for _, comment := range []string{minisignComment, signifyComment} {
			key := public(t, k, comment)
			f, err := verify(c.sig, "x", public(t, other, comment), key)
			want := finding.Finding{State: finding.Good, Form: c.form, Key: key.Material, Holder: 1, Fingerprint: key.ID(), Signed: c.signed, Note: c.note}
			if err != nil || f != want {
				t.Errorf("%s: %+v, %v, expected %+v", c.name, f, err, want)
			}
			if f, err := verify(c.sig, "y", key); err != nil || f.State != finding.Bad || f.Rule != refusal.SigBad || !f.Key.IsZero() || f.Holder != finding.NoHolder {
				t.Errorf("%s, another message: %+v, %v", c.name, f, err)
			}
			if f, err := verify(c.sig, "x", public(t, other, comment)); err != nil || f.State != finding.NoKey || f.Rule != refusal.SigNoKey || f.Holder != finding.NoHolder || f.Fingerprint != key.ID() {
				t.Errorf("%s, another key: %+v, %v", c.name, f, err)
			}
		}
		if s, err := minisign.Parse(c.sig); err != nil || s.Prehashed != c.hashed {
			t.Errorf("%s: over the digest: %v, %v", c.name, s.Prehashed, err)
		}
		if ok, said := program(t, c.form, c.sig, k.PublicFile(minisignComment), "x"); !ok {
			t.Errorf("%s: the program refuses what is good: %s", c.name, said)
		}
	}
}

// What the real programs sign is good, and their keys are read.
func TestProgramsSign(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	testkit.Write(t, at("m"), "hello\n")
	run := func(name string, args ...string) string {
		out, err := exec.Command(testkit.Program(t, name), args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s %q: %v: %s", name, args, err, out)
		}
		return string(out)
	}
	run("minisign", "-G", "-W", "-p", at("mini.pub"), "-s", at("mini.sec"))
	run("minisign", "-S", "-H", "-s", at("mini.sec"), "-m", at("m"), "-x", at("hashed"), "-t", "hi")
	run("minisign", "-S", "-l", "-s", at("mini.sec"), "-m", at("m"), "-x", at("legacy"))
	run("signify-openbsd", "-G", "-n", "-p", at("sig.pub"), "-s", at("sig.sec"))
	run("signify-openbsd", "-S", "-s", at("sig.sec"), "-m", at("m"), "-x", at("signify"))
	read := func(name string) []byte {
		data, err := os.ReadFile(at(name))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	var keys []minisign.PublicKey
	for name, form := range map[string]finding.Form{"mini.pub": finding.Minisign, "sig.pub": finding.Signify} {
		key, err := minisign.ParsePublicKey(read(name))
		if err != nil || key.Form != form {
			t.Fatalf("%s: %+v, %v", name, key, err)
		}
		if form == finding.Minisign && !strings.HasSuffix(key.Comment, strings.TrimLeft(key.ID(), "0")) {
			t.Errorf("the key's id is %s, minisign comments %q", key.ID(), key.Comment)
		}
		keys = append(keys, key)
	}
	for _, name := range []string{"hashed", "legacy", "signify"} {
		if f, err := verify(read(name), "hello\n", keys...); err != nil || f.State != finding.Good {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
	canonical, err := minisign.Canonical(read("hashed"))
	if err != nil || !strings.HasPrefix(string(canonical), "untrusted comment: countermark\n") {
		t.Errorf("%s, %v", canonical, err)
	}
	if ok, said := program(t, finding.Minisign, canonical, read("mini.pub"), "hello\n"); !ok {
		t.Errorf("minisign refuses the canonical form: %s", said)
	}
}

// Keys in base64 alone, as projects print them.
func TestBareKey(t *testing.T) {
	k := signer.NewMinisign(t)
	want := public(t, k, minisignComment)
	for _, text := range []string{k.Public(), k.Public() + "\n"} {
		key, err := minisign.ParsePublicKey([]byte(text))
		if err != nil || key.ID() != want.ID() || key.Material != want.Material || key.Form != finding.Minisign || key.Comment != "" {
			t.Errorf("%q: %+v, %v", text, key, err)
		}
		if !minisign.RecognisesKey([]byte(text)) {
			t.Errorf("%q is not recognised", text)
		}
	}
	for _, text := range []string{"", "RW", k.Public() + "\n\n", strings.Repeat("x", len(k.Public())), string(k.PublicFile(""))} {
		if minisign.RecognisesKey([]byte(text)) {
			t.Errorf("%q is taken for a key", text)
		}
	}
	if !minisign.Recognises(k.PublicFile("")) || minisign.Recognises([]byte(k.Public())) {
		t.Error("files are not recognised as such")
	}
}

func TestKeysRefused(t *testing.T) {
	k := signer.NewMinisign(t)
	good := string(k.PublicFile(minisignComment))
	for _, c := range []struct {
		name, text string
		want       refusal.Rule
	}{
		{"nothing", "", refusal.SigKey},
		{"comment alone", "untrusted comment: x\n", refusal.SigKey},
		{"other comment", strings.Replace(good, "untrusted", "trusted", 1), refusal.SigKey},
		{"two keys", good + good, refusal.SigKey},
		{"empty line", good + "\n", refusal.SigKey},
		{"CRLF", strings.ReplaceAll(good, "\n", "\r\n"), refusal.SigKey},
		{"escape sequence", strings.Replace(good, "minisign", "\x1b[2K", 1), refusal.SigKey},
		{"DEL", strings.Replace(good, "minisign", "\x7f", 1), refusal.SigKey},
		{"no UTF-8", strings.Replace(good, "minisign", "\xff", 1), refusal.SigKey},
		{"long comment", string(k.PublicFile(strings.Repeat("x", 1024))), refusal.SigKey},
		{"space after the key", good[:len(good)-1] + " \n", refusal.SigKey},
		{"a signature", string(k.SignSignify(nil)), refusal.SigKey},
		{"secret key", "untrusted comment: x\n" + k.Packed("Ed", make([]byte, 64)) + "\n", refusal.SigKey},
		{"another algorithm", "untrusted comment: x\n" + k.Packed("ED", make([]byte, 32)) + "\n", refusal.SigKey},
		{"small order", "untrusted comment: x\n" + k.Packed("Ed", make([]byte, 32)) + "\n", refusal.SigKey},
		{"small order, alone", k.Packed("Ed", make([]byte, 32)), refusal.SigKey},
		{"line feed in a key alone", k.Public()[:20] + "\n" + k.Public()[20:], refusal.SigKey},
		{"long", good + strings.Repeat("\n", minisign.MaxBytes), refusal.SigLimit},
	} {
		key, err := minisign.ParsePublicKey([]byte(c.text))
		if got := ruleOf(finding.Finding{}, err); got != c.want || !key.Material.IsZero() {
			t.Errorf("%s: %+v, %v, expected %s", c.name, key, err, c.want)
		}
	}
}

// Each case has one defect; where the program accepts it nevertheless, it says so.
func TestDefects(t *testing.T) {
	k, other := signer.NewMinisign(t), signer.NewMinisign(t)
	other.ID = k.ID
	good, legacy, signify := string(k.Sign([]byte("x"), "hi")), string(k.SignLegacy([]byte("x"), "hi")), string(k.SignSignify([]byte("x")))
	lines := strings.SplitAfter(good, "\n")
	otherLines := strings.SplitAfter(string(other.Sign([]byte("x"), "hi")), "\n")
	for _, c := range []struct {
		name, text string
		want       refusal.Rule
		accepts    bool // the program
	}{
		{"none", good, "", true},
		{"none, legacy", legacy, "", true},
		{"no final line feed", good[:len(good)-1], "", true},
		{"other untrusted comment", strings.Replace(good, "signature", "good signature by someone", 1), "", true},
		{"other trusted comment", strings.Replace(good, "hi", "ho", 1), refusal.SigBad, false},
		{"global signature of another key", lines[0] + lines[1] + lines[2] + otherLines[3], refusal.SigBad, false},
		{"signature of another key", otherLines[0] + otherLines[1] + lines[2] + lines[3], refusal.SigBad, false},
		{"legacy called hashed", lines[0] + strings.Replace(strings.SplitAfter(legacy, "\n")[1], "RW", "RU", 1) + lines[2] + lines[3], refusal.SigBad, false},
		{"hashed called legacy", strings.Replace(good, "RU", "RW", 1), refusal.SigBad, false},
		{"no trusted comment", lines[0] + lines[1], refusal.SigAlg, false},
		{"three lines", lines[0] + lines[1] + lines[2], refusal.SigFormat, false},
		{"five lines", good + "x\n", refusal.SigFormat, true},
		{"NUL after", good + "\x00", refusal.SigFormat, true},
		{"empty line after", good + "\n", refusal.SigFormat, true},
		{"empty line before", "\n" + good, refusal.SigFormat, false},
		{"two signatures", good + good, refusal.SigMulti, true},
		{"two of signify", signify + signify, refusal.SigMulti, false},
		{"CRLF", strings.ReplaceAll(good, "\n", "\r\n"), refusal.SigFormat, true},
		{"escape sequence, not signed", strings.Replace(good, "signature", "\x1b[2K", 1), refusal.SigFormat, true},
		{"escape sequence, signed", string(k.Sign([]byte("x"), "\x1b[2K")), refusal.SigFormat, true},
		{"carriage return, signed", string(k.Sign([]byte("x"), "a\rb")), refusal.SigFormat, false},
		{"no UTF-8", string(k.Sign([]byte("x"), "\xff")), refusal.SigFormat, true},
		{"comment called otherwise", strings.Replace(good, "\ntrusted", "\nuntrusted", 1), refusal.SigMulti, false},
		{"long untrusted comment", strings.Replace(good, "signature", strings.Repeat("x", 1024), 1), refusal.SigFormat, false},
		{"long trusted comment", string(k.Sign([]byte("x"), strings.Repeat("x", 8192))), refusal.SigFormat, false},
		{"spare bits", strings.Replace(good, lines[3], spareBits(lines[3]), 1), refusal.SigFormat, true},
		{"space after the value", strings.Replace(good, lines[1], lines[1][:len(lines[1])-1]+" \n", 1), refusal.SigFormat, false},
		{"another algorithm", lines[0] + k.Packed("EC", make([]byte, 64)) + "\n" + lines[2] + lines[3], refusal.SigAlg, false},
		{"short value", lines[0] + k.Packed("ED", make([]byte, 63)) + "\n" + lines[2] + lines[3], refusal.SigFormat, false},
		{"zeroes", lines[0] + k.Packed("ED", make([]byte, 64)) + "\n" + lines[2] + lines[3], refusal.SigBad, false},
		{"long", good + strings.Repeat("x", minisign.MaxBytes), refusal.SigLimit, true},
		{"public key", string(k.PublicFile(minisignComment)), refusal.SigFormat, false},
	} {
		f, err := verify([]byte(c.text), "x", public(t, k, minisignComment))
		if got := ruleOf(f, err); got != c.want || (f.State == finding.Good) != (c.want == "") {
			t.Errorf("%s: %q, %+v, %v, expected %q", c.name, got, f, err, c.want)
		}
		ok, said := program(t, finding.Minisign, []byte(c.text), k.PublicFile(minisignComment), "x")
		if ok != c.accepts {
			t.Logf("%s: this minisign accepts it: %v: %s", c.name, ok, said)
		}
		if c.want == "" && !ok {
			t.Errorf("%s: minisign refuses what is good: %s", c.name, said)
		}
	}
}

// spareBits sets a bit that base64 leaves unused before "==".
func spareBits(line string) string {
	last := strings.Index(line, "=") - 1
	return line[:last] + string(line[last]+1) + line[last+1:]
}

// Of several keys with one id, any may have signed.
func TestSharedID(t *testing.T) {
	k, other := signer.NewMinisign(t), signer.NewMinisign(t)
	other.ID = k.ID
	keys := []minisign.PublicKey{public(t, other, ""), public(t, k, "")}
	if f, err := verify(k.Sign([]byte("x"), "hi"), "x", keys...); err != nil || f.State != finding.Good || f.Holder != 1 || f.Key != keys[1].Material {
		t.Errorf("%+v, %v", f, err)
	}
	if f, err := verify(k.Sign([]byte("x"), "hi"), "y", keys...); err != nil || f.State != finding.Bad || f.Holder != finding.NoHolder {
		t.Errorf("%+v, %v", f, err)
	}
	if f, err := verify(k.Sign([]byte("x"), "hi"), "x", minisign.PublicKey{}); err != nil || f.State != finding.NoKey {
		t.Errorf("no key: %+v, %v", f, err)
	}
}

func TestReading(t *testing.T) {
	k := signer.NewMinisign(t)
	broken := errors.New("disk on fire")
	for _, sig := range [][]byte{k.Sign(nil, ""), k.SignLegacy(nil, "")} {
		s, err := minisign.Parse(sig)
		if err != nil {
			t.Fatal(err)
		}
		if f, err := s.Verify(iotest.ErrReader(broken), []minisign.PublicKey{public(t, k, "")}); !errors.Is(err, broken) || f.State != finding.Unchecked {
			t.Errorf("%+v, %v", f, err)
		}
		if f, err := s.Verify(iotest.ErrReader(broken), nil); err != nil || f.State != finding.NoKey {
			t.Errorf("%+v, %v", f, err)
		}
		f, err := s.Verify(&zeroes{minisign.MaxLegacyBytes + 1}, []minisign.PublicKey{public(t, k, "")})
		if want := map[bool]refusal.Rule{true: refusal.SigBad, false: refusal.SigLimit}[s.Prehashed]; ruleOf(f, err) != want {
			t.Errorf("a long message: %+v, %v", f, err)
		}
	}
}

// zeroes is a message of so many bytes.
type zeroes struct{ left int }

func (z *zeroes) Read(p []byte) (int, error) {
	n := min(len(p), z.left)
	clear(p[:n])
	if z.left -= n; n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// In the form for envelopes nothing can be changed, except for the key's id, by
// which the key is found, and the untrusted comment, which is always the same.
func TestCanonical(t *testing.T) {
	k := signer.NewMinisign(t)
	key := public(t, k, "")
	sig, err := minisign.Canonical(k.Sign([]byte("x"), "hi"))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := minisign.Canonical(sig); err != nil || !bytes.Equal(again, sig) {
		t.Errorf("%s, %v", again, err)
	}
	for i := range 8 * len(sig) {
		flipped := bytes.Clone(sig)
		flipped[i/8] ^= 1 << (i % 8)
		if canonical, err := minisign.Canonical(flipped); err != nil || !bytes.Equal(canonical, flipped) {
			continue
		}
		if f, err := verify(flipped, "x", key); err == nil && f.State != finding.Bad && f.State != finding.NoKey {
			t.Errorf("bit %d: %+v", i, f)
		}
	}
	for name, sig := range map[string][]byte{"legacy": k.SignLegacy(nil, ""), "signify": k.SignSignify(nil), "nonsense": []byte("x")} {
		if canonical, err := minisign.Canonical(sig); ruleOf(finding.Finding{}, err) != refusal.SigFormat || canonical != nil {
			t.Errorf("%s: %s, %v", name, canonical, err)
		}
	}
}

// FuzzParse holds that the canonical form of what is accepted says the same.
func FuzzParse(f *testing.F) {
	k := signer.NewMinisign(f)
	f.Add(k.Sign([]byte("x"), "timestamp:1\tfile:x"))
	f.Add(k.SignLegacy([]byte("x"), ""))
	f.Add(k.SignSignify([]byte("x")))
	f.Add(k.PublicFile(signifyComment))
	f.Add([]byte(k.Public()))
	f.Fuzz(func(t *testing.T, data []byte) {
		if key, err := minisign.ParsePublicKey(data); (err == nil) == key.Material.IsZero() {
			t.Errorf("%+v, %v", key, err)
		}
		s, err := minisign.Parse(data)
		if err != nil {
			return
		}
		canonical, err := minisign.Canonical(data)
		if (err == nil) != s.Prehashed {
			t.Fatalf("%v, over the digest: %v", err, s.Prehashed)
		}
		if err != nil {
			return
		}
		again, err := minisign.Parse(canonical)
		if err != nil || again.TrustedComment != s.TrustedComment || again.KeyID() != s.KeyID() || again.UntrustedComment != "countermark" {
			t.Errorf("%+v is written as %+v, %v", s, again, err)
		}
	})
}
