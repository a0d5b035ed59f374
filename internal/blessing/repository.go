package blessing

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/countermark/countermark/internal/builtcommit"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/entry"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/gitrepo/ledger"
	"github.com/countermark/countermark/internal/gitrepo/pack"
	"github.com/countermark/countermark/internal/gitrepo/refs"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/signing"
)

// TagSuffix ends the names of the tags by which built commits are blessed: after
// the source tag's own.
const TagSuffix = "-built"

// record puts the statements into the ledger.
func (b *blessing) record(ctx context.Context) error {
	entries := make([]entry.Entry, 0, len(b.envelopes))
	for _, e := range b.envelopes {
		made, err := entry.Of(e)
		if err != nil {
			return err
		}
		entries = append(entries, made)
	}
	_, err := ledger.Append(ctx, b.repo, entries...)
	return err
}

// forward moves the built branch to the built commit, blessed, and makes the tag if
// the release is blessed by one. What is there already is left as it is.
func (b *blessing) forward(ctx context.Context) error {
	b.r.Branch = b.r.Rebuilt.Record.Built.Branch
	head, err := refs.Read(ctx, b.repo, b.r.Branch)
	if err != nil {
		return err
	}
	b.r.Commit = head
	at, err := b.standing(ctx, head)
	if err != nil {
		return err
	}
	var changes []refs.Change
	if at == next || at == atHead && b.o.Style == Child {
		changes = []refs.Change{{Ref: b.r.Branch, Old: head, New: b.candidate.id}}
	}
	if b.o.Style == Tag {
		tag, err := b.makeTag(ctx)
		if err != nil {
			return err
		}
		if !tag.New.IsZero() {
			changes = append(changes, tag)
		}
	} else if len(changes) > 0 {
		if changes[0].New, err = b.makeChild(ctx); err != nil {
			return err
		}
	}
	if at == apart {
		return b.moved(b.r.Branch, head)
	}
	if len(changes) == 0 {
		return nil
	}
	answer, err := refs.Update(ctx, b.repo, changes...)
	switch {
	case err != nil:
		return err
	case answer.Outcome == refs.Moved:
		return b.moved(answer.Ref, answer.At)
	case changes[0].Ref == b.r.Branch:
		b.r.Commit = changes[0].New
	}
	return nil
}

// moved says that somebody changed a ref while we were at work.
func (b *blessing) moved(ref string, at digest.ObjectID) error {
	return &report.Failure{Code: report.NotComplete, Detail: fmt.Sprintf("%s holds %v by now, upon which this release was not built", escape.Text(ref), at),
		Hint: "run the same command again: it says what to do; the statements are in the ledger and stay there"}
}

// firstParent returns the first parent of a commit, zero if it has none, or is
// none that can be read here.
func (b *blessing) firstParent(ctx context.Context, id digest.ObjectID) (digest.ObjectID, error) {
	kind, raw, err := b.repo.Object(ctx, id)
	if err != nil || kind != digest.Commit {
		return digest.ObjectID{}, ctx.Err()
	}
	c, err := gitobject.ParseCommit(b.repo.Format(), raw)
	if err != nil || len(c.Parents) == 0 {
		return digest.ObjectID{}, ctx.Err()
	}
	return c.Parents[0], nil
}

// blessedBy returns the statement that a blessing names, zero of any other commit.
func (b *blessing) blessedBy(ctx context.Context, id digest.ObjectID) (digest.SHA256, error) {
	kind, raw, err := b.repo.Object(ctx, id)
	if err != nil || kind != digest.Commit {
		return digest.SHA256{}, nil // the root of built branches need not be there
	}
	bless, err := builtcommit.ParseBlessing(b.repo.Format(), raw)
	if err != nil {
		return digest.SHA256{}, nil // it is another commit
	}
	return bless.Statement, nil
}

// signoff is the form of a person in a commit.
var signoff = regexp.MustCompile(`^([^<>\n\x00]*[^<>\s]) <([^<>\s]+)>$`)

func (b *blessing) person() (gitobject.Person, error) {
	m := signoff.FindStringSubmatch(b.o.Signoff)
	if m == nil {
		return gitobject.Person{}, report.UsageFailure(`--signoff "NAME <EMAIL>"; without it, GIT_COMMITTER_NAME and GIT_COMMITTER_EMAIL say who`, "nothing says who signs the blessing off")
	}
	return gitobject.Person{Name: m[1], Email: m[2], Unix: b.now(), Zone: "+0000"}, nil
}

// makeChild writes the blessing: a child of the built commit, with the same tree.
func (b *blessing) makeChild(ctx context.Context) (digest.ObjectID, error) {
	who, err := b.person()
	if err != nil {
		return digest.ObjectID{}, err
	}
	c := &gitobject.Commit{Tree: b.candidate.built.Tree, Parents: []digest.ObjectID{b.candidate.id}, Author: who, Committer: who,
		Message: fmt.Sprintf("Release %s %s\n\nSigned-off-by: %s <%s>\nStatement-sha256: %v\n", b.candidate.built.Name, b.o.Version, who.Name, who.Email, b.released)}
	raw, err := gitobject.EncodeCommit(b.repo.Format(), c)
	if err != nil {
		return digest.ObjectID{}, err
	}
	if c.Signature, err = signing.Git(ctx, b.signer, raw); err != nil {
		return digest.ObjectID{}, err
	}
	if raw, err = gitobject.EncodeCommit(b.repo.Format(), c); err != nil {
		return digest.ObjectID{}, err
	}
	if _, err := builtcommit.ParseBlessing(b.repo.Format(), raw); err != nil {
		return digest.ObjectID{}, err
	}
	return b.add(ctx, digest.Commit, raw)
}

// makeTag writes a signed tag on the built commit, and returns the change that
// makes its ref; none if there is one already.
func (b *blessing) makeTag(ctx context.Context) (refs.Change, error) {
	who, err := b.person()
	if err != nil {
		return refs.Change{}, err
	}
	ref := b.candidate.built.Source.Tag + TagSuffix
	old, err := refs.Read(ctx, b.repo, ref)
	if err != nil || !old.IsZero() {
		return refs.Change{}, b.checkTag(ctx, ref, old, err)
	}
	raw := fmt.Appendf(nil, "object %v\ntype commit\ntag %s\ntagger %s <%s> %d %s\n\nRelease %s %s\n\nStatement-sha256: %v\n", b.candidate.id, strings.TrimPrefix(ref, gitobject.TagPrefix),
		who.Name, who.Email, who.Unix, who.Zone, b.candidate.built.Name, b.o.Version, b.released)
	sig, err := signing.Git(ctx, b.signer, raw)
	if err != nil {
		return refs.Change{}, err
	}
	raw = append(raw, sig...)
	if _, err := gitobject.ParseTag(b.repo.Format(), raw); err != nil {
		return refs.Change{}, err
	}
	id, err := b.add(ctx, digest.Tag, raw)
	return refs.Change{Ref: ref, New: id}, err
}

// checkTag holds a tag that is there to the built commit.
func (b *blessing) checkTag(ctx context.Context, ref string, id digest.ObjectID, err error) error {
	if err != nil {
		return err
	}
	kind, raw, err := b.repo.Object(ctx, id)
	if err == nil && kind == digest.Tag {
		if tag, err := gitobject.ParseTag(b.repo.Format(), raw); err == nil && tag.Object == b.candidate.id {
			return nil
		}
	}
	return &report.Failure{Code: report.Failed, Detail: fmt.Sprintf("%s is there and is not on the built commit", escape.Text(ref)), Hint: "tags are never moved: find out who made it"}
}

// add writes one object into the repository.
func (b *blessing) add(ctx context.Context, kind digest.ObjectType, raw []byte) (digest.ObjectID, error) {
	o, err := pack.InMemory(b.repo.Format(), kind, raw)
	if err != nil {
		return digest.ObjectID{}, err
	}
	_, err = pack.Add(ctx, b.repo, []pack.Object{o})
	return o.ID, err
}
