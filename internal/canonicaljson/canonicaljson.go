// Package canonicaljson reads JSON (RFC 8259) strictly, and writes it in the one
// way of the JSON Canonicalization Scheme (RFC 8785), of which it leaves out what
// has led to two readings of one text: numbers are integers that every reader
// holds exactly (RFC 7493, section 2.2), and no key comes twice.
//
// docs/spec/statements.md, section 1, is the grammar.
package canonicaljson

import (
	"fmt"
	"slices"
	"strconv"
	"unicode/utf16"
)

// Limits.
const (
	MaxDepth   = 64        // arrays and objects in one another: no format of ours has a tenth of it
	MaxInteger = 1<<53 - 1 // the largest number that readers of 64-bit floats hold exactly, negative ones likewise (RFC 7493, section 2.2)
)

// Object is a JSON object. Its values are, as those of an Array, Object, Array,
// string, int64, bool or nil.
type Object map[string]any

// Array is a JSON array.
type Array []any

// Encode returns the value as RFC 8785 writes it: no spaces, members sorted by
// the UTF-16 code units of their keys. Strings must be valid UTF-8, integers at
// most MaxInteger. It panics on a value that is none of those of an Object.
func Encode(value any) []byte { return appendValue(nil, value) }

func appendValue(b []byte, value any) []byte {
	switch v := value.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case string:
		return appendString(b, v)
	case Array:
		b = append(b, '[')
		for i, element := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendValue(b, element)
		}
		return append(b, ']')
	case Object:
		return appendObject(b, v)
	}
	panic(fmt.Sprintf("canonicaljson: a %T is no JSON value", value))
}

func appendObject(b []byte, o Object) []byte {
	keys := make([]string, 0, len(o))
	for key := range o {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, compareKeys)
	b = append(b, '{')
	for i, key := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, key), ':')
		b = appendValue(b, o[key])
	}
	return append(b, '}')
}

// compareKeys orders by UTF-16 code units (RFC 8785, section 3.2.3), which is not
// the order of UTF-8 bytes: characters beyond U+FFFF come before U+E000.
func compareKeys(a, b string) int {
	return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
}

// appendString writes a string: escaped is what must be, in the shortest way
// (RFC 8785, section 3.2.2.2).
func appendString(b []byte, s string) []byte {
	const short = "\b\t\n\f\r\"\\"
	const letters = `btnfr"\`
	b = append(b, '"')
	for i := range len(s) {
		c := s[i]
		at := -1
		if c < ' ' || c == '"' || c == '\\' {
			at = slices.Index([]byte(short), c)
		}
		switch {
		case at >= 0:
			b = append(b, '\\', letters[at])
		case c < ' ':
			b = append(b, `\u00`...)
			b = append(b, "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}
