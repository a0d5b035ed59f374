package refs

import (
	"context"
	"errors"
	"regexp"

	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/gitrepo/gitexec"
)

// remoteName is what names of remotes look like that are worth asking for: they
// become part of a key, and lead to nothing else (git-remote(1)).
var remoteName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// RemoteURL returns the address that a local repository's configuration gives to
// the remote of a name for pushing, its pushurl before its url, and "" if it has
// none. The configuration is only read; nothing of it takes effect.
func RemoteURL(ctx context.Context, r *gitrepo.Repository, name string) (string, error) {
	return remoteAddress(ctx, r, name, "pushurl", "url")
}

// RemoteSource is RemoteURL for fetching: its url alone counts.
func RemoteSource(ctx context.Context, r *gitrepo.Repository, name string) (string, error) {
	return remoteAddress(ctx, r, name, "url")
}

// remoteAddress returns the first of the keys of a remote that has one value.
func remoteAddress(ctx context.Context, r *gitrepo.Repository, name string, keys ...string) (string, error) {
	if !remoteName.MatchString(name) {
		return "", nil
	}
	a := r.Access()
	for _, key := range keys {
		out := &gitexec.Limited{Max: maxAddressBytes, What: "address of a remote"}
		err := a.Program.Run(ctx, gitexec.Call{Args: []string{"config", "--local", "--no-includes", "--get", "remote." + name + "." + key}, GitDir: a.Common, Stdout: out})
		if failed, ran := errors.AsType[*gitexec.RunError](err); ran && failed.Status() == 1 {
			continue // the key is not there (git-config(1))
		}
		if err != nil {
			return "", err
		}
		if lines := out.Lines(); len(lines) == 1 {
			return lines[0], nil
		}
	}
	return "", nil
}

// maxAddressBytes bounds the address of a remote.
const maxAddressBytes = 4096
