package report

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
)

const (
	// minGroup is how many paths it takes before they are shown as one pattern.
	minGroup = 3
	// maxItems is how many items a list may have before whole directories of the
	// top become one each.
	maxItems = 24
)

// item stands for one path, or for several that are alike.
type item struct {
	label string
	n     int
	top   string // the top directory that holds all of them, "" if none does
}

// group shortens a list of paths for a few lines: files of one name in several
// directories become "NAME (n)", files of one directory and suffix
// "dir/*.suffix (n)", files of one directory "dir/* (n)", and in a long list
// all of one top directory "dir/** (n)". Single paths come first, then the
// groups, the largest first. Every path is in just one item.
func group(paths []string) []string {
	var groups []item
	rest := paths
	for _, by := range []struct{ key, label func(string) string }{
		{path.Base, path.Base},
		{func(p string) string { return path.Dir(p) + "\x00" + path.Ext(p) }, suffixPattern},
		{path.Dir, directoryPattern},
	} {
		var found []item
		found, rest = gather(rest, by.key, by.label)
		groups = append(groups, found...)
	}
	items := make([]item, 0, len(rest)+len(groups))
	for _, p := range rest {
		items = append(items, item{label: p, n: 1, top: topOf(p)})
	}
	if items = append(items, groups...); len(items) > maxItems {
		items = fold(items)
	}
	slices.SortStableFunc(items, func(a, b item) int {
		return cmp.Or(cmp.Compare(min(a.n, 2), min(b.n, 2)), cmp.Compare(b.n, a.n))
	})
	labels := make([]string, len(items))
	for i, it := range items {
		if labels[i] = it.label; it.n > 1 {
			labels[i] = fmt.Sprintf("%s (%d)", it.label, it.n)
		}
	}
	return labels
}

// gather groups the paths of which at least minGroup have one key, and returns
// the others too.
func gather(paths []string, key, label func(string) string) (groups []item, rest []string) {
	members := make(map[string]int) // key: how many, then minus the group's index + 1
	for _, p := range paths {
		members[key(p)]++
	}
	for _, p := range paths {
		k := key(p)
		switch n := members[k]; {
		case n < 0:
			it := &groups[-n-1]
			if it.n++; it.top != topOf(p) {
				it.top = ""
			}
		case n < minGroup || label(p) == "":
			rest = append(rest, p)
		default:
			groups = append(groups, item{label: label(p), n: 1, top: topOf(p)})
			members[k] = -len(groups)
		}
	}
	return groups, rest
}

// fold joins the items of each top directory that has at least minGroup.
func fold(items []item) []item {
	count := make(map[string]int)
	for _, it := range items {
		count[it.top]++
	}
	var out []item
	at := make(map[string]int)
	for _, it := range items {
		i, started := at[it.top]
		switch {
		case it.top == "" || count[it.top] < minGroup:
			out = append(out, it)
		case started:
			out[i].n += it.n
		default:
			at[it.top] = len(out)
			out = append(out, item{label: it.top + "/**", n: it.n, top: it.top})
		}
	}
	return out
}

func topOf(p string) string {
	if top, _, below := strings.Cut(p, "/"); below {
		return top
	}
	return ""
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
