package canonicaljson

import (
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/countermark/countermark/internal/refusal"
)

// Parse reads one JSON value and nothing else but white space around it. It
// refuses two members of one key, text that is not UTF-8 or holds half a
// surrogate pair, numbers that are no integers of at most MaxInteger or have
// another spelling than the shortest, and more than MaxDepth levels. How much
// text there may be is the caller's question; no more memory is used than
// a fixed multiple of it. The error is a *refusal.Refusal, JSON_FORMAT or
// JSON_LIMIT, with the offset.
func Parse(data []byte) (any, error) {
	p := &parser{data: data}
	value, err := p.value(0)
	if err != nil {
		return nil, err
	}
	p.skipSpace()
	if p.at < len(data) {
		return nil, p.wrong("the text goes on after its value")
	}
	return value, nil
}

// parser stands at one place of a text.
type parser struct {
	data []byte
	at   int
}

func (p *parser) wrong(format string, args ...any) error {
	return refusal.New(refusal.JSONFormat, "%s", clip(fmt.Sprintf(format, args...))).At(int64(p.at), "")
}

// skipSpace goes over white space (RFC 8259, section 2).
func (p *parser) skipSpace() {
	for p.at < len(p.data) {
		switch p.data[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

// accept goes over a character, after white space, if it is there.
func (p *parser) accept(c byte) bool {
	p.skipSpace()
	if p.at < len(p.data) && p.data[p.at] == c {
		p.at++
		return true
	}
	return false
}

// value reads a value that lies in depth others.
func (p *parser) value(depth int) (any, error) {
	if depth > MaxDepth {
		return nil, refusal.New(refusal.JSONLimit, "the values lie in one another more than %d levels deep", MaxDepth).At(int64(p.at), "")
	}
	p.skipSpace()
	if p.at == len(p.data) {
		return nil, p.wrong("the text ends where a value is expected")
	}
	switch c := p.data[p.at]; {
	case c == '{':
		return p.object(depth)
	case c == '[':
		return p.array(depth)
	case c == '"':
		return p.text()
	case c == '-' || c >= '0' && c <= '9':
		return p.integer()
	}
	for _, word := range []struct {
		text  string
		value any
	}{{"true", true}, {"false", false}, {"null", nil}} {
		if end := p.at + len(word.text); end <= len(p.data) && string(p.data[p.at:end]) == word.text {
			p.at = end
			return word.value, nil
		}
	}
	return nil, p.wrong("the byte %#02x begins no value", p.data[p.at])
}

func (p *parser) object(depth int) (any, error) {
	p.at++
	o := Object{}
	if p.accept('}') {
		return o, nil
	}
	for {
		p.skipSpace()
		if p.at == len(p.data) || p.data[p.at] != '"' {
			return nil, p.wrong("an object's key in quotation marks is expected")
		}
		start := p.at
		key, err := p.text()
		if err != nil {
			return nil, err
		}
		if _, twice := o[key]; twice {
			p.at = start
			return nil, p.wrong("the key %q is there twice", key)
		}
		if !p.accept(':') {
			return nil, p.wrong("a colon is expected after the key %q", key)
		}
		if o[key], err = p.value(depth + 1); err != nil {
			return nil, err
		}
		if p.accept('}') {
			return o, nil
		}
		if !p.accept(',') {
			return nil, p.wrong("a comma or the end of the object is expected")
		}
	}
}

func (p *parser) array(depth int) (any, error) {
	p.at++
	a := Array{}
	if p.accept(']') {
		return a, nil
	}
	for {
		element, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		a = append(a, element)
		if p.accept(']') {
			return a, nil
		}
		if !p.accept(',') {
			return nil, p.wrong("a comma or the end of the array is expected")
		}
	}
}

// integer reads a number: an optional minus sign and digits, none of them a
// needless zero.
func (p *parser) integer() (any, error) {
	start := p.at
	if p.data[p.at] == '-' {
		p.at++
	}
	for p.at < len(p.data) && p.data[p.at] >= '0' && p.data[p.at] <= '9' {
		p.at++
	}
	number := string(p.data[start:p.at])
	fraction := p.at < len(p.data) && (p.data[p.at] == '.' || p.data[p.at] == 'e' || p.data[p.at] == 'E')
	p.at = start
	if fraction {
		return nil, p.wrong("a number is no integer in plain digits, and no other is read")
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n > MaxInteger || n < -MaxInteger || strconv.FormatInt(n, 10) != number {
		return nil, p.wrong("a number is no integer from -%d to %d in its shortest spelling", int64(MaxInteger), int64(MaxInteger))
	}
	p.at += len(number)
	return n, nil
}

// text reads a string, whose first quotation mark is here.
func (p *parser) text() (string, error) {
	p.at++
	var b []byte
	for p.at < len(p.data) {
		c := p.data[p.at]
		switch {
		case c == '"':
			p.at++
			return string(b), nil
		case c == '\\':
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			b = utf8.AppendRune(b, r)
		case c < ' ':
			return "", p.wrong("a string holds the control character %#02x unescaped", c)
		case c < utf8.RuneSelf:
			b = append(b, c)
			p.at++
		default:
			r, size := utf8.DecodeRune(p.data[p.at:])
			if r == utf8.RuneError && size == 1 {
				return "", p.wrong("a string is not valid UTF-8")
			}
			b = append(b, p.data[p.at:p.at+size]...)
			p.at += size
		}
	}
	return "", p.wrong("the text ends inside a string")
}

// escape reads what a backslash begins: one character, which may take two
// escapes.
func (p *parser) escape() (rune, error) {
	if p.at+1 < len(p.data) {
		switch c := p.data[p.at+1]; c {
		case '"', '\\', '/':
			p.at += 2
			return rune(c), nil
		case 'b', 'f', 'n', 'r', 't':
			p.at += 2
			return map[byte]rune{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}[c], nil
		}
	}
	first, ok := p.unit(p.at)
	if !ok {
		return 0, p.wrong("a backslash begins no escape that JSON has")
	}
	if !utf16.IsSurrogate(first) {
		p.at += unitBytes
		return first, nil
	}
	second, _ := p.unit(p.at + unitBytes)
	r := utf16.DecodeRune(first, second)
	if r == utf8.RuneError {
		return 0, p.wrong("an escape is half a surrogate pair")
	}
	p.at += 2 * unitBytes
	return r, nil
}

const unitBytes = len(`\u0000`)

// unit reads the escape of one UTF-16 code unit at a place.
func (p *parser) unit(at int) (rune, bool) {
	if at+unitBytes > len(p.data) || p.data[at] != '\\' || p.data[at+1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range p.data[at+2 : at+unitBytes] {
		digit, err := strconv.ParseUint(string(c), 16, 8)
		if err != nil {
			return 0, false
		}
		r = r<<4 | rune(digit)
	}
	return r, true
}
