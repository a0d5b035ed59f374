package keys

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/countermark/countermark/internal/signature"
)

// gpgKey signs with the user's gpg, which asks through its agent.
type gpgKey struct {
	key  string // as --local-user takes it
	talk io.Writer
}

// openGPG opens a key of gpg's by its full fingerprint. A short id is none: others
// can make keys that have it, too.
func openGPG(ctx context.Context, spec string, user User) (*Signer, error) {
	fingerprint := strings.ToLower(strings.TrimSuffix(spec, "!"))
	if n := len(fingerprint); n != 40 && n != 64 || strings.Trim(fingerprint, "0123456789abcdef") != "" {
		return nil, errors.New("a key of gpg is named by its whole fingerprint, 40 or 64 hex digits without spaces: \"gpg --list-secret-keys --with-subkey-fingerprint\" shows it")
	}
	public, err := run{name: "gpg", args: []string{"--batch", "--no-armor", "--export", fingerprint}, talk: io.Discard, most: MaxKeyFileBytes}.do(ctx)
	if err != nil {
		return nil, err
	}
	if len(public) == 0 {
		return nil, errors.New("gpg has no such key")
	}
	holders, err := signature.ParseHolders(public)
	if err != nil {
		return nil, fmt.Errorf("reading the public key that gpg has: %w", err)
	}
	if len(holders) != 1 {
		return nil, fmt.Errorf("gpg has %d keys of that fingerprint", len(holders))
	}
	if why := holders[0].Unusable; why != "" {
		return nil, fmt.Errorf("the key is of no use: %s", why)
	}
	key := fingerprint
	if fingerprint != holders[0].Fingerprint || strings.HasSuffix(spec, "!") {
		key += "!" // this very key, and none that gpg takes for better (gpg(1), "How to specify a user id")
	}
	return &Signer{holder: holders[0], program: &gpgKey{key, user.Talk}}, nil
}

func (k *gpgKey) sign(ctx context.Context, d signature.Domain, m message) (sig []byte, err error) {
	in, err := m.open()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	armour := "--armor"
	if d.Enveloped() {
		armour = "--no-armor"
	}
	sig, err = run{
		name: "gpg", stdin: in, talk: k.talk, most: maxSignatureBytes,
		args: []string{"--batch", "--digest-algo", "SHA512", "--no-emit-version", "--no-comments", armour, "--local-user", k.key, "--output", "-", "--detach-sign"},
	}.do(ctx)
	if err != nil && strings.Contains(err.Error(), "Inappropriate ioctl") {
		err = fmt.Errorf("%w (gpg does not know on which terminal to ask: \"export GPG_TTY=$(tty)\")", err)
	}
	return sig, err
}
