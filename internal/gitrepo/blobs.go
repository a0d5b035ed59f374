package gitrepo

import (
	"context"
	"slices"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitrepo/objects"
	"github.com/countermark/countermark/internal/refusal"
)

// Blobs reads blobs, each hashed again, and calls each once for every id; the
// content may not be kept. Those that a remote repository has and this machine
// has not are fetched first, in one batch. It returns those that are missing.
// The error is a *refusal.Refusal as of Object, or GIT_TYPE, a *TransportError,
// or what each returned.
func (r *Repository) Blobs(ctx context.Context, ids []digest.ObjectID, each func(id digest.ObjectID, content []byte) error) (missing []digest.ObjectID, err error) {
	ids = slices.Clone(ids)
	slices.SortFunc(ids, func(a, b digest.ObjectID) int { return slices.Compare(a.Bytes(), b.Bytes()) })
	ids = slices.Compact(ids)
	if !r.local {
		if err := r.fetchBlobs(ctx, ids); err != nil {
			return nil, err
		}
	}
	err = r.reader.Read(ctx, ids, func(i int, o objects.Object) error {
		switch o.Type {
		case digest.Blob:
			return each(ids[i], o.Content)
		case 0:
			missing = append(missing, ids[i])
			return nil
		}
		return refusal.New(refusal.GitType, "the object is a %v where a blob was expected", o.Type).At(refusal.Unknown, ids[i].String())
	})
	return missing, err
}

// fetchBlobs fetches those of the blobs, given in order, that are not here.
func (r *Repository) fetchBlobs(ctx context.Context, ids []digest.ObjectID) error {
	lacking, err := r.lacking(ctx, ids)
	if err != nil || len(lacking) == 0 {
		return err
	}
	names := []string{"blobs"}
	for _, id := range lacking {
		names = append(names, id.String())
	}
	return r.snapshot(ctx, snapshot{
		key: snapshotKey(r.remote.URL, names...),
		check: func(ctx context.Context) error {
			still, err := r.lacking(ctx, lacking)
			if err == nil && len(still) > 0 {
				err = r.reader.Missing(still[0])
			}
			return err
		},
		fill: func(ctx context.Context, dir string) error { return r.fetchObjects(ctx, dir, lacking) },
	})
}
