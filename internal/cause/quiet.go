package cause

import (
	"regexp"

	"github.com/countermark/countermark/internal/comment"
)

// replaceQuiet replaces what an expression finds in the quiet part of a line. A
// line that the one before goes on in has none.
func (t *text) replaceQuiet(side int, l line, what *regexp.Regexp) string {
	if before := l.number - 2; before >= 0 && comment.GoesOn(t.lines[side][before]) {
		return l.text
	}
	if len(l.text) > maxLineBytes {
		return l.text
	}
	from, to := comment.Quiet(t.name, l.text)
	if to == 0 {
		return l.text
	}
	return l.text[:from] + what.ReplaceAllLiteralString(l.text[from:to], taken) + l.text[to:]
}

// replaceLoud replaces what an expression finds anywhere in a line.
func replaceLoud(l line, what *regexp.Regexp) string {
	if len(l.text) > maxLineBytes {
		return l.text
	}
	return what.ReplaceAllLiteralString(l.text, taken)
}
