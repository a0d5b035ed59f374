package recipe

import (
	"slices"
	"strconv"
	"strings"

	"github.com/countermark/countermark/internal/ascii"
	"github.com/countermark/countermark/internal/document"
)

// Template is text with placeholders in braces (section 2.2). It is made by
// Parse only.
type Template struct {
	text   string
	pieces []piece
}

// piece is some text, or a placeholder by name.
type piece struct{ literal, name string }

// String returns the template as the recipe has it.
func (t Template) String() string { return t.text }

// replace returns the text with the value in the place of every placeholder.
func (t Template) replace(value string) string {
	var b strings.Builder
	for _, p := range t.pieces {
		b.WriteString(p.literal)
		if p.name != "" {
			b.WriteString(value)
		}
	}
	return b.String()
}

// count returns how often the template holds the placeholder.
func (t Template) count(name string) int {
	n := 0
	for _, p := range t.pieces {
		if p.name == name {
			n++
		}
	}
	return n
}

// around returns what stands before and after the first placeholder.
func (t Template) around() (before, after string) {
	to := &before
	for _, p := range t.pieces {
		*to += p.literal
		if p.name != "" {
			to = &after
		}
	}
	return before, after
}

// template returns the parser of templates in which the given placeholders may
// stand.
func template(allowed ...string) func(string) (Template, error) {
	hint := "write {{ and }} for the braces themselves; the placeholders here are {" + strings.Join(allowed, "}, {") + "}"
	return func(s string) (Template, error) {
		t := Template{text: s}
		if strings.IndexByte(s, 0) >= 0 {
			return Template{}, document.Wrong("no argument, variable or file name can hold one", "the text %s holds a NUL", document.Excerpt(s))
		}
		for rest := s; rest != ""; {
			p, n := nextPiece(rest)
			if n == 0 {
				return Template{}, document.Wrong(hint, "the text %s holds a brace without its partner", document.Excerpt(s))
			}
			if p.name != "" && !slices.Contains(allowed, p.name) {
				return Template{}, document.Wrong(hint, "the text %s holds the placeholder %s, which means nothing here", document.Excerpt(s), document.Excerpt("{"+p.name+"}"))
			}
			t.pieces = append(t.pieces, p)
			rest = rest[n:]
		}
		return t, nil
	}
}

// nextPiece reads the first piece of s, which is not empty, and says how long
// it is: 0 if it is none.
func nextPiece(s string) (piece, int) {
	switch {
	case strings.HasPrefix(s, "{{"), strings.HasPrefix(s, "}}"):
		return piece{literal: s[:1]}, 2
	case s[0] == '}':
		return piece{}, 0
	case s[0] == '{':
		name, _, closed := strings.Cut(s[1:], "}")
		if !closed || name == "" || strings.Contains(name, "{") {
			return piece{}, 0
		}
		return piece{name: name}, len(name) + 2
	}
	n := strings.IndexAny(s, "{}")
	if n < 0 {
		n = len(s)
	}
	return piece{literal: s[:n]}, n
}

// Expand returns the text of a template of this recipe for one version. It
// fails only if a placeholder stands for a number that the version does not
// have, or for a tag that no release of it can have; the error is one sentence.
func (r *Recipe) Expand(t Template, v Version) (string, error) {
	return t.expand(func(name string) (string, error) {
		if name == placeTag {
			tag, err := r.TagOf(v)
			return strings.TrimPrefix(tag, tagPrefix), err
		}
		return v.value(name)
	})
}

func (t Template) expand(value func(string) (string, error)) (string, error) {
	var b strings.Builder
	for _, p := range t.pieces {
		b.WriteString(p.literal)
		if p.name == "" {
			continue
		}
		text, err := value(p.name)
		if err != nil {
			return "", err
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

// The placeholders (section 2.2).
const (
	placeVersion = "version"
	placeMajor   = "major"
	placeMinor   = "minor"
	placePatch   = "patch"
	placeTag     = "tag"
	placePrefix  = "prefix"
)

// value returns what one of the version's placeholders stands for.
func (v Version) value(name string) (string, error) {
	numbers := v.numbers()
	for i, of := range []string{placeMajor, placeMinor, placePatch} {
		if name == of && i < len(numbers) {
			return numbers[i], nil
		}
	}
	if name != placeVersion {
		return "", document.Wrong("release it under a version that begins with more numbers, or change the recipe",
			"the version %s has no %s number", document.Excerpt(string(v)), name)
	}
	return string(v), nil
}

// numbers returns the decimal numbers divided by dots that the version begins
// with, as they are spelled: 8, 4 and 0 of 8.4.0RC1.
func (v Version) numbers() []string {
	var numbers []string
	for rest, more := string(v), true; more; {
		n := 0
		for n < len(rest) && rest[n] >= '0' && rest[n] <= '9' {
			n++
		}
		if n == 0 {
			break
		}
		numbers = append(numbers, rest[:n])
		rest, more = strings.CutPrefix(rest[n:], ".")
	}
	return numbers
}

// nameTemplate returns the parser of templates of file and ref names: letters,
// digits and the other characters only around the placeholders.
func nameTemplate(others string, allowed ...string) func(string) (Template, error) {
	parse := template(allowed...)
	return func(s string) (Template, error) {
		t, err := parse(s)
		if err != nil {
			return Template{}, err
		}
		sample := t.replace("0")
		if sample == "" || !ascii.IsAlphanumeric(sample[0]) && (sample[0] != '@' || !strings.Contains(others, "@")) || !ascii.IsOnly(sample, others) || strings.Contains(sample, "..") || strings.HasSuffix(sample, ".") {
			return Template{}, document.Wrong("use letters, digits and "+strconv.Quote(others)+", a letter or digit first, no \"..\" and no final dot",
				"the name %s is not portable", document.Excerpt(s))
		}
		return t, nil
	}
}
