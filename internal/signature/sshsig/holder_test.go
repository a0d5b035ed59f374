package sshsig_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature/finding"
	"github.com/countermark/countermark/internal/signature/sshsig"
	"github.com/countermark/countermark/internal/testkit/signer"
)

func TestParseHolders(t *testing.T) {
	key := signer.NewSSH(t, "ssh-ed25519")
	line := key.Line()
	for _, c := range []struct{ name, text, want string }{
		{"public key", line + "\n", ""},
		{"no final line feed", line, ""},
		{"comment", line + " Saki Ü  x@example.org\n", "Saki Ü  x@example.org"},
		{"tabs", "\t" + strings.ReplaceAll(line, " ", " \t ") + "\tx \n", "x"},
		{"principals", "a@example.org,b@example.org " + line + " comment\n", "a@example.org,b@example.org"},
		{"star", "* " + line, "*"},
		{"options", `a namespaces="git,file",valid-after="20200101",valid-before="202101010000Z" ` + line, "a"},
		{"options in capitals", `a NAMESPACES="x y" ` + line, ""},
		{"comments and empty lines", "# x\n\n  \n  # y\n" + line, ""},
	} {
		h, err := sshsig.ParseHolders([]byte(c.text))
		if c.name == "options in capitals" { // of which only the blank in the name is wrong
			if ruleOf(finding.Finding{}, err) != refusal.SigKey {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if err != nil || len(h) != 1 || h[0].Name != c.want || string(h[0].Key.Blob()) != string(key.Blob()) {
			t.Errorf("%s: %+v, %v", c.name, h, err)
		}
		if !sshsig.RecognisesHolders([]byte(c.text)) {
			t.Errorf("%s is not recognised", c.name)
		}
	}
}

func TestHoldersRefused(t *testing.T) {
	key := signer.NewSSH(t, "ssh-ed25519")
	line := key.Line()
	word, text, _ := strings.Cut(line, " ")
	for _, c := range []struct {
		name, text string
		want       refusal.Rule
		says       string
	}{
		{"nothing", "", refusal.SigKey, "no ssh key"},
		{"comments alone", "# " + line + "\n", refusal.SigKey, "no ssh key"},
		{"CRLF", line + "\r\n", refusal.SigKey, "control character"},
		{"NUL", line + " \x00\n", refusal.SigKey, "control character"},
		{"escape sequence", "\x1b[2K " + line, refusal.SigKey, "control character"},
		{"nonsense in the second line", line + "\nnonsense\n", refusal.SigKey, "line 2: "},
		{"no key", word + "\n", refusal.SigKey, "base64"},
		{"no base64", word + " " + text[:len(text)-1] + "\n", refusal.SigKey, "base64"},
		{"base64 with spare bits", spareBits(signer.NewSSH(t, "ecdsa-sha2-nistp256").Line()) + "\n", refusal.SigKey, "base64"},
		{"cut key", word + " " + encoded(key.Blob()[:50]) + "\n", refusal.SigKey, "cut short"},
		{"bytes after the key", word + " " + encoded(append(key.Blob(), 0)) + "\n", refusal.SigKey, "bytes follow"},
		{"another type", "ssh-rsa " + text + "\n", refusal.SigKey, "its key ssh-ed25519"},
		{"unknown type", "ssh-ed448 " + encoded(ssh.Marshal(struct{ T, K string }{"ssh-ed448", "x"})) + "\n", refusal.SigAlg, "not accepted"},
		{"DSA", "ssh-dss " + encoded(ssh.Marshal(struct{ T, P, Q, G, Y string }{"ssh-dss", "\x03", "\x03", "\x03", "\x03"})) + "\n", refusal.SigAlg, "ssh-dss"},
		{"certificate", "ssh-ed25519-cert-v01@openssh.com " + encoded(ssh.Marshal(struct{ T, K string }{"ssh-ed25519-cert-v01@openssh.com", "x"})) + "\n", refusal.SigAlg, "cert"},
		{"small order", word + " " + encoded(ssh.Marshal(struct{ T, K string }{"ssh-ed25519", strings.Repeat("\x00", 32)})) + "\n", refusal.SigKey, "small order"},
		{"short point", word + " " + encoded(ssh.Marshal(struct{ T, K string }{"ssh-ed25519", strings.Repeat("\x01", 31)})) + "\n", refusal.SigKey, "31 bytes"},
		{"RSA with e = 1", "ssh-rsa " + encoded(rsaBlob([]byte{1}, 256)) + "\n", refusal.SigKey, "exponent"},
		{"RSA with an even e", "ssh-rsa " + encoded(rsaBlob([]byte{1, 0, 0}, 256)) + "\n", refusal.SigKey, "exponent"},
		{"RSA with a long e", "ssh-rsa " + encoded(rsaBlob([]byte{1, 0, 0, 0, 0, 0, 0, 0, 3}, 256)) + "\n", refusal.SigKey, "exponent"},
		{"RSA with a zero before e", "ssh-rsa " + encoded(rsaBlob([]byte{0, 3}, 256)) + "\n", refusal.SigKey, "one way"},
		{"RSA with a negative e", "ssh-rsa " + encoded(rsaBlob([]byte{0x83}, 256)) + "\n", refusal.SigKey, "one way"},
		{"RSA of 1016 bits", "ssh-rsa " + encoded(rsaBlob([]byte{3}, 127)) + "\n", refusal.SigAlg, "1015 bits"},
		{"RSA of too many bits", "ssh-rsa " + encoded(rsaBlob([]byte{3}, 2049)) + "\n", refusal.SigKey, "at most 16384"},
		{"curve of another name", "ecdsa-sha2-nistp256 " + encoded(ecdsaBlob("ecdsa-sha2-nistp256", "nistp384")) + "\n", refusal.SigKey, "one way"},
		{"point beside the curve", "ecdsa-sha2-nistp256 " + encoded(ecdsaBlob("ecdsa-sha2-nistp256", "nistp256")) + "\n", refusal.SigKey, "curve"},
		{"certificate authority", "a cert-authority " + line, refusal.SigKey, "certificates"},
		{"certificate authority among others", `a namespaces="x",cert-authority ` + line, refusal.SigKey, "certificates"},
		{"authorized_keys: authority", "cert-authority " + line, refusal.SigKey, "option"},
		{"authorized_keys: command", `command="x y" ` + line, refusal.SigKey, "option"},
		{"authorized_keys: expiry", `restrict,expiry-time=20200101 ` + line, refusal.SigKey, "option"},
		{"no principals", `namespaces=git ` + line, refusal.SigKey, "option"},
		{"principals in quotes", `"a b" ` + line, refusal.SigKey, "quotes"},
		{"unknown option", `a touch ` + line, refusal.SigKey, "unknown"},
		{"option without a value", `a namespaces ` + line, refusal.SigKey, "unknown"},
		{"option with an empty value", `a namespaces="" ` + line, refusal.SigKey, "options"},
		{"option with an empty name in it", `a namespaces="git,,file" ` + line, refusal.SigKey, "plain name"},
		{"pattern", `a namespaces="g*" ` + line, refusal.SigKey, "patterns"},
		{"negated pattern", `a namespaces="!git" ` + line, refusal.SigKey, "patterns"},
		{"option without quotes", `a namespaces=git ` + line, refusal.SigKey, "options"},
		{"quoted quote", `a namespaces="git\"" ` + line, refusal.SigKey, "options"},
		{"option twice", `a namespaces="git",namespaces="file" ` + line, refusal.SigKey, "twice"},
		{"comma at the end", `a namespaces="git", ` + line, refusal.SigKey, "options"},
		{"no comma", `a namespaces="git"valid-after="20200101" ` + line, refusal.SigKey, "options"},
		{"date in words", `a valid-before="yesterday" ` + line, refusal.SigKey, "YYYYMMDD"},
		{"date without its end", `a valid-before="2020" ` + line, refusal.SigKey, "YYYYMMDD"},
		{"date that is none", `a valid-before="20230229Z" ` + line, refusal.SigKey, "YYYYMMDD"},
		{"date before all", `a valid-after="19700101Z" ` + line, refusal.SigKey, "YYYYMMDD"},
		{"quote that does not end", `a valid-before="20200101 ` + line, refusal.SigKey, "options"},
		{"many bytes", strings.Repeat("#\n", sshsig.MaxFileBytes), refusal.SigLimit, "at most"},
		{"many keys", strings.Repeat(line+"\n", sshsig.MaxHolders+1), refusal.SigLimit, "more than 4096"},
	} {
		h, err := sshsig.ParseHolders([]byte(c.text))
		if got := ruleOf(finding.Finding{}, err); got != c.want || h != nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, %v, expected %s and %q", c.name, h, err, c.want, c.says)
		}
	}
}

// As many keys as are accepted.
func TestManyHolders(t *testing.T) {
	line := signer.NewSSH(t, "ssh-ed25519").Line() + "\n"
	if h, err := sshsig.ParseHolders([]byte(strings.Repeat(line, sshsig.MaxHolders))); err != nil || len(h) != sshsig.MaxHolders {
		t.Errorf("%d holders, %v", len(h), err)
	}
}

// spareBits sets a bit that base64 leaves unused before one "=".
func spareBits(line string) string {
	last := len(line) - 2
	return line[:last] + string(line[last]+1) + "="
}

func encoded(blob []byte) string { return base64.StdEncoding.EncodeToString(blob) }

// rsaBlob is a key with a modulus that is 2^k - 1, of one bit less than the bytes.
func rsaBlob(e []byte, size int) []byte {
	n := []byte(strings.Repeat("\xff", size))
	n[0] = 0x7f
	return ssh.Marshal(struct {
		T    string
		E, N []byte
	}{"ssh-rsa", e, n})
}

func ecdsaBlob(keyType, curve string) []byte {
	return ssh.Marshal(struct{ T, C, P string }{keyType, curve, "\x04" + strings.Repeat("\x01", 64)})
}

// What a line says of its key is held to, strictly. A time without a zone may be
// one of any zone, for which ssh-keygen takes its own.
func TestRestrictions(t *testing.T) {
	key := signer.NewSSH(t, "ssh-ed25519")
	sig := key.Sign(namespace, []byte("x"))
	line := key.Line()
	for _, c := range []struct {
		name  string
		lines []string
		want  refusal.Rule
		index int
	}{
		{"none", []string{"a " + line}, "", 0},
		{"namespace", []string{`a namespaces="git,` + namespace + `" ` + line}, "", 0},
		{"another namespace", []string{`a namespaces="git" ` + line}, refusal.SigKeyUse, 0},
		{"a part of the namespace", []string{`a namespaces="` + namespace[:11] + `" ` + line}, refusal.SigKeyUse, 0},
		{"from and until", []string{`a valid-after="20000101",valid-before="20991231235959" ` + line}, "", 0},
		{"from now", []string{`a valid-after="20231114221320Z" ` + line}, "", 0},
		{"from the next second", []string{`a valid-after="20231114221321Z" ` + line}, refusal.SigExpired, 0},
		{"until now", []string{`a valid-before="20231114221320Z" ` + line}, refusal.SigExpired, 0},
		{"until the next second", []string{`a valid-before="20231114221321Z" ` + line}, "", 0},
		{"from twelve hours ago, somewhere", []string{`a valid-after="202311141014" ` + line}, refusal.SigExpired, 0},
		{"from more than twelve hours ago, anywhere", []string{`a valid-after="202311141013" ` + line}, "", 0},
		{"until in fourteen hours, somewhere", []string{`a valid-before="202311151213" ` + line}, refusal.SigExpired, 0},
		{"until in more than fourteen hours, anywhere", []string{`a valid-before="202311151214" ` + line}, "", 0},
		{"until, and another namespace", []string{`a valid-before="20991231Z",namespaces="git" ` + line}, refusal.SigKeyUse, 0},
		{"a second line", []string{`a namespaces="git" ` + line, "b " + line}, "", 1},
		{"two lines, the first", []string{`a ` + line, "b " + line}, "", 0},
		{"two lines, neither", []string{`a namespaces="git" ` + line, `b valid-before="20200101Z" ` + line}, refusal.SigKeyUse, 0},
		{"two lines of two times", []string{`a valid-before="20200101Z" ` + line, `b valid-after="20200101Z" ` + line}, "", 1},
	} {
		f, err := verify(sig, "x", holders(t, c.lines...))
		if got := ruleOf(f, err); got != c.want || f.Holder != c.index || f.Key.IsZero() || !f.State.Names() || (f.State == finding.Good) != (c.want == "") {
			t.Errorf("%s: %q, %+v, %v", c.name, got, f, err)
		}
	}
}
