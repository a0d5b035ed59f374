package sshsig_test

import (
	"bytes"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature/finding"
	"github.com/countermark/countermark/internal/signature/sshsig"
	"github.com/countermark/countermark/internal/testkit"
	"github.com/countermark/countermark/internal/testkit/signer"
)

const namespace = "countermark-statement-v1"

const now = 1700000000 // 2023-11-14 22:13:20 UTC

// types are the keys that are accepted without a word.
func types() []string {
	return []string{"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "rsa-3072", signer.SKEd25519, signer.SKECDSA}
}

// holders reads lines that must be accepted.
func holders(tb testing.TB, lines ...string) []sshsig.Holder {
	tb.Helper()
	h, err := sshsig.ParseHolders([]byte(strings.Join(lines, "\n") + "\n"))
	if err != nil {
		tb.Fatal(err)
	}
	return h
}

// verify parses and verifies.
func verify(sig []byte, message string, h []sshsig.Holder) (finding.Finding, error) {
	s, err := sshsig.Parse(sig)
	if err != nil {
		return finding.Finding{}, err
	}
	return s.Verify(sshsig.Demand{Namespace: namespace, Now: now}, strings.NewReader(message), h)
}

// ruleOf returns the rule of a refusal, and what the finding's otherwise.
func ruleOf(f finding.Finding, err error) refusal.Rule {
	if r, ok := errors.AsType[*refusal.Refusal](err); ok {
		return r.Rule
	}
	if err != nil {
		return refusal.Rule(err.Error())
	}
	return f.Rule
}

// openSSH asks ssh-keygen -Y verify for its opinion, with an allowed_signers
// file that holds the line for the principal "someone".
func openSSH(tb testing.TB, sig []byte, message string, line string) (bool, string) {
	tb.Helper()
	dir := tb.TempDir()
	testkit.Write(tb, filepath.Join(dir, "sig"), string(sig))
	testkit.Write(tb, filepath.Join(dir, "allowed"), line+"\n")
	cmd := exec.Command(testkit.Program(tb, "ssh-keygen"), "-Y", "verify", "-f", filepath.Join(dir, "allowed"),
		"-I", "someone", "-n", namespace, "-s", filepath.Join(dir, "sig"))
	cmd.Stdin = strings.NewReader(message)
	out, err := cmd.CombinedOutput()
	return err == nil, string(out)
}

func TestGood(t *testing.T) {
	for _, keyType := range types() {
		key, other := signer.NewSSH(t, keyType), signer.NewSSH(t, "ssh-ed25519")
		sig := key.Sign(namespace, []byte("a statement"))
		h := holders(t, other.Line(), "someone "+key.Line())
		f, err := verify(sig, "a statement", h)
		if err != nil || f.State != finding.Good || f.Holder != 1 || f.Key != h[1].Key.Material() || f.Fingerprint != h[1].Key.Fingerprint() || f.Form != finding.SSH || f.Rule != "" || f.Why != "" || f.Note != "" || f.Signed != 0 {
			t.Errorf("%s: %+v, %v", keyType, f, err)
		}
		if ok, said := openSSH(t, sig, "a statement", "someone "+key.Line()); !ok {
			t.Errorf("%s: ssh-keygen refuses what is good: %s", keyType, said)
		}
		if f, err := verify(sig, "another statement", h); err != nil || f.State != finding.Bad || f.Rule != refusal.SigBad || !f.Key.IsZero() || f.Holder != finding.NoHolder {
			t.Errorf("%s, another message: %+v, %v", keyType, f, err)
		}
		f, err = verify(sig, "a statement", h[:1])
		if err != nil || f.State != finding.NoKey || f.Rule != refusal.SigNoKey || !f.Key.IsZero() || f.Holder != finding.NoHolder || f.Fingerprint != h[1].Key.Fingerprint() {
			t.Errorf("%s, another key: %+v, %v", keyType, f, err)
		}
	}
}

// What real ssh-keygen signs, with each digest, is good.
func TestOpenSSHSigns(t *testing.T) {
	for _, keyType := range types()[:5] {
		for _, digest := range []string{"sha256", "sha512"} {
			dir := t.TempDir()
			key := signer.NewSSH(t, keyType)
			file := testkit.Write(t, filepath.Join(dir, "key"), string(key.Private(t)))
			keygen(t, "", "-q", "-p", "-N", "", "-f", file) // which also sets the mode that it wants
			testkit.Write(t, file+".pub", key.Line()+"\n")
			sig := keygen(t, "hello\n", "-Y", "sign", "-O", "hashalg="+digest, "-f", file, "-n", namespace)
			h := holders(t, key.Line()+" someone@example.org")
			if f, err := verify(sig, "hello\n", h); err != nil || f.State != finding.Good {
				t.Errorf("%s, %s: %+v, %v", keyType, digest, f, err)
			}
			if h[0].Name != "someone@example.org" || h[0].Key.Type() != key.Type {
				t.Errorf("the holder is %q with a key of type %s", h[0].Name, h[0].Key.Type())
			}
			if said := string(keygen(t, "", "-l", "-f", file+".pub")); !strings.Contains(said, " "+h[0].Key.Fingerprint()+" ") {
				t.Errorf("the fingerprint is %s, ssh-keygen says %s", h[0].Key.Fingerprint(), said)
			}
		}
	}
}

// keygen runs ssh-keygen and returns what it prints.
func keygen(t *testing.T, stdin string, args ...string) []byte {
	t.Helper()
	if i := len(args); i > 1 && args[0] == "-q" {
		if out, err := exec.Command("chmod", "600", args[i-1]).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	cmd := exec.Command(testkit.Program(t, "ssh-keygen"), args...)
	cmd.Stdin = strings.NewReader(stdin)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ssh-keygen %q: %v: %s", args, err, &complaint)
	}
	return out
}

// What an agent signs and Encode writes is what our other writer writes.
func TestEncode(t *testing.T) {
	for _, keyType := range types() {
		key := signer.NewSSH(t, keyType)
		h := holders(t, key.Line())
		for _, hash := range []sshsig.Hash{sshsig.SHA256, sshsig.SHA512} {
			data, err := sshsig.SignedData(namespace, hash, strings.NewReader("x"))
			if err != nil {
				t.Fatal(err)
			}
			sig, err := sshsig.Encode(h[0].Key, namespace, hash, key.Value(data))
			if err != nil {
				t.Fatalf("%s: %v", keyType, err)
			}
			if f, err := verify(sig, "x", h); err != nil || f.State != finding.Good {
				t.Errorf("%s, %s: %+v, %v", keyType, hash, f, err)
			}
			if ok, said := openSSH(t, sig, "x", "someone "+key.Line()); !ok {
				t.Errorf("%s, %s: ssh-keygen says %s", keyType, hash, said)
			}
		}
		if sig, err := sshsig.Encode(h[0].Key, namespace, sshsig.SHA512, []byte("nonsense")); ruleOf(finding.Finding{}, err) != refusal.SigFormat {
			t.Errorf("nonsense is encoded as %q, %v", sig, err)
		}
	}
	if data, err := sshsig.SignedData(namespace, "md5", strings.NewReader("")); ruleOf(finding.Finding{}, err) != refusal.SigAlg {
		t.Errorf("the digest md5 gives %q, %v", data, err)
	}
}

func TestReadErrors(t *testing.T) {
	key := signer.NewSSH(t, "ssh-ed25519")
	s, err := sshsig.Parse(key.Sign(namespace, nil))
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("disk on fire")
	if f, err := s.Verify(sshsig.Demand{Namespace: namespace, Now: now}, iotest.ErrReader(broken), holders(t, key.Line())); !errors.Is(err, broken) || f.State != finding.Unchecked {
		t.Errorf("%+v, %v", f, err)
	}
	// Whose key is not given, whose bytes are not looked at.
	if f, err := s.Verify(sshsig.Demand{Namespace: namespace, Now: now}, iotest.ErrReader(broken), nil); err != nil || f.State != finding.NoKey {
		t.Errorf("%+v, %v", f, err)
	}
	if f, err := s.Verify(sshsig.Demand{Namespace: "git", Now: now}, bytes.NewReader(nil), holders(t, key.Line())); ruleOf(f, err) != refusal.SigNamespace || f.State != finding.Unchecked {
		t.Errorf("another namespace: %+v, %v", f, err)
	}
	if f, err := s.Verify(sshsig.Demand{Now: now}, io.LimitReader(nil, 0), nil); ruleOf(f, err) != refusal.SigNamespace {
		t.Errorf("no namespace: %+v, %v", f, err)
	}
}
