// Package blessing wires up `countermark bless`: the candidate that others built
// is built again here, what was found is put into statements and signed, and the
// judge of package release is asked whether, with these, the release may go out.
// Only then is anything written: the statements into the ledger, the blessing
// into the repository, the built branch forwarded, the files of the release.
//
// Each of these is done once: the same command, run again after it was interrupted
// anywhere, finds what is there and does the rest.
package blessing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/building"
	"github.com/countermark/countermark/internal/building/scratch"
	"github.com/countermark/countermark/internal/builtcommit"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/dsse"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/gathering"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/gitrepo/refs"
	"github.com/countermark/countermark/internal/keys"
	"github.com/countermark/countermark/internal/release"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/signing"
	"github.com/countermark/countermark/internal/statement"
	"github.com/countermark/countermark/internal/trust"
)

// Style is what takes the built branch's head.
type Style string

// The styles.
const (
	Child Style = "child" // a commit with the same tree, whose parent is the built commit
	Tag   Style = "tag"   // the built commit itself, with a signed tag on it
)

// Options say what to bless, and as whom.
type Options struct {
	Building building.Options // where, and how to build; Source.Tag and Output are filled in
	Version  string
	Key      string   // that statement and blessing are signed with, as keys.Open takes it
	FileKey  string   // that the archives are signed with; "": Key
	Root     string   // as trust.ReadRoot takes it; "": the one remembered
	Style    Style    //
	Signoff  string   // "NAME <EMAIL>": who signs off
	Passing  []string // DIGEST=CAUSE:TEXT: dissents that are passed over
	Output   string   // new folder of the files to publish; "": NAME-VERSION.blessed here
	Memory   string   // folder of what is remembered; "": the user's own
	User     keys.User
}

// Result is what became of it.
type Result struct {
	Rebuilt    *building.Rebuilt // what building it again gave; nil if it is refused before that
	Verdict    *release.Verdict  // nil if the rebuild does not agree
	Waiting    []string          // who must still vouch, of the roles that may do so later
	Reasons    []release.Failure // why it is refused
	Incomplete bool              // the reasons are all of things that are not at hand
	Folder     string            // of the files to publish, "" if it is refused
	Branch     string            // that was forwarded
	Commit     digest.ObjectID   // that it holds
	Notes      []string
}

// Exit returns the exit status.
func (r *Result) Exit() int {
	switch {
	case r.Folder != "":
		return report.Verified.Exit()
	case r.Incomplete:
		return report.NotComplete.Exit()
	}
	return report.Failed.Exit()
}

// blessing is one run.
type blessing struct {
	o         Options
	repo      *gitrepo.Repository
	path      string
	candidate candidate
	signer    *keys.Signer
	filer     *keys.Signer
	memory    *trust.Memory
	root      digest.SHA256
	stage     *scratch.Folder // in which all is gathered
	envelopes []dsse.Envelope // of this machine: its build, and the release
	released  digest.SHA256   // digest of the release statement
	gathered  *gathering.Gathered
	there     bool // the folder to publish, from an earlier run
	recipe    []byte
	r         *Result
}

// candidate is the commit that others built.
type candidate struct {
	id       digest.ObjectID // as it is there, perhaps signed
	unsigned digest.ObjectID
	raw      []byte
	built    *builtcommit.Commit
}

// Run blesses a release. The error, a *report.Failure, says why nothing could be
// decided; a release that must not go out is a Result.
func Run(ctx context.Context, o Options) (*Result, error) {
	b := &blessing{o: o, r: &Result{}}
	err := b.run(ctx)
	b.o.Building.Progress.Clear()
	err = errors.Join(err, b.close())
	switch {
	case err == nil:
		return b.r, nil
	case ctx.Err() != nil:
		return nil, report.Interrupted()
	}
	f := report.FailureOf(err, report.Internal)
	if f.Refusal != nil {
		f.Hint = cmp.Or(f.Hint, report.HintFor(f.Refusal.Rule))
	}
	return nil, f
}

func (b *blessing) close() error {
	var err error
	if b.stage != nil {
		err = b.stage.Remove()
	}
	if b.repo != nil {
		err = errors.Join(err, b.repo.Close())
	}
	return err
}

func (b *blessing) run(ctx context.Context) error {
	type part = func(context.Context) error
	for _, stage := range [][]part{{b.open, b.findCandidate, b.findRoot, b.openKeys, b.prepare, b.weigh}, {b.makeStage, b.rebuild}, {b.findFolder, b.makeStatements, b.judge}, {b.record, b.forward, b.writeFiles}} {
		for _, part := range stage {
			if err := part(ctx); err != nil {
				return err
			}
		}
		if b.refused() {
			return nil // why is in the result
		}
	}
	note, err := b.memory.Keep(ctx, b.r.Verdict.Chain, b.root)
	if note != "" {
		b.r.Notes = append(b.r.Notes, note)
	}
	return err
}

// refused reports whether it is known by now that the release must not go out.
func (b *blessing) refused() bool {
	return len(b.r.Reasons) > 0 || b.r.Rebuilt != nil && b.r.Rebuilt.Exit() != 0
}

func (b *blessing) open(ctx context.Context) error {
	git, err := gitrepo.Find(ctx)
	if err != nil {
		return &report.Failure{Code: report.Usage, Detail: err.Error(), Hint: "install git 2.39 or newer"}
	}
	b.path = b.o.Building.Source.Repository
	if b.path == "" {
		here, err := os.Getwd()
		if err != nil {
			return fmt.Errorf("looking for a repository: %w", err)
		}
		if b.path, err = gitrepo.Discover(here); err != nil {
			return report.UsageFailure("stand in a clone of the project, or name one with --repo", "there is no git repository here")
		}
	}
	b.repo, err = git.OpenLocal(ctx, b.path)
	return err
}

// findCandidate reads the candidate's branch.
func (b *blessing) findCandidate(ctx context.Context) error {
	ref := refs.CandidatePrefix + b.o.Version
	id, err := refs.Read(ctx, b.repo, ref)
	if err != nil {
		return err
	}
	if id.IsZero() {
		return &report.Failure{Code: report.NotComplete, Detail: fmt.Sprintf("there is no %s: nobody's build of version %s is here", ref, escape.Text(b.o.Version)),
			Hint: "countermark fetch REMOTE gets it from the server"}
	}
	kind, raw, err := b.repo.Object(ctx, id)
	if err != nil {
		return err
	}
	if kind != digest.Commit {
		return &report.Failure{Code: report.Rejected, Detail: fmt.Sprintf("%s holds a %v, not a commit", ref, kind)}
	}
	b.candidate.id, b.candidate.raw = id, append([]byte{}, raw...)
	if b.candidate.built, err = builtcommit.Parse(b.repo.Format(), b.candidate.raw); err != nil {
		return err
	}
	unsigned, err := gitobject.Unsigned(b.repo.Format(), b.candidate.raw)
	if err != nil {
		return err
	}
	if b.candidate.unsigned, err = digest.HashObject(b.repo.Format(), digest.Commit, unsigned); err != nil {
		return err
	}
	if string(b.candidate.built.Version) != b.o.Version {
		return &report.Failure{Code: report.Failed, Detail: fmt.Sprintf("%s holds a build of version %s", ref, escape.Text(string(b.candidate.built.Version)))}
	}
	return nil
}

// findRoot finds the root to trust: the one given, or remembered.
func (b *blessing) findRoot(ctx context.Context) error {
	if err := b.readRecipe(); err != nil {
		return err
	}
	if err := b.gather(ctx); err != nil {
		return err
	}
	e, err := b.evidence()
	if err != nil {
		return err
	}
	if len(e.Chain) == 0 {
		return &report.Failure{Code: report.NotComplete, Detail: "this repository holds no policy: nothing says who may release", Hint: "countermark fetch REMOTE gets it; countermark policy init makes the first"}
	}
	if b.root, err = trust.ReadRoot(b.o.Root); err != nil {
		return err
	}
	if b.memory, err = trust.Open(b.o.Memory); err != nil {
		return err
	}
	if !b.root.IsZero() {
		return nil
	}
	seen, err := b.memory.Seen(e.Chain)
	if err != nil {
		return err
	}
	if b.root = seen.Root; b.root.IsZero() {
		first := statement.Digest(e.Chain[0].Policy)
		return &report.Failure{Code: report.NotComplete, Detail: fmt.Sprintf("no root is trusted for this project; the policies here begin with %v", first),
			Hint: "ask those who made it whether that is theirs, then bless with --root " + first.String()}
	}
	return nil
}

// readRecipe reads the recipe's file, if one was named.
func (b *blessing) readRecipe() error {
	if b.o.Building.Source.Recipe == "" {
		return nil
	}
	var err error
	b.recipe, err = trust.ReadFile(b.o.Building.Source.Recipe, maxRecipeBytes)
	return err
}

func (b *blessing) openKeys(ctx context.Context) error {
	var err error
	if b.signer, err = signing.Open(ctx, b.o.Key, b.o.User); err != nil {
		return err
	}
	b.filer = b.signer
	if b.o.FileKey != "" {
		b.filer, err = signing.Open(ctx, b.o.FileKey, b.o.User)
	}
	return err
}

// makeStage makes the folder in which the release is gathered, beside its place.
func (b *blessing) makeStage(context.Context) error {
	const prefix = ".countermark-bless-"
	scratch.RemoveStale(filepath.Dir(b.o.Output), prefix)
	var err error
	if b.stage, err = scratch.New(filepath.Dir(b.o.Output), prefix); err != nil {
		return report.UsageFailure("--output names a folder that can be made", "the folder of the release cannot be made: %v", err)
	}
	return nil
}

// rebuild builds the candidate's tag on this machine, and compares.
func (b *blessing) rebuild(ctx context.Context) error {
	o := building.RebuildOptions{Options: b.o.Building, Against: b.candidate.id.String()}
	o.Source.Repository, o.Source.Tag = b.path, strings.TrimPrefix(b.candidate.built.Source.Tag, gitobject.TagPrefix)
	o.Output = filepath.Join(b.stage.Dir, "release")
	if o.Claims.Issued == 0 {
		o.Claims.Issued = b.now()
	}
	var err error
	if b.r.Rebuilt, err = building.Rebuild(ctx, o); err == nil {
		b.r.Rebuilt.Folder = "" // it will not stay
	}
	return err
}

func (b *blessing) now() int64 {
	if b.o.User.Now != nil {
		return b.o.User.Now()
	}
	return time.Now().Unix()
}

// gather reads the ledger, and what it speaks of.
func (b *blessing) gather(ctx context.Context) error {
	o := gathering.Options{Repo: b.repo, Version: b.o.Version, Extra: b.envelopes}
	if b.recipe != nil {
		o.Recipes = [][]byte{b.recipe}
	}
	var err error
	b.gathered, err = gathering.Gather(ctx, o)
	return err
}

// mine returns the ledger's statement of a kind on this release that our key has
// signed, nil if there is none.
func (b *blessing) mine(kind statement.Kind, of digest.SHA256) *dsse.Envelope {
	for i := range b.gathered.Bundle.Statements {
		e := b.gathered.Bundle.Statements[i]
		s, err := statement.Parse(e.Payload)
		if err != nil || s.Kind != kind || s.ReleaseDigest() != of {
			continue
		}
		for _, sig := range e.Signatures {
			one := dsse.Envelope{PayloadType: e.PayloadType, Payload: e.Payload, Signatures: []dsse.Signature{sig}}
			if signing.SignedBy(one, b.signer.Holder(), b.now()) {
				return &one
			}
		}
	}
	return nil
}
