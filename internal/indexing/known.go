package indexing

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"path"
	"path/filepath"
	"strings"

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
	for _, file := range indexes {
		x, err := ReadIndex(file)
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

// Closest returns that file from the sources of known files, of those with the
// given base name, from which the fewest lines of the content differ; its text
// is nil if there is none.
func Closest(ctx context.Context, known []string, name string, content []byte) (closest toolrelease.File, err error) {
	lines := make(map[string]int)
	for line := range bytes.Lines(content) {
		lines[string(line)]++
	}
	least := -1
	err = eachKnown(ctx, known, func(f toolrelease.File) error {
		if path.Base(f.Path) != name {
			return nil
		}
		if n := differing(lines, f.Content); least < 0 || n < least {
			least, closest = n, f
			closest.Content = bytes.Clone(f.Content)
		}
		return nil
	})
	return closest, err
}

// differing returns how many lines are in one text only, each as often as it
// occurs; of one text the lines are counted already.
func differing(lines map[string]int, text []byte) int {
	left := maps.Clone(lines)
	for line := range bytes.Lines(text) {
		left[string(line)]--
	}
	n := 0
	for _, count := range left {
		n += max(count, -count)
	}
	return n
}

// eachKnown calls each for the files of the sources of known files: of an
// archive, a package or a folder named NAME-VERSION themselves, of another
// folder those of such sources directly in it, and its own.
func eachKnown(ctx context.Context, known []string, each func(toolrelease.File) error) error {
	for _, from := range known {
		sources, err := sourcesIn(from)
		if err != nil {
			return err
		}
		for _, s := range sources {
			err := toolrelease.Read(ctx, s, nil, each)
			if _, unnamed := errors.AsType[*toolrelease.UnnamedError](err); unnamed {
				return report.UsageFailure("rename it to NAME-VERSION", "--known: %v", err)
			}
			if err != nil { // no refusal of the archive that is verified
				return report.UsageFailure("", "--known: %v", err)
			}
		}
	}
	return nil
}

func sourcesIn(from string) ([]toolrelease.Source, error) {
	info, err := os.Stat(from)
	if err != nil {
		return nil, report.UsageFailure("--known takes a folder, an archive or a Debian package of a tool", "--known: %v", err)
	}
	whole, err := filepath.Abs(from) // "." has no name
	if err != nil {
		return nil, report.UsageFailure("", "--known: %v", err)
	}
	base := filepath.Base(whole)
	if _, ok := toolrelease.OfFolder(base); !info.IsDir() || ok {
		return []toolrelease.Source{{Path: whole}}, nil
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return nil, report.UsageFailure("", "--known: %v", err)
	}
	sources := []toolrelease.Source{}
	for _, e := range entries {
		if isRelease(e) {
			sources = append(sources, toolrelease.Source{Path: filepath.Join(from, e.Name())})
		}
	}
	own := toolrelease.Source{Path: from, Release: toolrelease.Release{Tool: nameOf(base), Version: "local"}}
	return append(sources, own), nil
}

// isRelease reports whether what lies in a folder is named as a tool's release
// is. A zip is none that could be read.
func isRelease(e os.DirEntry) bool {
	if e.IsDir() {
		_, ok := toolrelease.OfFolder(e.Name())
		return ok
	}
	tool, _, ok := revision.VersionOfName(e.Name())
	return ok && tool != "" && !strings.HasSuffix(e.Name(), ".zip") || strings.HasSuffix(e.Name(), ".deb")
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
