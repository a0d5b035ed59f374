package main

import (
	"github.com/spf13/cobra"

	"github.com/countermark/countermark/internal/commandline"
	"github.com/countermark/countermark/internal/governing"
	"github.com/countermark/countermark/internal/keys"
	"github.com/countermark/countermark/internal/report"
)

const policyLong = `A policy says who has to vouch for a project's releases: people and machines with
their keys, who may sign the source tag, build, rebuild, review and release, and how
many of each it takes (docs/spec/policy.md). Its versions are a chain: each is signed
by enough owners of the one before and of its own. They lie in the repository's
ledger, outside of the commits that they judge.

` + exitHelp

const policyExample = `  countermark policy init policy.toml --project https://git.example.org/hello \
      --person saki=saki.pub --person ben=ben.asc --machine ci=ci.pub \
      --domain ci=forge --toolchain ci=debian --recipe countermark.toml \
      --quorum owner=2:saki,ben --quorum source=1:saki --quorum builder=1:ci \
      --quorum release-manager=1:ben
  countermark policy check policy.toml                  # who alone could ship a bad release?
  countermark policy sign policy.toml --key ~/.ssh/id_ed25519.pub
  countermark policy change next.toml                   # edit, check, sign`

func newPolicyCommand(s streams) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "policy",
		Short:   "Say who has to vouch for releases",
		Long:    policyLong,
		Example: policyExample,
		Args:    commandline.KnownCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newPolicyInitCommand(s), newPolicyShowCommand(s), newPolicyCheckCommand(s), newPolicyChangeCommand(s), newPolicySignCommand(s), newPolicyHistoryCommand(s))
	return cmd
}

// say writes a result.
func say(s streams, text string) error {
	return commandline.Streams{Out: s.out}.Say(text)
}

// oneFile accepts one argument, or none where the ledger's newest policy is meant.
func oneFile(cmd *cobra.Command, args []string, mayLack bool) (string, error) {
	switch {
	case len(args) == 1:
		return args[0], nil
	case len(args) == 0 && mayLack:
		return "", nil
	}
	return "", report.UsageFailure(cmd.CommandPath()+" "+governing.FileName, "%s takes one file, and here are %d arguments", cmd.Name(), len(args))
}

func newPolicyInitCommand(s streams) *cobra.Command {
	o := governing.InitOptions{}
	cmd := &cobra.Command{
		Use:   "init FILE",
		Short: "Write the first version of a policy",
		Long: `Writes the first version of a policy into a new file, to be looked at, checked and
signed. A role that no --quorum names is waived: nobody is needed for it, and every
verdict says so.

` + exitHelp,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if o.File, err = oneFile(cmd, args, false); err != nil {
				return err
			}
			d, err := governing.Init(o)
			if err != nil {
				return err
			}
			return say(s, d.Text())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Project, "project", "", "`URL` of the project, as its recipe has it")
	f.StringArrayVar(&o.People, "person", nil, "`NAME=KEYFILE`: a person and a file of their public keys (repeatable, also for one person)")
	f.StringArrayVar(&o.Machines, "machine", nil, "`NAME=KEYFILE`: a machine that builds, and its public key (repeatable)")
	f.StringArrayVar(&o.Domains, "domain", nil, "`NAME=DOMAIN`: who hosts the machine, or where the person builds (repeatable)")
	f.StringArrayVar(&o.Toolchains, "toolchain", nil, "`NAME=ORIGIN`: where the compilers come from that are built with there (repeatable)")
	f.StringArrayVar(&o.Operators, "operator", nil, "`MACHINE=PERSON`: who can make the machine sign what they like (repeatable)")
	f.StringArrayVar(&o.Quorums, "quorum", nil, "`ROLE=NEED:NAME,NAME`: who it takes (repeatable); roles are source, builder, rebuilder, reviewer, release-manager, owner, withdrawer")
	f.StringArrayVar(&o.Recipes, "recipe", nil, "recipe `FILE` by which releases may be built (repeatable)")
	return cmd
}

const repoHelp = commandline.RepoHelp

func newPolicyShowCommand(s streams) *cobra.Command {
	var repo string
	cmd := &cobra.Command{
		Use:   "show [FILE]",
		Short: "Show a policy in words, with its digest",
		Long:  "Shows a policy in words: that of a file, or the newest of the repository's ledger.\n\n" + exitHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := oneFile(cmd, args, true)
			if err != nil {
				return err
			}
			d, err := governing.Choose(cmd.Context(), file, repo)
			if err != nil {
				return err
			}
			return say(s, d.Text())
		},
	}
	cmd.Flags().StringVar(&repo, "repo", "", repoHelp)
	return cmd
}

func newPolicyCheckCommand(s streams) *cobra.Command {
	var repo string
	cmd := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Say what a policy is worth",
		Long: `Reads a policy strictly, and then asks the judge itself, for every set of people,
machines, hosting domains and origins of toolchains, for the git host and for a
mirror: could these ship a bad release, if they were bad? Could nothing be released
without them? The smallest sets are named. A policy that one party alone can defeat
is said to be so. The exit status is 1 if one alone can release something else than
the source makes, or replace the policy.

` + exitHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := oneFile(cmd, args, true)
			if err != nil {
				return err
			}
			d, err := governing.Choose(cmd.Context(), file, repo)
			if err != nil {
				return err
			}
			worth := d.Worth()
			if err := say(s, worth.Text()); err != nil {
				return err
			}
			return verdictReached(worth.Exit())
		},
	}
	cmd.Flags().StringVar(&repo, "repo", "", repoHelp)
	return cmd
}

func newPolicyChangeCommand(s streams) *cobra.Command {
	var repo string
	cmd := &cobra.Command{
		Use:   "change FILE",
		Short: "Write the next version of a policy",
		Long: `Writes the next version of the policy into a new file: what the newest one in the
ledger says, with the next number. Edit it, look at it with policy check, and have
enough owners of both versions sign it.

` + exitHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := oneFile(cmd, args, false)
			if err != nil {
				return err
			}
			d, err := governing.Change(cmd.Context(), file, repo)
			if err != nil {
				return err
			}
			return say(s, d.Text())
		},
	}
	cmd.Flags().StringVar(&repo, "repo", "", repoHelp)
	return cmd
}

func newPolicySignCommand(s streams) *cobra.Command {
	o := governing.SignOptions{}
	cmd := &cobra.Command{
		Use:   "sign FILE",
		Short: "Sign a policy, as one of its owners",
		Long: `Signs a policy as one of its owners. The signatures lie beside it, FILE with .dsse.json
in place of .toml; hand both files to the next owner. As soon as enough owners of the
version before and of this one have signed, it is added to the ledger of the
repository. Without --key, the signatures that are there are counted. The exit status
is 3 while some are missing.

` + exitHelp,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if o.File, err = oneFile(cmd, args, false); err != nil {
				return err
			}
			o.User = keys.User{Talk: s.err, Terminal: s.in}
			signed, err := governing.Sign(cmd.Context(), o)
			if err != nil {
				return err
			}
			if err := say(s, signed.Text()); err != nil {
				return err
			}
			if len(signed.Missing) > 0 {
				return verdictReached(report.NotComplete.Exit())
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Key, "key", "", keyHelp)
	f.StringVar(&o.Repository, "repo", "", repoHelp)
	return cmd
}

func newPolicyHistoryCommand(s streams) *cobra.Command {
	var repo, root string
	cmd := &cobra.Command{
		Use:   "history",
		Short: "List the versions of a policy",
		Long:  "Lists every version of the policy in the repository's ledger, with its digest and\nwho signed it, and checks that each follows from the root.\n\n" + exitHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return report.UsageFailure("countermark policy history", "history takes no argument")
			}
			h, err := governing.ReadHistory(cmd.Context(), repo, root)
			if err != nil {
				return err
			}
			return say(s, h.Text())
		},
	}
	cmd.Flags().StringVar(&repo, "repo", "", repoHelp)
	cmd.Flags().StringVar(&root, "root", "", "the chain begins with this `ROOT` (default: the first version there is)")
	return cmd
}
