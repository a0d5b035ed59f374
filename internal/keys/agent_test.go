package keys_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
	sshagent "golang.org/x/crypto/ssh/agent"

	"github.com/countermark/countermark/internal/keys"
	"github.com/countermark/countermark/internal/signature"
	"github.com/countermark/countermark/internal/testkit"
)

// hardware is an agent with one key of the kind that lies in hardware
// (PROTOCOL.u2f), made in software, which is touched or not.
type hardware struct {
	sshagent.ExtendedAgent // the rest of an agent, which nobody asks for
	secret                 ed25519.PrivateKey

	mu     sync.Mutex
	flags  byte // 1: the owner has touched it
	answer func(*ssh.Signature) (*ssh.Signature, error)
}

const hardwareType = "sk-ssh-ed25519@openssh.com"

func (h *hardware) blob() []byte {
	return ssh.Marshal(struct{ Type, Point, Application string }{hardwareType, string(h.secret.Public().(ed25519.PublicKey)), "ssh:"})
}

func (h *hardware) List() ([]*sshagent.Key, error) {
	return []*sshagent.Key{{Format: hardwareType, Blob: h.blob(), Comment: "in hardware"}}, nil
}

func (h *hardware) Sign(key ssh.PublicKey, data []byte) (*ssh.Signature, error) {
	return h.SignWithFlags(key, data, 0)
}

func (h *hardware) SignWithFlags(_ ssh.PublicKey, data []byte, _ sshagent.SignatureFlags) (*ssh.Signature, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	application, message := sha256.Sum256([]byte("ssh:")), sha256.Sum256(data)
	rest := binary.BigEndian.AppendUint32([]byte{h.flags}, 7) // the counter
	signed := append(append(application[:], rest...), message[:]...)
	return h.answer(&ssh.Signature{Format: hardwareType, Blob: ed25519.Sign(h.secret, signed), Rest: rest})
}

// serveAgent makes an agent the user's.
func serveAgent(t *testing.T, a sshagent.Agent) {
	t.Helper()
	dir, err := os.MkdirTemp("", "agent")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = errors.Join(l.Close(), os.RemoveAll(dir)) })
	t.Setenv("SSH_AUTH_SOCK", filepath.Join(dir, "s"))
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _ = errors.Join(sshagent.ServeAgent(a, conn), conn.Close()) }()
		}
	}()
}

// A key in hardware signs like any other; what an agent answers is believed only
// when it was verified.
func TestHardware(t *testing.T) {
	_, secret, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	as := func(s *ssh.Signature) (*ssh.Signature, error) { return s, nil }
	h := &hardware{secret: secret, flags: 1, answer: as}
	serveAgent(t, h)
	line := hardwareType + " " + base64.StdEncoding.EncodeToString(h.blob()) + "\n"
	path := testkit.Write(t, filepath.Join(t.TempDir(), "key.pub"), line)
	s := open(t, path)
	check(t, s, byKeygen(t, line))
	for name, c := range map[string]struct {
		flags  byte
		answer func(*ssh.Signature) (*ssh.Signature, error)
		want   string
	}{
		"not touched":     {0, as, "not good but weak"},
		"refused":         {1, func(*ssh.Signature) (*ssh.Signature, error) { return nil, errors.New("no") }, "asking the ssh agent to sign"},
		"another message": {1, func(s *ssh.Signature) (*ssh.Signature, error) { s.Blob[0] ^= 1; return s, nil }, "not good but bad"},
		"a counter less":  {1, func(s *ssh.Signature) (*ssh.Signature, error) { s.Rest = s.Rest[:1]; return s, nil }, "SIG_FORMAT"},
		"a byte more":     {1, func(s *ssh.Signature) (*ssh.Signature, error) { s.Rest = append(s.Rest, 0); return s, nil }, "SIG_FORMAT"},
		"another type":    {1, func(s *ssh.Signature) (*ssh.Signature, error) { s.Format = "ssh-ed25519"; return s, nil }, "SIG_(FORMAT|ALG)"},
	} {
		h.mu.Lock()
		h.flags, h.answer = c.flags, c.answer
		h.mu.Unlock()
		_, err := s.Sign(t.Context(), signature.StatementNamespace, []byte(text))
		wantError(t, name, err, c.want)
	}
	t.Setenv("SSH_AUTH_SOCK", filepath.Join(t.TempDir(), "none"))
	_, err = keys.Open(t.Context(), path, user())
	wantError(t, "an agent that is gone", err, "talking to the ssh agent")
}
