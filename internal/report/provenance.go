package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/provenance"
	"github.com/countermark/countermark/internal/tree"
)

// Provenance is how many added files have each label, and how many changed ones
// were changed in each way.
type Provenance struct {
	Added   []ProvenanceCount `json:"added"`
	Changed []ProvenanceCount `json:"changed"`
}

// ProvenanceCount is one label or change, and how often it occurs.
type ProvenanceCount struct {
	Label string          `json:"label"`
	Files int             `json:"files"`
	Tools []ProducerCount `json:"tools,omitempty"`
}

// ProducerCount is how many of them come from one tool.
type ProducerCount struct {
	Tool     string `json:"tool"`
	Versions string `json:"versions,omitempty"`
	Files    int    `json:"files"`
}

// Source is where one added file comes from, or what was done to a changed one.
type Source struct {
	Label       string  `json:"label"`
	Tool        string  `json:"tool,omitempty"`
	Version     string  `json:"version,omitempty"`
	Of          string  `json:"of,omitempty"`
	Known       []Known `json:"known,omitempty"`
	Nearest     *Known  `json:"nearest,omitempty"`
	Namesake    *Known  `json:"namesake,omitempty"`
	Serial      string  `json:"serial,omitempty"`
	SerialAhead string  `json:"serial_ahead_of,omitempty"`
	Evidence    string  `json:"evidence,omitempty"`
}

// Known is a file that a tool ships.
type Known struct {
	Tool   string `json:"tool"`
	First  string `json:"first"`
	Last   string `json:"last"`
	Path   string `json:"path"`
	SHA256 string `json:"sha256,omitempty"`
}

// Explanation is what --explain shows beside the file's Source.
type Explanation struct {
	Path     string   `json:"path"`
	Detail   string   `json:"detail,omitempty"`
	DiffFrom string   `json:"diff_from,omitempty"`
	Diff     []string `json:"diff,omitempty"`
}

// maxKnown is how many origins of one file the document lists.
const maxKnown = 8

// SetProvenance fills in where the added files of a comparison come from.
func (d *Document) SetProvenance(findings []provenance.Finding) {
	if len(findings) == 0 {
		return
	}
	d.findings = findings
	d.Provenance = &Provenance{Added: []ProvenanceCount{}, Changed: []ProvenanceCount{}}
	for _, g := range provenance.Summarize(findings) {
		count := ProvenanceCount{Label: labelOf(g.Label, g.Change), Files: g.Files}
		for _, t := range g.Tools {
			count.Tools = append(count.Tools, ProducerCount(t))
		}
		if g.Label != 0 {
			d.Provenance.Added = append(d.Provenance.Added, count)
		} else {
			d.Provenance.Changed = append(d.Provenance.Changed, count)
		}
	}
}

// setSources fills in the sources of the paths, which the text does without.
func (d *Document) setSources() {
	for i := range d.Paths {
		if f := d.finding(tree.Path(strings.TrimSuffix(d.Paths[i].Path, "/"))); f != nil {
			d.Paths[i].Source = sourceOf(f)
		}
	}
}

func labelOf(l provenance.Label, c provenance.Change) string {
	if l != 0 {
		return l.String()
	}
	return c.String()
}

func sourceOf(f *provenance.Finding) *Source {
	s := &Source{Label: labelOf(f.Label, f.Change), Tool: f.Tool, Version: f.Version, Of: string(f.Of),
		Serial: string(f.Serial), SerialAhead: string(f.Highest), Evidence: f.Evidence}
	for _, o := range f.Known[:min(len(f.Known), maxKnown)] {
		s.Known = append(s.Known, Known{Tool: o.Tool, First: o.First, Last: o.Last, Path: o.Path})
	}
	if m := f.Nearest; m != nil {
		s.Nearest = &Known{Tool: m.Tool, First: m.First, Last: m.Last, Path: m.Path, SHA256: m.SHA256.String()}
	}
	if n := f.Namesake; n != nil {
		s.Namesake = &Known{Tool: n.Tool, First: n.First, Last: n.Last, Path: n.Path}
	}
	return s
}

// maxLoud is how many files are named that a person should look at first.
const maxLoud = 100

// loud names what a person should look at first, before anything else is said:
// what aclocal would prefer to every known file, then what only looks known.
func (t *text) loud(d *Document) {
	var ahead, modified []*provenance.Finding
	for i := range d.findings {
		switch f := &d.findings[i]; {
		case f.IsSerialAhead():
			ahead = append(ahead, f)
		case f.IsLoud():
			modified = append(modified, f)
		}
	}
	loud := slices.Concat(ahead, modified)
	for _, f := range loud[:min(len(loud), maxLoud)] {
		t.line("  %s  %s", t.paint(red, fullLabel(f)), t.paint(bold, escape.Text(string(f.Path))))
		t.wrapAt("", "      ", "      ", f.Evidence)
	}
	if n := len(loud) - maxLoud; n > 0 {
		t.line("  … and %d more", n)
	}
}

// fullLabel returns a finding's label or change, and its alarm.
func fullLabel(f *provenance.Finding) string {
	label := labelOf(f.Label, f.Change)
	if f.IsSerialAhead() {
		label += ", serial ahead of every known release"
	} else if f.Namesake != nil {
		label += ", named like a file of " + escape.Text(f.Namesake.Tool)
	}
	return label
}

// labels lists the files of a class by their labels: counts first, then the
// names of those added files that nothing explains, and of all changed ones.
func (t *text) labels(d *Document, head, color string, changed bool) {
	var items []string
	var named []provenance.Group
	for _, g := range provenance.Summarize(d.findings) {
		if changed != (g.Label == 0) {
			continue
		}
		items = append(items, fmt.Sprintf("%d %s%s", g.Files, plural(labelOf(g.Label, g.Change), g.Files, changed), toolsOf(g)))
		if changed || g.Label == provenance.Unexplained {
			named = append(named, g)
		}
	}
	if len(items) == 1 && len(named) == 1 {
		t.list(head+", "+labelOf(named[0].Label, named[0].Change)+":", color, d.namesOf(named[0]))
		return
	}
	t.items(head, color, items)
	for _, g := range named {
		if names := d.pathsOf(g); len(names) <= maxNamed {
			for i := range names[:len(names)-1] {
				names[i] += ","
			}
			t.wrapWords(color, strings.Repeat(" ", 7)+labelOf(g.Label, g.Change)+": ", strings.Repeat(" ", 17), names)
			continue
		}
		t.list(strings.Repeat(" ", 7)+labelOf(g.Label, g.Change)+":", color, d.namesOf(g))
	}
}

// namesOf returns the paths of a group, in few words if there are many.
func (d *Document) namesOf(g provenance.Group) []string {
	if names := d.pathsOf(g); len(names) > maxNamed {
		return group(names)
	}
	return d.pathsOf(g)
}

// pathsOf returns the paths of a group.
func (d *Document) pathsOf(g provenance.Group) []string {
	var names []string
	for i := range d.findings {
		if f := &d.findings[i]; f.Label == g.Label && (f.Label != 0 || f.Change == g.Change) {
			name := escape.Text(string(f.Path))
			if f.Kind == tree.Directory {
				name += "/"
			}
			names = append(names, name)
		}
	}
	return names
}

// plural puts a label in the plural, where English does.
func plural(label string, n int, changed bool) string {
	if n == 1 || changed && label == provenance.OtherChange.String() {
		return label
	}
	switch label {
	case provenance.ToolFile.String():
		return "tool files"
	case provenance.ModifiedToolFile.String():
		return "tool files, modified"
	case provenance.Copy.String():
		return "copies"
	case provenance.CompiledCatalogue.String():
		return "compiled catalogues"
	case provenance.VersionStamp.String():
		return "version stamps"
	case provenance.CatalogueUpdate.String():
		return "catalogue updates"
	}
	return label
}

// maxTools is how many tools of a label are named.
const maxTools = 3

func toolsOf(g provenance.Group) string {
	if len(g.Tools) == 0 || g.Label == provenance.CompiledCatalogue {
		return ""
	}
	var parts []string
	for _, tool := range g.Tools[:min(len(g.Tools), maxTools)] {
		name := strings.TrimSpace(tool.Tool + " " + tool.Versions)
		parts = append(parts, fmt.Sprintf("%s: %d", escape.Text(name), tool.Files))
	}
	if len(g.Tools) > maxTools {
		parts = append(parts, "…")
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// items writes all items, which were escaped, after head, wrapped between words.
func (t *text) items(head, color string, items []string) {
	t.wrapWords(color, fmt.Sprintf("%-16s ", head), strings.Repeat(" ", 17), strings.Fields(strings.Join(items, ", ")))
}

// explanation writes what --explain is for.
func (t *text) explanation(d *Document) {
	x := d.Explanation
	if x == nil {
		return
	}
	t.line("%s", t.paint(bold, escape.Text(x.Path)))
	for i := range d.findings {
		f := &d.findings[i]
		if string(f.Path) == x.Path {
			t.describeFinding(f)
		}
	}
	if x.Detail != "" {
		t.wrap("", "  ", x.Detail)
	}
	if x.DiffFrom != "" {
		t.line("  from %s", escape.Text(x.DiffFrom))
		t.line("  to   this archive")
	}
	for _, line := range x.Diff {
		color := ""
		switch {
		case strings.HasPrefix(line, "+"):
			color = green
		case strings.HasPrefix(line, "-"):
			color = red
		}
		t.line("  %s", t.paint(color, escape.Sentence(strings.ReplaceAll(line, "\t", "    "))))
	}
}

func (t *text) describeFinding(f *provenance.Finding) {
	t.line("  %s", t.paint(bold, fullLabel(f)))
	if f.Evidence != "" {
		t.wrap("", "  ", f.Evidence)
	}
	for _, o := range f.Known {
		t.line("  = %s %s: %s", escape.Text(o.Tool), escape.Text(o.Versions()), escape.Text(o.Path))
	}
	if f.Label != provenance.Derived && !f.Claim.IsZero() {
		t.wrap("", "  ", fmt.Sprintf("line %d says: %s", f.Claim.Line, f.Claim.Text))
	}
}
