package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/entry"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/gitrepo/gitexec"
	"github.com/countermark/countermark/internal/gitrepo/objects"
	"github.com/countermark/countermark/internal/gitrepo/pack"
	"github.com/countermark/countermark/internal/gitrepo/refs"
	"github.com/countermark/countermark/internal/refusal"
)

// Fetched is what a fetch has brought.
type Fetched struct {
	Entries  int       // statements that were not here yet
	Policies int       // versions of the policy that were not here yet
	Problems []Problem // what the server has that does not count, and what it has lost: LEDGER_LOST
}

// Fetch brings what a server's ledger has, and the local one has not, into a
// local repository. Nothing is dropped, replaced or rewound there, whatever the
// server has; what is no entry is left at the server, and reported. So is what
// the server was seen to have, at an earlier fetch or push, and has no more. The
// error is that of refs.ListServer, a *gitrepo.TransportError, or GIT_LIMIT.
func Fetch(ctx context.Context, r *gitrepo.Repository, from refs.Server) (Fetched, error) {
	v, err := look(ctx, r, from)
	if err != nil {
		return Fetched{}, err
	}
	before, _, err := readSeen(ctx, r, from.Address)
	if err != nil {
		return Fetched{}, err
	}
	t, err := newTransfer(r, from)
	if err != nil {
		return Fetched{}, err
	}
	defer t.close()
	t.got.Problems = append(v.problems, v.lost(before)...)
	if err := t.entries(ctx, v); err != nil {
		return Fetched{}, err
	}
	if err := t.policies(ctx, v.policy, before[PolicyRef]); err != nil {
		return Fetched{}, err
	}
	for name := range t.now {
		if name != PolicyRef && !before[name].IsZero() {
			delete(t.now, name) // what was seen first counts
		}
	}
	return t.got, remember(ctx, r, from.Address, t.now)
}

// Served is what a server's ledger has.
type Served struct {
	Contents
	Policies Chain // empty if it has none, or if what it has is a Problem
}

// ReadServer reads a server's ledger, the statements of one version or of all if
// it is "", and leaves no trace here. r is any open repository of the same object
// format. Without a memory of what the server had, no deletion is noticed. The
// error is that of Fetch.
func ReadServer(ctx context.Context, r *gitrepo.Repository, from refs.Server, version string) (Served, error) {
	v, err := look(ctx, r, from)
	if err != nil {
		return Served{}, err
	}
	t, err := newTransfer(r, from)
	if err != nil {
		return Served{}, err
	}
	defer t.close()
	var wanted []refs.Ref
	var ids []digest.ObjectID
	for _, ref := range v.entries {
		if version == "" || strings.HasPrefix(ref.Name, entry.RefPrefix+version+"/") {
			wanted, ids = append(wanted, ref), append(ids, ref.ID)
		}
	}
	var s Served
	if len(ids) > 0 {
		if err := t.fetch(ctx, ids, "--depth=1"); err != nil {
			return Served{}, err
		}
		if s.Contents, err = collect(ctx, t.reader, wanted); err != nil {
			return Served{}, err
		}
	}
	s.Problems = append(v.problems, s.Problems...)
	if v.policy.IsZero() {
		return s, nil
	}
	if err := t.fetch(ctx, []digest.ObjectID{v.policy}); err != nil {
		return Served{}, err
	}
	if s.Policies, err = readChain(ctx, t.reader, v.policy); err != nil {
		s.Problems = append(s.Problems, problem(PolicyRef, err))
	}
	return s, nil
}

// transfer is a fetch under way: what arrives lies in a repository of its own,
// and gets into the other when it was looked at.
type transfer struct {
	r      *gitrepo.Repository
	from   refs.Server
	dir    string
	reader *objects.Reader
	got    Fetched
	now    seen // what the server has and is here, too
}

// newTransfer makes an empty bare repository (gitrepository-layout(5)) like our
// own one, whose configuration git may change while it fetches.
func newTransfer(r *gitrepo.Repository, from refs.Server) (*transfer, error) {
	a := r.Access()
	dir, err := os.MkdirTemp(a.Temp, "ledger-")
	if err != nil {
		return nil, fmt.Errorf("making a temporary folder: %v", err)
	}
	t := &transfer{r: r, from: from, dir: dir, now: seen{}}
	for _, name := range []string{"refs", "objects/pack", "objects/info"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.FromSlash(name)), 0o700); err != nil {
			return nil, fmt.Errorf("making an empty repository: %v", err)
		}
	}
	for _, name := range []string{"HEAD", "config"} {
		content, err := os.ReadFile(filepath.Join(a.Reader.GitDir, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), content, 0o600)
		}
		if err != nil {
			return nil, fmt.Errorf("making an empty repository: %v", err)
		}
	}
	t.reader = &objects.Reader{Program: a.Program, GitDir: a.Reader.GitDir, Alternates: []string{filepath.Join(dir, "objects")}, Format: r.Format()}
	return t, nil
}

func (t *transfer) close() {
	t.reader.Close()
	_ = os.RemoveAll(t.dir) // it lies in a folder that is removed, too
}

// fetch fetches objects by their ids, so that no name of the server's becomes
// anything here.
func (t *transfer) fetch(ctx context.Context, ids []digest.ObjectID, options ...string) error {
	var lines strings.Builder
	for _, id := range ids {
		lines.WriteString(id.String() + "\n")
	}
	program := *t.r.Access().Program
	program.Limits.FetchBytes = min(program.Limits.FetchBytes, MaxTotalBytes)
	args := append([]string{"fetch", "--progress", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--no-auto-maintenance", "--stdin"}, options...)
	err := program.Run(ctx, gitexec.Call{
		Args: append(args, "--end-of-options", t.from.Address), GitDir: t.dir, Stdin: strings.NewReader(lines.String()),
		Transport: &gitexec.Transport{Watch: filepath.Join(t.dir, "objects"), Progress: t.from.Progress, Local: filepath.IsAbs(t.from.Address)},
	})
	t.reader.Close() // it may have looked before there was anything
	if err != nil {
		return gitrepo.AsTransportError(t.from.Address, err)
	}
	return nil
}

// entries brings what is not here.
func (t *transfer) entries(ctx context.Context, v view) error {
	local, err := refs.List(ctx, t.r, strings.TrimSuffix(entry.RefPrefix, "/"))
	if err != nil {
		return err
	}
	here := held(local)
	var lacking []refs.Ref
	var ids []digest.ObjectID
	for _, ref := range v.entries {
		if _, err := entry.ParseRef(ref.Name); err != nil {
			t.got.Problems = append(t.got.Problems, problem(ref.Name, err))
			continue
		}
		switch id := here[ref.Name]; {
		case id == ref.ID:
			t.now[ref.Name] = ref.ID
		case id.IsZero():
			lacking, ids = append(lacking, ref), append(ids, ref.ID)
		default:
			t.got.Problems = append(t.got.Problems, Problem{ref.Name, refusal.New(refusal.LedgerName, "the server has %v under this name, which belongs to %v, as it is here", ref.ID, id)})
		}
	}
	if len(ids) == 0 {
		return nil
	}
	if err := t.fetch(ctx, ids, "--depth=1"); err != nil {
		return err
	}
	c, err := collect(ctx, t.reader, lacking)
	if err != nil {
		return err
	}
	t.got.Problems = append(t.got.Problems, c.Problems...)
	if t.got.Entries, err = Append(ctx, t.r, c.Entries...); err != nil {
		return err
	}
	at := held(lacking)
	for _, e := range c.Entries {
		t.now[e.Place().Ref()] = at[e.Place().Ref()]
	}
	return nil
}

// policies brings the versions of the policy that go on from the newest here.
func (t *transfer) policies(ctx context.Context, head, before digest.ObjectID) error {
	local, err := ReadPolicies(ctx, t.r)
	if err != nil {
		return err
	}
	add := func(rule refusal.Rule, format string, args ...any) error {
		t.got.Problems = append(t.got.Problems, Problem{PolicyRef, refusal.New(rule, format, args...)})
		return nil
	}
	switch behind := local.after(head); {
	case head.IsZero() && before.IsZero():
		return nil
	case head.IsZero():
		return add(refusal.LedgerLost, "the server had policies and has none any more: somebody has deleted the ref there; what is here stays, and pushing brings it back")
	case behind >= 0 && local.after(before) < behind && !before.IsZero():
		return add(refusal.LedgerLost, "the server had %v and now has %v, which is older: somebody has rewound the chain of policies there; what is here stays", before, head)
	case behind >= 0:
		t.now[PolicyRef] = head
		return nil
	}
	if err := t.fetch(ctx, []digest.ObjectID{head}); err != nil {
		return err
	}
	theirs, err := readChain(ctx, t.reader, head)
	if err != nil {
		t.got.Problems = append(t.got.Problems, problem(PolicyRef, err))
		return nil
	}
	fresh := theirs.after(local.Head())
	switch {
	case fresh >= 0:
	case theirs.after(before) < 0:
		return add(refusal.LedgerLost, "the server had %v and now has %v, which does not follow from it: somebody has replaced the chain of policies there; what is here stays", before, head)
	default:
		return add(refusal.LedgerChain, "the server's chain of policies, %v, does not go on from the one here, %v, nor that from it: of one project there is only one; if the root of its policies shows that it is not the one here, delete the ref %s here, and fetch again", head, local.Head(), PolicyRef)
	}
	if err := t.append(ctx, local.Head(), theirs, fresh); err != nil {
		return err
	}
	t.got.Policies, t.now[PolicyRef] = fresh, head
	return nil
}

// append adds the last policies of a chain to the one that ends with old.
func (t *transfer) append(ctx context.Context, old digest.ObjectID, theirs Chain, fresh int) error {
	var written []pack.Object
	for i := len(theirs.Links) - fresh; i < len(theirs.Links); i++ {
		var parent digest.ObjectID
		if i > 0 {
			parent = theirs.commits[i-1]
		}
		made, err := encodeLink(t.r.Format(), theirs.Links[i], parent)
		if err != nil {
			return err
		}
		written = append(written, made.objects...)
	}
	if _, err := pack.Add(ctx, t.r, written); err != nil {
		return err
	}
	answer, err := refs.Update(ctx, t.r, refs.Change{Ref: PolicyRef, Old: old, New: theirs.Head()})
	if err == nil && answer.Outcome == refs.Moved {
		err = errors.New("the chain of policies was changed while it was fetched; try again")
	}
	return err
}
