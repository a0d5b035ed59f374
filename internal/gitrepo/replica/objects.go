package replica

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/gitrepo/gitexec"
	"github.com/countermark/countermark/internal/gitrepo/objects"
	"github.com/countermark/countermark/internal/gitrepo/pack"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/tree"
)

// modeTree is that of gitobject.TreeEntry.
const modeTree = 0o040000

// tagOnly packs the tag, its commit, and what is in that, by ourselves.
func (m *maker) tagOnly(ctx context.Context) error {
	ids := []digest.ObjectID{m.made.Head}
	if !m.resolved.TagID.IsZero() {
		ids = append(ids, m.resolved.TagID)
	}
	trees, err := m.trees(ctx)
	if err != nil {
		return err
	}
	ids = append(ids, trees...)
	seen := map[digest.ObjectID]bool{}
	for _, e := range m.source.Tree.Entries() {
		if id := e.IDs.In(m.r.Format()); (e.Kind == tree.File || e.Kind == tree.Symlink) && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	packed, err := m.objects(ctx, ids)
	if err != nil {
		return err
	}
	m.made.Refs = []gitrepo.Ref{{Name: m.source.Ref.Name, ID: m.source.Ref.ID, Peeled: m.made.Head}}
	return pack.Index(ctx, m.r.Access().Program, gitexec.Call{GitDir: m.dir}, func(w io.Writer) error {
		return pack.Write(ctx, w, m.r.Format(), packed)
	})
}

// trees returns the ids of the commit's tree and of those in it, each once.
func (m *maker) trees(ctx context.Context) ([]digest.ObjectID, error) {
	ids := []digest.ObjectID{m.resolved.Commit.Tree}
	seen := map[digest.ObjectID]bool{ids[0]: true}
	for i := 0; i < len(ids); i++ {
		entries, err := m.r.TreeObject(ctx, ids[i])
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.Mode == modeTree && !seen[e.ID] {
				seen[e.ID] = true
				ids = append(ids, e.ID)
			}
		}
	}
	return ids, nil
}

// objects prepares objects for the pack: types and sizes are asked for now, each
// content when it is its turn.
func (m *maker) objects(ctx context.Context, ids []digest.ObjectID) ([]pack.Object, error) {
	packed := make([]pack.Object, len(ids))
	reader := m.r.Access().Reader
	err := reader.Info(ctx, ids, func(i int, o objects.Object) error {
		if o.Type == 0 {
			return reader.Missing(ids[i])
		}
		packed[i] = pack.Object{Type: o.Type, ID: ids[i], SizeBytes: o.SizeBytes, Open: func() (io.ReadCloser, error) {
			_, content, err := m.r.Object(ctx, ids[i])
			return io.NopCloser(bytes.NewReader(content)), err
		}}
		return nil
	})
	return packed, err
}

// history lets git pack the commit with all that came before it, and the tags
// that lead there. git runs in our own repository, which knows nothing of where
// the other is shallow: what is missing is an error. Indexing computes every id
// anew, and checks that nothing is missing among what the commits name.
func (m *maker) history(ctx context.Context) error {
	a := m.r.Access()
	call := func(args ...string) gitexec.Call {
		return gitexec.Call{Args: args, GitDir: a.Reader.GitDir, Alternates: a.Reader.Alternates}
	}
	list := call("rev-list", m.made.Head.String())
	commits := &gitexec.Limited{Max: gitrepo.MaxRefBytes, What: "list of ancestors"}
	list.Stdout = commits
	if err := a.Program.Run(ctx, list); err != nil {
		return m.explain(err)
	}
	ancestors := make(map[string]bool)
	for _, id := range commits.Lines() {
		ancestors[id] = true
	}
	if err := m.tags(ctx, ancestors); err != nil {
		return err
	}
	wanted := m.made.Head.String() + "\n"
	for _, ref := range m.made.Refs {
		wanted += ref.ID.String() + "\n"
	}
	err := pack.Index(ctx, a.Program, gitexec.Call{GitDir: m.dir, Args: []string{"--check-self-contained-and-connected"}}, func(w io.Writer) error {
		c := call("pack-objects", "--revs", "--stdout", "--quiet", "--threads=1", "--delta-base-offset")
		c.Stdin, c.Stdout = bytes.NewReader([]byte(wanted)), w
		return a.Program.Run(ctx, c)
	})
	return m.explain(err)
}

// explain says of an error of git's what it means here.
func (m *maker) explain(err error) error {
	if failed, ok := errors.AsType[*gitexec.RunError](err); ok {
		return missingAncestors(m.made.Head, failed)
	}
	return err
}

// tags takes the tags that lead to ancestors.
func (m *maker) tags(ctx context.Context, ancestors map[string]bool) error {
	all, _, err := m.r.Tags(ctx)
	if err != nil {
		return err
	}
	for _, ref := range all {
		if !ancestors[ref.ID.String()] && !ancestors[ref.Peeled.String()] {
			continue
		}
		resolved, err := m.r.ResolveTag(ctx, ref)
		if _, refused := errors.AsType[*refusal.Refusal](err); refused {
			m.made.LeftOut = append(m.made.LeftOut, ref.Name)
			continue
		}
		if err != nil {
			return err
		}
		if ancestors[resolved.CommitID.String()] { // Peeled is what the repository claims
			m.made.Refs = append(m.made.Refs, gitrepo.Ref{Name: ref.Name, ID: ref.ID, Peeled: resolved.CommitID})
		}
	}
	if !slices.ContainsFunc(m.made.Refs, func(ref gitrepo.Ref) bool { return ref.Name == m.source.Ref.Name }) {
		m.made.Refs = append(m.made.Refs, gitrepo.Ref{Name: m.source.Ref.Name, ID: m.source.Ref.ID, Peeled: m.made.Head})
	}
	return nil
}
