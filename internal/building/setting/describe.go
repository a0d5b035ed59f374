package setting

import (
	"cmp"
	"context"
	"errors"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/sandbox"
)

// Describe asks the environment what it is, for the record; the source lies at
// work.
func (x *Setting) Describe(ctx context.Context, work string) (buildrecord.Environment, error) {
	variables, err := x.variables()
	if err != nil {
		return buildrecord.Environment{}, err
	}
	d := x.sandbox.Describe()
	e := buildrecord.Environment{ID: x.ID, Packages: x.Packages, MadeBy: x.makers, Variables: variables}
	if _, ok := x.source.Recipe.Environment.Base.(recipe.RootFS); ok {
		e.Mirror, e.Unsigned = x.o.Mirror, x.o.UnsignedMirror
	}
	e.Sandbox = buildrecord.Sandbox{Name: string(d.Kind), Version: escape.Text(d.Version), Network: "not watched"}
	if d.NetworkWatched {
		e.Sandbox.Network = "counters of the network namespace"
	}
	switch x.source.Recipe.Environment.Base.(type) {
	case recipe.Host:
		e.Kind = "host"
	case recipe.RootFS:
		e.Kind = "rootfs"
	case recipe.Image:
		e.Kind = "image"
	}
	e.System, e.HostName, e.Path = escape.Text(describeSystem(x.system)), cmp.Or(x.Variation.Host, sandbox.DefaultHostname), x.Inside(work)
	e.Processor.Count = runtime.NumCPU()
	return e, x.probe(ctx, work, &e)
}

// probeScript asks for what only the environment knows: a line for each of
// kernel, machine, ids, umask, and what /bin/sh is; then, for each of its
// arguments but the first, the program's name, path, digest, package and first
// line of --version, between tabs. The first argument is where the build looks for
// programs, also where the shell has them built in, as busybox has; the script itself uses those of the system alone, which no tool of the
// recipe's can stand in for. What a program complains of is no answer.
const probeScript = `exec 2>/dev/null; search=$1; shift; uname -sr; uname -m; echo "$(id -u):$(id -g)"; umask; readlink -f /bin/sh
for tool
do
	path=$(PATH=$search; command -v "$tool") || path=
	case $path in
	/*) ;;
	*)
		path= IFS=:
		for dir in $search; do [ -n "$path" ] || [ ! -x "$dir/$tool" ] || path=$dir/$tool; done
		unset IFS;;
	esac
	real=$(readlink -f "$path") || real=$path
	sum= package= version=
	if [ -n "$path" ]
	then
		sum=$(sha256sum <"$real") sum=${sum%% *}
		for name in "$path" "$real" "/usr$path" "${path#/usr}" "${real#/usr}"
		do
			[ -n "$package" ] || package=$(dpkg-query -S "$name" 2>/dev/null | head -n 1) package=${package%%: *}
		done
		[ -z "$package" ] || package=$(dpkg-query -W -f '${binary:Package}=${Version}' "$package" 2>/dev/null)
		version=$(PATH=$search "$path" --version </dev/null 2>/dev/null | head -n 1)
	fi
	printf '%s\t%s\t%s\t%s\t%s\n' "$tool" "$real" "$sum" "$package" "$version"
done`

// dpkgDir is where dpkg keeps which file belongs to which package.
const dpkgDir = "/var/lib/dpkg"

// maxProbe is how much the answer to probeScript may have.
const maxProbe = 1 << 20

// maxProbeTime is how long it may take: some programs are slow to say their version.
const maxProbeTime = 5 * time.Minute

// probe runs probeScript for all tools of the recipe.
func (x *Setting) probe(ctx context.Context, work string, e *buildrecord.Environment) error {
	var names []string
	for _, s := range x.source.Recipe.Steps {
		for _, t := range s.Tools {
			names = append(names, string(t))
		}
	}
	if c := x.source.Recipe.Archives.Command; c != nil {
		for _, t := range c.Tools {
			names = append(names, string(t))
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	p, err := x.Program(append([]string{"/bin/sh", "-c", probeScript, "sh", x.searchPath()}, names...), work)
	if err != nil {
		return err
	}
	// The source is not shown: it must be as it was when the first step begins.
	p.Binds, p.Dir = p.Binds[1:], "/tmp"
	for i, variable := range p.Environment {
		if strings.HasPrefix(variable, "PATH=") {
			p.Environment[i] = "PATH=" + SystemPath
		}
	}
	return x.ask(ctx, p, names, e)
}

// Encoder asks for a program of the system that compresses.
func (x *Setting) Encoder(ctx context.Context, name string) (buildrecord.Tool, error) {
	var e buildrecord.Environment
	err := x.ask(ctx, sandbox.Program{
		Arguments: []string{"/bin/sh", "-c", probeScript, "sh", SystemPath, name}, Dir: "/tmp", Environment: []string{"LC_ALL=C.UTF-8", "PATH=" + SystemPath},
	}, []string{name}, &e)
	if err != nil {
		return buildrecord.Tool{}, err
	}
	return e.Tools[0], nil
}

// ask runs probeScript and takes the answer.
func (x *Setting) ask(ctx context.Context, p sandbox.Program, names []string, e *buildrecord.Environment) error {
	if _, err := os.Stat(dpkgDir); err == nil && x.system == "" && !x.IsOpen() {
		p.Binds = append(p.Binds, sandbox.Bind{Source: dpkgDir, Target: dpkgDir})
	}
	var out limitedBuffer
	p.Output, p.System = &out, x.system
	p.Limits = sandbox.Limits{Time: maxProbeTime, OutputBytes: maxProbe, Files: 16, Processes: maxProcesses, PrintedBytes: maxPrinted}
	outcome, err := x.sandbox.Run(ctx, p)
	if err != nil {
		return err
	}
	if !outcome.Succeeded() {
		return errors.New("the environment does not answer when it is asked what it is: are a shell and coreutils in it, and does no tool use the network?")
	}
	return x.takeProbe(out.String(), names, e)
}
