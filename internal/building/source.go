package building

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/tree"
)

// source is what is built.
type source struct {
	gitrepo.Resolved
	ref        string
	tag        gitrepo.Ref
	laid       tree.Tree // files, with sizes and all ids
	tree       tree.Tree // of the commit
	files      tree.Tree // without submodules, or with their files
	submodules []submodule
}

// submodule is one whose files are laid out with the source's.
type submodule struct {
	repo *gitrepo.Repository
	at   tree.Path
	id   digest.ObjectID
}

// openSource finds tag, commit, tree and recipe.
func (b *build) openSource(ctx context.Context) error {
	if err := b.openRepository(ctx); err != nil {
		return err
	}
	if err := b.resolve(ctx); err != nil {
		return err
	}
	if err := b.readRecipe(ctx); err != nil {
		return err
	}
	if err := b.checkTag(); err != nil {
		return err
	}
	return b.resolveSubmodules(ctx)
}

func (b *build) openRepository(ctx context.Context) error {
	var err error
	if b.git, err = gitrepo.Find(ctx); err != nil {
		return &report.Failure{Code: report.Usage, Detail: err.Error(), Hint: "install git 2.39 or newer"}
	}
	path := b.o.Repository
	if path == "" {
		here, err := os.Getwd()
		if err != nil {
			return fmt.Errorf("looking for a repository: %w", err)
		}
		if path, err = gitrepo.Discover(here); err != nil {
			return report.UsageFailure("stand in a clone of the project, or name one with --repo", "there is no git repository here")
		}
	}
	if gitrepo.IsRemote(path) {
		return report.UsageFailure("clone it first: the built commit is written into the repository", "--repo takes a local repository, not %q", path)
	}
	b.path = path
	b.repo, err = b.git.OpenLocal(ctx, path)
	if errors.Is(err, gitrepo.ErrNoRepository) {
		return report.UsageFailure("--repo takes the path of a clone or bare repository", "%v", err)
	}
	return err
}

// resolve follows the tag to its commit, and reads that commit's tree.
func (b *build) resolve(ctx context.Context) error {
	b.source.ref = gitobject.TagPrefix + strings.TrimPrefix(b.o.Tag, gitobject.TagPrefix)
	if err := gitobject.CheckRefName(b.source.ref); err != nil {
		return err
	}
	tags, _, err := b.repo.Tags(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(tags, func(t gitrepo.Ref) bool { return t.Name == b.source.ref })
	if i < 0 {
		return report.UsageFailure("git tag --list shows the tags; git fetch --tags gets those of the server", "the repository has no %s", b.source.ref)
	}
	b.source.tag = tags[i]
	if b.source.Resolved, err = b.repo.ResolveTag(ctx, tags[i]); err != nil {
		return err
	}
	b.source.tree, err = b.repo.Tree(ctx, b.source.Commit.Tree)
	return err
}

// readRecipe reads the recipe, from the source or a file.
func (b *build) readRecipe(ctx context.Context) error {
	data, name, err := b.recipeBytes(ctx)
	if err != nil {
		return err
	}
	if b.recipe, err = recipe.Parse(data); err != nil {
		return recipeFailure(name, err)
	}
	b.limits = b.recipe.Limits
	if b.o.Time > 0 {
		b.limits.Time = b.o.Time
	}
	if b.o.Bytes > 0 {
		b.limits.OutputBytes = b.o.Bytes
	}
	if b.o.Files > 0 {
		b.limits.Files = b.o.Files
	}
	return nil
}

// recipeFailure turns the error of a recipe into ours.
func recipeFailure(name string, err error) error {
	f := &report.Failure{Code: report.Rejected, Detail: fmt.Sprintf("%s: %v", name, err)}
	if wrong, ok := errors.AsType[*recipe.ParseError](err); ok {
		f.Detail, f.Hint = fmt.Sprintf("%s, line %d: %s", name, wrong.Line, wrong.Detail), wrong.Hint
	}
	return f
}

func (b *build) recipeBytes(ctx context.Context) (data []byte, name string, err error) {
	if b.o.Recipe != "" {
		b.origin = buildrecord.RecipeOfFile
		f, err := os.Open(b.o.Recipe)
		if err != nil {
			return nil, "", report.UsageFailure("--recipe takes a countermark.toml", "--recipe: %v", err)
		}
		defer f.Close()
		data, err = io.ReadAll(io.LimitReader(f, recipe.MaxFileBytes+1))
		return data, b.o.Recipe, err
	}
	b.origin = buildrecord.RecipeOfSource
	e := b.source.tree.Lookup(RecipeName)
	if e == nil || e.Kind != tree.File {
		return nil, "", report.UsageFailure("docs/first-recipe.md says how to write one; --recipe names one that lies elsewhere",
			"the source at %s has no %s", b.source.ref, RecipeName)
	}
	kind, content, err := b.repo.Object(ctx, e.IDs.In(b.repo.Format()))
	if err == nil && kind != digest.Blob {
		err = fmt.Errorf("%s is a %v in the source", RecipeName, kind)
	}
	return slices.Clone(content), RecipeName + " at " + b.source.ref, err
}

// checkTag holds the tag to the recipe.
func (b *build) checkTag() error {
	var err error
	if b.version, err = b.recipe.VersionOf(b.source.ref); err != nil {
		return report.UsageFailure("the recipe's source.tag says how tags are named", "%v", err)
	}
	if b.source.TagID.IsZero() && !b.recipe.Source.LightweightTags {
		return report.UsageFailure("make it with git tag -s, or say lightweight-tags = true in the recipe's [source]",
			"%s is a lightweight tag: a bare name, which no one can sign", b.source.ref)
	}
	return nil
}

// resolveSubmodules decides what becomes of the source's submodules.
func (b *build) resolveSubmodules(ctx context.Context) error {
	files := make([]tree.Entry, 0, b.source.tree.Len())
	for _, e := range b.source.tree.Entries() {
		if e.Kind != tree.Submodule {
			files = append(files, e)
			continue
		}
		how := buildrecord.Submodule{Path: e.Path, Commit: e.IDs.In(b.repo.Format())}
		switch b.recipe.Source.Submodules {
		case recipe.NoSubmodules:
			return report.UsageFailure("say submodules = \"omit\" or \"flatten\" in the recipe's [source]", "the source has a submodule at %q", e.Path)
		case recipe.FlattenSubmodules:
			entries, err := b.openSubmodule(ctx, how)
			if err != nil {
				return err
			}
			files, how.Laid = append(files, entries...), true
		}
		b.record.Source.Submodules = append(b.record.Source.Submodules, how)
	}
	var err error
	b.source.files, err = tree.Build(files)
	return err
}

// openSubmodule opens the repository that was named for a submodule, fetches the
// commit that the source pins, and returns its files at the submodule's path.
func (b *build) openSubmodule(ctx context.Context, s buildrecord.Submodule) ([]tree.Entry, error) {
	i := slices.IndexFunc(b.o.Submodules, func(flag string) bool { return strings.HasPrefix(flag, string(s.Path)+"=") })
	if i < 0 {
		return nil, report.UsageFailure(fmt.Sprintf("--submodule %s=PATH-OR-URL", s.Path), "the recipe takes in the submodule at %q, and no repository of it is named", s.Path)
	}
	_, where, _ := strings.Cut(b.o.Submodules[i], "=")
	repo, err := b.openAny(ctx, where)
	if err != nil {
		return nil, err
	}
	b.source.submodules = append(b.source.submodules, submodule{repo, s.Path, s.Commit})
	t, err := treeOf(ctx, repo, s.Commit)
	if err != nil {
		return nil, fmt.Errorf("reading the commit that the submodule %q pins: %w", s.Path, err)
	}
	var entries []tree.Entry
	for _, e := range t.Entries() {
		if e.Kind == tree.Submodule {
			return nil, report.UsageFailure("such a source cannot be built with \"flatten\"", "the submodule at %q has a submodule of its own, %q", s.Path, e.Path)
		}
		e.Path = s.Path + "/" + e.Path
		entries = append(entries, e)
	}
	return entries, nil
}

// openAny opens a repository here or elsewhere.
func (b *build) openAny(ctx context.Context, where string) (*gitrepo.Repository, error) {
	if !gitrepo.IsRemote(where) {
		repo, err := b.git.OpenLocal(ctx, where)
		if errors.Is(err, gitrepo.ErrNoRepository) {
			return nil, report.UsageFailure("name the path of a clone or bare repository, or an https:// or ssh:// URL", "%v", err)
		}
		return repo, err
	}
	cache, err := cacheDir()
	if err != nil {
		return nil, err
	}
	return b.git.OpenRemote(ctx, gitrepo.Remote{URL: where, CacheDir: cache, Progress: b.o.Progress.Text})
}

// treeOf reads the tree of a commit, which is fetched if it is elsewhere.
func treeOf(ctx context.Context, repo *gitrepo.Repository, id digest.ObjectID) (tree.Tree, error) {
	if err := repo.Fetch(ctx, id.String()); err != nil {
		return tree.Tree{}, err
	}
	commit, err := repo.Commit(ctx, id)
	if err != nil {
		return tree.Tree{}, err
	}
	return repo.Tree(ctx, commit.Tree)
}
