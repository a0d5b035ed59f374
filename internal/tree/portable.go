package tree

import (
	"cmp"
	"hash/fnv"
	"slices"
	"strings"

	"golang.org/x/text/cases"
)

// CaseFoldings returns the pairs of paths (or directories) that a file system
// which ignores case folds into one, in order: a note for the report, since on
// such a system the archive does not unpack to what it holds.
func (t Tree) CaseFoldings() [][2]Path {
	names := t.foldedNames()
	var pairs [][2]Path
	for i := 1; i < len(names); i++ {
		if names[i].hash == names[i-1].hash {
			pairs = append(pairs, [2]Path{names[i-1].path, names[i].path})
		}
	}
	return pairs
}

type foldedName struct {
	hash uint64 // of the case-folded path; two different names may share one by chance, 2^-64 a pair
	path Path
}

// foldedNames returns every path and every directory once, sorted by hash.
func (t Tree) foldedNames() []foldedName {
	fold, sum := cases.Fold(), fnv.New64a()
	names := make([]foldedName, 0, len(t.entries))
	add := func(p Path) {
		sum.Reset()
		_, _ = sum.Write([]byte(fold.String(string(p))))
		names = append(names, foldedName{sum.Sum64(), p})
	}
	lastDir := Path("")
	for i := range t.entries {
		add(t.entries[i].Path)
		dir := t.entries[i].Path.Dir()
		for d := dir; d != "" && d != lastDir && !strings.HasPrefix(string(lastDir), string(d)+"/"); d = d.Dir() {
			add(d)
		}
		lastDir = dir
	}
	slices.SortFunc(names, func(a, b foldedName) int {
		return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.path, b.path))
	})
	return slices.Compact(names)
}

// windowsDevices are the reserved names of Microsoft's "Naming Files, Paths,
// and Namespaces".
var windowsDevices = []string{"con", "prn", "aux", "nul",
	"com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9",
	"lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9"}

// WindowsNames returns the paths that Windows cannot write under that name.
func (t Tree) WindowsNames() []Path {
	var paths []Path
	for i := range t.entries {
		p := t.entries[i].Path
		for component := range strings.SplitSeq(string(p), "/") {
			stem, _, _ := strings.Cut(strings.ToLower(component), ".")
			if strings.ContainsAny(component, `<>:"\|?*`) || strings.HasSuffix(component, ".") ||
				strings.HasSuffix(component, " ") || slices.Contains(windowsDevices, stem) {
				paths = append(paths, p)
				break
			}
		}
	}
	return paths
}
