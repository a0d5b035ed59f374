package gitrepo

import (
	"cmp"
	"context"
	"slices"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/tree"
)

// Ranked is how much of a tagged commit is in an archive.
type Ranked struct {
	Ref      Ref
	CommitID digest.ObjectID
	Shared   int   // files and links of the commit that the archive has under the same path with the same content
	Total    int   // files and links of the commit
	Err      error // why the commit could not be read; Shared and Total are 0 then
}

// Rank compares an archive's tree with the commits that tags of a local
// repository point to, and returns all of them, those that share most first,
// and of these the smallest; those that could not be read last. It is a guess
// at what the archive is, not a judgement. Subtrees that occur at one path in
// many commits are read once. progress may be nil.
func (r *Repository) Rank(ctx context.Context, archive tree.Tree, tags []Ref, progress func(done, total int)) ([]Ranked, error) {
	c := &counter{r: r, archive: archive, counts: make(map[place]count)}
	ranked := make([]Ranked, 0, len(tags))
	for i, ref := range tags {
		one := Ranked{Ref: ref, CommitID: ref.Peeled}
		if one.CommitID.IsZero() {
			one.CommitID = ref.ID
		}
		total, err := c.commit(ctx, one.CommitID)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		one.Shared, one.Total, one.Err = int(total.shared), int(total.files), err
		ranked = append(ranked, one)
		if progress != nil {
			progress(i+1, len(tags))
		}
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

// count is how many files a tree holds, and how many of them the archive has.
type count struct {
	shared, files int32
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
	r       *Repository
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
			return count{}, tooDeep(commit.Tree)
		}
		if level, err = c.level(ctx, level, read); err != nil {
			return count{}, err
		}
		if len(read) > gitobject.MaxTreeEntries {
			return count{}, tooMany(commit.Tree)
		}
	}
	return c.sum(root, read), nil
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
		case e.Mode == modeSubmodule:
		case e.Mode == modeDirectory && p.dir != outside && c.archive.HasDir(path):
			t.inner = append(t.inner, place{string(path) + "/", e.ID})
		case e.Mode == modeDirectory:
			t.inner = append(t.inner, place{outside, e.ID})
		default:
			t.own.files++
			if p.dir == outside {
				continue
			}
			if held := c.archive.Lookup(path); held != nil && held.IDs.In(c.r.format) == e.ID {
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
		total.shared += below.shared
		total.files += below.files
	}
	c.counts[p] = total
	return total
}
