// Package collection keeps statements in a plain folder, so that a project can
// collect them by pull request, without anybody's right to push refs:
//
//	VERSION/PARTY/KIND-DIGEST.intoto.jsonl
//
// Each file holds one entry (package entry), under the name that its content
// gives it; PARTY is the folder of whoever hands it in, a claim. Other files may
// lie at the top alone: a README, .gitattributes. Statements are added, never
// changed or removed.
//
// docs/spec/ledger.md, "In a plain folder", specifies it.
package collection

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/entry"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/refusal"
)

// Limits of one collection.
const (
	MaxFiles      = 20_000    // of all releases, as in a git repository's ledger
	MaxTotalBytes = 512 << 20 // of all files
)

// Found is one entry, and where it lies.
type Found struct {
	Path  string // below the folder, with slashes
	Party string // whose folder it lies in: a claim
	Entry entry.Entry
}

// Problem is something in a collection that is none of it, and why.
type Problem struct {
	Path    string // below the folder, with slashes; hostile: shown only through package escape
	Refusal *refusal.Refusal
}

// Contents is what a collection holds.
type Contents struct {
	Found    []Found   // in the order of their paths
	Problems []Problem // in the order of their paths
}

// Read reads a whole collection. Symbolic links are not followed. What is no
// entry in its place is a problem (LEDGER_NAME, LEDGER_ENTRY or what entry.New
// says); the error, that the folder cannot be read, or is beyond the limits of a
// collection (LEDGER_ENTRY).
func Read(dir string) (Contents, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return Contents{}, fmt.Errorf("opening the folder of statements: %w", err)
	}
	defer root.Close() //nolint:errcheck // only read
	r := &reader{root: root, at: map[string]string{}}
	if err := fs.WalkDir(root.FS(), ".", r.visit); err != nil {
		return Contents{}, fmt.Errorf("reading the folder of statements %q: %w", dir, err)
	}
	return r.contents, nil
}

// reader is a reading under way.
type reader struct {
	root     *os.Root
	contents Contents
	files    int
	bytes    int64
	at       map[string]string // digest of an entry: where it lies
}

func (r *reader) visit(name string, d fs.DirEntry, err error) error {
	if err != nil {
		return err
	}
	depth := strings.Count(name, "/")
	switch {
	case name == ".":
		return nil
	case depth == 0 && strings.HasPrefix(name, "."), depth == 0 && d.Type().IsRegular():
		if d.IsDir() {
			return fs.SkipDir // .git, .github
		}
		return nil
	case d.IsDir():
		if err := checkFolder(name, depth); err != nil {
			r.problem(name, err)
			return fs.SkipDir
		}
		return nil
	}
	if r.files++; r.files > MaxFiles {
		return refusal.New(refusal.LedgerEntry, "the folder holds more than %d files", MaxFiles)
	}
	if err := r.file(name, d); err != nil {
		if _, refused := errors.AsType[*refusal.Refusal](err); !refused {
			return err
		}
		r.problem(name, err)
	}
	if r.bytes > MaxTotalBytes {
		return refusal.New(refusal.LedgerEntry, "the folder's files have more than %d bytes", MaxTotalBytes)
	}
	return nil
}

// checkFolder holds a folder's name to what it should be at its depth.
func checkFolder(name string, depth int) error {
	base := path.Base(name)
	switch depth {
	case 0:
		if _, err := recipe.ParseVersion(base); err != nil {
			return refusal.New(refusal.LedgerName, "%v", err)
		}
		return nil
	case 1:
		if err := entry.CheckParty(base); err != nil {
			return refusal.New(refusal.LedgerName, "%v", err)
		}
		return nil
	}
	return refusal.New(refusal.LedgerName, "no folder belongs below that of a party")
}

// file reads one file below a version's folder.
func (r *reader) file(name string, d fs.DirEntry) error {
	parts := strings.Split(name, "/")
	if !d.Type().IsRegular() {
		return refusal.New(refusal.LedgerEntry, "it is no regular file")
	}
	if len(parts) != 3 {
		return refusal.New(refusal.LedgerName, "a statement lies at VERSION/PARTY/KIND-DIGEST%s", entry.Extension)
	}
	content, err := r.read(name)
	if err != nil {
		return err
	}
	e, err := entry.New(content)
	switch {
	case err != nil:
		return err
	case e.FileName() != parts[2]:
		return refusal.New(refusal.LedgerName, "by its content its name is %s: it was put there under a wrong name, or changed", e.FileName())
	case e.Place().Version != parts[0]:
		return refusal.New(refusal.LedgerName, "the statement is on version %s", e.Place().Version)
	case r.at[e.Digest.String()] != "":
		return refusal.New(refusal.LedgerName, "the same statement, with the same signature, lies at %s", r.at[e.Digest.String()])
	}
	r.at[e.Digest.String()] = name
	r.contents.Found = append(r.contents.Found, Found{name, parts[1], e})
	return nil
}

// read reads a file of at most entry.MaxBytes.
func (r *reader) read(name string) ([]byte, error) {
	f, err := r.root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the file
	}
	defer f.Close() //nolint:errcheck // only read
	content, err := io.ReadAll(io.LimitReader(f, entry.MaxBytes+1))
	r.bytes += int64(len(content))
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", name, err)
	}
	return content, nil
}

func (r *reader) problem(name string, err error) {
	refused, _ := errors.AsType[*refusal.Refusal](err)
	r.contents.Problems = append(r.contents.Problems, Problem{name, refused})
}

// Lost says what an earlier state of a collection held that the present one does
// not: what a pull request must not take away. The rule is LEDGER_LOST.
func Lost(before, now Contents) []Problem {
	var lost []Problem
	for _, f := range before.Found {
		same := func(g Found) bool { return g.Path == f.Path && g.Entry.Digest == f.Entry.Digest }
		if !slices.ContainsFunc(now.Found, same) {
			lost = append(lost, Problem{f.Path, refusal.New(refusal.LedgerLost, "the statement was there before: statements are added, never changed, moved or removed")})
		}
	}
	return lost
}

// Adding is one entry to be added.
type Adding struct {
	Dir   string // the collection
	Party string // whose folder it goes into
	Entry entry.Entry
	Write func(path string, data []byte) error // writes a file whole, as durable.WriteFile does
}

// Add writes an entry into its place, and makes the folders that it needs. It
// returns the path below the collection, with slashes, and whether it was not
// there yet; doing it twice does no harm. The error is that of the file system, or
// says that something else lies there.
func Add(a Adding) (where string, added bool, err error) {
	if err := entry.CheckParty(a.Party); err != nil {
		return "", false, err
	}
	where = path.Join(a.Entry.Place().Version, a.Party, a.Entry.FileName())
	to := filepath.Join(a.Dir, filepath.FromSlash(where))
	for _, part := range []string{path.Dir(path.Dir(where)), path.Dir(where), where} { // a link would lead out of a folder that others wrote
		if info, err := os.Lstat(filepath.Join(a.Dir, filepath.FromSlash(part))); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return where, false, fmt.Errorf("adding a statement: %q is a symbolic link, and none is followed", part)
		}
	}
	there, err := os.ReadFile(to)
	switch {
	case err == nil && bytes.Equal(there, a.Entry.Content):
		return where, false, nil
	case err == nil:
		return where, false, fmt.Errorf("adding a statement: %q is there, and is not what its name says; nothing is ever replaced", to)
	case !errors.Is(err, os.ErrNotExist):
		return where, false, fmt.Errorf("adding a statement: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return where, false, fmt.Errorf("adding a statement: %w", err)
	}
	if err := a.Write(to, a.Entry.Content); err != nil {
		return where, false, fmt.Errorf("adding a statement: %w", err)
	}
	return where, true, nil
}
