// Package source is what a release is built of: the tagged commit of a local
// repository, its tree with or without the files of submodules, and the recipe.
package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/gitrepo/beside"
	"github.com/countermark/countermark/internal/progress"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/tree"
)

// RecipeName is where the recipe lies in a source that has one.
const RecipeName = "countermark.toml"

// Options says which source, and where it is.
type Options struct {
	Tag        string         // short name of the tag
	Repository string         // path of a local repository; "": the one we stand in
	Recipe     string         // file with the recipe; "": RecipeName of the source
	Submodules []string       // PATH=REPO
	Progress   *progress.Line // nil: none
}

// Source is an open source. Close must be called.
type Source struct {
	gitrepo.Resolved
	Git        *gitrepo.Git
	Repo       *gitrepo.Repository
	Path       string // of Repo
	Ref        gitrepo.Ref
	Tree       tree.Tree // of the commit
	Files      tree.Tree // without submodules, or with their files
	Recipe     *recipe.Recipe
	Origin     string // of the recipe, as the record has it
	Version    recipe.Version
	Submodules []buildrecord.Submodule                 // by path
	others     []*gitrepo.Repository                   // of submodules
	holder     map[digest.ObjectID]*gitrepo.Repository // of blobs that are a submodule's, and not the source's
	beside     *gitrepo.Repository                     // nil until it is asked for
	besidePath string
	o          Options
}

// Open finds tag, commit, tree and recipe. The error is a *report.Failure where
// it is the caller's, or the recipe's.
func Open(ctx context.Context, o Options) (*Source, error) {
	s := &Source{o: o, holder: make(map[digest.ObjectID]*gitrepo.Repository)}
	for _, part := range []func(context.Context) error{s.openRepository, s.resolve, s.readRecipe, s.checkTag, s.resolveSubmodules} {
		if err := part(ctx); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// Close removes everything temporary.
func (s *Source) Close() error {
	var err error
	if s.beside != nil {
		err = s.beside.Close()
	}
	for _, r := range s.others {
		err = errors.Join(err, r.Close())
	}
	if s.Repo != nil {
		err = errors.Join(err, s.Repo.Close())
	}
	return err
}

// Epoch returns the source commit's committer time, SOURCE_DATE_EPOCH.
func (s *Source) Epoch() int64 { return s.Commit.Committer.Unix }

// Time returns Epoch as a time.
func (s *Source) Time() time.Time { return time.Unix(s.Epoch(), 0) }

// Format returns the repository's object format.
func (s *Source) Format() digest.Format { return s.Repo.Format() }

// Formats returns the object formats in which trees are named: the repository's,
// and git's SHA-256.
func (s *Source) Formats() []digest.Format {
	if s.Format() == digest.SHA256Format {
		return []digest.Format{digest.SHA256Format}
	}
	return []digest.Format{s.Format(), digest.SHA256Format}
}

// Beside returns a repository of our own, and its path, that has what Repo has and
// into which can be written without Repo having it.
func (s *Source) Beside(ctx context.Context) (repo *gitrepo.Repository, path string, err error) {
	if s.beside != nil {
		return s.beside, s.besidePath, nil
	}
	if s.besidePath, err = beside.Make(ctx, s.Repo); err == nil {
		s.beside, err = s.Git.OpenLocal(ctx, s.besidePath)
	}
	return s.beside, s.besidePath, err
}

// Blobs reads blobs of the source, or of its submodules, as
// gitrepo.Repository.Blobs does. Each is asked of the one repository that it is of.
func (s *Source) Blobs(ctx context.Context, ids []digest.ObjectID, each func(digest.ObjectID, []byte) error) (missing []digest.ObjectID, err error) {
	wanted := make(map[*gitrepo.Repository][]digest.ObjectID)
	for _, id := range ids {
		from := s.holder[id]
		if from == nil {
			from = s.Repo
		}
		wanted[from] = append(wanted[from], id)
	}
	for _, r := range append([]*gitrepo.Repository{s.Repo}, s.others...) {
		if len(wanted[r]) == 0 {
			continue
		}
		lacking, err := r.Blobs(ctx, wanted[r], each)
		if err != nil {
			return nil, err
		}
		missing = append(missing, lacking...)
	}
	return missing, nil
}

func (s *Source) openRepository(ctx context.Context) error {
	var err error
	if s.Git, err = gitrepo.Find(ctx); err != nil {
		return &report.Failure{Code: report.Usage, Detail: err.Error(), Hint: "install git 2.39 or newer"}
	}
	path := s.o.Repository
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
	s.Path = path
	s.Repo, err = s.Git.OpenLocal(ctx, path)
	if errors.Is(err, gitrepo.ErrNoRepository) {
		return report.UsageFailure("--repo takes the path of a clone or bare repository", "%v", err)
	}
	return err
}

// resolve follows the tag to its commit, and reads that commit's tree.
func (s *Source) resolve(ctx context.Context) error {
	s.Ref.Name = gitobject.TagPrefix + strings.TrimPrefix(s.o.Tag, gitobject.TagPrefix)
	if err := gitobject.CheckRefName(s.Ref.Name); err != nil {
		return err
	}
	tags, _, err := s.Repo.Tags(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(tags, func(t gitrepo.Ref) bool { return t.Name == s.Ref.Name })
	if i < 0 {
		return report.UsageFailure("git tag --list shows the tags; git fetch --tags gets those of the server", "the repository has no %s", s.Ref.Name)
	}
	s.Ref = tags[i]
	if s.Resolved, err = s.Repo.ResolveTag(ctx, tags[i]); err != nil {
		return err
	}
	s.Tree, err = s.Repo.Tree(ctx, s.Commit.Tree)
	return err
}

// readRecipe reads the recipe, from the source or a file.
func (s *Source) readRecipe(ctx context.Context) error {
	data, name, err := s.recipeBytes(ctx)
	if err != nil {
		return err
	}
	if s.Recipe, err = recipe.Parse(data); err != nil {
		return recipeFailure(name, err)
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

func (s *Source) recipeBytes(ctx context.Context) (data []byte, name string, err error) {
	if s.o.Recipe != "" {
		s.Origin = buildrecord.RecipeOfFile
		f, err := os.Open(s.o.Recipe)
		if err != nil {
			return nil, "", report.UsageFailure("--recipe takes a countermark.toml", "--recipe: %v", err)
		}
		defer f.Close()
		data, err = io.ReadAll(io.LimitReader(f, recipe.MaxFileBytes+1))
		return data, s.o.Recipe, err
	}
	s.Origin = buildrecord.RecipeOfSource
	e := s.Tree.Lookup(RecipeName)
	if e == nil || e.Kind != tree.File {
		return nil, "", report.UsageFailure("docs/first-recipe.md says how to write one; --recipe names one that lies elsewhere",
			"the source at %s has no %s", s.Ref.Name, RecipeName)
	}
	kind, content, err := s.Repo.Object(ctx, e.IDs.In(s.Repo.Format()))
	if err == nil && kind != digest.Blob {
		err = fmt.Errorf("%s is a %v in the source", RecipeName, kind)
	}
	return slices.Clone(content), RecipeName + " at " + s.Ref.Name, err
}

// checkTag holds the tag to the recipe.
func (s *Source) checkTag(context.Context) error {
	var err error
	if s.Version, err = s.Recipe.VersionOf(s.Ref.Name); err != nil {
		return report.UsageFailure("the recipe's source.tag says how tags are named", "%v", err)
	}
	if s.TagID.IsZero() && !s.Recipe.Source.LightweightTags {
		return report.UsageFailure("make it with git tag -s, or say lightweight-tags = true in the recipe's [source]",
			"%s is a lightweight tag: a bare name, which no one can sign", s.Ref.Name)
	}
	return nil
}

// OpenAny opens a repository here or elsewhere.
func OpenAny(ctx context.Context, git *gitrepo.Git, where string, line *progress.Line) (*gitrepo.Repository, error) {
	if !gitrepo.IsRemote(where) {
		repo, err := git.OpenLocal(ctx, where)
		if errors.Is(err, gitrepo.ErrNoRepository) {
			return nil, report.UsageFailure("name the path of a clone or bare repository, or an https:// or ssh:// URL", "%v", err)
		}
		return repo, err
	}
	cache, err := CacheDir()
	if err != nil {
		return nil, err
	}
	return git.OpenRemote(ctx, gitrepo.Remote{URL: where, CacheDir: cache, Progress: line.Text})
}

// TreeOf reads the tree of a commit, which is fetched if it is elsewhere.
func TreeOf(ctx context.Context, repo *gitrepo.Repository, id digest.ObjectID) (tree.Tree, error) {
	if err := repo.Fetch(ctx, id.String()); err != nil {
		return tree.Tree{}, err
	}
	commit, err := repo.Commit(ctx, id)
	if err != nil {
		return tree.Tree{}, err
	}
	return repo.Tree(ctx, commit.Tree)
}

// CacheDir returns the folder for what is made again if it is lost.
func CacheDir() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", report.UsageFailure("set HOME or XDG_CACHE_HOME", "there is no cache folder to build in: %v", err)
	}
	return filepath.Join(cache, "countermark"), nil
}
