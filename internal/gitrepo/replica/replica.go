// Package replica makes the repository that a step of a build sees: a ".git"
// folder of our own with the source commit, and either nothing before it or all
// of its ancestors; with the tags that lead to what is there; no remotes,
// hooks, branches or reflogs, and no configuration but what the format needs.
// Every object's id is computed anew from its bytes.
package replica

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/tree"
)

// Source is what a replica is made of.
type Source struct {
	Use  recipe.GitUse // recipe.GitTag or recipe.GitHistory
	Ref  gitrepo.Ref   // the release's tag
	Tree tree.Tree     // of the tag's commit as it was laid out, with sizes (worktree.Lay)
	Time time.Time     // modification time of all that was laid out
}

// Replica is what a replica holds.
type Replica struct {
	Head    digest.ObjectID // the source commit, checked out without a branch
	Refs    []gitrepo.Ref   // tags, in the order of their names
	LeftOut []string        // raw names of tags that lead to what is there and that gitrepo.ResolveTag refuses
}

// Make makes a replica at dir, which must not exist: "W/.git" for a tree laid out
// at W. Its index says that the files of W are as they were laid out, so git
// there need not read them, and no attribute makes them look changed. For
// recipe.GitTag the bytes are a function of the source (and of git's version, for
// the pack's index); for recipe.GitHistory they depend on how the repository was
// packed. Nothing is left if it fails. The error is a *refusal.Refusal: those of
// gitrepo.ResolveTag, and GIT_MISSING where the repository lacks ancestors.
func Make(ctx context.Context, r *gitrepo.Repository, dir string, s Source) (made *Replica, err error) {
	resolved, err := r.ResolveTag(ctx, s.Ref)
	if err != nil {
		return nil, err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making a repository: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	m := &maker{r: r, dir: dir, source: s, resolved: resolved, made: &Replica{Head: resolved.CommitID}}
	if err := m.skeleton(); err != nil {
		return nil, err
	}
	switch s.Use {
	case recipe.GitTag:
		err = m.tagOnly(ctx)
	case recipe.GitHistory:
		err = m.history(ctx)
	default:
		err = fmt.Errorf("making a repository for a step that sees none (git = %q)", s.Use)
	}
	if err == nil {
		err = m.finish()
	}
	if err != nil {
		return nil, err
	}
	return m.made, nil
}

// Environment returns the variables with which git works in a replica whatever
// user it belongs to there: safe.directory counts in the environment, not in
// the repository's own configuration (git-config(1)). The replica may be
// read-only: without optional locks git does not try to write to it.
func Environment() []string {
	return []string{
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_ATTR_NOSYSTEM=1", "GIT_OPTIONAL_LOCKS=0", "GIT_TERMINAL_PROMPT=0",
	}
}

type maker struct {
	r        *gitrepo.Repository
	dir      string
	source   Source
	resolved gitrepo.Resolved
	made     *Replica
}

// skeleton makes what every repository has (gitrepository-layout(5)).
// core.checkStat = minimal: the index knows of a file its size and modification
// time, not its inode, owner and change time, which other machines and users
// see otherwise (git-config(1)).
func (m *maker) skeleton() error {
	config := "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tcheckStat = minimal\n"
	if m.r.Format() == digest.SHA256Format {
		config = strings.Replace(config, "= 0", "= 1", 1) + "[extensions]\n\tobjectFormat = sha256\n"
	}
	for _, name := range []string{"objects/pack", "objects/info", "refs/heads", "refs/tags"} {
		if err := os.MkdirAll(filepath.Join(m.dir, filepath.FromSlash(name)), 0o755); err != nil {
			return fmt.Errorf("making a repository: %w", err)
		}
	}
	if err := m.write("config", config); err != nil {
		return err
	}
	// Where the source commit's parents are left out, git must know that before
	// it looks at any object (gitrepository-layout(5), "shallow").
	if m.source.Use == recipe.GitTag && len(m.resolved.Commit.Parents) > 0 {
		if err := m.write("shallow", m.made.Head.String()+"\n"); err != nil {
			return err
		}
	}
	return m.write("HEAD", m.made.Head.String()+"\n")
}

func (m *maker) write(name, content string) error {
	path := filepath.Join(m.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		return fmt.Errorf("making a repository: %w", err)
	}
	return nil
}

// finish writes the refs and the index, and lets everybody read, whatever the
// umask.
func (m *maker) finish() error {
	slices.SortFunc(m.made.Refs, func(a, b gitrepo.Ref) int { return strings.Compare(a.Name, b.Name) })
	// The format of packed-refs is that of git's refs/packed-backend.c.
	var refs strings.Builder
	refs.WriteString("# pack-refs with: peeled fully-peeled sorted \n")
	for _, ref := range m.made.Refs {
		refs.WriteString(ref.ID.String() + " " + ref.Name + "\n")
		if ref.ID != ref.Peeled {
			refs.WriteString("^" + ref.Peeled.String() + "\n")
		}
	}
	if err := m.write("packed-refs", refs.String()); err != nil {
		return err
	}
	index, err := indexFile(m.r.Format(), m.source.Tree, m.source.Time)
	if err != nil {
		return err
	}
	if err := m.write("index", string(index)); err != nil {
		return err
	}
	return filepath.WalkDir(m.dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return os.Chmod(path, 0o755) //nolint:wrapcheck // names the path
		}
		return os.Chmod(path, 0o444) //nolint:wrapcheck // names the path
	})
}

// missingAncestors explains a history that is not there.
func missingAncestors(head digest.ObjectID, err error) error {
	return refusal.New(refusal.GitMissing, "the repository does not have all ancestors of the commit with all of their files; fetch them (git fetch --unshallow --refetch), or let the step ask for git = \"tag\" (%v)", err).At(refusal.Unknown, head.String())
}
