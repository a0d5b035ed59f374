// Package gathering gathers what vouches for a release from a local repository,
// for a bundle: the policies and statements of its ledger, the recipe, and the git
// objects that tie the statements to the signed tag.
package gathering

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/countermark/countermark/internal/builtcommit"
	"github.com/countermark/countermark/internal/bundle"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/dsse"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/gitobject/treewalk"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/gitrepo/ledger"
	"github.com/countermark/countermark/internal/gitrepo/objects"
	"github.com/countermark/countermark/internal/gitrepo/refs"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/signing"
	"github.com/countermark/countermark/internal/statement"
	"github.com/countermark/countermark/internal/trust"
)

// maxHistory is how many commits of a built branch are looked through for a
// release: a project of thirty years with a release a week has fewer.
const maxHistory = 2000

// recipeName is where the recipe lies in a source that has one.
const recipeName = "countermark.toml"

// Options say what to gather.
type Options struct {
	Repo    *gitrepo.Repository
	Version string
	Recipes [][]byte        // beside those of the source commits
	Extra   []dsse.Envelope // statements that are not in the ledger yet
}

// Gathered is what was found.
type Gathered struct {
	Bundle *bundle.Bundle
	Notes  []string // what is not as it should be, and stops nothing
}

// gatherer is one call of Gather.
type gatherer struct {
	Options
	*Gathered
	have map[digest.ObjectID]bool
}

// Gather gathers. What is missing is missing in the bundle, too: whoever judges
// says so. The error means that the repository could not be read.
func Gather(ctx context.Context, o Options) (*Gathered, error) {
	g := &gatherer{Options: o, Gathered: &Gathered{Bundle: &bundle.Bundle{}}, have: make(map[digest.ObjectID]bool)}
	for _, part := range []func(context.Context) error{g.policies, g.statements, g.objects} {
		if err := part(ctx); err != nil {
			return nil, err
		}
	}
	return g.Gathered, nil
}

func (g *gatherer) note(format string, args ...any) {
	g.Notes = append(g.Notes, fmt.Sprintf(format, args...))
}

func (g *gatherer) policies(ctx context.Context) error {
	chain, err := ledger.ReadPolicies(ctx, g.Repo)
	g.Bundle.Policies = chain.Links
	return err
}

// statements reads those on the version, each payload once.
func (g *gatherer) statements(ctx context.Context) error {
	contents, err := ledger.Read(ctx, g.Repo, g.Version)
	if err != nil {
		return err
	}
	for _, p := range contents.Problems {
		g.note("%s is no entry of the ledger: %s", escape.Text(p.Ref), escape.Sentence(p.Refusal.Detail))
	}
	for _, e := range contents.Entries {
		if err := signing.CheckForm(e.Envelope); err != nil { // anybody may have put it there
			g.note("%s is left out: %s", e.Place().Ref(), escape.Sentence(err.Error()))
			continue
		}
		g.Bundle.Statements = append(g.Bundle.Statements, e.Envelope)
	}
	g.Bundle.Statements = append(g.Bundle.Statements, g.Extra...)
	g.Bundle = bundle.Merge(g.Bundle)
	return nil
}

// objects adds what the statements speak of.
func (g *gatherer) objects(ctx context.Context) error {
	seen := make(map[digest.SHA256]bool)
	for _, e := range g.Bundle.Statements {
		s, err := statement.Parse(e.Payload)
		if err != nil {
			return err // it was read before
		}
		if d := s.ReleaseDigest(); !seen[d] {
			seen[d] = true
			if err := g.objectsOf(ctx, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// objectsOf adds the objects of one identity and outcome.
func (g *gatherer) objectsOf(ctx context.Context, s *statement.Statement) error {
	if s.Identity.Commit.ID.Format() != g.Repo.Format() {
		g.note("a statement speaks of objects of another format than this repository's")
		return nil
	}
	for _, o := range []struct {
		id   digest.ObjectID
		kind digest.ObjectType
	}{{s.Identity.Tag.ID, digest.Tag}, {s.Identity.Commit.ID, digest.Commit}} {
		if err := g.add(ctx, o.id, o.kind); err != nil {
			return err
		}
	}
	for _, root := range []digest.ObjectID{s.Identity.Tree.ID, s.Outcome.BuiltTree.ID} {
		if err := g.addTrees(ctx, root); err != nil {
			return err
		}
	}
	r, err := g.addRecipe(ctx, s)
	if err != nil {
		return err
	}
	return g.addBuilt(ctx, s, r)
}

// add adds one object, if it is there.
func (g *gatherer) add(ctx context.Context, id digest.ObjectID, kind digest.ObjectType) error {
	if id.IsZero() || g.have[id] {
		return nil
	}
	return g.Repo.Access().Reader.Read(ctx, []digest.ObjectID{id}, func(_ int, o objects.Object) error {
		if o.Type == kind {
			g.keep(id, o)
		}
		return nil
	})
}

func (g *gatherer) keep(id digest.ObjectID, o objects.Object) {
	if !g.have[id] {
		g.have[id] = true
		g.Bundle.Objects = append(g.Bundle.Objects, bundle.Object{Type: o.Type, ID: id, Data: append([]byte{}, o.Content...)})
	}
}

// addTrees adds a tree and all below it, as far as they are there.
func (g *gatherer) addTrees(ctx context.Context, root digest.ObjectID) error {
	walk := treewalk.New(root)
	for {
		level, err := walk.Next()
		if err != nil || len(level) == 0 {
			return err
		}
		err = g.Repo.Access().Reader.Read(ctx, level, func(i int, o objects.Object) error {
			if o.Type != digest.Tree {
				return nil
			}
			g.keep(level[i], o)
			entries, err := gitobject.ParseTree(g.Repo.Format(), o.Content)
			if err != nil {
				return objects.InObject(err, level[i])
			}
			return walk.Add(level[i], entries)
		})
		if err != nil {
			return err
		}
	}
}

// addRecipe adds the recipe that a statement names, and returns it; nil if it is
// not at hand, or cannot be read.
func (g *gatherer) addRecipe(ctx context.Context, s *statement.Statement) (*recipe.Recipe, error) {
	candidates := g.Recipes
	t, err := g.Repo.Tree(ctx, s.Identity.Tree.ID)
	if err == nil {
		if e := t.Lookup(recipeName); e != nil {
			_, err := g.Repo.Blobs(ctx, []digest.ObjectID{e.IDs.In(g.Repo.Format())}, func(_ digest.ObjectID, content []byte) error {
				candidates = append(candidates, append([]byte{}, content...))
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
	}
	for _, data := range candidates {
		if sha256.Sum256(data) == s.Identity.Recipe {
			g.Bundle = bundle.Merge(g.Bundle, &bundle.Bundle{Recipes: [][]byte{data}})
			r, _ := recipe.Parse(data) // one that cannot be read names no branch
			return r, nil
		}
	}
	g.note("the recipe %v is not at hand; --recipe names its file", s.Identity.Recipe)
	return nil, nil
}

// addBuilt adds the built commit, as it is signed where it lies, and what blesses it.
func (g *gatherer) addBuilt(ctx context.Context, s *statement.Statement, r *recipe.Recipe) error {
	heads, err := g.heads(ctx, s, r)
	if err != nil {
		return err
	}
	for _, head := range append(heads, s.Outcome.Commit.ID) {
		if err := g.follow(ctx, head, s.Outcome.Commit.ID); err != nil {
			return err
		}
	}
	return nil
}

// heads returns where a built commit of the version may lie.
func (g *gatherer) heads(ctx context.Context, s *statement.Statement, r *recipe.Recipe) ([]digest.ObjectID, error) {
	kept, err := ledger.CandidateRef(s.Identity.Version)
	if err != nil {
		return nil, err
	}
	names := []string{kept, refs.CandidatePrefix + s.Identity.Version}
	if r != nil {
		version, err := recipe.ParseVersion(s.Identity.Version)
		if err != nil {
			return nil, err
		}
		if branch, err := r.BranchOf(version); err == nil {
			names = append(names, branch)
		}
	}
	var heads []digest.ObjectID
	for _, name := range names {
		id, err := refs.Read(ctx, g.Repo, name)
		if err != nil {
			return nil, err
		}
		if !id.IsZero() {
			heads = append(heads, id)
		}
	}
	return heads, nil
}

// follow looks through the first parents of a head for the built commit, and adds
// it with the blessing that follows it, if there is one. Where the history ends is
// no matter: whoever judges says what is missing.
func (g *gatherer) follow(ctx context.Context, head, unsigned digest.ObjectID) error {
	var child bundle.Object
	for at, n := head, 0; n < maxHistory && !at.IsZero(); n++ {
		o, parent, found := g.look(ctx, at, unsigned)
		if found {
			g.keep(at, objects.Object{Type: digest.Commit, Content: o.Data})
			if _, err := builtcommit.ParseBlessing(g.Repo.Format(), child.Data); err == nil {
				g.keep(child.ID, objects.Object{Type: digest.Commit, Content: child.Data})
			}
			break
		}
		child, at = o, parent
	}
	return ctx.Err()
}

// look reads one commit, and says whether it is the one of the unsigned id. Of one
// that cannot be read there is no parent.
func (g *gatherer) look(ctx context.Context, id, unsigned digest.ObjectID) (o bundle.Object, parent digest.ObjectID, found bool) {
	kind, raw, err := g.Repo.Object(ctx, id)
	if err != nil || kind != digest.Commit {
		return o, parent, false
	}
	o = bundle.Object{Type: kind, ID: id, Data: append([]byte{}, raw...)}
	bare, err := gitobject.Unsigned(g.Repo.Format(), o.Data)
	if err != nil {
		return o, parent, false
	}
	if got, err := digest.HashObject(g.Repo.Format(), digest.Commit, bare); err == nil && got == unsigned {
		return o, parent, true
	}
	if commit, err := gitobject.ParseCommit(g.Repo.Format(), o.Data); err == nil && len(commit.Parents) > 0 {
		parent = commit.Parents[0]
	}
	return o, parent, false
}

// ReadRecipe reads the recipe's file, if one is named, for Options.Recipes.
func ReadRecipe(file string) ([][]byte, error) {
	if file == "" {
		return nil, nil
	}
	data, err := trust.ReadFile(file, bundle.MaxRecipeBytes)
	return [][]byte{data}, err
}
