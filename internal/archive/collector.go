package archive

import (
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/tree"
)

// member is one member of an archive, its content not yet read.
type member struct {
	name   string // as the archive spells it, a directory's final slash included
	target string // of a symbolic or hard link
	offset int64  // of its header
	size   int64  // bytes of content
	perm   uint16
	kind   tree.Kind
	exec   tree.Exec
}

// collector turns members into the entries of a tree: it checks names, strips
// the prefix, and hashes contents.
type collector struct {
	prefix      string // without final slash
	prefixSet   bool
	maxMembers  int
	members     int
	nameBytes   int64 // of all names and targets
	targetBytes int64 // of the targets of symbolic links

	hash      *digest.ObjectHash
	inspector Inspector
	inspected []byte // the current member's content, reused
	wanted    bool   // the inspector wants the current member
	kept      bool   // and it is small enough
	ended     bool   // the current member came in one piece, and is finished

	entries []tree.Entry
	links   map[tree.Path]string // targets of symbolic links
	byName  map[tree.Path]int    // made at the first hard link
	modes   map[uint16]int
	topSeen map[string]bool
}

func newCollector(o Options) *collector {
	return &collector{
		prefix: strings.TrimSuffix(o.Prefix, "/"), prefixSet: o.PrefixSet, maxMembers: o.Limits.maxMembers(),
		hash:    digest.NewObjectHash(digest.SHA1Format, digest.SHA256Format),
		links:   make(map[tree.Path]string),
		modes:   make(map[uint16]int),
		topSeen: make(map[string]bool),
	}
}

// begin takes a member. The content of a tree.File follows through content,
// then end.
func (c *collector) begin(m member) error {
	if err := c.count(m); err != nil {
		return err
	}
	path, err := c.path(m)
	if err != nil || path == "" {
		return err
	}
	c.entries = append(c.entries, tree.Entry{Path: path, Offset: m.offset, Size: m.size, Perm: m.perm, Kind: m.kind, Exec: m.exec})
	switch m.kind {
	case tree.File:
		c.modes[m.perm]++
		c.hash.Reset(digest.Blob, m.size)
		c.inspected, c.ended = c.inspected[:0], false
		c.wanted = c.inspector != nil && c.inspector.Wants(path)
		c.kept = c.wanted && m.size <= MaxInspectedBytes
	case tree.Symlink:
		return c.symlink(&c.entries[len(c.entries)-1], m.target)
	}
	return nil
}

// count holds the number of members and the bytes of their names to the limits.
func (c *collector) count(m member) error {
	c.members++
	c.nameBytes += int64(len(m.name) + len(m.target))
	if c.members > c.maxMembers {
		return refusal.New(refusal.TarTooMany, "the archive has more than %d members, the limit", c.maxMembers).At(m.offset, m.name)
	}
	if c.nameBytes > maxNameBytes {
		return refusal.New(refusal.TarTooMany, "the names in the archive have more than %d bytes together, the limit", int64(maxNameBytes)).At(m.offset, m.name)
	}
	if m.kind != tree.Symlink {
		return nil
	}
	if c.targetBytes += int64(len(m.target)); c.targetBytes > maxTargetBytes {
		return refusal.New(refusal.TarTooMany, "the targets of symbolic links have more than %d bytes together, the limit", int64(maxTargetBytes)).At(m.offset, m.name)
	}
	return nil
}

// path checks the member's name and returns its path below the prefix, "" for
// the prefix's own directories.
func (c *collector) path(m member) (tree.Path, error) {
	name := m.name
	if m.kind == tree.Directory {
		name = strings.TrimSuffix(name, "/")
	}
	full, err := tree.ParsePath(name)
	if err == nil {
		err = checkRoot(name)
	}
	if err != nil {
		return "", at(err, m.offset, m.name)
	}
	if !c.prefixSet {
		top, _, below := strings.Cut(name, "/")
		if !below && m.kind != tree.Directory {
			return "", refusal.New(refusal.NameTop, "the archive has no top directory; if that is meant, say so with an empty --prefix").At(m.offset, m.name)
		}
		c.prefix, c.prefixSet = top, true
	}
	if c.prefix == "" {
		return full, nil
	}
	if rest, ok := strings.CutPrefix(name, c.prefix+"/"); ok {
		return tree.Path(rest), nil
	}
	if m.kind != tree.Directory || name != c.prefix && !strings.HasPrefix(c.prefix, name+"/") {
		return "", refusal.New(refusal.NameTop, "the member lies outside the top directory %q", c.prefix).At(m.offset, m.name)
	}
	if c.topSeen[name] {
		return "", refusal.New(refusal.NameDup, "the top directory occurs twice").At(m.offset, m.name)
	}
	c.topSeen[name] = true
	return "", nil
}

// checkRoot refuses names that some systems take for absolute. bsdtar cuts such
// a beginning off on every system, so that "C:a" is written as "a".
func checkRoot(name string) error {
	letter := name[0]|0x20 >= 'a' && name[0]|0x20 <= 'z'
	if name[0] == '\\' || letter && len(name) > 1 && name[1] == ':' {
		return refusal.New(refusal.NamePath, "the name begins with a drive letter or a backslash, which some extractors cut off")
	}
	return nil
}

// symlink stores a link; whether it leads out is known when all members are.
func (c *collector) symlink(e *tree.Entry, target string) error {
	if err := tree.CheckTarget(target); err != nil {
		return at(err, e.Offset, string(e.Path))
	}
	c.links[e.Path] = target
	e.Size = int64(len(target))
	c.hash.Reset(digest.Blob, e.Size)
	_, _ = c.hash.Write([]byte(target))
	c.sum(e)
	return nil
}

func (c *collector) sum(e *tree.Entry) {
	ids, err := c.hash.Sum()
	e.IDs, e.Collision = ids, err != nil
}

// content adds bytes of the current member's content. What comes in one piece,
// as most files do, is shown to the inspector without a copy.
func (c *collector) content(p []byte) {
	_, _ = c.hash.Write(p)
	if !c.kept {
		return
	}
	if int64(len(p)) == c.entries[len(c.entries)-1].Size && len(p) > 0 {
		c.finishMember(p)
		c.ended = true
		return
	}
	c.inspected = append(c.inspected, p...)
}

// end finishes the current member.
func (c *collector) end() {
	if c.ended {
		return
	}
	if c.inspected == nil {
		c.inspected = []byte{} // nil says that the content is not shown
	}
	c.finishMember(c.inspected)
}

func (c *collector) finishMember(content []byte) {
	e := &c.entries[len(c.entries)-1]
	c.sum(e)
	if c.byName != nil {
		c.byName[e.Path] = len(c.entries) - 1
	}
	if c.kept {
		c.inspector.Inspect(e, content)
	} else if c.wanted {
		c.inspector.Inspect(e, nil)
	}
}

// hardLink adds a member that has the content of an earlier regular member.
func (c *collector) hardLink(m member) error {
	if c.byName == nil {
		c.byName = make(map[tree.Path]int, len(c.entries))
		for i := range c.entries {
			if c.entries[i].Kind == tree.File {
				c.byName[c.entries[i].Path] = i
			}
		}
	}
	if err := c.count(m); err != nil {
		return err
	}
	path, err := c.path(m)
	if err != nil {
		return err
	}
	target, inside := m.target, true
	if c.prefix != "" {
		target, inside = strings.CutPrefix(target, c.prefix+"/")
	}
	i, found := c.byName[tree.Path(target)]
	if !inside || !found {
		return refusal.New(refusal.TarType, "a hard link to %q, which is no earlier regular member", m.target).At(m.offset, m.name)
	}
	e := c.entries[i]
	if e.Perm != m.perm {
		return refusal.New(refusal.TarType, "a hard link of mode %04o to %q of mode %04o: some extractors would change that file's", m.perm, m.target, e.Perm).At(m.offset, m.name)
	}
	e.Path, e.Offset = path, m.offset
	c.entries = append(c.entries, e)
	c.modes[e.Perm]++
	if c.inspector != nil && c.inspector.Wants(path) {
		c.inspector.Inspect(&e, nil)
	}
	return nil
}

// finish builds the tree, and refuses links that lead out of it.
func (c *collector) finish() (tree.Tree, error) {
	if c.members == 0 {
		return tree.Tree{}, refusal.New(refusal.TarEmpty, "the archive has no member")
	}
	t, err := tree.Build(c.entries)
	if err != nil {
		return tree.Tree{}, err
	}
	return t, checkLinks(t, c.links)
}

// unusualModes returns the permission bits of regular files other than 0644
// and 0755, in order, with how many files have them.
func (c *collector) unusualModes() []ModeCount {
	var counts []ModeCount
	for perm, n := range c.modes {
		if perm != 0o644 && perm != 0o755 {
			counts = append(counts, ModeCount{perm, n})
		}
	}
	slices.SortFunc(counts, func(a, b ModeCount) int { return int(a.Perm) - int(b.Perm) })
	return counts
}
