package refs

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/gitrepo/gitexec"
)

// Server is a repository that is asked for its refs.
type Server struct {
	Address  string            // as in Pushing
	Progress func(line string) // as in Pushing
}

// ListServer returns the refs of a server whose full names begin with one of the
// prefixes, in the order of their names, which may be any that git allows. r is a repository
// of this machine, whose configuration has no say. The error is a
// *gitrepo.TransportError, a *refusal.Refusal (GIT_PROTOCOL, GIT_FORMAT,
// GIT_LIMIT), or git's.
func ListServer(ctx context.Context, r *gitrepo.Repository, from Server, prefixes ...string) ([]Ref, error) {
	s := &server{r: r, address: from.Address, local: filepath.IsAbs(from.Address), progress: from.Progress}
	if !s.local {
		if err := gitrepo.CheckURL(s.address); err != nil {
			return nil, err
		}
	}
	patterns := make([]string, len(prefixes))
	for i, prefix := range prefixes {
		patterns[i] = prefix + "*"
	}
	refs, err := s.list(ctx, patterns)
	if err != nil {
		return nil, gitrepo.AsTransportError(s.address, err)
	}
	return slices.DeleteFunc(refs, func(ref Ref) bool {
		return !slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(ref.Name, prefix) })
	}), nil
}

// list asks for the refs that match patterns. A pattern matches the end of a
// name, too (git-ls-remote(1)).
func (s *server) list(ctx context.Context, patterns []string) ([]Ref, error) {
	out := &gitexec.Limited{Max: gitrepo.MaxRefBytes, What: "list of refs"}
	args := append([]string{"ls-remote", "--end-of-options", s.address}, patterns...)
	if err := s.r.Access().Program.Run(ctx, s.call(out, args...)); err != nil {
		return nil, err
	}
	isTag := func(name string) bool { return strings.HasSuffix(name, "^{}") } // what a tag points to (git-ls-remote(1))
	return parseList(out.Lines(), "\t", func(name string) bool { return !isTag(name) })
}
