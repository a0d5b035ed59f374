package source

import (
	"context"
	"crypto/sha256"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/tree"
)

// Record returns what a build record says of the source, of which laid is Files as
// it was laid out, hashed in both formats.
func (s *Source) Record(ctx context.Context, laid tree.Tree) (r buildrecord.Source, err error) {
	r = buildrecord.Source{Ref: s.Ref.Name, Tag: s.TagID, Commit: s.CommitID, Tree: s.Commit.Tree, Time: s.Epoch(), Submodules: s.Submodules}
	if r.CommitSHA256, err = s.sum(ctx, s.CommitID); err != nil {
		return r, err
	}
	if !s.TagID.IsZero() {
		if r.TagSHA256, err = s.sum(ctx, s.TagID); err != nil {
			return r, err
		}
	}
	if r.TreeSHA256 = s.Commit.Tree; s.Format() == digest.SHA256Format {
		return r, nil
	}
	var own []tree.Entry
	for _, e := range laid.Entries() {
		if !slices.ContainsFunc(s.Submodules, func(m buildrecord.Submodule) bool { return strings.HasPrefix(string(e.Path), string(m.Path)+"/") }) {
			own = append(own, e)
		}
	}
	files, err := tree.Build(own)
	id := files.Identity(digest.SHA256Format)
	r.TreeSHA256 = id.Git.In(digest.SHA256Format)
	return r, err
}

// sum returns the SHA-256 of an object's content.
func (s *Source) sum(ctx context.Context, id digest.ObjectID) (digest.SHA256, error) {
	_, raw, err := s.Repo.Object(ctx, id)
	return sha256.Sum256(raw), err
}
