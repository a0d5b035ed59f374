package blessing

import (
	"encoding/json"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/report"
)

// document is what bless --json prints (docs/spec/release.md, "Blessing").
type document struct {
	Format  int             `json:"format"`
	Verdict string          `json:"verdict"` // "blessed" or "not blessed"
	Exit    int             `json:"exit"`
	Reasons []reasonJSON    `json:"reasons"`
	Parties []string        `json:"parties,omitempty"`
	Waiting []string        `json:"waiting,omitempty"`
	Release string          `json:"release,omitempty"`
	Branch  string          `json:"branch,omitempty"`
	Commit  string          `json:"commit,omitempty"`
	Folder  string          `json:"folder,omitempty"`
	Notes   []string        `json:"notes,omitempty"`
	Rebuild json.RawMessage `json:"rebuild,omitempty"`
}

type reasonJSON struct {
	Rule string `json:"rule"`
	Text string `json:"text"`
}

// JSON returns what became of it as one document.
func (r *Result) JSON() []byte {
	d := document{Format: report.FormatVersion, Verdict: "not blessed", Exit: r.Exit(), Reasons: []reasonJSON{}}
	for _, f := range r.Reasons {
		d.Reasons = append(d.Reasons, reasonJSON{string(f.Rule), f.Text})
	}
	if r.Rebuilt != nil {
		d.Rebuild = r.Rebuilt.JSON()
	}
	if r.Folder != "" {
		d.Verdict, d.Waiting, d.Parties, d.Release = "blessed", r.Waiting, r.Verdict.Parties(), r.Verdict.Digest.String()
		d.Branch, d.Commit, d.Folder = escape.Text(r.Branch), r.Commit.String(), escape.Text(r.Folder)
	}
	for _, n := range r.Notes {
		d.Notes = append(d.Notes, escape.Sentence(n))
	}
	out, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		panic(err) // strings, numbers and a document of our own
	}
	return append(out, '\n')
}
