// Package document reads the TOML documents that people write for countermark,
// strictly: each value is asked for by its key and type, a key that nobody asks
// for is an error, and an error has the line of what it speaks of and a hint
// what to do. Which keys there are is said by the packages that use this one;
// the first of what is wrong is kept, so that they need not look after each value.
//
// A place says where in the document a value stands: see KeyPlace.
package document

import (
	"fmt"

	"github.com/countermark/countermark/internal/escape"
)

// MaxDepth is how many keys, tables and array indices may lead to a value: a
// recipe needs six, as in environment.tool[0].build[0][0].
const MaxDepth = 16

// ParseError says which line of a document breaks which rule, and what to do.
type ParseError struct {
	Line   int    // counted from 1
	Detail string // one sentence without full stop, safe to print
	Hint   string // one sentence without full stop, safe to print
}

// Error returns "line N: " and the sentence, without the hint.
func (e *ParseError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Detail) }

// problem is what is wrong with a value, before its line is known.
type problem struct{ detail, hint string }

func (p *problem) Error() string { return p.detail }

// Wrong makes an error that has a hint, and gets a line by Fail. Foreign text
// among the arguments is quoted already: see Excerpt.
func Wrong(hint, format string, args ...any) error {
	return &problem{detail: fmt.Sprintf(format, args...), hint: hint}
}

// Excerpt quotes foreign text for a message, cut to a readable length.
func Excerpt(s string) string {
	const most = 80
	if len(s) > most {
		return escape.Quote(s[:most]) + "…"
	}
	return escape.Quote(s)
}
