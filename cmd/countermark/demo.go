package main

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/countermark/countermark/internal/demonstration"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/verification"
)

func newDemoCommand(s streams) *cobra.Command {
	o := demonstration.Options{
		Out: s.out,
		Verify: func(ctx context.Context, v verification.Options, style report.Style, out io.Writer) int {
			return verifyAndPrint(ctx, verifyOptions{Options: v, style: &style}, streams{in: s.in, out: out, err: out})
		},
	}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show what build, bless and verify do, on a small project",
		Long: "Makes a small project with a generated file, builds its release, and builds it\n" +
			"again: once as it was, once after somebody tampered with the generator. Then it\n" +
			"verifies the release, and tampers with it in four ways. At last a policy says who\n" +
			"has to vouch for the release; they sign with keys of no worth, it is blessed and\n" +
			"verified offline, and three releases are caught for which not all vouch.\n\n" +
			"It needs git, no network, and a few seconds. Where no sandbox works it builds\n" +
			"nothing, and without ssh-keygen nobody signs; it says so.\n\n" + exitHelp,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return report.UsageFailure("countermark demo, or --help", "demo takes no arguments, and here is %q", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Style = styleFor(s.out)
			if err := demonstration.Run(cmd.Context(), o); err != nil {
				return report.FailureOf(err, report.Internal)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&o.Keep, "keep", "", "work in the new `FOLDER` and leave it there, to look around")
	return cmd
}
