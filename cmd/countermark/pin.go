package main

import (
	"bytes"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/pinning"
	"github.com/countermark/countermark/internal/progress"
	"github.com/countermark/countermark/internal/report"
)

const pinLong = `A recipe holds each file that it names by URL to a SHA-256: downloads, the
archives of tools, an image. pin fetches those that have none yet, once, and
writes their digests after their URLs; nothing else of the recipe changes. Look
at what was fetched before you commit a digest: it says which file, not that the
file is good.

With --check all files are fetched again, nothing is written, and what is another
file now is named. A tool from git has a commit instead: git ls-remote --tags URL
lists them.

` + exitHelp

func newPinCommand(s streams) *cobra.Command {
	var o pinning.Options
	cmd := &cobra.Command{
		Use:     "pin",
		Short:   "Write the digests that a recipe lacks",
		Long:    pinLong,
		Example: "  countermark pin\n  countermark pin --recipe xz.toml --check",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return report.UsageFailure("countermark pin --recipe FILE, or --help", "%d arguments are given, expected none", len(args))
			}
			o.Progress = progress.New(s.err)
			return pin(cmd.Context(), o, s)
		},
	}
	cmd.Flags().StringVar(&o.Recipe, "recipe", "countermark.toml", "the recipe is `FILE`")
	cmd.Flags().BoolVar(&o.Check, "check", false, "fetch all files, write nothing, and say what has moved")
	return cmd
}

func pin(ctx context.Context, o pinning.Options, s streams) error {
	results, err := pinning.Run(ctx, o)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	moved := 0
	for _, r := range results {
		word := "pinned"
		switch {
		case r.Moved():
			word = "moved"
			moved++
		case o.Check:
			word = "same"
		}
		fmt.Fprintf(&b, "%-6s  %s: sha256 %v, from %s\n", word, r.What, r.Now, escape.Text(r.URL))
		if r.Moved() {
			fmt.Fprintf(&b, "        the recipe says sha256 %v, line %d\n", r.Was, r.Line)
		}
	}
	if len(results) == 0 {
		fmt.Fprintf(&b, "%s: nothing to fetch\n", escape.Text(o.Recipe))
	}
	if _, err := s.out.Write(b.Bytes()); err != nil {
		return err
	}
	if moved > 0 {
		return verdictReached(exitDoesNot)
	}
	return nil
}
