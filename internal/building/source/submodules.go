package source

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/gitmodules"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/tree"
)

// Limits of the submodules that are taken in (docs/spec/recipe.md, section 3.2).
const (
	maxSubmodules     = 256 // all together
	maxSubmoduleDepth = 8   // in one another
)

// level is a tree that may have submodules.
type level struct {
	at      tree.Path // its place in the source, "" for the source itself
	repo    *gitrepo.Repository
	tree    tree.Tree
	url     string // what relative URLs begin at, "" if that is not known
	depth   int
	modules []gitmodules.Module
	isRead  bool // modules are
}

// in returns the place in the source of a path of the level.
func (l *level) in(path tree.Path) tree.Path {
	if l.at == "" {
		return path
	}
	return l.at + "/" + path
}

// resolveSubmodules decides what becomes of the source's submodules.
func (s *Source) resolveSubmodules(ctx context.Context) error {
	files, err := s.filesOf(ctx, &level{repo: s.Repo, tree: s.Tree, url: string(s.Recipe.Project.URL)})
	if err != nil {
		return err
	}
	slices.SortFunc(s.Submodules, func(a, b buildrecord.Submodule) int { return strings.Compare(string(a.Path), string(b.Path)) })
	for _, flag := range s.o.Submodules {
		path, _, _ := strings.Cut(flag, "=")
		if !slices.ContainsFunc(s.Submodules, func(m buildrecord.Submodule) bool { return m.Laid && string(m.Path) == path }) {
			return report.UsageFailure("git ls-tree -r shows submodules as mode 160000; the recipe's source.submodules is to be \"flatten\"",
				"--submodule %s names no submodule that is taken in", escape.Quote(flag))
		}
	}
	for _, e := range s.Tree.Entries() {
		delete(s.holder, e.IDs.In(s.Format()))
	}
	s.Files, err = tree.Build(files)
	return err
}

// hold notes which submodule has a blob: the first.
func (s *Source) hold(repo *gitrepo.Repository, blob digest.ObjectID) {
	if s.holder[blob] == nil {
		s.holder[blob] = repo
	}
}

// filesOf returns the files of a level and, if they are taken in, of the submodules
// below, at their places in the source.
func (s *Source) filesOf(ctx context.Context, l *level) ([]tree.Entry, error) {
	files := make([]tree.Entry, 0, l.tree.Len())
	for _, e := range l.tree.Entries() {
		if e.Kind != tree.Submodule {
			if l.repo != s.Repo {
				s.hold(l.repo, e.IDs.In(l.repo.Format()))
			}
			e.Path = l.in(e.Path)
			files = append(files, e)
			continue
		}
		how := buildrecord.Submodule{Path: l.in(e.Path), Commit: e.IDs.In(l.repo.Format())}
		switch s.Recipe.Source.Submodules {
		case recipe.NoSubmodules:
			return nil, report.UsageFailure("say submodules = \"omit\" or \"flatten\" in the recipe's [source]", "the source has a submodule at %q", how.Path)
		case recipe.FlattenSubmodules:
			how.Laid = true
			entries, err := s.openSubmodule(ctx, l, e.Path, how)
			if err != nil {
				return nil, err
			}
			files = append(files, entries...)
		}
		s.Submodules = append(s.Submodules, how)
	}
	return files, nil
}

// openSubmodule finds the repository of a submodule, fetches the commit that is
// pinned, and returns its files.
func (s *Source) openSubmodule(ctx context.Context, l *level, path tree.Path, how buildrecord.Submodule) ([]tree.Entry, error) {
	if l.depth >= maxSubmoduleDepth || len(s.others) >= maxSubmodules {
		return nil, report.UsageFailure("such a source cannot be built with \"flatten\"",
			"the submodule at %q is one too many: at most %d are taken in, %d in one another", how.Path, maxSubmodules, maxSubmoduleDepth)
	}
	where, url, err := s.repositoryOf(ctx, l, path)
	if err != nil {
		return nil, err
	}
	s.o.Progress.Text(fmt.Sprintf("submodule %s of %s", escape.Text(string(how.Path)), escape.Text(where)))
	repo, err := OpenAny(ctx, s.Git, where, s.o.Progress)
	if err != nil {
		return nil, fmt.Errorf("opening the repository of the submodule %q: %w", how.Path, err)
	}
	s.others = append(s.others, repo)
	t, err := TreeOf(ctx, repo, how.Commit)
	if err != nil {
		return nil, fmt.Errorf("reading the commit that the submodule %q pins: %w", how.Path, err)
	}
	return s.filesOf(ctx, &level{at: how.Path, repo: repo, tree: t, url: url, depth: l.depth + 1})
}

// repositoryOf returns where the repository of a submodule is: where the user says
// or else where the level's .gitmodules does; and the URL that is known of it, ""
// if none is.
func (s *Source) repositoryOf(ctx context.Context, l *level, path tree.Path) (where, url string, err error) {
	at := l.in(path)
	i := slices.IndexFunc(s.o.Submodules, func(flag string) bool { return strings.HasPrefix(flag, string(at)+"=") })
	if i >= 0 {
		_, where, _ = strings.Cut(s.o.Submodules[i], "=")
		if gitrepo.IsRemote(where) {
			return where, where, nil
		}
		url, _ = s.statedURL(ctx, l, path) // it may be needed for submodules of this one, and is asked for again then
		return where, url, nil
	}
	if url, err = s.statedURL(ctx, l, path); err != nil {
		return "", "", report.UsageFailure(fmt.Sprintf("--submodule %s=PATH-OR-URL", escape.Text(string(at))), "the recipe takes in the submodule at %q, and no repository of it is known: %v", at, err)
	}
	return url, url, nil
}

// statedURL returns the URL that .gitmodules gives a submodule.
func (s *Source) statedURL(ctx context.Context, l *level, path tree.Path) (string, error) {
	if err := readModules(ctx, l); err != nil {
		return "", err
	}
	i := slices.IndexFunc(l.modules, func(m gitmodules.Module) bool { return m.Path == path })
	if i < 0 || l.modules[i].URL == "" {
		return "", fmt.Errorf("%s gives no URL for it", gitmodules.Name)
	}
	if l.url == "" && strings.HasPrefix(l.modules[i].URL, ".") {
		return "", fmt.Errorf("the URL in %s is relative to one that is not known", gitmodules.Name)
	}
	url, err := gitmodules.Resolve(l.url, l.modules[i].URL)
	if err == nil {
		err = gitrepo.CheckURL(url)
	}
	return url, err
}

// readModules reads the .gitmodules of a level, once.
func readModules(ctx context.Context, l *level) error {
	e := l.tree.Lookup(gitmodules.Name)
	if l.isRead || e == nil {
		return nil
	}
	if e.Kind != tree.File {
		return fmt.Errorf("%s is no file", gitmodules.Name)
	}
	var found error
	missing, err := l.repo.Blobs(ctx, []digest.ObjectID{e.IDs.In(l.repo.Format())}, func(_ digest.ObjectID, content []byte) error {
		l.modules, found = gitmodules.Parse(content)
		return nil
	})
	if err == nil && len(missing) > 0 {
		err = fmt.Errorf("the content of %s is not there", gitmodules.Name)
	}
	if err == nil {
		err = found
	}
	l.isRead = err == nil
	return err
}
