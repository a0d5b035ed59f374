package tree

import (
	"iter"
	"strconv"
	"strings"

	"github.com/countermark/countermark/internal/digest"
)

// Identity is the ids of a tree.
type Identity struct {
	Git       digest.IDs // git's tree ids, of what git can hold: no empty directories, no special files
	SWH       string     // Software Heritage's identifier (SWHID 1.2, ISO/IEC 18670), which counts empty directories; "" if the tree has special files or submodules
	Collision bool       // a tree object carries a SHA-1 collision attack
}

// Identity computes the tree's ids from the ids of its entries, in the formats
// given. Every entry that is neither Directory nor Special must have an id in
// each of them.
func (t Tree) Identity(formats ...digest.Format) Identity {
	var id Identity
	id.Git, id.Collision = newHasher(formats, false).root(t)
	plain, hasDirs, hasSHA1 := true, false, false
	for i := range t.entries {
		switch t.entries[i].Kind {
		case Special, Submodule:
			plain = false
		case Directory:
			hasDirs = true
		}
	}
	for _, f := range formats {
		hasSHA1 = hasSHA1 || f == digest.SHA1Format
	}
	if plain && hasSHA1 {
		git := id.Git
		if hasDirs {
			git, _ = newHasher([]digest.Format{digest.SHA1Format}, true).root(t)
		}
		id.SWH = "swh:1:dir:" + git.In(digest.SHA1Format).String()
	}
	return id
}

// hasher makes tree objects from sorted entries, bottom up.
type hasher struct {
	formats   []digest.Format
	hashes    []*digest.ObjectHash
	emptyDirs bool
	collision bool
}

func newHasher(formats []digest.Format, emptyDirs bool) *hasher {
	h := &hasher{formats: formats, emptyDirs: emptyDirs}
	for _, f := range formats {
		h.hashes = append(h.hashes, digest.NewObjectHash(f))
	}
	return h
}

func (h *hasher) root(t Tree) (digest.IDs, bool) {
	ids, _ := h.directory(t.entries, 0)
	return ids, h.collision
}

// directory hashes the directory whose entries these are, all of whose paths
// begin with the same skip bytes; held reports whether it holds anything.
func (h *hasher) directory(entries []Entry, skip int) (ids digest.IDs, held bool) {
	bodies := make([][]byte, len(h.formats))
	add := func(mode, name string, ids digest.IDs) {
		held = true
		for i, f := range h.formats {
			b := append(append(bodies[i], mode...), ' ')
			b = append(append(b, name...), 0)
			bodies[i] = append(b, ids.In(f).Bytes()...)
		}
	}
	for name, inner := range children(entries, skip) {
		e := &inner[0]
		switch {
		case e.Kind == Directory || len(e.Path) > skip+len(name):
			if e.Kind == Directory && len(e.Path) == skip+len(name) {
				inner = inner[1:]
			}
			ids, nonEmpty := h.directory(inner, skip+len(name)+1)
			if nonEmpty || h.emptyDirs {
				add("40000", name, ids)
			}
		case e.Kind != Special:
			add(strconv.FormatUint(uint64(e.GitMode()), 8), name, e.IDs)
		}
	}
	for i, f := range h.formats {
		h.hashes[i].Reset(digest.Tree, int64(len(bodies[i])))
		_, _ = h.hashes[i].Write(bodies[i])
		sum, err := h.hashes[i].Sum()
		h.collision = h.collision || err != nil
		ids.Set(sum.In(f))
	}
	return ids, held
}

// children yields each name that lies directly in the directory whose entries
// these are (all of their paths begin with the same skip bytes), with the
// entries of that name and below it.
func children(entries []Entry, skip int) iter.Seq2[string, []Entry] {
	return func(yield func(string, []Entry) bool) {
		for len(entries) > 0 {
			name, _, _ := strings.Cut(string(entries[0].Path)[skip:], "/")
			n := 1
			for n < len(entries) && isAtOrBelow(string(entries[n].Path)[skip:], name) {
				n++
			}
			if !yield(name, entries[:n]) {
				return
			}
			entries = entries[n:]
		}
	}
}

// isAtOrBelow reports whether path is name or begins with name and a slash.
func isAtOrBelow(path, name string) bool {
	rest, found := strings.CutPrefix(path, name)
	return found && (rest == "" || rest[0] == '/')
}
