package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/countermark/countermark/internal/durable"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/indexing"
	"github.com/countermark/countermark/internal/knownfile"
	"github.com/countermark/countermark/internal/progress"
	"github.com/countermark/countermark/internal/report"
)

func newIndexCommand(s streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "index",
		Short: "Make and look at indexes of known files",
		Long: "An index of known files says which tool shipped a file, in which versions:\n" +
			"gettext's m4/nls.m4, automake's install-sh. verify uses one that comes with it\n" +
			"to say where the files of an archive come from that are in no commit; --index\n" +
			"adds others.\n\n" + exitHelp,
		Args: knownSubcommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newIndexBuildCommand(s), newIndexShowCommand(s))
	return cmd
}

// knownSubcommand refuses what is no command of a group.
func knownSubcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return report.UsageFailure(cmd.CommandPath()+" --help lists the commands", "unknown command %q", args[0])
}

const indexBuildLong = `Makes an index of known files of what tools ship, and writes it whole or not at
all. The same sources give the same bytes, in whatever order they are named, but
for the order of the tools: that in which they first come, which is also the one
in which verify prefers them.

SOURCE is [TOOL[@VERSION]=]PATH. PATH may be a folder or an archive (a tar in any
compression), with the files of one release.

It may be a Debian package: then its files are taken, and those of the archives
of earlier releases that it may hold, as gettext's autopoint does.

It may be a git repository. With @{tag}, which is the default, each tag whose name
holds a version is a release; with @{date} each commit on a branch is, back along
the first parents, with its day for a version.

It may be another index: then all that it knows is taken.

Tool and version are found out where they are not given: from the name
NAME-VERSION of a folder or archive, from a package's own description (tool: the
source package; version: the package's), from the folder's name for git.

` + exitHelp

const indexBuildExample = `  countermark index build -o gettext.index gettext-0.22.5/ gettext-0.23.tar.xz
  countermark index build -o gnulib.index --only m4/ --only build-aux/ --since 2015-01-01 gnulib@{date}=gnulib.git
  countermark index build -o all.index gettext.index gnulib.index autopoint_0.23.1-2_all.deb`

func newIndexBuildCommand(s streams) *cobra.Command {
	var o indexing.Options
	var output, since string
	cmd := &cobra.Command{
		Use:     "build -o FILE SOURCE...",
		Short:   "Make an index of what tools ship",
		Long:    indexBuildLong,
		Example: indexBuildExample,
		RunE: func(cmd *cobra.Command, args []string) error {
			if output == "" || len(args) == 0 {
				return report.UsageFailure("countermark index build -o FILE SOURCE..., or --help", "the output or the sources are missing")
			}
			if since != "" {
				day, err := time.Parse(time.DateOnly, since)
				if err != nil {
					return report.UsageFailure("for example --since 2015-01-01", "--since %q is no day", since)
				}
				o.Since = day
			}
			o.Sources, o.Progress = args, progress.New(s.err)
			return buildIndex(cmd.Context(), o, output, s)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&output, "output", "o", "", "write the index to `FILE`")
	f.StringArrayVar((*[]string)(&o.Only), "only", nil, "index only paths that match `PATTERN`, or lie below PATTERN if it ends in a slash (repeatable)")
	f.StringVar(&since, "since", "", "of git, leave out versions before `DAY` (YYYY-MM-DD), but for what was current then")
	return cmd
}

func buildIndex(ctx context.Context, o indexing.Options, output string, s streams) error {
	x, err := indexing.Build(ctx, o)
	o.Progress.Clear()
	if err != nil {
		return report.FailureOf(err, report.Internal)
	}
	data := x.Marshal()
	if len(data) > knownfile.MaxFileBytes {
		return report.UsageFailure("--only selects less, --since leaves out what is older", "the index would have %d bytes, at most %d are read", len(data), knownfile.MaxFileBytes)
	}
	if err := durable.WriteFile(output, data); err != nil {
		return report.FailureOf(fmt.Errorf("writing the index: %w", err), report.Internal)
	}
	c := x.Counts()
	_, err = fmt.Fprintf(s.out, "%s: %d files of %d tools, %d bytes, sha256:%x\n", escape.Text(output), c.Files, c.Tools, len(data), sha256.Sum256(data))
	return err
}

func newIndexShowCommand(s streams) *cobra.Command {
	var find string
	cmd := &cobra.Command{
		Use:   "show [INDEX]",
		Short: "Say what an index knows",
		Long: "Lists the tools and versions that an index knows, by default that of this\n" +
			"program; or, with --file, where one file was shipped.\n\n" + exitHelp,
		Example: "  countermark index show\n  countermark index show --file m4/build-to-host.m4",
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return report.UsageFailure("countermark index show [INDEX], or --help", "%d indexes are named, at most one can be shown", len(args))
			}
			x, err := indexing.Embedded()
			if len(args) == 1 {
				x, err = indexing.ReadIndex(args[0])
			}
			if err != nil {
				return report.FailureOf(err, report.Usage)
			}
			return showIndex(x, find, s.out)
		},
	}
	cmd.Flags().StringVar(&find, "file", "", "say where the content of `FILE` was shipped")
	return cmd
}

func showIndex(x *knownfile.Index, find string, w io.Writer) error {
	var b bytes.Buffer
	exit := exitHolds
	if find == "" {
		for _, t := range x.ToolVersions() {
			fmt.Fprintf(&b, "%-20s %6d files, %d versions from %s to %s\n", t.Tool, t.Files, t.Releases, t.First, t.Last)
		}
	} else {
		text, known, err := indexing.Describe(x, find)
		if err != nil {
			return report.FailureOf(err, report.Usage)
		}
		b.WriteString(text)
		if !known {
			exit = exitDoesNot
		}
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return err
	}
	return verdictReached(exit)
}
