package indexing

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/knownfile"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/revision"
	"github.com/countermark/countermark/internal/toolrelease"
)

// Load returns the index that comes with the program, with what the index files
// and the sources of known files add. The error is a *report.Failure where one
// of them cannot be read.
func Load(ctx context.Context, indexes, known []string) (*knownfile.Index, error) {
	embedded, err := Embedded()
	if err != nil || len(indexes)+len(known) == 0 {
		return embedded, err
	}
	var b knownfile.Builder
	if err := b.AddIndex(embedded); err != nil {
		return nil, err
	}
	for _, path := range indexes {
		x, err := ReadIndex(path)
		if err != nil {
			return nil, report.UsageFailure("countermark index build makes one", "--index: %v", err)
		}
		if err := b.AddIndex(x); err != nil {
			return nil, err
		}
	}
	err = eachKnown(ctx, known, func(f toolrelease.File) error {
		return b.Add(f.Tool, f.Version, f.Path, knownfile.Take(f.Path, f.Content))
	})
	if err != nil {
		return nil, err
	}
	return b.Index()
}

// Text returns the content with the given SHA-256 from the sources of known
// files, nil if none has it.
func Text(ctx context.Context, known []string, sum digest.SHA256) ([]byte, error) {
	var text []byte
	found := errors.New("found")
	err := eachKnown(ctx, known, func(f toolrelease.File) error {
		if sha256.Sum256(f.Content) != sum {
			return nil
		}
		text = bytes.Clone(f.Content)
		return found
	})
	if errors.Is(err, found) {
		err = nil
	}
	return text, err
}

// eachKnown calls each for the files of the sources of known files: of an
// archive, a package or a folder named NAME-VERSION themselves, of another
// folder those of such sources directly in it, and its own.
func eachKnown(ctx context.Context, known []string, each func(toolrelease.File) error) error {
	for _, path := range known {
		sources, err := sourcesIn(path)
		if err != nil {
			return err
		}
		for _, s := range sources {
			if err := toolrelease.Read(ctx, s, nil, each); err != nil {
				return fmt.Errorf("--known: %w", err)
			}
		}
	}
	return nil
}

func sourcesIn(path string) ([]toolrelease.Source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, report.UsageFailure("--known takes a folder, an archive or a Debian package of a tool", "--known: %v", err)
	}
	base := filepath.Base(filepath.Clean(path))
	if _, _, versioned := revision.VersionOfName(base + ".tar"); !info.IsDir() || versioned {
		return []toolrelease.Source{{Path: path}}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, fmt.Errorf("--known: %w", err)
	}
	own := toolrelease.Source{Path: path, Release: toolrelease.Release{Tool: nameOf(base), Version: "local"}}
	sources := []toolrelease.Source{}
	for _, e := range entries {
		name := e.Name()
		_, _, versioned := revision.VersionOfName(name)
		if !e.IsDir() && (versioned || strings.HasSuffix(name, ".deb")) {
			sources = append(sources, toolrelease.Source{Path: filepath.Join(path, name)})
		}
	}
	return append(sources, own), nil
}

// nameOf makes a tool's name of a folder's.
func nameOf(folder string) string {
	name := strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' || r == os.PathSeparator {
			return '-'
		}
		return r
	}, folder)
	return name[:min(len(name), 32)]
}
