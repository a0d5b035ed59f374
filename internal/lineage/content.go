package lineage

import (
	"fmt"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/account"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/statement"
	"github.com/countermark/countermark/internal/tree"
)

// archive holds the files to those that the statement names.
func (t *tracing) archive() Answer {
	if len(t.e.Files) == 0 {
		return lacking("no archive was given")
	}
	for _, f := range t.e.Files {
		if a := t.file(f); a.State != Holds {
			return a
		}
	}
	if len(t.e.Files) > 1 {
		return holds("%d files of the release", len(t.e.Files))
	}
	return holds("a file of the release")
}

// file holds one file to the statement's archives: it is one of them, byte for
// byte, or another envelope of their tar.
func (t *tracing) file(f File) Answer {
	c := f.Contents
	named := f.Name == "" || slices.ContainsFunc(t.s.Archives, func(a statement.Archive) bool { return a.Name == f.Name })
	same, repacked := Named(t.s, f)
	switch {
	case c.Prefix != t.s.Outcome.Top:
		return fails(refusal.RelBinding, "the archive's top directory is %s, and the release's %s", escape.Text(c.Prefix), escape.Text(t.s.Outcome.Top))
	case !named:
		return fails(refusal.RelBinding, "no archive of this release is named %s: its archives are %s", escape.Text(f.Name), t.archiveNames())
	case same && (c.TarSHA256.IsZero() || c.TarSHA256 == t.s.Outcome.Tar):
		return Answer{State: Holds}
	case repacked:
		t.Notes = append(t.Notes, fmt.Sprintf("%s is compressed in another way than the release's own file; the tar in it is the release's", escape.Text(displayName(f.Name))))
		return Answer{State: Holds}
	}
	return fails(refusal.RelArchive, "%s has the SHA-256 %v, and no archive of the release has", escape.Text(displayName(f.Name)), c.SHA256)
}

// Named reports how a statement names a file: as one of its archives, of this
// name and byte for byte; or repacked, by the tar in it, which no zip has. A file
// without a name may have any of them.
func Named(s *statement.Statement, f File) (same, repacked bool) {
	for _, a := range s.Archives {
		if f.Name == "" || f.Name == a.Name {
			same = same || a.SHA256 == f.Contents.SHA256
			repacked = repacked || !strings.HasSuffix(a.Name, zipExtension)
		}
	}
	tar := f.Contents.TarSHA256
	return same, repacked && !tar.IsZero() && tar == s.Outcome.Tar
}

// zipExtension ends the names of the archives that hold no tar (statements.md,
// section 3).
const zipExtension = ".zip"

func displayName(base string) string {
	if base == "" {
		return "the archive"
	}
	return base
}

func (t *tracing) archiveNames() string {
	names := ""
	for i, a := range t.s.Archives {
		if i > 0 {
			names += ", "
		}
		names += escape.Text(a.Name)
	}
	return names
}

// holdsTree holds what is in the archives to the built commit's tree, path by
// path and by the ids of the whole.
func (t *tracing) holdsTree() Answer {
	built, err := t.e.Objects.Tree(t.s.Outcome.BuiltTree.ID)
	if err != nil {
		return answerTo(err, refusal.RelTree, "built tree")
	}
	t.BuiltTree = built
	if len(t.e.Files) == 0 {
		return lacking("no archive was given")
	}
	t.Portable = true
	for _, f := range t.e.Files {
		archived := f.Contents.Tree
		t.Portable = t.Portable && len(archived.CaseFoldings()) == 0 && len(archived.WindowsNames()) == 0
		full, a := t.match(built, archived)
		if a.State != Holds {
			return a
		}
		t.BuiltTree = full
	}
	if n := len(t.s.Outcome.Filtered); n > 0 {
		return holds("%v, the built commit's but for %d files that a checkout converts", t.s.Outcome.ArchiveTree.ID, n)
	}
	return holds("%v, the built commit's", t.s.Outcome.ArchiveTree.ID)
}

// match holds one archive's tree to the built one, and returns that with the ids
// in git's SHA-256 format, which the archive gives.
func (t *tracing) match(built, archived tree.Tree) (tree.Tree, Answer) {
	filtered := make(map[tree.Path]*statement.Filtered, len(t.s.Outcome.Filtered))
	for i := range t.s.Outcome.Filtered {
		filtered[t.s.Outcome.Filtered[i].Path] = &t.s.Outcome.Filtered[i]
	}
	for _, e := range archived.Entries() {
		if e.Kind == tree.Directory || e.Kind == tree.Special || built.Lookup(e.Path) == nil {
			return tree.Tree{}, fails(refusal.RelTree, "the archive holds %s, a %v that the built commit has not", escape.Text(string(e.Path)), e.Kind)
		}
	}
	whole, inArchive := make([]tree.Entry, 0, built.Len()), make([]tree.Entry, 0, built.Len())
	for _, b := range built.Entries() {
		a := archived.Lookup(b.Path)
		if a == nil {
			return tree.Tree{}, fails(refusal.RelTree, "the archive lacks %s, which the built commit has", escape.Text(string(b.Path)))
		}
		if a.Kind != b.Kind || a.Exec != b.Exec && a.Exec != tree.ExecUnknown {
			return tree.Tree{}, fails(refusal.RelTree, "%s is of another kind or mode in the archive than in the built commit", escape.Text(string(b.Path)))
		}
		entry, ids := b, a.IDs
		if f := filtered[b.Path]; f != nil {
			delete(filtered, b.Path)
			if !t.isImage(f, &b, a) {
				return tree.Tree{}, fails(refusal.RelTree, "%s is not as the statement says of the files that a checkout converts", escape.Text(string(b.Path)))
			}
			ids.SHA1, ids.SHA256 = b.IDs.SHA1, [32]byte(f.Built.SHA256.Bytes())
		} else if a.IDs.In(t.format) != b.IDs.In(t.format) {
			return tree.Tree{}, fails(refusal.RelTree, "%s has other contents in the archive than in the built commit", escape.Text(string(b.Path)))
		}
		entry.IDs = ids
		whole = append(whole, entry)
		entry.IDs = a.IDs
		inArchive = append(inArchive, entry)
	}
	for path := range filtered {
		return tree.Tree{}, fails(refusal.RelTree, "the statement names %s as converted, and the built commit has no such file", escape.Text(string(path)))
	}
	return t.identify(whole, inArchive)
}

// isImage reports whether a file is converted as the statement says.
func (t *tracing) isImage(f *statement.Filtered, built, archived *tree.Entry) bool {
	return f.Mode == fmt.Sprintf("%06o", built.GitMode()) && f.Built.ID == built.IDs.In(t.format) && f.Archive.ID == archived.IDs.In(t.format) &&
		f.Archive.SHA256 == archived.IDs.In(digest.SHA256Format) && f.Built.SHA256.Format() == digest.SHA256Format &&
		f.Built.ID != f.Archive.ID
}

// identify holds the ids of both trees to the outcome.
func (t *tracing) identify(whole, inArchive []tree.Entry) (tree.Tree, Answer) {
	full, err := tree.Build(whole)
	if err != nil {
		return tree.Tree{}, fails(refusal.RelTree, "the built tree: %s", escape.Sentence(err.Error()))
	}
	archived, err := tree.Build(inArchive)
	if err != nil {
		return tree.Tree{}, fails(refusal.RelTree, "the archive's tree: %s", escape.Sentence(err.Error()))
	}
	for _, side := range []struct {
		what string
		tree tree.Tree
		want statement.Tree
	}{{"built commit", full, t.s.Outcome.BuiltTree}, {"archive", archived, t.s.Outcome.ArchiveTree}} {
		got := side.tree.Identity(t.format, digest.SHA256Format)
		if got.Collision {
			return tree.Tree{}, fails(refusal.RelTree, "a tree object of the %s carries a SHA-1 collision attack", side.what)
		}
		if got.Git.In(t.format) != side.want.ID || got.Git.In(digest.SHA256Format) != side.want.SHA256 {
			return tree.Tree{}, fails(refusal.RelTree, "the %s has the tree %v (SHA-256 %v), and the statement says %v (%v)", side.what,
				got.Git.In(t.format), got.Git.In(digest.SHA256Format), side.want.ID, side.want.SHA256)
		}
	}
	return full, Answer{State: Holds}
}

// permitted holds the difference of built and source tree to the recipe.
func (t *tracing) permitted(r *recipe.Recipe) Answer {
	source, err := t.e.Objects.Tree(t.s.Identity.Tree.ID)
	if err != nil {
		return answerTo(err, refusal.RelSource, "source tree")
	}
	built, err := t.e.Objects.Tree(t.s.Outcome.BuiltTree.ID)
	if err != nil {
		return answerTo(err, refusal.RelTree, "built tree")
	}
	if wrong := account.Declared(r, source, built); len(wrong) > 0 {
		first := wrong[0]
		return fails(refusal.RelRecipe, "%s was %v, and the recipe's %s does not say so (%d such paths)", escape.Text(string(first.Path)), first.Deed, first.Hint, len(wrong))
	}
	generated := t.generated(source)
	t.Generated, err = tree.Build(generated)
	if err != nil {
		return fails(refusal.RelTree, "the generated files: %s", escape.Sentence(err.Error()))
	}
	return holds("all that is not the source's, %d files, is what the recipe permits", len(generated))
}

// generated returns the entries of the built tree that the source has not, or
// has otherwise.
func (t *tracing) generated(source tree.Tree) []tree.Entry {
	var found []tree.Entry
	for _, e := range t.BuiltTree.Entries() {
		old := source.Lookup(e.Path)
		if old == nil || old.Kind != e.Kind || old.Exec != e.Exec || old.IDs.In(t.format) != e.IDs.In(t.format) {
			found = append(found, e)
		}
	}
	return found
}
