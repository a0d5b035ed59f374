// Package signedbuild wires up `countermark build` where it signs, too: the built
// commit, as git does, so that git's users see who built; and the statement, for
// those who do without a process of its own that sees nothing but the statement.
package signedbuild

import (
	"context"
	"path/filepath"

	"github.com/countermark/countermark/internal/building"
	"github.com/countermark/countermark/internal/keys"
	"github.com/countermark/countermark/internal/signing"
	"github.com/countermark/countermark/internal/statement"
)

// Options say what to build, and with which keys to sign.
type Options struct {
	Building building.Options
	Key      string // for the statement, as keys.Open takes it; "": another process signs it
	GitKey   string // for the commit, as signing.OpenGit takes it; "": it is not signed
	User     keys.User
}

// Run builds and signs. A key that cannot be found is missed before anything is
// built. The error, a *report.Failure, says why there is no release, or no signature.
func Run(ctx context.Context, o Options) (*building.Result, error) {
	if o.Key != "" {
		if _, err := signing.Open(ctx, o.Key, o.User); err != nil {
			return nil, err
		}
	}
	if o.GitKey != "" {
		signer, err := signing.OpenGit(ctx, o.GitKey, o.User)
		if err != nil {
			return nil, err
		}
		o.Building.SignCommit = func(ctx context.Context, unsigned []byte) (string, error) { return signing.Git(ctx, signer, unsigned) }
	}
	result, err := building.Run(ctx, o.Building)
	if err != nil || result.Exit() != 0 || o.Key == "" {
		return result, err
	}
	s, err := statement.Parse(result.Statement)
	if err != nil {
		return nil, err
	}
	signed, err := signing.Run(ctx, signing.Options{File: filepath.Join(result.Folder, s.BaseName()+".statement.json"), Key: o.Key, User: o.User})
	if err != nil {
		return nil, err
	}
	result.Envelope = signed.Path
	return result, nil
}
