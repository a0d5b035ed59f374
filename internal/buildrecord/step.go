package buildrecord

import (
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/tree"
)

// Fill fills in what the step did to a tree, whose entries have ids in format f and
// in git's SHA-256 format.
func (s *Step) Fill(before, after tree.Tree, isScratch func(tree.Path) bool, f digest.Format) {
	for _, e := range after.Entries() {
		old := before.Lookup(e.Path)
		switch {
		case e.Kind != tree.File && e.Kind != tree.Symlink:
		case old == nil && isScratch(e.Path):
			s.ScratchFiles++
		case old == nil:
			s.Outputs = append(s.Outputs, FileOf(&e, f))
		case !isScratch(e.Path) && (old.Kind != e.Kind || old.Exec != e.Exec || !old.IDs.Agree(e.IDs)):
			s.Changes = append(s.Changes, FileOf(&e, f))
		}
	}
	for _, e := range before.Entries() {
		if e.Kind != tree.Directory && after.Lookup(e.Path) == nil && !isScratch(e.Path) {
			s.Removed = append(s.Removed, e.Path)
		}
	}
}
