package archive

import (
	"errors"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/tree"
)

const (
	// maxLinkHops bounds how many links lead into one another, as Linux's path
	// resolution does (path_resolution(7): ELOOP after 40).
	maxLinkHops = 40
	// maxTargetBytes bounds the targets of all symbolic links together, and so
	// the time it takes to follow them. Linux's 70 have 2 kB.
	maxTargetBytes = 16 << 20
)

// checkLinks refuses symbolic links that are absolute or that lead above the
// top directory, also by way of other links of the archive. A link in a loop
// leads nowhere and is accepted.
func checkLinks(t tree.Tree, links map[tree.Path]string) error {
	f := &follower{tree: t, links: links, known: make(map[tree.Path]location)}
	for i := range t.Entries() {
		e := &t.Entries()[i]
		if e.Kind != tree.Symlink {
			continue
		}
		target := links[e.Path]
		if strings.HasPrefix(target, "/") {
			return f.refuse(e.Path, "the symbolic link leads to %q, an absolute path", target)
		}
		if !strings.Contains(target, "..") {
			continue // it only leads down, and what it passes is followed by itself
		}
		if _, err := f.follow(e.Path, 1); err != nil {
			return err
		}
	}
	return nil
}

// location is where a path leads.
type location struct {
	dir   tree.Path // a directory of the archive, "" for the top; no component is a link
	below int       // how many components below dir, where the archive has no directory
	hops  int       // how many links lead into one another on the way
	lost  bool      // a link on the way is in a loop: it leads nowhere, and counts as a plain name
}

// follower follows links as a kernel would, reading the archive's own. Each
// target is walked once, so the work is that of all targets together.
type follower struct {
	tree  tree.Tree
	links map[tree.Path]string
	known map[tree.Path]location // of links that were followed
}

// follow returns where the link p leads; depth is 1 more than the number of
// links that are being followed.
func (f *follower) follow(p tree.Path, depth int) (location, error) {
	if at, done := f.known[p]; done {
		return at, nil
	}
	if depth > maxLinkHops {
		return location{}, f.refuse(p, "more than %d symbolic links lead into one another", maxLinkHops)
	}
	nowhere := location{dir: p.Dir(), below: 1, lost: true}
	f.known[p] = nowhere // what a loop that comes back here finds
	at := location{dir: p.Dir(), hops: 1}
	for component := range strings.SplitSeq(f.links[p], "/") {
		switch {
		case component == "" || component == ".":
		case component != "..":
			next, err := f.step(at, component, depth)
			if err != nil {
				return location{}, err
			}
			at = next
		case at.below > 0:
			at.below--
		case at.dir == "":
			return location{}, f.refuse(p, "the symbolic link leads to %q, out of the archive", f.links[p])
		default:
			at.dir = at.dir.Dir()
		}
	}
	if at.hops > maxLinkHops {
		return location{}, f.refuse(p, "more than %d symbolic links lead into one another", maxLinkHops)
	}
	if at.lost {
		nowhere.hops = at.hops
		at = nowhere
	}
	f.known[p] = at
	return at, nil
}

// step goes from a location to the component below it.
func (f *follower) step(at location, component string, depth int) (location, error) {
	if at.below > 0 {
		at.below++
		return at, nil
	}
	p := tree.Path(component)
	if at.dir != "" {
		p = at.dir + "/" + p
	}
	target, isLink := f.links[p]
	switch {
	case isLink && strings.HasPrefix(target, "/"):
		return location{}, f.refuse(p, "the symbolic link leads to %q, an absolute path", target)
	case isLink:
		next, err := f.follow(p, depth+1)
		next.hops, next.lost = max(at.hops, next.hops+1), next.lost || at.lost
		return next, err
	}
	if dir, ok := f.directory(p); ok {
		at.dir = dir
	} else {
		at.below = 1
	}
	return at, nil
}

// directory returns p, if it is a directory of the archive, as part of an
// entry's path, so that no copy of it is kept.
func (f *follower) directory(p tree.Path) (tree.Path, bool) {
	entries := f.tree.Entries()
	i, found := slices.BinarySearchFunc(entries, &tree.Entry{Path: p, Kind: tree.Directory},
		func(e tree.Entry, key *tree.Entry) int { return tree.Compare(&e, key) })
	if found || i < len(entries) && len(entries[i].Path) > len(p) && entries[i].Path[:len(p)] == p && entries[i].Path[len(p)] == '/' {
		return entries[i].Path[:len(p)], true
	}
	return "", false
}

func (f *follower) refuse(p tree.Path, format string, args ...any) error {
	r := refusal.New(refusal.LinkEscape, format, args...)
	if e := f.tree.Lookup(p); e != nil {
		return r.At(e.Offset, string(p))
	}
	return r
}

// at adds a place to the refusal that err is.
func at(err error, offset int64, name string) error {
	if r, ok := errors.AsType[*refusal.Refusal](err); ok {
		return r.At(offset, name)
	}
	return err
}
