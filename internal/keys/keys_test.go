package keys_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/countermark/countermark/internal/keys"
	"github.com/countermark/countermark/internal/signature"
	"github.com/countermark/countermark/internal/testkit"
)

func user() keys.User { return keys.User{Now: func() int64 { return time.Now().Unix() }} }

// program runs a program with the environment of the test, and returns what it
// printed.
func program(t *testing.T, stdin, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(testkit.Program(t, name), args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v: %s", name, args, err, out)
	}
	return string(out)
}

func open(t *testing.T, spec string) *keys.Signer {
	t.Helper()
	s, err := keys.Open(t.Context(), spec, user())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func domains() []signature.Domain {
	return []signature.Domain{signature.StatementNamespace, signature.PolicyNamespace, signature.GitNamespace, signature.FileNamespace}
}

const text = "what is signed\n"

// check signs in all domains, and has our own readers and the domain's other
// reader look at it.
func check(t *testing.T, s *keys.Signer, other func(d signature.Domain, sig, message []byte)) {
	t.Helper()
	for _, d := range domains() {
		if d == signature.GitNamespace && s.Holder().Form == signature.Minisign {
			_, err := s.Sign(t.Context(), d, []byte(text))
			wantError(t, "git with minisign", err, "git knows no")
			continue
		}
		made, err := s.Sign(t.Context(), d, []byte(text))
		if err != nil {
			t.Errorf("%s: %v", d.Namespace(), err)
			continue
		}
		found, err := signature.Verify(d, made.Bytes, strings.NewReader(text), []signature.Holder{s.Holder()}, time.Now().Unix())
		if err != nil || found.State != signature.Good || found.Key != made.Key || found.Fingerprint != made.Fingerprint || made.Fingerprint == "" {
			t.Errorf("%s: %+v, %v", d.Namespace(), found, err)
		}
		if named, err := signature.KeyID(made.Bytes); err != nil || named != made.Fingerprint {
			t.Errorf("%s: the signature names %s, %v, it was made by %s", d.Namespace(), named, err, made.Fingerprint)
		}
		if canonical, err := signature.Canonical(made.Bytes); d.Enveloped() && (err != nil || !bytes.Equal(canonical, made.Bytes)) {
			t.Errorf("%s: is not as envelopes hold it: %v", d.Namespace(), err)
		}
		if !d.Enveloped() && !bytes.HasPrefix(made.Bytes, []byte("-----BEGIN ")) && s.Holder().Form != signature.Minisign {
			t.Errorf("%s: %q is not armoured", d.Namespace(), made.Bytes)
		}
		other(d, made.Bytes, []byte(text))
	}
	checkFile(t, s, other)
}

func checkFile(t *testing.T, s *keys.Signer, other func(d signature.Domain, sig, message []byte)) {
	t.Helper()
	large := strings.Repeat("0123456789abcdef", 1<<16)
	path := testkit.Write(t, filepath.Join(t.TempDir(), "-demo 1.0.tar"), large)
	made, err := s.SignFile(t.Context(), path)
	if err != nil {
		t.Errorf("a file: %v", err)
		return
	}
	other(signature.FileNamespace, made.Bytes, []byte(large))
	_, err = s.SignFile(t.Context(), filepath.Dir(path))
	wantError(t, "a folder", err, "no regular file")
	_, err = s.Sign(t.Context(), 0, nil)
	wantError(t, "no domain", err, "what the signature is for")
}

func wantError(t *testing.T, name string, err error, want string) {
	t.Helper()
	if err == nil || !regexp.MustCompile(want).MatchString(err.Error()) {
		t.Errorf("%s: %v, want an error with %q", name, err, want)
	}
}

// byKeygen returns OpenSSH's own opinion.
func byKeygen(t *testing.T, public string) func(d signature.Domain, sig, message []byte) {
	t.Helper()
	dir := t.TempDir()
	allowed := testkit.Write(t, filepath.Join(dir, "allowed"), "saki@example.org "+public)
	return func(d signature.Domain, sig, message []byte) {
		t.Helper()
		path := testkit.Write(t, filepath.Join(dir, "sig"), string(sig))
		program(t, string(message), "ssh-keygen", "-Y", "verify", "-f", allowed, "-I", "saki@example.org", "-n", d.Namespace(), "-s", path)
	}
}

// sshKey makes a key, and keeps the agent of whoever runs the tests out of them.
func sshKey(t *testing.T, passphrase string, args ...string) (path, public string) {
	t.Helper()
	t.Setenv("SSH_AUTH_SOCK", "")
	t.Setenv("SSH_ASKPASS", "")
	path = filepath.Join(t.TempDir(), "key")
	program(t, "", "ssh-keygen", append([]string{"-q", "-N", passphrase, "-C", "saki", "-f", path}, args...)...)
	data, err := os.ReadFile(path + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	return path, string(data)
}

func sshTypes() map[string][]string {
	return map[string][]string{"ed25519": {"-t", "ed25519"}, "ecdsa": {"-t", "ecdsa", "-b", "384"}, "rsa": {"-t", "rsa", "-b", "2048"}}
}

func TestSSHFile(t *testing.T) {
	for name, args := range sshTypes() {
		t.Run(name, func(t *testing.T) {
			path, public := sshKey(t, "", args...)
			check(t, open(t, path), byKeygen(t, public))
		})
	}
}

// agent starts a real ssh agent and gives it a key.
func agent(t *testing.T, key string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "agent") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(testkit.Program(t, "ssh-agent"), "-D", "-a", filepath.Join(dir, "s"))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(cmd.Process.Kill(), cmd.Wait(), os.RemoveAll(dir)) })
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSH_AUTH_SOCK", filepath.Join(dir, "s"))
	program(t, "", "ssh-add", "-q", key)
}

func TestSSHAgent(t *testing.T) {
	for name, args := range sshTypes() {
		t.Run(name, func(t *testing.T) {
			path, public := sshKey(t, "", args...)
			check(t, open(t, path+".pub"), byKeygen(t, public)) // the secret key lies beside it
			alone := testkit.Write(t, filepath.Join(t.TempDir(), "key.pub"), public)
			_, err := keys.Open(t.Context(), alone, user())
			wantError(t, "without an agent", err, "SSH_AUTH_SOCK is not set")
			agent(t, path)
			if err := os.Remove(path); err != nil { // the agent alone has it now
				t.Fatal(err)
			}
			check(t, open(t, path+".pub"), byKeygen(t, public))
			fingerprint := strings.Fields(program(t, "", "ssh-add", "-l"))[1]
			if s := open(t, fingerprint); s.Holder().Fingerprint != fingerprint || s.Extension() != ".sig" {
				t.Errorf("%+v", s.Holder())
			}
			_, err = keys.Open(t.Context(), fingerprint[:len(fingerprint)-1], user())
			wantError(t, "another key", err, regexp.QuoteMeta(fingerprint))
			program(t, "", "ssh-add", "-q", "-D")
			_, err = keys.Open(t.Context(), path+".pub", user())
			wantError(t, "an empty agent", err, "ssh-add")
		})
	}
}

// Of a key with a passphrase the agent is asked, so that nobody is.
func TestSSHPassphrase(t *testing.T) {
	path, public := sshKey(t, "secret", "-t", "ed25519")
	plain := filepath.Join(t.TempDir(), "plain")
	if data, err := os.ReadFile(path); err != nil || os.WriteFile(plain, data, 0o600) != nil {
		t.Fatal(err)
	}
	program(t, "", "ssh-keygen", "-q", "-p", "-P", "secret", "-N", "", "-f", plain)
	s := open(t, path)
	asked := testkit.Write(t, filepath.Join(t.TempDir(), "askpass"), "#!/bin/sh\necho wrong\n")
	if err := os.Chmod(asked, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSH_ASKPASS", asked)
	t.Setenv("SSH_ASKPASS_REQUIRE", "force")
	_, err := s.Sign(t.Context(), signature.FileNamespace, nil)
	wantError(t, "a wrong passphrase", err, "ssh-keygen said: .*incorrect passphrase.*ssh-add")
	testkit.Write(t, asked, "#!/bin/sh\necho secret\n")
	check(t, s, byKeygen(t, public))
	testkit.Write(t, asked, "#!/bin/sh\necho wrong\n")
	agent(t, plain)
	check(t, open(t, path), byKeygen(t, public))
}

func TestSSHRefused(t *testing.T) {
	path, public := sshKey(t, "", "-t", "ed25519")
	_, other := sshKey(t, "", "-t", "ed25519")
	pem, _ := sshKey(t, "", "-t", "rsa", "-b", "2048", "-m", "PEM")
	dir := t.TempDir()
	for name, c := range map[string]struct{ spec, want string }{
		"no name":      {"", "no key is named"},
		"no file":      {filepath.Join(dir, "none"), "no such file"},
		"a folder":     {dir, "no regular file"},
		"no key":       {testkit.Write(t, dir+"/a", "hello\n"), "SIG_KEY"},
		"two keys":     {testkit.Write(t, dir+"/b", public+other), "something else than one"},
		"another form": {pem, "ssh-keygen -p"},
		"cut short":    {testkit.Write(t, dir+"/c", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU=\n-----END OPENSSH PRIVATE KEY-----\n"), "ends early"},
		"other bytes":  {testkit.Write(t, dir+"/d", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbg==\n-----END OPENSSH PRIVATE KEY-----\n"), "does not begin"},
		"too long":     {testkit.Write(t, dir+"/e", strings.Repeat("#\n", keys.MaxKeyFileBytes)), "longer than"},
	} {
		_, err := keys.Open(t.Context(), c.spec, user())
		wantError(t, name, err, c.want)
	}
	// A file whose secret key is another's than it says: what it signs is not
	// handed out.
	s := open(t, path)
	second, _ := sshKey(t, "", "-t", "ed25519")
	data, err := os.ReadFile(second)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(path, data, 0o600), os.Remove(path+".pub")); err != nil {
		t.Fatal(err)
	}
	_, err = s.Sign(t.Context(), signature.GitNamespace, []byte(text))
	wantError(t, "another key than was opened", err, "not good but no key")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Sign(ctx, signature.GitNamespace, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	_, err = s.Sign(t.Context(), signature.GitNamespace, make([]byte, keys.MaxMessageBytes+1))
	wantError(t, "too much", err, "signed from memory")
}

// Nothing of the environment reaches the programs but what is listed, and no
// program but the one in PATH runs.
func TestEnvironment(t *testing.T) {
	path, _ := sshKey(t, "", "-t", "ed25519")
	dir := t.TempDir()
	fake := testkit.Write(t, filepath.Join(dir, "ssh-keygen"), "#!/bin/sh\nenv >"+dir+"/env\nprintf 'a\\033[2Jb\\nno' >&2\nexit 1\n")
	if err := os.Chmod(fake, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":/usr/bin:/bin")
	for _, name := range []string{"LD_PRELOAD", "SSH_SK_HELPER", "GIT_DIR", "TOKEN"} {
		t.Setenv(name, "x")
	}
	var said bytes.Buffer
	u := user()
	u.Talk = &said
	s, err := keys.Open(t.Context(), path, u)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Sign(t.Context(), signature.FileNamespace, nil)
	wantError(t, "a program that fails", err, `ssh-keygen said: a\\x1b\[2Jb; no`)
	if said.String() != "a\\x1b[2Jb\nno" {
		t.Errorf("said was %q", said.String())
	}
	env, err := os.ReadFile(dir + "/env")
	if err != nil || regexp.MustCompile(`(?m)^(LD_PRELOAD|SSH_SK_HELPER|GIT_DIR|TOKEN)=`).Match(env) || !bytes.Contains(env, []byte("HOME=")) {
		t.Errorf("%s, %v", env, err)
	}
	gpg := testkit.Write(t, filepath.Join(dir, "gpg"), "#!/bin/sh\ncase $* in *--export*) cat "+dir+"/key;; *) echo gpg: signing failed: Inappropriate ioctl for device >&2; exit 2;; esac\n")
	if err := os.Chmod(gpg, 0o755); err != nil {
		t.Fatal(err)
	}
	checkTerminal(t, dir)
	testkit.Write(t, fake, "#!/bin/sh\nexec head -c 200000 /dev/zero\n")
	_, err = s.Sign(t.Context(), signature.FileNamespace, nil)
	wantError(t, "a program that prints too much", err, "printed more than")
	testkit.Write(t, fake, "#!/bin/sh\nexit 0\n")
	_, err = s.Sign(t.Context(), signature.StatementNamespace, nil)
	wantError(t, "a program that prints nothing", err, "SIG_FORMAT")
	t.Setenv("PATH", t.TempDir())
	_, err = s.Sign(t.Context(), signature.FileNamespace, nil)
	wantError(t, "no program", err, "the program ssh-keygen is needed")
}

// checkTerminal signs with a gpg that cannot ask.
func checkTerminal(t *testing.T, dir string) {
	t.Helper()
	path := os.Getenv("PATH")
	t.Setenv("PATH", "/usr/bin:/bin")
	fingerprint := gnupg(t, "ed25519")
	program(t, "", "gpg", "--batch", "--output", filepath.Join(dir, "key"), "--export")
	t.Setenv("PATH", path)
	_, err := open(t, "gpg:"+fingerprint).Sign(t.Context(), signature.GitNamespace, nil)
	wantError(t, "gpg without a terminal", err, "GPG_TTY")
}

func TestReadHolders(t *testing.T) {
	_, public := sshKey(t, "", "-t", "ed25519")
	path := testkit.Write(t, filepath.Join(t.TempDir(), "keys"), public)
	if holders, err := keys.ReadHolders(path); err != nil || len(holders) != 1 || holders[0].Name != "saki" {
		t.Errorf("%+v, %v", holders, err)
	}
	_, err := keys.ReadHolders(testkit.Write(t, path, "x"))
	wantError(t, "none in it", err, "SIG_KEY")
	_, err = keys.ReadHolders(path + "x")
	wantError(t, "no file", err, "no such file")
}
