package building

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/countermark/countermark/internal/building/finding"
	"github.com/countermark/countermark/internal/building/scratch"
	"github.com/countermark/countermark/internal/building/setting"
	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/gitrepo/replica"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/sandbox"
	"github.com/countermark/countermark/internal/tree"
)

// layDownload fetches a download and puts it in its place.
func (b *build) layDownload(ctx context.Context, root *os.Root, d recipe.Download) error {
	cache, err := setting.Cache(b.o.Progress)
	if err != nil {
		return err
	}
	f, err := cache.Get(ctx, string(d.URL), d.SHA256)
	if err != nil {
		return setting.FetchFailure(err)
	}
	defer f.Close()
	return b.put(root, d.Path, f, string(d.URL))
}

// put writes a file that is not the source's, and records it. It is the source's
// age, as all else is.
func (b *build) put(root *os.Root, at tree.Path, content io.Reader, url string) error {
	if b.source.Files.Lookup(at) != nil || b.source.Files.HasDir(at) {
		return report.UsageFailure("take it out of the recipe, or out of the source", "the recipe puts a file at %q, where the source has one", at)
	}
	name := filepath.FromSlash(string(at))
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("laying out %q: %w", at, err)
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("laying out %q: %w", at, err)
	}
	sum := finding.NewSum()
	_, err = io.Copy(io.MultiWriter(f, sum), content)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	when := b.source.Time()
	if err = errors.Join(err, root.Chtimes(name, when, when)); err != nil {
		return fmt.Errorf("laying out %q: %w", at, err)
	}
	// The folders too are as all are, whatever our umask is.
	for dir := filepath.Dir(name); err == nil; dir = filepath.Dir(dir) {
		if err = errors.Join(root.Chmod(dir, 0o755), root.Chtimes(dir, when, when)); dir == "." {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("laying out the folder of %q: %w", at, err)
	}
	b.record.Inputs = append(b.record.Inputs, buildrecord.Input{Path: at, SHA256: sum.Digest(), URL: url})
	return nil
}

// showGit makes the repository that a program sees, if it is to see one, and
// shows it read-only. hideGit takes it away.
func (b *build) showGit(ctx context.Context, use recipe.GitUse, p *sandbox.Program, done *buildrecord.Step) error {
	if use == recipe.NoGit {
		return nil
	}
	dir := filepath.Join(b.work(), ".git")
	made, err := replica.Make(ctx, b.source.Repo, dir, replica.Source{
		Use: use, Ref: b.source.Ref, Tree: b.laid, Time: b.source.Time(),
	})
	if err != nil {
		return fmt.Errorf("making the repository that the step sees: %w", err)
	}
	p.Binds = append(p.Binds, sandbox.Bind{Source: dir, Target: p.Dir + "/.git"})
	p.Environment = append(slices.Clone(p.Environment), replica.Environment()...)
	slices.Sort(p.Environment)
	sum := finding.NewSum()
	_, _ = fmt.Fprintf(sum, "HEAD %v\n", made.Head)
	for _, r := range made.Refs {
		_, _ = fmt.Fprintf(sum, "%s %v\n", r.Name, r.ID)
	}
	done.Repository = sum.Digest()
	return nil
}

// hideGit removes the repository that a program saw.
func (b *build) hideGit(use recipe.GitUse) error {
	if use == recipe.NoGit {
		return nil
	}
	return scratch.RemoveAll(filepath.Join(b.work(), ".git"))
}
