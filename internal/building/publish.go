package building

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/countermark/countermark/internal/building/candidate"
	"github.com/countermark/countermark/internal/building/finding"
	"github.com/countermark/countermark/internal/building/folder"
	"github.com/countermark/countermark/internal/building/pushing"
	"github.com/countermark/countermark/internal/gitrepo/refs"
	"github.com/countermark/countermark/internal/report"
)

// publish lets everything appear: objects, the folder of the release, the
// candidate's branch, and the branch on the server.
func (b *build) publish(ctx context.Context) error {
	b.o.Progress.Text("writing the built commit")
	b.result.Branch = b.branch()
	old, err := refs.Read(ctx, b.source.Repo, b.result.Branch)
	if err != nil {
		return err
	}
	if !old.IsZero() {
		same, err := candidate.IsSigned(ctx, b.source.Repo, old, b.raw)
		if err != nil {
			return err
		}
		if !same {
			b.found.Add(finding.Finding{Rule: finding.Candidate, Detail: fmt.Sprintf("%s holds %v, and this build made %v", b.result.Branch, old, b.record.Built.Commit),
				Hint: "countermark rebuild says in what they differ; nothing was changed"})
			return nil
		}
	}
	if err := b.addObjects(ctx, b.source.Repo); err != nil {
		return err
	}
	if b.result.Candidate = old; old.IsZero() {
		b.o.Progress.Clear() // the key may ask for something
		if b.result.Candidate, err = candidate.Sign(ctx, b.source.Repo, b.raw, b.o.SignCommit); err != nil {
			return err
		}
	}
	if err := b.releaseFolder(); err != nil {
		return err
	}
	answer, err := refs.Update(ctx, b.source.Repo, refs.Change{Ref: b.result.Branch, Old: old, New: b.result.Candidate})
	if err != nil {
		return err
	}
	if answer.Outcome == refs.Moved {
		return &report.Failure{Code: report.NotComplete, Detail: fmt.Sprintf("%s was changed meanwhile", answer.Ref), Hint: "run the same command again"}
	}
	return b.push(ctx)
}

// branch is the candidate's, by its full name.
func (b *build) branch() string { return refs.CandidatePrefix + string(b.source.Version) }

// checkBranch looks at where that is to be written before anything is built.
func (b *build) checkBranch(ctx context.Context) error {
	err := pushing.CheckBranch(ctx, b.source.Repo, b.branch())
	if err == nil && b.o.Push != "" {
		_, err = pushing.Server(ctx, b.source.Repo, b.o.Push)
	}
	return err
}

// place is where the release is to appear.
func (b *build) place() (string, error) {
	return filepath.Abs(cmp.Or(b.o.Output, b.folder().Base+".release"))
}

// checkPlace looks at that before anything is built.
func (b *build) checkPlace(ctx context.Context) error {
	if err := b.openSource(ctx); err != nil {
		return err
	}
	to, err := b.place()
	if err != nil {
		return err
	}
	return b.folder().CheckPlace(to, folder.Release{Source: b.source.CommitID, Recipe: b.source.Recipe.Digest})
}

// releaseFolder moves the folder of the release to its place, whole.
func (b *build) releaseFolder() error {
	release := b.folder()
	to, err := b.place()
	if err != nil {
		return err
	}
	b.result.Folder = to
	if _, err := os.Lstat(to); err != nil {
		return release.Move(to)
	}
	if err := release.CheckSame(to, b.record); err != nil {
		return err
	}
	b.result.Notes = append(b.result.Notes, "the folder of the release was there already, with the same archives")
	return nil
}

// push pushes the candidate, if that was asked for.
func (b *build) push(ctx context.Context) error {
	if b.o.Push == "" {
		return nil
	}
	server, err := pushing.Server(ctx, b.source.Repo, b.o.Push)
	if err != nil {
		return err
	}
	b.o.Progress.Text("pushing the candidate")
	answer, err := refs.Push(ctx, b.source.Repo, refs.Candidate{Server: server, Version: string(b.source.Version), Commit: b.result.Candidate, Progress: b.o.Progress.Text})
	if err != nil {
		return err
	}
	switch answer.Outcome {
	case refs.Moved:
		b.found.Add(finding.Finding{Rule: finding.Candidate, Detail: fmt.Sprintf("the server's %s holds %v, and this build made %v", answer.Ref, answer.At, b.result.Candidate),
			Hint: "fetch that branch, and build again: if they differ in their signatures alone, the one that is there is used; nothing on the server was changed"})
	case refs.Refused:
		return &report.Failure{Code: report.Failed, Detail: "the server refused the candidate: " + answer.Said, Hint: "release and branch are there; --push again when the server allows it"}
	default:
		b.result.Pushed = b.o.Push
	}
	return nil
}
