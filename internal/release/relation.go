package release

import (
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/policy"
	"github.com/countermark/countermark/internal/statement"
	"github.com/countermark/countermark/internal/tree"
)

// relation says how a statement stands to the release that is judged, and which
// generated files a build did not reproduce.
func (j *judging) relation(v *Verdict, s *statement.Statement) (policy.Relation, []policy.File) {
	switch {
	case s.ReleaseDigest() == v.Digest:
		return policy.Agrees, nil
	case s.Identity != v.Statement.Identity:
		return policy.Unrelated, nil
	}
	if files := j.unreproduced(v, s); len(files) > 0 {
		return policy.AllBut, files
	}
	return policy.Differs, nil
}

// unreproduced returns the generated files in which a build of the same source
// differs from the release, as the release has them; none if it differs in
// anything else, or if its tree is not at hand.
func (j *judging) unreproduced(v *Verdict, s *statement.Statement) []policy.File {
	if s.Kind != statement.KindBuild || s.Outcome.Top != v.Statement.Outcome.Top || v.Lineage.Answers[0].State == 0 {
		return nil
	}
	theirs, err := j.e.Objects.Tree(s.Outcome.BuiltTree.ID)
	if err != nil {
		return nil
	}
	var files []policy.File
	ours := v.Lineage.BuiltTree
	for _, e := range theirs.Entries() {
		if ours.Lookup(e.Path) == nil {
			return nil
		}
	}
	for _, e := range ours.Entries() {
		other := theirs.Lookup(e.Path)
		if other != nil && same(&e, other, v.Statement.Outcome.BuiltTree.ID.Format()) {
			continue
		}
		if v.Lineage.Generated.Lookup(e.Path) == nil || e.IDs.SHA256 == [32]byte{} {
			return nil
		}
		files = append(files, policy.File{Path: string(e.Path), Digest: e.IDs.SHA256})
	}
	return files
}

// same reports whether two trees of one repository hold the same at a path.
func same(a, b *tree.Entry, f digest.Format) bool {
	return a.Kind == b.Kind && a.Exec == b.Exec && a.IDs.In(f) == b.IDs.In(f)
}
