// Package version holds the patterns by which a policy names versions of
// releases (docs/spec/policy.md, "Exceptions").
package version

import (
	"strings"

	"github.com/countermark/countermark/internal/ascii"
	"github.com/countermark/countermark/internal/document"
)

// MaxPatternBytes is the length of the longest pattern: that of versions.
const MaxPatternBytes = 64

// Pattern names versions: "*" stands for any characters, also none, all others
// for themselves. It is made by ParsePattern; the zero value names none.
type Pattern struct{ text string }

// ParsePattern reads a pattern. The error is one sentence.
func ParsePattern(s string) (Pattern, error) {
	switch {
	case s == "" || len(s) > MaxPatternBytes || !ascii.IsOnly(s, ".+_-*"):
		return Pattern{}, document.Wrong("write the characters of versions, and * for any of them, as in *RC*",
			"the version pattern %s is not 1 to 64 letters, digits and \".+_-*\"", document.Excerpt(s))
	case strings.Contains(s, "**"):
		return Pattern{}, document.Wrong("one * is any run of characters", "the version pattern %s holds **", document.Excerpt(s))
	case s == "*":
		return Pattern{}, document.Wrong("what holds for every version is said in the quorums themselves", "the version pattern \"*\" names every version")
	}
	return Pattern{s}, nil
}

// String returns the pattern as the policy has it.
func (p Pattern) String() string { return p.text }

// Match reports whether the pattern names the version.
func (p Pattern) Match(version string) bool {
	parts := strings.Split(p.text, "*")
	first, last := parts[0], parts[len(parts)-1]
	if len(parts) == 1 {
		return p.text != "" && version == p.text
	}
	rest, ok := strings.CutPrefix(version, first)
	if !ok || !strings.HasSuffix(rest, last) {
		return false
	}
	rest = strings.TrimSuffix(rest, last)
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(rest, part)
		if !found {
			return false
		}
		rest = after
	}
	return true
}
