// Package gitrepo reads git repositories, local and remote, that nobody vouches
// for. It runs the git program, but never in a repository that it did not make
// itself: objects are read through an empty bare repository of our own, whose
// environment names the other one's object directory as an alternate; the only
// command that reads a foreign configuration is for-each-ref. Every object read
// is hashed again here, so the repository need not be trusted, only the id that
// was asked for (docs/spec/git.md, "How git is run").
//
// Refusals are *refusal.Refusal with a GIT_ rule; a server that cannot be
// reached or will not answer is a *TransportError.
package gitrepo

import (
	"context"
	"time"

	"github.com/countermark/countermark/internal/gitrepo/gitexec"
)

// Limits of what is read; those of a fetch are in package gitexec.
const (
	MaxRefBytes = 256 << 20       // of a list of refs: two million names of usual length
	MaxReadTime = 5 * time.Minute // of listing the refs of a local repository: its configuration may include a pipe
)

// Git is a git program that was found and is new enough. It may be used by
// several goroutines.
type Git struct {
	program *gitexec.Program
}

// Find looks for git in PATH and asks for its version. The error says what is
// wrong in one sentence.
func Find(ctx context.Context) (*Git, error) {
	program, err := gitexec.Find(ctx)
	if err != nil {
		return nil, err
	}
	return &Git{program}, nil
}

// Version returns what git says of itself after "git version ".
func (g *Git) Version() string { return g.program.Version() }
