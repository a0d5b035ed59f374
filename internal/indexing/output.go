package indexing

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/knownfile"
	"github.com/countermark/countermark/internal/toolrelease"
)

// Describe says in words where the content of a file was shipped, or which
// known file it is most like; known reports whether it was shipped as it is.
func Describe(x *knownfile.Index, path string) (text string, known bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", false, fmt.Errorf("reading the file: %w", err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, toolrelease.MaxFileBytes+1))
	switch {
	case err != nil:
		return "", false, fmt.Errorf("reading the file: %w", err)
	case len(content) > toolrelease.MaxFileBytes:
		return "", false, fmt.Errorf("reading %q: it has more than %d bytes", path, toolrelease.MaxFileBytes)
	}
	name := filepath.Base(path)
	fingerprint := knownfile.Take(name, content)
	var b strings.Builder
	for _, o := range x.Find(fingerprint.SHA256) {
		fmt.Fprintf(&b, "%s %s: %s\n", escape.Text(o.Tool), escape.Text(o.Versions()), escape.Text(o.Path))
	}
	if b.Len() > 0 {
		return b.String(), true, nil
	}
	m, ok := x.Nearest(name, fingerprint)
	if !ok {
		m, ok = x.NearestOfAnyName(name, fingerprint)
	}
	if ok {
		return fmt.Sprintf("not known; most like %s %s: %s (SHA-256 %v)\n", escape.Text(m.Tool), escape.Text(m.Versions()), escape.Text(m.Path), m.SHA256), false, nil
	}
	return "not known, and like no known file\n", false, nil
}
