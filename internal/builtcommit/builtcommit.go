// Package builtcommit is the commit that holds a release's source and generated
// files: written, and read strictly, as docs/spec/built-commit.md has it. It is a
// pure function of what it is made from, so two machines that build the same
// make the same commit; a signature may be added to it afterwards.
package builtcommit

import (
	"strings"

	"github.com/countermark/countermark/internal/ascii"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/refusal"
)

// MaxNameBytes is the longest name of a project in a built commit's first line.
const MaxNameBytes = 64

// NameOf returns the project's name in the first line of the commit: that of the
// archives' top directory, without the version.
func NameOf(prefix, version string) string {
	name := strings.Trim(strings.Replace(prefix, version, "", 1), "-_.+")
	if name == "" {
		return "release"
	}
	return name[:min(len(name), MaxNameBytes)]
}

// zone is the time zone of every date: a source commit's own zone says where
// its author was, not when.
const zone = "+0000"

// Commit is what a built commit says.
type Commit struct {
	Tree      digest.ObjectID
	Previous  digest.ObjectID // first parent: the built commit of the release before or its blessing, or Root
	Author    Person
	Committer Person
	Unix      int64          // both dates: when the source commit was committed, seconds since 1970-01-01 UTC
	Name      string         // of the project: 1 to MaxNameBytes ASCII letters, digits and ".+_-", the first a letter or digit
	Version   recipe.Version // of the release
	Source    Source
	Recipe    digest.SHA256 // of the recipe's bytes
}

// Person is an author or committer.
type Person struct {
	Name  string // not empty
	Email string
}

// Source is what a built commit was built from.
type Source struct {
	Tag       string          // full name of the ref, as gitobject.CheckRefName accepts it
	TagObject digest.ObjectID // zero for a lightweight tag
	Commit    digest.ObjectID // second parent
}

// The trailers, in their order (git-interpret-trailers(1)).
const (
	trailerTag       = "Source-tag: "
	trailerTagObject = "Source-tag-object: "
	trailerCommit    = "Source-commit: "
	trailerRecipe    = "Recipe-sha256: "
)

// Encode returns the content of the commit object, unsigned, and its id, in the
// format of c.Tree. The error, a *refusal.Refusal, says which part of c no
// built commit can hold.
func (c *Commit) Encode() (raw []byte, id digest.ObjectID, err error) {
	f := c.Tree.Format()
	if problem := c.problem(f); problem != "" {
		return nil, id, refusal.New(refusal.GitBuilt, "%s", problem)
	}
	raw, err = gitobject.EncodeCommit(f, &gitobject.Commit{
		Tree: c.Tree, Parents: []digest.ObjectID{c.Previous, c.Source.Commit},
		Author: c.person(c.Author), Committer: c.person(c.Committer),
		Message: c.message(),
	})
	if err != nil {
		return nil, id, err
	}
	id, err = digest.HashObject(f, digest.Commit, raw)
	if err != nil {
		return nil, id, refusal.New(refusal.GitSHA1Collision, "the built commit carries a SHA-1 collision attack")
	}
	return raw, id, nil
}

func (c *Commit) person(p Person) gitobject.Person {
	return gitobject.Person{Name: p.Name, Email: p.Email, Unix: c.Unix, Zone: zone}
}

// problem says what no built commit can hold, "" if all is well.
func (c *Commit) problem(f digest.Format) string {
	switch {
	case f == 0:
		return "the built commit has no tree"
	case c.Previous.Format() != f || c.Source.Commit.Format() != f || !c.Source.TagObject.IsZero() && c.Source.TagObject.Format() != f:
		return "the built commit's ids are not all of the format of its tree"
	case c.Previous == c.Source.Commit:
		return "the previous built commit and the source commit are one and the same"
	case c.Name == "" || len(c.Name) > MaxNameBytes || !ascii.IsAlphanumeric(c.Name[0]) || !ascii.IsOnly(c.Name, ".+_-"):
		return "the project's name is not 1 to 64 letters, digits and \".+_-\", the first a letter or digit"
	case strings.TrimSpace(c.Author.Name) == "" || strings.TrimSpace(c.Committer.Name) == "":
		return "the author or committer has no name"
	case c.Recipe.IsZero():
		return "the recipe's digest is missing"
	}
	if _, err := recipe.ParseVersion(string(c.Version)); err != nil {
		return err.Error()
	}
	if err := gitobject.CheckRefName(c.Source.Tag); err != nil {
		return err.Error()
	}
	return ""
}

// message is the commit's message: one line, an empty one, the trailers.
func (c *Commit) message() string {
	var b strings.Builder
	line := func(parts ...string) { b.WriteString(strings.Join(parts, "") + "\n") }
	line(c.Name, " ", string(c.Version))
	line()
	line(trailerTag, c.Source.Tag)
	if !c.Source.TagObject.IsZero() {
		line(trailerTagObject, c.Source.TagObject.String())
	}
	line(trailerCommit, c.Source.Commit.String())
	line(trailerRecipe, c.Recipe.String())
	return b.String()
}

// Root returns the content and id, in format f, of the commit before the first
// release's: no parents, an empty tree, the same bytes for every project. The
// empty tree is an object that a repository must have, too.
func Root(f digest.Format) (raw []byte, id digest.ObjectID, err error) {
	empty, err := digest.HashObject(f, digest.Tree, nil)
	if err != nil {
		return nil, id, err //nolint:wrapcheck // cannot happen: no attack is zero bytes long
	}
	nobody := gitobject.Person{Name: "countermark", Zone: zone}
	raw, err = gitobject.EncodeCommit(f, &gitobject.Commit{Tree: empty, Author: nobody, Committer: nobody, Message: "root of a built branch\n"})
	if err != nil {
		return nil, id, err
	}
	id, err = digest.HashObject(f, digest.Commit, raw)
	return raw, id, err
}
