package objects

import (
	"context"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/gitobject/treewalk"
	"github.com/countermark/countermark/internal/tree"
)

// Share is how much of a commit is in an archive.
type Share struct {
	Shared int   // files and links of the commit that the archive has under the same path with the same content
	Total  int   // files and links of the commit
	Err    error // why the commit could not be read; Shared and Total are 0 then
}

// Shares compares an archive's tree with commits, and returns as many shares.
// Subtrees that occur at one path in many commits are read once. progress may
// be nil. The error is the context's.
func (r *Reader) Shares(ctx context.Context, archive tree.Tree, commits []digest.ObjectID, progress func(done, total int)) ([]Share, error) {
	c := &counter{r: r, archive: archive, counts: make(map[place]count)}
	shares := make([]Share, len(commits))
	for i, id := range commits {
		total, err := c.commit(ctx, id)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		shares[i] = Share{Shared: total.shared, Total: total.files, Err: err}
		if progress != nil {
			progress(i+1, len(commits))
		}
	}
	return shares, nil
}

// count is how many files a tree holds, and how many of them the archive has.
type count struct {
	shared, files int // at most gitobject.MaxTreeEntries + 1 each
}

// place is a tree object at a path. Outside the archive's directories the path
// does not matter: nothing is shared there.
type place struct {
	dir string // "" or ending in a slash; outside for all that the archive lacks
	id  digest.ObjectID
}

const (
	outside   = "\x00"    // no path holds NUL
	maxPlaces = 1_000_000 // about 150 MB; beyond that counting starts afresh
)

// counter counts trees, and remembers those that it has counted.
type counter struct {
	r       *Reader
	archive tree.Tree
	counts  map[place]count
}

// commit counts the tree of a commit.
func (c *counter) commit(ctx context.Context, id digest.ObjectID) (count, error) {
	commit, err := c.r.Commit(ctx, id)
	if err != nil {
		return count{}, err
	}
	if len(c.counts) > maxPlaces {
		clear(c.counts)
	}
	root := place{"", commit.Tree}
	read := make(map[place]*counted)
	level := []place{root}
	for depth := 0; len(level) > 0; depth++ {
		if depth >= gitobject.MaxTreeDepth {
			return count{}, treewalk.TooDeep(commit.Tree)
		}
		if level, err = c.level(ctx, level, read); err != nil {
			return count{}, err
		}
		if len(read) > gitobject.MaxTreeEntries {
			return count{}, treewalk.TooMany(commit.Tree)
		}
	}
	total := c.sum(root, read)
	if total.files > gitobject.MaxTreeEntries {
		return count{}, treewalk.TooMany(commit.Tree)
	}
	return total, nil
}

// counted is a tree that was read: its own files, and the trees in it.
type counted struct {
	own   count
	inner []place
}

// level reads the trees of one depth and returns those below, each once, that
// were not counted before.
func (c *counter) level(ctx context.Context, level []place, read map[place]*counted) (next []place, err error) {
	byID := make(map[digest.ObjectID][]place)
	var ids []digest.ObjectID
	for _, p := range level {
		if _, known := c.counts[p]; known || read[p] != nil {
			continue
		}
		if len(byID[p.id]) == 0 {
			ids = append(ids, p.id)
		}
		byID[p.id] = append(byID[p.id], p)
		read[p] = new(counted)
	}
	err = c.r.readTrees(ctx, ids, func(id digest.ObjectID, entries []gitobject.TreeEntry) error {
		for _, p := range byID[id] {
			c.entries(p, entries, read[p])
			next = append(next, read[p].inner...)
		}
		return nil
	})
	return next, err
}

// entries counts the files of one tree.
func (c *counter) entries(p place, entries []gitobject.TreeEntry, t *counted) {
	for i := range entries {
		e := &entries[i]
		path := tree.Path(p.dir + e.Name)
		switch {
		case e.Mode == treewalk.ModeSubmodule:
		case e.Mode == treewalk.ModeDirectory && p.dir != outside && c.archive.HasDir(path):
			t.inner = append(t.inner, place{string(path) + "/", e.ID})
		case e.Mode == treewalk.ModeDirectory:
			t.inner = append(t.inner, place{outside, e.ID})
		default:
			t.own.files++
			if p.dir == outside {
				continue
			}
			if held := c.archive.Lookup(path); held != nil && held.IDs.In(c.r.Format) == e.ID {
				t.own.shared++
			}
		}
	}
}

// sum adds up what was read, and remembers it.
func (c *counter) sum(p place, read map[place]*counted) count {
	if known, ok := c.counts[p]; ok {
		return known
	}
	total := read[p].own
	for _, inner := range read[p].inner {
		below := c.sum(inner, read)
		total.shared = min(total.shared+below.shared, gitobject.MaxTreeEntries+1)
		total.files = min(total.files+below.files, gitobject.MaxTreeEntries+1)
	}
	c.counts[p] = total
	return total
}
