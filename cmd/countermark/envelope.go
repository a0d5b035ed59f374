package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/countermark/countermark/internal/attribution"
	"github.com/countermark/countermark/internal/progress"
	"github.com/countermark/countermark/internal/report"
)

const envelopeLong = `Looks for the encoder of a compressed archive: which command makes exactly these
bytes of the tar in it? Who has it can make the published file again from a tar
that was built independently, and vouch for the file too.

What the header tells (level, dictionary, window, threads, check) chooses what is
tried: gzip, pigz and Python's zlib; bzip2 and lbzip2; xz; zstd; as far as they are
installed. Each try reads the archive through its own decompressor, and ends at
the first byte that differs. Nothing is written to disk.

Other versions of a program may give other bytes: that none of those here remakes
a file says nothing against it.

Exit status:
  0  a command remade the archive, byte for byte
  1  none of those that were tried did
  2  no verdict: wrong usage, a refused input, a defect
  3  incomplete: no program that could have made it is installed and runs`

func newEnvelopeCommand(s streams) *cobra.Command {
	var o attribution.Options
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "envelope ARCHIVE",
		Short:   "Find the command that compressed an archive",
		Long:    envelopeLong,
		Example: "  countermark envelope php-8.2.32.tar.xz\n  countermark envelope curl-7.88.1.tar.gz --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return report.UsageFailure("countermark envelope ARCHIVE, or --help", "%d archives are named, one is looked at at a time", len(args))
			}
			o.Archive = args[0]
			return verdictReached(envelopeAndPrint(cmd.Context(), o, asJSON, s))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document (docs/envelopes.md)")
	return cmd
}

// envelopeAndPrint looks for the encoder, prints what was found, and returns the
// exit status.
func envelopeAndPrint(ctx context.Context, o attribution.Options, asJSON bool, s streams) int {
	o.Progress = progress.New(s.err)
	result, err := attribution.Run(ctx, o)
	o.Progress.Clear()
	var out []byte
	exit := exitNoVerdict
	switch {
	case err != nil:
		f := report.FailureOf(err, report.Internal)
		if ctx.Err() != nil {
			f = report.Interrupted()
		}
		complain(s.err, f)
		if exit = f.Code.Exit(); asJSON {
			out = report.FailureDocument(f, nil).JSON()
		}
	case asJSON:
		exit, out = result.Exit(), result.JSON()
	default:
		exit, out = result.Exit(), []byte(result.Text())
	}
	if _, err := s.out.Write(out); err != nil && len(out) > 0 {
		complain(s.err, &report.Failure{Code: report.Internal, Detail: fmt.Sprintf("writing the result: %v", err)})
		return exitNoVerdict
	}
	return exit
}
