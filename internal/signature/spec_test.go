package signature_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/dsse"
	"github.com/countermark/countermark/internal/signature"
	"github.com/countermark/countermark/internal/testkit"
	"github.com/countermark/countermark/internal/testkit/signer"
)

func spec(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/spec/signatures.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The commands of the specification check what is signed here.
func TestByHand(t *testing.T) {
	for _, name := range []string{"jq", "ssh-keygen", "minisign", "gpg"} {
		testkit.Program(t, name)
	}
	commands := commandsOf(t, spec(t))
	const payload = "{\"x\":\"ü\"}\n"
	signed := dsse.PAE(dsse.StatementType, []byte(payload))
	ssh, mini := signer.NewSSH(t, signer.SKEd25519), signer.NewMinisign(t)
	run := gpg(t)
	run("", "--quick-generate-key", "Saki <saki@example.org>", "rsa3072", "sign", "never")
	for name, c := range map[string]struct {
		sig  []byte
		last string // command
	}{
		"ssh":      {ssh.Sign(signature.StatementNamespace.Namespace(), signed), commands[4]},
		"minisign": {mini.Sign(signed, ""), commands[5]},
		"OpenPGP":  {run(string(signed), "--detach-sign"), commands[6]},
	} {
		canonical, err := signature.Canonical(c.sig)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		envelope := dsse.Envelope{PayloadType: dsse.StatementType, Payload: []byte(payload), Signatures: []dsse.Signature{{KeyID: "x", Sig: canonical}}}
		testkit.Write(t, filepath.Join(dir, "release.intoto.json"), string(envelope.Encode())+"\n")
		testkit.Write(t, filepath.Join(dir, "allowed_signers"), "saki@example.org "+ssh.Line()+"\n")
		testkit.Write(t, filepath.Join(dir, "saki.pub"), string(mini.PublicFile("")))
		script := strings.Join(append([]string{"set -e"}, append(commands[:4:4], c.last)...), "\n")
		if name == "OpenPGP" { // whose keys lie in the home of the program
			script = strings.Replace(script, "gpg --verify", "gpg --no-default-keyring --keyring ./keys.gpg --verify", 1)
			testkit.Write(t, filepath.Join(dir, "keys.gpg"), string(run("", "--export")))
		}
		sh := func() (string, error) {
			cmd := exec.Command(testkit.Program(t, "sh"), "-c", script)
			cmd.Dir = dir
			cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LC_ALL=C"}
			out, err := cmd.CombinedOutput()
			return string(out), err
		}
		if out, err := sh(); err != nil {
			t.Errorf("%s: %v: %s", name, err, out)
		}
		envelope.Payload = []byte("{}")
		testkit.Write(t, filepath.Join(dir, "release.intoto.json"), string(envelope.Encode())+"\n")
		if out, err := sh(); err == nil {
			t.Errorf("%s: another payload is accepted: %s", name, out)
		}
	}
}

// commandsOf returns the commands in section 7 of the specification.
func commandsOf(t *testing.T, text string) []string {
	t.Helper()
	_, section, _ := strings.Cut(text, "\n## 7. ")
	section, _, _ = strings.Cut(section, "\n## ")
	var commands []string
	for line := range strings.Lines(section) {
		if command, found := strings.CutPrefix(line, "    "); found {
			commands = append(commands, strings.TrimSuffix(command, "\n"))
		}
	}
	if len(commands) != 7 {
		t.Fatalf("the specification has the commands %q", commands)
	}
	return commands
}

// The specification names each state and each namespace.
func TestSpec(t *testing.T) {
	text := spec(t)
	for s := signature.Good; s <= signature.Bad; s++ {
		if !strings.Contains(text, "| "+s.String()+" |") {
			t.Errorf("docs/spec/signatures.md does not list the state %q", s)
		}
	}
	for _, d := range []signature.Domain{signature.StatementNamespace, signature.PolicyNamespace, signature.GitNamespace, signature.FileNamespace} {
		if !strings.Contains(text, "| `"+d.Namespace()+"` |") {
			t.Errorf("docs/spec/signatures.md does not list the namespace %q", d.Namespace())
		}
	}
}
