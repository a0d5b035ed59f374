// Package candidate is what a build is compared with: a built commit of somebody
// else's, or a published archive; its tree, and the contents that differ.
package candidate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/countermark/countermark/internal/archive"
	"github.com/countermark/countermark/internal/builtcommit"
	"github.com/countermark/countermark/internal/cause"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/envelope"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/gitrepo/refs"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/tree"
)

// maxContents bounds the contents of an archive's files that are kept, together.
const maxContents = 256 << 20

// Candidate is what a build is compared with.
type Candidate struct {
	Name     string // for people
	Tree     tree.Tree
	Formats  []digest.Format // in which its entries have ids
	Unsigned digest.ObjectID // of a built commit: its id without a signature
	Built    *builtcommit.Commit
	SHA256   digest.SHA256 // of an archive's file
	TarSHA   digest.SHA256 // of an archive's tar, zero for zip
	repo     *gitrepo.Repository
	contents map[tree.Path][]byte
}

// IsArchive reports whether it is a file, not a commit.
func (c *Candidate) IsArchive() bool { return c.repo == nil }

// Target is what a name means, before it is read.
type Target struct {
	name    string // of a commit, for people
	archive string // path of a file, "" for a commit
	repo    *gitrepo.Repository
	commit  digest.ObjectID
}

// Find finds what a name means: "" is the candidate's branch of the version; else
// a file, a full commit id, or a branch. A branch is read here and now; the commit
// must be there, while of a file nothing is read yet.
func Find(ctx context.Context, repo *gitrepo.Repository, name, version string) (*Target, error) {
	if name == "" {
		return findBranch(ctx, repo, refs.CandidatePrefix+version)
	}
	if id, err := digest.ParseObjectID(name); err == nil {
		return findCommit(ctx, repo, id, "commit "+id.Short())
	}
	if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
		return findFile(ctx, repo, name)
	}
	return findBranch(ctx, repo, refs.BranchPrefix+strings.TrimPrefix(name, refs.BranchPrefix))
}

// findFile takes a file, unless its name is a branch's as well: then somebody might
// have put it there.
func findFile(ctx context.Context, repo *gitrepo.Repository, name string) (*Target, error) {
	if !strings.ContainsAny(name, `/\\`) && gitobject.CheckRefName(gitobject.TagPrefix+name) == nil {
		if id, err := refs.Read(ctx, repo, refs.BranchPrefix+name); err == nil && !id.IsZero() {
			return nil, report.UsageFailure("write ./"+name+" for the file, "+refs.BranchPrefix+name+" for the branch", "there are both a file and a branch named %q", name)
		}
	}
	return &Target{archive: name}, nil
}

func findBranch(ctx context.Context, repo *gitrepo.Repository, ref string) (*Target, error) {
	id, err := refs.Read(ctx, repo, ref)
	if err != nil {
		return nil, err
	}
	if id.IsZero() {
		return nil, report.UsageFailure("countermark fetch REMOTE gets it from the server; --against names a commit, another branch or an archive", "there is no %s", ref)
	}
	return findCommit(ctx, repo, id, ref)
}

func findCommit(ctx context.Context, repo *gitrepo.Repository, id digest.ObjectID, name string) (*Target, error) {
	_, err := repo.Commit(ctx, id)
	if missing, ok := errors.AsType[*refusal.Refusal](err); ok && missing.Rule == refusal.GitMissing {
		f := report.FailureOf(err, report.NotComplete)
		f.Hint = fmt.Sprintf("git fetch REMOTE %v gets it, if the server gives commits by their ids; else fetch the branch that leads to it, or name an archive", id)
		return nil, f
	}
	return &Target{name: name, repo: repo, commit: id}, err
}

// Read reads the target. Of an archive, which holds everything below prefix, the
// contents are kept that are other than ours.
func (t *Target) Read(ctx context.Context, prefix string, ours tree.Tree) (*Candidate, error) {
	if t.repo == nil {
		return ofArchive(ctx, t.archive, prefix, ours)
	}
	return ofCommit(ctx, t.repo, t.commit, t.name)
}

func ofCommit(ctx context.Context, repo *gitrepo.Repository, id digest.ObjectID, name string) (*Candidate, error) {
	commit, err := repo.Commit(ctx, id)
	if err != nil {
		return nil, err
	}
	c := &Candidate{Name: name, repo: repo, Formats: []digest.Format{repo.Format()}}
	if c.Tree, err = repo.Tree(ctx, commit.Tree); err != nil {
		return nil, err
	}
	_, raw, err := repo.Object(ctx, id)
	if err != nil {
		return nil, err
	}
	if c.Built, err = builtcommit.Parse(repo.Format(), raw); err != nil {
		return c, nil // some other commit: its tree can be compared all the same
	}
	unsigned, err := gitobject.Unsigned(repo.Format(), raw)
	if err != nil {
		return nil, err
	}
	c.Unsigned, err = digest.HashObject(repo.Format(), digest.Commit, unsigned)
	return c, err
}

func ofArchive(ctx context.Context, path, prefix string, ours tree.Tree) (*Candidate, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	a, err := archive.Open(f, archive.Options{Prefix: prefix, PrefixSet: true, Envelope: envelope.Options{}})
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	keeper := &keeper{ours: ours, kept: make(map[tree.Path][]byte)}
	contents, err := a.Read(ctx, keeper)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return &Candidate{Name: filepath.Base(path), Tree: contents.Tree, Formats: []digest.Format{digest.SHA1Format, digest.SHA256Format},
		SHA256: contents.SHA256, TarSHA: contents.TarSHA256, contents: keeper.kept}, nil
}

// keeper keeps the contents of an archive's files that are other than ours.
type keeper struct {
	ours tree.Tree
	kept map[tree.Path][]byte
	size int
}

// Wants asks for files that we have too.
func (k *keeper) Wants(p tree.Path) bool { return k.ours.Lookup(p) != nil }

// Inspect keeps a content, if there is room for it.
func (k *keeper) Inspect(e *tree.Entry, content []byte) {
	mine := k.ours.Lookup(e.Path)
	if mine == nil || mine.IDs.Agree(e.IDs) || len(content) > cause.MaxFileBytes || k.size+len(content) > maxContents {
		return
	}
	k.size += len(content)
	k.kept[e.Path] = append([]byte{}, content...)
}

// Contents calls each with the content of every one of the paths that can be had;
// the content may not be kept.
func (c *Candidate) Contents(ctx context.Context, paths []tree.Path, each func(tree.Path, []byte) error) error {
	if c.IsArchive() {
		return c.kept(paths, each)
	}
	at := make(map[digest.ObjectID][]tree.Path)
	var ids []digest.ObjectID
	for _, p := range paths {
		e := c.Tree.Lookup(p)
		if e == nil {
			return errors.New("a path is asked for that the candidate has not")
		}
		id := e.IDs.In(c.repo.Format())
		if at[id] == nil {
			ids = append(ids, id)
		}
		at[id] = append(at[id], p)
	}
	return c.repo.SmallBlobs(ctx, ids, cause.MaxFileBytes, func(id digest.ObjectID, content []byte) error {
		for _, p := range at[id] {
			if err := each(p, content); err != nil {
				return err
			}
		}
		return nil
	})
}

// WriteContents writes the contents of those of the paths that can be had into new
// files in a folder, which is made, and returns where.
func (c *Candidate) WriteContents(ctx context.Context, dir string, paths []tree.Path) (map[tree.Path]string, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	at := make(map[tree.Path]string)
	return at, c.Contents(ctx, paths, func(p tree.Path, content []byte) error {
		at[p] = filepath.Join(dir, fmt.Sprint(len(at)))
		return os.WriteFile(at[p], content, 0o600)
	})
}

// kept calls each with the contents of an archive that were kept.
func (c *Candidate) kept(paths []tree.Path, each func(tree.Path, []byte) error) error {
	for _, p := range paths {
		content, ok := c.contents[p]
		if !ok {
			continue
		}
		if err := each(p, content); err != nil {
			return err
		}
	}
	return nil
}
