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
// not one of the blank letters that look like nothing.
func Visible(r rune) bool {
	switch r {
	case '\u115F', '\u1160', '\u3164', '\uFFA0', '\u2800', '\u034F', '\u17B4', '\u17B5', '\uFFFC':
		return false // Hangul fillers, blank Braille, joiners without a glyph
	case utf8.RuneError:
		return false
	}
	if r >= 0xFE00 && r <= 0xFE0F || r >= 0xE0100 && r <= 0xE01EF || r >= 0x180B && r <= 0x180F {
		return false // variation selectors
	}
	return unicode.IsPrint(r)
}

// Text returns s with everything that is not Visible, and every backslash,
// written as an escape: \n, \x1b, \u202e. The result is one line.
func Text(s string) string {
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
		case r == '\\':
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
// other than line feed and space, is written as \uXXXX. In valid JSON such
// characters stand inside strings only, so the meaning stays the same.
func JSON(document []byte) []byte {
	out := make([]byte, 0, len(document))
	for i := 0; i < len(document); {
		r, size := utf8.DecodeRune(document[i:])
		switch {
		case r == '\n' || r == ' ' || Visible(r):
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
