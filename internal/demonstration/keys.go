package demonstration

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/crypto/ssh"

	"github.com/countermark/countermark/internal/keys"
	"github.com/countermark/countermark/internal/signature"
)

// Who takes part in the demo's releases.
const (
	author  = "saki" // signs the source's tag
	ci      = "ci"   // builds the release
	lab     = "lab"  // builds it again, somewhere else
	manager = "ben"  // releases it
	thief   = "mallory"
)

const keysFolder = "keys"

// keyPath returns the file of a party's secret key.
func (d *demo) keyPath(party string) string { return d.path(filepath.Join(keysFolder, party)) }

// user is who signs: nobody who could be asked for anything, on the demo's day.
func user() keys.User { return keys.User{Now: func() int64 { return demoTime }} }

// makeKeys writes an ssh key for each party, as ssh-keygen would. They are worth
// nothing: anybody can compute them, and so every demo shows the same.
func (d *demo) makeKeys() error {
	if err := os.Mkdir(d.path(keysFolder), 0o700); err != nil {
		return fmt.Errorf("making the demo's keys: %w", err)
	}
	for _, party := range []string{author, ci, lab, manager, thief} {
		seed := sha256.Sum256([]byte("countermark demo, a key of no worth: " + party))
		secret := ed25519.NewKeyFromSeed(seed[:])
		block, err := ssh.MarshalPrivateKey(secret, party)
		if err != nil {
			return fmt.Errorf("making the demo's keys: %w", err)
		}
		public, err := ssh.NewPublicKey(secret.Public())
		if err != nil {
			return fmt.Errorf("making the demo's keys: %w", err)
		}
		for _, file := range []struct {
			name    string
			content []byte
		}{{d.keyPath(party), pem.EncodeToMemory(block)}, {d.keyPath(party) + ".pub", ssh.MarshalAuthorizedKey(public)}} {
			if err := os.WriteFile(file.name, file.content, 0o600); err != nil {
				return fmt.Errorf("making the demo's keys: %w", err)
			}
		}
	}
	return nil
}

// canSign reports whether the keys can be used: ssh-keygen signs with them.
func canSign() bool {
	_, err := exec.LookPath("ssh-keygen")
	return err == nil
}

// signTag returns a tag's content with the author's signature, if that can be made.
func (d *demo) signTag(ctx context.Context, content string) (string, error) {
	if !canSign() {
		return content, nil
	}
	signer, err := keys.Open(ctx, d.keyPath(author), user())
	if err != nil {
		return "", err
	}
	made, err := signer.Sign(ctx, signature.GitNamespace, []byte(content))
	return content + string(bytes.TrimRight(made.Bytes, "\n")) + "\n", err
}
