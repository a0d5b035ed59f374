package exchanging

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"

	"github.com/countermark/countermark/internal/blessing"
	"github.com/countermark/countermark/internal/builtcommit"
	"github.com/countermark/countermark/internal/bundle"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/gitrepo/ledger"
	"github.com/countermark/countermark/internal/gitrepo/refs"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/refusal"
)

// recipeName is where the recipe lies in a source that has one.
const recipeName = "countermark.toml"

// matter is one source of one version, of which candidates or statements speak.
type matter struct {
	Version string
	Tag     string // full name of the source tag's ref
	Commit  digest.ObjectID
	Recipe  digest.SHA256
}

// matters returns of which sources the candidates and statements here speak.
func (x *exchange) matters(ctx context.Context) ([]matter, error) {
	var all []matter
	contents, err := ledger.Read(ctx, x.repo, x.Version)
	if err != nil {
		return nil, err
	}
	for _, e := range contents.Entries {
		if i := e.Statement.Identity; i.Commit.ID.Format() == x.repo.Format() {
			all = append(all, matter{i.Version, i.TagRef, i.Commit.ID, i.Recipe})
		}
	}
	candidates, err := x.candidates(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range candidates {
		kind, raw, err := x.repo.Object(ctx, c.ID)
		if err != nil || kind != digest.Commit {
			continue // whoever blesses is told
		}
		if b, err := builtcommit.Parse(x.repo.Format(), raw); err == nil {
			all = append(all, matter{string(b.Version), b.Source.Tag, b.Source.Commit, b.Recipe})
		}
	}
	slices.SortFunc(all, matter.compare)
	return slices.Compact(all), nil
}

func (m matter) compare(n matter) int {
	for _, pair := range [][2]string{{m.Version, n.Version}, {m.Tag, n.Tag}, {m.Commit.String(), n.Commit.String()}, {m.Recipe.String(), n.Recipe.String()}} {
		if pair[0] != pair[1] {
			if pair[0] < pair[1] {
				return -1
			}
			return 1
		}
	}
	return 0
}

// candidatePrefixes begin the names of the refs of what was built and waits to be
// blessed.
func candidatePrefixes() []string { return []string{refs.CandidatePrefix, ledger.CandidatePrefix} }

// isCandidate reports whether a ref is a candidate's that this exchange is about.
func (x *exchange) isCandidate(name string) bool {
	for _, prefix := range candidatePrefixes() {
		if len(name) <= len(prefix) || name[:len(prefix)] != prefix {
			continue
		}
		version := name[len(prefix):]
		_, err := recipe.ParseVersion(version)
		return err == nil && (x.Version == "" || x.Version == version)
	}
	return false
}

// candidates returns those that are here.
func (x *exchange) candidates(ctx context.Context) ([]refs.Ref, error) {
	var all []refs.Ref
	for _, prefix := range candidatePrefixes() {
		found, err := refs.List(ctx, x.repo, prefix[:len(prefix)-1])
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return slices.DeleteFunc(all, func(r refs.Ref) bool { return !x.isCandidate(r.Name) }), nil
}

// named are the names of the refs that belong to what is spoken of.
type named struct {
	branches []string // built branches
	tags     []string // source tags, and those that bless
}

// names returns them. A branch whose recipe is not at hand has no name.
func (x *exchange) names(ctx context.Context) (named, error) {
	var n named
	all, err := x.matters(ctx)
	if err != nil {
		return n, err
	}
	for _, m := range all {
		if gitobject.CheckRefName(m.Tag) == nil {
			n.tags = append(n.tags, m.Tag, m.Tag+blessing.TagSuffix)
		}
		r, err := x.recipeOf(ctx, m)
		if err != nil {
			return n, err
		}
		version, err := recipe.ParseVersion(m.Version)
		if r == nil || err != nil {
			continue
		}
		if branch, err := r.BranchOf(version); err == nil {
			n.branches = append(n.branches, branch)
		}
	}
	for _, list := range []*[]string{&n.branches, &n.tags} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return n, nil
}

// recipeOf returns the recipe of a source: the one that was given, or else that
// which lies in the source, nil if neither is the one that is spoken of.
func (x *exchange) recipeOf(ctx context.Context, m matter) (*recipe.Recipe, error) {
	if x.recipe != nil && x.recipe.Digest == m.Recipe {
		return x.recipe, nil
	}
	commit, err := x.repo.Commit(ctx, m.Commit)
	if err != nil {
		return nil, unlessMissing(err)
	}
	entries, err := x.repo.TreeObject(ctx, commit.Tree)
	if err != nil {
		return nil, unlessMissing(err)
	}
	i := slices.IndexFunc(entries, func(e gitobject.TreeEntry) bool { return e.Name == recipeName })
	if i < 0 {
		return nil, nil
	}
	var found *recipe.Recipe
	err = x.repo.SmallBlobs(ctx, []digest.ObjectID{entries[i].ID}, bundle.MaxRecipeBytes, func(_ digest.ObjectID, content []byte) error {
		if sha256.Sum256(content) == m.Recipe {
			found, _ = recipe.Parse(content) // one that cannot be read names no branch
		}
		return nil
	})
	return found, unlessMissing(err)
}

// unlessMissing drops the error of an object that is not here: it may arrive.
func unlessMissing(err error) error {
	if r, ok := errors.AsType[*refusal.Refusal](err); ok && (r.Rule == refusal.GitMissing || r.Rule == refusal.GitType) {
		return nil
	}
	return err
}

// look lists the refs of a server that this exchange may be about.
func (x *exchange) look(ctx context.Context) (map[string]digest.ObjectID, error) {
	listed, err := refs.ListServer(ctx, x.repo, x.server, refs.BranchPrefix, gitobject.TagPrefix, ledger.CandidatePrefix)
	if err != nil {
		return nil, err
	}
	at := make(map[string]digest.ObjectID, len(listed))
	for _, r := range listed {
		if r.ID.Format() != x.repo.Format() {
			return nil, refusal.New(refusal.GitFormat, "the server's repository has %v ids, the one here %v ids", r.ID.Format(), x.repo.Format())
		}
		at[r.Name] = r.ID
	}
	return at, nil
}
