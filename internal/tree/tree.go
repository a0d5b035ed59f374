// Package tree holds what a release contains: its files as paths, kinds, modes
// and object ids. The tree of an archive and the tree of a commit are the same
// kind of value; that is where they are compared.
//
// A tree has git's own id (gitformat-tree: mode, name, NUL, raw id, sorted as
// base_name_compare does), computed here from the entries alone.
package tree

import (
	"cmp"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/refusal"
)

// Kind is what an entry is. The zero value is no kind.
type Kind uint8

// The kinds of entry.
const (
	File      Kind = iota + 1
	Symlink        // the content is the target, as git stores it
	Directory      // a directory that holds no file; other directories are implied by their files
	Submodule      // a commit of another repository, pinned; only in a commit's tree
	Special        // a FIFO or device: git cannot hold it; only in an archive
)

var kindNames = [...]string{File: "file", Symlink: "symlink", Directory: "directory", Submodule: "submodule", Special: "special"}

// String returns the kind's name as reports write it.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return ""
}

// Exec says whether a file is executable, the one permission that git keeps.
type Exec uint8

// The values of Exec.
const (
	NotExecutable Exec = iota
	Executable
	ExecUnknown // the archive does not say: a zip entry without a Unix mode
)

// Entry is one file, link, empty directory, submodule or special file.
type Entry struct {
	Path      Path
	IDs       digest.IDs // of the content as a git blob; of a submodule, its commit
	Size      int64      // bytes of content; 0 in a tree read from a commit, which does not say
	Offset    int64      // of the member's header in the archive, for refusals
	Perm      uint16     // the twelve permission bits as the archive has them
	Kind      Kind
	Exec      Exec
	Collision bool // the content carries a SHA-1 collision attack
}

// GitMode returns the mode that git's trees give the entry, 0 for Special.
func (e *Entry) GitMode() uint32 {
	switch e.Kind {
	case File:
		if e.Exec == Executable {
			return 0o100755
		}
		return 0o100644
	case Symlink:
		return 0o120000
	case Submodule:
		return 0o160000
	case Directory:
		return 0o040000
	}
	return 0
}

// Tree is a set of entries, sorted as git sorts, no path twice, none below a
// path that is not a directory. Made by Build only.
type Tree struct {
	entries []Entry
}

// Entries returns the entries in git's order. They must not be modified.
func (t Tree) Entries() []Entry { return t.entries }

// Len returns the number of entries.
func (t Tree) Len() int { return len(t.entries) }

// Lookup returns the entry of the given path that is not a Directory, or nil.
func (t Tree) Lookup(p Path) *Entry {
	i, found := slices.BinarySearchFunc(t.entries, string(p), func(e Entry, key string) int { return compareKeys(string(e.Path), e.Kind == Directory, key, false) })
	if !found {
		return nil
	}
	return &t.entries[i]
}

// LookupDir returns the entry of a directory that holds nothing, or nil.
func (t Tree) LookupDir(p Path) *Entry {
	i, found := slices.BinarySearchFunc(t.entries, string(p), func(e Entry, key string) int { return compareKeys(string(e.Path), e.Kind == Directory, key, true) })
	if !found {
		return nil
	}
	return &t.entries[i]
}

// HasDir reports whether p is a directory of the tree, implied or empty, or a submodule.
func (t Tree) HasDir(p Path) bool {
	i, found := slices.BinarySearchFunc(t.entries, string(p), func(e Entry, key string) int { return compareKeys(string(e.Path), e.Kind == Directory, key, true) })
	if e := t.Lookup(p); e != nil && e.Kind == Submodule {
		return true
	}
	return found || i < len(t.entries) && strings.HasPrefix(string(t.entries[i].Path), string(p)+"/")
}

// Build sorts the entries, which it takes over, drops the directories that
// hold something, and checks the set. The error is a *refusal.Refusal,
// NAME_DUP or NAME_PREFIX.
func Build(entries []Entry) (Tree, error) {
	slices.SortStableFunc(entries, func(a, b Entry) int {
		return cmp.Or(compareKeys(string(a.Path), a.Kind == Directory, string(b.Path), b.Kind == Directory), cmp.Compare(a.Offset, b.Offset))
	})
	t := Tree{entries: entries}
	if err := t.checkUnique(); err != nil {
		return Tree{}, err
	}
	t.entries = slices.DeleteFunc(entries, func(e Entry) bool { return e.Kind == Directory && e.Size < 0 })
	return t, nil
}

// checkUnique refuses doubled paths and files used as directories, and marks
// the directories that hold something with a negative size. It takes time
// linear in the paths' bytes: each is compared with the one before it, and
// every path that begins as the current one does waits on a stack.
func (t Tree) checkUnique() error {
	var prefixes []*Entry // whose sort keys begin the current one's, shortest first
	for i := range t.entries {
		e := &t.entries[i]
		shared := 0
		if i > 0 {
			shared = sharedKeyBytes(&t.entries[i-1], e)
		}
		for len(prefixes) > 0 && keyLen(string(prefixes[len(prefixes)-1].Path), prefixes[len(prefixes)-1].Kind == Directory) > shared {
			prefixes = prefixes[:len(prefixes)-1]
		}
		if len(prefixes) > 0 {
			if err := checkBelow(prefixes[len(prefixes)-1], e); err != nil {
				return err
			}
		}
		prefixes = append(prefixes, e)
	}
	return nil
}

// checkBelow checks an entry against the one whose sort key is the longest
// that begins the entry's own.
func checkBelow(upper, e *Entry) error {
	below := keyByte(string(e.Path), e.Kind == Directory, len(upper.Path)) == '/'
	switch {
	case upper.Path == e.Path && upper.Kind != Directory && e.Kind == Directory:
		return refusal.New(refusal.NameDup, "the name is a directory here and a %v at byte %d", upper.Kind, upper.Offset).At(e.Offset, string(e.Path))
	case upper.Path == e.Path:
		return refusal.New(refusal.NameDup, "the name occurs twice, also at byte %d", upper.Offset).At(e.Offset, string(e.Path))
	case upper.Kind == Directory:
		upper.Size = -1
	case below:
		return refusal.New(refusal.NamePrefix, "the name lies below %q, which is a %v", string(upper.Path), upper.Kind).At(e.Offset, string(e.Path))
	}
	return nil
}

// sharedKeyBytes returns how many bytes the sort keys of a and b have in
// common at their beginning.
func sharedKeyBytes(a, b *Entry) int {
	n := 0
	for n < len(a.Path) && n < len(b.Path) && a.Path[n] == b.Path[n] {
		n++
	}
	x, y := keyByte(string(a.Path), a.Kind == Directory, n), keyByte(string(b.Path), b.Kind == Directory, n)
	if x == y && x >= 0 {
		n++ // the slash at the end of a directory's key
	}
	return n
}

// Compare orders entries as git does; entries of one path are equal unless
// just one is a Directory.
func Compare(a, b *Entry) int {
	return compareKeys(string(a.Path), a.Kind == Directory, string(b.Path), b.Kind == Directory)
}

// compareKeys orders as git's base_name_compare does on whole paths: a
// directory sorts as if its name ended in a slash.
func compareKeys(a string, aDir bool, b string, bDir bool) int {
	n := min(len(a), len(b))
	return cmp.Or(strings.Compare(a[:n], b[:n]),
		cmp.Compare(keyByte(a, aDir, n), keyByte(b, bDir, n)),
		cmp.Compare(keyLen(a, aDir), keyLen(b, bDir)))
}

// keyByte returns the byte of the sort key at i, which is at most len(s), or
// -1 past its end.
func keyByte(s string, dir bool, i int) int {
	switch {
	case i < len(s):
		return int(s[i])
	case dir:
		return '/'
	}
	return -1
}

func keyLen(s string, dir bool) int {
	if dir {
		return len(s) + 1
	}
	return len(s)
}
