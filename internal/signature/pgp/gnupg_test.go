package pgp_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/testkit"
)

// gnuPG is the real program, with a home of its own.
type gnuPG struct {
	t    testing.TB
	home string // short: the path of its sockets has a limit
}

func newGnuPG(t testing.TB) *gnuPG {
	t.Helper()
	testkit.Program(t, "gpg")
	home, err := os.MkdirTemp("", "gpg")
	if err != nil {
		t.Fatal(err)
	}
	g := &gnuPG{t, home}
	t.Cleanup(func() {
		stop := exec.Command("gpgconf", "--kill", "all")
		stop.Env = g.environment()
		_ = stop.Run()
		_ = os.RemoveAll(home)
	})
	return g
}

func (g *gnuPG) environment() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "GNUPGHOME=" + g.home, "LC_ALL=C"}
}

// at runs gpg as if it were the given time, with the input, and returns what it
// prints.
func (g *gnuPG) at(unix int64, input string, args ...string) []byte {
	g.t.Helper()
	all := append([]string{"--batch", "--quiet", "--no-tty", "--passphrase", "", "--pinentry-mode", "loopback", "--trust-model", "always",
		"--ignore-time-conflict", "--faked-system-time", strconv.FormatInt(unix, 10) + "!"}, args...)
	cmd := exec.Command("gpg", all...)
	cmd.Env, cmd.Stdin = g.environment(), strings.NewReader(input)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		g.t.Fatalf("gpg %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return out
}

// name is the user id of a key of the tests.
func (g *gnuPG) name(algorithm string) string { return algorithm + " <" + algorithm + "@example.org>" }

// key makes a key for signatures and certifications that does not expire, and
// returns its fingerprint.
func (g *gnuPG) key(algorithm string, created int64) string {
	g.t.Helper()
	g.at(created, "", "--quick-generate-key", g.name(algorithm), algorithm, "sign,cert", "never")
	return g.fingerprint(g.name(algorithm))
}

// fingerprint returns that of a primary key, in lower case.
func (g *gnuPG) fingerprint(name string) string {
	g.t.Helper()
	return g.fingerprints(name)[0]
}

// fingerprints returns those of the primary key and its subkeys, in lower case.
func (g *gnuPG) fingerprints(name string) []string {
	g.t.Helper()
	var all []string
	for line := range strings.Lines(string(g.at(now, "", "--with-colons", "--list-keys", "="+name))) {
		if fields := strings.Split(line, ":"); fields[0] == "fpr" {
			all = append(all, strings.ToLower(fields[9]))
		}
	}
	return all
}

func (g *gnuPG) export(fingerprint string) []byte {
	g.t.Helper()
	return g.at(now, "", "--export", fingerprint)
}

// sign makes a detached signature of the message.
func (g *gnuPG) sign(fingerprint string, created int64, options ...string) []byte {
	g.t.Helper()
	return g.at(created, message, append(options, "--local-user", fingerprint+"!", "--detach-sign")...)
}

// judge asks another program, gpgv or sqv, whether it accepts a signature.
func (g *gnuPG) judge(program string, sig, certificates []byte) (accepted bool, said string) {
	g.t.Helper()
	testkit.Program(g.t, program)
	dir := g.t.TempDir()
	keyring := testkit.Write(g.t, filepath.Join(dir, "keyring.gpg"), string(certificates))
	cmd := exec.Command(program, "--keyring", keyring, testkit.Write(g.t, filepath.Join(dir, "m.sig"), string(sig)), testkit.Write(g.t, filepath.Join(dir, "m"), message))
	cmd.Env = g.environment()
	out, err := cmd.CombinedOutput()
	return err == nil, string(out)
}
