package candidate

import (
	"bytes"
	"context"

	"github.com/countermark/countermark/internal/builtcommit"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/gitrepo/pack"
)

// IsSigned reports whether an object is the built commit raw, but for a signature
// that it may carry.
func IsSigned(ctx context.Context, r *gitrepo.Repository, id digest.ObjectID, raw []byte) (bool, error) {
	kind, content, err := r.Object(ctx, id)
	if err != nil || kind != digest.Commit {
		return false, err
	}
	unsigned, err := gitobject.Unsigned(r.Format(), content)
	return err == nil && bytes.Equal(unsigned, raw), nil // what cannot be read is another commit
}

// Sign stores the built commit raw with the signature that sign gives, and returns
// its id. Without sign it is that of raw, which is stored already.
func Sign(ctx context.Context, r *gitrepo.Repository, raw []byte, sign func(context.Context, []byte) (string, error)) (id digest.ObjectID, err error) {
	if sign == nil {
		return digest.HashObject(r.Format(), digest.Commit, raw)
	}
	c, err := gitobject.ParseCommit(r.Format(), raw)
	if err != nil {
		return id, err
	}
	if c.Signature, err = sign(ctx, raw); err != nil {
		return id, err
	}
	signed, err := gitobject.EncodeCommit(r.Format(), c)
	if err != nil {
		return id, err
	}
	if _, err := builtcommit.Parse(r.Format(), signed); err != nil {
		return id, err
	}
	o, err := pack.InMemory(r.Format(), digest.Commit, signed)
	if err != nil {
		return id, err
	}
	_, err = pack.Add(ctx, r, []pack.Object{o})
	return o.ID, err
}
