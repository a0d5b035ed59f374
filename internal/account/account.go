// Package account keeps account of the paths of a build: which are the source's,
// which a download, a file of the recipe or a step made, which a step changed or
// took away, and what of them the built commit holds. It holds every step to what
// the recipe permits it (docs/spec/recipe.md, section 4). It is pure: trees in,
// verdicts out.
//
// Every path of every tree is accounted for. Directories that hold nothing are
// not paths here: no commit can hold them.
package account

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/tree"
)

// Deed is what was done to a path.
type Deed uint8

// The deeds.
const (
	Created Deed = iota + 1
	Changed      // in content, kind or executable bit
	Removed
	Kept // into the built commit, which cannot hold it
)

// String returns the deed as messages have it.
func (d Deed) String() string {
	switch d {
	case Created:
		return "created"
	case Changed:
		return "changed"
	case Removed:
		return "removed"
	case Kept:
		return "kept"
	}
	return fmt.Sprintf("Deed(%d)", uint8(d))
}

// Violation is one path that a step may not have touched in this way.
type Violation struct {
	Path tree.Path
	Deed Deed
	Kind tree.Kind // of what is there now, or was there if it was removed
	Hint string    // what in the recipe would permit it; never text from the tree
}

// Account is the account of one build.
type Account struct {
	recipe *recipe.Recipe
	source tree.Tree
	now    tree.Tree
	makers map[tree.Path]Maker // of what differs from the source
}

// Maker says what made a path of the built tree what it is.
type Maker struct {
	Origin   recipe.Origin // what created it; Undeclared: the source
	Changers []int         // the steps that changed it, in the order in which they ran
}

// Open begins an account: laid is the tree before the first step, which is the
// source with the downloads and the files of the recipe. It returns what of laid
// is neither.
func Open(r *recipe.Recipe, source, laid tree.Tree) (*Account, []Violation) {
	a := &Account{recipe: r, source: source, now: laid, makers: make(map[tree.Path]Maker)}
	var wrong []Violation
	for path, d := range differences(source, laid) {
		origin := r.OriginOf(path)
		if d.deed == Created && (origin.Kind == recipe.FromDownload || origin.Kind == recipe.FromWrite) {
			a.makers[path] = Maker{Origin: origin}
			continue
		}
		wrong = append(wrong, Violation{Path: path, Deed: d.deed, Kind: d.kind})
	}
	return a, sorted(wrong)
}

// Step takes the tree after the step with the given index has run, and returns
// what the step may not have done, sorted by path: nothing if all is permitted.
func (a *Account) Step(i int, after tree.Tree) []Violation {
	var wrong []Violation
	for path, d := range differences(a.now, after) {
		if hint := a.forbids(i, path, d.deed); hint != "" {
			wrong = append(wrong, Violation{Path: path, Deed: d.deed, Kind: d.kind, Hint: hint})
			continue
		}
		a.note(i, path, d.deed)
	}
	a.now = after
	return sorted(wrong)
}

// forbids returns what would permit a step to do this, "" if it is permitted.
func (a *Account) forbids(i int, path tree.Path, d Deed) string {
	step := &a.recipe.Steps[i]
	switch d {
	case Created:
		if step.Outputs.Match(path) || step.Discard.Match(path) && a.IsScratch(path) {
			return ""
		}
		return "outputs of the step, if the release holds it, or discard"
	case Changed:
		if step.Changes.Match(path) || a.IsScratch(path) {
			return ""
		}
		return "changes of the step"
	}
	if a.recipe.Built.Omit.Match(path) || a.IsScratch(path) {
		return ""
	}
	return "omit, if the release does not hold it"
}

// note remembers what a step did.
func (a *Account) note(i int, path tree.Path, d Deed) {
	switch d {
	case Created:
		a.makers[path] = Maker{Origin: recipe.Origin{Kind: recipe.FromStep, Step: i}}
	case Changed:
		m := a.makers[path]
		m.Changers = append(m.Changers, i)
		a.makers[path] = m
	case Removed:
		delete(a.makers, path)
	}
}

// IsScratch reports whether the path is scratch.
func (a *Account) IsScratch(path tree.Path) bool {
	return a.source.Lookup(path) == nil && a.recipe.Scratch(path)
}

// Built returns the tree of the built commit: what is there now, without scratch
// and what is left out. The violations are of what a commit cannot hold.
func (a *Account) Built() (tree.Tree, []Violation) {
	var entries []tree.Entry
	var wrong []Violation
	for _, e := range a.now.Entries() {
		switch {
		case e.Kind == tree.Directory || a.IsScratch(e.Path) || a.recipe.Built.Omit.Match(e.Path):
		case e.Kind != tree.File && e.Kind != tree.Symlink:
			wrong = append(wrong, Violation{Path: e.Path, Deed: Kept, Kind: e.Kind, Hint: "omit or discard: a commit holds files and symbolic links"})
		default:
			entries = append(entries, e)
		}
	}
	built, err := tree.Build(entries)
	if err != nil {
		panic("account: a part of a tree is no tree: " + err.Error())
	}
	return built, wrong
}

// MakerOf returns what made a path of the tree as it is now; ok is false for one
// that is as the source has it.
func (a *Account) MakerOf(path tree.Path) (m Maker, ok bool) {
	m, ok = a.makers[path]
	return m, ok
}

// difference is what was done to one path.
type difference struct {
	deed Deed
	kind tree.Kind
}

// differences returns what differs between two trees, by path.
func differences(before, after tree.Tree) map[tree.Path]difference {
	found := make(map[tree.Path]difference)
	for _, e := range before.Entries() {
		if e.Kind != tree.Directory && after.Lookup(e.Path) == nil {
			found[e.Path] = difference{Removed, e.Kind}
		}
	}
	for _, e := range after.Entries() {
		if e.Kind == tree.Directory {
			continue
		}
		old := before.Lookup(e.Path)
		switch {
		case old == nil:
			found[e.Path] = difference{Created, e.Kind}
		case old.Kind != e.Kind || old.Exec != e.Exec || e.Kind != tree.Special && !e.IDs.Agree(old.IDs):
			found[e.Path] = difference{Changed, e.Kind}
		}
	}
	return found
}

func sorted(v []Violation) []Violation {
	slices.SortFunc(v, func(a, b Violation) int { return cmp.Compare(a.Path, b.Path) })
	return v
}
