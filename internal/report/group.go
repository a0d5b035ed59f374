package report

import (
	"cmp"
	"fmt"
	"path"
	"slices"
)

// minGroup is how many paths it takes before they are shown as one pattern.
const minGroup = 3

// group shortens a list of paths for one line: files of one name in several
// directories become "NAME (n)", files of one directory and suffix
// "dir/*.suffix (n)", files of one directory "dir/* (n)". Single paths come
// first, then the groups, the largest first. Every path is in just one item.
func group(paths []string) []string {
	type bucket struct {
		label string
		n     int
	}
	var groups []bucket
	rest := paths
	for _, by := range []struct{ key, label func(string) string }{
		{path.Base, func(p string) string { return path.Base(p) }},
		{func(p string) string { return path.Dir(p) + "\x00" + path.Ext(p) }, suffixPattern},
		{path.Dir, directoryPattern},
	} {
		sizes := make(map[string]int)
		for _, p := range rest {
			sizes[by.key(p)]++
		}
		var left []string
		started := make(map[string]bool)
		for _, p := range rest {
			k := by.key(p)
			label := by.label(p)
			switch {
			case sizes[k] < minGroup || label == "":
				left = append(left, p)
			case !started[k]:
				started[k] = true
				groups = append(groups, bucket{label, sizes[k]})
			}
		}
		rest = left
	}
	slices.SortStableFunc(groups, func(a, b bucket) int { return cmp.Compare(b.n, a.n) })
	items := slices.Clone(rest)
	for _, g := range groups {
		items = append(items, fmt.Sprintf("%s (%d)", g.label, g.n))
	}
	return items
}

// suffixPattern returns "dir/*.suffix", or "" for files without a suffix and
// for those at the top, which are worth naming.
func suffixPattern(p string) string {
	if path.Ext(p) == "" || path.Dir(p) == "." {
		return ""
	}
	return path.Join(path.Dir(p), "*"+path.Ext(p))
}

// directoryPattern returns "dir/*", or "" at the top.
func directoryPattern(p string) string {
	if path.Dir(p) == "." {
		return ""
	}
	return path.Join(path.Dir(p), "*")
}
