package keys

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/countermark/countermark/internal/signature"
)

// minisignKey signs with the minisign program, which reads the passphrase of its
// key from the terminal.
type minisignKey struct {
	path string
	user User
}

// openMinisign opens a secret key. What is public of it cannot be read without
// the passphrase, so the file with the public key must lie beside it.
func openMinisign(path string, user User) (*Signer, error) {
	absolute, err := filepath.Abs(path)
	if err == nil {
		_, err = os.Stat(absolute)
	}
	if err != nil {
		return nil, fmt.Errorf("finding the secret key: %w", err)
	}
	var data []byte
	for _, beside := range []string{strings.TrimSuffix(absolute, ".key") + ".pub", absolute + ".pub"} {
		if data, err = readFile(beside); !errors.Is(err, os.ErrNotExist) {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("finding the public key: %w; \"minisign -R -s SECRET -p PUBLIC\" writes it", err)
	}
	holders, err := signature.ParseHolders(data)
	if err != nil {
		return nil, fmt.Errorf("reading the public key: %w", err)
	}
	if len(holders) != 1 || holders[0].Form != signature.Minisign {
		return nil, errors.New("the file beside the secret key holds something else than one public key of minisign")
	}
	return &Signer{holder: holders[0], program: &minisignKey{absolute, user}}, nil
}

func (k *minisignKey) sign(ctx context.Context, d signature.Domain, m message) ([]byte, error) {
	if d == signature.GitNamespace {
		return nil, errors.New("git knows no signatures of minisign: use an ssh or gpg key for commits and tags")
	}
	if in, err := m.open(); err != nil {
		return nil, err
	} else if err := in.Close(); err != nil {
		return nil, fmt.Errorf("reading what is to be signed: %w", err)
	}
	dir, err := os.MkdirTemp("", "countermark-minisign-")
	if err != nil {
		return nil, fmt.Errorf("making a temporary folder: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // nothing in it is secret
	path, to := m.path, filepath.Join(dir, "signature")
	args := []string{"-S", "-s", k.path, "-x", to}
	if path == "" {
		path = filepath.Join(dir, "message")
		if err := os.WriteFile(path, m.bytes, 0o600); err != nil {
			return nil, fmt.Errorf("writing what is to be signed: %w", err)
		}
		args = append(args, "-t", d.Namespace()) // signed, too; the default is the time and the file's name
	} else if path, err = filepath.Abs(path); err != nil {
		return nil, fmt.Errorf("finding what is to be signed: %w", err)
	}
	// What it prints is "Deriving a key ..." and the like; the prompt is on stderr.
	if _, err := (run{name: "minisign", args: append(args, "-m", path), stdin: k.user.Terminal, talk: k.user.Talk, most: maxSignatureBytes}).do(ctx); err != nil {
		return nil, err
	}
	return readFile(to)
}
