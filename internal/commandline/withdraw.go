package commandline

import (
	"github.com/spf13/cobra"

	"github.com/countermark/countermark/internal/keys"
	"github.com/countermark/countermark/internal/withdrawing"
)

const withdrawLong = `Says of a release that it was found bad: makes the statement, signs it, and puts it
into the ledger of this repository. As soon as as many have done so as the policy asks
for (the quorum of withdrawer, or else the release managers), nobody's verify passes
who has the new bundle; until then the exit status is 3. countermark push hands it on.

The same command again with the same key writes nothing.

Exit status:
  0  withdrawn: enough have said so
  1  the policy does not let this key withdraw anything
  2  no verdict: wrong usage, a refused input, a defect
  3  others must still say so, or something is missing or unreachable`

func newWithdrawCommand(s Streams) *cobra.Command {
	o := withdrawing.Options{}
	cmd := &cobra.Command{
		Use:     "withdraw VERSION",
		Short:   "Say of a release that it was found bad",
		Long:    withdrawLong,
		Example: "  countermark withdraw 1.0 --why 'words.h held a back door' --key ~/.ssh/id_ed25519.pub\n  countermark push origin && countermark bundle make 1.0",
		Args:    arguments(1, 1, "countermark withdraw VERSION --why TEXT --key KEY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Version, o.User = args[0], keys.User{Talk: s.Err, Terminal: s.In}
			result, err := withdrawing.Run(cmd.Context(), o)
			if err != nil {
				return err
			}
			return s.finish(result)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Why, "why", "", "`TEXT` that everybody sees who verifies the release")
	f.StringVar(&o.Key, "key", "", KeyHelp)
	f.StringVar(&o.Repository, "repo", "", RepoHelp)
	f.StringVar(&o.Release, "release", "", "release `DIGEST`, where the version was released several times")
	f.StringVar(&o.Root, "root", "", "trust the policies that follow from this `ROOT` (default: the one remembered)")
	return cmd
}
