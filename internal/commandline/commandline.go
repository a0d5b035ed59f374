// Package commandline holds commands: their flags, help and printing, one file a
// noun. What they do is elsewhere. It is beside cmd/countermark, which has the
// other commands and the program.
package commandline

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/countermark/countermark/internal/report"
)

// Streams are the standard streams of one run.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// Verdict is the error that ends a command whose report is already written: the
// exit status.
type Verdict int

// Error names the exit status.
func (v Verdict) Error() string { return fmt.Sprintf("exit status %d", int(v)) }

// What several commands say of themselves.
const (
	ExitHelp = `Exit status:
  0  verified, or done
  1  looked, and it does not hold
  2  no verdict: wrong usage, a refused input, a defect
  3  incomplete: something is missing or unreachable; trying again may help`

	KeyHelp  = "`KEY` to sign with: a file of ssh's, SHA256:… of a key in the agent, gpg:FINGERPRINT or minisign:FILE"
	RepoHelp = "`PATH` of a local repository (default: the one we stand in)"
)

// Say writes a result.
func (s Streams) Say(text string) error {
	if _, err := fmt.Fprint(s.Out, text); err != nil {
		return &report.Failure{Code: report.Internal, Detail: fmt.Sprintf("writing the result: %v", err)}
	}
	return nil
}

// outcome is what became of a command.
type outcome interface {
	Text() string
	Exit() int
}

// finish prints an outcome and returns the verdict.
func (s Streams) finish(o outcome) error {
	if err := s.Say(o.Text()); err != nil {
		return err
	}
	return Verdict(o.Exit())
}

// KnownCommand refuses what is no command, and proposes one.
func KnownCommand(parent *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := "countermark verify ARCHIVE checks an archive; countermark --help lists the commands"
	if parent.HasParent() {
		hint = parent.CommandPath() + " --help lists what there is"
	}
	if near := parent.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "did you mean " + parent.CommandPath() + " " + near[0] + "?"
	}
	return report.UsageFailure(hint, "unknown command %q", args[0])
}

// arguments accepts as many arguments as a command takes, at most most; most < 0
// is any number.
func arguments(least, most int, usage string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < least || most >= 0 && len(args) > most {
			return report.UsageFailure(usage, "%s takes other arguments than these %d", cmd.Name(), len(args))
		}
		return nil
	}
}

// Commands returns the commands of this package.
func Commands(s Streams) []*cobra.Command {
	return []*cobra.Command{newFetchCommand(s), newPushCommand(s), newAddCommand(s), newStatusCommand(s), newBundleCommand(s), newWithdrawCommand(s)}
}
