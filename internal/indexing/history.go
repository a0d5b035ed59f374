package indexing

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/knownfile"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/revision"
	"github.com/countermark/countermark/internal/toolrelease"
)

// history indexes the files of one repository.
type history struct {
	*build
	repo    *gitrepo.Repository
	tool    string
	walked  map[digest.ObjectID]bool // commits on a line
	last    map[string]folder        // what each folder held when it was read last
	entries int                      // of the tree that is read
	prints  map[blobName]knownfile.Fingerprint
}

// blobName is a blob under a base name, on which its fingerprint depends.
type blobName struct {
	id   digest.ObjectID
	name string
}

// shipped is a file as one version holds it.
type shipped struct {
	path    string
	blob    digest.ObjectID
	version string
}

// tags indexes the tree of each tag whose name holds a version. A tag that leads
// to no commit, or whose object is that of another tag, is no release.
func (h *history) tags(ctx context.Context) error {
	tags, _, err := h.repo.Tags(ctx)
	if err != nil {
		return err
	}
	var all []shipped
	for _, ref := range tags {
		_, version, ok := revision.VersionOfName(strings.TrimPrefix(ref.Name, gitobject.TagPrefix) + ".tar")
		if !ok {
			continue
		}
		resolved, err := h.repo.ResolveTag(ctx, ref)
		if refused, ok := errors.AsType[*refusal.Refusal](err); ok && (refused.Rule == refusal.GitTagTarget || refused.Rule == refusal.GitTagName) {
			continue
		}
		if err != nil {
			return err
		}
		if time.Unix(resolved.Commit.Committer.Unix, 0).Before(h.o.Since) {
			continue
		}
		files, err := h.files(ctx, resolved.Commit.Tree)
		if err != nil {
			return err
		}
		for name, blob := range files {
			all = append(all, shipped{name, blob, version})
		}
	}
	return h.add(ctx, all)
}

// commit is one commit of a history.
type commit struct {
	tree    digest.ObjectID
	version string // its date
}

// branches indexes every commit on the first-parent line of each branch. A
// version is the day of the commit; a file's last version is the day on which
// another took its place.
func (h *history) branches(ctx context.Context) error {
	heads, err := h.repo.Heads(ctx)
	if err != nil {
		return err
	}
	var all []shipped
	for _, head := range heads {
		line, err := h.line(ctx, head)
		if err != nil {
			return err
		}
		changes, err := h.changes(ctx, line)
		if err != nil {
			return err
		}
		all = append(all, changes...)
	}
	return h.add(ctx, all)
}

// line returns the commits from a head back along the first parents, the oldest
// first: those since Since that are on no earlier line, and the one before them.
func (h *history) line(ctx context.Context, head digest.ObjectID) ([]commit, error) {
	var line []commit
	for id := head; ; {
		c, err := h.repo.Commit(ctx, id)
		if err != nil {
			return nil, err
		}
		at := time.Unix(c.Committer.Unix, 0).UTC()
		line = append(line, commit{c.Tree, at.Format("20060102")})
		h.o.Progress.Text(fmt.Sprintf("%s: %d commits", h.tool, len(line)))
		if len(c.Parents) == 0 || at.Before(h.o.Since) || h.walked[id] {
			break
		}
		h.walked[id] = true
		id = c.Parents[0]
	}
	slices.Reverse(line)
	return line, nil
}

// changes returns each file with the version that it came in, and with the one
// that it went in.
func (h *history) changes(ctx context.Context, line []commit) ([]shipped, error) {
	var all []shipped
	before, root := map[string]digest.ObjectID{}, digest.ObjectID{}
	for i, c := range line {
		if c.tree == root {
			continue
		}
		root = c.tree
		files, err := h.files(ctx, c.tree)
		if err != nil {
			return nil, err
		}
		for name, blob := range files {
			if before[name] != blob {
				all = append(all, shipped{name, blob, c.version})
			}
		}
		for name, blob := range before {
			if files[name] != blob {
				all = append(all, shipped{name, blob, c.version})
			}
		}
		before = files
		h.o.Progress.Text(fmt.Sprintf("%s: commit %d of %d", h.tool, i+1, len(line)))
	}
	if len(line) > 0 {
		for name, blob := range before {
			all = append(all, shipped{name, blob, line[len(line)-1].version})
		}
	}
	return all, nil
}

// folder is one tree object's files, by their paths.
type folder struct {
	id    digest.ObjectID
	files map[string]digest.ObjectID
}

// files returns the selected files of a commit's tree. They must not be changed.
func (h *history) files(ctx context.Context, root digest.ObjectID) (map[string]digest.ObjectID, error) {
	h.entries = 0
	return h.folder(ctx, root, "")
}

// folder returns the selected files in and below one folder. It goes as far as
// gitrepo.Repository.Tree would.
func (h *history) folder(ctx context.Context, id digest.ObjectID, at string) (map[string]digest.ObjectID, error) {
	if last := h.last[at]; last.id == id {
		return last.files, nil
	}
	entries, err := h.repo.TreeObject(ctx, id)
	if err != nil {
		return nil, err
	}
	if h.entries += len(entries); h.entries > gitobject.MaxTreeEntries || strings.Count(at, "/") >= gitobject.MaxTreeDepth-1 {
		return nil, refusal.New(refusal.GitLimit, "the tree has more than %d entries, or %d trees in one another", gitobject.MaxTreeEntries, gitobject.MaxTreeDepth).At(refusal.Unknown, at)
	}
	files := make(map[string]digest.ObjectID)
	for _, e := range entries {
		name := path.Join(at, e.Name)
		switch {
		case e.Mode == modeFolder && h.o.Only.WantsBelow(name):
			below, err := h.folder(ctx, e.ID, name)
			if err != nil {
				return nil, err
			}
			maps.Copy(files, below)
		case (e.Mode == modeFile || e.Mode == modeExecutable) && h.o.Only.Wants(name):
			files[name] = e.ID
		}
	}
	h.last[at] = folder{id, files}
	return files, nil
}

// The modes of git's trees that matter here.
const (
	modeFolder     = 0o040000
	modeFile       = 0o100644
	modeExecutable = 0o100755
)

// add takes the fingerprint of every blob, and adds every file.
func (h *history) add(ctx context.Context, all []shipped) error {
	wanted := make(map[digest.ObjectID][]string) // the base names of each blob
	for _, s := range all {
		name := path.Base(s.path)
		if !slices.Contains(wanted[s.blob], name) {
			wanted[s.blob] = append(wanted[s.blob], name)
		}
	}
	ids := make([]digest.ObjectID, 0, len(wanted))
	for id := range wanted {
		ids = append(ids, id)
	}
	_, err := h.repo.Blobs(ctx, ids, func(id digest.ObjectID, content []byte) error {
		if len(content) > toolrelease.MaxFileBytes {
			return nil
		}
		for _, name := range wanted[id] {
			h.prints[blobName{id, name}] = knownfile.Take(name, content)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, s := range all {
		f, ok := h.prints[blobName{s.blob, path.Base(s.path)}]
		if !ok {
			continue // too large, or not in this partial clone
		}
		if err := h.builder.Add(h.tool, s.version, s.path, f); err != nil {
			return err
		}
	}
	return nil
}
