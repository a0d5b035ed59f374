// Package intake brings branches and tags of a server, with all that they lead to,
// into a local repository. A ref is made where there is none, and a branch is
// forwarded along first parents; what is here and is something else stays, and is
// said. No name, ref or configuration of the server's gets anywhere else.
package intake

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/gitrepo/gitexec"
	"github.com/countermark/countermark/internal/gitrepo/pack"
	"github.com/countermark/countermark/internal/gitrepo/refs"
	"github.com/countermark/countermark/internal/refusal"
)

// maxForward is how far back what a branch holds is looked for.
const maxForward = 10_000

// Outcome is what became of one ref. The zero value is none.
type Outcome uint8

// The outcomes.
const (
	Made      Outcome = iota + 1 // there was none here
	Forwarded                    // the branch here goes on as the server's does
	Same                         // it holds that already
	Ahead                        // the branch here goes on from the server's
	Apart                        // it holds something else here, which stays
)

// Arrival is one ref, and what became of it.
type Arrival struct {
	Ref     string // full name
	Outcome Outcome
	Here    digest.ObjectID // what the ref held before, zero if there was none
	There   digest.ObjectID // what the server has
}

// Fetch brings refs of a server, as refs.ListServer returned them, into a local
// repository, and returns what became of each. The error is that of refs.Update,
// a *gitrepo.TransportError, or a *refusal.Refusal: GIT_TYPE for a branch that
// holds no commit, or those of reading commits.
func Fetch(ctx context.Context, r *gitrepo.Repository, from refs.Server, wanted []refs.Ref) ([]Arrival, error) {
	here, err := held(ctx, r)
	if err != nil {
		return nil, err
	}
	arrivals := make([]Arrival, len(wanted))
	var lacking []digest.ObjectID
	for i, ref := range wanted {
		a := Arrival{Ref: ref.Name, Here: here[ref.Name], There: ref.ID}
		switch {
		case a.Here == a.There:
			a.Outcome = Same
		case !a.Here.IsZero() && isTag(ref.Name):
			a.Outcome = Apart
		case !slices.Contains(lacking, ref.ID):
			lacking = append(lacking, ref.ID)
		}
		arrivals[i] = a
	}
	if len(lacking) == 0 {
		return arrivals, nil
	}
	if err := receive(ctx, r, from, lacking); err != nil {
		return nil, err
	}
	for i := range arrivals {
		if arrivals[i].Outcome == 0 {
			if err := take(ctx, r, &arrivals[i]); err != nil {
				return nil, err
			}
		}
	}
	return arrivals, nil
}

func isTag(ref string) bool { return strings.HasPrefix(ref, gitobject.TagPrefix) }

// held returns what the refs of the repository hold.
func held(ctx context.Context, r *gitrepo.Repository) (map[string]digest.ObjectID, error) {
	all, err := refs.List(ctx, r, "refs")
	if err != nil {
		return nil, err
	}
	at := make(map[string]digest.ObjectID, len(all))
	for _, ref := range all {
		at[ref.Name] = ref.ID
	}
	return at, nil
}

// receive fetches objects by their ids and all that they lead to, as far as the
// refs here do not lead there, too.
func receive(ctx context.Context, r *gitrepo.Repository, from refs.Server, ids []digest.ObjectID) error {
	a := r.Access()
	dir, err := os.MkdirTemp(a.Temp, "intake-")
	if err != nil {
		return fmt.Errorf("making a temporary folder: %v", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // it lies in a folder that is removed, too
	if err := gitrepo.MakeBare(dir, r.Format()); err != nil {
		return err
	}
	if err := copyShallow(a.Common, dir); err != nil {
		return err
	}
	var lines strings.Builder
	for _, id := range ids {
		lines.WriteString(id.String() + "\n")
	}
	err = pack.Receive(r, func(into, store string) error {
		return a.Program.Run(ctx, gitexec.Call{
			// What the refs of the other repository lead to need not be sent.
			Args: []string{"-c", "fetch.negotiationAlgorithm=default", "fetch", "--progress", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head",
				"--no-auto-maintenance", "--stdin", "--end-of-options", from.Address},
			GitDir: dir, ObjectDir: into, Alternates: []string{store}, Durable: true, Stdin: strings.NewReader(lines.String()),
			Transport: &gitexec.Transport{Watch: into, Progress: from.Progress, Local: filepath.IsAbs(from.Address)},
		})
	})
	if err != nil {
		return gitrepo.AsTransportError(from.Address, err)
	}
	return nil
}

// copyShallow lets git know where the history of a shallow clone ends
// (gitrepository-layout(5), "shallow").
func copyShallow(common, dir string) error {
	content, err := os.ReadFile(filepath.Join(common, "shallow"))
	if os.IsNotExist(err) {
		return nil
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "shallow"), content, 0o600)
	}
	if err != nil {
		return fmt.Errorf("copying the end of a shallow history: %w", err)
	}
	return nil
}

// take makes or forwards one ref.
func take(ctx context.Context, r *gitrepo.Repository, a *Arrival) error {
	if err := check(ctx, r, a); err != nil {
		return err
	}
	if !a.Here.IsZero() {
		if Follows(ctx, r, a.Here, a.There) {
			a.Outcome = Ahead
			return nil
		}
		if !Follows(ctx, r, a.There, a.Here) {
			a.Outcome = Apart
			return nil
		}
	}
	answer, err := refs.Update(ctx, r, refs.Change{Ref: a.Ref, Old: a.Here, New: a.There})
	switch {
	case err != nil:
		return err
	case answer.Outcome == refs.Moved:
		a.Here, a.Outcome = answer.At, Apart
	case a.Here.IsZero():
		a.Outcome = Made
	default:
		a.Outcome = Forwarded
	}
	return nil
}

// check holds what a ref shall hold to what belongs there.
func check(ctx context.Context, r *gitrepo.Repository, a *Arrival) error {
	kind, _, err := r.Object(ctx, a.There)
	if err == nil && kind != digest.Commit && !(isTag(a.Ref) && kind == digest.Tag) {
		err = refusal.New(refusal.GitType, "the server's ref holds a %v, %v, where a commit was expected", kind, a.There).At(refusal.Unknown, a.Ref)
	}
	return err
}

// Follows reports whether one commit is among the first parents of another, or
// is it. A history that cannot be read on ends there.
func Follows(ctx context.Context, r *gitrepo.Repository, head, earlier digest.ObjectID) bool {
	for at, n := head, 0; n < maxForward; n++ {
		if at == earlier {
			return true
		}
		commit, err := r.Commit(ctx, at)
		if err != nil || len(commit.Parents) == 0 {
			return false
		}
		at = commit.Parents[0]
	}
	return false
}
