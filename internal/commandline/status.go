package commandline

import (
	"github.com/spf13/cobra"

	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/standing"
)

const statusLong = `Shows how a release stands by the ledger of this repository: each person and machine
of the policy, and what they have contributed: a signature on the source tag, a build,
a review, the release. Below it stands who is missing, and what speaks against it.
Before anybody has released it, each outcome that a builder signed is shown. Without a
version, the versions of the ledger are listed.

countermark fetch brings the ledger up to date first. No archive is read here;
countermark verify holds one to all this.

With --check, a folder is looked through instead, in which a project collects
statements by pull request (docs/spec/ledger.md, "In a plain folder"): one line for
each problem. With --before, nothing of that earlier state may be missing.

Exit status:
  0  all are there whom the policy asks for; the folder is in order
  1  something speaks against the release; the folder is not in order
  2  no verdict: wrong usage, a refused input, a defect
  3  something is missing, or no root is trusted (--root)`

const statusExample = `  countermark fetch origin && countermark status 1.0
  countermark status                              # all versions
  countermark status --check statements --before ../base/statements`

// statusOptions are the flags of status.
type statusOptions struct {
	standing.Options
	check, before string
	json          bool
}

func newStatusCommand(s Streams) *cobra.Command {
	o := statusOptions{}
	cmd := &cobra.Command{
		Use:     "status [VERSION]",
		Short:   "Show who has vouched for a release, and who is missing",
		Long:    statusLong,
		Example: statusExample,
		Args:    arguments(0, 1, "countermark status [VERSION]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			answer, err := o.answer(cmd, args)
			if err != nil {
				return err
			}
			if o.json {
				if err := s.Say(string(answer.JSON())); err != nil {
					return err
				}
				return Verdict(answer.Exit())
			}
			return s.finish(answer)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Repository, "repo", "", RepoHelp)
	f.StringVar(&o.Root, "root", "", "trust the policies that follow from this `ROOT` (default: the one remembered)")
	f.StringVar(&o.Recipe, "recipe", "", "recipe `FILE`, if the source has none")
	f.StringVar(&o.check, "check", "", "look through this `FOLDER` of statements instead")
	f.StringVar(&o.before, "before", "", "with --check: the `FOLDER` as it was")
	f.BoolVar(&o.json, "json", false, "print one JSON document (docs/spec/release.md)")
	return cmd
}

// document is an outcome that has a JSON form.
type document interface {
	outcome
	JSON() []byte
}

// answer carries out what is asked.
func (o *statusOptions) answer(cmd *cobra.Command, args []string) (document, error) {
	switch {
	case o.before != "" && o.check == "":
		return nil, report.UsageFailure("countermark status --check FOLDER --before FOLDER", "--before means nothing without --check")
	case o.check != "" && (len(args) > 0 || o.Repository != "" || o.Root != "" || o.Recipe != ""):
		return nil, report.UsageFailure("countermark status --check FOLDER", "--check looks through a folder, and nothing else is looked at with it")
	case o.check != "":
		c, err := standing.Check(o.check, o.before)
		return c, err
	case len(args) == 0:
		l, err := standing.ReadAll(cmd.Context(), o.Repository)
		return l, err
	}
	o.Version = args[0]
	st, err := standing.Read(cmd.Context(), o.Options)
	return st, err
}
