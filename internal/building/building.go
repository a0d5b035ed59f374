// Package building carries out countermark build: it lays a tagged source out,
// runs the recipe's steps in a sandbox, holds them to the recipe, and makes the
// built commit, the archives and the record of it all. It is where the edges
// meet; what a step may do, what a built commit says and how a tar is written is
// decided by pure packages.
//
// What is made appears at the end, in this order: the objects, which no ref names
// yet; the folder of the release, whole; the branch of the candidate. A run that
// ends before leaves nothing to be seen, and the same command does it all again.
package building

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/countermark/countermark/internal/account"
	"github.com/countermark/countermark/internal/building/archives"
	"github.com/countermark/countermark/internal/building/finding"
	"github.com/countermark/countermark/internal/building/scratch"
	"github.com/countermark/countermark/internal/building/setting"
	"github.com/countermark/countermark/internal/building/source"
	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/progress"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/statement"
	"github.com/countermark/countermark/internal/tree"
)

// Options says what to build, and how.
type Options struct {
	Source   source.Options
	Setting  setting.Options
	Claims   statement.Claims
	Output   string         // folder of the release, which must not exist, or hold this very release; "": named after the archives
	Push     string         // repository that the candidate is pushed to; "" for none
	Temp     string         // folder in which a folder to build in is made, and removed; "": one of the cache
	Progress *progress.Line // nil: none
	// SignCommit signs the built commit, and returns the value of its gpgsig header;
	// nil: the candidate is not signed.
	SignCommit func(ctx context.Context, unsigned []byte) (string, error)
}

// Result is what became of a build: findings, or a release.
type Result struct {
	Found     *finding.List // nothing: it succeeded
	Record    *buildrecord.Record
	Statement []byte          // the unsigned statement of it
	Folder    string          // of the release, absolute
	Branch    string          // of the candidate, full name
	Candidate digest.ObjectID // that the branch holds: the built commit, or one that is it but for a signature
	Envelope  string          // file of the signed statement, "" if another process signs it
	Pushed    string          // where it was pushed to
	Notes     []string
}

// Exit returns the exit status.
func (r *Result) Exit() int {
	if r.Found.Failed() {
		return report.Failed.Exit()
	}
	return report.Verified.Exit()
}

// build is one build.
type build struct {
	o          Options
	source     *source.Source
	setting    *setting.Setting
	found      *finding.List
	scratch    *scratch.Folder // of our own, removed at the end
	account    *account.Account
	laid       tree.Tree            // the source as it was laid out
	suspects   []tree.Path          // files of it that are watched while steps run
	now        tree.Tree            // what the work folder holds
	built      tree.Tree            // of the built commit
	archived   tree.Tree            // what the archives have of it
	images     map[tree.Path]string // files here with what they have otherwise
	raw        []byte               // the built commit
	unverified bool                 // the archives are not compared with the built commit
	roots      [][]byte             // the commit before the first release's, if this is that
	record     *buildrecord.Record
	result     *Result
}

// Run builds a release. What the source or the recipe did wrong is in the Result;
// the error, a *report.Failure, says why there is none.
func Run(ctx context.Context, o Options) (*Result, error) {
	b := newBuild(o)
	if err := b.end(ctx, b.run(ctx)); err != nil {
		return nil, err
	}
	return b.result, nil
}

// end cleans up after a run that ended with err, keeps the logs if the build failed,
// and says what the error means. A verdict stays one, whatever cannot be removed.
func (b *build) end(ctx context.Context, err error) error {
	b.o.Progress.Clear()
	if err != nil && ctx.Err() != nil {
		_ = b.close() // the next build removes what is left
		return report.Interrupted()
	}
	var late error
	if err != nil || b.found.Failed() && b.result.Folder == "" {
		late = b.keepLogs()
	}
	late = errors.Join(late, b.close())
	switch {
	case err == nil && late == nil:
		return nil
	case err == nil:
		b.result.Notes = append(b.result.Notes, "afterwards: "+late.Error())
		return nil
	}
	return b.withLogs(errors.Join(err, late))
}

// withLogs returns the failure that an error is, which says where the logs are kept.
func (b *build) withLogs(err error) *report.Failure {
	f := finding.Explain(err)
	if b.found.Logs == "" {
		return f
	}
	said := *f
	said.Hint = strings.TrimPrefix(f.Hint+"; all that was printed is in "+b.found.Logs, "; ")
	return &said
}

// keepLogs keeps what a failed build's programs printed, in the cache.
func (b *build) keepLogs() error {
	if b.scratch == nil || b.source == nil || b.source.Recipe == nil {
		return nil
	}
	cache, err := source.CacheDir()
	if err != nil {
		return err
	}
	name := b.folder().Base
	return b.found.KeepLogs(filepath.Join(cache, "logs"), name, b.logs())
}

func newBuild(o Options) *build {
	found := &finding.List{}
	return &build{o: o, found: found, result: &Result{Found: found}, record: &buildrecord.Record{Format: buildrecord.FormatVersion}}
}

func (b *build) run(ctx context.Context) error {
	for _, phase := range []func(context.Context) error{b.checkPlace, b.checkBranch, b.prepare, b.make, b.vouch, b.publish} {
		if err := phase(ctx); err != nil || b.found.Failed() {
			return err
		}
	}
	return nil
}

// vouch says what was built.
func (b *build) vouch(context.Context) error { return b.testify(nil) }

// openSource opens the source, once.
func (b *build) openSource(ctx context.Context) (err error) {
	if b.source == nil {
		b.source, err = source.Open(ctx, b.o.Source)
	}
	return err
}

// prepare does what comes before the source is laid out.
func (b *build) prepare(ctx context.Context) error {
	if err := b.openSource(ctx); err != nil {
		return err
	}
	if err := b.makeTemp(); err != nil {
		return err
	}
	b.o.Setting.Temp, b.o.Setting.Logs = b.scratch.Dir, filepath.Join(b.logs(), "tools")
	var err error
	if b.setting, err = setting.Open(ctx, b.source, b.o.Setting, b.found); err == nil {
		b.result.Notes = append(b.result.Notes, b.setting.Notes...)
	}
	return err
}

// make runs the steps and makes commit and archives, all in the temporary folder.
func (b *build) make(ctx context.Context) error {
	for _, phase := range []func(context.Context) error{b.lay, b.describe, b.runSteps, b.commit, b.writeArchives} {
		if err := phase(ctx); err != nil || b.found.Failed() {
			return err
		}
	}
	return b.finishRecord(ctx)
}

// describe records where the steps run.
func (b *build) describe(ctx context.Context) error {
	var err error
	b.record.Environment, err = b.setting.Describe(ctx, b.work())
	if b.record.Environment.Unsigned {
		b.result.Notes = append(b.result.Notes, "the environment's packages were taken without a signature")
	}
	return err
}

// release is the folder in which archives, record and logs are gathered.
func (b *build) release() string { return filepath.Join(b.scratch.Dir, "release") }

// writeArchives makes the archives, and reads each of them again.
func (b *build) writeArchives(ctx context.Context) error {
	if err := os.Mkdir(b.release(), 0o755); err != nil {
		return fmt.Errorf("making a folder for the archives: %w", err)
	}
	out, err := archives.Make(ctx, archives.Input{
		Source: b.source, Setting: b.setting, Account: b.account, Work: b.work(), Temp: b.scratch.Dir, Release: b.release(), Logs: filepath.Join(b.logs(), "encoders"),
		Built: b.built, BuiltTree: b.record.Built.Tree, Commit: b.record.Built.Commit, AddObjects: b.addObjects, Unverified: b.unverified,
		Execute: func(ctx context.Context, name string, run recipe.Invocation) (*buildrecord.Step, error) {
			return b.execute(ctx, len(b.source.Recipe.Steps), name, run)
		},
		Found: b.found, Progress: b.o.Progress,
	})
	if err != nil {
		return err
	}
	b.record.Archives, b.record.Tar, b.record.Filtered, b.archived = out.Archives, out.Tar, out.Filtered, out.Tree
	b.images = out.Images
	b.record.Steps = append(b.record.Steps, out.Steps...)
	b.result.Notes = append(b.result.Notes, out.Notes...)
	return nil
}

// close removes everything temporary.
func (b *build) close() error {
	var err error
	if b.source != nil {
		err = b.source.Close()
	}
	if b.scratch != nil {
		err = errors.Join(err, b.scratch.Remove())
	}
	return err
}

// makeTemp makes the folder in which everything happens.
func (b *build) makeTemp() error {
	parent := b.o.Temp
	if parent == "" {
		cache, err := source.CacheDir()
		if err != nil {
			return err
		}
		parent = filepath.Join(cache, "builds")
	}
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return fmt.Errorf("making a folder to build in: %w", err)
	}
	scratch.RemoveStale(parent, "build-")
	var err error
	b.scratch, err = scratch.New(parent, "build-")
	return err
}
