// Package escape is the one place where text that came from an input becomes
// output. Whatever a terminal, a log or a JSON reader could act upon (control
// characters, invalid UTF-8, characters that are invisible or that change the
// writing direction) is replaced by a backslash escape.
package escape

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Visible reports whether r may be shown as it is: printable in Unicode's
// sense (letters, marks, numbers, punctuation, symbols) or a plain space, and
// not one of the printable characters that look like nothing.
func Visible(r rune) bool {
	if r >= ' ' && r <= '~' {
		return true
	}
	switch r {
	case '\u2800', '\uFFFC', '\U0001D159', utf8.RuneError:
		return false // blank Braille, object replacement, null notehead; what stands for bytes that are no text
	}
	// Fillers, joiners without a glyph and variation selectors, which
	// Default_Ignorable_Code_Point (UAX #44) has beside the format characters.
	if unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector) {
		return false
	}
	return unicode.IsPrint(r)
}

// Text returns s with everything that is not Visible, and every backslash,
// written as an escape: \n, \x1b, \u202e. The result is one line.
func Text(s string) string { return escapeText(s, true) }

// Sentence returns s as Text does, but leaves backslashes alone: for sentences
// of ours in which foreign text is quoted and escaped already.
func Sentence(s string) string { return escapeText(s, false) }

func escapeText(s string, backslashes bool) string {
	if isPlain(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b.WriteString(`\x`)
			b.WriteString(strconv.FormatUint(uint64(s[i])|0x100, 16)[1:])
		case r == '\\' && backslashes:
			b.WriteString(`\\`)
		case Visible(r):
			b.WriteString(s[i : i+size])
		default:
			q := strconv.QuoteRuneToASCII(r)
			b.WriteString(q[1 : len(q)-1])
		}
		i += size
	}
	return b.String()
}

// Quote returns Text(s) between double quotes, with double quotes escaped.
func Quote(s string) string {
	return `"` + strings.ReplaceAll(Text(s), `"`, `\"`) + `"`
}

// JSON returns a JSON document in which every character that is not Visible,
// other than line feed, is written as \uXXXX, a byte that is no UTF-8 as
// \ufffd. In valid JSON such characters stand inside strings only, but for tab
// and carriage return, which stand outside only (RFC 8259, sections 2 and 7)
// and become spaces: the meaning stays the same.
func JSON(document []byte) []byte {
	out := make([]byte, 0, len(document))
	for i := 0; i < len(document); {
		r, size := utf8.DecodeRune(document[i:])
		switch {
		case r == '\t' || r == '\r':
			out = append(out, ' ')
		case r == '\n' || Visible(r):
			out = append(out, document[i:i+size]...)
		case r > 0xFFFF:
			// RFC 8259, section 7: a UTF-16 surrogate pair.
			out = appendUnit(out, 0xD800+(r-0x10000)>>10)
			out = appendUnit(out, 0xDC00+(r-0x10000)&0x3FF)
		default:
			out = appendUnit(out, r)
		}
		i += size
	}
	return out
}

func appendUnit(out []byte, unit rune) []byte {
	const digits = "0123456789abcdef"
	return append(out, '\\', 'u', digits[unit>>12&15], digits[unit>>8&15], digits[unit>>4&15], digits[unit&15])
}

func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '\\' {
			return false
		}
	}
	return true
}
