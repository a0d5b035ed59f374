package gitrepo

import (
	"fmt"
	"net"
	"os/exec"
	"os/user"
	"path/filepath"
	"testing"
	"time"

	"github.com/countermark/countermark/internal/testkit"
)

// sshServer starts sshd on this machine, with more settings, and returns a
// configuration with which ssh reaches it as the host "sample".
func sshServer(t *testing.T, settings string) (config string) {
	t.Helper()
	sshd, _ := exec.LookPath("/usr/sbin/sshd")
	if sshd == "" {
		sshd = testkit.Program(t, "sshd")
	}
	testkit.Program(t, "ssh")
	testkit.Program(t, "ssh-keygen")
	dir := t.TempDir()
	for _, name := range []string{"host", "user"} {
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, name)).CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen: %v: %s", err, out)
		}
	}
	if out, err := exec.Command(sshd, "-t", "-h", filepath.Join(dir, "host")).CombinedOutput(); err != nil {
		testkit.Missing(t, "sshd does not run here: %s", out)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	testkit.Write(t, filepath.Join(dir, "sshd_config"), fmt.Sprintf("ListenAddress 127.0.0.1:%d\nHostKey %s/host\nAuthorizedKeysFile %s/user.pub\nStrictModes no\nUsePAM no\nPidFile none\nPasswordAuthentication no\nPermitRootLogin yes\n%s\n", port, dir, dir, settings))
	cmd := exec.Command(sshd, "-D", "-e", "-f", filepath.Join(dir, "sshd_config"))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	config = filepath.Join(dir, "ssh_config")
	testkit.Write(t, config, fmt.Sprintf("Host sample\n HostName 127.0.0.1\n Port %d\n User %s\n IdentityFile %s/user\n IdentitiesOnly yes\n UserKnownHostsFile %s/known\n StrictHostKeyChecking accept-new\n LogLevel ERROR\n", port, me.Username, dir, dir))
	for range 100 {
		if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			_ = c.Close()
			return config
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("sshd does not listen")
	return ""
}

// Where sshd does not let GIT_PROTOCOL through, the server speaks the oldest
// protocol, in which single objects cannot be had.
func TestSSH(t *testing.T) {
	w := newWork(t).sample()
	w.git("config", "uploadpack.allowFilter", "true")
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	for settings, url := range map[string]string{"AcceptEnv GIT_PROTOCOL": "ssh://sample" + w.dir, "": me.Username + "@sample:" + w.dir} {
		config := sshServer(t, settings)
		testkit.Write(t, filepath.Join(cleanHome(t), ".gitconfig"), "[core]\n\tsshCommand = ssh -F "+config+"\n")
		r, err := openURL(t, findGit(t), url, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Fetch(t.Context(), "refs/tags/v1.0"); err != nil {
			t.Fatal(err)
		}
		checkSample(t, r, w)
		wantBlobs(t, r, w)
	}
	_, err = openURL(t, findGit(t), "ssh://sample/nonexistent", "")
	wantTransport(t, err, "git said")
}
