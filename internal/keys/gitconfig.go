package keys

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/signature"
)

// maxSettingBytes bounds one value of git's configuration.
const maxSettingBytes = 16 << 10

// GitKey returns the key with which the user's own git signs commits and tags, as
// Open takes it: user.signingKey and gpg.format of the user's configuration
// (git-config(1)). No repository's has a say. The error says what is not set, or
// why what is set does not name one key.
func GitKey(ctx context.Context) (spec string, err error) {
	format, err := setting(ctx, "gpg.format")
	if err != nil {
		return "", err
	}
	switch format {
	case "", "openpgp":
		key, err := setting(ctx, "user.signingKey")
		if err == nil && key == "" {
			err = errors.New("git's user.signingKey is not set: set it, or name a key")
		}
		return "gpg:" + strings.TrimPrefix(strings.ReplaceAll(key, " ", ""), "0x"), err
	case "ssh":
		return gitSSHKey(ctx)
	}
	return "", fmt.Errorf("git signs in the format %s (gpg.format), expected openpgp or ssh: name a key", escape.Quote(format))
}

// gitSSHKey returns a path, or the fingerprint of a key that is written out: with
// "key::" before it or, as older versions have it, without.
func gitSSHKey(ctx context.Context) (string, error) {
	key, err := setting(ctx, "user.signingKey")
	if err != nil {
		return "", err
	}
	literal, found := strings.CutPrefix(key, "key::")
	if found || strings.HasPrefix(key, "ssh-") {
		holders, err := signature.ParseHolders([]byte(literal))
		if err != nil {
			return "", fmt.Errorf("reading the key in git's user.signingKey: %w", err)
		}
		return holders[0].Fingerprint, nil
	}
	path, err := setting(ctx, "user.signingKey", "--type=path") // "~/" is the home folder
	if err == nil && path == "" {
		err = errors.New("git's user.signingKey is not set: set it, or name a key")
	}
	return path, err
}

// setting returns one value of the user's configuration, "" if it is not set.
func setting(ctx context.Context, name string, options ...string) (string, error) {
	args := append([]string{"config", "--global", "--includes", "--get"}, options...)
	out, err := run{name: "git", args: append(args, name), dir: true, talk: io.Discard, most: maxSettingBytes}.do(ctx)
	if failed, ok := errors.AsType[*statusError](err); ok && failed.status == 1 {
		return "", nil // it is not there (git-config(1))
	}
	if err != nil {
		return "", fmt.Errorf("reading git's configuration: %w", err)
	}
	return strings.TrimSuffix(string(out), "\n"), nil
}
