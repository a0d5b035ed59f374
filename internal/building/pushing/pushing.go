// Package pushing is where a build may write the candidate's branch: whether it can
// is asked before anything is built, which may take an hour.
package pushing

import (
	"context"
	"os"
	"path/filepath"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/gitrepo/refs"
	"github.com/countermark/countermark/internal/report"
)

// CheckBranch says why the branch cannot be made, if it does not exist. The error is
// that of refs.Makeable.
func CheckBranch(ctx context.Context, repo *gitrepo.Repository, branch string) error {
	id, err := refs.Read(ctx, repo, branch)
	if err != nil || !id.IsZero() {
		return err
	}
	return refs.Makeable(ctx, repo, branch)
}

// Server returns the address that a name means: the push URL of the repository's
// remote of that name, a URL, or the absolute path of a folder that is there. The
// error is a *report.Failure, that of gitrepo.CheckURL, or git's.
func Server(ctx context.Context, repo *gitrepo.Repository, name string) (string, error) {
	server, err := refs.RemoteURL(ctx, repo, name)
	if err != nil {
		return "", err
	}
	if server == "" {
		server = name
	}
	if gitrepo.IsRemote(server) {
		return server, gitrepo.CheckURL(server)
	}
	if server, err = filepath.Abs(server); err != nil {
		return "", err
	}
	if _, err := os.Stat(server); err != nil {
		return "", report.UsageFailure("git remote -v lists the remotes; a URL begins with https:// or ssh://", "--push %s is no remote of the repository, no URL, and no folder", escape.Quote(name))
	}
	return server, nil
}
