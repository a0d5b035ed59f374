package lineage

import (
	"crypto/sha256"
	"errors"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/builtcommit"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/statement"
)

// Signed is a git object that may carry a signature of git's own.
type Signed struct {
	ID        digest.ObjectID
	SHA256    digest.SHA256 // of the object's content
	Payload   []byte        // what the signature is over
	Signature string        // armoured, "" for none; not verified
	Statement digest.SHA256 // of a blessing: the release statement that it names
}

// read returns the content of the object that a statement names, and what is
// wrong with it.
func (t *tracing) read(o statement.Object, kind digest.ObjectType, what string) ([]byte, Answer) {
	content := t.e.Objects.find(o.ID, kind)
	if content == nil {
		return nil, lacking("the %s %v is not at hand", what, o.ID)
	}
	if sha256.Sum256(content) != o.SHA256 {
		return nil, fails(refusal.RelSource, "the SHA-256 of the %s %v is not the one that the statement has, %v", what, o.ID, o.SHA256)
	}
	return content, Answer{State: Holds}
}

// source holds tag and source commit to the identity.
func (t *tracing) source() Answer {
	id := &t.s.Identity
	raw, a := t.read(id.Commit, digest.Commit, "source commit")
	if a.State != Holds {
		return a
	}
	commit, err := gitobject.ParseCommit(t.format, raw)
	if err != nil {
		return fails(refusal.RelSource, "the source commit: %s", escape.Sentence(err.Error()))
	}
	if commit.Tree != id.Tree.ID {
		return fails(refusal.RelSource, "the source commit has the tree %v, and the statement says %v", commit.Tree, id.Tree.ID)
	}
	if id.Tag.IsZero() {
		return holds("%s, a lightweight tag, leads to commit %v", escape.Text(id.TagRef), id.Commit.ID)
	}
	if a := t.tag(); a.State != Holds {
		return a
	}
	return holds("%s leads to commit %v", escape.Text(id.TagRef), id.Commit.ID)
}

// tag holds the tag object to the identity, and keeps what its signature is over.
func (t *tracing) tag() Answer {
	id := &t.s.Identity
	raw, a := t.read(id.Tag, digest.Tag, "tag object")
	if a.State != Holds {
		return a
	}
	tag, err := gitobject.ParseTag(t.format, raw)
	switch name := strings.TrimPrefix(id.TagRef, gitobject.TagPrefix); {
	case err != nil:
		return fails(refusal.RelSource, "the tag object: %s", escape.Sentence(err.Error()))
	case tag.Type != digest.Commit || tag.Object != id.Commit.ID:
		return fails(refusal.RelSource, "the tag object leads to the %v %v, and the statement says commit %v", tag.Type, tag.Object, id.Commit.ID)
	case tag.Name != name:
		return fails(refusal.RelSource, "the tag object is of the tag %s, and the statement says %s", escape.Text(tag.Name), escape.Text(name))
	}
	t.Tag = &Signed{ID: id.Tag.ID, SHA256: id.Tag.SHA256, Payload: raw[:len(raw)-len(tag.Signature)], Signature: tag.Signature}
	return Answer{State: Holds}
}

// built finds the built commit, signed or not, and holds it to the statement.
// Of several that differ in their signatures alone, each is found.
func (t *tracing) built() Answer {
	want := t.s.Outcome.Commit
	answer := lacking("the built commit %v is not at hand; a commit that was rewritten after it was built has another id", want.ID)
	for _, id := range t.candidates() {
		raw := t.e.Objects.find(id, digest.Commit)
		unsigned, err := gitobject.Unsigned(t.format, raw)
		if err != nil {
			continue // it is some other commit
		}
		if got, err := digest.HashObject(t.format, digest.Commit, unsigned); err != nil || got != want.ID {
			continue
		}
		if sha256.Sum256(unsigned) != want.SHA256 {
			return fails(refusal.RelBuilt, "the SHA-256 of the built commit %v is not the one that the statement has, %v", want.ID, want.SHA256)
		}
		if answer = t.builtFrom(id, raw, unsigned); answer.State != Holds {
			return answer
		}
	}
	if t.Built != nil {
		if a := t.blessings(); a.State == Fails {
			return a
		}
	}
	return answer
}

// candidates returns the commits at hand, those with a signature first.
func (t *tracing) candidates() []digest.ObjectID {
	if t.e.Objects == nil {
		return nil
	}
	ids := slices.Clone(t.e.Objects.commits)
	slices.SortStableFunc(ids, func(a, b digest.ObjectID) int {
		switch {
		case a == b:
			return 0
		case a == t.s.Outcome.Commit.ID:
			return 1
		case b == t.s.Outcome.Commit.ID:
			return -1
		}
		return strings.Compare(a.String(), b.String())
	})
	return ids
}

// builtFrom holds what the built commit says to the statement.
func (t *tracing) builtFrom(id digest.ObjectID, raw, unsigned []byte) Answer {
	c, err := builtcommit.Parse(t.format, raw)
	if err != nil {
		return fails(refusal.RelBuilt, "the built commit %v: %s", id, escape.Sentence(err.Error()))
	}
	identity := &t.s.Identity
	for _, field := range []struct{ name, says, want string }{
		{"version", string(c.Version), identity.Version},
		{"source tag", c.Source.Tag, identity.TagRef},
		{"tag object", c.Source.TagObject.String(), identity.Tag.ID.String()},
		{"source commit", c.Source.Commit.String(), identity.Commit.ID.String()},
		{"recipe", c.Recipe.String(), identity.Recipe.String()},
		{"tree", c.Tree.String(), t.s.Outcome.BuiltTree.ID.String()},
	} {
		if field.says != field.want {
			return fails(refusal.RelBuilt, "the built commit %v has the %s %s, and the statement says %s", id, field.name, escape.Text(field.says), escape.Text(field.want))
		}
	}
	commit, err := gitobject.ParseCommit(t.format, raw)
	if err != nil {
		return fails(refusal.RelBuilt, "the built commit %v: %s", id, escape.Sentence(err.Error()))
	}
	found := Signed{ID: id, SHA256: sha256.Sum256(raw), Payload: unsigned, Signature: commit.Signature}
	if t.Built != nil {
		t.Twins = append(t.Twins, found)
	} else {
		t.Built = &found
	}
	if t.Built.ID == t.s.Outcome.Commit.ID {
		return holds("%v, which carries no signature of git's own", t.Built.ID)
	}
	return holds("%v, without its signature %v", t.Built.ID, t.s.Outcome.Commit.ID)
}

// blessings finds the children of the built commit that bless it, and the commits
// that bless another.
func (t *tracing) blessings() Answer {
	for _, id := range t.e.Objects.commits {
		raw := t.e.Objects.find(id, digest.Commit)
		b, err := builtcommit.ParseBlessing(t.format, raw)
		if err != nil {
			continue // it blesses nothing
		}
		payload, err := gitobject.Unsigned(t.format, raw)
		if err != nil {
			return fails(refusal.RelBuilt, "the blessing %v: %s", id, escape.Sentence(err.Error()))
		}
		commit, err := gitobject.ParseCommit(t.format, raw)
		if err != nil {
			return fails(refusal.RelBuilt, "the blessing %v: %s", id, escape.Sentence(err.Error()))
		}
		found := Signed{ID: id, SHA256: sha256.Sum256(raw), Payload: payload, Signature: commit.Signature, Statement: b.Statement}
		switch {
		case !t.isBuilt(b.Built):
			t.Strays = append(t.Strays, found)
			continue
		case b.Tree != t.s.Outcome.BuiltTree.ID:
			return fails(refusal.RelBuilt, "the blessing %v has the tree %v, and the built commit %v", id, b.Tree, t.s.Outcome.BuiltTree.ID)
		}
		t.Blessings = append(t.Blessings, found)
	}
	return Answer{State: Holds}
}

// isBuilt reports whether the id is that of the built commit, with one of its
// signatures or without.
func (t *tracing) isBuilt(id digest.ObjectID) bool {
	return id == t.s.Outcome.Commit.ID || id == t.Built.ID || slices.ContainsFunc(t.Twins, func(s Signed) bool { return s.ID == id })
}

// answerTo turns the error of laying out a tree into an answer.
func answerTo(err error, rule refusal.Rule, what string) Answer {
	if missing, ok := errors.AsType[missingTree](err); ok {
		return lacking("of the %s, %s", what, missing.Error())
	}
	return fails(rule, "the %s: %s", what, escape.Sentence(err.Error()))
}
