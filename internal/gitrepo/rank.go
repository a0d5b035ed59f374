package gitrepo

import (
	"cmp"
	"context"
	"slices"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitrepo/objects"
	"github.com/countermark/countermark/internal/tree"
)

// Ranked is how much of a tagged commit is in an archive.
type Ranked struct {
	Ref      Ref
	CommitID digest.ObjectID
	objects.Share
}

// Rank compares an archive's tree with the commits that tags of a local
// repository point to, and returns all of them, those that share most first,
// and of these the smallest; those that could not be read last. It is a guess
// at what the archive is, not a judgement. progress may be nil. The error is
// the context's.
func (r *Repository) Rank(ctx context.Context, archive tree.Tree, tags []Ref, progress func(done, total int)) ([]Ranked, error) {
	commits := make([]digest.ObjectID, len(tags))
	for i, ref := range tags {
		if commits[i] = ref.Peeled; ref.Peeled.IsZero() {
			commits[i] = ref.ID
		}
	}
	shares, err := r.reader.Shares(ctx, archive, commits, progress)
	if err != nil {
		return nil, err
	}
	ranked := make([]Ranked, len(tags))
	for i, ref := range tags {
		ranked[i] = Ranked{Ref: ref, CommitID: commits[i], Share: shares[i]}
	}
	slices.SortStableFunc(ranked, func(a, b Ranked) int {
		return cmp.Or(cmp.Compare(failed(a), failed(b)), cmp.Compare(b.Shared, a.Shared), cmp.Compare(a.Total, b.Total), cmp.Compare(a.Ref.Name, b.Ref.Name))
	})
	return ranked, nil
}

func failed(r Ranked) int {
	if r.Err != nil {
		return 1
	}
	return 0
}
