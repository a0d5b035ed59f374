package difference

import (
	"github.com/countermark/countermark/internal/cause"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/reproduction"
	"github.com/countermark/countermark/internal/tree"
)

// Path is one path that is not reproduced, as JSON (docs/spec/build-record.md,
// section 4).
type Path struct {
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

// Of returns what is found of a path as JSON.
func Of(r *reproduction.Result) Path {
	p := Path{Path: escape.Text(string(r.Path)), Class: r.Class.String(), Generated: r.Generated, Ours: sideOf(r.Ours), Theirs: sideOf(r.Theirs)}
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
