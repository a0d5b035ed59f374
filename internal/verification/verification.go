// Package verification carries out countermark verify: it opens archive,
// repository and lock file, gathers what package compare judges, and puts the
// outcome into a report.Document. It is where the edges meet; it decides
// nothing that a pure package could.
package verification

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/countermark/countermark/internal/archive"
	"github.com/countermark/countermark/internal/compare"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/envelope"
	"github.com/countermark/countermark/internal/filter"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/indexing"
	"github.com/countermark/countermark/internal/lockfile"
	"github.com/countermark/countermark/internal/progress"
	"github.com/countermark/countermark/internal/provenance"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/tree"
	"github.com/countermark/countermark/internal/verification/input"
	"github.com/countermark/countermark/internal/verification/signatures"
)

// LockFileName is the lock file that is used when it stands in the current folder.
const LockFileName = "countermark.lock"

// Options says what to verify, and how.
type Options struct {
	Archives    []string // files of one release; "-" is Stdin
	Repository  string   // path or URL; "": the lock file's, else the one we stand in
	Tag         string   // name below refs/tags/, or
	Commit      string   // a full id; both "": found by what the archive says
	Prefix      string   // directory that holds everything in the archive
	PrefixSet   bool     // Prefix was given, possibly empty
	Submodules  []string // PATH=REPO
	Lock        string   // lock file; "": LockFileName, if it exists
	MayLackLock bool     // Lock need not exist
	UpdateLock  bool     // record what is found in the lock file
	ByLabel     bool     // with UpdateLock: record files of tools as such
	Explain     string   // a path below the prefix, to be explained; "": none
	Indexes     []string // index files, beside the one that comes with the program
	Known       []string // folders, archives and packages of tools, beside the indexes
	All         bool     // list identical paths in the document too
	Decoder     string   // of xz: "auto", "system" or "go"
	Limits      envelope.Limits
	Signatures  signatures.Options
	MaxMembers  int            // 0: archive.DefaultMaxMembers
	Stdin       io.Reader      //
	Progress    *progress.Line // nil: none
}

// notChecked is what no run of verify looks at; docs/threat-model.md says why.
var notChecked = []string{
	"whether the source of that commit is honest",
}

// verification is one run of verify: it gathers what the judgement needs.
type verification struct {
	o        Options
	git      *gitrepo.Git
	repo     *gitrepo.Repository
	repoName string // as the user or the lock file named it
	lock     *lockfile.Lock
	lockPath string
	tags     []gitrepo.Ref
	target   target
	parts    parts
	tree     tree.Tree              // of the commit, with the submodules given laid out in it
	signed   *signatures.Signatures // nil: not asked for
	doc      *report.Document
	file     string // the archive being read, for refusals
	evidence *provenance.Evidence
	findings []provenance.Finding // of added and changed files
	known    compare.KnownFiles   // of these
	index    indexing.Loading
}

// target is the commit that the archive is compared with.
type target struct {
	filter.Commit
	ref     string          // "" for a bare --commit
	tag     digest.ObjectID // zero for a lightweight tag
	foundBy string
}

// Run carries out one verification and returns its document. Where there is no
// verdict, the document says why, and the error is a *report.Failure.
func Run(ctx context.Context, o Options) (*report.Document, error) {
	v := &verification{o: o, doc: &report.Document{Format: report.FormatVersion}}
	err := v.run(ctx)
	v.o.Progress.Clear()
	err = errors.Join(err, v.close())
	switch {
	case err == nil:
		return v.doc, nil
	case ctx.Err() != nil:
		err = report.Interrupted()
	}
	f := v.explain(err)
	return report.FailureDocument(f, v.doc.Candidates), f
}

// close removes everything temporary.
func (v *verification) close() error {
	var err error
	for _, p := range v.parts {
		if p.repo != v.repo {
			err = errors.Join(err, p.repo.Close())
		}
	}
	if v.repo != nil {
		err = errors.Join(err, v.repo.Close())
	}
	return err
}

func (v *verification) run(ctx context.Context) error {
	if err := v.checkOptions(); err != nil {
		return err
	}
	if err := v.readLock(); err != nil {
		return err
	}
	if err := v.readKeys(); err != nil {
		return err
	}
	inputs, err := input.Open(ctx, v.o.Archives, v.o.Stdin)
	defer input.Close(inputs)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { input.Close(inputs) })() // ends a read that blocks
	first, err := v.archive(ctx, inputs[0])
	if err != nil {
		return err
	}
	defer first.Close()
	v.file = "" // what fails now is about the repository
	if err := v.openRepository(ctx); err != nil {
		return err
	}
	if err := v.findCommit(ctx, first); err != nil {
		return err
	}
	if err := v.loadParts(ctx); err != nil {
		return err
	}
	v.file = inputs[0].Name
	inspector := v.startInspector(ctx)
	contents, err := first.Read(ctx, inspector)
	if err := cmp.Or(err, inspector.finish()); err != nil {
		return err
	}
	all, err := v.readOthers(ctx, inputs, contents)
	if err != nil {
		return err
	}
	v.o.Progress.Clear()
	if err := v.parts.giveBlobs(ctx); err != nil {
		return err
	}
	result, err := v.compare(ctx, contents)
	if err != nil {
		return err
	}
	if err := v.compareOthers(ctx, result, inputs, all); err != nil {
		return err
	}
	if err := v.label(ctx, result); err != nil {
		return err
	}
	if err := v.findSignatures(ctx, inputs, all); err != nil {
		return err
	}
	return v.conclude(ctx, result, inputs, all)
}

// checkOptions refuses flag combinations that mean nothing.
func (v *verification) checkOptions() error {
	if len(v.o.Archives) == 0 {
		return report.UsageFailure("countermark verify ARCHIVE, or --help", "no archive is named")
	}
	switch v.o.Decoder {
	case "auto", "system", "go":
	default:
		return report.UsageFailure("", "--decoder %q is none of auto, system, go", v.o.Decoder)
	}
	if v.o.ByLabel && !v.o.UpdateLock {
		return report.UsageFailure("give both, to record files of tools by tool and version", "--by-label says how --update-lock records, which is not given")
	}
	seen := make(map[string]bool)
	for _, name := range v.o.Archives {
		if seen[name] {
			return report.UsageFailure("", "%q is named twice", name)
		}
		seen[name] = true
	}
	return indexing.Check(v.o.Indexes, v.o.Known)
}

// archive reads the beginning of an archive, which is then the file that refusals
// name.
func (v *verification) archive(ctx context.Context, in *input.Input) (*archive.Reader, error) {
	v.file = in.Name
	return in.Archive(ctx, v.settings())
}

// settings say how archives are read.
func (v *verification) settings() input.Settings {
	return input.Settings{Prefix: v.o.Prefix, PrefixSet: v.o.PrefixSet, Decoder: v.o.Decoder,
		Limits: v.o.Limits, MaxMembers: v.o.MaxMembers, Progress: v.o.Progress}
}

// readOthers reads the further envelopes and holds them to the first.
func (v *verification) readOthers(ctx context.Context, inputs []*input.Input, first *archive.Contents) ([]*archive.Contents, error) {
	all := []*archive.Contents{first}
	for _, in := range inputs[1:] {
		a, err := v.archive(ctx, in)
		if err != nil {
			return nil, err
		}
		contents, err := a.Read(ctx, nil)
		if err != nil {
			return nil, err
		}
		if !contents.TarSHA256.IsZero() && contents.TarSHA256 == first.TarSHA256 {
			contents.Tree = tree.Tree{} // is not looked at again
		}
		all = append(all, contents)
	}
	names := make([]string, len(inputs))
	for i, in := range inputs {
		names[i] = in.Name
	}
	v.file = ""
	return all, archive.SameArchive(names, all)
}

// compare joins both sides.
func (v *verification) compare(ctx context.Context, contents *archive.Contents) (*compare.Report, error) {
	ignored, err := v.parts.exportIgnored(ctx, contents.Tree)
	if err != nil {
		return nil, err
	}
	return compare.Compare(compare.Input{
		Archive: contents.Tree, Commit: v.tree,
		Findings: v.parts.findings(), Ignored: ignored, Limbo: v.parts.limbo,
	})
}

// compareOthers compares the archives that are no envelope of the first one's
// tar with the commit as well. Git's tree ids, by which SameArchive knows them,
// leave out specials and empty directories, and take a file whose executable
// bit is not stated for one that is not executable.
func (v *verification) compareOthers(ctx context.Context, first *compare.Report, inputs []*input.Input, all []*archive.Contents) error {
	for i, c := range all[1:] {
		if !c.TarSHA256.IsZero() && c.TarSHA256 == all[0].TarSHA256 {
			continue
		}
		other, err := v.compare(ctx, c)
		if err != nil {
			return err
		}
		if r := other.Beyond(first); r != nil {
			return refusal.New(refusal.ZEnvelopes, "a path is %v in %s, but not in %s", r.Class, inputs[i+1].Name, inputs[0].Name).At(refusal.Unknown, string(r.Path))
		}
	}
	return nil
}

// explain adds to an error which file it is about and what to do.
func (v *verification) explain(err error) *report.Failure {
	f := report.FailureOf(err, report.Internal)
	transport, unreachable := errors.AsType[*gitrepo.TransportError](err)
	switch {
	case f.Refusal != nil:
		f.Hint = report.HintFor(f.Refusal.Rule)
		if !strings.HasPrefix(string(f.Refusal.Rule), "GIT_") && v.file != "" { // else it is about the repository
			f.File, f.Detail = v.file, v.file+": "+f.Detail
		}
	case unreachable:
		f = &report.Failure{Code: report.NotComplete, Detail: transport.Error(), Hint: "nothing was changed; run the same command again when the server can be reached"}
	case v.file != "" && f.Code == report.Internal:
		f.Detail = fmt.Sprintf("reading %s: %s", v.file, f.Detail)
	}
	return f
}
