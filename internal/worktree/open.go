package worktree

import (
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/countermark/countermark/internal/tree"
)

// Open opens the content of a file, or a link's target, in a folder that Read has
// read. Files are not hashed again here.
func Open(root *os.Root, e *tree.Entry) (io.ReadCloser, error) {
	name := filepath.FromSlash(string(e.Path))
	if e.Kind != tree.Symlink {
		return root.Open(name)
	}
	target, err := root.Readlink(name)
	return io.NopCloser(strings.NewReader(target)), err
}
