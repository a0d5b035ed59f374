// Package filter says whether the content of an archive member is one of the
// exact images that git's own conversions can make of a committed blob on its
// way into an archive. The conversions, in the order in which git applies them
// (gitattributes(5); convert_to_working_tree and format_subst of git 2.39 to
// 2.55), are ident, eol and export-subst; each may have been applied or not,
// to the whole file. Nothing between is an image: a file with some line ends
// converted, or any byte inside an expanded keyword that git would not write
// there, does not match. What is modelled, and what is not, is specified in
// docs/spec/filters.md.
//
// It is a pure function of bytes: no repository, configuration, clock or
// program is consulted.
package filter

import (
	"bytes"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitobject"
)

// The names of the conversions, as Explain and reports give them.
const (
	ConversionIdent       = "ident"
	ConversionEOL         = "eol"
	ConversionExportSubst = "export-subst"
)

// Match says how well an image is explained. The zero value is "not at all".
type Match uint8

// The values of Match.
const (
	None     Match = iota // not an image of the blob
	Exact                 // byte for byte what git writes
	RefsOnly              // what git writes, but for text that depends on the refs of the repository that was archived, which nobody can check later; that text follows the grammar of refText
)

var matchNames = [...]string{None: "none", Exact: "exact", RefsOnly: "refs-only"}

// String returns the value's name: none, exact or refs-only.
func (m Match) String() string {
	if int(m) < len(matchNames) {
		return matchNames[m]
	}
	return ""
}

// Blob is a committed file: its content and its id in the repository's format.
type Blob struct {
	ID      digest.ObjectID
	Content []byte
}

// Commit is the commit that was archived, which export-subst describes.
// With a nil Commit, export-subst explains nothing.
type Commit struct {
	ID digest.ObjectID
	*gitobject.Commit
}

// Explain reports whether image, the content of an archive member, is an image
// of the blob under its attributes, and by which conversions: the fewest that
// do it, in git's order, none if the content is the blob's own. RefsOnly is
// given only where no exact explanation exists. A blob whose content does not
// hash to its id (or carries a SHA-1 collision attack) explains nothing. Only
// regular files are converted by git: the caller leaves links out. The work is
// bounded by a constant times the two sizes; see matchWorkPerByte.
func Explain(image []byte, blob Blob, a Attributes, c Commit) (Match, []string) {
	id, err := digest.HashObject(blob.ID.Format(), digest.Blob, blob.Content)
	if err != nil || id.IsZero() || id != blob.ID {
		return None, nil
	}
	forms := worktreeForms(blob, a)
	for _, f := range forms {
		if bytes.Equal(image, f.content) {
			return Exact, f.conversions
		}
	}
	if !a.ExportSubst || c.Commit == nil || c.ID.IsZero() {
		return None, nil
	}
	best, by, about := None, []string(nil), newFacts(c)
	for _, f := range forms {
		m := matchSubstituted(image, f.content, about)
		if m == None || best != None && m != Exact {
			continue
		}
		best, by = m, append(f.conversions[:len(f.conversions):len(f.conversions)], ConversionExportSubst)
		if m == Exact {
			break
		}
	}
	return best, by
}

// form is what the conversions before export-subst make of a blob.
type form struct {
	content     []byte
	conversions []string
}

// worktreeForms returns the different results of ident and eol, each applied
// or not where the attributes allow it, fewest conversions first.
func worktreeForms(blob Blob, a Attributes) []form {
	forms := []form{{content: blob.Content}}
	if a.Ident {
		forms = appendForm(forms, forms[0], expandIdent(blob.Content, blob.ID), ConversionIdent)
	}
	if a.EOL != EOLNever {
		for _, f := range forms[:len(forms):len(forms)] {
			forms = appendForm(forms, f, convertEOL(f.content, a.EOL), ConversionEOL)
		}
	}
	return forms
}

// appendForm adds the conversion of from unless it changed nothing.
func appendForm(forms []form, from form, content []byte, name string) []form {
	if bytes.Equal(from.content, content) {
		return forms
	}
	return append(forms, form{content, append(from.conversions[:len(from.conversions):len(from.conversions)], name)})
}

// Recover looks for the committed blob behind an image without the repository:
// it undoes ident and eol, as far as the attributes allow them, and returns the
// result whose blob id is want. ok=false says nothing: not every conversion can
// be undone. ok=true says only that blob is the committed content; whether the
// image is an honest image of it is Explain's question.
func Recover(image []byte, want digest.ObjectID, a Attributes) (blob []byte, ok bool) {
	if want.IsZero() {
		return nil, false
	}
	candidates := [][]byte{image}
	add := func(content []byte, from []byte) {
		if len(content) != len(from) { // every inverse shortens what it changes
			candidates = append(candidates, content)
		}
	}
	if a.EOL != EOLNever {
		add(undoEOL(image), image)
	}
	if a.Ident {
		for _, c := range candidates[:len(candidates):len(candidates)] {
			exact := undoIdent(c, want)
			add(exact, c)
			if collapsed := collapseIdent(c); len(collapsed) != len(exact) {
				add(collapsed, c)
			}
		}
	}
	for _, c := range candidates {
		if id, err := digest.HashObject(want.Format(), digest.Blob, c); err == nil && id == want {
			return c, true
		}
	}
	return nil, false
}
