package main

import (
	"github.com/spf13/cobra"

	"github.com/countermark/countermark/internal/building"
	"github.com/countermark/countermark/internal/progress"
)

const rebuildLong = `Builds a release again, on this machine, from its source tag, and compares the
result with what somebody else built: file by file, reproduced, differs, missing
or extra. The verdict is that of the trees' ids; a commit with the same tree must
be the commit that was built here, signature aside.

What it is compared with is the branch candidates/VERSION, or --against: another
branch, a full commit id, or the file of a published archive. For each file that
differs the likely cause is named from evidence: the version of a tool in the
file's own header against the one here, a date, a path, an order, and so on.
"Unknown" is an answer, and no cause makes a difference harmless.

No ref of the repository is changed. --output keeps the archives, the record and
the unsigned statement of what this machine got.

` + exitHelp

const rebuildExample = `  countermark rebuild v1.0                                 # the candidate in this clone
  countermark rebuild v5.4.1 --recipe xz.toml --against xz-5.4.1.tar.xz
  countermark rebuild php-8.4.2 --record php-8.4.2.build.json --json`

// rebuildOptions are the flags of rebuild.
type rebuildOptions struct {
	buildOptions
	against, record string
}

func newRebuildCommand(s streams) *cobra.Command {
	o := rebuildOptions{}
	cmd := &cobra.Command{
		Use:     "rebuild TAG",
		Short:   "Build a release again, and compare",
		Long:    rebuildLong,
		Example: rebuildExample,
		Args:    oneTag,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.prepare(args[0], progress.New(s.err)); err != nil {
				return err
			}
			result, err := building.Rebuild(cmd.Context(), building.RebuildOptions{Options: o.Options, Against: o.against, Record: o.record})
			if err != nil {
				return err
			}
			return o.print(s, result)
		},
	}
	o.addFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.against, "against", "", "compare with `BRANCH|COMMIT|ARCHIVE` (default: the branch candidates/VERSION)")
	f.StringVar(&o.record, "record", "", "ask for the very packages of the other build's record, `FILE`")
	f.StringVar(&o.Output, "output", "", "keep archives, record, statement and logs in the new `FOLDER`")
	return cmd
}
