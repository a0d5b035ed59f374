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

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/report"
)

// version is set by the linker for releases.
var version = "" //nolint:gochecknoglobals // -ldflags -X needs a variable

// The exit statuses, as cmp(1) has them.
const (
	exitHolds      = 0
	exitDoesNot    = 1
	exitNoVerdict  = 2
	exitIncomplete = 3
)

const exitHelp = `Exit status:
  0  verified, or done
  1  looked, and it does not hold
  2  no verdict: wrong usage, a refused input, a defect
  3  incomplete: something is missing or unreachable; trying again may help`

// streams are the standard streams of one run.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// failure is an error that knows its exit status.
type failure struct {
	code   report.Code
	detail string
	hint   string
}

func (f *failure) Error() string { return f.detail }

func (f *failure) exit() int {
	switch f.code {
	case report.Verified:
		return exitHolds
	case report.Failed:
		return exitDoesNot
	case report.NotComplete:
		return exitIncomplete
	}
	return exitNoVerdict
}

// usage returns the failure of a call that cannot be carried out as given.
func usage(hint, format string, args ...any) *failure {
	return &failure{code: report.Usage, detail: fmt.Sprintf(format, args...), hint: hint}
}

// verdictReached ends a command whose report is already written.
type verdictReached int

func (v verdictReached) Error() string { return fmt.Sprintf("exit status %d", int(v)) }

// gcPercent makes the collector run before the heap is a quarter larger than
// what is in use: almost all of it is one xz dictionary of up to 128 MiB, which
// the default of 100 would double.
const gcPercent = 25

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
	f := failureOf(ctx, err, report.Usage) // commands return failures; all else is cobra's
	complain(s.err, f)
	return f.exit()
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
		Args:          knownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },

		SuggestionsMinimumDistance: 2,
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage(cmd.CommandPath()+" --help lists the flags", "%v", err)
	})
	wrapFlags(root)
	root.AddCommand(newVerifyCommand(s), newDemoCommand(s))
	return root
}

// wrapFlags makes the help list flags within 80 columns.
func wrapFlags(root *cobra.Command) {
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), "Flags.FlagUsages ", "Flags.FlagUsagesWrapped 80 "))
}

// knownCommand refuses what is no command, and proposes one.
func knownCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := "countermark verify ARCHIVE checks an archive; countermark --help lists the commands"
	if near := root.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "did you mean countermark " + near[0] + "?"
	}
	return usage(hint, "unknown command %q", args[0])
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

// failureOf gives every error its exit status; code is that of errors which do
// not know their own.
func failureOf(ctx context.Context, err error, code report.Code) *failure {
	if ctx.Err() != nil {
		return &failure{code: report.Internal, detail: "interrupted; nothing was changed"}
	}
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	if r := report.AsRefusal(err); r != nil {
		return &failure{code: report.RefusalDocument("", r).Code, detail: err.Error()}
	}
	if errors.Is(err, syscall.ENOSPC) {
		return &failure{code: report.NotComplete, detail: err.Error(), hint: "make room and run the same command again"}
	}
	f := &failure{code: code, detail: err.Error()}
	if code == report.Usage {
		f.hint = "countermark --help lists the commands"
	}
	return f
}

// complain writes an error and its hint for people.
func complain(w io.Writer, f *failure) {
	_, _ = fmt.Fprintf(w, "countermark: error: %s\n", escape.Text(f.detail))
	if f.hint != "" {
		_, _ = fmt.Fprintf(w, "countermark: hint: %s\n", escape.Text(f.hint))
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
