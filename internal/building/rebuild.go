package building

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/building/candidate"
	"github.com/countermark/countermark/internal/building/difference"
	"github.com/countermark/countermark/internal/building/finding"
	"github.com/countermark/countermark/internal/building/folder"
	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/cause"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/reproduction"
	"github.com/countermark/countermark/internal/sandbox"
	"github.com/countermark/countermark/internal/tree"
)

// RebuildOptions says what to rebuild, and what to compare it with.
type RebuildOptions struct {
	Options
	Against string // file of an archive, full commit id or branch; "": the candidate's branch
	Record  string // file of the other build's record, whose packages are asked for; "" for none
	theirs  *buildrecord.Record
}

// Rebuilt is what became of a rebuild.
type Rebuilt struct {
	Found      *finding.List // what kept this build from being one; then there is no comparison
	Record     *buildrecord.Record
	Statement  []byte // the unsigned statement of this machine
	Candidate  *candidate.Candidate
	Comparison *reproduction.Comparison
	SameCommit bool   // the unsigned built commits are one
	SameTar    bool   // the tar is one; then the compressed bytes may still differ
	SameFile   bool   // the archive is one of those made here, byte for byte
	Folder     string // of the release, "" if it was not kept
	Notes      []string
}

// Exit returns the exit status.
func (r *Rebuilt) Exit() int {
	if r.Found.Failed() {
		return report.Failed.Exit()
	}
	if r.isOther() {
		return report.Failed.Exit()
	}
	return r.Comparison.Verdict().Exit()
}

// isOther reports whether the candidate is a commit with our tree that is not our
// commit: its ancestors, recipe, author or version are others.
func (r *Rebuilt) isOther() bool {
	return !r.Candidate.IsArchive() && !r.SameCommit && r.Comparison.Verdict() != reproduction.NotSame
}

// Rebuild builds a release and compares it. Nothing is written into the repository.
func Rebuild(ctx context.Context, o RebuildOptions) (*Rebuilt, error) {
	if o.Record != "" {
		if err := o.takeRecord(); err != nil {
			return nil, err
		}
	}
	b := newBuild(o.Options)
	r := &Rebuilt{Found: b.found, Record: b.record}
	if err := b.end(ctx, b.rebuild(ctx, o, r)); err != nil {
		return nil, err
	}
	r.Notes = append(r.Notes, b.result.Notes...)
	return r, nil
}

// takeRecord asks for the packages of another build.
func (o *RebuildOptions) takeRecord() error {
	theirs, err := folder.ReadRecord(o.Record)
	if _, unread := errors.AsType[*os.PathError](err); unread {
		return report.UsageFailure("--record takes the NAME.build.json of the other build", "--record: %v", err)
	}
	if err != nil {
		return &report.Failure{Code: report.Rejected, Detail: fmt.Sprintf("%s: %v", o.Record, err)}
	}
	o.Setting.Packages, o.theirs = theirs.Environment.Packages, theirs
	return nil
}

// checkRecord refuses the record of another release.
func (b *build) checkRecord(theirs *buildrecord.Record) error {
	_, ofPackages := b.source.Recipe.Environment.Base.(recipe.RootFS)
	switch {
	case theirs == nil:
	case theirs.Source.Commit != b.source.CommitID:
		return report.UsageFailure("--record takes the record of the same release", "the record is of the source commit %v, not %v", theirs.Source.Commit, b.source.CommitID)
	case theirs.Recipe.SHA256 != b.source.Recipe.Digest:
		return report.UsageFailure("build with the recipe that the other build had", "the record is of another recipe, %v, not %v", theirs.Recipe.SHA256, b.source.Recipe.Digest)
	case ofPackages && len(theirs.Environment.Packages) == 0:
		return &report.Failure{Code: report.Rejected, Detail: "the record names no packages, and the recipe's environment is made of some", Hint: "take the record that the other build wrote"}
	}
	return nil
}

func (b *build) rebuild(ctx context.Context, o RebuildOptions, r *Rebuilt) error {
	if err := b.openSource(ctx); err != nil {
		return err
	}
	if err := b.checkRecord(o.theirs); err != nil {
		return err
	}
	if o.Output != "" {
		if err := b.checkPlace(ctx); err != nil {
			return err
		}
	}
	if err := b.prepare(ctx); err != nil || b.found.Failed() {
		return err
	}
	// What to compare with must be there: a build may take an hour.
	target, err := candidate.Find(ctx, b.source.Repo, o.Against, string(b.source.Version))
	if err != nil {
		return err
	}
	if err := b.make(ctx); err != nil || b.found.Failed() {
		return err
	}
	b.o.Progress.Text("comparing")
	if r.Candidate, err = target.Read(ctx, b.source.Recipe.PrefixOf(b.source.Version), b.built); err != nil {
		return err
	}
	if err := b.compare(ctx, r); err != nil {
		return err
	}
	if err := b.testify(r.compared()); err != nil || b.found.Failed() {
		return err
	}
	if r.Statement = b.result.Statement; o.Output == "" {
		return nil
	}
	err = b.releaseFolder()
	r.Folder = b.result.Folder
	return err
}

// compare compares what was built with the candidate.
func (b *build) compare(ctx context.Context, r *Rebuilt) error {
	ours, source := b.built, b.laid
	if r.Candidate.IsArchive() {
		ours = b.archived
		var err error
		if source, err = b.archivedSource(); err != nil {
			return err
		}
		r.SameTar = r.Candidate.TarSHA == b.record.Tar.SHA256 && !r.Candidate.TarSHA.IsZero()
		for _, a := range b.record.Archives {
			r.SameFile = r.SameFile || a.SHA256 == r.Candidate.SHA256
		}
	} else {
		r.SameCommit = r.Candidate.Unsigned == b.record.Built.Commit
	}
	formats := b.source.Formats()
	if !r.Candidate.IsArchive() {
		formats = r.Candidate.Formats
	}
	var err error
	r.Comparison, err = reproduction.Compare(reproduction.Input{Ours: ours, Theirs: r.Candidate.Tree, Source: source, Formats: formats})
	if err != nil {
		return err
	}
	return b.explainDifferences(ctx, r)
}

// archivedSource returns the source with the files that a checkout converts as the
// archives have them: they are the source's all the same.
func (b *build) archivedSource() (tree.Tree, error) {
	entries := slices.Clone(b.laid.Entries())
	for i := range entries {
		e := &entries[i]
		if _, ok := b.images[e.Path]; ok && e.IDs.Agree(b.built.Lookup(e.Path).IDs) {
			e.IDs, e.Size = b.archived.Lookup(e.Path).IDs, b.archived.Lookup(e.Path).Size
		}
	}
	return tree.Build(entries)
}

// explainDifferences looks for the causes of what differs.
func (b *build) explainDifferences(ctx context.Context, r *Rebuilt) error {
	root, err := os.OpenRoot(b.work())
	if err != nil {
		return err
	}
	defer root.Close()
	images, err := b.elsewhere(ctx, r)
	if err != nil {
		return err
	}
	return difference.Sides{Comparison: r.Comparison, Ours: root, Elsewhere: images, Theirs: r.Candidate.Contents, Build: b.causes()}.Explain(ctx)
}

// elsewhere returns the files that hold what is to be compared and is not, or may not
// be, in the work folder: what git converts for an archive; all that differs, if a
// command of the project made the archives, which may have done anything there.
func (b *build) elsewhere(ctx context.Context, r *Rebuilt) (map[tree.Path]string, error) {
	isArchive := r.Candidate.IsArchive()
	if b.source.Recipe.Archives.Command == nil {
		if isArchive {
			return b.images, nil
		}
		return nil, nil // a commit has what git has
	}
	repo, _, err := b.source.Beside(ctx)
	if err != nil {
		return nil, err
	}
	name := b.record.Built.Commit.String()
	if isArchive {
		name = filepath.Join(b.release(), b.record.Archives[0].Name)
	}
	ours, err := candidate.Find(ctx, repo, name, "")
	if err != nil {
		return nil, err
	}
	read, err := ours.Read(ctx, b.source.Recipe.PrefixOf(b.source.Version), r.Candidate.Tree)
	if err != nil {
		return nil, err
	}
	var paths []tree.Path
	for result := range r.Comparison.Results() {
		if result.Class == reproduction.Differs && result.Ours.Kind == tree.File {
			paths = append(paths, result.Path)
		}
	}
	return read.WriteContents(ctx, filepath.Join(b.scratch.Dir, "ours"), paths)
}

// causes returns what is known of this build.
func (b *build) causes() cause.Build {
	e := &b.record.Environment
	known := cause.Build{Dir: e.Path, Host: e.HostName, User: sandbox.DefaultUserName, Epoch: b.source.Epoch()}
	for _, t := range e.Tools {
		known.Tools = append(known.Tools, cause.Tool{Program: t.Name, Version: t.Version, Package: strings.Replace(t.Package, "=", " ", 1), Declared: true})
	}
	return known
}
