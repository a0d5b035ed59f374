package gitobject

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/tree"
)

// Limits of a commit's tree: ten times the largest that is known (the Linux
// kernel: 90,000 files, depth 12), so that a hostile one cannot fill the memory.
const (
	MaxTreeDepth   = 256       // trees within trees
	MaxTreeEntries = 2_000_000 // of one tree object, and of all trees of one commit
)

// The modes that git writes into trees (object.h, canon_mode), as it writes
// them: octal without leading zeros. 100664, which git wrote before 2005-05,
// is refused as everything else.
const (
	modeTree       = 0o040000
	modeFile       = 0o100644
	modeExecutable = 0o100755
	modeSymlink    = 0o120000
	modeSubmodule  = 0o160000
)

// ParseTree reads the content of a tree object in a repository of format f: a
// sequence of MODE SP NAME NUL ID, sorted as base_name_compare in git's
// read-cache.c does, no name twice. The error is a *refusal.Refusal with the
// offset in the object and the entry's name: GIT_TREE, GIT_MODE, GIT_NAME (a
// name that tree.ParsePath refuses) or GIT_LIMIT.
func ParseTree(f digest.Format, raw []byte) ([]TreeEntry, error) {
	if len(raw) > MaxObjectBytes {
		return nil, refusal.New(refusal.GitLimit, "the tree has %d bytes, at most %d are accepted", len(raw), MaxObjectBytes)
	}
	entries := make([]TreeEntry, 0, min(len(raw)/(f.Size()+16), MaxTreeEntries)) // 16: mode and a short name
	for pos := 0; pos < len(raw); {
		entry, size, err := parseEntry(f, raw[pos:])
		if err == nil {
			err = checkOrder(entries, entry)
		}
		if err != nil {
			return nil, at(err, int64(pos), entry.Name)
		}
		entries = append(entries, entry)
		pos += size
	}
	return entries, nil
}

// at adds a place to a refusal.
func at(err error, offset int64, name string) error {
	if r, ok := errors.AsType[*refusal.Refusal](err); ok {
		return r.At(offset, name)
	}
	return err
}

// parseEntry reads the first entry of raw and returns the bytes that it takes.
// With an error the entry holds the name, if there is one.
func parseEntry(f digest.Format, raw []byte) (entry TreeEntry, size int, err error) {
	mode, rest, found := bytes.Cut(raw, []byte{' '})
	if !found || len(mode) > len("100644") {
		return entry, 0, refusal.New(refusal.GitTree, "a tree entry begins without a mode and a space")
	}
	name, rest, found := bytes.Cut(rest, []byte{0})
	if !found || len(rest) < f.Size() {
		return entry, 0, refusal.New(refusal.GitTree, "the tree ends inside an entry")
	}
	entry.Name = string(name)
	switch string(mode) {
	case "40000":
		entry.Mode = modeTree
	case "100644":
		entry.Mode = modeFile
	case "100755":
		entry.Mode = modeExecutable
	case "120000":
		entry.Mode = modeSymlink
	case "160000":
		entry.Mode = modeSubmodule
	default:
		return entry, 0, refusal.New(refusal.GitMode, "the entry's mode is %q, git writes 40000, 100644, 100755, 120000 and 160000", mode)
	}
	if entry.ID = digest.ObjectIDFromBytes(f, rest[:f.Size()]); entry.ID.IsNull() {
		return entry, 0, refusal.New(refusal.GitTree, "the entry has the null id")
	}
	return entry, len(raw) - len(rest) + f.Size(), checkName(entry.Name)
}

// checkName refuses what no member of an archive could be called.
func checkName(name string) error {
	if strings.Contains(name, "/") {
		return refusal.New(refusal.GitName, "the entry's name holds a slash (%s)", refusal.NamePath)
	}
	_, err := tree.ParsePath(name)
	if r, ok := errors.AsType[*refusal.Refusal](err); ok {
		return refusal.New(refusal.GitName, "%s (%s)", r.Detail, r.Rule)
	}
	return err
}

// checkOrder refuses an entry that does not sort after those before it, or has
// the name of one of them: a file "a" and a directory "a" need not be
// neighbours, since "a.b" sorts between them.
func checkOrder(before []TreeEntry, e TreeEntry) error {
	switch {
	case len(before) == 0:
		return nil
	case len(before) == MaxTreeEntries:
		return refusal.New(refusal.GitLimit, "the tree has more than %d entries", MaxTreeEntries)
	case compareEntries(before[len(before)-1], e) >= 0:
		return refusal.New(refusal.GitTree, "the entry follows %q, which sorts after it or has its name", before[len(before)-1].Name)
	}
	if e.Mode != modeTree {
		return nil
	}
	if _, found := slices.BinarySearchFunc(before, TreeEntry{Name: e.Name}, compareEntries); found {
		return refusal.New(refusal.GitTree, "the entry has the name of an earlier one that is no directory")
	}
	return nil
}

// compareEntries is base_name_compare of git's read-cache.c: bytewise, a tree's
// name as if it ended in a slash.
func compareEntries(a, b TreeEntry) int {
	n := min(len(a.Name), len(b.Name))
	return cmp.Or(strings.Compare(a.Name[:n], b.Name[:n]), cmp.Compare(sortByte(a, n), sortByte(b, n)))
}

// sortByte returns byte i of the name, and past its end "/" for a tree and 0
// for the others, as git compares C strings.
func sortByte(e TreeEntry, i int) byte {
	switch {
	case i < len(e.Name):
		return e.Name[i]
	case e.Mode == modeTree:
		return '/'
	}
	return 0
}
