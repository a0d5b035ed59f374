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
	"time"

	"github.com/countermark/countermark/internal/account"
	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/progress"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/sandbox"
	"github.com/countermark/countermark/internal/tree"
)

// RecipeName is where the recipe lies in a source that has one.
const RecipeName = "countermark.toml"

// Options says what to build, and how.
type Options struct {
	Tag            string         // short name of the tag
	Repository     string         // path of a local repository; "": the one we stand in
	Recipe         string         // file with the recipe; "": RecipeName of the source
	Output         string         // folder of the release, which must not exist, or hold this very release; "": named after the archives
	Submodules     []string       // PATH=REPO
	ToolSources    []string       // NAME=REPO: where the source of a tool is had from, instead of the recipe's URL
	Push           string         // repository that the candidate is pushed to; "" for none
	Sandbox        sandbox.Kind   // "": the first that works here
	Mirror         string         // of Debian packages, instead of the recipe's
	UnsignedMirror bool           // Mirror is believed without a signature
	Image          string         // archive or image layout of the environment
	Packages       []string       // lines of a packagelist, instead of asking the mirror
	Time           time.Duration  // all steps together; 0: the recipe's
	Bytes          int64          // of all files; 0: the recipe's
	Files          int            // 0: the recipe's
	Progress       *progress.Line // nil: none
}

// Rule names what a build did that ends it (docs/spec/build-record.md, section 3).
type Rule string

// The rules.
const (
	Dirty     Rule = "BLD_DIRTY"     // a step did what the recipe does not declare
	Network   Rule = "BLD_NETWORK"   // a step tried to use the network
	Limit     Rule = "BLD_LIMIT"     // a step hit a limit
	StepFails Rule = "BLD_STEP"      // a step did not succeed
	Archive   Rule = "BLD_ARCHIVE"   // an archive is not the built commit
	Candidate Rule = "BLD_CANDIDATE" // the candidate's branch holds another commit
)

// Finding is one reason why a build failed.
type Finding struct {
	Rule   Rule
	Step   string    // name, "" if it is not about one
	Path   tree.Path // "" if it is not about one
	Detail string    // one sentence; may hold text from outside
	Hint   string    // what to do
}

// Result is what became of a build: findings, or a release.
type Result struct {
	Findings []Finding // none: it succeeded
	Record   *buildrecord.Record
	Folder   string // of the release, absolute
	Branch   string // of the candidate, full name
	Pushed   string // where it was pushed to
	Notes    []string
	log      string // last lines that the failing step printed
}

// Exit returns the exit status.
func (r *Result) Exit() int {
	if len(r.Findings) > 0 {
		return report.Failed.Exit()
	}
	return report.Verified.Exit()
}

// build is one build.
type build struct {
	o        Options
	git      *gitrepo.Git
	repo     *gitrepo.Repository
	path     string // of repo
	source   source
	recipe   *recipe.Recipe
	origin   string // of the recipe
	version  recipe.Version
	env      setting
	temp     string // folder of our own, removed at the end
	limits   recipe.Limits
	spent    time.Duration // by steps
	account  *account.Account
	now      tree.Tree            // what the work folder holds
	built    tree.Tree            // of the built commit
	archived tree.Tree            // what the archives have of it
	images   map[tree.Path]string // files here with what differs between both
	raw      []byte               // the built commit
	roots    [][]byte             // the commit before the first release's, if this is that
	record   *buildrecord.Record
	result   *Result
	vary     variation
}

// Run builds a release. What the source or the recipe did wrong is in the Result;
// the error, a *report.Failure, says why there is none.
func Run(ctx context.Context, o Options) (*Result, error) {
	b := &build{o: o, result: &Result{}, record: &buildrecord.Record{Format: buildrecord.FormatVersion}}
	err := b.run(ctx)
	o.Progress.Clear()
	err = errors.Join(err, b.close())
	switch {
	case err == nil:
		return b.result, nil
	case ctx.Err() != nil:
		return nil, report.Interrupted()
	}
	return nil, explain(err)
}

func (b *build) run(ctx context.Context) error {
	if err := b.prepare(ctx); err != nil {
		return err
	}
	if len(b.result.Findings) > 0 { // of tools
		return nil
	}
	if err := b.make(ctx); err != nil || len(b.result.Findings) > 0 {
		return err
	}
	return b.publish(ctx)
}

// prepare does what comes before the first step, and needs no sandbox.
func (b *build) prepare(ctx context.Context) error {
	if err := b.openSource(ctx); err != nil {
		return err
	}
	if err := b.makeTemp(); err != nil {
		return err
	}
	return b.openEnvironment(ctx)
}

// make runs the steps and makes commit and archives, all in the temporary folder.
func (b *build) make(ctx context.Context) error {
	for _, phase := range []func(context.Context) error{b.lay, b.recordEnvironment, b.runSteps, b.commit, b.writeArchives} {
		if err := phase(ctx); err != nil || len(b.result.Findings) > 0 {
			return err
		}
	}
	return b.finishRecord()
}

// fail notes a reason why the build failed.
func (b *build) fail(f Finding) { b.result.Findings = append(b.result.Findings, f) }

// close removes everything temporary.
func (b *build) close() error {
	var err error
	if b.repo != nil {
		err = b.repo.Close()
	}
	for _, s := range b.source.submodules {
		err = errors.Join(err, s.repo.Close())
	}
	if b.temp != "" {
		err = errors.Join(err, removeAll(b.temp))
	}
	return err
}

// removeAll removes a folder in which a program may have taken rights away.
func removeAll(dir string) error {
	if err := os.RemoveAll(dir); err == nil {
		return nil
	}
	_ = filepath.WalkDir(dir, func(path string, e os.DirEntry, _ error) error {
		if e != nil && e.IsDir() {
			_ = os.Chmod(path, 0o700) // what stays closed is told by RemoveAll
		}
		return nil
	})
	return os.RemoveAll(dir)
}

// makeTemp makes the folder in which everything happens.
func (b *build) makeTemp() error {
	cache, err := cacheDir()
	if err != nil {
		return err
	}
	parent := filepath.Join(cache, "builds")
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return fmt.Errorf("making a folder to build in: %w", err)
	}
	removeStale(parent)
	if b.temp, err = os.MkdirTemp(parent, fmt.Sprintf("build-%d-*", os.Getpid())); err != nil {
		return fmt.Errorf("making a folder to build in: %w", err)
	}
	return nil
}

// cacheDir returns the folder for what is made again if it is lost.
func cacheDir() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", report.UsageFailure("set HOME or XDG_CACHE_HOME", "there is no cache folder to build in: %v", err)
	}
	return filepath.Join(cache, "countermark"), nil
}

// removeStale removes the folders of builds that were killed.
func removeStale(parent string) {
	folders, err := filepath.Glob(filepath.Join(parent, "build-*"))
	if err != nil {
		return
	}
	for _, dir := range folders {
		var pid int
		if _, err := fmt.Sscanf(filepath.Base(dir), "build-%d-", &pid); err == nil && !isRunning(pid) {
			_ = removeAll(dir) // the next build tries again
		}
	}
}
