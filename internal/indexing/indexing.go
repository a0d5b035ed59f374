// Package indexing carries out countermark index: it reads what tools ship, in
// folders, archives, Debian packages, git repositories and other indexes, and
// makes one index of known files of it.
package indexing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/knownfile"
	"github.com/countermark/countermark/internal/progress"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/toolrelease"
)

// What a source of git says for its version: each tag is a release named by the
// version in it, or each commit is one named by its date.
const (
	ByTag  = "{tag}"
	ByDate = "{date}"
)

// Options says what to index.
type Options struct {
	Sources  []string              // [TOOL[@VERSION]=]PATH
	Only     toolrelease.Selection // of the paths in each source; empty: all
	Since    time.Time             // of git: leave out what no later commit holds
	Progress *progress.Line        // nil: none
}

// Build makes the index. The error is a *report.Failure where the call is at
// fault, or says what is wrong with which source.
func Build(ctx context.Context, o Options) (*knownfile.Index, error) {
	if err := o.Only.Check(); err != nil {
		return nil, report.UsageFailure("patterns are those of shells: * ? [a-z], and DIRECTORY/ for all below", "--only: %v", err)
	}
	b := &build{o: o}
	for i, spec := range o.Sources {
		o.Progress.Text(fmt.Sprintf("source %d of %d: %s", i+1, len(o.Sources), spec))
		if err := b.source(ctx, parseSource(spec)); err != nil {
			return nil, err
		}
	}
	o.Progress.Clear()
	if b.builder.Len() == 0 {
		return nil, report.UsageFailure("--only may select nothing", "the sources hold no file to index")
	}
	return b.builder.Index()
}

// build is one making of an index.
type build struct {
	o       Options
	builder knownfile.Builder
}

// parseSource reads [TOOL[@VERSION]=]PATH. What exists under the whole name is a path.
func parseSource(spec string) toolrelease.Source {
	name, path, named := strings.Cut(spec, "=")
	if _, err := os.Stat(spec); !named || err == nil || strings.ContainsAny(name, `/\`) {
		return toolrelease.Source{Path: spec}
	}
	s := toolrelease.Source{Path: path}
	s.Tool, s.Version, _ = strings.Cut(name, "@")
	return s
}

func (b *build) source(ctx context.Context, s toolrelease.Source) error {
	info, err := os.Stat(s.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return report.UsageFailure("a source is [TOOL[@VERSION]=]PATH", "there is no %q", s.Path)
	case err != nil:
		return fmt.Errorf("reading a source: %w", err)
	case info.IsDir() && isRepository(s.Path):
		return b.repository(ctx, s)
	case info.Mode().IsRegular():
		if isIndex, err := b.index(s.Path); isIndex || err != nil {
			return err
		}
	}
	err = toolrelease.Read(ctx, s, b.o.Only, func(f toolrelease.File) error {
		return b.builder.Add(f.Tool, f.Version, f.Path, knownfile.Take(f.Path, f.Content))
	})
	if unnamed, ok := errors.AsType[*toolrelease.UnnamedError](err); ok {
		return report.UsageFailure("name them: TOOL@VERSION="+s.Path, "%v", unnamed)
	}
	return err
}

// index adds an index, if the file is one.
func (b *build) index(path string) (isIndex bool, err error) {
	x, err := ReadIndex(path)
	if errors.Is(err, errNoIndex) {
		return false, nil
	}
	if err != nil {
		return true, err
	}
	return true, b.builder.AddIndex(x)
}

var errNoIndex = errors.New("it is no index of countermark")

// ReadIndex reads an index file. The error says what is wrong with it.
func ReadIndex(path string) (*knownfile.Index, error) {
	// To open a FIFO would wait for a writer, and no signal would end it.
	if info, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("reading an index: %w", err)
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("reading %q: %w", path, errNoIndex)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading an index: %w", err)
	}
	defer f.Close()
	head := make([]byte, len(magic))
	if n, _ := io.ReadFull(f, head); string(head[:n]) != magic {
		return nil, fmt.Errorf("reading %q: %w", path, errNoIndex)
	}
	var data bytes.Buffer
	data.Write(head)
	if _, err := io.Copy(&data, io.LimitReader(f, knownfile.MaxFileBytes)); err != nil {
		return nil, fmt.Errorf("reading %q: %w", path, err)
	}
	x, err := knownfile.Parse(data.Bytes())
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", path, err)
	}
	return x, nil
}

// magic begins every version of the format.
const magic = "countermark-index "

// isRepository reports whether a folder is a clone or a bare repository.
func isRepository(path string) bool {
	for _, name := range []string{".git", "objects"} {
		if _, err := os.Stat(filepath.Join(path, name)); err == nil {
			return name == ".git" || isHead(path)
		}
	}
	return false
}

func isHead(path string) bool {
	_, err := os.Stat(filepath.Join(path, "HEAD"))
	return err == nil
}

// repository indexes a repository's tags, or the history of its branches.
func (b *build) repository(ctx context.Context, s toolrelease.Source) error {
	if s.Tool == "" {
		s.Tool = nameOfRepository(s.Path)
	}
	git, err := gitrepo.Find(ctx)
	if err != nil && ctx.Err() != nil {
		return err
	}
	if err != nil {
		return &report.Failure{Code: report.Usage, Detail: err.Error(), Hint: "install git 2.39 or newer"}
	}
	repo, err := git.OpenLocal(ctx, s.Path)
	if err != nil {
		return err
	}
	h := &history{build: b, repo: repo, tool: s.Tool, walked: make(map[digest.ObjectID]bool), last: make(map[string]folder), prints: make(map[blobName]knownfile.Fingerprint)}
	switch s.Version {
	case "", ByTag:
		err = h.tags(ctx)
	case ByDate:
		err = h.branches(ctx)
	default:
		err = report.UsageFailure("the version of a repository is "+ByTag+" or "+ByDate, "%s@%s: a repository holds many versions", s.Tool, s.Version)
	}
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("reading the repository %q: %w", s.Path, err)
	}
	return errors.Join(err, repo.Close())
}

// nameOfRepository makes a tool's name of a repository's path: tool, tool.git,
// tool/.git, or "." in one of these.
func nameOfRepository(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		path = whole
	}
	if filepath.Base(path) == ".git" {
		path = filepath.Dir(path)
	}
	return nameOf(strings.TrimSuffix(filepath.Base(path), ".git"))
}

// Embedded returns the index that comes with the program.
func Embedded() (*knownfile.Index, error) { return knownfile.Parse(knownfile.Embedded()) }
