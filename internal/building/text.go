package building

import (
	"fmt"
	"strings"

	"github.com/countermark/countermark/internal/building/finding"
	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/statement"
)

// Text returns the result for people.
func (r *Result) Text() string {
	var t strings.Builder
	if r.Found.Failed() {
		r.failed(&t)
	} else {
		r.built(&t)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&t, "  note: %s\n", escape.Sentence(n))
	}
	return t.String()
}

func (r *Result) failed(t *strings.Builder) {
	fmt.Fprintf(t, "NOT BUILT\n")
	const most = 100
	for _, f := range r.Found.Findings[:min(len(r.Found.Findings), most)] {
		t.WriteString("  " + string(f.Rule))
		if f.Step != "" {
			t.WriteString("  step " + escape.Text(f.Step))
		}
		if f.Path != "" {
			t.WriteString("  " + escape.Text(string(f.Path)))
		}
		fmt.Fprintf(t, "\n      %s\n", escape.Sentence(f.Detail))
		if f.Hint != "" {
			fmt.Fprintf(t, "      %s\n", escape.Sentence(f.Hint))
		}
	}
	if more := len(r.Found.Findings) - most; more > 0 {
		fmt.Fprintf(t, "  … and %d more\n", more)
	}
	for line := range strings.Lines(r.Found.Said) {
		fmt.Fprintf(t, "    | %s\n", escape.Sentence(strings.TrimRight(line, "\r\n")))
	}
	if r.Found.Logs != "" {
		fmt.Fprintf(t, "all that was printed is in %s\n", escape.Text(r.Found.Logs))
	}
	if r.Folder == "" {
		t.WriteString("nothing was changed: no ref, no folder\n")
		return
	}
	fmt.Fprintf(t, "the release is in %s, and %s is written here\n", escape.Text(r.Folder), escape.Text(r.Branch))
}

func (r *Result) built(t *strings.Builder) {
	b := r.Record
	fmt.Fprintf(t, "BUILT  %s of commit %s\n", escape.Text(b.Source.Ref), b.Source.Commit.Short())
	outputs, changes := 0, 0
	for _, s := range b.Steps {
		outputs, changes = outputs+len(s.Outputs), changes+len(s.Changes)
		fmt.Fprintf(t, "  step %s: %s made, %d changed, in %.1f s\n", escape.Text(s.Name), files(len(s.Outputs)), len(s.Changes), float64(s.Milliseconds)/1000)
	}
	e := b.Environment
	system := e.System
	if system != "" {
		system = " (" + system + ")"
	}
	fmt.Fprintf(t, "  in    %s%s, sandbox: %s\n", escape.Text(e.Kind), system, sandboxText(e.Sandbox))
	fmt.Fprintf(t, "  commit %s  on %s\n", b.Built.Commit, escape.Text(r.Branch))
	if r.Candidate != b.Built.Commit {
		fmt.Fprintf(t, "  signed %s\n", r.Candidate)
	}
	fmt.Fprintf(t, "  tree   %s\n", b.Built.Tree)
	fmt.Fprintf(t, "  tree   sha256:%s\n", b.Built.TreeSHA256)
	if !b.Tar.SHA256.IsZero() {
		fmt.Fprintf(t, "  tar    sha256:%s\n", b.Tar.SHA256)
	}
	for _, a := range b.Archives {
		fmt.Fprintf(t, "  file   sha256:%s  %s\n", a.SHA256, escape.Text(a.Name))
	}
	fmt.Fprintf(t, "  all of it is in %s\n", escape.Text(r.Folder))
	if r.Envelope != "" {
		fmt.Fprintf(t, "  statement signed by the process that built: %s\n", escape.Text(r.Envelope))
	}
	if r.Pushed != "" {
		fmt.Fprintf(t, "  pushed to %s\n", escape.Text(r.Pushed))
	}
}

// files says how many files there are.
func files(n int) string {
	if n == 1 {
		return "1 file"
	}
	return fmt.Sprintf("%d files", n)
}

func sandboxText(s buildrecord.Sandbox) string {
	if s.Name == "none" {
		return "NONE: the steps could do whatever you can"
	}
	return strings.TrimSpace(s.Name+" "+s.Version) + ", network: " + s.Network
}

// document is the JSON document of a build (docs/spec/build-record.md, section 3).
type document struct {
	Format    int                 `json:"format"`
	Verdict   string              `json:"verdict"` // "built" or "not built"
	Exit      int                 `json:"exit"`
	Findings  []findingJSON       `json:"findings"`
	Logs      string              `json:"logs,omitempty"`
	Folder    string              `json:"folder,omitempty"`
	Branch    string              `json:"branch,omitempty"`
	Candidate string              `json:"candidate,omitempty"`
	Envelope  string              `json:"envelope,omitempty"`
	Pushed    string              `json:"pushed,omitempty"`
	Notes     []string            `json:"notes,omitempty"`
	Statement string              `json:"statement,omitempty"`
	Record    *buildrecord.Record `json:"record,omitempty"`
}

type findingJSON struct {
	Rule   string `json:"rule"`
	Step   string `json:"step,omitempty"`
	Path   string `json:"path,omitempty"`
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitempty"`
}

// JSON returns the result as one JSON document.
func (r *Result) JSON() []byte {
	d := document{Format: report.FormatVersion, Verdict: "built", Exit: r.Exit(), Logs: escape.Text(r.Found.Logs), Folder: escape.Text(r.Folder), Branch: escape.Text(r.Branch),
		Pushed: escape.Text(r.Pushed), Findings: findingsJSON(r.Found), Record: r.Record}
	if d.Exit != 0 {
		d.Verdict, d.Record = "not built", nil
	} else {
		d.Statement, d.Candidate, d.Envelope = statement.Digest(r.Statement).String(), r.Candidate.String(), escape.Text(r.Envelope)
	}
	for _, n := range r.Notes {
		d.Notes = append(d.Notes, escape.Sentence(n))
	}
	return indented(d)
}

func findingsJSON(l *finding.List) []findingJSON {
	list := []findingJSON{}
	for _, f := range l.Findings {
		list = append(list, findingJSON{string(f.Rule), escape.Text(f.Step), escape.Text(string(f.Path)), escape.Sentence(f.Detail), escape.Sentence(f.Hint)})
	}
	return list
}
