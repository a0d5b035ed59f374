package verification

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/countermark/countermark/internal/archive"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/filter"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/revision"
	"github.com/countermark/countermark/internal/verification/input"
)

// openRepository opens what --repo, the lock file or the current folder names.
func (v *verification) openRepository(ctx context.Context) error {
	var err error
	if v.git, err = gitrepo.Find(ctx); err != nil {
		return &report.Failure{Code: report.Usage, Detail: err.Error(), Hint: "install git 2.39 or newer"}
	}
	source := v.o.Repository
	if source == "" && v.lock != nil {
		source = v.lock.Repository
	}
	if source == "" {
		here, err := os.Getwd()
		if err != nil {
			return fmt.Errorf("looking for a repository: %w", err)
		}
		if source, err = gitrepo.Discover(here); err != nil {
			return report.UsageFailure("stand in a clone of the project, or name it with --repo PATH or --repo URL", "there is no git repository here")
		}
		if v.lock != nil && v.o.Lock == "" && len(v.lock.Accepted) > 0 {
			v.doc.Notes = append(v.doc.Notes, LockFileName+" was found in the repository that is verified: whoever can commit there decides what it accepts")
		}
	}
	v.repoName = source
	if !gitrepo.IsRemote(source) {
		v.repo, err = v.git.OpenLocal(ctx, source)
		if errors.Is(err, gitrepo.ErrNoRepository) {
			return report.UsageFailure("--repo takes the path of a clone or bare repository, or an https:// or ssh:// URL", "%v", err)
		}
		return err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return report.UsageFailure("set HOME or XDG_CACHE_HOME", "there is no cache folder to fetch into: %v", err)
	}
	v.repo, err = v.git.OpenRemote(ctx, gitrepo.Remote{
		URL: source, CacheDir: filepath.Join(cache, "countermark"), Progress: v.o.Progress.Text,
	})
	return err
}

// findCommit decides which commit the archive is compared with.
func (v *verification) findCommit(ctx context.Context, a *archive.Reader) error {
	if v.o.Commit != "" {
		return v.takeCommit(ctx)
	}
	tags, skipped, err := v.repo.Tags(ctx)
	if err != nil {
		return err
	}
	v.tags = tags
	if len(skipped) > 0 {
		v.doc.Notes = append(v.doc.Notes, fmt.Sprintf("%d tags have names outside the accepted grammar and were left alone, such as %q", len(skipped), skipped[0]))
	}
	ref := "refs/tags/" + v.o.Tag
	v.target.foundBy = "--tag"
	if v.o.Tag == "" {
		decision := v.decide(a)
		if decision.Ref == "" {
			return v.undecided(ctx, a, decision)
		}
		ref, v.target.foundBy = decision.Ref, decision.Why
	} else if err := gitobject.CheckRefName(ref); err != nil {
		return err
	}
	return v.takeTag(ctx, ref)
}

// decide asks which tag the archive claims to be.
func (v *verification) decide(a *archive.Reader) revision.Decision {
	claim := revision.Claim{Embedded: a.Embedded(), FileName: input.BaseName(v.o.Archives[0])}
	if v.lock != nil {
		claim.Pattern = v.lock.TagPattern
	}
	for _, t := range v.tags {
		commit := t.Peeled
		if commit.IsZero() {
			commit = t.ID
		}
		claim.Tags = append(claim.Tags, revision.Tag{Ref: t.Name, Commit: commit})
	}
	return revision.Decide(claim)
}

// takeCommit resolves --commit.
func (v *verification) takeCommit(ctx context.Context) error {
	id, err := digest.ParseObjectID(v.o.Commit)
	if err != nil {
		return report.UsageFailure("git rev-parse prints the full id", "--commit: %v", err)
	}
	if err := v.repo.Fetch(ctx, id.String()); err != nil {
		return err
	}
	commit, err := v.repo.Commit(ctx, id)
	if err != nil {
		return err
	}
	v.target.Commit, v.target.foundBy = filter.Commit{ID: id, Commit: commit}, "--commit"
	return nil
}

// takeTag resolves a full tag ref.
func (v *verification) takeTag(ctx context.Context, name string) error {
	var ref *gitrepo.Ref
	for i := range v.tags {
		if v.tags[i].Name == name {
			ref = &v.tags[i]
		}
	}
	if ref == nil {
		return report.UsageFailure(v.tagHint(name), "the repository has no %s", name)
	}
	if err := v.repo.Fetch(ctx, name); err != nil {
		return err
	}
	resolved, err := v.repo.ResolveTag(ctx, *ref)
	if err != nil {
		return err
	}
	v.target.Commit = filter.Commit{ID: resolved.CommitID, Commit: resolved.Commit}
	v.target.ref = name
	if resolved.TagID.IsZero() {
		v.doc.Notes = append(v.doc.Notes, "the tag is lightweight: a bare name, which no one can sign")
	} else {
		v.target.tag = resolved.TagID
	}
	return nil
}

// tagHint proposes tags for one that does not exist.
func (v *verification) tagHint(name string) string {
	wanted := strings.TrimPrefix(name, "refs/tags/")
	var near []string
	for _, t := range v.tags {
		short := strings.TrimPrefix(t.Name, "refs/tags/")
		if strings.Contains(short, wanted) || strings.Contains(wanted, short) {
			near = append(near, short)
		}
	}
	switch {
	case len(v.tags) == 0:
		return "it has no tags at all; fetch them (git fetch --tags), or use --commit"
	case len(near) == 0:
		return fmt.Sprintf("it has %d tags; --tag takes one of their names in full", len(v.tags))
	}
	return "did you mean " + strings.Join(near[:min(3, len(near))], ", ") + "?"
}
