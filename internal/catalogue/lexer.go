package catalogue

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// token is a kind of token of a PO file.
type token uint8

const (
	endOfFile    token = iota
	comment            // "#" and the rest of the line; text is what follows "#"
	quoted             // text is what stands between the quotes
	number             // text is its digits
	openBracket        // "["
	closeBracket       // "]"
	context            // the keywords
	msgid
	msgidPlural
	msgstr
)

var tokenNames = [...]string{"the end of the file", "a comment", "a string", "a number", `"["`, `"]"`, "msgctxt", "msgid", "msgid_plural", "msgstr"}

// String returns the token as messages name it.
func (t token) String() string { return tokenNames[t] }

// lexer cuts a PO file into tokens as po_gram_lex in gettext's po-lex.c does.
// After the first error it stands still.
type lexer struct {
	data []byte
	pos  int // of what follows the token
	line int // of the token
	err  error

	// The token. The marks hold from "#~" or "#|" to the end of the line.
	token    token
	text     []byte
	obsolete bool
	previous bool
	newlines int // at the end of the token, counted when the next one is read
}

// fail keeps the first error, at the line of the token.
func (l *lexer) fail(format string, args ...any) {
	if l.err == nil {
		l.err = &ParseError{Line: l.line, Detail: fmt.Sprintf(format, args...)}
	}
}

// next reads the next token.
func (l *lexer) next() {
	l.line += l.newlines
	l.newlines, l.text = 0, nil
	for l.err == nil {
		if l.pos == len(l.data) {
			l.token, l.obsolete, l.previous = endOfFile, false, false
			return
		}
		c := l.data[l.pos]
		l.pos++
		switch c {
		case '\n':
			l.line++
			l.obsolete, l.previous = false, false
		case ' ', '\t', '\r', '\f', '\v':
		case '#':
			if !l.mark() {
				l.comment()
				return
			}
		case '"':
			l.quoted()
			return
		case '[':
			l.token = openBracket
			return
		case ']':
			l.token = closeBracket
			return
		default:
			l.pos--
			l.word()
			return
		}
	}
}

// mark takes what follows the "#" if it makes the rest of the line obsolete
// ("#~"), previous ("#|") or both ("#~|").
func (l *lexer) mark() bool {
	start := l.pos
	if bytes.HasPrefix(l.data[l.pos:], []byte("~")) {
		l.obsolete = true
		l.pos++
	}
	if bytes.HasPrefix(l.data[l.pos:], []byte("|")) {
		l.previous = true
		l.pos++
	}
	return l.pos > start
}

// comment takes the rest of the line. A backslash at its end takes the next
// line into the comment, as lex_getc does everywhere.
func (l *lexer) comment() {
	start := l.pos
	for more := true; more; {
		line, _, found := bytes.Cut(l.data[l.pos:], []byte("\n"))
		l.pos += len(line)
		if found {
			l.pos++
			l.newlines++
		}
		more = found && bytes.HasSuffix(line, []byte(`\`))
	}
	l.token, l.text = comment, l.data[start:l.pos]
	l.obsolete, l.previous = false, false
	if l.newlines > 1 && bytes.IndexByte([]byte(`\,!=`), l.text[0]) >= 0 {
		l.fail("a comment that may hold flags is continued by a backslash")
	}
}

// quoted takes a string up to its closing quote. Escapes stay as they are.
func (l *lexer) quoted() {
	rest := l.data[l.pos:]
	for n := 0; ; n++ {
		i := bytes.IndexByte(rest[n:], '"')
		if i < 0 || bytes.IndexByte(rest[n:n+i], '\n') >= 0 {
			l.fail("a string is not closed before the end of its line")
			return
		}
		n += i
		if backslashes := n - len(bytes.TrimRight(rest[:n], `\`)); backslashes%2 == 0 {
			l.token, l.text = quoted, rest[:n]
			l.pos += n + 1
			return
		}
	}
}

// word takes a keyword or a number.
func (l *lexer) word() {
	start := l.pos
	for l.pos < len(l.data) && isWord(l.data[l.pos]) {
		l.pos++
	}
	l.text = l.data[start:l.pos]
	switch string(l.text) {
	case "msgctxt", "msgid", "msgid_plural", "msgstr":
		l.token = token(slices.Index(tokenNames[:], string(l.text)))
	case "":
		l.fail("the byte 0x%02x stands outside a string", l.data[start])
	case "domain":
		l.fail("a domain directive: the file holds more than one catalogue")
	default:
		l.token = number
		if len(bytes.Trim(l.text, "0123456789")) > 0 {
			l.fail("the keyword %s is unknown", excerpt(l.text))
		}
	}
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '$'
}

// unquote adds the text between two quotes to the text of the messages, its
// escapes resolved (control_sequence in gettext's po-lex.c).
func (p *poParser) unquote(s []byte) {
	start := len(p.text)
	for p.err == nil {
		i := bytes.IndexByte(s, '\\')
		if i < 0 {
			p.text = append(p.text, s...)
			break
		}
		p.text = append(p.text, s[:i]...)
		c, rest := p.unescape(s[i+1:])
		p.text, s = append(p.text, c), rest
	}
	if bytes.IndexByte(p.text[start:], contextEnd) >= 0 {
		p.fail("a string holds the byte 0x04, which separates context and msgid in compiled catalogues")
	}
}

// unescape reads what follows a backslash. The lexer has seen to it that
// something does.
func (p *poParser) unescape(s []byte) (c byte, rest []byte) {
	const letters, meanings = `abfnrtv\"`, "\a\b\f\n\r\t\v\\\""
	i := strings.IndexByte(letters, s[0])
	switch {
	case i >= 0:
		return meanings[i], s[1:]
	case s[0] == 'x':
		return p.number(s[1:], 16)
	case digit(s[0]) < 8:
		return p.number(s, 8)
	}
	p.fail(`the escape \%s is unknown`, excerpt(s[:1]))
	return 0, nil
}

// number reads an octal escape of at most three digits or a hexadecimal one.
// msgfmt takes any number of hexadecimal digits and keeps the last byte, C
// does not: at most two are accepted.
func (p *poParser) number(s []byte, base int) (c byte, rest []byte) {
	n := 0
	for n < len(s) && n < 3 && digit(s[n]) < base {
		n++
	}
	value, err := strconv.ParseUint(string(s[:n]), base, 8)
	switch {
	case n == 0:
		p.fail(`the escape \x has no digits`)
	case err != nil || n == 3 && base == 16:
		p.fail("an escape stands for more than one byte")
	case value == 0:
		p.fail("an escape stands for a NUL byte, which ends strings in msgfmt")
	}
	return byte(value), s[n:]
}

// digit returns the value of a digit, 16 for what is none.
func digit(c byte) int {
	if i := bytes.IndexByte([]byte("0123456789abcdefABCDEF"), c); i >= 0 {
		return i - i/16*6
	}
	return 16
}
