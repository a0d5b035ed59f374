package building

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/fetch"
	"github.com/countermark/countermark/internal/gitrepo/replica"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/sandbox"
	"github.com/countermark/countermark/internal/tree"
)

// cache returns the cache of fetched files.
func (b *build) cache() (*fetch.Cache, error) {
	dir, err := fetch.DefaultDir()
	if err != nil {
		return nil, report.UsageFailure("set HOME or XDG_CACHE_HOME", "there is no cache folder to fetch into: %v", err)
	}
	return fetch.NewCache(dir, fetch.Options{Progress: func(url string, done, total int64) {
		b.o.Progress.Bytes("fetching "+url, done, total)
	}}), nil
}

// layDownload fetches a download and puts it in its place.
func (b *build) layDownload(ctx context.Context, root *os.Root, d recipe.Download) error {
	cache, err := b.cache()
	if err != nil {
		return err
	}
	f, err := cache.Get(ctx, string(d.URL), d.SHA256)
	if err != nil {
		return fetchFailure(err)
	}
	defer f.Close()
	return b.put(root, d.Path, f, string(d.URL))
}

// fetchFailure says what a failed transfer means for the exit status.
func fetchFailure(err error) error {
	f := &report.Failure{Code: report.Internal, Detail: err.Error()}
	if _, ok := errors.AsType[*fetch.MismatchError](err); ok {
		f.Code, f.Hint = report.Failed, "somebody changed the file, or sends another one: look at both before a new digest goes into the recipe"
	} else if _, ok := errors.AsType[*fetch.TransportError](err); ok {
		f.Code, f.Hint = report.NotComplete, "nothing was changed; run the same command again when the server can be reached"
	} else if _, ok := errors.AsType[*fetch.RefusedError](err); ok {
		f.Code = report.Rejected
	} else {
		return err
	}
	return f
}

// put writes a file that is not the source's, and records it. It is the source's
// age, as all else is.
func (b *build) put(root *os.Root, at tree.Path, content io.Reader, url string) error {
	if b.source.files.Lookup(at) != nil || b.source.files.HasDir(at) {
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
	sum := newSum()
	_, err = io.Copy(io.MultiWriter(f, sum), content)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	when := time.Unix(b.source.Commit.Committer.Unix, 0)
	if err = errors.Join(err, root.Chtimes(name, when, when)); err != nil {
		return fmt.Errorf("laying out %q: %w", at, err)
	}
	b.record.Inputs = append(b.record.Inputs, buildrecord.Input{Path: at, SHA256: sum.digest(), URL: url})
	return nil
}

// showGit makes the repository that a program sees, if it is to see one, and
// shows it read-only. hideGit takes it away.
func (b *build) showGit(ctx context.Context, use recipe.GitUse, p *sandbox.Program, done *buildrecord.Step) error {
	if use == recipe.NoGit {
		return nil
	}
	dir := filepath.Join(b.work(), ".git")
	made, err := replica.Make(ctx, b.repo, dir, replica.Source{
		Use: use, Ref: b.source.tag, Tree: b.source.laid, Time: time.Unix(b.source.Commit.Committer.Unix, 0),
	})
	if err != nil {
		return fmt.Errorf("making the repository that the step sees: %w", err)
	}
	p.Binds = append(p.Binds, sandbox.Bind{Source: dir, Target: p.Dir + "/.git"})
	p.Environment = append(slices.Clone(p.Environment), replica.Environment()...)
	slices.Sort(p.Environment)
	sum := newSum()
	_, _ = fmt.Fprintf(sum, "HEAD %v\n", made.Head)
	for _, r := range made.Refs {
		_, _ = fmt.Fprintf(sum, "%s %v\n", r.Name, r.ID)
	}
	done.Repository = sum.digest()
	return nil
}

// hideGit removes the repository that a program saw.
func (b *build) hideGit(use recipe.GitUse) error {
	if use == recipe.NoGit {
		return nil
	}
	return removeAll(filepath.Join(b.work(), ".git"))
}

// recordFile describes a file for the record.
func recordFile(e *tree.Entry, f digest.Format) buildrecord.File {
	return buildrecord.File{Path: e.Path, Mode: fmt.Sprintf("%06o", e.GitMode()), Blob: e.IDs.In(f), SHA256: e.IDs.In(digest.SHA256Format)}
}
