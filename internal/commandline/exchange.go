package commandline

import (
	"github.com/spf13/cobra"

	"github.com/countermark/countermark/internal/exchanging"
	"github.com/countermark/countermark/internal/progress"
)

const fetchLong = `Brings what a server has and this repository has not: signed statements and the
versions of the policy, candidates that wait to be blessed, and the source tags and
built branches of which they speak. Afterwards rebuild, bless, status and bundle make
need no other command of git's.

Nothing here is dropped, replaced or rewound, whatever the server has. If it has lost
or replaced what it had when it was asked before, that is said, and the exit status
is 1; push brings it back.

` + ExitHelp

const pushLong = `Gives a server what it lacks: signed statements and the policy first, then built
branches, the tags that bless, and candidates that wait to be blessed. All pushes are
atomic and hold the server to what it was seen to have; nothing is ever forced or
replaced. After an interruption the same command does the rest.

Files of signed statements, as countermark sign writes them, are added to the ledger
of this repository first.

` + ExitHelp

const addLong = `Adds signed statements, as countermark sign writes them, to the ledger of this
repository: those that came by mail, say, or from a folder in which a project collects
them. With --collection and --party they are put into such a folder instead
(docs/spec/ledger.md, "In a plain folder"). What is there already is not added again.

Nothing is believed of them: who signed what is found out when a release is judged.

` + ExitHelp

func newFetchCommand(s Streams) *cobra.Command {
	o := exchanging.Options{}
	cmd := &cobra.Command{
		Use:     "fetch REMOTE",
		Short:   "Get statements, policies and candidates from a server",
		Long:    fetchLong,
		Example: "  countermark fetch origin\n  countermark fetch https://git.example.org/hello.git --version 1.0",
		Args:    arguments(1, 1, "countermark fetch REMOTE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Remote = args[0]
			line := progress.New(s.Err)
			o.Progress = line.Text
			fetched, err := exchanging.Fetch(cmd.Context(), o)
			line.Clear()
			if err != nil {
				return err
			}
			return s.finish(fetched)
		},
	}
	addExchangeFlags(cmd, &o)
	return cmd
}

func newPushCommand(s Streams) *cobra.Command {
	o := exchanging.Options{}
	cmd := &cobra.Command{
		Use:     "push REMOTE [STATEMENT...]",
		Short:   "Give a server statements, policies and built branches",
		Long:    pushLong,
		Example: "  countermark push origin\n  countermark push origin hello-1.0.release/build-0123456789abcdef0123456789abcdef.intoto.jsonl",
		Args:    arguments(1, -1, "countermark push REMOTE [STATEMENT...]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Remote, o.Files = args[0], args[1:]
			line := progress.New(s.Err)
			o.Progress = line.Text
			pushed, err := exchanging.Push(cmd.Context(), o)
			line.Clear()
			if err != nil {
				return err
			}
			return s.finish(pushed)
		},
	}
	addExchangeFlags(cmd, &o)
	return cmd
}

func addExchangeFlags(cmd *cobra.Command, o *exchanging.Options) {
	f := cmd.Flags()
	f.StringVar(&o.Repository, "repo", "", RepoHelp)
	f.StringVar(&o.Version, "version", "", "only what is of this `VERSION`, and the policy")
	f.StringVar(&o.Recipe, "recipe", "", "recipe `FILE`, if the source has none: it names the built branch")
}

func newAddCommand(s Streams) *cobra.Command {
	o := exchanging.AddOptions{}
	cmd := &cobra.Command{
		Use:     "add STATEMENT...",
		Short:   "Add signed statements to the ledger, or to a folder",
		Long:    addLong,
		Example: "  countermark add statements/1.0/*/*.intoto.jsonl\n  countermark add build-0123456789abcdef0123456789abcdef.intoto.jsonl --collection statements --party ben",
		Args:    arguments(1, -1, "countermark add STATEMENT..."),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Files = args
			added, err := exchanging.Add(cmd.Context(), o)
			if err != nil {
				return err
			}
			return s.Say(added.Text())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Repository, "repo", "", RepoHelp)
	f.StringVar(&o.Collection, "collection", "", "put them into this `FOLDER` instead")
	f.StringVar(&o.Party, "party", "", "with --collection: into the folder of the party of this `NAME`")
	cmd.MarkFlagsRequiredTogether("collection", "party")
	cmd.MarkFlagsMutuallyExclusive("collection", "repo")
	return cmd
}
