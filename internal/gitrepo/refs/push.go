package refs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/gitrepo/gitexec"
	"github.com/countermark/countermark/internal/gitrepo/location"
	"github.com/countermark/countermark/internal/refusal"
)

// CandidatePrefix begins the full names of candidates' branches; the version
// follows.
const CandidatePrefix = BranchPrefix + "candidates/"

// Candidate is a commit to be pushed to a branch of its own.
type Candidate struct {
	Server   string            // as in Pushing
	Version  string            // of the release; the branch is CandidatePrefix and this
	Commit   digest.ObjectID   // which is there with all that it leads to, as far as the server lacks it
	Old      digest.ObjectID   // what the branch must hold; zero if it must not exist
	Progress func(line string) // as in Pushing
}

// Push pushes a candidate, as PushAll does.
func Push(ctx context.Context, r *gitrepo.Repository, c Candidate) (Answer, error) {
	return PushAll(ctx, r, Pushing{Server: c.Server, Changes: []Change{{CandidatePrefix + c.Version, c.Old, c.Commit}}, Progress: c.Progress})
}

// Pushing is what shall become of refs of a server: all of it, or nothing.
type Pushing struct {
	Server   string            // address as gitrepo.CheckURL accepts it, or the absolute path of a repository on this machine
	Changes  []Change          // 1 to MaxChanges; what they name is there with all that it leads to, as far as the server lacks it
	Progress func(line string) // is given what git says while it works, escaped; may be nil
}

// MaxChanges is how many refs one push may change: their names and ids are
// arguments of git, for all of which Windows has 32,767 characters.
const MaxChanges = 64

// PushAll pushes: with --atomic and a lease on each Old, without "+", hooks off
// on this side. Branches but candidates' are only ever forwarded: what they hold
// must be among the first parents of what they shall hold. Doing it twice does no
// harm. Where a server hides some of the refs from pushes (receive.hideRefs), it
// refuses them and nevertheless takes the others (receive-pack.c,
// reject_updates_to_hidden): push first what the rest is worthless without.
// A server that cannot be reached, or hangs up, is a
// *gitrepo.TransportError; the other errors are a *refusal.Refusal (GIT_REFNAME,
// GIT_PROTOCOL, GIT_FORMAT, GIT_PARENT, GIT_LIMIT) or git's.
func PushAll(ctx context.Context, r *gitrepo.Repository, p Pushing) (Answer, error) {
	s := &server{r: r, address: p.Server, local: filepath.IsAbs(p.Server), progress: p.Progress}
	if err := s.check(ctx, p.Changes); err != nil {
		return Answer{}, err
	}
	said, err := s.push(ctx, p.Changes)
	if err != nil {
		return Answer{}, err
	}
	answer, rejected := Answer{Outcome: Unchanged}, ""
	for _, line := range said {
		switch flag, summary, _ := strings.Cut(line, "\t"); flag {
		case "=":
		case "*", " ", "+": // with a lease git says "+" of what is no fast forward, however the refspec was written
			answer.Outcome = Changed
		default:
			// Of the refs that could have been changed it says the second (send-pack.c, transport.c).
			if rejected == "" || strings.Contains(rejected, "atomic push fail") {
				rejected = cmp.Or(summary, "git gave no reason")
			}
		}
	}
	if rejected != "" {
		return s.rejected(ctx, p.Changes, rejected)
	}
	return answer, nil
}

// server is the other side of a push.
type server struct {
	r        *gitrepo.Repository
	address  string
	local    bool
	progress func(line string)
}

func (s *server) check(ctx context.Context, changes []Change) error {
	if !s.local {
		if err := gitrepo.CheckURL(s.address); err != nil {
			return err
		}
	} else if common, err := location.Locate(s.address); err == nil { // else git says what is wrong
		if err := refuseHooks(ctx, s.r.Access(), common); err != nil {
			return err
		}
	}
	if len(changes) == 0 || len(changes) > MaxChanges {
		return refusal.New(refusal.GitLimit, "a push of %d refs, from 1 to %d are possible", len(changes), MaxChanges)
	}
	for _, c := range changes {
		if err := check(s.r, c); err != nil {
			return err
		}
		if strings.HasPrefix(c.Ref, BranchPrefix) && !strings.HasPrefix(c.Ref, CandidatePrefix) {
			if err := forwards(ctx, s.r, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxForward is how far back what a branch holds is looked for.
const maxForward = 10_000

// forwards refuses a change that would take anything out of a branch.
func forwards(ctx context.Context, r *gitrepo.Repository, c Change) error {
	if c.Old.IsZero() {
		return nil
	}
	id := c.New
	for range maxForward {
		if id == c.Old {
			return nil
		}
		commit, err := r.Commit(ctx, id)
		if err != nil {
			return err
		}
		if len(commit.Parents) == 0 {
			break
		}
		id = commit.Parents[0]
	}
	return refusal.New(refusal.GitParent, "what the branch holds, %v, is not among the first parents of %v: the branch would not be forwarded", c.Old, c.New).At(refusal.Unknown, c.Ref)
}

// call prepares a call in our own repository, which reads the objects of the
// other: no configuration of that is seen.
func (s *server) call(out *gitexec.Limited, args ...string) gitexec.Call {
	a := s.r.Access()
	return gitexec.Call{
		Args: args, GitDir: a.Reader.GitDir, Alternates: a.Reader.Alternates, Stdout: out,
		Transport: &gitexec.Transport{Progress: s.progress, Local: s.local},
	}
}

// maxAnswerBytes bounds what git prints of one ref: its name, two ids, a reason.
const maxAnswerBytes = 64 << 10

// push pushes, and returns what git says of each ref: its flag, a tab, the
// summary with the reason (git-push(1), "OUTPUT", with --porcelain).
func (s *server) push(ctx context.Context, changes []Change) ([]string, error) {
	args := []string{
		"push", "--porcelain", "--progress", "--atomic", "--no-verify", "--no-follow-tags", "--no-signed", "--recurse-submodules=no",
	}
	if s.local {
		args = append(args, "--receive-pack="+receivePack)
	}
	specs := make([]string, len(changes))
	for i, c := range changes {
		args = append(args, "--force-with-lease="+c.Ref+":"+c.Old.String())
		specs[i] = c.New.String() + ":" + c.Ref
	}
	out := &gitexec.Limited{Max: maxAnswerBytes * len(changes), What: "answer to a push"}
	args = append(append(args, "--end-of-options", s.address), specs...)
	err := s.r.Access().Program.Run(ctx, s.call(out, args...))
	said := make(map[string]string)
	for _, line := range out.Lines() {
		flag, rest, _ := strings.Cut(line, "\t")
		what, summary, found := strings.Cut(rest, "\t")
		if found && len(flag) == 1 {
			said[what] = flag + "\t" + summary
		}
	}
	answers, rejected := make([]string, len(specs)), false
	for i, spec := range specs {
		answers[i] = said[spec]
		rejected = rejected || strings.HasPrefix(answers[i], "!")
		if answers[i] == "" && err == nil {
			err = fmt.Errorf("pushing to %s: git did not say what became of %s", escape.Quote(s.address), changes[i].Ref)
		}
	}
	if err != nil && !rejected {
		return nil, s.failed(err)
	}
	return answers, nil
}

// failed makes the error of a push.
func (s *server) failed(err error) error {
	err = gitrepo.AsTransportError(s.address, err)
	if t, ok := errors.AsType[*gitrepo.TransportError](err); ok {
		t.Doing = "pushing to"
	}
	return err
}

// rejected finds out why: git's own words differ between versions and servers,
// so the refs are looked at again.
func (s *server) rejected(ctx context.Context, changes []Change, summary string) (Answer, error) {
	names := make([]string, len(changes))
	for i, c := range changes {
		names[i] = c.Ref
	}
	refs, err := s.list(ctx, names)
	if err != nil {
		return Answer{}, s.failed(err)
	}
	at := make(map[string]digest.ObjectID)
	for _, ref := range refs {
		at[ref.Name] = ref.ID
	}
	done := 0
	for _, c := range changes {
		switch id := at[c.Ref]; id {
		case c.New:
			done++
		case c.Old:
		default:
			return Answer{Outcome: Moved, Ref: c.Ref, At: id}, nil
		}
	}
	if done == len(changes) {
		return Answer{Outcome: Unchanged}, nil
	}
	return Answer{Outcome: Refused, Said: escape.Text(summary)}, nil
}
