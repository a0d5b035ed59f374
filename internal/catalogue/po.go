package catalogue

import (
	"bytes"
	"fmt"
	"strconv"
)

// ParsePO reads a PO file as GNU msgfmt does: comments, flags, contexts,
// plural forms, previous ("#|") and obsolete ("#~") entries, lines that end in
// LF or CR LF. It refuses what msgfmt's grammar refuses, and moreover what its
// versions or other programs read differently: NUL bytes, domain directives,
// escapes for NUL or beyond one byte, lines continued by a backslash outside
// comments, flags of one message on lines that contradict each other, and
// non-ASCII text in a character set that hides ASCII bytes in its characters.
// Strings stay bytes of the file's character set; msgfmt's checks of what they
// say (valid characters, line ends, formats) are not made. The error is a
// *ParseError.
func ParsePO(data []byte) (*Catalogue, error) {
	if len(data) > MaxFileBytes {
		return nil, &ParseError{Line: 1, Detail: fmt.Sprintf("the file has %d bytes, at most %d are accepted", len(data), MaxFileBytes)}
	}
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return nil, &ParseError{Line: lineAt(data, i), Detail: "a NUL byte, which ends strings in msgfmt"}
	}
	p := poParser{lexer: lexer{data: data, line: 1}, text: make([]byte, 0, len(data))}
	p.next()
	for p.err == nil && p.token != endOfFile {
		if p.token == comment {
			p.flags()
			p.next()
		} else {
			p.message()
		}
	}
	if p.err != nil {
		return nil, p.err
	}
	c, twice := newCatalogue(p.messages)
	if twice != nil {
		return nil, &ParseError{Line: lineAt(data, twice.place), Detail: fmt.Sprintf("the message %s is defined twice", excerpt(twice.id))}
	}
	if header, found := c.header(); found && hidesASCII(charset(header)) && !isASCII(data) {
		return nil, &ParseError{Line: lineAt(data, c.messages[0].place), Detail: fmt.Sprintf("the character set %s hides ASCII bytes in its characters, only ASCII text is accepted in it", excerpt([]byte(charset(header))))}
	}
	return c, nil
}

// poParser follows the grammar of gettext's po-gram-gen.y.
type poParser struct {
	lexer
	messages []message
	text     []byte // of all messages, their strings one after the other

	// The flags of the next message: the last line's, as msgfmt 0.21 takes
	// them, and all lines' together, as msgfmt 1.0 does.
	lastFlags, allFlags flags

	first int // line of the current message

	// The marks that all tokens of the current part must have.
	isObsolete, isPrevious bool
}

// flags are what matters of "#, fuzzy, c-format".
type flags struct {
	fuzzy  bool
	format bool // of C or Objective-C, where directives may depend on the system
}

// flags reads a comment that may hold flags (po_callback_comment_dispatcher
// and po_parse_comment_special in gettext's read-catalog-abstract.c).
func (p *poParser) flags() {
	if len(p.lexer.text) == 0 || bytes.IndexByte([]byte(",!="), p.lexer.text[0]) < 0 {
		return
	}
	line := flags{}
	before := ""
	for word := range bytes.FieldsFuncSeq(p.lexer.text[1:], func(r rune) bool { return r == ',' || r == ' ' || r >= '\t' && r <= '\r' }) {
		switch flag := string(word); {
		case before == "range:": // its value
		case flag == "fuzzy":
			line.fuzzy, p.allFlags.fuzzy = true, true
		case flag == "c-format", flag == "possible-c-format", flag == "objc-format", flag == "possible-objc-format":
			line.format, p.allFlags.format = true, true
		}
		before = string(word)
	}
	if p.lexer.text[0] != '=' { // msgfmt 0.21 takes "#=" for a comment
		p.lastFlags = line
	}
}

// message takes one message with the previous strings before it.
func (p *poParser) message() {
	m := message{place: p.pos}
	p.first = p.line
	p.isObsolete, p.isPrevious = p.obsolete, p.previous
	start := len(p.text)
	if p.isPrevious {
		p.identity()
		if p.token == msgidPlural {
			p.keyword(msgidPlural)
		}
		p.text, p.isPrevious = p.text[:start], false
	}
	p.identity()
	m.key = len(p.text) - start
	if p.token != msgidPlural {
		m.id = p.text[start:]
		p.keyword(msgstr)
	} else {
		p.text = append(p.text, 0)
		p.keyword(msgidPlural)
		m.id = p.text[start:]
		p.forms()
	}
	m.str = p.text[start+len(m.id):]
	p.classify(&m)
	p.lastFlags, p.allFlags = flags{}, flags{}
	switch {
	case p.err != nil:
	case m.isHeader() && len(m.id) > 0:
		p.refuse("the header entry has plural forms")
	case len(p.messages) == MaxMessages:
		p.refuse("more than %d messages", MaxMessages)
	default:
		p.messages = append(p.messages, m)
	}
}

// identity takes the context, if any, and the msgid.
func (p *poParser) identity() {
	if p.token == context {
		p.keyword(context)
		p.text = append(p.text, contextEnd)
	}
	p.keyword(msgid)
}

// keyword takes a keyword and its strings.
func (p *poParser) keyword(t token) {
	p.take(t)
	p.strings()
}

// forms takes the plural forms, numbered from 0.
func (p *poParser) forms() {
	for n := 0; p.err == nil && (n == 0 || p.token == msgstr); n++ {
		if n > 0 {
			p.text = append(p.text, 0)
		}
		p.take(msgstr)
		p.take(openBracket)
		if p.token == number && string(p.lexer.text) != strconv.Itoa(n) {
			p.fail("the plural form %s stands where %d is expected", excerpt(p.lexer.text), n)
		}
		p.take(number)
		p.take(closeBracket)
		p.strings()
	}
}

// strings takes one or more strings, which belong together.
func (p *poParser) strings() {
	for first := true; p.err == nil && (first || p.token == quoted); first = false {
		if p.token == quoted {
			p.unquote(p.lexer.text)
		}
		p.take(quoted)
	}
}

// take takes one token, which must be of this kind and carry the marks of the
// part that it is in.
func (p *poParser) take(t token) {
	switch {
	case p.err != nil:
	case p.token != t:
		p.fail("found %v, expected %v", p.token, t)
	case p.obsolete != p.isObsolete:
		p.fail(`one message has lines with and without "#~"`)
	case p.previous != p.isPrevious:
		p.fail(`a "#|" line stands within a message, or its strings have no such mark`)
	default:
		p.next()
	}
}

// classify settles what msgfmt does with the message.
func (p *poParser) classify(m *message) {
	last, all := p.lastFlags, p.allFlags
	switch {
	case p.isObsolete:
		m.kind = obsolete
	case last.fuzzy != all.fuzzy:
		p.refuse("the message's flags stand on several lines that disagree about fuzzy")
	case len(m.str) == 0 || m.str[0] == 0:
		m.kind = untranslated
	case all.fuzzy && !m.isHeader():
		m.kind = fuzzy
	}
	if all.format && !p.isObsolete && !m.isHeader() && (hasDirective(m.msgid()) || hasDirective(m.str)) {
		m.system = true
		if !last.format {
			p.refuse("the message's flags stand on several lines that disagree about c-format")
		}
	}
}

// refuse refuses the current message, at its first line.
func (p *poParser) refuse(format string, args ...any) {
	if p.err == nil {
		p.err = &ParseError{Line: p.first, Detail: fmt.Sprintf(format, args...)}
	}
}

// lineAt returns the line of the byte at a position.
func lineAt(data []byte, pos int) int { return 1 + bytes.Count(data[:pos], []byte("\n")) }
