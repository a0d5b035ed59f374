// Package difference shows in which lines two contents differ, as git sees it: two
// files of our own, outside of every repository, so that no attribute, driver or
// configuration has a say.
package difference

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/gitrepo/gitexec"
	"github.com/countermark/countermark/internal/refusal"
)

// maxDiffBytes bounds a diff; nobody reads more.
const maxDiffBytes = 1 << 20

// Lines returns the lines of a unified diff of two contents, from its first "@@"
// on; none if they are equal, and git's one line about it if one is binary. One
// that is longer than maxDiffBytes ends in a line that says so.
func Lines(ctx context.Context, r *gitrepo.Repository, before, after []byte) ([]string, error) {
	a := r.Access()
	dir := filepath.Join(a.Temp, "diff")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making a temporary folder: %w", err)
	}
	defer os.RemoveAll(dir)
	for name, content := range map[string][]byte{"before": before, "after": after} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return nil, fmt.Errorf("writing a temporary file: %w", err)
		}
	}
	out := &gitexec.Limited{Max: maxDiffBytes, What: "difference"}
	args := []string{"diff", "--no-index", "--no-ext-diff", "--no-textconv", "--no-color", "--diff-algorithm=histogram", "--unified=3"}
	if bytes.IndexByte(before, 0) < 0 {
		args = append(args, "--text") // one zero byte must not hide what else was done
	}
	err := a.Program.Run(ctx, gitexec.Call{
		Args:   append(args, "--", "before", "after"),
		GitDir: a.Reader.GitDir, Folder: dir, Stdout: out,
	})
	lines := out.Lines()
	failed, ran := errors.AsType[*gitexec.RunError](err)
	refused, limited := errors.AsType[*refusal.Refusal](err)
	switch {
	case err == nil, ran && failed.Status() == 1: // the two differ (git-diff(1), --exit-code)
	case limited && refused.Rule == refusal.GitLimit:
		lines = append(lines, "… the difference goes on")
	default:
		return nil, err
	}
	return withoutHeader(lines), nil
}

// withoutHeader takes off what git says before the first "@@", or before the one
// line about a binary file.
func withoutHeader(lines []string) []string {
	for i, line := range lines {
		if strings.HasPrefix(line, "@@") || strings.HasPrefix(line, "Binary files ") {
			return lines[i:]
		}
	}
	return nil
}
