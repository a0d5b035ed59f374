package worktree

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/countermark/countermark/internal/tree"
)

// Open opens the content of a file, or a link's target, in a folder that Read has
// read. Files are not hashed again here. What is no file any more is an error, and
// is not waited for.
func Open(root *os.Root, e *tree.Entry) (io.ReadCloser, error) {
	name := filepath.FromSlash(string(e.Path))
	if e.Kind != tree.Symlink {
		if info, err := root.Lstat(name); err != nil || !info.Mode().IsRegular() {
			return nil, cmp.Or(err, fmt.Errorf("%q is no file any more", e.Path))
		}
		return root.OpenFile(name, os.O_RDONLY|nonblocking, 0)
	}
	target, err := root.Readlink(name)
	return io.NopCloser(strings.NewReader(target)), err
}
