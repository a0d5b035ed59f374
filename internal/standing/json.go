package standing

import (
	"encoding/json"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/release"
	"github.com/countermark/countermark/internal/report"
)

// document is the JSON document (docs/spec/release.md, "The status").
type document struct {
	Format   int           `json:"format"`
	Exit     int           `json:"exit"`
	Code     report.Code   `json:"code"`
	Version  string        `json:"version"`
	Releases []releaseJSON `json:"releases"`
	Notes    []string      `json:"notes"`
}

type releaseJSON struct {
	Project  string        `json:"project"`
	Digest   string        `json:"digest"`
	Commit   string        `json:"commit"`
	Tag      string        `json:"tag"`
	Policy   int           `json:"policy"`
	Trusted  bool          `json:"trusted"`
	Parties  []partyJSON   `json:"parties"`
	Missing  []string      `json:"missing"`
	Failures []failureJSON `json:"failures"`
	Open     []string      `json:"open"`
	Notes    []string      `json:"notes"`
}

type partyJSON struct {
	Party   string `json:"party"`
	Kind    string `json:"kind"`
	Source  string `json:"source"`
	Build   string `json:"build"`
	Review  string `json:"review"`
	Release string `json:"release"`
}

type failureJSON struct {
	Rule string `json:"rule"`
	Text string `json:"text"`
}

// JSON returns how the version stands as one document.
func (s *Status) JSON() []byte {
	d := document{Format: report.FormatVersion, Exit: s.Exit(), Code: report.CodeOf(s.Exit()), Version: s.Version, Notes: s.Notes}
	for _, v := range s.Releases {
		d.Releases = append(d.Releases, releaseOf(v))
	}
	return encode(d)
}

func encode(document any) []byte {
	data, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		panic(err) // the document holds nothing that JSON cannot
	}
	return append(escape.JSON(data), '\n')
}

func releaseOf(v *release.Verdict) releaseJSON {
	r := releaseJSON{Trusted: v.Trusted, Missing: lacks(v), Open: v.Open, Notes: v.Notes}
	if s := v.Statement; s != nil {
		r.Project, r.Digest, r.Commit, r.Tag = s.Identity.Project, v.Digest.String(), s.Outcome.Commit.ID.String(), s.Identity.TagRef
	}
	if v.Policy != nil {
		r.Policy = v.Policy.Version
	}
	for _, row := range matrix(v) {
		r.Parties = append(r.Parties, partyJSON{row.party.Name, row.party.Kind.String(), row.cells[0], row.cells[1], row.cells[2], row.cells[3]})
	}
	for _, f := range v.Failures {
		r.Failures = append(r.Failures, failureJSON{string(f.Rule), f.Text})
	}
	return r
}
