package building

import (
	"bytes"
	"encoding/json"

	"github.com/countermark/countermark/internal/building/difference"
	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/reproduction"
	"github.com/countermark/countermark/internal/statement"
)

// rebuildDocument is the JSON document of a rebuild (docs/spec/build-record.md,
// section 4).
type rebuildDocument struct {
	Format     int                   `json:"format"`
	Verdict    string                `json:"verdict"` // "reproduced", "not reproduced" or "not built"
	Exit       int                   `json:"exit"`
	Findings   []findingJSON         `json:"findings"`
	Logs       string                `json:"logs,omitempty"`
	Against    string                `json:"against,omitempty"`
	SameCommit *bool                 `json:"same_commit,omitempty"`
	SameTar    *bool                 `json:"same_tar,omitempty"`
	SameFile   *bool                 `json:"same_file,omitempty"`
	Counts     map[string]countsJSON `json:"counts,omitempty"`
	Paths      []difference.Path     `json:"paths,omitempty"`
	Notes      []string              `json:"notes,omitempty"`
	Statement  string                `json:"statement,omitempty"`
	Record     *buildrecord.Record   `json:"record,omitempty"`
}

type countsJSON struct {
	Paths     int `json:"paths"`
	Generated int `json:"generated"`
}

// JSON returns the rebuild as one JSON document.
func (r *Rebuilt) JSON() []byte {
	d := rebuildDocument{Format: report.FormatVersion, Verdict: "not built", Exit: r.Exit(), Findings: findingsJSON(r.Found), Logs: escape.Text(r.Found.Logs)}
	for _, n := range r.Notes {
		d.Notes = append(d.Notes, escape.Sentence(n))
	}
	if !r.Found.Failed() {
		d.Verdict, d.Record, d.Against = "reproduced", r.Record, escape.Text(r.Candidate.Name)
		d.Statement = statement.Digest(r.Statement).String()
		if d.Exit != 0 {
			d.Verdict = "not reproduced"
		}
		if r.isOther() {
			d.Verdict = "another commit"
		}
		if r.Candidate.IsArchive() {
			d.SameTar, d.SameFile = &r.SameTar, &r.SameFile
		} else {
			d.SameCommit = &r.SameCommit
		}
		d.Counts = make(map[string]countsJSON)
		for _, class := range reproduction.Classes() {
			all, generated := r.Comparison.Count(class)
			d.Counts[class.String()] = countsJSON{all, generated}
		}
		for result := range r.Comparison.Results() {
			if result.Class != reproduction.Reproduced {
				d.Paths = append(d.Paths, difference.Of(result))
			}
		}
	}
	return indented(d)
}

// indented writes a document as JSON. Nothing in one can fail to be written.
func indented(d any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	_ = e.Encode(d) // see above
	return escape.JSON(b.Bytes())
}
