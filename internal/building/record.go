package building

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/building/finding"
	"github.com/countermark/countermark/internal/building/folder"
	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/reproduction"
	"github.com/countermark/countermark/internal/statement"
	"github.com/countermark/countermark/internal/tree"
)

// finishRecord fills in what is known from the beginning, and writes the record
// into the folder of the release.
func (b *build) finishRecord(ctx context.Context) error {
	r := b.record
	r.Project, r.Version = string(b.source.Recipe.Project.URL), string(b.source.Version)
	r.Recipe = buildrecord.Recipe{SHA256: b.source.Recipe.Digest, Origin: b.source.Origin}
	var err error
	if r.Source, err = b.source.Record(ctx, b.laid); err != nil {
		return err
	}
	slices.SortFunc(r.Inputs, func(x, y buildrecord.Input) int { return strings.Compare(string(x.Path), string(y.Path)) })
	b.result.Record = r
	return b.folder().WriteRecord(r)
}

// folder is the folder of the release: its names only, as long as there is no
// folder to build in.
func (b *build) folder() *folder.Folder {
	base := strings.TrimSuffix(b.source.Recipe.ArchiveName(b.source.Version, recipe.TarGz), "."+recipe.TarGz.String())
	f := &folder.Folder{Base: base}
	if b.scratch != nil {
		f.Dir, f.Logs = b.release(), filepath.Join(b.logs(), "steps")
	}
	return f
}

// testify writes the statement of what was built into the folder of the release.
func (b *build) testify(rebuild *statement.Rebuild) error {
	for _, e := range b.built.Entries() {
		if e.Kind != tree.Directory && b.archived.Lookup(e.Path) == nil {
			b.found.Add(finding.Finding{Rule: finding.Archive, Path: e.Path, Detail: fmt.Sprintf("the archives lack %q of the built commit", e.Path), Hint: "leave it out of the built commit with omit, or let the archives have it"})
		}
	}
	if b.found.Failed() {
		return nil
	}
	var err error
	b.result.Statement, err = b.folder().WriteStatement(b.record, b.o.Claims, rebuild)
	if r, ok := errors.AsType[*refusal.Refusal](err); ok {
		b.found.Add(finding.Finding{Rule: finding.Archive, Detail: "no statement can say what was made: " + r.Detail, Hint: "an archive holds the files of the built commit, as git's own filters make them, and no others"})
		return nil
	}
	return err
}

// compared returns what the statement of a rebuild says of the comparison: nothing
// if it was with a commit that is no built commit.
func (r *Rebuilt) compared() *statement.Rebuild {
	if !r.Candidate.IsArchive() && r.Candidate.Unsigned.IsZero() {
		return nil
	}
	c := &statement.Rebuild{Reproduced: r.Exit() == 0}
	if c.Commit = r.Candidate.Unsigned; r.Candidate.IsArchive() {
		c.Archive = r.Candidate.SHA256
	}
	for _, class := range reproduction.Classes() {
		if all, _ := r.Comparison.Count(class); class != reproduction.Reproduced {
			c.Differs += int64(all)
		}
	}
	return c
}
