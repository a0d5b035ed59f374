package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/countermark/countermark/internal/doctor"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/report"
)

const doctorLong = `Tries what builds need of this machine, and says in one line what to do about
each thing that is missing. It runs a program under bubblewrap, and one that
tries to use the network there, to see that this is noticed. Nothing is changed.

Exit status:
  0  a build in a sandbox works here
  1  it does not
  2  no verdict: wrong usage, a defect`

func newDoctorCommand(s streams) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "doctor",
		Short:   "Say what works on this machine",
		Long:    doctorLong,
		Example: "  countermark doctor\n  countermark doctor --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return report.UsageFailure("countermark doctor, or --help", "%q is given, and nothing is needed", args[0])
			}
			r, err := doctor.Examine(cmd.Context())
			if err != nil {
				return report.FailureOf(err, report.Internal)
			}
			if err := writeExamination(s.out, r, asJSON); err != nil {
				return err
			}
			if !r.Ready {
				return verdictReached(exitDoesNot)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	return cmd
}

func writeExamination(w io.Writer, r doctor.Report, asJSON bool) error {
	var b bytes.Buffer
	if asJSON {
		e := json.NewEncoder(&b)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		if err := e.Encode(r); err != nil {
			return err
		}
		_, err := w.Write(escape.JSON(b.Bytes()))
		return err
	}
	verdict := "A build in a sandbox works here."
	if !r.Ready {
		verdict = "A build in a sandbox does not work here."
	}
	fmt.Fprintf(&b, "%s\n\n", verdict)
	for _, item := range r.Items {
		fmt.Fprintf(&b, "%-14s %-8s %s\n", item.Name, item.State, item.Detail)
		if item.State != doctor.Works {
			fmt.Fprintf(&b, "%-14s for %s: %s\n", "", item.For, item.Advice)
		}
	}
	for _, note := range r.Notes {
		fmt.Fprintf(&b, "\nNote: %s.\n", note)
	}
	_, err := w.Write(b.Bytes())
	return err
}
