package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/countermark/countermark/internal/commandline"
	"github.com/countermark/countermark/internal/keys"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/signing"
)

const signLong = `Signs one statement: what build, rebuild or bless say that this machine, or whoever
sits at it, found. The statement is shown in words, and signed in its envelope,
which is written beside it. Nothing else is read, so this may be the only program
that gets near the key: in a job of its own, on another machine.

The key is an ssh key (its file, or the fingerprint of one in the agent), one of
gpg's, or one of minisign's. The programs that hold it ask for passphrase or touch.
Signing the same statement again with the same key writes nothing.

` + exitHelp

const signExample = `  countermark sign hello-1.0.release/hello-1.0.statement.json --key ~/.ssh/id_ed25519.pub
  countermark sign hello-1.0.statement.json --key gpg:0123456789ABCDEF0123456789ABCDEF01234567
  countermark sign hello-1.0.statement.json --key minisign:release.key --output signed.intoto.jsonl`

const keyHelp = commandline.KeyHelp

func newSignCommand(s streams) *cobra.Command {
	o := signing.Options{}
	cmd := &cobra.Command{
		Use:     "sign STATEMENT",
		Short:   "Sign one statement, in a process that sees nothing else",
		Long:    signLong,
		Example: signExample,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return report.UsageFailure("countermark sign NAME.statement.json --key KEY", "sign takes one statement, and here are %d arguments", len(args))
			}
			o.File, o.User = args[0], keys.User{Talk: s.err, Terminal: s.in}
			result, err := signing.Run(cmd.Context(), o)
			if err != nil {
				return err
			}
			if _, err := fmt.Fprint(s.out, result.Text()); err != nil {
				return &report.Failure{Code: report.Internal, Detail: fmt.Sprintf("writing the result: %v", err)}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Key, "key", "", keyHelp)
	f.StringVar(&o.Output, "output", "", "`FILE` of the envelope (default: KIND-DIGEST.intoto.jsonl beside the statement)")
	return cmd
}
