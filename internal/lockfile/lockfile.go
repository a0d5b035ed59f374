// Package lockfile reads and writes countermark.lock: what a project or a
// packager has settled about the releases of one upstream. It holds where the
// commits come from, how tags are named, what was verified last, and which
// differences between archive and commit somebody has looked at and accepted.
// The format is made for review as a diff: one fact a line, sorted, no choice
// of spelling, so that a lock file and its value determine each other byte for
// byte. It is specified in docs/spec/lock.md.
package lockfile

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/tree"
)

// Limits of a lock file (docs/spec/lock.md, "Limits").
const (
	MaxFileBytes       = 64 << 20 // a quarter of a million accepted differences with long paths
	MaxRepositoryBytes = 2048     // no server accepts longer URLs reliably (RFC 9110, section 4.1, asks for 8000)
	MaxVersionBytes    = 64
)

// Placeholder stands for the version in a tag pattern.
const Placeholder = "{version}"

// Class is a kind of accepted difference. The zero value is none.
type Class uint8

// The classes of difference that can be accepted. The others need no
// acceptance: what is identical, an exact filtered image, export-ignored, or a
// submodule left out.
const (
	Added        Class = iota + 1 // in the archive only
	Changed                       // other content or kind than the commit's
	FilteredRefs                  // an image whose text depends on refs
	Missing                       // in the commit only
	Mode                          // only the executable bit differs
	Special                       // a FIFO or device
)

var classNames = [...]string{Added: "added", Changed: "changed", FilteredRefs: "filtered-refs", Missing: "missing", Mode: "mode", Special: "special"}

// String returns the name of the class as the lock file writes it.
func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return ""
}

// Lock is the content of one lock file.
type Lock struct {
	Repository  string        // URL that tags and commits are fetched from, "" if not settled
	TagPattern  string        // short tag name with one Placeholder, "" if not settled
	Root        digest.SHA256 // SHA-256 of the version of the project's policy that is trusted, zero if none is
	TagKeys     []Key         // if any: one of them must sign the tag; sorted by Text, no Text twice
	ArchiveKeys []Key         // if any: one of them must sign the archive; the same
	Verified    *Verified     // nil before the first verification
	Accepted    []Accepted    // sorted by path, no path twice
	ToolFiles   []ToolFile    // sorted by path, no path twice
}

// Key is a public key by which a project signs.
type Key struct {
	Text        string // as publickey.Key writes it: what is compared
	Fingerprint string // as the key's own form writes it: for people, compared with nothing
}

// Verified is the release that was verified last. Its git ids are of one
// object format.
type Verified struct {
	Version string
	Ref     string          // full ref of the tag, "" if a commit was verified without one
	Tag     digest.ObjectID // the tag object, zero for a lightweight tag or none
	Commit  digest.ObjectID
	Tree    digest.ObjectID
	Archive digest.SHA256 // of the file as published
	Tar     digest.SHA256 // of the tar without compression, zero for a zip
}

// Accepted is one difference that somebody accepted: exactly this content,
// with this mode, at this path.
type Accepted struct {
	Class Class
	Blob  digest.ObjectID // the archive's content as a blob in git's SHA-256 format; zero for what has none
	Mode  uint32          // git's mode of the archive's entry; 0 for what has none
	Path  tree.Path
}

// ToolFile accepts a file that a tool ships, whichever of its versions it is: at
// Path, with this mode, under the base name by which the tool ships it, byte
// for byte as in some release of at least MinVersion. It says so of one path or,
// if Path ends in a slash, of every path directly in a directory.
type ToolFile struct {
	Class      Class // Added or Changed
	Tool       string
	MinVersion string
	Mode       uint32 // git's: 0o100644 or 0o100755
	Path       string // with a final slash for a directory; "/" for the top
}

// Covers reports whether t speaks of the path.
func (t ToolFile) Covers(p tree.Path) bool {
	dir, isDir := strings.CutSuffix(t.Path, "/")
	if isDir {
		return string(p.Dir()) == dir
	}
	return string(p) == t.Path
}

// ParseError says which line of a lock file breaks which rule.
type ParseError struct {
	Line   int    // counted from 1
	Detail string // one sentence without full stop, safe to print
}

// Error returns "line N: " and the sentence.
func (e *ParseError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Detail) }

// Marshal returns the lock file, its accepted differences sorted by path. The
// error says what could not be read back: a value outside the format, or a
// path twice.
func (l *Lock) Marshal() ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\nrepository %s\ntag %s\nroot %s\n", header, orDash(l.Repository), orDash(l.TagPattern), sumOrDash(l.Root))
	tagKeys, archiveKeys := sortedKeys(l.TagKeys), sortedKeys(l.ArchiveKeys)
	for _, k := range tagKeys {
		fmt.Fprintf(&b, "%s%s %s\n", tagKeyword, k.Text, k.Fingerprint)
	}
	for _, k := range archiveKeys {
		fmt.Fprintf(&b, "%s%s %s\n", archiveKeyword, k.Text, k.Fingerprint)
	}
	if v := l.Verified; v == nil {
		b.WriteString("verified -\n")
	} else {
		fmt.Fprintf(&b, "verified %s\nverified-ref %s\nverified-tag %s\nverified-commit %s\nverified-tree %s\nverified-archive %s\nverified-tar %s\n",
			v.Version, orDash(v.Ref), orDash(v.Tag.String()), v.Commit, v.Tree, v.Archive, sumOrDash(v.Tar))
	}
	accepted := slices.Clone(l.Accepted)
	slices.SortFunc(accepted, func(a, b Accepted) int { return strings.Compare(string(a.Path), string(b.Path)) })
	for _, a := range accepted {
		fmt.Fprintf(&b, "accept %s %s %s %s\n", a.Class, orDash(a.Blob.String()), modeOrDash(a.Mode), a.Path)
	}
	toolFiles := slices.Clone(l.ToolFiles)
	slices.SortFunc(toolFiles, func(a, b ToolFile) int { return strings.Compare(a.Path, b.Path) })
	for _, t := range toolFiles {
		fmt.Fprintf(&b, "accept-tool-file %s %s %s %06o %s\n", t.Class, t.Tool, t.MinVersion, t.Mode, t.Path)
	}
	back, err := Parse(b.Bytes())
	if err != nil {
		return nil, fmt.Errorf("writing lock file: %v", err)
	}
	sorted := *l
	sorted.TagKeys, sorted.ArchiveKeys, sorted.Accepted, sorted.ToolFiles = tagKeys, archiveKeys, accepted, toolFiles
	if !back.says(&sorted) {
		return nil, errors.New("writing lock file: a value holds a line end")
	}
	return b.Bytes(), nil
}

// says reports whether l says what other does.
func (l *Lock) says(other *Lock) bool {
	if (l.Verified == nil) != (other.Verified == nil) || l.Verified != nil && *l.Verified != *other.Verified {
		return false
	}
	return l.Repository == other.Repository && l.TagPattern == other.TagPattern && l.Root == other.Root &&
		slices.Equal(l.TagKeys, other.TagKeys) && slices.Equal(l.ArchiveKeys, other.ArchiveKeys) &&
		slices.Equal(l.Accepted, other.Accepted) && slices.Equal(l.ToolFiles, other.ToolFiles)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func sumOrDash(d digest.SHA256) string {
	if d.IsZero() {
		return "-"
	}
	return d.String()
}

func modeOrDash(mode uint32) string {
	if mode == 0 {
		return "-"
	}
	return fmt.Sprintf("%06o", mode)
}
