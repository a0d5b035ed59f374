// Package difference is what two builds of one release differ in, path by path:
// why, looked for in the contents of both, and how that is shown.
package difference

import (
	"context"
	"io"
	"os"
	"path"

	"github.com/countermark/countermark/internal/cause"
	"github.com/countermark/countermark/internal/knownfile"
	"github.com/countermark/countermark/internal/reproduction"
	"github.com/countermark/countermark/internal/tree"
	"github.com/countermark/countermark/internal/worktree"
)

// Sides are two builds that were compared, and where their contents are had.
type Sides struct {
	Comparison *reproduction.Comparison
	Ours       *os.Root             // folder that holds what was built here
	Elsewhere  map[tree.Path]string // files that hold what of it is to be compared otherwise; may be nil

	// Theirs calls each with the content of every one of the paths that can be
	// had; the content is not kept.
	Theirs func(ctx context.Context, paths []tree.Path, each func(tree.Path, []byte) error) error

	Build cause.Build // what is known of the build here
}

// Explain looks for the causes of what differs, and gives them to the comparison.
func (s Sides) Explain(ctx context.Context) error {
	var paths []tree.Path
	at := make(map[tree.Path]*reproduction.Result)
	for r := range s.Comparison.Results() {
		if r.Class == reproduction.Differs && r.Ours.Kind == tree.File && r.Theirs.Kind == tree.File {
			paths = append(paths, r.Path)
			at[r.Path] = r
		}
	}
	if len(paths) == 0 {
		return nil
	}
	index, err := knownfile.Parse(knownfile.Embedded())
	if err != nil {
		return err
	}
	var failed error
	pairs := func(yield func(cause.Pair) bool) {
		failed = s.Theirs(ctx, paths, func(p tree.Path, theirs []byte) error {
			ours, err := s.ours(at[p].Ours)
			if err == nil && !yield(cause.Pair{Path: p, Ours: side(index, ours, at[p].Ours), Theirs: side(index, theirs, at[p].Theirs)}) {
				err = context.Canceled
			}
			return err
		})
	}
	found := cause.Explain(pairs, s.Build)
	if failed != nil {
		return failed
	}
	return s.Comparison.Explain(found)
}

// ours returns what was built here of a file.
func (s Sides) ours(e *tree.Entry) ([]byte, error) {
	name, elsewhere := s.Elsewhere[e.Path]
	if !elsewhere {
		return Read(s.Ours, e)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, cause.MaxFileBytes+1))
}

// Read returns the content of a file, and no more of it than shows that it is
// too large to be looked into.
func Read(root *os.Root, e *tree.Entry) ([]byte, error) {
	content, err := worktree.Open(root, e)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	return io.ReadAll(io.LimitReader(content, cause.MaxFileBytes+1))
}

func side(index *knownfile.Index, content []byte, e *tree.Entry) cause.File {
	name := path.Base(string(e.Path))
	f := cause.File{Content: append([]byte{}, content...), Perm: uint16(e.GitMode() & 0o777)}
	print := knownfile.Take(name, content)
	if f.Known = index.Find(print.SHA256); len(f.Known) == 0 {
		if m, ok := index.Nearest(name, print); ok {
			f.Nearest = &m
		}
	}
	return f
}
