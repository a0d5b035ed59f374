package keys_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/keys"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature"
	"github.com/countermark/countermark/internal/testkit"
)

// gnupg makes a home for gpg with one key, and returns its fingerprint.
func gnupg(t *testing.T, algorithm string) string {
	t.Helper()
	home, err := os.MkdirTemp("", "gpg") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GNUPGHOME", home)
	t.Cleanup(func() {
		cmd := exec.Command(testkit.Program(t, "gpgconf"), "--kill", "all")
		cmd.Env = append(os.Environ(), "GNUPGHOME="+home)
		_ = errors.Join(cmd.Run(), os.RemoveAll(home))
	})
	program(t, "", "gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", "Saki <saki@example.org>", algorithm, "sign", "never")
	return fingerprints(t)[0]
}

// fingerprints returns those of all keys and subkeys.
func fingerprints(t *testing.T) []string {
	t.Helper()
	var all []string
	for line := range strings.Lines(program(t, "", "gpg", "--batch", "--with-colons", "--with-subkey-fingerprint", "--list-secret-keys")) {
		if fields := strings.Split(line, ":"); fields[0] == "fpr" {
			all = append(all, fields[9])
		}
	}
	return all
}

// byGPG returns GnuPG's and Sequoia's opinion.
func byGPG(t *testing.T) func(d signature.Domain, sig, message []byte) {
	t.Helper()
	dir := t.TempDir()
	ring := testkit.Write(t, filepath.Join(dir, "ring"), program(t, "", "gpg", "--batch", "--export"))
	return func(_ signature.Domain, sig, message []byte) {
		t.Helper()
		path := testkit.Write(t, filepath.Join(dir, "sig"), string(sig))
		data := testkit.Write(t, filepath.Join(dir, "data"), string(message))
		program(t, "", "gpgv", "--keyring", ring, path, data)
		program(t, "", "sqv", "--keyring", ring, path, data)
	}
}

func TestGPG(t *testing.T) {
	for _, algorithm := range []string{"ed25519", "rsa2048", "nistp256"} {
		t.Run(algorithm, func(t *testing.T) {
			fingerprint := gnupg(t, algorithm)
			s := open(t, "gpg:"+fingerprint)
			if s.Holder().Fingerprint != strings.ToLower(fingerprint) || s.Holder().Name != "Saki <saki@example.org>" || s.Extension() != ".asc" {
				t.Errorf("%+v", s.Holder())
			}
			check(t, s, byGPG(t))
		})
	}
}

// A subkey that is named is the one that signs.
func TestGPGSubkey(t *testing.T) {
	fingerprint := gnupg(t, "ed25519")
	program(t, "", "gpg", "--batch", "--quiet", "--passphrase", "", "--quick-add-key", fingerprint, "ed25519", "sign", "never")
	program(t, "", "gpg", "--batch", "--quiet", "--passphrase", "", "--quick-add-key", fingerprint, "ed25519", "sign", "never")
	all := fingerprints(t)
	for _, spec := range []string{all[0] + "!", all[1], all[2], strings.ToLower(all[1]) + "!"} {
		made, err := open(t, "gpg:"+spec).Sign(t.Context(), signature.StatementNamespace, []byte(text))
		if want := strings.ToLower(strings.TrimSuffix(spec, "!")); err != nil || made.Fingerprint != want {
			t.Errorf("%s: made by %s, %v", spec, made.Fingerprint, err)
		}
	}
}

func TestGPGRefused(t *testing.T) {
	fingerprint := gnupg(t, "ed25519")
	for name, c := range map[string]struct{ spec, want string }{
		"a short id":  {"gpg:" + fingerprint[24:], "whole fingerprint"},
		"a name":      {"gpg:saki@example.org", "whole fingerprint"},
		"an option":   {"gpg:--version", "whole fingerprint"},
		"another key": {"gpg:" + strings.Repeat("0", 40), "no such key|not.*found|nothing exported"},
	} {
		_, err := keys.Open(t.Context(), c.spec, user())
		wantError(t, name, err, c.want)
	}
	s := open(t, "gpg:"+fingerprint)
	program(t, "", "gpg", "--batch", "--yes", "--delete-secret-keys", fingerprint)
	_, err := s.Sign(t.Context(), signature.StatementNamespace, []byte(text))
	wantError(t, "without the secret key", err, "gpg said: .*(No secret key|no such key|skipped)")
	fingerprint = gnupg(t, "ed25519")
	s, err = keys.Open(t.Context(), "gpg:"+fingerprint, keys.User{Now: func() int64 { return 1 << 30 }})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Sign(t.Context(), signature.StatementNamespace, []byte(text))
	wantError(t, "before the key was made", err, "not good but")
	home := os.Getenv("GNUPGHOME")
	testkit.Write(t, filepath.Join(home, "gpg.conf"), "local-user "+fingerprint+"\nsig-notation a@b=c\n")
	program(t, "", "gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", "Ben <ben@example.org>", "ed25519", "sign", "never")
	second := fingerprints(t)[1]
	s = open(t, "gpg:"+second)
	_, err = s.Sign(t.Context(), signature.StatementNamespace, []byte(text))
	if r, ok := errors.AsType[*refusal.Refusal](err); !ok || r.Rule != refusal.SigMulti {
		t.Errorf("with another key in the configuration: %v", err)
	}
}

func TestMinisign(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "minisign.key")
	program(t, "", "minisign", "-G", "-W", "-s", path, "-p", filepath.Join(dir, "minisign.pub"))
	s := open(t, "minisign:"+path)
	if s.Extension() != ".minisig" {
		t.Errorf("%q", s.Extension())
	}
	check(t, s, func(_ signature.Domain, sig, message []byte) {
		data := testkit.Write(t, filepath.Join(dir, "data"), string(message))
		testkit.Write(t, data+".minisig", string(sig))
		program(t, "", "minisign", "-V", "-H", "-p", filepath.Join(dir, "minisign.pub"), "-m", data)
	})
}

// A key that minisign 0.11 made for this test, with the passphrase "pw": making
// one takes seconds.
const (
	lockedKey = `untrusted comment: minisign encrypted secret key
RWRTY0IyHSqopTQE/WE5Vld3QqtIDDBm8c1glhtPETy5bKkW6ksAAAACAAAAAAAAAEAAAAAAHLk0YiR2rKh7jgL6i7i1cMePz5ZfTJT8BAgvXSqvzUf2HZKp5xpCG/nBJt/egOd+3bfAtqa4M/X6UQA41bxEXVQ90y55PlF8oRQ7Am5EXMj901h2vdYl20OwFgNbjdo/qOEzcFL4GC0=
`
	lockedPublic = `untrusted comment: minisign public key A770BBE332518ACB
RWTLilEy47twpylv6lkaOF8y73D1zWLXR2S1BLFIJK0YWtLYlGEz2lPJ
`
)

func TestMinisignPassphrase(t *testing.T) {
	testkit.Program(t, "minisign")
	path := testkit.Write(t, filepath.Join(t.TempDir(), "k"), lockedKey)
	testkit.Write(t, path+".pub", lockedPublic)
	for passphrase, want := range map[string]string{"pw\n": "", "": "minisign"} {
		var said bytes.Buffer
		u := user()
		u.Talk, u.Terminal = &said, strings.NewReader(passphrase)
		s, err := keys.Open(t.Context(), "minisign:"+path, u)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Sign(t.Context(), signature.StatementNamespace, []byte(text))
		if want != "" {
			wantError(t, passphrase, err, want)
		} else if err != nil {
			t.Error(err)
		}
		if !strings.Contains(said.String(), "Password: ") {
			t.Errorf("the user was asked with %q", said.String())
		}
	}
}

func TestMinisignRefused(t *testing.T) {
	dir := t.TempDir()
	path := testkit.Write(t, filepath.Join(dir, "k"), "secret")
	_, err := keys.Open(t.Context(), "minisign:"+filepath.Join(dir, "none"), user())
	wantError(t, "no file", err, "secret key")
	_, err = keys.Open(t.Context(), "minisign:"+path, user())
	wantError(t, "no public key", err, "minisign -R")
	testkit.Write(t, path+".pub", "hello\n")
	_, err = keys.Open(t.Context(), "minisign:"+path, user())
	wantError(t, "none in it", err, "SIG_KEY")
	_, public := sshKey(t, "", "-t", "ed25519")
	testkit.Write(t, path+".pub", public)
	_, err = keys.Open(t.Context(), "minisign:"+path, user())
	wantError(t, "an ssh key", err, "public key of minisign")
}
