package building

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/sandbox"
	"github.com/countermark/countermark/internal/sandbox/obstacle"
)

// What every step finds. docs/spec/build-record.md, section 2.3, has the list.
const (
	buildDir    = "/build"           // inside: holds the source in a folder named as the archives' top
	toolDir     = "/opt/countermark" // inside: holds the tools that were built
	homeDir     = "/tmp"             // inside: private, and empty
	systemPath  = "/usr/local/bin:/usr/bin:/bin"
	hostName    = sandbox.DefaultHostname
	maxStepLog  = 64 << 20 // of one step, kept; all of it counts for its digest
	maxPrinted  = 1 << 30  // of one step, before it is ended
	maxProcs    = 4096
	maxToolTime = 2 * time.Hour
)

// setting is where the steps run.
type setting struct {
	sandbox  *sandbox.Sandbox
	system   string        // folder of the root filesystem, "" for the host's
	id       digest.SHA256 // that names it, zero for the host
	packages []string
	tools    []builtTool
}

// builtTool is a tool that was built from source.
type builtTool struct {
	name   string
	folder string // here
	prefix string // inside
	source string // what it was built from: a digest or an id
}

// variation is what a build of --vary has otherwise. The zero value is the usual.
type variation struct {
	name      string // "" for the usual
	top       string // folder of the source inside, instead of buildDir
	host      string
	user      int
	umask     uint32
	cpus      int
	variables []string // NAME=VALUE, instead of the fixed ones or beside
	temp      string   // folder here that holds the work, instead of the cache
}

// openEnvironment makes what the steps need: a system, a sandbox, tools.
func (b *build) openEnvironment(ctx context.Context) error {
	if err := b.openSystem(ctx); err != nil {
		return err
	}
	if err := b.openSandbox(ctx); err != nil {
		return err
	}
	return b.openTools(ctx)
}

// openSandbox finds the program that keeps the steps apart: the one that was
// named or, if none was, the first that works here.
func (b *build) openSandbox(ctx context.Context) error {
	kinds := []sandbox.Kind{b.o.Sandbox}
	if b.o.Sandbox == "" {
		kinds = []sandbox.Kind{sandbox.Bubblewrap, sandbox.Podman}
	}
	var first error
	for _, kind := range kinds {
		found, err := sandbox.Find(ctx, kind)
		if err == nil {
			err = found.Try(ctx, b.env.system)
		}
		if err == nil {
			b.env.sandbox = found
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
func (b *build) variables() ([]string, error) {
	all := map[string]string{
		"PATH": b.searchPath(), "HOME": homeDir, "LC_ALL": "C.UTF-8", "TZ": "UTC",
		"SOURCE_DATE_EPOCH": fmt.Sprint(b.source.Commit.Committer.Unix),
	}
	for _, v := range b.vary.variables {
		name, value, _ := strings.Cut(v, "=")
		all[name] = value
	}
	for _, v := range b.recipe.Environment.Variables {
		value, err := b.recipe.Expand(v.Value, b.version)
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
func (b *build) searchPath() string {
	var path []string
	for i := len(b.env.tools) - 1; i >= 0; i-- {
		path = append(path, b.env.tools[i].prefix+"/bin")
	}
	return strings.Join(append(path, systemPath), ":")
}

// inside returns the folder of the source as programs see it.
func (b *build) inside() string {
	if b.isOpen() {
		return b.work()
	}
	top := buildDir
	if b.vary.top != "" {
		top = b.vary.top
	}
	return top + "/" + b.recipe.PrefixOf(b.version)
}

// isOpen reports whether nothing is kept apart: then a program sees every folder
// where it is.
func (b *build) isOpen() bool { return b.env.sandbox.Describe().Kind == sandbox.UnsafeNone }

// shown returns the place at which a program sees a file or folder of ours.
func (b *build) shown(source, target string) string {
	if b.isOpen() {
		return source
	}
	return target
}

// program returns what every program of this build has in common.
func (b *build) program(arguments []string, work string) (sandbox.Program, error) {
	variables, err := b.variables()
	if err != nil {
		return sandbox.Program{}, err
	}
	p := sandbox.Program{
		Arguments: arguments, Dir: b.inside(), Environment: variables, System: b.env.system,
		Binds:    []sandbox.Bind{{Source: work, Target: b.inside(), Writable: true}},
		Hostname: b.vary.host, User: b.vary.user, Group: b.vary.user, Umask: b.vary.umask, CPUs: b.vary.cpus,
		Limits: sandbox.Limits{Time: b.limits.Time - b.spent, OutputBytes: b.limits.OutputBytes, Files: b.limits.Files,
			Processes: maxProcs, PrintedBytes: maxPrinted},
	}
	for _, tool := range b.env.tools {
		p.Binds = append(p.Binds, sandbox.Bind{Source: tool.folder, Target: tool.prefix})
	}
	return p, nil
}

// describeSystem returns what os-release(5) calls a system.
func describeSystem(root string) string {
	for _, name := range []string{"/etc/os-release", "/usr/lib/os-release"} {
		data, err := os.ReadFile(root + name)
		if err != nil {
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
