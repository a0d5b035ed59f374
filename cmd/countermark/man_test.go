package main

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/countermark/countermark/internal/testkit"
)

// manDir holds the manual pages, generated from the commands by
//
//	go test ./cmd/countermark -run TestManPages -update
var manDir = filepath.Join("..", "..", "docs", "man")

var updateFiles = flag.Bool("update", false, "write docs/man and the output shown in README.md anew")

// manDate stands in the pages: the day on which what they say changed last.
const manDate = "2026-11-25"

// manual is what the pages say beside the commands' own help: section, text.
var manual = map[string][][2]string{
	"countermark verify": {
		{"FILES", "\tcountermark.lock\n" +
			"What a person has settled about the releases of one project: its repository, how its tags are named, the release verified last, " +
			"the keys that signed it, and the differences that were looked at and accepted. docs/spec/lock.md has the grammar.\n" +
			"\t$XDG_CACHE_HOME/countermark (~/.cache/countermark)\n" +
			"What was fetched from repositories that are named by a URL. It may be deleted at any time."},
		{"ENVIRONMENT", "\tNO_COLOR\n" +
			"If it is set and not empty, no colours are used. A pipe or a file never gets any.\n" +
			"\tTMPDIR\n" +
			"Where temporary folders are made; nothing is left there.\n" +
			"\tPATH\n" +
			"Where git (2.39 or newer) and xz are found.\n" +
			"\tHOME, SSH_AUTH_SOCK, https_proxy and others for the transport\n" +
			"Given to git when it fetches from a URL, and to nothing else."},
	},
}

func TestManPages(t *testing.T) {
	want := make(map[string][]byte)
	for _, cmd := range documented() {
		want[manName(cmd)+".1"] = manPage(cmd)
	}
	for name, page := range want {
		path := filepath.Join(manDir, name)
		if *updateFiles {
			if err := os.WriteFile(path, page, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if have, err := os.ReadFile(path); err != nil || !bytes.Equal(have, page) {
			t.Errorf("%s is not what the commands say (%v); run this test with -update", path, err)
		}
	}
	entries, err := os.ReadDir(manDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if want[e.Name()] == nil {
			t.Errorf("%s belongs to no command", filepath.Join(manDir, e.Name()))
		}
	}
}

// Each page shows every flag of its command, and the root's every command.
func TestManPagesAreComplete(t *testing.T) {
	for _, cmd := range documented() {
		shown := rendered(t, manName(cmd)+".1")
		var expected []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { expected = append(expected, "--"+f.Name) })
		for _, sub := range cmd.Commands() {
			if !sub.Hidden && sub.Name() != "help" {
				expected = append(expected, sub.Short)
			}
		}
		expected = append(expected, "Exit status", "verified, or done", "looked, and it does not hold")
		for _, s := range expected {
			if !strings.Contains(strings.ToLower(shown), strings.ToLower(s)) {
				t.Errorf("the page of %q, as a terminal shows it, does not hold %q", cmd.CommandPath(), s)
			}
		}
	}
}

func TestManPagesAreWellFormed(t *testing.T) {
	for _, cmd := range documented() {
		path := filepath.Join(manDir, manName(cmd)+".1")
		testkit.Program(t, "mandoc")
		if out, err := exec.Command("mandoc", "-T", "lint", "-W", "style,stop", path).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("mandoc: %v\n%s", err, out)
		}
	}
}

// rendered returns the page as plain text on one line.
func rendered(t *testing.T, name string) string {
	t.Helper()
	testkit.Program(t, "mandoc")
	out, err := exec.Command("mandoc", "-T", "ascii", "-O", "width=200", filepath.Join(manDir, name)).Output()
	if err != nil {
		t.Fatalf("mandoc %s: %v", name, err)
	}
	var plain []byte
	for _, b := range out {
		if b == '\b' && len(plain) > 0 { // bold and underlined letters are struck twice
			plain = plain[:len(plain)-1]
			continue
		}
		plain = append(plain, b)
	}
	return strings.Join(strings.Fields(string(plain)), " ")
}

// documented returns the commands that have a page.
func documented() []*cobra.Command {
	root := newRootCommand(streams{in: strings.NewReader(""), out: &bytes.Buffer{}, err: &bytes.Buffer{}})
	root.InitDefaultHelpFlag()
	root.InitDefaultVersionFlag()
	return withSubcommands(nil, root)
}

func withSubcommands(all []*cobra.Command, cmd *cobra.Command) []*cobra.Command {
	cmd.InitDefaultHelpFlag()
	all = append(all, cmd)
	for _, sub := range cmd.Commands() {
		all = withSubcommands(all, sub)
	}
	return all
}

func manName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

// manPage writes a page in the man macros (man(7), groff_man(7)).
func manPage(cmd *cobra.Command) []byte {
	var b bytes.Buffer
	name := manName(cmd)
	fmt.Fprintf(&b, ".\\\" Generated from the command's own help; see cmd/countermark/man_test.go.\n")
	fmt.Fprintf(&b, ".TH %s 1 %s countermark \"User Commands\"\n", strings.ToUpper(roff(name)), manDate)
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(name), roff(strings.ToLower(cmd.Short[:1])+cmd.Short[1:]))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n", roff(cmd.CommandPath()))
	switch _, operands, _ := strings.Cut(cmd.Use, " "); {
	case cmd.HasSubCommands():
		fmt.Fprintf(&b, "\\fICOMMAND\\fR [\\fIARGUMENT\\fR...]\n")
	case operands != "":
		fmt.Fprintf(&b, "[\\fIOPTION\\fR...] \\fI%s\\fR\n", roff(operands))
	default:
		fmt.Fprintf(&b, "[\\fIOPTION\\fR...]\n")
	}
	long, _, _ := strings.Cut(cmd.Long, "Exit status:")
	fmt.Fprintf(&b, ".SH DESCRIPTION\n%s", paragraphs(long))
	if cmd.HasSubCommands() {
		fmt.Fprintf(&b, ".SH COMMANDS\n")
		for _, sub := range cmd.Commands() {
			fmt.Fprintf(&b, ".TP\n.B %s\n%s", roff(sub.Name()), fill(sentence(sub.Short)))
		}
		if !cmd.HasParent() {
			fmt.Fprintf(&b, ".TP\n.B completion\nGenerate the autocompletion script for the specified shell.\n")
		}
	}
	fmt.Fprintf(&b, ".SH OPTIONS\n")
	cmd.Flags().VisitAll(func(f *pflag.Flag) { b.WriteString(option(f)) })
	b.WriteString(exitStatus())
	for _, section := range manual[cmd.CommandPath()] {
		fmt.Fprintf(&b, ".SH %s\n%s", section[0], paragraphs(section[1]))
	}
	if cmd.HasExample() {
		fmt.Fprintf(&b, ".SH EXAMPLES\n.nf\n%s\n.fi\n", roff(cmd.Example))
	}
	b.WriteString(seeAlso(cmd))
	return b.Bytes()
}

func option(f *pflag.Flag) string {
	value, text := pflag.UnquoteUsage(f)
	head := `\fB\-\-` + roff(f.Name) + `\fR`
	if f.Shorthand != "" {
		head = `\fB\-` + f.Shorthand + `\fR, ` + head
	}
	if value != "" {
		head += ` \fI` + roff(value) + `\fR`
	}
	if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" {
		text += fmt.Sprintf(" (default %s)", f.DefValue)
	}
	return fmt.Sprintf(".TP\n%s\n%s", head, fill(sentence(text)))
}

func exitStatus() string {
	var b strings.Builder
	b.WriteString(".SH EXIT STATUS\n")
	for line := range strings.Lines(exitHelp) {
		if status, meaning, found := strings.Cut(strings.TrimSpace(line), "  "); found {
			fmt.Fprintf(&b, ".TP\n.B %s\n%s", status, fill(sentence(meaning)))
		}
	}
	return b.String()
}

func seeAlso(cmd *cobra.Command) string {
	pages := []string{"git(1)", "git-archive(1)", "tar(1)"}
	for _, other := range documented() {
		if other.CommandPath() != cmd.CommandPath() {
			pages = append(pages, manName(other)+"(1)")
		}
	}
	slices.SortFunc(pages, cmp.Compare)
	for i, page := range pages {
		name, section, _ := strings.Cut(page, "(")
		end := " ,"
		if i == len(pages)-1 {
			end = ""
		}
		pages[i] = fmt.Sprintf(".BR %s (%s%s\n", roff(name), section, strings.TrimSpace(end))
	}
	return ".SH SEE ALSO\n" + strings.Join(pages, "")
}

// paragraphs writes text; a line that begins with a tab is the head of what follows.
func paragraphs(text string) string {
	var b strings.Builder
	for i, paragraph := range strings.Split(strings.Trim(text, "\n"), "\n\n") {
		if i > 0 {
			b.WriteString(".PP\n")
		}
		for line := range strings.Lines(paragraph) {
			if head, isHead := strings.CutPrefix(line, "\t"); isHead {
				b.WriteString(".TP\n.B " + roff(head))
				continue
			}
			b.WriteString(fill(line))
		}
	}
	return b.String()
}

func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] + "." }

// fill writes text in lines of at most 80 bytes, as man(7) asks for.
func fill(text string) string {
	var b strings.Builder
	column := 0
	for word := range strings.FieldsSeq(text) {
		word = roff(word)
		switch {
		case column > 0 && column+1+len(word) > 80:
			b.WriteByte('\n')
			column = 0
		case column > 0:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String() + "\n"
}

// roff escapes text: a backslash and a hyphen mean something anywhere, a period
// and an apostrophe at the beginning of a line.
func roff(text string) string {
	lines := strings.Split(strings.NewReplacer(`\`, `\e`, `-`, `\-`).Replace(text), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
