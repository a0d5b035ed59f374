// Package gitmodules reads .gitmodules: where a source says the repositories of its
// submodules are. The bytes are foreign, and what they say is asked of other
// machines, so the grammar is a part of git-config(1)'s that every reader takes for
// the same: docs/spec/git.md, "Submodules", has it.
package gitmodules

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/tree"
)

// Name is the path of the file in a tree.
const Name = ".gitmodules"

// MaxBytes is more than the largest file has that is known of: of some hundred
// submodules, 50 KB.
const MaxBytes = 1 << 20

// Module is what is said of one submodule.
type Module struct {
	Path tree.Path
	URL  string // foreign text, in no way checked; "" if none is given
}

var (
	section = regexp.MustCompile(`^\[submodule "([^"\\]+)"\]$`)
	setting = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9-]*)[ \t]*=[ \t]*(.*)$`)
	quoted  = regexp.MustCompile(`^"([^"\\]*)"$`)
	plain   = regexp.MustCompile(`^[^"\\#;\t]*$`)
)

// Parse reads a file, up to MaxBytes. The error is a *refusal.Refusal, GIT_MODULES.
func Parse(data []byte) ([]Module, error) {
	if len(data) > MaxBytes {
		return nil, refusal.New(refusal.GitModules, "%s has %d bytes, at most %d are read", Name, len(data), MaxBytes)
	}
	p := parser{names: map[string]bool{}}
	for text := range bytes.Lines(data) {
		p.line++
		if err := p.take(strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")); err != nil {
			return nil, err
		}
	}
	if err := p.end(); err != nil {
		return nil, err
	}
	return p.modules, nil
}

// parser is a file on its way.
type parser struct {
	line    int
	modules []Module
	names   map[string]bool
	now     *Module         // of the section, nil before the first
	set     map[string]bool // the keys of the section
}

func (p *parser) refuse(format string, args ...any) error {
	return refusal.New(refusal.GitModules, "line %d of %s "+format, append([]any{p.line, Name}, args...)...)
}

// take reads one line.
func (p *parser) take(text string) error {
	text = strings.Trim(text, " \t")
	switch {
	case strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f || r == '\uFFFD' }):
		return p.refuse("holds a control character, or what is not UTF-8")
	case text == "" || text[0] == '#' || text[0] == ';':
		return nil
	case text[0] == '[':
		return p.begin(text)
	}
	m := setting.FindStringSubmatch(text)
	if m == nil {
		return p.refuse("is none of a section, a key with its value, and a comment: %s", excerpt(text))
	}
	if p.now == nil {
		return p.refuse("has a key before the first section")
	}
	value := m[2]
	if q := quoted.FindStringSubmatch(value); q != nil {
		value = q[1]
	} else if !plain.MatchString(value) {
		return p.refuse("has a value with a quote, a backslash, a tab or a comment in it: %s", excerpt(value))
	}
	return p.setKey(strings.ToLower(m[1]), value)
}

// begin opens a section.
func (p *parser) begin(text string) error {
	m := section.FindStringSubmatch(text)
	if m == nil {
		return p.refuse("is a section other than [submodule \"NAME\"]: %s", excerpt(text))
	}
	if err := p.end(); err != nil {
		return err
	}
	if p.names[m[1]] {
		return p.refuse("begins a second section for the submodule %s", excerpt(m[1]))
	}
	p.names[m[1]] = true
	p.now, p.set = &Module{}, map[string]bool{}
	return nil
}

// setKey takes the keys that matter; git has more of them.
func (p *parser) setKey(key, value string) error {
	if p.set[key] {
		return p.refuse("gives the key %s a second time", key)
	}
	p.set[key] = true
	switch key {
	case "path":
		path, err := tree.ParsePath(value)
		if err != nil || strings.HasPrefix(value, "-") {
			return p.refuse("has a path that is none: %s", excerpt(value))
		}
		p.now.Path = path
	case "url":
		p.now.URL = value
	}
	return nil
}

// end closes the section, if there is one. One without a path means nothing.
func (p *parser) end() error {
	if p.now == nil || p.now.Path == "" {
		return nil
	}
	for _, other := range p.modules {
		if other.Path == p.now.Path {
			return p.refuse("ends a second section for the path %s", excerpt(string(other.Path)))
		}
	}
	p.modules = append(p.modules, *p.now)
	return nil
}

// maxExcerpt is how much of a line is shown, in bytes.
const maxExcerpt = 100

func excerpt(text string) string { return escape.Quote(text[:min(len(text), maxExcerpt)]) }
