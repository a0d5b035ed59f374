package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/gitrepo/gitexec"
	"github.com/countermark/countermark/internal/gitrepo/objects"
	"github.com/countermark/countermark/internal/refusal"
)

// Remote says which repository to open and where to keep what is fetched.
type Remote struct {
	URL      string            // as CheckURL accepts it
	CacheDir string            // folder of snapshots, made if it is not there; "" keeps nothing
	Progress func(line string) // is given what git says while it works, escaped; may be nil
}

// OpenRemote lists the tags of a remote repository. Nothing else is fetched
// before Fetch. The error is a *refusal.Refusal (GIT_PROTOCOL, GIT_FORMAT,
// GIT_LIMIT), a *TransportError, or another.
func (g *Git) OpenRemote(ctx context.Context, remote Remote) (*Repository, error) {
	if err := CheckURL(remote.URL); err != nil {
		return nil, err
	}
	r, err := g.newRepository()
	if err != nil {
		return nil, err
	}
	r.remote = remote
	if r.store.dir = remote.CacheDir; r.store.dir == "" {
		r.store.dir = filepath.Join(r.temp, "snapshots")
	}
	if err = r.store.open(); err == nil {
		err = r.listRemote(ctx)
	}
	if err != nil {
		_ = r.Close()
		return nil, err
	}
	return r, nil
}

// listRemote reads the tags and, from them, the object format.
func (r *Repository) listRemote(ctx context.Context) error {
	if err := r.setFormat(digest.SHA1Format); err != nil {
		return err
	}
	out := &gitexec.Limited{Max: MaxRefBytes, What: "list of refs"}
	err := r.program.Run(ctx, gitexec.Call{
		Args:   []string{"ls-remote", "--tags", "--end-of-options", r.remote.URL},
		GitDir: r.reader.GitDir, Stdout: out, Transport: &gitexec.Transport{Progress: r.remote.Progress},
	})
	if err != nil {
		return AsTransportError(r.remote.URL, err)
	}
	peeled := make(map[string]digest.ObjectID)
	for _, line := range out.Lines() {
		hex, name, found := strings.Cut(line, "\t")
		id, err := digest.ParseObjectID(hex)
		if err != nil || !found || id.IsNull() {
			return &TransportError{URL: r.remote.URL, Detail: "the list of refs holds a line that is not an id and a name"}
		}
		if tag, isPeeled := strings.CutSuffix(name, "^{}"); isPeeled {
			peeled[tag] = id
		} else {
			r.addRef(name, id)
		}
	}
	for i := range r.refs {
		r.refs[i].Peeled = peeled[r.refs[i].Name]
	}
	if err := r.sortRefs(); err != nil || len(r.refs) == 0 {
		return err
	}
	return r.setFormat(r.refs[0].ID.Format())
}

// Fetch makes a tag (by its full ref name) or a commit (by its full id) of a
// remote repository readable: the tag object, the commit without its history,
// its trees and every .gitattributes blob, no other file content. A snapshot of
// an earlier run is used again if all of that is in it. For a local repository
// it does nothing. The error is a *refusal.Refusal or *TransportError.
func (r *Repository) Fetch(ctx context.Context, refOrID string) error {
	if r.local {
		return nil
	}
	refspec, id, err := r.wanted(refOrID)
	if err != nil {
		return err
	}
	if err := r.setFormat(id.Format()); err != nil {
		return err
	}
	return r.snapshot(ctx, snapshot{
		key: snapshotKey(r.remote.URL, id.String()),
		check: func(ctx context.Context) error {
			lacking, err := r.lackingAttributes(ctx, id)
			if err == nil && len(lacking) > 0 {
				err = r.reader.Missing(lacking[0])
			}
			return err
		},
		fill: func(ctx context.Context, dir string) error { return r.fetchCommit(ctx, dir, refspec, id) },
	})
}

// verifyRef is where a fetch puts what it was asked for.
const verifyRef = "refs/verify/it"

// wanted returns the refspec to fetch and the id that it must give.
func (r *Repository) wanted(refOrID string) (refspec string, id digest.ObjectID, err error) {
	if id, err := digest.ParseObjectID(refOrID); err == nil {
		if len(r.refs) > 0 && id.Format() != r.reader.Format {
			return "", id, refusal.New(refusal.GitFormat, "a %v id was asked for in a %v repository", id.Format(), r.reader.Format).At(refusal.Unknown, refOrID)
		}
		return "+" + refOrID + ":" + verifyRef, id, nil
	}
	if err := gitobject.CheckRefName(refOrID); err != nil {
		return "", id, err
	}
	for _, ref := range r.refs {
		if ref.Name == refOrID {
			return "+" + refOrID + ":" + verifyRef, ref.ID, nil
		}
	}
	return "", id, refusal.New(refusal.GitMissing, "the repository has no such tag").At(refusal.Unknown, refOrID)
}

// fetchCommit fetches a tag or commit into an empty repository at dir, then,
// in one batch, the .gitattributes blobs that it lacks.
func (r *Repository) fetchCommit(ctx context.Context, dir, refspec string, id digest.ObjectID) error {
	if err := r.fetch(ctx, dir, "", "--depth=1", "--end-of-options", r.remote.URL, refspec); err != nil {
		return err
	}
	got, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(verifyRef)))
	if err != nil {
		return fmt.Errorf("reading what was fetched: %v", err)
	}
	if strings.TrimSpace(string(got)) != id.String() {
		return &TransportError{URL: r.remote.URL, Detail: fmt.Sprintf("the tag moved while it was fetched, from %v to %s", id, strings.TrimSpace(string(got)))}
	}
	fetched := filepath.Join(dir, "objects")
	r.attach(fetched)
	lacking, err := r.lackingAttributes(ctx, id)
	r.detach(fetched)
	if err != nil {
		return err
	}
	err = r.fetchObjects(ctx, dir, lacking)
	// Before protocol version 2, which an sshd may not let through, a server
	// gives only what its refs point to: then everything must be fetched.
	if t, ok := errors.AsType[*TransportError](err); ok && strings.Contains(t.Detail, "unadvertised object") {
		return r.fetch(ctx, dir, "", "--depth=1", "--no-filter", "--end-of-options", r.remote.URL, refspec)
	}
	return err
}

// fetchObjects fetches single objects in one batch, with the options that git
// itself uses to fill in a partial clone (promisor-remote.c, fetch_objects).
func (r *Repository) fetchObjects(ctx context.Context, dir string, ids []digest.ObjectID) error {
	if len(ids) == 0 {
		return nil
	}
	var lines strings.Builder
	for _, id := range ids {
		lines.WriteString(id.String() + "\n")
	}
	return r.fetch(ctx, dir, lines.String(), "--stdin", "--end-of-options", r.remote.URL)
}

// fetch runs git fetch in the repository at dir, and drops what it writes into
// its configuration: with a promisor in it, git would fetch again by itself.
func (r *Repository) fetch(ctx context.Context, dir, stdin string, args ...string) error {
	args = append([]string{
		"fetch", "--progress", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head",
		"--no-auto-maintenance", "--filter=blob:none",
	}, args...)
	store := filepath.Join(dir, "objects")
	before, err := packBytes(store)
	if err != nil {
		return err
	}
	err = r.program.Run(ctx, gitexec.Call{
		Args: args, GitDir: dir, Stdin: strings.NewReader(stdin),
		Transport: &gitexec.Transport{Watch: store, Progress: r.remote.Progress},
	})
	if err != nil {
		return AsTransportError(r.remote.URL, err)
	}
	after, err := packBytes(store)
	if err != nil {
		return err
	}
	if after > r.program.Limits.FetchBytes {
		return gitexec.TooMuch(r.program.Limits.FetchBytes)
	}
	r.fetched += after - before
	return MakeBare(dir, r.reader.Format)
}

// lackingAttributes returns the .gitattributes blobs of a commit, or of the
// commit that a tag points to, that are not there. A tag of anything else has
// none: ResolveTag refuses it.
func (r *Repository) lackingAttributes(ctx context.Context, id digest.ObjectID) ([]digest.ObjectID, error) {
	kind, raw, err := r.Object(ctx, id)
	if err != nil {
		return nil, err
	}
	if kind == digest.Tag {
		tag, err := gitobject.ParseTag(r.reader.Format, raw)
		if err != nil {
			return nil, objects.InObject(err, id)
		}
		kind, id = tag.Type, tag.Object
	}
	if kind != digest.Commit {
		return nil, nil
	}
	commit, err := r.Commit(ctx, id)
	if err != nil {
		return nil, err
	}
	t, err := r.Tree(ctx, commit.Tree)
	if err != nil {
		return nil, err
	}
	_, ids := attributeFiles(t, r.reader.Format)
	return r.lacking(ctx, ids)
}

// lacking returns those of the objects that are not there.
func (r *Repository) lacking(ctx context.Context, ids []digest.ObjectID) ([]digest.ObjectID, error) {
	var lacking []digest.ObjectID
	err := r.reader.Info(ctx, ids, func(i int, o objects.Object) error {
		if o.Type == 0 {
			lacking = append(lacking, ids[i])
		}
		return nil
	})
	return lacking, err
}
