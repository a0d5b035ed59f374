package gitrepo

import (
	"context"
	"errors"
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

// SmallBlobs is Blobs without those of more than maxBytes, and without those that
// are not there or cannot be fetched: they are left out. The error is another's
// than theirs.
func (r *Repository) SmallBlobs(ctx context.Context, ids []digest.ObjectID, maxBytes int64, each func(id digest.ObjectID, content []byte) error) error {
	if !r.local {
		if err := r.fetchBlobs(ctx, ids); err != nil && !isAbsence(err) {
			return err
		}
	}
	var small []digest.ObjectID
	err := r.reader.Info(ctx, ids, func(i int, o objects.Object) error {
		if o.Type == digest.Blob && o.SizeBytes <= maxBytes {
			small = append(small, ids[i])
		}
		return nil
	})
	if err != nil {
		return err
	}
	return r.reader.Read(ctx, small, func(i int, o objects.Object) error {
		if o.Type != digest.Blob {
			return nil
		}
		return each(small[i], o.Content)
	})
}

// isAbsence reports whether an error of fetching says that an object, or all of
// the server's, cannot be had.
func isAbsence(err error) bool {
	if _, unreachable := errors.AsType[*TransportError](err); unreachable {
		return true
	}
	refused, ok := errors.AsType[*refusal.Refusal](err)
	return ok && (refused.Rule == refusal.GitMissing || refused.Rule == refusal.GitLimit)
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
