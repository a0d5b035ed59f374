package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/countermark/countermark/internal/building"
	"github.com/countermark/countermark/internal/building/source"
	"github.com/countermark/countermark/internal/keys"
	"github.com/countermark/countermark/internal/progress"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/sandbox"
	"github.com/countermark/countermark/internal/signedbuild"
)

const buildLong = `Builds a release from its source tag, as the recipe says: countermark.toml in the
source, or --recipe.

The source is laid out as git has it, without filters. The recipe's steps run in
a sandbox without a network, in an environment of which every variable is known;
a file that appears, changes or vanishes without being declared fails the build.
What they leave becomes a commit that holds source and generated files, and the
archives, whose tar is a pure function of that commit.

The commit goes to the branch candidates/VERSION of the repository, the archives
with the record of all that ran (docs/spec/build-record.md) and the unsigned
statement of it (docs/spec/statements.md) into a new folder.
Nothing is pushed unless asked, nothing ever forced. A build that was interrupted
left nothing; the same command does it again. Of one that failed, all that was
printed is kept in the cache, where the message says.

With --vary it builds twice, as usual and with another folder, locale, time zone,
umask, host name, user, number of processors, environment and order of
directories, and then as often as it takes to name which of these moves which
file. It writes nothing. The exit status is 1 if anything moves.

` + exitHelp

const buildExample = `  countermark build v1.0                                # in a clone of the project
  countermark build v5.4.1 --repo ~/src/xz --recipe xz.toml --output /tmp/xz-5.4.1
  countermark build v1.0 --vary                         # does it depend on this machine?
  countermark build php-8.4.2 --push git@example.org:php-src.git`

// buildOptions are the flags of build.
type buildOptions struct {
	building.Options
	json   bool
	unsafe bool
	vary   bool
	sign   string // key for the statement
	gitKey string // key for the built commit
	kind   string
}

func newBuildCommand(s streams) *cobra.Command {
	o := buildOptions{}
	cmd := &cobra.Command{
		Use:     "build TAG",
		Short:   "Build a release from its source tag, as the recipe says",
		Long:    buildLong,
		Example: buildExample,
		Args:    oneTag,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.prepare(args[0], progress.New(s.err)); err != nil {
				return err
			}
			if o.vary {
				return o.runVary(cmd.Context(), s)
			}
			signed := signedbuild.Options{Building: o.Options, Key: o.sign, GitKey: o.gitKey, User: keys.User{Talk: s.err, Terminal: s.in}}
			result, err := signedbuild.Run(cmd.Context(), signed)
			if err != nil {
				return err
			}
			return o.print(s, result)
		},
	}
	o.addFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.Output, "output", "", "new `FOLDER` for archives, record, statement and logs (default: NAME-VERSION.release here)")
	f.StringVar(&o.Push, "push", "", "push the candidate's branch to `REMOTE`: the name of one, a URL or a path")
	f.StringVar(&o.gitKey, "git-key", "", "sign the built commit, as git does, with `KEY` of ssh's or gpg's; git: the one that git signs with")
	f.StringVar(&o.sign, "sign", "", "sign the statement, in this very process, with `KEY`: see countermark sign, which sees nothing else")
	f.BoolVar(&o.vary, "vary", false, "build twice, as usual and under other circumstances, and name what moves; writes nothing")
	return cmd
}

// outcome is what became of a build, in whatever way.
type outcome interface {
	Text() string
	JSON() []byte
	Exit() int
}

// print prints an outcome and returns the verdict.
func (o *buildOptions) print(s streams, result outcome) error {
	out := []byte(result.Text())
	if o.json {
		out = result.JSON()
	}
	if _, err := s.out.Write(out); err != nil {
		return &report.Failure{Code: report.Internal, Detail: fmt.Sprintf("writing the result: %v", err)}
	}
	return verdictReached(result.Exit())
}

// runVary carries out build --vary.
func (o *buildOptions) runVary(ctx context.Context, s streams) error {
	if o.Output != "" || o.Push != "" || o.sign != "" || o.gitKey != "" {
		return report.UsageFailure("build without --vary makes the release", "--vary writes nothing, so --output, --push, --sign and --git-key mean nothing with it")
	}
	result, err := building.Vary(ctx, o.Options)
	if err != nil {
		return err
	}
	return o.print(s, result)
}

// addFlags adds the flags that building and rebuilding have in common.
func (o *buildOptions) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.Source.Repository, "repo", "", "`PATH` of a local repository (default: the one we stand in)")
	f.StringVar(&o.Source.Recipe, "recipe", "", "recipe `FILE` (default: "+source.RecipeName+" of the source)")
	f.StringArrayVar(&o.Source.Submodules, "submodule", nil, "take the files of a submodule from `PATH=REPO`, not from where .gitmodules says (repeatable)")
	f.StringArrayVar(&o.Setting.ToolSources, "tool-source", nil, "get the source of a tool from `NAME=REPO`, not from the recipe's URL; the recipe's commit counts (repeatable)")
	f.StringVar(&o.Setting.Mirror, "mirror", "", "get Debian packages from `URL`, not from the recipe's mirror")
	f.BoolVar(&o.Setting.UnsignedMirror, "unsafe-unsigned-mirror", false, "take packages that no key of the archive vouches for")
	f.StringVar(&o.Setting.Image, "image", "", "archive or OCI image layout at `PATH`, for a recipe that names an image by digest")
	f.StringVar(&o.kind, "sandbox", "auto", "`KIND` of sandbox: auto, bubblewrap, podman or docker")
	f.BoolVar(&o.unsafe, "unsafe-no-sandbox", false, "run the steps without a sandbox: they can do whatever you can, and the record says so")
	f.DurationVar(&o.Setting.Time, "max-time", 0, "end steps that take longer than `DURATION` together (default: the recipe's limit)")
	f.Int64Var(&o.Setting.Bytes, "max-bytes", 0, "end steps that leave more than `BYTES` in files (default: the recipe's limit)")
	f.IntVar(&o.Setting.Files, "max-files", 0, "end steps that leave more than `N` files (default: the recipe's limit)")
	f.StringVar(&o.Claims.BuilderID, "builder", "", "name this machine by `URI` in the statement: a claim, which proves nothing")
	f.StringVar(&o.Claims.HostingDomain, "hosting-domain", "", "say in the statement that this machine is run by `NAME`")
	f.StringVar(&o.Claims.ToolchainOrigin, "toolchain-origin", "", "say in the statement that the tools were made by `NAME`")
	f.BoolVar(&o.json, "json", false, "print one JSON document (docs/spec/build-record.md)")
	_ = cmd.RegisterFlagCompletionFunc("sandbox", cobra.FixedCompletions([]string{"auto", "bubblewrap", "podman", "docker"}, cobra.ShellCompDirectiveNoFileComp)) // its only error: no such flag
}

// oneTag accepts one argument.
func oneTag(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return report.UsageFailure(cmd.CommandPath()+" v1.0, or --help", "%s takes one tag, and here are %d arguments", cmd.Name(), len(args))
	}
	return nil
}

// prepare fills in what the flags mean.
func (o *buildOptions) prepare(tag string, line *progress.Line) error {
	o.Source.Tag, o.Progress = tag, line
	o.Source.Progress, o.Setting.Progress = line, line
	o.Claims.Issued, o.Claims.Countermark = time.Now().Unix(), programVersion()
	if err := o.Claims.Check(); err != nil {
		return report.UsageFailure("--builder takes a URI, as in https://ci.example.org/builder; the others one line", "%v", err)
	}
	return o.chooseSandbox()
}

// chooseSandbox reads --sandbox and --unsafe-no-sandbox, and checks the limits.
func (o *buildOptions) chooseSandbox() error {
	switch {
	case o.unsafe && o.kind != "auto":
		return report.UsageFailure("give one of them", "--sandbox and --unsafe-no-sandbox are both given")
	case o.unsafe:
		o.Setting.Sandbox = sandbox.UnsafeNone
	case o.kind == "bubblewrap", o.kind == "podman", o.kind == "docker":
		o.Setting.Sandbox = sandbox.Kind(o.kind)
	case o.kind != "auto":
		return report.UsageFailure("", "--sandbox %q is none of auto, bubblewrap, podman, docker", o.kind)
	}
	if l := &o.Setting; l.Time < 0 || l.Bytes < 0 || l.Files < 0 || l.Time > 0 && l.Time < time.Second {
		return report.UsageFailure("without the flag the recipe's limit holds", "a limit is too small")
	}
	return nil
}
