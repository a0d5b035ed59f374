package keys_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/keys"
	"github.com/countermark/countermark/internal/signature"
	"github.com/countermark/countermark/internal/testkit"
)

// git runs git in a folder, with a configuration of the test's own.
func git(t *testing.T, dir, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.Command(testkit.Program(t, "git"), args...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %q: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// git itself takes commits and tags that are signed here for signed.
func checkGit(t *testing.T, s *keys.Signer, format digest.Format, settings ...string) {
	t.Helper()
	dir := t.TempDir()
	git(t, dir, "", "init", "-q", "--object-format="+format.String())
	for _, setting := range settings {
		key, value, _ := strings.Cut(setting, "=")
		git(t, dir, "", "config", key, value)
	}
	tree, err := digest.ParseObjectID(git(t, dir, "", "write-tree"))
	if err != nil {
		t.Fatal(err)
	}
	saki := gitobject.Person{Name: "Saki", Email: "saki@example.org", Unix: 1711713600, Zone: "+0000"}
	c := &gitobject.Commit{Tree: tree, Author: saki, Committer: saki, Message: "demo 1.0\n"}
	raw, err := gitobject.EncodeCommit(format, c)
	if err != nil {
		t.Fatal(err)
	}
	made, err := s.Sign(t.Context(), signature.GitNamespace, raw)
	if err != nil {
		t.Fatal(err)
	}
	c.Signature = string(made.Bytes)
	if raw, err = gitobject.EncodeCommit(format, c); err != nil {
		t.Fatal(err)
	}
	commit := git(t, dir, string(raw), "hash-object", "-t", "commit", "-w", "--stdin")
	git(t, dir, "", "verify-commit", commit)
	tag := "object " + commit + "\ntype commit\ntag v1.0\ntagger Saki <saki@example.org> 1711713600 +0000\n\ndemo 1.0\n"
	if made, err = s.Sign(t.Context(), signature.GitNamespace, []byte(tag)); err != nil {
		t.Fatal(err)
	}
	git(t, dir, "", "verify-tag", git(t, dir, tag+string(made.Bytes), "hash-object", "-t", "tag", "-w", "--stdin"))
	git(t, dir, "", "fsck", "--strict")
}

func TestGit(t *testing.T) {
	for _, format := range []digest.Format{digest.SHA1Format, digest.SHA256Format} {
		t.Run("ssh, "+format.String(), func(t *testing.T) {
			path, public := sshKey(t, "", "-t", "ed25519")
			allowed := testkit.Write(t, filepath.Join(t.TempDir(), "allowed"), "saki@example.org "+public)
			checkGit(t, open(t, path), format, "gpg.format=ssh", "gpg.ssh.allowedSignersFile="+allowed)
		})
		t.Run("gpg, "+format.String(), func(t *testing.T) {
			checkGit(t, open(t, "gpg:"+gnupg(t, "ed25519")), format)
		})
	}
}

func TestGitKey(t *testing.T) {
	_, public := sshKey(t, "", "-t", "ed25519")
	_, other := sshKey(t, "", "-t", "ecdsa", "-b", "256")
	fingerprint := func(public string) string {
		path := testkit.Write(t, filepath.Join(t.TempDir(), "k"), public)
		return strings.Fields(program(t, "", "ssh-keygen", "-l", "-f", path))[1]
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", "")
	testkit.Write(t, filepath.Join(home, "more"), "[gpg]\nformat = ssh\n")
	line, otherLine := strings.TrimSpace(public), strings.TrimSpace(other)
	for name, c := range map[string]struct{ config, want, err string }{
		"none":              {"", "", "user.signingKey is not set"},
		"openpgp":           {"[user]\nsigningkey = 0xAB CD\n", "gpg:ABCD", ""},
		"openpgp, said":     {"[gpg]\nformat = openpgp\n[user]\nsigningkey = ABCD!\n", "gpg:ABCD!", ""},
		"ssh, none":         {"[gpg]\nformat = ssh\n", "", "user.signingKey is not set"},
		"ssh, path":         {"[gpg]\nformat = ssh\n[user]\nsigningkey = /a/b.pub\n", "/a/b.pub", ""},
		"ssh, home":         {"[gpg]\nformat = ssh\n[user]\nsigningkey = ~/b.pub\n", home + "/b.pub", ""},
		"ssh, included":     {"[include]\npath = more\n[user]\nsigningkey = /a/b.pub\n", "/a/b.pub", ""},
		"ssh, literal":      {"[gpg]\nformat = ssh\n[user]\nsigningkey = " + line + "\n", fingerprint(public), ""},
		"ssh, key::":        {"[gpg]\nformat = ssh\n[user]\nsigningkey = key::" + otherLine + "\n", fingerprint(other), ""},
		"ssh, no key":       {"[gpg]\nformat = ssh\n[user]\nsigningkey = key::x\n", "", "SIG_KEY"},
		"x509":              {"[gpg]\nformat = x509\n", "", "openpgp or ssh"},
		"a broken file":     {"[gpg\n", "", "reading git's configuration: git said"},
		"a hostile program": {"[gpg]\nprogram = touch\n[alias]\nconfig = !touch x\n[user]\nsigningkey = AB\n", "gpg:AB", ""},
	} {
		testkit.Write(t, filepath.Join(home, ".gitconfig"), c.config)
		got, err := keys.GitKey(t.Context())
		if c.err != "" {
			wantError(t, name, err, c.err)
		} else if err != nil || got != c.want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, c.want)
		}
	}
}
