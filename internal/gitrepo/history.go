package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/refusal"
)

// Heads returns the commits that the branches of a local repository lead to,
// each once.
func (r *Repository) Heads(ctx context.Context) ([]digest.ObjectID, error) {
	if !r.local {
		return nil, errors.New("listing branches of a remote repository")
	}
	ctx, cancel := context.WithTimeout(ctx, MaxReadTime)
	defer cancel()
	lines, err := r.forEachRef(ctx, r.common, "refs/heads/")
	if err != nil {
		return nil, err
	}
	var heads []digest.ObjectID
	for _, line := range lines {
		hex, _, _ := strings.Cut(line, " ")
		id, err := digest.ParseObjectID(hex)
		if err != nil {
			return nil, fmt.Errorf("listing branches: %v", err)
		}
		if !slices.Contains(heads, id) {
			heads = append(heads, id)
		}
	}
	return heads, nil
}

// TreeObject returns the entries of one tree object, without what lies below.
// The error is a *refusal.Refusal as of Tree.
func (r *Repository) TreeObject(ctx context.Context, id digest.ObjectID) ([]gitobject.TreeEntry, error) {
	kind, raw, err := r.Object(ctx, id)
	if err != nil {
		return nil, err
	}
	if kind != digest.Tree {
		return nil, refusal.New(refusal.GitType, "the object is a %v where a tree was expected", kind).At(refusal.Unknown, id.String())
	}
	return gitobject.ParseTree(r.reader.Format, raw)
}
