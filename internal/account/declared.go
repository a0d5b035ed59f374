package account

import (
	"strings"

	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/tree"
)

// Declared holds a built tree to its source tree by the recipe alone, without
// the steps' doing: what of it is neither the source's nor created, changed or
// left out as the recipe permits (docs/spec/recipe.md, section 4), sorted by
// path; nothing if all is. It is what whoever has both trees and did not build
// can look at, and says nothing of what the permitted files hold.
//
// Below a submodule's path of the source everything is permitted if the recipe
// takes submodules in, for their trees are not the source's to show.
func Declared(r *recipe.Recipe, source, built tree.Tree) []Violation {
	var wrong []Violation
	modules := submodules(source)
	for path, d := range differences(source, built) {
		if hint := undeclared(r, modules, path, d); hint != "" {
			wrong = append(wrong, Violation{Path: path, Deed: d.deed, Kind: d.kind, Hint: hint})
		}
	}
	for _, e := range built.Entries() {
		if hint := unfit(r, source, &e); hint != "" {
			wrong = append(wrong, Violation{Path: e.Path, Deed: Kept, Kind: e.Kind, Hint: hint})
		}
	}
	return sorted(wrong)
}

// undeclared returns what would permit the difference, "" if it is permitted.
func undeclared(r *recipe.Recipe, modules []tree.Path, path tree.Path, d difference) string {
	switch d.deed {
	case Created:
		if r.OriginOf(path).Kind != recipe.Undeclared || r.Source.Submodules == recipe.FlattenSubmodules && below(modules, path) {
			return ""
		}
		return "outputs of a step, a download or a write"
	case Changed:
		if len(r.ChangersOf(path)) > 0 {
			return ""
		}
		return "changes of a step"
	}
	if r.Built.Omit.Match(path) || d.kind == tree.Submodule && r.Source.Submodules != recipe.NoSubmodules {
		return ""
	}
	return "omit"
}

// unfit returns why no built commit holds the entry, "" if one may.
func unfit(r *recipe.Recipe, source tree.Tree, e *tree.Entry) string {
	switch {
	case e.Kind == tree.Submodule || e.Kind == tree.Special:
		return "a built commit holds files and symbolic links"
	case r.Built.Omit.Match(e.Path):
		return "omit means it, so it is left out"
	case source.Lookup(e.Path) == nil && r.Scratch(e.Path):
		return "discard means it, so it is left out"
	}
	return ""
}

// submodules returns the paths of a tree at which other repositories stand.
func submodules(t tree.Tree) []tree.Path {
	var paths []tree.Path
	for _, e := range t.Entries() {
		if e.Kind == tree.Submodule {
			paths = append(paths, e.Path)
		}
	}
	return paths
}

func below(modules []tree.Path, path tree.Path) bool {
	for _, m := range modules {
		if strings.HasPrefix(string(path), string(m)+"/") {
			return true
		}
	}
	return false
}
