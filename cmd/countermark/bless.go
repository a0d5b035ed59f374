package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/countermark/countermark/internal/blessing"
	"github.com/countermark/countermark/internal/keys"
	"github.com/countermark/countermark/internal/progress"
	"github.com/countermark/countermark/internal/report"
)

const blessLong = `Blesses a release: builds the candidate's tag again on this machine, compares, and
asks the project's policy. Only if the source tag's signature, the builder's
statement and this machine's own build satisfy it, and nobody dissents without a
reason, is anything written:

  - what this machine built and "this is the release" as signed statements, into the
    ledger of this repository (docs/spec/ledger.md);
  - the blessing, a commit with the same tree upon the built commit, signed off and
    signed, to which the built branch is forwarded (--style tag: a signed tag);
  - a folder to publish: the archives with one signature each, SHA256SUMS, the
    statements, and the bundle by which anybody verifies them offline.

Rebuilders may still be missing: what they say later is merged into the bundle.
The same command, run again after an interruption, does what is left to be done.

` + exitHelp

const blessExample = `  countermark bless 8.4.2 --key gpg:0123456789ABCDEF0123456789ABCDEF01234567
  countermark bless 1.0 --key ~/.ssh/id_ed25519.pub --file-key minisign:release.key
  countermark push origin`

// blessOptions are the flags of bless.
type blessOptions struct {
	buildOptions
	blessing.Options
	style string
}

func newBlessCommand(s streams) *cobra.Command {
	o := blessOptions{}
	cmd := &cobra.Command{
		Use:     "bless VERSION",
		Short:   "Release a candidate that this machine built again",
		Long:    blessLong,
		Example: blessExample,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return report.UsageFailure("countermark bless VERSION --key KEY", "bless takes one version, and here are %d arguments", len(args))
			}
			if err := o.prepare("", progress.New(s.err)); err != nil {
				return err
			}
			o.Version, o.User = args[0], keys.User{Talk: s.err, Terminal: s.in}
			o.Building, o.Options.Output = o.buildOptions.Options, o.buildOptions.Output
			if err := o.chooseStyle(); err != nil {
				return err
			}
			result, err := blessing.Run(cmd.Context(), o.Options)
			if err != nil {
				return err
			}
			return o.print(s, result)
		},
	}
	o.addFlags(cmd)
	f := cmd.Flags()
	f.StringVar(&o.Key, "key", "", keyHelp)
	f.StringVar(&o.FileKey, "file-key", "", "`KEY` to sign the archives with (default: --key's)")
	f.StringVar(&o.Root, "root", "", "trust the policies that follow from this `ROOT` (default: the one remembered)")
	f.StringVar(&o.style, "style", string(blessing.Child), "`STYLE` of the blessing: child or tag")
	f.StringVar(&o.Signoff, "signoff", "", "`\"NAME <EMAIL>\"` of whoever blesses (default: GIT_COMMITTER_NAME and GIT_COMMITTER_EMAIL)")
	f.StringArrayVar(&o.Passing, "pass-over", nil, "pass over a dissent: `DIGEST=CAUSE:WHY` (repeatable)")
	f.StringVar(&o.buildOptions.Output, "output", "", "new `FOLDER` of what is to be published (default: NAME-VERSION.blessed here)")
	return cmd
}

// chooseStyle reads --style and --signoff.
func (o *blessOptions) chooseStyle() error {
	o.Style = blessing.Style(o.style)
	if o.Style != blessing.Child && o.Style != blessing.Tag {
		return report.UsageFailure("child or tag", "--style %q is no style", o.style)
	}
	name, email := os.Getenv("GIT_COMMITTER_NAME"), os.Getenv("GIT_COMMITTER_EMAIL")
	if o.Signoff == "" && name != "" && email != "" {
		o.Signoff = name + " <" + email + ">"
	}
	return nil
}
