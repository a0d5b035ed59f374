package release

import (
	"fmt"
	"slices"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/policy"
	"github.com/countermark/countermark/internal/statement"
	"github.com/countermark/countermark/internal/tree"
)

// standing is how statements stand to one release, by their digests, each looked
// into once however many have signed it.
type standing map[digest.SHA256][]policy.File

// relation says how a statement, of the digest d, stands to the release that is
// judged, and which generated files a build did not reproduce.
func (j *judging) relation(v *Verdict, s *statement.Statement, d digest.SHA256) (policy.Relation, []policy.File) {
	switch {
	case s.ReleaseDigest() == v.Digest:
		return policy.Agrees, nil
	case s.Identity != v.Statement.Identity:
		return policy.Unrelated, nil
	}
	files, known := j.stands[d]
	if !known && len(j.stands) < MaxTrees {
		files = j.unreproduced(v, s)
		j.stands[d] = files
	}
	if len(files) > 0 {
		return policy.AllBut, files
	}
	return policy.Differs, nil
}

// unreproduced returns the generated files in which a build of the same source
// differs from the release, as the release has them; none if it differs in
// anything else, or if its tree is not at hand. That git's filters made of the
// others what the release says is known only by builds that say the same; of the
// files that differ nobody would know it.
func (j *judging) unreproduced(v *Verdict, s *statement.Statement) []policy.File {
	if s.Kind != statement.KindBuild || s.Outcome.Top != v.Statement.Outcome.Top || !slices.EqualFunc(s.Outcome.Filtered, v.Statement.Outcome.Filtered, sameFiltered) {
		return nil
	}
	theirs, err := j.e.Objects.Tree(s.Outcome.BuiltTree.ID)
	if err != nil {
		return nil
	}
	filtered := make(map[tree.Path]bool, len(s.Outcome.Filtered))
	for _, f := range s.Outcome.Filtered {
		filtered[f.Path] = true
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
		if filtered[e.Path] || v.Lineage.Generated.Lookup(e.Path) == nil || e.IDs.SHA256 == [32]byte{} || len(files) == MaxUnreproduced {
			return nil
		}
		files = append(files, policy.File{Path: string(e.Path), Mode: fmt.Sprintf("%06o", e.GitMode()), Digest: e.IDs.SHA256})
	}
	return files
}

func sameFiltered(a, b statement.Filtered) bool {
	return a.Path == b.Path && a.Mode == b.Mode && a.Built == b.Built && a.Archive == b.Archive && slices.Equal(a.By, b.By)
}

// same reports whether two trees of one repository hold the same at a path.
func same(a, b *tree.Entry, f digest.Format) bool {
	return a.Kind == b.Kind && a.Exec == b.Exec && a.IDs.In(f) == b.IDs.In(f)
}
