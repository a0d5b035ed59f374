// Package refusal holds the closed list of rules by which an input is refused,
// and the value that says which rule, where. A refused input gets no verdict:
// nothing is repaired, skipped or guessed.
//
// The rules of archives are specified in docs/spec/archive.md, those of git
// objects and refs in docs/spec/git.md.
package refusal

import (
	"fmt"

	"github.com/countermark/countermark/internal/escape"
)

// Unknown is the Offset of a refusal that has no place in a byte stream.
const Unknown = -1

// Refusal says which rule an input breaks. It is an error: returned by a
// parser, it means "no verdict". Callers may look for it with errors.As.
type Refusal struct {
	Rule   Rule
	Offset int64  // byte offset of the broken structure in the uncompressed archive (for Z_ and ZIP_ rules: in the file), or Unknown
	Member string // raw name of the member, tag or object concerned, or ""; hostile: shown only through package escape
	Detail string // one sentence without full stop: what was found, what was expected
}

// New returns a refusal without a place; the caller that knows one adds it.
func New(rule Rule, format string, args ...any) *Refusal {
	return &Refusal{Rule: rule, Offset: Unknown, Detail: fmt.Sprintf(format, args...)}
}

// At returns a copy of r with the given offset and member, keeping those that
// r already has.
func (r *Refusal) At(offset int64, member string) *Refusal {
	c := *r
	if c.Offset == Unknown {
		c.Offset = offset
	}
	if c.Member == "" {
		c.Member = member
	}
	return &c
}

// Error returns one line: rule, detail, member and offset, hostile text escaped.
func (r *Refusal) Error() string {
	s := string(r.Rule) + ": " + escape.Sentence(r.Detail)
	if r.Member != "" {
		s += ", in " + escape.Quote(r.Member)
	}
	if r.Offset != Unknown {
		s += fmt.Sprintf(", at byte %d", r.Offset)
	}
	return s
}
