package signature_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature"
	"github.com/countermark/countermark/internal/testkit"
	"github.com/countermark/countermark/internal/testkit/signer"
)

// ruleOf returns the rule of a refusal, else the finding's.
func ruleOf(f signature.Finding, err error) refusal.Rule {
	if r, ok := errors.AsType[*refusal.Refusal](err); ok {
		return r.Rule
	}
	if err != nil {
		return refusal.Rule(err.Error())
	}
	return f.Rule
}

// gpg runs the real program in a home of its own, whose path must be short.
func gpg(tb testing.TB) func(stdin string, args ...string) []byte {
	tb.Helper()
	program := testkit.Program(tb, "gpg")
	home, err := os.MkdirTemp("", "gpg")
	if err != nil {
		tb.Fatal(err)
	}
	environment := []string{"PATH=" + os.Getenv("PATH"), "GNUPGHOME=" + home, "LC_ALL=C"}
	tb.Cleanup(func() {
		stop := exec.Command("gpgconf", "--kill", "all")
		stop.Env = environment
		_ = stop.Run()
		_ = os.RemoveAll(home)
	})
	return func(stdin string, args ...string) []byte {
		tb.Helper()
		cmd := exec.Command(program, append([]string{"--batch", "--quiet", "--no-tty", "--passphrase", "", "--pinentry-mode", "loopback"}, args...)...)
		cmd.Env, cmd.Stdin = environment, strings.NewReader(stdin)
		var complaint bytes.Buffer
		cmd.Stderr = &complaint
		out, err := cmd.Output()
		if err != nil {
			tb.Fatalf("gpg %q: %v: %s", args, err, &complaint)
		}
		return out
	}
}

// party is a key of one form, and how it signs a file and a statement.
type party struct {
	name      string
	form      signature.Form
	keys      []byte // the file
	file      []byte // signature over "x"
	statement []byte // signature over "x", not yet in the form for envelopes
}

// parties returns one of each form.
func parties(tb testing.TB) []party {
	tb.Helper()
	ssh, hardware := signer.NewSSH(tb, "ssh-ed25519"), signer.NewSSH(tb, signer.SKEd25519)
	mini, signify := signer.NewMinisign(tb), signer.NewMinisign(tb)
	run := gpg(tb)
	run("", "--quick-generate-key", "Ann <ann@example.org>", "ed25519", "sign", "never")
	pgp := run("x", "--armor", "--detach-sign")
	statement := signature.StatementNamespace.Namespace()
	x := []byte("x")
	return []party{
		{"ssh", signature.SSH, []byte("Ann " + ssh.Line() + "\n"), ssh.Sign("file", x), ssh.Sign(statement, x)},
		{"ssh in hardware", signature.SSH, []byte("Ann " + hardware.Line() + "\n"), hardware.Sign("file", x), hardware.Sign(statement, x)},
		{"OpenPGP", signature.OpenPGP, run("", "--armor", "--export"), pgp, pgp},
		{"minisign", signature.Minisign, mini.PublicFile("minisign public key of Ann"), mini.Sign(x, "timestamp:1\tfile:x"), mini.Sign(x, "timestamp:1\tfile:x")},
		{"signify", signature.Signify, signify.PublicFile("Ann's key"), signify.SignSignify(x), nil},
	}
}

// holders reads the keys of all parties.
func holders(tb testing.TB, all []party) []signature.Holder {
	tb.Helper()
	var found []signature.Holder
	for _, p := range all {
		h, err := signature.ParseHolders(p.keys)
		if err != nil || len(h) != 1 {
			tb.Fatalf("%s: %v, %v", p.name, h, err)
		}
		if h[0].Form != p.form || len(h[0].Keys) != 1 || h[0].Keys[0].IsZero() || h[0].Unusable != "" || !strings.Contains(h[0].Name, "Ann") {
			tb.Errorf("%s: %+v", p.name, h[0])
		}
		found = append(found, h...)
	}
	return found
}

// verify verifies at the present time, as keys of gpg begin to be valid when
// they are made.
func verify(d signature.Domain, sig []byte, message string, h []signature.Holder) (signature.Finding, error) {
	return signature.Verify(d, sig, strings.NewReader(message), h, time.Now().Unix())
}

// Each form is told by its content, and finds its key among all.
func TestForms(t *testing.T) {
	all := parties(t)
	h := holders(t, all)
	for i, p := range all {
		f, err := verify(signature.FileNamespace, p.file, "x", h)
		if err != nil || f.State != signature.Good || f.Holder != i || f.Key != h[i].Keys[0] || f.Form != p.form {
			t.Errorf("%s: %+v, %v", p.name, f, err)
		}
		if id, err := signature.KeyID(p.file); err != nil || id != f.Fingerprint || id != h[i].Fingerprint {
			t.Errorf("%s: the key is %s (%v), the finding's %s, the holder's %s", p.name, id, err, f.Fingerprint, h[i].Fingerprint)
		}
		if f, err := verify(signature.FileNamespace, p.file, "y", h); err != nil || f.State != signature.Bad || !f.Key.IsZero() || f.Holder >= 0 {
			t.Errorf("%s, another message: %+v, %v", p.name, f, err)
		}
		others := append(append([]signature.Holder{}, h[:i]...), h[i+1:]...)
		if f, err := verify(signature.FileNamespace, p.file, "x", others); err != nil || f.State != signature.NoKey || f.Holder >= 0 {
			t.Errorf("%s, the others' keys: %+v, %v", p.name, f, err)
		}
		broken := errors.New("disk on fire")
		f, err = signature.Verify(signature.FileNamespace, p.file, iotest.ErrReader(broken), h, 0)
		if !errors.Is(err, broken) || f != (signature.Finding{}) {
			t.Errorf("%s: %+v, %v", p.name, f, err)
		}
		if f, err := verify(0, p.file, "x", h); ruleOf(f, err) != refusal.SigNamespace {
			t.Errorf("%s, for nothing: %+v, %v", p.name, f, err)
		}
	}
}

// In envelopes there is one way to write each signature, and no bit of it can be
// changed.
func TestEnvelopes(t *testing.T) {
	all := parties(t)
	h := holders(t, all)
	for i, p := range all {
		canonical, err := signature.Canonical(p.file)
		if p.statement == nil {
			if ruleOf(signature.Finding{}, err) != refusal.SigFormat || canonical != nil {
				t.Errorf("%s: %q, %v", p.name, canonical, err)
			}
			continue
		}
		canonical, err = signature.Canonical(p.statement)
		if err != nil {
			t.Errorf("%s: %v", p.name, err)
			continue
		}
		if f, err := verify(signature.StatementNamespace, canonical, "x", h); err != nil || f.State != signature.Good || f.Holder != i {
			t.Errorf("%s: %+v, %v", p.name, f, err)
		}
		if again, err := signature.Canonical(canonical); err != nil || !bytes.Equal(again, canonical) {
			t.Errorf("%s: the form of the form is %q, %v", p.name, again, err)
		}
		if f, err := verify(signature.StatementNamespace, p.statement, "x", h); (ruleOf(f, err) == refusal.SigFormat) == (p.form == signature.SSH) {
			t.Errorf("%s, as the program wrote it: %+v, %v", p.name, f, err)
		}
		for bit := range 8 * len(canonical) {
			flipped := bytes.Clone(canonical)
			flipped[bit/8] ^= 1 << (bit % 8)
			if f, err := verify(signature.StatementNamespace, flipped, "x", h); err == nil && f.State != signature.Bad && f.State != signature.NoKey {
				t.Errorf("%s, bit %d: %+v", p.name, bit, f)
			}
		}
	}
}

// What is made for one purpose is refused for another, where the form knows
// purposes.
func TestPurposes(t *testing.T) {
	key, mini := signer.NewSSH(t, "ssh-ed25519"), signer.NewMinisign(t)
	h, err := signature.ParseHolders([]byte(key.Line()))
	if err != nil {
		t.Fatal(err)
	}
	domains := []signature.Domain{signature.StatementNamespace, signature.PolicyNamespace, signature.GitNamespace, signature.FileNamespace}
	for _, made := range domains {
		for _, used := range domains {
			f, err := verify(used, key.Sign(made.Namespace(), []byte("x")), "x", h)
			want := refusal.SigNamespace
			if made == used {
				want = ""
			}
			if ruleOf(f, err) != want {
				t.Errorf("made for %q, used for %q: %+v, %v", made.Namespace(), used.Namespace(), f, err)
			}
		}
	}
	for name, sig := range map[string][]byte{"minisign": mini.Sign([]byte("x"), ""), "signify": mini.SignSignify([]byte("x"))} {
		if f, err := verify(signature.GitNamespace, sig, "x", h); ruleOf(f, err) != refusal.SigFormat {
			t.Errorf("git with %s: %+v, %v", name, f, err)
		}
	}
	canonical, err := signature.Canonical(mini.Sign([]byte("x"), ""))
	if err != nil {
		t.Fatal(err)
	}
	if f, err := verify(signature.StatementNamespace, canonical[:len(canonical)-1], "x", h); ruleOf(f, err) != refusal.SigFormat {
		t.Errorf("without its final line feed: %+v, %v", f, err)
	}
	if f, err := verify(signature.StatementNamespace, mini.SignLegacy([]byte("x"), ""), "x", h); ruleOf(f, err) != refusal.SigFormat {
		t.Errorf("over the message itself: %+v, %v", f, err)
	}
}

func TestNoForm(t *testing.T) {
	mini := signer.NewMinisign(t)
	sig := string(mini.Sign([]byte("x"), ""))
	for name, text := range map[string]string{
		"nothing":           "",
		"text before":       "hello\n" + sig,
		"line feed before":  "\n" + sig,
		"byte order mark":   "\ufeff" + sig,
		"NUL before":        "\x00" + sig,
		"cleartext message": "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nx\n-----BEGIN PGP SIGNATURE-----\n\n=\n-----END PGP SIGNATURE-----\n",
		"PGP message":       "-----BEGIN PGP MESSAGE-----\n\n=\n-----END PGP MESSAGE-----\n",
		"X.509":             "-----BEGIN SIGNED MESSAGE-----\n",
		"PKCS 7":            "-----BEGIN PKCS7-----\n",
		"a literal packet":  "\xcb\x07b\x00\x00\x00\x00\x00x",
		"a public key":      string(mini.PublicFile("x")),
	} {
		for _, err := range []error{
			func() error { _, err := verify(signature.FileNamespace, []byte(text), "x", nil); return err }(),
			func() error { _, err := verify(signature.StatementNamespace, []byte(text), "x", nil); return err }(),
			func() error { _, err := signature.Canonical([]byte(text)); return err }(),
			func() error { _, err := signature.KeyID([]byte(text)); return err }(),
		} {
			if ruleOf(signature.Finding{}, err) != refusal.SigFormat {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestParseHoldersRefuses(t *testing.T) {
	key, mini := signer.NewSSH(t, "ssh-ed25519"), signer.NewMinisign(t)
	for name, text := range map[string]string{
		"nothing":             "",
		"prose":               "Our keys are on the ssh-agent of the team.\n",
		"two forms":           key.Line() + "\n-----BEGIN PGP PUBLIC KEY BLOCK-----\n",
		"ssh and minisign":    key.Line() + "\n" + string(mini.PublicFile("x")),
		"minisign and ssh":    string(mini.PublicFile("x")) + key.Line() + "\n",
		"two of minisign":     string(mini.PublicFile("x")) + string(mini.PublicFile("y")),
		"a signature":         string(mini.Sign(nil, "")),
		"a secret ssh key":    string(key.Private(t)),
		"bytes":               "\x80\x81",
		"an armour that ends": "-----BEGIN PGP PUBLIC KEY BLOCK-----\n",
	} {
		if h, err := signature.ParseHolders([]byte(text)); ruleOf(signature.Finding{}, err) != refusal.SigKey || h != nil {
			t.Errorf("%s: %v, %v", name, h, err)
		}
	}
}

// Bare keys of minisign, several lines of ssh, binary keys of OpenPGP, and such
// with text before.
func TestParseHoldersAccepts(t *testing.T) {
	key, mini := signer.NewSSH(t, "ssh-ed25519"), signer.NewMinisign(t)
	run := gpg(t)
	for _, name := range []string{"ann", "ben"} {
		run("", "--quick-generate-key", name, "ed25519", "sign", "never")
	}
	armoured := string(run("", "--armor", "--export"))
	for text, want := range map[string]int{
		mini.Public(): 1,
		"# ours\n" + key.Line() + "\n" + key.Line() + "\n": 2,
		string(run("", "--export")):                        2,
		armoured:                                           2,
		"Our keys:\n\n" + armoured + armoured:              4,
	} {
		if h, err := signature.ParseHolders([]byte(text)); err != nil || len(h) != want {
			t.Errorf("%q: %v, %v", text, h, err)
		}
	}
}

// One raw key in several forms is one key where keys are counted; a signature in
// one form is still none in another.
func TestOneKey(t *testing.T) {
	key := signer.NewSSH(t, "ssh-ed25519")
	twin, mini := key.Hardened(), key.Minisign()
	other := *mini
	other.ID[0]++
	files := [][]byte{[]byte(key.Line()), []byte(twin.Line()), mini.PublicFile("minisign public key"), mini.PublicFile("signify public key"), other.PublicFile("minisign public key")}
	var h []signature.Holder
	for _, file := range files {
		one, err := signature.ParseHolders(file)
		if err != nil {
			t.Fatal(err)
		}
		h = append(h, one...)
		if h[len(h)-1].Keys[0] != h[0].Keys[0] {
			t.Errorf("%s is another key than %s", h[len(h)-1].Keys[0], h[0].Keys[0])
		}
	}
	x := []byte("x")
	for _, c := range []struct {
		sig     []byte
		holders []int // that it can be verified with
	}{
		{key.Sign("file", x), []int{0}},
		{twin.Sign("file", x), []int{1}},
		{mini.Sign(x, ""), []int{2, 3}},
		{mini.SignSignify(x), []int{2, 3}},
		{other.Sign(x, ""), []int{4}},
	} {
		for i := range h {
			f, err := verify(signature.FileNamespace, c.sig, "x", h[i:i+1])
			if good := f.State == signature.Good; err != nil || good != slices.Contains(c.holders, i) || !good && f.State != signature.NoKey || good && f.Key != h[0].Keys[0] {
				t.Errorf("%s with key %d: %+v, %v", c.sig, i, f, err)
			}
		}
	}
}

// A holder that ParseHolders did not make verifies nothing.
func TestHolderByHand(t *testing.T) {
	key := signer.NewSSH(t, "ssh-ed25519")
	h, err := signature.ParseHolders([]byte(key.Line()))
	if err != nil {
		t.Fatal(err)
	}
	copied := signature.Holder{Form: h[0].Form, Keys: h[0].Keys, Fingerprint: h[0].Fingerprint, Name: h[0].Name}
	if f, err := verify(signature.FileNamespace, key.Sign("file", nil), "", []signature.Holder{{}, copied}); err != nil || f.State != signature.NoKey {
		t.Errorf("%+v, %v", f, err)
	}
}

// FuzzVerify holds that no bytes are a good signature of nobody, and that the form
// for envelopes is its own.
func FuzzVerify(f *testing.F) {
	for _, p := range parties(f) {
		f.Add(p.file)
		f.Add(p.keys)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = signature.ParseHolders(data)
		found, err := verify(signature.FileNamespace, data, "x", nil)
		if err == nil && found.State != signature.NoKey || err != nil && found != (signature.Finding{}) {
			t.Errorf("%+v, %v", found, err)
		}
		canonical, err := signature.Canonical(data)
		if err != nil {
			return
		}
		if again, err := signature.Canonical(canonical); err != nil || !bytes.Equal(again, canonical) {
			t.Errorf("%q becomes %q, %v", canonical, again, err)
		}
	})
}
