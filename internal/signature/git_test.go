package signature_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature"
	"github.com/countermark/countermark/internal/testkit"
	"github.com/countermark/countermark/internal/testkit/signer"
)

// Commits and tags that git itself signs with ssh.
func TestGit(t *testing.T) {
	dir := t.TempDir()
	key := signer.NewSSH(t, "ssh-ed25519")
	file := testkit.Write(t, filepath.Join(dir, "key"), string(key.Private(t)))
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	testkit.Write(t, file+".pub", key.Line()+"\n")
	testkit.Program(t, "ssh-keygen")
	git := func(args ...string) []byte {
		cmd := exec.Command(testkit.Program(t, "git"), append([]string{"-c", "gpg.format=ssh", "-c", "user.signingKey=" + file}, args...)...)
		cmd.Dir = dir
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b"}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %q: %v: %s", args, err, out)
		}
		return out
	}
	git("init", "-q")
	git("commit", "-q", "-S", "--allow-empty", "-m", "hello")
	git("tag", "-s", "-m", "hello", "v1")
	h, err := signature.ParseHolders([]byte(key.Line()))
	if err != nil {
		t.Fatal(err)
	}
	raw := git("cat-file", "commit", "HEAD")
	commit, err := gitobject.ParseCommit(digest.SHA1Format, raw)
	if err != nil {
		t.Fatal(err)
	}
	unsigned, err := gitobject.Unsigned(digest.SHA1Format, raw)
	if err != nil {
		t.Fatal(err)
	}
	if f, err := verify(signature.GitNamespace, []byte(commit.Signature), string(unsigned), h); err != nil || f.State != signature.Good {
		t.Errorf("the commit: %+v, %v", f, err)
	}
	raw = git("cat-file", "tag", "v1")
	tag, err := gitobject.ParseTag(digest.SHA1Format, raw)
	if err != nil {
		t.Fatal(err)
	}
	payload := strings.TrimSuffix(string(raw), tag.Signature)
	if f, err := verify(signature.GitNamespace, []byte(tag.Signature), payload, h); err != nil || f.State != signature.Good {
		t.Errorf("the tag: %+v, %v", f, err)
	}
}

// A release of OpenSSH, tagged with a key in hardware that its owner made so that
// it needs no touch: https://github.com/openssh/openssh-portable, tag V_9_9_P1 and
// the file .git_allowed_signers. For a statement that would not do.
func TestHardware(t *testing.T) {
	keys, err := os.ReadFile("testdata/openssh.allowed_signers")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile("testdata/openssh-9.9p1.tag")
	if err != nil {
		t.Fatal(err)
	}
	tag, err := gitobject.ParseTag(digest.SHA1Format, raw)
	if err != nil {
		t.Fatal(err)
	}
	h, err := signature.ParseHolders(keys)
	if err != nil || len(h) != 8 {
		t.Fatal(h, err)
	}
	payload := strings.TrimSuffix(string(raw), tag.Signature)
	f, err := verify(signature.GitNamespace, []byte(tag.Signature), payload, h)
	if err != nil || f.State != signature.Good || h[f.Holder].Name != "djm@mindrot.org" || f.Note != "hardware key, used without a touch" {
		t.Errorf("%+v, %v", f, err)
	}
	key := signer.NewSSH(t, signer.SKEd25519)
	key.Flags = 0
	if h, err = signature.ParseHolders([]byte(key.Line())); err != nil {
		t.Fatal(err)
	}
	for _, d := range []signature.Domain{signature.StatementNamespace, signature.PolicyNamespace} {
		if f, err := verify(d, key.Sign(d.Namespace(), []byte("x")), "x", h); err != nil || f.State != signature.Weak || f.Rule != refusal.SigKeyUse {
			t.Errorf("for the namespace %s, without a touch: %+v, %v", d.Namespace(), f, err)
		}
	}
}
