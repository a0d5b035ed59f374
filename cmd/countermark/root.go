package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/countermark/countermark/internal/commandline"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/report"
)

// version is set by the linker for releases.
var version = "" //nolint:gochecknoglobals // -ldflags -X needs a variable

// The exit statuses, as cmp(1) has them.
const (
	exitHolds     = 0
	exitDoesNot   = 1
	exitNoVerdict = 2
)

const exitHelp = commandline.ExitHelp

// streams are the standard streams of one run.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// verdictReached ends a command whose report is already written.
type verdictReached = commandline.Verdict

// gcPercent makes the collector run before the heap is a seventh larger than
// what is in use: almost all of it is one xz dictionary of up to 128 MiB, which
// the default of 100 would double.
const gcPercent = 15

// run is the program: it never exits by itself.
func run(ctx context.Context, args []string, s streams) int {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, stop := signal.NotifyContext(ctx, endings()...)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	// A reader that goes away must not kill us before we have cleaned up: asked
	// for the signal, Go lets the write fail instead (package os/signal).
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	root := newRootCommand(s)
	root.SetArgs(args)
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	err := root.ExecuteContext(ctx)
	if reached, ok := errors.AsType[verdictReached](err); ok {
		return int(reached)
	}
	if err == nil {
		return exitHolds
	}
	if ctx.Err() != nil {
		err = report.Interrupted()
	}
	f := report.FailureOf(err, report.Usage) // commands return failures; all else is cobra's
	complain(s.err, f)
	return f.Code.Exit()
}

// endings are the signals that end a run: also a closed terminal's, unless
// nohup(1) has it ignored.
func endings() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

func newRootCommand(s streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "countermark",
		Short: "Prove that a release archive is exactly a git commit",
		Long: "countermark checks that a release archive (tar in any compression, or zip) holds\n" +
			"exactly the files of a git commit: nothing changed, nothing added, nothing\n" +
			"missing. To see what that means, run: countermark demo\n\n" + exitHelp,
		Version:       programVersion(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          commandline.KnownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },

		SuggestionsMinimumDistance: 2,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return report.UsageFailure(cmd.CommandPath()+" --help lists the flags", "%v", err)
	})
	wrapFlags(root)
	root.AddCommand(
		newVerifyCommand(s),
		newBuildCommand(s),
		newRebuildCommand(s),
		newPolicyCommand(s),
		newSignCommand(s),
		newBlessCommand(s),
		newPinCommand(s),
		newIndexCommand(s),
		newDemoCommand(s),
		newEnvelopeCommand(s),
		newDoctorCommand(s),
	)
	root.AddCommand(commandline.Commands(commandline.Streams{In: s.in, Out: s.out, Err: s.err})...)
	return root
}

// wrapFlags makes the help list flags within 80 columns.
func wrapFlags(root *cobra.Command) {
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), "Flags.FlagUsages ", "Flags.FlagUsagesWrapped 80 "))
}

// programVersion returns the release's version, or what the build knows.
func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "unknown"
}

// complain writes an error and its hint for people.
func complain(w io.Writer, f *report.Failure) {
	_, _ = fmt.Fprintf(w, "countermark: error: %s\n", escape.Sentence(f.Detail))
	if f.Hint != "" {
		_, _ = fmt.Fprintf(w, "countermark: hint: %s\n", escape.Sentence(f.Hint))
	}
}

// styleFor decides on colours and width for a stream (https://no-color.org).
func styleFor(w io.Writer) report.Style {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return report.Style{}
	}
	width, _, _ := term.GetSize(int(f.Fd()))
	return report.Style{Color: os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb", Width: width}
}
