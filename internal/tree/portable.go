package tree

import (
	"cmp"
	"slices"
	"strings"

	"golang.org/x/text/cases"
)

// CaseFoldings returns the pairs of names in one directory that a file system
// which ignores case (Unicode's full case folding) folds into one, in the
// tree's order: a note for the report, since on such a system the archive does
// not unpack to what it holds. Of two directories that fold into one the pair
// is returned, not what lies below them.
func (t Tree) CaseFoldings() [][2]Path {
	fold := cases.Fold()
	var pairs [][2]Path
	var walk func(entries []Entry, skip int)
	walk = func(entries []Entry, skip int) {
		pairs = append(pairs, foldedSiblings(fold, entries, skip)...)
		for name, inner := range children(entries, skip) {
			if len(inner[0].Path) > skip+len(name) {
				walk(inner, skip+len(name)+1)
			}
		}
	}
	walk(t.entries, 0)
	return pairs
}

type foldedName struct {
	folded string
	path   Path
}

// foldedSiblings returns the pairs among the names directly in one directory.
func foldedSiblings(fold cases.Caser, entries []Entry, skip int) [][2]Path {
	var names []foldedName
	for name, inner := range children(entries, skip) {
		names = append(names, foldedName{fold.String(name), inner[0].Path[:skip+len(name)]})
	}
	slices.SortStableFunc(names, func(a, b foldedName) int { return cmp.Compare(a.folded, b.folded) })
	var pairs [][2]Path
	for i := 1; i < len(names); i++ {
		if names[i].folded == names[i-1].folded {
			pairs = append(pairs, [2]Path{names[i-1].path, names[i].path})
		}
	}
	return pairs
}

// windowsDevices are the reserved names of Microsoft's "Naming Files, Paths,
// and Namespaces", and those of the console ("CreateFile function", "Consoles").
var windowsDevices = []string{"con", "prn", "aux", "nul", "conin$", "conout$",
	"com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8", "com9", "com¹", "com²", "com³",
	"lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9", "lpt¹", "lpt²", "lpt³"}

// WindowsNames returns the paths that Windows cannot write under that name.
func (t Tree) WindowsNames() []Path {
	var paths []Path
	for i := range t.entries {
		for component := range strings.SplitSeq(string(t.entries[i].Path), "/") {
			if !isWindowsName(component) {
				paths = append(paths, t.entries[i].Path)
				break
			}
		}
	}
	return paths
}

func isWindowsName(component string) bool {
	stem, _, _ := strings.Cut(strings.ToLower(component), ".")
	return !strings.ContainsAny(component, `<>:"\|?*`) &&
		!strings.HasSuffix(component, ".") && !strings.HasSuffix(component, " ") &&
		!slices.Contains(windowsDevices, strings.TrimRight(stem, " "))
}
