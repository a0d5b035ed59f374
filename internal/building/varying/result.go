package varying

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/building/difference"
	"github.com/countermark/countermark/internal/building/finding"
	"github.com/countermark/countermark/internal/cause"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/reproduction"
	"github.com/countermark/countermark/internal/tree"
)

// Item is what may move: a path, an archive of the project's own command, or (the
// zero value) whether there is a build at all.
type Item struct {
	Path    tree.Path
	Archive string
}

// Moved is an item that moves.
type Moved struct {
	Item
	How      *reproduction.Result // of a path: ours is the usual build's, theirs the varied one's
	Other    string               // of an archive: in what it differs
	Failure  *finding.List        // of the build: why there is none
	With     Set                  // variations each of which moves it
	Together Set                  // it moves with these together, and with neither half of them
	Always   bool                 // it moves when nothing is varied
}

// By says what moves the item, as one clause.
func (m *Moved) By() string {
	switch {
	case m.Always:
		return "with nothing varied: the time, or chance"
	case m.With != 0:
		return "with the " + strings.Join(m.With.names(), ", with the ")
	}
	return "with several together, or by chance: " + m.Together.String()
}

// Result is what was found.
type Result struct {
	Found   *finding.List // why the usual build is none; else what moves
	Ref     string        // that was built
	Commit  digest.ObjectID
	Tree    digest.ObjectID // of the usual build; zero if there is none to compare
	Builds  int             // that were made
	Varied  []Varied
	Held    []Held
	Moved   []Moved // by path; the build first, archives last
	isBuilt bool
}

// Exit returns the exit status: 0 if nothing moves, else 1.
func (r *Result) Exit() int {
	if r.Found.Failed() {
		return report.Failed.Exit()
	}
	return report.Verified.Exit()
}

// IsBuilt reports whether the usual build succeeded, so that the others say
// anything.
func (r *Result) IsBuilt() bool { return r.isBuilt }

// conclude gathers what was found.
func (x *run) conclude() {
	r := x.result
	r.isBuilt = true
	r.Ref, r.Commit = x.in.Source.Ref.Name, x.in.Source.CommitID
	r.Varied, r.Held = x.plan.varied, x.plan.held
	for _, m := range x.by {
		r.Moved = append(r.Moved, *m)
	}
	slices.SortFunc(r.Moved, func(a, b Moved) int {
		return cmp.Or(cmp.Compare(a.Archive, b.Archive), cmp.Compare(a.Path, b.Path))
	})
	for i := range r.Moved {
		m := &r.Moved[i]
		f := finding.Finding{Rule: finding.NonRepro, Path: m.Path, Detail: m.what() + " moves " + m.By()}
		if m.Failure != nil {
			f.Detail = "the build fails " + m.By()
		}
		r.Found.Add(f)
	}
}

// what names the item.
func (m *Moved) what() string {
	switch {
	case m.Path != "":
		return "the file"
	case m.Archive != "":
		return "the archive " + m.Archive
	}
	return "the build"
}

// Text returns the result of builds for people: the verdict first.
func (r *Result) Text() string {
	var t strings.Builder
	verdict := "REPRODUCIBLE"
	if r.Found.Failed() {
		verdict = "NOT REPRODUCIBLE"
	}
	fmt.Fprintf(&t, "%s  %s of commit %s, built %d times\n", verdict, escape.Text(r.Ref), r.Commit.Short(), r.Builds)
	if !r.Tree.IsZero() {
		fmt.Fprintf(&t, "  tree   %s\n", r.Tree)
	}
	const most = 100
	for i := range r.Moved[:min(len(r.Moved), most)] {
		r.Moved[i].write(&t)
	}
	if more := len(r.Moved) - most; more > 0 {
		fmt.Fprintf(&t, "  … and %d more\n", more)
	}
	if len(r.Moved) > 0 {
		t.WriteString("  (here: the usual build; there: the one with all of it varied)\n")
	}
	for _, v := range r.Varied {
		fmt.Fprintf(&t, "  varied: %s: %s; %s\n", v.Kind, escape.Sentence(v.Usual), escape.Sentence(v.Varied))
	}
	for _, h := range r.Held {
		fmt.Fprintf(&t, "  not varied: %s: %s\n", escape.Text(h.What), escape.Sentence(h.Why))
	}
	t.WriteString("nothing was changed: no ref, no object, no folder\n")
	return t.String()
}

// write writes an item, what moves it, and how.
func (m *Moved) write(t *strings.Builder) {
	if m.Failure != nil {
		fmt.Fprintf(t, "  %s  the build fails %s\n", finding.NonRepro, m.By())
		for _, f := range m.Failure.Findings {
			fmt.Fprintf(t, "      %s  step %s  %s\n      %s\n", f.Rule, escape.Text(f.Step), escape.Text(string(f.Path)), escape.Sentence(f.Detail))
		}
		for line := range strings.Lines(m.Failure.Said) {
			fmt.Fprintf(t, "    | %s\n", escape.Sentence(strings.TrimRight(line, "\r\n")))
		}
		if m.Failure.Logs != "" {
			fmt.Fprintf(t, "      all that was printed is in %s\n", escape.Text(m.Failure.Logs))
		}
		return
	}
	if m.How == nil {
		fmt.Fprintf(t, "  %s  %s  moves %s\n      %s\n", finding.NonRepro, escape.Text(m.Archive), m.By(), m.Other)
		return
	}
	fmt.Fprintf(t, "  %s  %s  moves %s\n      %s", finding.NonRepro, escape.Text(string(m.Path)), m.By(), m.class())
	difference.Write(t, m.known())
}

// known returns how a path differs. Where a variation is known to move it, that
// nothing in the file tells the cause is no news.
func (m *Moved) known() *reproduction.Result {
	if m.With == 0 || m.How.Difference == nil {
		return m.How
	}
	how, d := *m.How, *m.How.Difference
	d.Causes = slices.DeleteFunc(slices.Clone(d.Causes), func(c cause.Cause) bool { return c.Kind == cause.Unknown })
	how.Difference = &d
	return &how
}

// class says how a path differs, in the words of a variation.
func (m *Moved) class() string {
	switch m.How.Class {
	case reproduction.Missing:
		return "only the varied build makes it"
	case reproduction.Extra:
		return "only the usual build makes it"
	}
	return "differs"
}

// document is the JSON document (docs/spec/build-record.md, section 5).
type document struct {
	Format    int          `json:"format"`
	Verdict   string       `json:"verdict"` // "reproducible" or "not reproducible"
	Exit      int          `json:"exit"`
	Ref       string       `json:"ref"`
	Commit    string       `json:"commit"`
	Tree      string       `json:"tree,omitempty"`
	Builds    int          `json:"builds"`
	Moved     []movedJSON  `json:"moved"`
	Varied    []variedJSON `json:"varied"`
	NotVaried []heldJSON   `json:"not_varied"`
}

type movedJSON struct {
	Rule       string           `json:"rule"`
	What       string           `json:"what"` // "path", "archive" or "build"
	With       []string         `json:"with,omitempty"`
	Together   []string         `json:"together,omitempty"`
	Unvaried   bool             `json:"unvaried,omitempty"`
	Difference *difference.Path `json:"difference,omitempty"`
	Archive    string           `json:"archive,omitempty"`
	Detail     string           `json:"detail,omitempty"`
	Logs       string           `json:"logs,omitempty"`
}

type variedJSON struct {
	What   string `json:"what"`
	Usual  string `json:"usual"`
	Varied string `json:"varied"`
}

type heldJSON struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// JSON returns the result of builds as one JSON document.
func (r *Result) JSON() []byte {
	d := document{Format: report.FormatVersion, Verdict: "reproducible", Exit: r.Exit(), Ref: escape.Text(r.Ref), Commit: r.Commit.String(),
		Builds: r.Builds, Moved: []movedJSON{}, Varied: []variedJSON{}, NotVaried: []heldJSON{}}
	if d.Exit != 0 {
		d.Verdict = "not reproducible"
	}
	if !r.Tree.IsZero() {
		d.Tree = r.Tree.String()
	}
	for i := range r.Moved {
		d.Moved = append(d.Moved, r.Moved[i].json())
	}
	for _, v := range r.Varied {
		d.Varied = append(d.Varied, variedJSON{v.Kind.String(), escape.Sentence(v.Usual), escape.Sentence(v.Varied)})
	}
	for _, h := range r.Held {
		d.NotVaried = append(d.NotVaried, heldJSON{escape.Text(h.What), escape.Sentence(h.Why)})
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	_ = e.Encode(d) // nothing in it can fail to be written
	return b.Bytes()
}

func (m *Moved) json() movedJSON {
	j := movedJSON{Rule: string(finding.NonRepro), What: "build", With: m.With.names(), Together: m.Together.names(), Unvaried: m.Always, Archive: escape.Text(m.Archive)}
	switch {
	case m.How != nil:
		j.What = "path"
		d := difference.Of(m.known())
		j.Difference = &d
	case m.Failure != nil:
		j.Logs = escape.Text(m.Failure.Logs)
		for _, f := range m.Failure.Findings {
			j.Detail = escape.Sentence(f.Detail)
			break
		}
	default:
		j.What, j.Detail = "archive", m.Other
	}
	return j
}
