package building

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/account"
	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/sandbox"
	"github.com/countermark/countermark/internal/tree"
	"github.com/countermark/countermark/internal/worktree"
)

// work is the folder that holds the source.
func (b *build) work() string { return filepath.Join(b.temp, "work") }

// lay lays the source out, with downloads and the recipe's own files.
func (b *build) lay(ctx context.Context) error {
	b.o.Progress.Text("laying out the source")
	laid, err := worktree.Lay(ctx, worktree.Layout{
		Dir: b.work(), Tree: b.source.files, Format: b.repo.Format(), Time: time.Unix(b.source.Commit.Committer.Unix, 0), Blobs: b.blobs,
	})
	if err != nil {
		return err
	}
	b.source.laid = laid
	if err := b.layInputs(ctx); err != nil {
		return err
	}
	if b.now, err = b.read(ctx); err != nil {
		return err
	}
	var wrong []account.Violation
	b.account, wrong = account.Open(b.recipe, laid, b.now)
	for _, v := range wrong {
		return fmt.Errorf("laying out the source: %q was %v, and is neither download nor written file", v.Path, v.Deed)
	}
	return nil
}

// blobs reads blobs of the source, or of its submodules.
func (b *build) blobs(ctx context.Context, ids []digest.ObjectID, each func(digest.ObjectID, []byte) error) ([]digest.ObjectID, error) {
	missing, err := b.repo.Blobs(ctx, ids, each)
	for _, s := range b.source.submodules {
		if err != nil || len(missing) == 0 {
			break
		}
		missing, err = s.repo.Blobs(ctx, missing, each)
	}
	return missing, err
}

// read reads the work folder.
func (b *build) read(ctx context.Context) (tree.Tree, error) {
	return worktree.Read(ctx, b.work(), worktree.Reading{Files: b.limits.Files, Bytes: b.limits.OutputBytes})
}

// layInputs puts downloads and the recipe's files in their places.
func (b *build) layInputs(ctx context.Context) error {
	root, err := os.OpenRoot(b.work())
	if err != nil {
		return err
	}
	defer root.Close()
	for _, d := range b.recipe.Downloads {
		if err := b.layDownload(ctx, root, d); err != nil {
			return err
		}
	}
	for _, w := range b.recipe.Writes {
		content, err := b.recipe.Expand(w.Content, b.version)
		if err != nil {
			return report.UsageFailure("", "the file %s of the recipe: %v", w.Path, err)
		}
		if err := b.put(root, w.Path, strings.NewReader(content), ""); err != nil {
			return err
		}
	}
	return nil
}

// runSteps runs the recipe's steps, one after the other.
func (b *build) runSteps(ctx context.Context) error {
	for i := range b.recipe.Steps {
		if err := b.runStep(ctx, i); err != nil || len(b.result.Findings) > 0 {
			return err
		}
	}
	return nil
}

func (b *build) runStep(ctx context.Context, i int) error {
	step := &b.recipe.Steps[i]
	done, err := b.execute(ctx, i, step.Name, step.Invocation)
	if err != nil || len(b.result.Findings) > 0 {
		return err
	}
	before := b.now
	if b.now, err = b.read(ctx); err != nil {
		return err
	}
	for _, v := range b.account.Step(i, b.now) {
		b.fail(Finding{Rule: Dirty, Step: step.Name, Path: v.Path, Detail: fmt.Sprintf("the step %v this %v, and the recipe does not declare it", v.Deed, v.Kind),
			Hint: "declare it under " + v.Hint})
	}
	b.record.Steps = append(b.record.Steps, *done)
	b.recordStep(i, before)
	return nil
}

// execute runs one program of the recipe, and notes what it did wrong.
func (b *build) execute(ctx context.Context, i int, name string, run recipe.Invocation) (*buildrecord.Step, error) {
	arguments := make([]string, len(run.Run))
	for k, t := range run.Run {
		var err error
		if arguments[k], err = b.recipe.Expand(t, b.version); err != nil {
			return nil, report.UsageFailure("", "the step %s: %v", name, err)
		}
	}
	p, err := b.program(arguments, b.work())
	if err != nil {
		return nil, err
	}
	done := &buildrecord.Step{Name: name, Run: arguments, Git: run.Git.String()}
	if err := b.showGit(ctx, run.Git, &p, done); err != nil {
		return nil, err
	}
	log, err := newStepLog(filepath.Join(b.temp, "logs"), i, name, b.o.Progress)
	if err != nil {
		return nil, err
	}
	p.Output = log
	outcome, err := b.env.sandbox.Run(ctx, p)
	if err = cmp.Or(err, log.Close(), b.hideGit(run.Git)); err != nil {
		return nil, err
	}
	b.spent += outcome.Duration
	done.Milliseconds, done.Exit, done.LogBytes, done.LogSHA256 = outcome.Duration.Milliseconds(), outcome.Exit, log.bytes, log.sum()
	b.judge(name, outcome, log)
	return done, nil
}

// judge notes what a program's end says.
func (b *build) judge(name string, o sandbox.Outcome, log *stepLog) {
	if len(o.Network.Attempts) > 0 {
		var kinds []string
		for _, a := range o.Network.Attempts {
			kinds = append(kinds, fmt.Sprintf("%s: %d", a.Kind, a.Count))
		}
		b.fail(Finding{Rule: Network, Step: name, Detail: "the step tried to use the network (" + strings.Join(kinds, ", ") + "), and there is none",
			Hint: "declare what it needs as a [[download]], with its digest"})
	}
	switch {
	case o.Limit != sandbox.NoLimit:
		b.fail(Finding{Rule: Limit, Step: name, Detail: fmt.Sprintf("the step hit the limit on %s", o.Limit),
			Hint: "the recipe's [limits] and the flags --max-time, --max-bytes and --max-files set them"})
	case o.Exit != 0:
		b.fail(Finding{Rule: StepFails, Step: name, Detail: fmt.Sprintf("the step ended with exit status %d", o.Exit), Hint: "its last lines stand below"})
	}
	if len(b.result.Findings) > 0 {
		b.result.log = log.tail()
	}
}
