package main

import (
	"bytes"
	"context"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/countermark/countermark/internal/testkit"
)

// complete returns what the shells' scripts are told: the proposals for the
// last of the words, without their descriptions.
func complete(t *testing.T, words ...string) []string {
	t.Helper()
	var out, errs bytes.Buffer
	if exit := run(context.Background(), append([]string{"__complete"}, words...), streams{in: strings.NewReader(""), out: &out, err: &errs}); exit != exitHolds {
		t.Fatalf("completing %q: exit status %d: %s", words, exit, errs.Bytes())
	}
	var proposals []string
	for line := range strings.Lines(out.String()) {
		proposal, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		proposals = append(proposals, proposal)
	}
	return proposals
}

func TestCompletion(t *testing.T) {
	var flags []string
	newVerifyCommand(streams{}).Flags().VisitAll(func(f *pflag.Flag) { flags = append(flags, "--"+f.Name) })
	if len(flags) < 10 {
		t.Fatalf("verify has only the flags %q", flags)
	}
	for _, c := range []struct {
		words []string
		want  []string
	}{
		{[]string{""}, []string{"verify", "demo", "completion", "help"}},
		{[]string{"ver"}, []string{"verify"}},
		{[]string{"verify", "--"}, flags},
		{[]string{"verify", "x.tar", "--up"}, []string{"--update-lock"}},
		{[]string{"verify", "--decoder", ""}, []string{"auto", "system", "go"}},
		{[]string{"demo", "--k"}, []string{"--keep"}},
	} {
		got := complete(t, c.words...)
		for _, want := range c.want {
			if !slices.Contains(got, want) {
				t.Errorf("completing %q proposes %q, and not %q", c.words, got, want)
			}
		}
	}
}

// The scripts that the shells read are written by the program, and bash reads
// its one without complaint.
func TestCompletionScripts(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		var out bytes.Buffer
		if exit := run(context.Background(), []string{"completion", shell}, streams{in: strings.NewReader(""), out: &out, err: &out}); exit != exitHolds {
			t.Fatalf("completion %s: exit status %d", shell, exit)
		}
		if !strings.Contains(out.String(), "countermark") {
			t.Errorf("completion %s wrote %q", shell, out.Bytes())
		}
		if shell != "bash" {
			continue
		}
		testkit.Program(t, "bash")
		cmd := exec.Command("bash", "--norc", "--noprofile", "-n")
		cmd.Stdin = &out
		if message, err := cmd.CombinedOutput(); err != nil || len(message) > 0 {
			t.Errorf("bash: %v: %s", err, message)
		}
	}
}
