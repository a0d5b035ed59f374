package refs

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/gitrepo/gitexec"
	"github.com/countermark/countermark/internal/refusal"
)

// CandidatePrefix begins the full names of candidates' branches; the version
// follows.
const CandidatePrefix = BranchPrefix + "candidates/"

// Candidate is a commit to be pushed to a branch of its own.
type Candidate struct {
	Server   string            // address as gitrepo.CheckURL accepts it, or the absolute path of a repository on this machine
	Version  string            // of the release; the branch is CandidatePrefix and this
	Commit   digest.ObjectID   // which is there with all that it leads to, as far as the server lacks it
	Old      digest.ObjectID   // what the branch must hold; zero if it must not exist
	Progress func(line string) // is given what git says while it works, escaped; may be nil
}

// Push pushes a candidate: with --atomic and a lease on Old, without "+", hooks
// off on this side. Doing it twice does no harm. A server that cannot be
// reached, or hangs up, is a *gitrepo.TransportError; the other errors are a
// *refusal.Refusal (GIT_REFNAME, GIT_PROTOCOL, GIT_FORMAT) or git's.
func Push(ctx context.Context, r *gitrepo.Repository, c Candidate) (Answer, error) {
	p := &push{r: r, c: c, ref: CandidatePrefix + c.Version, local: filepath.IsAbs(c.Server)}
	if err := p.check(); err != nil {
		return Answer{}, err
	}
	said, err := p.run(ctx)
	if err != nil {
		return Answer{}, err
	}
	switch flag, summary, _ := strings.Cut(said, "\t"); flag {
	case "=":
		return Answer{Outcome: Unchanged}, nil
	case "*", " ", "+": // with a lease git says "+" of what is no fast forward, however the refspec was written
		return Answer{Outcome: Changed}, nil
	default:
		return p.rejected(ctx, summary)
	}
}

type push struct {
	r     *gitrepo.Repository
	c     Candidate
	ref   string
	local bool
}

func (p *push) check() error {
	if err := checkName(p.ref); err != nil {
		return err
	}
	f := p.r.Format()
	if p.c.Commit.Format() != f || p.c.Commit.IsNull() || !p.c.Old.IsZero() && p.c.Old.Format() != f {
		return refusal.New(refusal.GitFormat, "the candidate's ids are not full %v ids", f).At(refusal.Unknown, p.ref)
	}
	if p.local {
		return nil
	}
	return gitrepo.CheckURL(p.c.Server)
}

// call prepares a call in our own repository, which reads the objects of the
// other: no configuration of that is seen.
func (p *push) call(out *gitexec.Limited, args ...string) gitexec.Call {
	a := p.r.Access()
	return gitexec.Call{
		Args: args, GitDir: a.Reader.GitDir, Alternates: a.Reader.Alternates, Stdout: out,
		Transport: &gitexec.Transport{Progress: p.c.Progress, Local: p.local},
	}
}

// maxAnswerBytes bounds what git prints of one ref: its name, two ids, a reason.
const maxAnswerBytes = 64 << 10

// run pushes, and returns what git says of the ref: its flag, a tab, the
// summary with the reason (git-push(1), "OUTPUT", with --porcelain).
func (p *push) run(ctx context.Context) (string, error) {
	args := []string{
		"push", "--porcelain", "--progress", "--atomic", "--force-with-lease=" + p.ref + ":" + p.c.Old.String(),
		"--no-verify", "--no-follow-tags", "--no-signed", "--recurse-submodules=no",
	}
	if p.local { // the other side's hooks are not ours to run on this machine
		args = append(args, "--receive-pack=git -c core.hooksPath=/dev/null -c gc.auto=0 receive-pack")
	}
	out := &gitexec.Limited{Max: maxAnswerBytes, What: "answer to a push"}
	refspec := p.c.Commit.String() + ":" + p.ref
	err := p.r.Access().Program.Run(ctx, p.call(out, append(args, "--end-of-options", p.c.Server, refspec)...))
	for _, line := range out.Lines() {
		flag, rest, _ := strings.Cut(line, "\t")
		if what, summary, found := strings.Cut(rest, "\t"); found && what == refspec && len(flag) == 1 && (err == nil || flag == "!") {
			return flag + "\t" + summary, nil
		}
	}
	if err == nil {
		err = fmt.Errorf("pushing to %s: git did not say what became of the branch", escape.Quote(p.c.Server))
	}
	return "", p.failed(err)
}

// failed makes the error of a push.
func (p *push) failed(err error) error {
	err = gitrepo.AsTransportError(p.c.Server, err)
	if t, ok := errors.AsType[*gitrepo.TransportError](err); ok {
		t.Doing = "pushing to"
	}
	return err
}

// rejected finds out why: git's own words differ between versions and servers,
// so the branch is looked at again.
func (p *push) rejected(ctx context.Context, summary string) (Answer, error) {
	out := &gitexec.Limited{Max: gitrepo.MaxRefBytes, What: "list of refs"}
	if err := p.r.Access().Program.Run(ctx, p.call(out, "ls-remote", "--end-of-options", p.c.Server, p.ref)); err != nil {
		return Answer{}, p.failed(err)
	}
	var at digest.ObjectID
	for _, line := range out.Lines() {
		hex, name, _ := strings.Cut(line, "\t")
		if name != p.ref { // a pattern matches the end of a name, too (git-ls-remote(1))
			continue
		}
		var err error
		if at, err = digest.ParseObjectID(hex); err != nil {
			return Answer{}, &gitrepo.TransportError{URL: p.c.Server, Doing: "pushing to", Detail: "the list of refs holds a line that is not an id and a name"}
		}
	}
	switch at {
	case p.c.Commit:
		return Answer{Outcome: Unchanged}, nil
	case p.c.Old:
		return Answer{Outcome: Refused, Said: escape.Text(summary)}, nil
	}
	return Answer{Outcome: Moved, Ref: p.ref, At: at}, nil
}
