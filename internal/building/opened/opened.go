// Package opened finds out which files of the source the steps of a build open:
// those that are no text and changed since the last release, since a payload may
// lie in what nobody reads, and has to be read by the build to take effect. That a
// step opens one is told, and is no offence: whoever copies the source does.
package opened

import (
	"context"
	"errors"
	"io"
	"os"
	"unicode/utf8"

	"github.com/countermark/countermark/internal/building/source"
	"github.com/countermark/countermark/internal/gitrepo/refs"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/tree"
	"github.com/countermark/countermark/internal/worktree"
)

// headBytes of a file decide whether it is text.
const headBytes = 64 << 10

// MaxWatched is how many files are watched at most: the kernel keeps 16,384 events
// by default (inotify(7)), two for each.
const MaxWatched = 8000

// Suspects returns the files of the source, which lies in dir, that are no text and
// are not in the source of the last release on the built branch, at most MaxWatched;
// none if there is no such release, or the repository no longer has its source.
func Suspects(ctx context.Context, s *source.Source, dir string) ([]tree.Path, error) {
	last, err := lastSource(ctx, s)
	if r, ok := errors.AsType[*refusal.Refusal](err); ok && r.Rule == refusal.GitMissing {
		return nil, nil
	}
	if err != nil || last == nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	var found []tree.Path
	for _, e := range s.Tree.Entries() {
		old := last.Lookup(e.Path)
		if e.Kind != tree.File || old != nil && old.Kind == tree.File && old.IDs.In(s.Format()) == e.IDs.In(s.Format()) || len(found) == MaxWatched {
			continue
		}
		text, err := isText(root, &e)
		if err != nil {
			return nil, err
		}
		if !text {
			found = append(found, e.Path)
		}
	}
	return found, nil
}

// lastSource returns the tree of what the last release was built of, nil if there
// was none.
func lastSource(ctx context.Context, s *source.Source) (*tree.Tree, error) {
	branch, err := s.Recipe.BranchOf(s.Version)
	if err != nil {
		return nil, err
	}
	head, err := refs.ReadBuilt(ctx, s.Repo, branch)
	if err != nil || head.Built == nil {
		return nil, err
	}
	commit, err := s.Repo.Commit(ctx, head.Built.Source.Commit)
	if err != nil {
		return nil, err
	}
	t, err := s.Repo.Tree(ctx, commit.Tree)
	return &t, err
}

// isText reports whether a file begins with UTF-8 without a NUL character, and is not
// cut within a character but at headBytes.
func isText(root *os.Root, e *tree.Entry) (bool, error) {
	content, err := worktree.Open(root, e)
	if err != nil {
		return false, err
	}
	defer content.Close()
	head, err := io.ReadAll(io.LimitReader(content, headBytes))
	if err != nil {
		return false, err
	}
	if len(head) == headBytes {
		head = head[:len(head)-len(cutRune(head))]
	}
	for _, c := range head {
		if c == 0 {
			return false, nil
		}
	}
	return utf8.Valid(head), nil
}

// cutRune returns the bytes at the end that may be the beginning of a character.
func cutRune(text []byte) []byte {
	for n := 1; n <= min(len(text), utf8.UTFMax-1); n++ {
		if tail := text[len(text)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return nil
			}
			return tail
		}
	}
	return nil
}
