package refs

import (
	"context"
	"errors"

	"github.com/countermark/countermark/internal/builtcommit"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/refusal"
)

// BuiltHead is the head of a built branch.
type BuiltHead struct {
	ID    digest.ObjectID     // first parent of the next built commit; zero if the branch does not exist
	Built *builtcommit.Commit // the built commit that it is, or blesses; nil if the branch does not exist
}

// ReadBuilt returns the head of a built branch of a local repository: a built
// commit, or a blessing of one. The error is a *refusal.Refusal: those of Read,
// of reading commits, GIT_BUILT or GIT_PARENT if the branch holds anything else.
func ReadBuilt(ctx context.Context, r *gitrepo.Repository, branch string) (BuiltHead, error) {
	id, err := Read(ctx, r, branch)
	if err != nil || id.IsZero() {
		return BuiltHead{}, err
	}
	return readBuilt(ctx, r, branch, id)
}

// maxReleases is how many releases of a branch are looked through: one a week, for
// twenty years.
const maxReleases = 1000

// Release is one release of a built branch.
type Release struct {
	Branch  string // full name
	Version recipe.Version
	Source  builtcommit.Source
}

// ReadBefore returns what a built commit of a release follows:
// the head of the built branch, or, if the branch holds this very release already,
// what that follows. The error is that of ReadBuilt.
func ReadBefore(ctx context.Context, r *gitrepo.Repository, of Release) (BuiltHead, error) {
	head, err := ReadBuilt(ctx, r, of.Branch)
	at := head
	for n := 0; err == nil && at.Built != nil && n < maxReleases; n++ {
		_, root, rootErr := builtcommit.Root(r.Format())
		if rootErr != nil {
			return BuiltHead{}, rootErr
		}
		found := at.Built.Version == of.Version && at.Built.Source == of.Source
		if at.Built.Previous == root {
			if found {
				return BuiltHead{}, nil
			}
			break
		}
		if at, err = readBuilt(ctx, r, of.Branch, at.Built.Previous); found && err == nil {
			return at, nil
		}
	}
	return head, err
}

// readBuilt reads a built commit, or a blessing of one, on a branch.
func readBuilt(ctx context.Context, r *gitrepo.Repository, branch string, id digest.ObjectID) (BuiltHead, error) {
	raw, err := commit(ctx, r, id)
	if err != nil {
		return BuiltHead{}, err
	}
	built, err := builtcommit.Parse(r.Format(), raw)
	if err == nil {
		return BuiltHead{id, built}, nil
	}
	blessing, otherErr := builtcommit.ParseBlessing(r.Format(), raw)
	if otherErr != nil {
		return BuiltHead{}, unfit(branch, id, err)
	}
	if raw, err = commit(ctx, r, blessing.Built); err != nil {
		return BuiltHead{}, err
	}
	built, err = builtcommit.Parse(r.Format(), raw)
	if err == nil && built.Tree != blessing.Tree {
		err = refusal.New(refusal.GitBuilt, "the blessing has another tree than the built commit %v", blessing.Built)
	}
	if err != nil {
		return BuiltHead{}, unfit(branch, id, err)
	}
	return BuiltHead{id, built}, nil
}

func commit(ctx context.Context, r *gitrepo.Repository, id digest.ObjectID) ([]byte, error) {
	kind, raw, err := r.Object(ctx, id)
	if err == nil && kind != digest.Commit {
		err = refusal.New(refusal.GitType, "the object is a %v where a commit was expected", kind).At(refusal.Unknown, id.String())
	}
	return raw, err
}

// unfit says what to do about a branch that holds something else.
func unfit(branch string, id digest.ObjectID, err error) error {
	if r, ok := errors.AsType[*refusal.Refusal](err); ok {
		return refusal.New(r.Rule, "the branch holds %v, upon which no release is built: %s; give the built branch another name, or remove that one", id, r.Detail).At(refusal.Unknown, branch)
	}
	return err
}
