// Package packagelist is the list of the Debian packages that a root filesystem
// is made of. One line a package, as in
//
//	bison=2:3.8.2+dfsg-1+b2_amd64 8c9d...
//
// (name, version, architecture, and the SHA-256 of the .deb), the lines sorted
// by their bytes, no two of one name, each ended by a line feed. The SHA-256 of
// these bytes is the id of the environment: who has the list can make the same
// again from any place that has the packages.
package packagelist

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/ascii"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/document"
)

// Limits of a list.
const (
	MaxEntries   = 20_000 // Debian's desktop has 3,000
	MaxFileBytes = 8 << 20
	maxNameBytes = 128 // of a name, version or architecture
)

// Entry is one package.
type Entry struct {
	Name         string // Debian Policy 5.6.1
	Version      string // 5.6.12
	Architecture string // 5.6.8: that of the .deb, also "all"
	SHA256       digest.SHA256
}

// String returns the package without its digest, as in "make=4.3-4.1_amd64".
func (e Entry) String() string { return e.Name + "=" + e.Version + "_" + e.Architecture }

// List is a list of packages, made by New or Parse only.
type List struct{ entries []Entry }

// New returns the list of the packages. The error is one sentence: a package
// that no list can hold, a name that comes twice, none or too many.
func New(entries []Entry) (List, error) {
	l := List{slices.Clone(entries)}
	slices.SortFunc(l.entries, func(a, b Entry) int { return strings.Compare(a.line(), b.line()) })
	if len(entries) == 0 || len(entries) > MaxEntries {
		return List{}, fmt.Errorf("the list has %d packages, expected 1 to %d", len(entries), MaxEntries)
	}
	seen := map[string]bool{}
	for _, e := range l.entries {
		if err := e.check(); err != nil {
			return List{}, err
		}
		if seen[e.Name] {
			return List{}, fmt.Errorf("the package %s comes twice", document.Excerpt(e.Name))
		}
		seen[e.Name] = true
	}
	return l, nil
}

// Parse reads a list. The error is a *document.ParseError. What it accepts is
// what Marshal of the result gives.
func Parse(data []byte) (List, error) {
	const hint = "countermark makes these lists: take the one of the build's record"
	if len(data) > MaxFileBytes {
		return List{}, &document.ParseError{Line: 1, Detail: fmt.Sprintf("the list has %d bytes, at most %d are accepted", len(data), MaxFileBytes), Hint: hint}
	}
	var entries []Entry
	before, number := "", 0
	for line := range strings.Lines(string(data)) {
		number++
		e, err := parseLine(line)
		if err == nil && line <= before {
			err = fmt.Errorf("the line %s is out of order", document.Excerpt(line))
		}
		if err == nil && number > MaxEntries {
			err = fmt.Errorf("the list has more than %d packages", MaxEntries)
		}
		if err != nil {
			return List{}, &document.ParseError{Line: number, Detail: err.Error(), Hint: hint}
		}
		entries, before = append(entries, e), line
	}
	l, err := New(entries)
	if err != nil {
		return List{}, &document.ParseError{Line: max(1, number), Detail: err.Error(), Hint: hint}
	}
	return l, nil
}

func parseLine(line string) (Entry, error) {
	text, ended := strings.CutSuffix(line, "\n")
	what, sum, _ := strings.Cut(text, " ")
	name, rest, _ := strings.Cut(what, "=")
	version, architecture, _ := strings.Cut(rest, "_")
	d, err := digest.ParseSHA256(sum)
	e := Entry{name, version, architecture, d}
	if err != nil || !ended || e.line() != line {
		return e, fmt.Errorf("the line %s is not NAME=VERSION_ARCHITECTURE SHA256", document.Excerpt(line))
	}
	return e, e.check()
}

// check holds a package to the characters of Debian Policy.
func (e Entry) check() error {
	for _, part := range []struct{ what, text, others string }{
		{"name", e.Name, "+.-"}, {"version", e.Version, ".+~:-"}, {"architecture", e.Architecture, "-"},
	} {
		if part.text == "" || len(part.text) > maxNameBytes || !ascii.IsAlphanumeric(part.text[0]) || !ascii.IsOnly(part.text, part.others) {
			return fmt.Errorf("%s is no %s of a package", document.Excerpt(part.text), part.what)
		}
	}
	if e.SHA256.IsZero() {
		return fmt.Errorf("the package %s has no SHA-256", document.Excerpt(e.Name))
	}
	return nil
}

func (e Entry) line() string { return e.String() + " " + e.SHA256.String() + "\n" }

// Entries returns the packages in the order of the list.
func (l List) Entries() []Entry { return slices.Clone(l.entries) }

// Marshal returns the list's bytes.
func (l List) Marshal() []byte {
	var b []byte
	for _, e := range l.entries {
		b = append(b, e.line()...)
	}
	return b
}

// ID returns the SHA-256 of the list's bytes.
func (l List) ID() digest.SHA256 { return sha256.Sum256(l.Marshal()) }
