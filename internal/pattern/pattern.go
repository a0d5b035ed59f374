// Package pattern holds the one language in which paths of a source tree are
// meant: by recipes, and by whatever else speaks of many paths at once. It is
// specified in docs/spec/recipe.md, section 2.3.
package pattern

import (
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/document"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/tree"
)

// deep stands for any number of directories, also none, in a list of
// components.
const deep = "**"

// Pattern says which paths are meant (docs/spec/recipe.md, section 2.3). It is made by Parse.
type Pattern struct {
	text       string
	components []string // a final slash is written as "*" and deep
}

// Parse reads a pattern: a path in which "*" stands for any characters
// within a component, the component "**" for any number of directories, and a
// final slash for everything below a directory. The error is one sentence.
func Parse(s string) (Pattern, error) {
	bare, below := strings.CutSuffix(s, "/")
	if i := strings.IndexAny(bare, `?[]{}\`); i >= 0 {
		return Pattern{}, document.Wrong("only *, **/ and a final slash mean something; write * for a character that has no place here",
			"the pattern %s holds %q", document.Excerpt(s), s[i])
	}
	if _, err := tree.ParsePath(bare); err != nil {
		return Pattern{}, document.Wrong("write a path from the top of the source, with single slashes and no . or ..",
			"the pattern %s is no path inside the source: %s", document.Excerpt(s), escape.Sentence(err.Error()))
	}
	p := Pattern{text: s, components: strings.Split(bare, "/")}
	for i, c := range p.components {
		switch {
		case c != deep && strings.Contains(c, deep):
			return Pattern{}, document.Wrong("one * is any run of characters; **/ is any directories", "the pattern %s holds ** beside other characters", document.Excerpt(s))
		case c == deep && (i == len(p.components)-1 || p.components[i+1] == deep):
			return Pattern{}, document.Wrong("write DIRECTORY/ for everything below it, **/NAME for a name anywhere",
				"the pattern %s has ** where no other component follows", document.Excerpt(s))
		}
	}
	if below {
		p.components = append(p.components, "*", deep)
	}
	return p, nil
}

// String returns the pattern as the recipe has it.
func (p Pattern) String() string { return p.text }

// Match reports whether the path is meant.
func (p Pattern) Match(path tree.Path) bool {
	names := strings.Split(string(path), "/")
	for i, name := range names {
		if name == deep { // a file of that name: like any other that only "*" can mean
			names[i] = "\x00"
		}
	}
	return meet(p.components, names, matchComponent)
}

// Overlaps reports whether some path is meant by both patterns.
func (p Pattern) Overlaps(q Pattern) bool { return meet(p.components, q.components, overlapComponent) }

// IsLiteral reports whether the pattern means one path only.
func (p Pattern) IsLiteral() bool {
	return !strings.Contains(p.text, "*") && !strings.HasSuffix(p.text, "/")
}

// Holds reports whether the one path that p means, taken for a directory, holds
// whatever q means: false if p means several.
func (p Pattern) Holds(q Pattern) bool {
	return p.IsLiteral() && strings.HasPrefix(q.text, p.text+"/")
}

// List is any number of patterns: what one of them means is meant.
type List []Pattern

// Match reports whether the path is meant by a pattern.
func (ps List) Match(path tree.Path) bool {
	return slices.ContainsFunc(ps, func(p Pattern) bool { return p.Match(path) })
}

// meet reports whether some path belongs to both lists of components, in which
// deep stands for any number of them. It walks the table of all pairs of
// positions, one row at a time: reached[j] says that what precedes a[i:] and
// b[j:] can be the same.
func meet(a, b []string, component func(string, string) bool) bool {
	reached := make([]bool, len(b)+1)
	reached[0] = true
	passDeep(reached, b)
	for _, x := range a {
		next := make([]bool, len(b)+1)
		for j, ok := range reached {
			switch {
			case !ok:
			case x == deep:
				next[j] = true
			case j < len(b) && b[j] == deep: // it takes x
				next[j] = true
			case j < len(b) && component(x, b[j]):
				next[j+1] = true
			}
		}
		if x == deep {
			spread(next, b)
		}
		passDeep(next, b)
		reached = next
	}
	return reached[len(b)]
}

// passDeep lets each deep of b stand for nothing.
func passDeep(reached []bool, b []string) {
	for j, y := range b {
		if y == deep && reached[j] {
			reached[j+1] = true
		}
	}
}

// spread lets a deep of the other list take any number of components of b.
func spread(reached []bool, b []string) {
	for j := range b {
		reached[j+1] = reached[j+1] || reached[j]
	}
}

// matchComponent reports whether the name, of which each character means
// itself, is what the component with its stars means.
func matchComponent(component, name string) bool {
	star, retry := -1, 0
	i, j := 0, 0
	for j < len(name) {
		switch {
		case i < len(component) && component[i] == '*':
			star, retry = i, j
			i++
		case i < len(component) && component[i] == name[j]:
			i++
			j++
		case star >= 0: // the last star takes one more
			retry++
			i, j = star+1, retry
		default:
			return false
		}
	}
	return strings.Trim(component[i:], "*") == ""
}

// overlapComponent reports whether some name is meant by both components. The
// table is walked as in meet, over bytes.
func overlapComponent(a, b string) bool {
	if !strings.Contains(a, "*") && !strings.Contains(b, "*") {
		return a == b
	}
	reached := make([]bool, len(b)+1)
	next := make([]bool, len(b)+1)
	reached[0] = true
	passStars(reached, b)
	for i := range len(a) {
		clear(next)
		alive := false
		for j, ok := range reached {
			switch {
			case !ok:
				continue
			case a[i] == '*', j < len(b) && b[j] == '*':
				next[j] = true
			case j < len(b) && a[i] == b[j]:
				next[j+1] = true
			default:
				continue
			}
			alive = true
		}
		if !alive {
			return false
		}
		if a[i] == '*' {
			for j := range len(b) {
				next[j+1] = next[j+1] || next[j]
			}
		}
		passStars(next, b)
		reached, next = next, reached
	}
	return reached[len(b)]
}

// passStars lets each star of b stand for nothing.
func passStars(reached []bool, b string) {
	for j := range len(b) {
		if b[j] == '*' && reached[j] {
			reached[j+1] = true
		}
	}
}
