// Package lineage holds what statements say of a release to the things
// themselves: its archives, the tree that they hold, the built commit, the
// recipe, the source commit and its tag. It is where "this archive is that
// commit, made of that tag by that recipe" is decided, without a clone: the git
// objects come from a bundle, and each was hashed again.
//
// It asks a fixed list of questions, each with one answer; one that was not
// looked at is never taken for one that holds. Who signed what is not asked here.
package lineage

import (
	"crypto/sha256"
	"fmt"

	"github.com/countermark/countermark/internal/archive"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/statement"
	"github.com/countermark/countermark/internal/tree"
)

// Question is one thing that is asked of a release.
type Question uint8

// The questions, from the archive to the source.
const (
	IsArchive  Question = iota // are the files those that the statement names?
	HoldsTree                  // do they hold the tree that it names, and is that the built commit's?
	IsBuilt                    // is the built commit the one that it names, and does it say the same?
	IsDeclared                 // does the recipe permit all in which built and source tree differ?
	IsSource                   // are source commit and tag those that it names?
	questions
)

// String returns the question as a report has it.
func (q Question) String() string {
	switch q {
	case IsArchive:
		return "archive"
	case HoldsTree:
		return "tree"
	case IsBuilt:
		return "built commit"
	case IsDeclared:
		return "recipe"
	case IsSource:
		return "source"
	}
	return "nothing"
}

// State is how a question was answered. The zero value: it was not.
type State uint8

// The states.
const (
	NotLooked State = iota // something needed is not at hand
	Holds
	Fails
)

// String returns the state in words.
func (s State) String() string {
	switch s {
	case Holds:
		return "holds"
	case Fails:
		return "does not hold"
	}
	return "not looked at"
}

// Answer is the answer to one question.
type Answer struct {
	State State
	Rule  refusal.Rule // of one that fails
	Text  string       // what was found, one sentence without full stop, foreign text in it escaped
}

func holds(format string, args ...any) Answer {
	return Answer{State: Holds, Text: fmt.Sprintf(format, args...)}
}

func fails(rule refusal.Rule, format string, args ...any) Answer {
	return Answer{State: Fails, Rule: rule, Text: fmt.Sprintf(format, args...)}
}

func lacking(format string, args ...any) Answer {
	return Answer{Text: fmt.Sprintf(format, args...)}
}

// File is one archive as it was read.
type File struct {
	Name     string // base name, "" for standard input or where a version was given in its place
	Contents *archive.Contents
}

// Evidence is what a statement is held to.
type Evidence struct {
	Files   []File
	Objects *Objects
	Recipes [][]byte // bytes of recipes; the one that the statement names is looked for among them
}

// Lineage is what was found. It is made by Trace.
type Lineage struct {
	Answers   [questions]Answer // by Question
	Tag       *Signed           // the tag object; nil if it is not at hand
	Built     *Signed           // the built commit as it is in the bundle, possibly signed; nil if it is not at hand
	Twins     []Signed          // the same with other signatures, or without one
	Blessings []Signed          // the children of Built, or of a twin, that bless it
	Strays    []Signed          // the commits at hand that bless another
	Generated tree.Tree         // what of the built tree is not as the source has it
	BuiltTree tree.Tree         // ids in the repository's format, and in git's SHA-256 format where the archives give them
	Portable  bool              // the archives' names mean the same on every system
	Notes     []string          // what a reader should know of answers that hold
	recipe    *recipe.Recipe
}

// Holds reports whether every question was answered with yes.
func (l *Lineage) Holds() bool {
	for _, a := range l.Answers {
		if a.State != Holds {
			return false
		}
	}
	return true
}

// Trace holds identity, outcome and archives of a statement to the evidence.
func Trace(s *statement.Statement, e Evidence) *Lineage {
	l := &Lineage{}
	t := tracing{Lineage: l, s: s, e: e, format: s.Identity.Commit.ID.Format()}
	l.Answers[IsSource] = t.source()
	l.Answers[IsBuilt] = t.built()
	l.Answers[IsArchive] = t.archive()
	l.Answers[HoldsTree] = t.holdsTree()
	l.Answers[IsDeclared] = t.declared()
	return l
}

// tracing is one call of Trace.
type tracing struct {
	*Lineage
	s      *statement.Statement
	e      Evidence
	format digest.Format
}

// findRecipe reads the recipe that the statement names.
func (t *tracing) findRecipe() (*recipe.Recipe, Answer) {
	if t.recipe != nil {
		return t.recipe, Answer{State: Holds}
	}
	for _, data := range t.e.Recipes {
		if sha256.Sum256(data) != t.s.Identity.Recipe {
			continue
		}
		r, err := recipe.Parse(data)
		if err != nil {
			return nil, fails(refusal.RelRecipe, "the recipe cannot be read: %s", escape.Sentence(err.Error()))
		}
		t.recipe = r
		return r, Answer{State: Holds}
	}
	return nil, lacking("the recipe %v is not at hand", t.s.Identity.Recipe)
}

// declared holds the difference of built and source tree to the recipe.
func (t *tracing) declared() Answer {
	r, a := t.findRecipe()
	if r == nil {
		return a
	}
	if a := t.named(r); a.State == Fails {
		return a
	}
	return t.permitted(r)
}

// named holds names to the recipe: project, version, tag, archives.
func (t *tracing) named(r *recipe.Recipe) Answer {
	id := &t.s.Identity
	version, err := r.VersionOf(id.TagRef)
	switch {
	case string(r.Project.URL) != id.Project:
		return fails(refusal.RelBinding, "the recipe is of the project %s, and the statement of %s", escape.Text(string(r.Project.URL)), escape.Text(id.Project))
	case err != nil:
		return fails(refusal.RelBinding, "%s is no tag of the recipe: %s", escape.Text(id.TagRef), escape.Sentence(err.Error()))
	case string(version) != id.Version:
		return fails(refusal.RelBinding, "by the recipe %s is version %s, not %s", escape.Text(id.TagRef), escape.Text(string(version)), escape.Text(id.Version))
	case r.PrefixOf(version) != t.s.Outcome.Top:
		return fails(refusal.RelBinding, "by the recipe the archives hold the directory %s, not %s", escape.Text(r.PrefixOf(version)), escape.Text(t.s.Outcome.Top))
	}
	if t.s.Identity.Tag.IsZero() && !r.Source.LightweightTags {
		return fails(refusal.RelBinding, "the tag is a lightweight one, which the recipe does not allow")
	}
	names := make(map[string]bool)
	for _, c := range r.Archives.Formats {
		names[r.ArchiveName(version, c.Format)] = true
	}
	for _, a := range t.s.Archives {
		if !names[a.Name] {
			return fails(refusal.RelBinding, "by the recipe no archive of this version is named %s", escape.Text(a.Name))
		}
	}
	return Answer{State: Holds}
}
