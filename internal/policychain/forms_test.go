package policychain

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/countermark/countermark/internal/dsse"
	"github.com/countermark/countermark/internal/signature"
	"github.com/countermark/countermark/internal/testkit"
	"github.com/countermark/countermark/internal/testkit/signer"
)

// gpg runs the real program in a home of its own, whose path must be short.
func gpg(t *testing.T) func(stdin []byte, args ...string) []byte {
	t.Helper()
	program := testkit.Program(t, "gpg")
	home, err := os.MkdirTemp("", "gpg")
	if err != nil {
		t.Fatal(err)
	}
	environment := []string{"PATH=" + os.Getenv("PATH"), "GNUPGHOME=" + home, "LC_ALL=C"}
	t.Cleanup(func() {
		stop := exec.Command("gpgconf", "--kill", "all")
		stop.Env = environment
		_ = stop.Run()
		_ = os.RemoveAll(home)
	})
	return func(stdin []byte, args ...string) []byte {
		t.Helper()
		cmd := exec.Command(program, append([]string{"--batch", "--quiet", "--no-tty", "--passphrase", "", "--pinentry-mode", "loopback"}, args...)...)
		cmd.Env, cmd.Stdin = environment, bytes.NewReader(stdin)
		var complaint bytes.Buffer
		cmd.Stderr = &complaint
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("gpg %q: %v: %s", args, err, &complaint)
		}
		return out
	}
}

// canonical returns a signature as an envelope of ours holds it.
func canonical(t *testing.T, sig []byte) dsse.Signature {
	t.Helper()
	inEnvelope, err := signature.Canonical(sig)
	if err != nil {
		t.Fatal(err)
	}
	return dsse.Signature{KeyID: keyID(inEnvelope), Sig: inEnvelope}
}

// Owners sign with ssh, gpg and minisign; one who signs with all of their keys
// counts once.
func TestOwnersOfEveryForm(t *testing.T) {
	run := gpg(t)
	run(nil, "--quick-gen-key", "Ben <ben@example.org>", "ed25519", "sign", "0")
	certificate := run(nil, "--armor", "--export")
	ssh, mini, other := signer.NewSSH(t, "ecdsa-sha2-nistp384"), signer.NewMinisign(t), signer.NewSSH(t, "ssh-ed25519")
	text := func(version int, previous []byte) []byte {
		var b strings.Builder
		fmt.Fprintf(&b, "countermark-policy = 1\nversion = %d\nproject = \"p\"\nrecipes = [\"%064d\"]\n", version, 1)
		if previous != nil {
			fmt.Fprintf(&b, "previous = \"%x\"\n", sha256.Sum256(previous))
		}
		fmt.Fprintf(&b, "waive = [\"source\", \"builder\", \"rebuilder\", \"reviewer\"]\n[people.saki]\nkeys = [%q]\n[people.ben]\nkeys = ['''\n%s''', %q]\n[people.ada]\nkeys = [%q]\n",
			ssh.Line(), certificate, other.Line(), mini.Public())
		b.WriteString("[owners]\nneed = 3\nof = [\"saki\", \"ben\", \"ada\"]\n[quorum.release-manager]\nneed = 1\nof = [\"saki\", \"ben\", \"ada\"]\n")
		return []byte(b.String())
	}
	one := text(1, nil)
	two := text(2, one)
	message := dsse.PAE(dsse.PolicyType, two)
	namespace := signature.PolicyNamespace.Namespace()
	bySSH, byOther := canonical(t, ssh.Sign(namespace, message)), canonical(t, other.Sign(namespace, message))
	byGPG := canonical(t, run(message, "--digest-algo", "SHA512", "--detach-sign"))
	byMinisign := canonical(t, mini.Sign(message, "timestamp:1"))
	now := time.Now().Unix() + 60 // the certificate was made just now
	for _, c := range []struct {
		name       string
		signatures []dsse.Signature
		met        bool
	}{
		{"all three", []dsse.Signature{bySSH, byGPG, byMinisign}, true},
		{"all three, one by another key", []dsse.Signature{bySSH, byOther, byMinisign}, true},
		{"one twice", []dsse.Signature{bySSH, byGPG, byOther}, false},
		{"two", []dsse.Signature{byGPG, byMinisign}, false},
	} {
		chain, err := Verify([]Link{{Policy: one}, {two, c.signatures}}, sha256.Sum256(one), now)
		if (err == nil) != c.met {
			t.Errorf("%s: %v, %v", c.name, chain, err)
		}
	}
}

// The real minisign signs what counts.
func TestMinisign(t *testing.T) {
	program := testkit.Program(t, "minisign")
	dir := t.TempDir()
	public, secret := filepath.Join(dir, "public"), filepath.Join(dir, "secret")
	if out, err := exec.Command(program, "-G", "-W", "-p", public, "-s", secret).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	key, err := os.ReadFile(public)
	if err != nil {
		t.Fatal(err)
	}
	p := newPeople(t, "saki")
	raw := []byte(strings.ReplaceAll(string(p.policy(1, nil, 1, "saki")), p["saki"].Line(), strings.Split(string(key), "\n")[1]))
	message := testkit.Write(t, filepath.Join(dir, "pae"), string(dsse.PAE(dsse.PolicyType, raw)))
	if out, err := exec.Command(program, "-S", "-s", secret, "-m", message).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	sig, err := os.ReadFile(message + ".minisig")
	if err != nil {
		t.Fatal(err)
	}
	chain, err := Verify([]Link{{Policy: raw}}, sha256.Sum256(raw), 0)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := Signed(raw, []dsse.Signature{canonical(t, sig)}, chain.Newest().Policy, 0)
	if err != nil || len(signed) != 1 {
		t.Errorf("what minisign signs does not count: %v, %v", signed, err)
	}
}
