package filter

import (
	"bytes"
	"strconv"
	"strings"
)

// partKind is what a part of an expansion is. The zero value is plain text.
type partKind uint8

const (
	plainText    partKind = iota
	abbreviation          // at least minAbbrev digits of the full id in text
	refText               // at least one byte that depends on refs
	noRefText             // nothing, because the refs are such
)

// part is a piece of an expansion.
type part struct {
	kind partKind
	text string
}

// reading is one way in which git may expand a placeholder, and how many bytes
// of the format after the "%" that takes. An unknown placeholder takes none:
// its "%" stays.
type reading struct {
	consumed int
	parts    []part
}

// isEmpty reports whether the expansion is no text at all.
func (r reading) isEmpty() bool {
	for _, p := range r.parts {
		if p.kind == abbreviation || p.kind == refText || p.text != "" {
			return false
		}
	}
	return true
}

func plain(consumed int, text string) []reading {
	return []reading{{consumed, []part{{text: text}}}}
}

func unknown() []reading { return plain(0, "%") }

// item returns the readings of the placeholder at the start of format, which
// is the text after a "%": git's format_commit_item and the loop around it
// (pretty.c). No reading at all means that what git writes is not modelled.
//
// A sign may stand before the placeholder: "+" and " " put a line end or a
// space before an expansion that is not empty, "-" takes away the line ends
// before one that is. Before an unknown placeholder the sign vanishes with
// its "%".
func (f *facts) item(format []byte) []reading {
	if len(format) > 0 && format[0] == '%' {
		return plain(1, "%")
	}
	if len(format) == 0 || strings.IndexByte("+- ", format[0]) < 0 {
		return f.one(format)
	}
	sign, rest := format[0], format[1:]
	if len(rest) > 0 && rest[0] == 'w' {
		return nil // rewraps what stands before it or not, depending on git's version
	}
	var signed []reading
	for _, r := range f.one(rest) {
		if r.consumed == 0 {
			r.parts = nil
		}
		r.consumed++
		switch {
		case r.isEmpty() && sign == '-':
			return nil // would change what stands before it
		case r.isEmpty() || sign == '-':
		case sign == '+':
			r.parts = append([]part{{text: "\n"}}, r.parts...)
		default:
			r.parts = append([]part{{text: " "}}, r.parts...)
		}
		signed = append(signed, r)
	}
	return signed
}

// one returns the readings of a placeholder without a sign, in the order in
// which git's format_commit_one tries them.
func (f *facts) one(format []byte) []reading {
	if len(format) == 0 {
		return f.commitText(format)
	}
	switch format[0] {
	case 'n', 'x':
		if r := literalByte(format); r != nil {
			return r
		}
	case 'C':
		if r, known := color(format); known {
			return r
		}
	case 'w', '<', '>':
		if isLayout(format) {
			return nil
		}
	case '(':
		if r := refsPlaceholder(format); r != nil {
			return r
		}
	case 'H', 'h', 'T', 't', 'P', 'p':
		return f.ids(format[0])
	case 'd', 'D':
		return decorations(1, format[0] == 'd')
	case 'm', 'S', 'N', 'g', 'G':
		return f.logOnly(format)
	}
	return f.commitText(format)
}

// literalByte reads %n and %xNN, nil if there are not two digits.
func literalByte(format []byte) []reading {
	if format[0] == 'n' {
		return plain(1, "\n")
	}
	if len(format) < len("xNN") {
		return nil
	}
	b, err := strconv.ParseUint(string(format[1:3]), 16, 8)
	if err != nil {
		return nil
	}
	return plain(3, string([]byte{byte(b)}))
}

// logOnly reads the placeholders that say something in git log alone.
func (f *facts) logOnly(format []byte) []reading {
	switch format[0] {
	case 'm': // the mark of a commit that was reached from no side of a range
		return plain(1, ">")
	case 'g':
		return reflog(format)
	case 'G':
		return f.signature(format)
	}
	return unknown() // sources and notes
}

// ids reads the placeholders of the commit's own id, its tree's and parents'.
func (f *facts) ids(letter byte) []reading {
	switch letter {
	case 'H':
		return plain(1, f.id)
	case 'h':
		return []reading{{1, []part{{abbreviation, f.id}}}}
	case 'T':
		return plain(1, f.tree)
	case 't':
		return []reading{{1, []part{{abbreviation, f.tree}}}}
	case 'P':
		return plain(1, f.parents)
	}
	return []reading{{1, f.abbreviatedParents}}
}

// color reads %C…: colours are off in archives, so all of it expands to
// nothing, but for %C(always,…), which is not modelled.
func color(format []byte) (r []reading, known bool) {
	if bytes.HasPrefix(format, []byte("C(")) {
		end := bytes.IndexByte(format, ')')
		switch {
		case end < 0:
			return nil, false
		case bytes.HasPrefix(format, []byte("C(always,")):
			return nil, true
		}
		return plain(end+1, ""), true
	}
	for _, name := range []string{"red", "green", "blue", "reset"} {
		if bytes.HasPrefix(format[1:], []byte(name)) {
			return plain(1+len(name), ""), true
		}
	}
	return nil, false
}

// isLayout reports whether format begins with what git may take for wrapping,
// padding or truncation (%w(…), %<(…), %>(…), %>>(…), %><(…), each with "|"),
// which are not modelled.
func isLayout(format []byte) bool {
	rest := format[1:]
	if format[0] == '>' && len(rest) > 0 && (rest[0] == '<' || rest[0] == '>') {
		rest = rest[1:]
	}
	if format[0] != 'w' && len(rest) > 0 && rest[0] == '|' {
		rest = rest[1:]
	}
	return len(rest) > 0 && rest[0] == '('
}

// reflog reads %g…: archives have no reflog, so the known ones are empty.
func reflog(format []byte) []reading {
	if len(format) > 1 && strings.IndexByte("dDsnNeE", format[1]) >= 0 {
		return plain(2, "")
	}
	return unknown()
}

// signature reads %G…, for a commit without a signature. What git says of one
// that has a signature depends on the keys of the archiving side.
func (f *facts) signature(format []byte) []reading {
	if len(format) < 2 || strings.IndexByte("G?SKFPT", format[1]) < 0 {
		return unknown()
	}
	switch {
	case f.signed:
		return nil
	case format[1] == '?':
		return plain(2, "N")
	case format[1] == 'T':
		return plain(2, "undefined")
	}
	return plain(2, "")
}

// decorations are the names of the refs that point to the commit: " (A, B)" if
// bracketed, "A, B" else, nothing if there are none.
func decorations(consumed int, bracketed bool) []reading {
	names := []part{{kind: refText}}
	if bracketed {
		names = []part{{text: " ("}, {kind: refText}, {text: ")"}}
	}
	return []reading{{consumed, []part{{kind: noRefText}}}, {consumed, names}}
}

// refsPlaceholder reads %(describe…) and %(decorate…), nil if it is neither.
// Both also stay as they are: git expands describe only once in an archive,
// and versions before 2.43 do not know decorate.
func refsPlaceholder(format []byte) []reading {
	end := bytes.IndexByte(format, ')')
	if end < 0 {
		return nil
	}
	name, arguments, more := strings.Cut(string(format[1:end]), ":")
	switch {
	case name == "describe" && (!more || allArguments(arguments, "tags", "abbrev=", "match=", "exclude=")):
		return append(decorations(end+1, false), unknown()...)
	case name == "decorate" && (!more || allArguments(arguments, "prefix", "suffix", "separator", "pointer", "tag")):
		return append(decorations(end+1, !more), unknown()...)
	}
	return nil
}

// allArguments reports whether every comma-separated argument has one of the
// names. A name that ends in "=" needs a value, any other may have one.
func allArguments(arguments string, names ...string) bool {
	if arguments == "" {
		return true
	}
	for argument := range strings.SplitSeq(strings.TrimSuffix(arguments, ","), ",") {
		known := false
		for _, name := range names {
			value, found := strings.CutPrefix(argument, name)
			if strings.HasSuffix(name, "=") {
				known = known || found && value != ""
			} else {
				known = known || found && (value == "" || value[0] == '=')
			}
		}
		if !known {
			return false
		}
	}
	return true
}

// commitText reads the placeholders for which git parses the commit's header
// and message, and those that it does not know. Doing so, it re-encodes the
// whole file if the commit names an encoding other than UTF-8: not modelled.
func (f *facts) commitText(format []byte) []reading {
	switch {
	case !f.utf8:
		return nil
	case len(format) == 0:
		return unknown()
	case bytes.HasPrefix(format, []byte("(trailers:")), bytes.HasPrefix(format, []byte("(trailers)")):
		return nil
	}
	switch format[0] {
	case 'a':
		return f.author.placeholder(format)
	case 'c':
		return f.committer.placeholder(format)
	case 'e':
		return plain(1, f.encoding)
	case 'B':
		return plain(1, f.message)
	case 's':
		return plain(1, f.subject)
	case 'f':
		return plain(1, f.fileName)
	case 'b':
		return plain(1, f.body)
	}
	return unknown()
}
