package commandline

import (
	"github.com/spf13/cobra"

	"github.com/countermark/countermark/internal/bundling"
)

const bundleLong = `A bundle lies beside an archive, NAME.countermark, and holds all that verifies it
without a network, a clone or git: signed statements, the versions of the policy, and
the git objects that tie the archive to the signed tag (docs/spec/bundle.md).

` + ExitHelp

const bundleMakeLong = `Takes what vouches for a version out of this repository into one file: its statements,
the policy, the recipe, and the git objects that they speak of. countermark fetch brings
the ledger up to date first; evidence may arrive later, and the same command then makes
the bundle anew.

A bundle that is there already is joined with what is written over it, so that nothing
of it is lost; any other file stays. Nothing is judged.

` + ExitHelp

const bundleMergeLong = `Joins bundles: every statement, policy and object once, the signatures over one
statement together. Order does not matter, and nothing is judged. The output may be one
of the files; any other file that is there stays.

` + ExitHelp

const bundleShowLong = `Lists what a bundle holds: the versions of the policy, the statements with the keys
that they name, the recipe, and how many git objects. The file is read strictly, and
nothing of it is judged.

` + ExitHelp

func newBundleCommand(s Streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "bundle",
		Short:   "Make, join and show the files that vouch for archives",
		Long:    bundleLong,
		Example: "  countermark bundle make 1.0\n  countermark bundle merge hello-1.0.countermark later.countermark --output hello-1.0.countermark\n  countermark bundle show hello-1.0.countermark",
		Args:    KnownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newBundleMakeCommand(s), newBundleMergeCommand(s), newBundleShowCommand(s))
	return cmd
}

func newBundleMakeCommand(s Streams) *cobra.Command {
	o := bundling.MakeOptions{}
	cmd := &cobra.Command{
		Use:   "make VERSION",
		Short: "Write the bundle of a version",
		Long:  bundleMakeLong,
		Args:  arguments(1, 1, "countermark bundle make VERSION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Version = args[0]
			made, err := bundling.Make(cmd.Context(), o)
			if err != nil {
				return err
			}
			return s.Say(made.Text())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Repository, "repo", "", RepoHelp)
	f.StringVar(&o.Recipe, "recipe", "", "recipe `FILE`, if the source has none")
	f.StringVar(&o.Output, "output", "", "`FILE` to write (default: NAME-VERSION.countermark here)")
	f.BoolVar(&o.Lines, "jsonl", false, "also write the statements alone, for other tools: NAME-VERSION.intoto.jsonl")
	return cmd
}

func newBundleMergeCommand(s Streams) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "merge FILE...",
		Short: "Join bundles",
		Long:  bundleMergeLong,
		Args:  arguments(1, -1, "countermark bundle merge FILE... --output FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			made, err := bundling.Merge(args, output)
			if err != nil {
				return err
			}
			return s.Say(made.Text())
		},
	}
	cmd.Flags().StringVar(&output, "output", "", "`FILE` to write")
	return cmd
}

func newBundleShowCommand(s Streams) *cobra.Command {
	return &cobra.Command{
		Use:   "show FILE",
		Short: "List what a bundle holds",
		Long:  bundleShowLong,
		Args:  arguments(1, 1, "countermark bundle show FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			shown, err := bundling.Show(args[0])
			if err != nil {
				return err
			}
			return s.Say(shown.Text())
		},
	}
}
