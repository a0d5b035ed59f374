// Package rootfile reads and writes the files by which a machine knows the roots
// of trust of projects: an administrator or a distribution installs one for each
// project whose releases must be vouched for. It is five lines, and the only
// spelling of its value:
//
//	countermark-root 1
//	project https://git.example.org/hello
//	archive hello-{version}
//	root 0a1b… (64 lower-case hexadecimal digits)
//
// The archive line says which archives are the project's, by their names without
// extensions: else a project whose root is installed could vouch for an archive
// under another project's name. docs/spec/release.md, "Installed roots",
// specifies it.
package rootfile

import (
	"fmt"
	"strings"

	"github.com/countermark/countermark/internal/ascii"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/escape"
)

// Limits of a root file.
const (
	MaxBytes     = 4096
	maxNameBytes = 255 // of a file's name, on every file system of today
)

// Extension ends the names of root files.
const Extension = ".root"

const (
	header      = "countermark-root 1"
	placeholder = "{version}"
	maxVersion  = 64 // bytes, as in recipes
)

// Root is one project's root of trust.
type Root struct {
	Project string // URL, as its policies have it
	Archive string // name of an archive without its extensions, with {version} once
	Root    digest.SHA256
}

// Parse reads a root file. The error names the line and the rule.
func Parse(data []byte) (Root, error) {
	var r Root
	lines := strings.Split(string(data), "\n")
	if len(data) > MaxBytes || len(lines) != 5 || lines[4] != "" {
		return r, fmt.Errorf("a root file has four lines, each ended by a line feed, and at most %d bytes", MaxBytes)
	}
	if lines[0] != header {
		return r, fmt.Errorf("line 1: expected %q", header)
	}
	var fields [3]string
	for i, key := range []string{"project ", "archive ", "root "} {
		value, found := strings.CutPrefix(lines[i+1], key)
		if !found {
			return r, fmt.Errorf("line %d: expected %q and a value", i+2, key)
		}
		fields[i] = value
	}
	r.Project, r.Archive = fields[0], fields[1]
	var err error
	if r.Root, err = digest.ParseSHA256(fields[2]); err != nil {
		return Root{}, fmt.Errorf("line 4: %w", err)
	}
	if problem := r.problem(); problem != "" {
		return Root{}, fmt.Errorf("%s", problem)
	}
	return r, nil
}

// problem says what no root file holds, "" if all is well.
func (r Root) problem() string {
	name := strings.Replace(r.Archive, placeholder, "", 1)
	switch {
	case r.Project == "" || strings.ContainsFunc(r.Project, func(c rune) bool { return c == ' ' || !escape.Visible(c) }):
		return "line 2: the project is empty, or has characters that no URL has"
	case !strings.Contains(r.Archive, placeholder) || name == "" || len(r.Archive) > maxNameBytes || !ascii.IsOnly(name, ".+_-"):
		return "line 3: the archive is no name of letters, digits and \".+_-\" with " + placeholder + " once"
	case r.Root.IsZero():
		return "line 4: the root is no digest"
	}
	return ""
}

// Encode writes a root file.
func (r Root) Encode() []byte {
	return fmt.Appendf(nil, "%s\nproject %s\narchive %s\nroot %v\n", header, r.Project, r.Archive, r.Root)
}

// Names reports whether an archive of the base name, with or without extensions,
// is one of the project's.
func (r Root) Names(base string) bool {
	before, after, _ := strings.Cut(r.Archive, placeholder)
	for i := len(base); i >= 0; i-- {
		if i < len(base) && base[i] != '.' {
			continue
		}
		rest, found := strings.CutPrefix(base[:i], before)
		version, ends := strings.CutSuffix(rest, after)
		if found && ends && version != "" && len(version) <= maxVersion && ascii.IsAlphanumeric(version[0]) && ascii.IsOnly(version, ".+_-") {
			return true
		}
	}
	return false
}

// Narrower reports whether r holds for fewer archives than another, and for none
// that the other does not hold for: "hello-extras-{version}" than "hello-{version}".
func (r Root) Narrower(other Root) bool {
	before, after, _ := strings.Cut(r.Archive, placeholder)
	otherBefore, otherAfter, _ := strings.Cut(other.Archive, placeholder)
	return r.Archive != other.Archive && strings.HasPrefix(before, otherBefore) && strings.HasSuffix(after, otherAfter)
}
