package ledger

import (
	"bytes"
	"context"
	"slices"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/dsse"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/gitrepo/objects"
	"github.com/countermark/countermark/internal/gitrepo/pack"
	"github.com/countermark/countermark/internal/gitrepo/refs"
	"github.com/countermark/countermark/internal/refusal"
)

// The files of a policy's commit.
const (
	policyFile = "policy.toml"      // the policy, as it was signed
	signedFile = "policy.dsse.json" // the envelope with the signatures, one line
)

// Limits of one policy.
const (
	MaxPolicyBytes = 8 << 20              // of policy.toml
	maxSignedBytes = 2*MaxPolicyBytes + 1 // of the envelope, which holds it in base64
)

// Chain is the chain of policies, the oldest first: envelopes, the payload of
// each the raw bytes of policy.toml. Whether they follow from each other is not
// decided here, nor what they say, and no signature is verified.
type Chain struct {
	Links   []dsse.Envelope
	commits []digest.ObjectID
}

// Head returns the commit of the newest policy, zero if there is none.
func (c Chain) Head() digest.ObjectID {
	if len(c.commits) == 0 {
		return digest.ObjectID{}
	}
	return c.commits[len(c.commits)-1]
}

// after returns how many policies follow that of a commit; -1 if the chain does
// not hold it. Before all of them is the zero id.
func (c Chain) after(commit digest.ObjectID) int {
	if commit.IsZero() {
		return len(c.commits)
	}
	if i := slices.Index(c.commits, commit); i >= 0 {
		return len(c.commits) - 1 - i
	}
	return -1
}

// ReadPolicies returns the chain of a local repository, which may be empty. The
// error is a *refusal.Refusal: LEDGER_CHAIN or those of reading objects.
func ReadPolicies(ctx context.Context, r *gitrepo.Repository) (Chain, error) {
	head, err := refs.Read(ctx, r, PolicyRef)
	if err != nil {
		return Chain{}, err
	}
	return readChain(ctx, r.Access().Reader, head)
}

// readChain follows first parents from the head to the first policy.
func readChain(ctx context.Context, r *objects.Reader, head digest.ObjectID) (Chain, error) {
	var c Chain
	total := 0
	for at := head; !at.IsZero(); {
		link, parent, err := readLink(ctx, r, at)
		if err != nil {
			return Chain{}, err
		}
		c.Links, c.commits = append(c.Links, link), append(c.commits, at)
		if total += 2 * len(link.Payload); total > MaxTotalBytes || len(c.Links) > MaxPolicies {
			return Chain{}, refusal.New(refusal.GitLimit, "the chain has more than %d policies or %d bytes", MaxPolicies, MaxTotalBytes).At(refusal.Unknown, head.String())
		}
		at = parent
	}
	slices.Reverse(c.Links)
	slices.Reverse(c.commits)
	return c, nil
}

// readLink reads one policy, and what is before it. All of a commit is a
// function of policy, signatures and parent, or it is no policy's.
func readLink(ctx context.Context, r *objects.Reader, id digest.ObjectID) (link dsse.Envelope, parent digest.ObjectID, err error) {
	commit, err := r.Commit(ctx, id)
	if err != nil {
		return link, parent, err
	}
	if len(commit.Parents) > 1 {
		return link, parent, refuse(id, "the commit of a policy has %d parents, at most one is possible", len(commit.Parents))
	}
	if len(commit.Parents) == 1 {
		parent = commit.Parents[0]
	}
	kind, raw, err := r.Object(ctx, commit.Tree)
	if err != nil {
		return link, parent, err
	}
	if kind != digest.Tree {
		return link, parent, refuse(id, "the commit of a policy has a %v for its tree", kind)
	}
	files, err := gitobject.ParseTree(r.Format, raw)
	if err != nil {
		return link, parent, err
	}
	if len(files) != 2 || files[0].Name != signedFile || files[1].Name != policyFile {
		return link, parent, refuse(id, "the tree of a policy's commit holds something else than %s and %s", policyFile, signedFile)
	}
	signed, err := smallBlob(ctx, r, files[0])
	if err != nil {
		return link, parent, err
	}
	if link, err = dsse.Parse(bytes.TrimSuffix(signed, []byte("\n"))); err != nil {
		return link, parent, objects.InObject(err, id)
	}
	made, err := encodeLink(r.Format, link, parent)
	if err != nil {
		return link, parent, objects.InObject(err, id)
	}
	if made.commit != id {
		return link, parent, refuse(id, "the commit of a policy is not as it is written: with this parent and envelope it is %v", made.commit)
	}
	return link, parent, nil
}

func refuse(id digest.ObjectID, format string, args ...any) error {
	return refusal.New(refusal.LedgerChain, format, args...).At(refusal.Unknown, id.String())
}

// smallBlob reads the envelope of a policy's commit.
func smallBlob(ctx context.Context, r *objects.Reader, file gitobject.TreeEntry) ([]byte, error) {
	err := r.Info(ctx, []digest.ObjectID{file.ID}, func(_ int, o objects.Object) error {
		if o.Type != digest.Blob || o.SizeBytes > maxSignedBytes {
			return refusal.New(refusal.LedgerChain, "the envelope of a policy is no blob of at most %d bytes, or is not there", maxSignedBytes).At(refusal.Unknown, file.ID.String())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	_, content, err := r.Object(ctx, file.ID)
	return content, err
}

// encodedLink is a policy as objects.
type encodedLink struct {
	objects []pack.Object
	commit  digest.ObjectID
}

// encodeLink writes the commit of a policy. It names nobody and no time, so that
// whoever writes it writes the same.
func encodeLink(f digest.Format, link dsse.Envelope, parent digest.ObjectID) (encodedLink, error) {
	var made encodedLink
	if link.PayloadType != dsse.PolicyType || len(link.Payload) == 0 || len(link.Payload) > MaxPolicyBytes || len(link.Signatures) == 0 {
		return made, refusal.New(refusal.LedgerChain, "an envelope with %s of %d bytes and %d signatures is not that of a policy: expected %s of 1 to %d bytes, and at least one", escape.Quote(link.PayloadType), len(link.Payload), len(link.Signatures), dsse.PolicyType, MaxPolicyBytes)
	}
	add := func(kind digest.ObjectType, content []byte) (digest.ObjectID, error) {
		o, err := pack.InMemory(f, kind, content)
		made.objects = append(made.objects, o)
		return o.ID, err
	}
	var files []gitobject.TreeEntry
	for _, file := range []struct {
		name    string
		content []byte
	}{{signedFile, append(link.Encode(), '\n')}, {policyFile, link.Payload}} {
		id, err := add(digest.Blob, file.content)
		if err != nil {
			return made, err
		}
		files = append(files, gitobject.TreeEntry{Name: file.name, Mode: fileMode, ID: id})
	}
	raw, err := gitobject.EncodeTree(f, files)
	if err != nil {
		return made, err
	}
	c := &gitobject.Commit{Author: nobody, Committer: nobody, Message: message}
	if c.Tree, err = add(digest.Tree, raw); err != nil {
		return made, err
	}
	if !parent.IsZero() {
		c.Parents = []digest.ObjectID{parent}
	}
	if raw, err = gitobject.EncodeCommit(f, c); err != nil {
		return made, err
	}
	made.commit, err = add(digest.Commit, raw)
	return made, err
}

// What all policies' commits have in common.
const (
	fileMode = 0o100644 // git's mode of a regular file
	message  = "policy\n"
)

var nobody = gitobject.Person{Name: "countermark", Zone: "+0000"}

// AppendPolicy adds the next version to the chain, which the caller has read and
// to whose last version it is the next. The answer is Moved if the chain is
// another by now, and Unchanged if the chain ends with the very link, or has done
// so since. Whether the signatures suffice is for the caller to decide first.
func AppendPolicy(ctx context.Context, r *gitrepo.Repository, c Chain, link dsse.Envelope) (refs.Answer, error) {
	if n := len(c.Links); n > 0 && bytes.Equal(c.Links[n-1].Encode(), link.Encode()) {
		return refs.Update(ctx, r, refs.Change{Ref: PolicyRef, Old: c.Head(), New: c.Head()})
	}
	made, err := encodeLink(r.Format(), link, c.Head())
	if err != nil {
		return refs.Answer{}, err
	}
	if _, err := pack.Add(ctx, r, made.objects); err != nil {
		return refs.Answer{}, err
	}
	return refs.Update(ctx, r, refs.Change{Ref: PolicyRef, Old: c.Head(), New: made.commit})
}
