package keys

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/countermark/countermark/internal/signature"
	"github.com/countermark/countermark/internal/signature/sshsig"
)

// socketVariable names the socket of the user's ssh agent (ssh-agent(1)).
const socketVariable = "SSH_AUTH_SOCK"

// withAgent talks to the user's agent; the context's end hangs up.
func withAgent(ctx context.Context, do func(agent.ExtendedAgent) error) error {
	path := os.Getenv(socketVariable)
	if path == "" {
		return errors.New("there is no ssh agent: " + socketVariable + " is not set")
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return fmt.Errorf("talking to the ssh agent: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer func() {
		if stop() {
			_ = conn.Close() // all was said
		}
	}()
	err = do(agent.NewClient(conn))
	if ctx.Err() != nil {
		return ctx.Err() //nolint:wrapcheck // the context's own error
	}
	return err
}

// agentHolds reports whether the agent has a key.
func agentHolds(ctx context.Context, key sshsig.PublicKey) (held bool, err error) {
	err = withAgent(ctx, func(a agent.ExtendedAgent) error {
		all, err := a.List()
		if err != nil {
			return fmt.Errorf("asking the ssh agent for its keys: %w", err)
		}
		for _, k := range all {
			held = held || bytes.Equal(k.Blob, key.Blob())
		}
		return nil
	})
	return held, err
}

// openAgentKey opens a key of the agent's by its fingerprint.
func openAgentKey(ctx context.Context, fingerprint string) (*Signer, error) {
	var blob []byte
	var others []string
	err := withAgent(ctx, func(a agent.ExtendedAgent) error {
		all, err := a.List()
		if err != nil {
			return fmt.Errorf("asking the ssh agent for its keys: %w", err)
		}
		for _, k := range all {
			if at := ssh.FingerprintSHA256(k); at == fingerprint {
				blob = k.Blob
			} else {
				others = append(others, at)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if blob == nil {
		return nil, fmt.Errorf("the ssh agent does not hold it, only [%s]", strings.Join(others, " "))
	}
	line, err := lineOf(blob)
	if err != nil {
		return nil, err
	}
	holder, key, err := parseLine(line)
	if err != nil {
		return nil, err
	}
	return &Signer{holder: holder, program: &agentKey{key}}, nil
}

// agentKey signs through the agent.
type agentKey struct {
	key sshsig.PublicKey
}

func (k *agentKey) sign(ctx context.Context, d signature.Domain, m message) (sig []byte, err error) {
	in, err := m.open()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	signed, err := sshsig.SignedData(d.Namespace(), sshsig.SHA512, in)
	if err != nil {
		return nil, fmt.Errorf("reading what is to be signed: %w", err)
	}
	public, err := ssh.ParsePublicKey(k.key.Blob())
	if err != nil {
		return nil, fmt.Errorf("giving the key to the ssh agent: %w", err)
	}
	var raw []byte
	err = withAgent(ctx, func(a agent.ExtendedAgent) error {
		made, err := a.SignWithFlags(public, signed, flags(public))
		if err != nil {
			return fmt.Errorf("asking the ssh agent to sign: %w", err)
		}
		raw = ssh.Marshal(made)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return sshsig.Encode(k.key, d.Namespace(), sshsig.SHA512, raw)
}

// flags asks for SHA-512 where the agent would use SHA-1 otherwise
// (RFC 8332, section 3.3; draft-ietf-sshm-ssh-agent, section 3.6.1).
func flags(key ssh.PublicKey) agent.SignatureFlags {
	if key.Type() == ssh.KeyAlgoRSA {
		return agent.SignatureFlagRsaSha512
	}
	return 0
}
