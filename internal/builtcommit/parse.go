package builtcommit

import (
	"bytes"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/refusal"
)

// Parse reads the content of a built commit in a repository of format f, signed
// or not: what Encode writes, and nothing else, for its unsigned form is written
// again and compared. The error is a *refusal.Refusal: those of
// gitobject.ParseCommit, GIT_PARENT if it has not exactly two parents of which
// the second is its source commit, or GIT_BUILT. Whether the first parent is
// a built commit is the caller's question.
func Parse(f digest.Format, raw []byte) (*Commit, error) {
	plain, err := gitobject.Unsigned(f, raw)
	if err != nil {
		return nil, err
	}
	git, err := gitobject.ParseCommit(f, plain)
	if err != nil {
		return nil, err
	}
	c, err := parseMessage(git.Message)
	if err != nil {
		return nil, err
	}
	if len(git.Parents) != 2 || git.Parents[1] != c.Source.Commit {
		return nil, refusal.New(refusal.GitParent, "the parents of a built commit are the one before it and its source commit, this one has %d, or another source", len(git.Parents))
	}
	c.Tree, c.Previous, c.Unix = git.Tree, git.Parents[0], git.Author.Unix
	c.Author = Person{git.Author.Name, git.Author.Email}
	c.Committer = Person{git.Committer.Name, git.Committer.Email}
	again, _, err := c.Encode()
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, plain) {
		return nil, notBuilt("its dates, persons or headers are not those of a built commit")
	}
	return c, nil
}

func notBuilt(why string) error {
	return refusal.New(refusal.GitBuilt, "this is no built commit: %s", why)
}

// parseMessage reads what the message says; Parse writes it again and compares.
func parseMessage(message string) (*Commit, error) {
	title, rest, found := strings.Cut(message, "\n\n")
	name, version, both := strings.Cut(title, " ")
	if !found || !both {
		return nil, notBuilt("its message is not a line \"NAME VERSION\", an empty line and trailers")
	}
	c := &Commit{Name: name, Version: recipe.Version(version)}
	take := func(key string) string {
		value, after, found := strings.Cut(rest, "\n")
		if value, ours := strings.CutPrefix(value, key); found && ours {
			rest = after
			return value
		}
		return ""
	}
	var err error
	c.Source.Tag = take(trailerTag)
	if object := take(trailerTagObject); object != "" {
		if c.Source.TagObject, err = digest.ParseObjectID(object); err != nil {
			return nil, notBuilt("the trailer Source-tag-object is no full object id")
		}
	}
	if c.Source.Commit, err = digest.ParseObjectID(take(trailerCommit)); err != nil {
		return nil, notBuilt("it has no trailer Source-commit with a full object id in its place")
	}
	if c.Recipe, err = digest.ParseSHA256(take(trailerRecipe)); err != nil {
		return nil, notBuilt("it has no trailer Recipe-sha256 with 64 digits in its place")
	}
	return c, nil
}

// trailerStatement marks the blessing of a built commit.
const trailerStatement = "Statement-sha256: "

// Blessing is a child of a built commit that changes nothing and names the
// statement by which a release manager released it.
type Blessing struct {
	Tree      digest.ObjectID // that of the built commit, which the caller compares
	Built     digest.ObjectID // its one parent
	Statement digest.SHA256
}

// ParseBlessing reads the content of a blessing, signed or not: one parent, and
// exactly one line "Statement-sha256: DIGEST" in the message. The error is a
// *refusal.Refusal: those of gitobject.ParseCommit, GIT_PARENT or GIT_BUILT.
// That something is a blessing says nothing of who blessed.
func ParseBlessing(f digest.Format, raw []byte) (*Blessing, error) {
	git, err := gitobject.ParseCommit(f, raw)
	if err != nil {
		return nil, err
	}
	b := &Blessing{Tree: git.Tree}
	for line := range strings.SplitSeq(git.Message, "\n") {
		value, found := strings.CutPrefix(line, trailerStatement)
		if !found {
			continue
		}
		statement, err := digest.ParseSHA256(value)
		if err != nil || !b.Statement.IsZero() {
			return nil, notBuilt("nor is it a blessing, since its trailer Statement-sha256 is doubled or not 64 digits")
		}
		b.Statement = statement
	}
	switch {
	case b.Statement.IsZero():
		return nil, notBuilt("nor is it a blessing, since it has no trailer Statement-sha256")
	case len(git.Parents) != 1:
		return nil, refusal.New(refusal.GitParent, "a blessing has one parent, the built commit, this one has %d", len(git.Parents))
	}
	b.Built = git.Parents[0]
	return b, nil
}
