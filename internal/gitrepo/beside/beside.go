// Package beside makes repositories of our own beside others: with all their objects
// and tags, so that something can be written which the others are not to have.
package beside

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/gitrepo/gitexec"
)

// Make makes a bare repository beside a local one, and returns its path, for
// gitrepo.OpenLocal. It has the other's tags and, as alternates, all its objects
// (gitrepository-layout(5)). It lasts until the other is closed.
func Make(ctx context.Context, r *gitrepo.Repository) (string, error) {
	tags, _, err := r.Tags(ctx)
	if err != nil {
		return "", err
	}
	a := r.Access()
	dir, err := os.MkdirTemp(a.Temp, "beside-")
	if err != nil {
		return "", fmt.Errorf("making a repository beside: %w", err)
	}
	if err := gitrepo.MakeBare(dir, r.Format()); err != nil {
		return "", err
	}
	var alternates, refs strings.Builder
	for _, objects := range a.Reader.Alternates {
		alternates.WriteString(gitexec.QuotePath(filepath.ToSlash(objects)) + "\n")
	}
	for _, tag := range tags { // in order, as git has them there
		fmt.Fprintf(&refs, "%v %s\n", tag.ID, tag.Name)
	}
	for name, content := range map[string]string{"objects/info/alternates": alternates.String(), "packed-refs": refs.String()} {
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), []byte(content), 0o600); err != nil {
			return "", fmt.Errorf("making a repository beside: %w", err)
		}
	}
	return dir, nil
}
