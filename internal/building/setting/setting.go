// Package setting is where the programs of a build run: a system, host or root
// filesystem; a sandbox; tools that were built from source; and the environment
// that each of them sees, of which everything is known.
package setting

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/building/finding"
	"github.com/countermark/countermark/internal/building/source"
	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/progress"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/sandbox"
	"github.com/countermark/countermark/internal/sandbox/obstacle"
)

// What every program finds. docs/spec/build-record.md, section 2.3, has the list.
const (
	BuildDir   = "/build"       // inside: holds the source in a folder named as the archives' top
	toolDir    = "/countermark" // inside: holds the tools that were built; at the top, where no system has one
	homeDir    = "/tmp"         // inside: private, and empty
	SystemPath = "/usr/local/bin:/usr/bin:/bin"
)

// Limits of programs beside those of the recipe.
const (
	maxPrinted   = 1 << 30 // of one program, before it is ended
	maxProcesses = 4096
	maxToolTime  = 2 * time.Hour
)

// Options says where programs are to run.
type Options struct {
	Sandbox        sandbox.Kind   // "": the first that works here
	Mirror         string         // of Debian packages, instead of the recipe's
	UnsignedMirror bool           // Mirror is believed without a signature
	Image          string         // archive or image layout of the environment
	Packages       []string       // lines of a packagelist, instead of asking the mirror
	ToolSources    []string       // NAME=REPO: where the source of a tool is had from, instead of the recipe's URL
	Temp           string         // folder of our own for what is needed meanwhile
	Logs           string         // folder for what the builds of tools print
	Time           time.Duration  // all steps together; 0: the recipe's
	Bytes          int64          // of all files; 0: the recipe's
	Files          int            // 0: the recipe's
	Progress       *progress.Line // nil: none
}

// Variation is what a program sees otherwise than usually. The zero value is the
// usual.
type Variation struct {
	Dir       string // that holds the folder of the source inside, instead of BuildDir
	Host      string
	User      int
	Group     int
	UserName  string
	Umask     uint32
	CPUs      int
	Variables []string       // NAME=VALUE, instead of the fixed ones or beside; the recipe's count more
	Binds     []sandbox.Bind // that are shown besides
}

// Setting is where programs run.
type Setting struct {
	Variation Variation
	Limits    recipe.Limits
	ID        digest.SHA256 // that names the root filesystem, zero for the host
	Packages  []string      // of it, lines of a packagelist
	makers    []buildrecord.Maker
	Notes     []string // what else to know
	o         Options
	source    *source.Source
	sandbox   *sandbox.Sandbox
	system    string // folder of the root filesystem, "" for the host's
	tools     []tool
	spent     time.Duration // by programs whose time counts
}

// Open makes what the recipe wants: a system, a sandbox, tools. What a tool's
// build did wrong is added to found. The error is a *report.Failure where it is
// not ours.
func Open(ctx context.Context, s *source.Source, o Options, found *finding.List) (*Setting, error) {
	x := &Setting{o: o, source: s, Limits: s.Recipe.Limits}
	if o.Time > 0 {
		x.Limits.Time = o.Time
	}
	if o.Bytes > 0 {
		x.Limits.OutputBytes = o.Bytes
	}
	if o.Files > 0 {
		x.Limits.Files = o.Files
	}
	if err := x.openSystem(ctx); err != nil {
		return nil, err
	}
	if err := x.openSandbox(ctx); err != nil {
		return nil, err
	}
	return x, x.openTools(ctx, found)
}

// Vary returns the same setting with a variation, and all the time again.
func (x *Setting) Vary(v Variation) *Setting {
	varied := *x
	varied.Variation, varied.spent = v, 0
	return &varied
}

// OnHost returns the same setting with this machine's own programs instead of the
// environment's, if the environment has others and the sandbox can show them.
func (x *Setting) OnHost() (host *Setting, ok bool) {
	if x.system == "" || x.sandbox.Describe().Kind != sandbox.Bubblewrap {
		return nil, false
	}
	host = x.Vary(Variation{})
	host.system, host.tools = "", nil
	return host, true
}

// openSandbox finds the program that keeps the steps apart: the one that was
// named or, if none was, the first that works here.
func (x *Setting) openSandbox(ctx context.Context) error {
	kinds := []sandbox.Kind{x.o.Sandbox}
	if x.o.Sandbox == "" {
		kinds = []sandbox.Kind{sandbox.Bubblewrap, sandbox.Podman, sandbox.Docker}
	}
	var first error
	for _, kind := range kinds {
		found, err := sandbox.Find(ctx, kind)
		if err == nil {
			err = found.Try(ctx, x.system)
		}
		if err == nil {
			x.sandbox = found
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if first == nil {
			first = err
		}
	}
	return noSandbox(first)
}

// noSandbox is the failure of a machine on which nothing can be kept apart.
func noSandbox(err error) error {
	hint := "countermark doctor says what works here and what to do; --unsafe-no-sandbox builds without, and the record says so"
	if known, ok := errors.AsType[*obstacle.Error](err); ok && known.Advice != "" {
		hint = known.Advice + "; or else: " + hint
	}
	return report.UsageFailure(hint, "no sandbox works here: %v", err)
}

// variables returns the whole environment of a program, sorted.
func (x *Setting) variables() ([]string, error) {
	all := map[string]string{
		"PATH": x.searchPath(), "HOME": homeDir, "LC_ALL": "C.UTF-8", "TZ": "UTC",
		"SOURCE_DATE_EPOCH": fmt.Sprint(x.source.Epoch()),
	}
	for _, v := range x.Variation.Variables {
		name, value, _ := strings.Cut(v, "=")
		all[name] = value
	}
	for _, v := range x.source.Recipe.Environment.Variables {
		value, err := x.source.Recipe.Expand(v.Value, x.source.Version)
		if err != nil {
			return nil, report.UsageFailure("", "the variable %s: %v", v.Name, err)
		}
		all[string(v.Name)] = value
	}
	list := make([]string, 0, len(all))
	for name, value := range all {
		list = append(list, name+"="+value)
	}
	slices.Sort(list)
	return list, nil
}

// searchPath returns where programs are looked for: the tools that were built
// come first, of these the later ones.
func (x *Setting) searchPath() string {
	var path []string
	for i := len(x.tools) - 1; i >= 0; i-- {
		path = append(path, x.tools[i].prefix+"/bin")
	}
	return strings.Join(append(path, SystemPath), ":")
}

// Inside returns the folder of the source, which is at work, as programs see it.
func (x *Setting) Inside(work string) string {
	top := BuildDir
	if x.Variation.Dir != "" {
		top = x.Variation.Dir
	}
	return x.Shown(work, top+"/"+x.source.Recipe.PrefixOf(x.source.Version))
}

// IsOpen reports whether nothing is kept apart: then a program sees every folder
// where it is.
func (x *Setting) IsOpen() bool { return x.sandbox.Describe().Kind == sandbox.UnsafeNone }

// HasOwnIDs reports whether programs have the ids of whoever runs this, inside too.
func (x *Setting) HasOwnIDs() bool { return x.sandbox.Describe().OwnIDs }

// Shown returns the place at which a program sees what lies at source, if it is
// to be shown at target.
func (x *Setting) Shown(source, target string) string {
	if x.IsOpen() {
		return source
	}
	return target
}

// Program returns what every program of a build has in common: it runs in the
// folder of the source, which is at work.
func (x *Setting) Program(arguments []string, work string) (sandbox.Program, error) {
	variables, err := x.variables()
	if err != nil {
		return sandbox.Program{}, err
	}
	v := &x.Variation
	p := sandbox.Program{
		Arguments: arguments, Dir: x.Inside(work), Environment: variables,
		Binds:    []sandbox.Bind{{Source: work, Target: x.Inside(work), Writable: true}},
		Hostname: v.Host, User: v.User, Group: v.Group, UserName: v.UserName, Umask: v.Umask, CPUs: v.CPUs,
	}
	for _, t := range x.tools {
		p.Binds = append(p.Binds, sandbox.Bind{Source: t.folder, Target: t.prefix})
	}
	p.Binds = append(p.Binds, v.Binds...)
	return p, nil
}

// Run runs a program within the limits of the build, of which it takes its share.
func (x *Setting) Run(ctx context.Context, p sandbox.Program) (sandbox.Outcome, error) {
	left := x.Limits.Time - x.spent
	if left <= 0 {
		return sandbox.Outcome{Limit: sandbox.TimeLimit}, nil
	}
	p.System = x.system
	p.Limits = sandbox.Limits{Time: left, OutputBytes: x.Limits.OutputBytes, Files: x.Limits.Files, Processes: maxProcesses, PrintedBytes: maxPrinted}
	outcome, err := x.sandbox.Run(ctx, p)
	x.spent += outcome.Duration
	return outcome, err
}

// maxReleaseBytes is more than an os-release(5) has.
const maxReleaseBytes = 64 << 10

// describeSystem returns what os-release(5) calls a system, "" for this machine. No
// link of a foreign system leads out of it.
func describeSystem(system string) string {
	for _, name := range []string{"etc/os-release", "usr/lib/os-release"} {
		open := func() (*os.File, error) { return os.OpenInRoot(system, name) }
		if system == "" {
			open = func() (*os.File, error) { return os.Open("/" + name) }
		}
		f, err := open()
		if err != nil {
			continue
		}
		data, err := io.ReadAll(io.LimitReader(f, maxReleaseBytes))
		if err = errors.Join(err, f.Close()); err != nil {
			continue
		}
		for line := range strings.Lines(string(data)) {
			if value, ok := strings.CutPrefix(strings.TrimSpace(line), "PRETTY_NAME="); ok {
				return strings.Trim(value, `"'`)
			}
		}
	}
	return ""
}
