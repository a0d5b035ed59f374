package building

import (
	"bytes"
	"encoding/json"

	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/cause"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/reproduction"
	"github.com/countermark/countermark/internal/tree"
)

// rebuildDocument is the JSON document of a rebuild (docs/spec/build-record.md,
// section 4).
type rebuildDocument struct {
	Format     int                   `json:"format"`
	Verdict    string                `json:"verdict"` // "reproduced", "not reproduced" or "not built"
	Exit       int                   `json:"exit"`
	Findings   []findingJSON         `json:"findings"`
	Against    string                `json:"against,omitempty"`
	SameCommit *bool                 `json:"same_commit,omitempty"`
	SameTar    *bool                 `json:"same_tar,omitempty"`
	SameFile   *bool                 `json:"same_file,omitempty"`
	Counts     map[string]countsJSON `json:"counts,omitempty"`
	Paths      []pathJSON            `json:"paths,omitempty"`
	Notes      []string              `json:"notes,omitempty"`
	Record     *buildrecord.Record   `json:"record,omitempty"`
}

type countsJSON struct {
	Paths     int `json:"paths"`
	Generated int `json:"generated"`
}

// pathJSON is one path that is not reproduced.
type pathJSON struct {
	Path      string      `json:"path"`
	Class     string      `json:"class"`
	Generated bool        `json:"generated"`
	Ours      *sideJSON   `json:"ours,omitempty"`
	Theirs    *sideJSON   `json:"theirs,omitempty"`
	Added     int         `json:"added,omitempty"`
	Removed   int         `json:"removed,omitempty"`
	FirstLine int         `json:"first_line,omitempty"`
	Left      int         `json:"left,omitempty"`
	Opaque    string      `json:"opaque,omitempty"`
	Causes    []causeJSON `json:"causes,omitempty"`
}

type sideJSON struct {
	Kind string `json:"kind"`
	SHA1 string `json:"sha1,omitempty"`
	SHA2 string `json:"sha256,omitempty"`
}

type causeJSON struct {
	Kind      string         `json:"kind"`
	Sentence  string         `json:"sentence"`
	Remaining int            `json:"remaining"`
	Evidence  []evidenceJSON `json:"evidence,omitempty"`
}

type evidenceJSON struct {
	File   string    `json:"file,omitempty"`
	Ours   *lineJSON `json:"ours,omitempty"`
	Theirs *lineJSON `json:"theirs,omitempty"`
}

type lineJSON struct {
	Line int    `json:"line"`
	Text string `json:"text"`
}

// JSON returns the rebuild as one JSON document.
func (r *Rebuilt) JSON() []byte {
	d := rebuildDocument{Format: report.FormatVersion, Verdict: "not built", Exit: r.Exit(), Findings: findingsJSON(r.Found)}
	for _, n := range r.Notes {
		d.Notes = append(d.Notes, escape.Sentence(n))
	}
	if !r.Found.Failed() {
		d.Verdict, d.Record, d.Against = "reproduced", r.Record, escape.Text(r.Candidate.Name)
		if d.Exit != 0 {
			d.Verdict = "not reproduced"
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
				d.Paths = append(d.Paths, pathOf(result))
			}
		}
	}
	return indented(d)
}

func pathOf(r *reproduction.Result) pathJSON {
	p := pathJSON{Path: escape.Text(string(r.Path)), Class: r.Class.String(), Generated: r.Generated, Ours: sideOf(r.Ours), Theirs: sideOf(r.Theirs)}
	if d := r.Difference; d != nil {
		p.Added, p.Removed, p.FirstLine, p.Left, p.Opaque = d.Added, d.Removed, d.FirstLine, d.Left, escape.Sentence(d.Opaque)
		for _, c := range d.Causes {
			p.Causes = append(p.Causes, causeOf(&c))
		}
	}
	return p
}

func sideOf(e *tree.Entry) *sideJSON {
	if e == nil {
		return nil
	}
	return &sideJSON{Kind: e.Kind.String(), SHA1: e.IDs.In(digest.SHA1Format).String(), SHA2: e.IDs.In(digest.SHA256Format).String()}
}

func causeOf(c *cause.Cause) causeJSON {
	j := causeJSON{Kind: c.Kind.String(), Sentence: escape.Sentence(c.Sentence), Remaining: c.Remaining}
	for _, e := range c.Evidence {
		j.Evidence = append(j.Evidence, evidenceJSON{File: escape.Text(string(e.File)), Ours: lineOf(e.Ours), Theirs: lineOf(e.Theirs)})
	}
	return j
}

func lineOf(l cause.Line) *lineJSON {
	if l.Number == 0 {
		return nil
	}
	return &lineJSON{l.Number, escape.Text(l.Text)}
}

// indented writes a document as JSON. Nothing in one can fail to be written.
func indented(d any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	_ = e.Encode(d) // see above
	return b.Bytes()
}
