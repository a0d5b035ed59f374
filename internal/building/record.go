package building

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/sandbox"
)

// finishRecord fills in what is known from the beginning, and writes the record
// into the folder of the release.
func (b *build) finishRecord() error {
	r := b.record
	r.Project, r.Version = string(b.recipe.Project.URL), string(b.version)
	r.Recipe = buildrecord.Recipe{SHA256: b.recipe.Digest, Origin: b.origin}
	r.Source.Ref, r.Source.Tag, r.Source.Commit = b.source.ref, b.source.TagID, b.source.CommitID
	r.Source.Tree, r.Source.Time = b.source.Commit.Tree, b.source.Commit.Committer.Unix
	slices.SortFunc(r.Inputs, func(x, y buildrecord.Input) int { return strings.Compare(string(x.Path), string(y.Path)) })
	data, err := r.Encode()
	if err != nil {
		return err
	}
	b.result.Record = r
	if err := os.WriteFile(filepath.Join(b.release(), b.recordName()), data, 0o644); err != nil {
		return err
	}
	logs := filepath.Join(b.temp, "logs")
	if err := os.Rename(logs, filepath.Join(b.release(), "logs")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// recordName returns the name of the record's file.
func (b *build) recordName() string {
	return strings.TrimSuffix(b.recipe.ArchiveName(b.version, recipe.TarGz), "."+recipe.TarGz.String()) + ".build.json"
}

// recordEnvironment asks the environment what it is.
func (b *build) recordEnvironment(ctx context.Context) error {
	variables, err := b.variables()
	if err != nil {
		return err
	}
	d := b.env.sandbox.Describe()
	e := &b.record.Environment
	e.ID, e.Packages, e.Variables = b.env.id, b.env.packages, variables
	e.Sandbox = buildrecord.Sandbox{Name: string(d.Kind), Version: escape.Text(d.Version), Network: "not watched"}
	if d.NetworkWatched {
		e.Sandbox.Network = "counters of the network namespace"
	}
	switch b.recipe.Environment.Base.(type) {
	case recipe.Host:
		e.Kind = "host"
	case recipe.RootFS:
		e.Kind = "rootfs"
	case recipe.Image:
		e.Kind = "image"
	}
	e.System, e.HostName, e.Path = escape.Text(describeSystem(b.env.system)), hostName, b.inside()
	e.Processor.Count = runtime.NumCPU()
	return b.probe(ctx)
}

// probeScript asks for what only the environment knows: a line for each of
// kernel, machine, ids, umask, and what /bin/sh is; then, for each of its
// arguments, the program's name, path, digest, package and first line of
// --version, between tabs.
const probeScript = `uname -sr; uname -m; echo "$(id -u):$(id -g)"; umask; readlink -f /bin/sh
for tool
do
	path=$(command -v "$tool") || path=
	real=$(readlink -f "$path") || real=$path
	sum= package= version=
	if [ -n "$path" ]
	then
		sum=$(sha256sum <"$real") sum=${sum%% *}
		for name in "$path" "$real" "/usr$path"
		do
			[ -n "$package" ] || package=$(dpkg-query -S "$name" 2>/dev/null | head -n 1) package=${package%%: *}
		done
		[ -z "$package" ] || package=$(dpkg-query -W -f '${binary:Package}=${Version}' "$package" 2>/dev/null)
		version=$("$tool" --version </dev/null 2>/dev/null | head -n 1)
	fi
	printf '%s\t%s\t%s\t%s\t%s\n' "$tool" "$real" "$sum" "$package" "$version"
done`

// dpkgDir is where dpkg keeps which file belongs to which package.
const dpkgDir = "/var/lib/dpkg"

// maxProbe is how much the answer to probeScript may have.
const maxProbe = 1 << 20

// probe runs probeScript for all tools of the recipe.
func (b *build) probe(ctx context.Context) error {
	var names []string
	for _, s := range b.recipe.Steps {
		for _, t := range s.Tools {
			names = append(names, string(t))
		}
	}
	if c := b.recipe.Archives.Command; c != nil {
		for _, t := range c.Tools {
			names = append(names, string(t))
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	p, err := b.program(append([]string{"/bin/sh", "-c", probeScript, "sh"}, names...), b.work())
	if err != nil {
		return err
	}
	p.Limits.Time = time.Minute
	if _, err := os.Stat(dpkgDir); err == nil && p.System == "" && !b.isOpen() {
		p.Binds = append(p.Binds, sandbox.Bind{Source: dpkgDir, Target: dpkgDir})
	}
	var out limitedBuffer
	p.Output = &out
	outcome, err := b.env.sandbox.Run(ctx, p)
	if err != nil {
		return err
	}
	if outcome.Exit != 0 || outcome.Limit != sandbox.NoLimit {
		return errors.New("the environment does not answer: is there a shell, coreutils and sed in it?")
	}
	return b.takeProbe(out.String())
}
