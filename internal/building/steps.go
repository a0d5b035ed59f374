package building

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/countermark/countermark/internal/account"
	"github.com/countermark/countermark/internal/building/checkout"
	"github.com/countermark/countermark/internal/building/finding"
	"github.com/countermark/countermark/internal/building/opened"
	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/tree"
	"github.com/countermark/countermark/internal/worktree"
)

// work is the folder that holds the source.
func (b *build) work() string { return filepath.Join(b.scratch.Dir, "work") }

// logs is the folder of what programs print: of steps, of what compresses, and of
// tools, each in a folder of its own.
func (b *build) logs() string { return filepath.Join(b.scratch.Dir, "logs") }

// lay lays the source out, with downloads and the recipe's own files.
func (b *build) lay(ctx context.Context) error {
	b.o.Progress.Text("laying out the source")
	laid, err := worktree.Lay(ctx, worktree.Layout{
		Dir: b.work(), Tree: b.source.Files, Format: b.source.Format(), Time: b.source.Time(), Blobs: b.source.Blobs,
	})
	if err != nil {
		return err
	}
	b.laid = laid
	if err := b.layInputs(ctx); err != nil {
		return err
	}
	if b.now, err = b.read(ctx); err != nil {
		return err
	}
	var wrong []account.Violation
	b.account, wrong = account.Open(b.source.Recipe, laid, b.now)
	for _, v := range wrong {
		return fmt.Errorf("laying out the source: %q was %v, and is neither download nor written file", v.Path, v.Deed)
	}
	return nil
}

// read reads the work folder.
func (b *build) read(ctx context.Context) (tree.Tree, error) {
	return worktree.Read(ctx, b.work(), worktree.Reading{Files: b.setting.Limits.Files, Bytes: b.setting.Limits.OutputBytes})
}

// layInputs puts downloads and the recipe's files in their places.
func (b *build) layInputs(ctx context.Context) error {
	root, err := os.OpenRoot(b.work())
	if err != nil {
		return err
	}
	defer root.Close()
	for _, d := range b.source.Recipe.Downloads {
		if err := b.layDownload(ctx, root, d); err != nil {
			return err
		}
	}
	for _, w := range b.source.Recipe.Writes {
		content, err := b.source.Recipe.Expand(w.Content, b.source.Version)
		if err != nil {
			return report.UsageFailure("", "the file %s of the recipe: %v", w.Path, err)
		}
		if err := b.put(root, w.Path, strings.NewReader(content), ""); err != nil {
			return err
		}
	}
	return nil
}

// noteOpened says which of the files that were watched a step opened.
func (b *build) noteOpened(done *buildrecord.Step) {
	if n := len(done.Opened); n > 0 {
		names := string(done.Opened[0])
		if n > 1 {
			names += fmt.Sprintf(" and %d more", n-1)
		}
		b.result.Notes = append(b.result.Notes, fmt.Sprintf("BLD_TESTDATA_READ: the step %s opened %s, no text and changed since the last release: a payload could lie there", done.Name, names))
	}
}

// runSteps runs the recipe's steps, one after the other.
func (b *build) runSteps(ctx context.Context) error {
	if len(b.source.Recipe.Steps) > 0 {
		var err error
		if b.suspects, err = opened.Suspects(ctx, b.source, b.work()); err != nil {
			return err
		}
	}
	for i := range b.source.Recipe.Steps {
		if err := b.runStep(ctx, i); err != nil || b.found.Failed() {
			return err
		}
	}
	return nil
}

func (b *build) runStep(ctx context.Context, i int) error {
	step := &b.source.Recipe.Steps[i]
	done, err := b.execute(ctx, i, step.Name, step.Invocation)
	if err != nil || b.found.Failed() {
		return err
	}
	before := b.now
	if b.now, err = b.read(ctx); err != nil {
		return b.found.AddRefusal(finding.Finding{Rule: finding.Dirty, Step: step.Name, Detail: "the step made what no release can hold",
			Hint: "have the step name it otherwise, or remove it before it ends"}, err)
	}
	if b.now, err = checkout.Restore(ctx, b.source, checkout.Folder{Dir: b.work(), Laid: b.laid, Read: b.now}); err != nil {
		return err
	}
	for _, v := range b.account.Step(i, b.now) {
		b.found.Add(finding.Finding{Rule: finding.Dirty, Step: step.Name, Path: v.Path, Detail: fmt.Sprintf("the step %v this %v, and the recipe does not declare it", v.Deed, v.Kind),
			Hint: "declare it under " + v.Hint})
	}
	b.record.Steps = append(b.record.Steps, *done)
	b.record.Steps[i].Fill(before, b.now, b.account.IsScratch, b.source.Format())
	return nil
}

// execute runs one program of the recipe, and notes what it did wrong.
func (b *build) execute(ctx context.Context, i int, name string, run recipe.Invocation) (*buildrecord.Step, error) {
	arguments := make([]string, len(run.Run))
	for k, t := range run.Run {
		var err error
		if arguments[k], err = b.source.Recipe.Expand(t, b.source.Version); err != nil {
			return nil, report.UsageFailure("", "the step %s: %v", name, err)
		}
	}
	p, err := b.setting.Program(arguments, b.work())
	if err != nil {
		return nil, err
	}
	done := &buildrecord.Step{Name: name, Run: arguments, Git: run.Git.String()}
	if err := b.showGit(ctx, run.Git, &p, done); err != nil {
		return nil, err
	}
	log, err := finding.NewLog(filepath.Join(b.logs(), "steps"), i, name, b.o.Progress)
	if err != nil {
		return nil, err
	}
	p.Output = log
	watch := opened.Watch(b.work(), b.suspects)
	outcome, err := b.setting.Run(ctx, p)
	done.Opened = watch.End()
	if err = cmp.Or(err, log.Close(), b.hideGit(run.Git)); err != nil {
		return nil, err
	}
	b.noteOpened(done)
	done.Milliseconds, done.Exit, done.LogBytes, done.LogSHA256 = outcome.Duration.Milliseconds(), outcome.Exit, log.Bytes, log.Sum()
	b.found.Judge(name, outcome, log)
	return done, nil
}
