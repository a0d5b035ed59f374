package report

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/compare"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/provenance"
	"github.com/countermark/countermark/internal/tree"
)

// Style is how the text is shown.
type Style struct {
	Color bool
	Width int  // columns of the terminal; 0: 100
	All   bool // one line for every path
	Brief bool // without digests, notes and what was not checked
}

const (
	defaultColumns = 100
	// maxListLines is how many lines one class may take before "…".
	maxListLines = 3
	// maxNamed is how many paths are named one by one: of those that a lock file does not accept, and of a label.
	maxNamed = 20
)

// classLine is how one class is introduced.
type classLine struct {
	class compare.Class
	label string
	color string
}

// SGR colours (ECMA-48, 8.3.117).
const (
	green, yellow, red, bold, reset = "\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[1m", "\x1b[0m"
)

var classLines = []classLine{
	{compare.Identical, "identical", ""},
	{compare.Filtered, "filtered", ""},
	{compare.FilteredRefs, "filtered, refs not checkable", yellow},
	{compare.Ignored, "export-ignored", ""},
	{compare.Submodule, "submodule", ""},
	{compare.Unchecked, "not checkable", yellow},
	{compare.Changed, "changed", red},
	{compare.Mode, "mode", red},
	{compare.Added, "added", red},
	{compare.Missing, "missing", red},
	{compare.Special, "special", red},
}

// text builds the report; only it knows of colours.
type text struct {
	strings.Builder
	style Style
}

func (t *text) line(format string, args ...any) {
	fmt.Fprintf(t, format, args...)
	t.WriteByte('\n')
}

func (t *text) paint(color, s string) string {
	if !t.style.Color || color == "" {
		return s
	}
	return color + s + reset
}

// Text returns the report for people.
func (d *Document) Text(style Style) string {
	if style.Width <= 0 {
		style.Width = defaultColumns
	}
	t := &text{style: style}
	t.head(d)
	if d.Explanation != nil {
		t.explanation(d)
		t.verdict(d)
		return t.String()
	}
	t.loud(d)
	t.unaccepted(d)
	for _, c := range classLines {
		t.class(d, c)
	}
	t.signatures(d)
	if !style.Brief {
		t.identities(d)
	}
	if d.Lock != nil && len(d.Lock.Stale) > 0 {
		t.wrap("", "  stale in "+escape.Text(path.Base(d.Lock.File))+" (no longer occurs): ", strings.Join(d.Lock.Stale, ", "))
	}
	for _, note := range d.Notes {
		if !style.Brief {
			t.wrap("", "  note: ", note)
		}
	}
	t.verdict(d)
	if len(d.NotChecked) > 0 && !style.Brief {
		t.wrap("", "Not checked: ", strings.Join(d.NotChecked, "; ")+".")
	}
	return t.String()
}

func (t *text) head(d *Document) {
	names := make([]string, len(d.Archives))
	for i, a := range d.Archives {
		names[i] = escape.Text(path.Base(a.Name))
	}
	target := "commit " + d.Commit.ID[:min(12, len(d.Commit.ID))]
	if d.Commit.Ref != "" {
		target = escape.Text(d.Commit.Ref) + " = " + target
	}
	assurance := ""
	if d.Exit == 0 {
		assurance = "  (assurance: " + d.assurance() + ")"
	}
	t.line("%s  against  %s%s", t.paint(bold, strings.Join(names, ", ")), t.paint(bold, target), assurance)
}

// unaccepted names the differences that a lock file does not cover, first.
func (t *text) unaccepted(d *Document) {
	if d.Lock == nil || d.Exit == 0 {
		return
	}
	n := 0
	for r := range d.results.Results() {
		if r.Accepted || !r.Class.NeedsAcceptance() {
			continue
		}
		if n++; n <= maxNamed {
			t.line("  %s %s", t.paint(red, "not in "+escape.Text(path.Base(d.Lock.File))+":"), d.describe(r, false))
		}
	}
	if n > maxNamed {
		t.line("  … and %d more", n-maxNamed)
	}
}

// describe names a path, its class and its label on one line; in full with the
// label's evidence.
func (d *Document) describe(r *compare.Result, full bool) string {
	s := fmt.Sprintf("%-9s %s", r.Class, escape.Text(displayPath(r)))
	if len(r.By) > 0 {
		s += " (" + strings.Join(r.By, ", ") + ")"
	}
	if r.Reason != "" {
		s += " (" + escape.Text(r.Reason) + ")"
	}
	if f := d.finding(r.Path); f != nil {
		label := labelOf(f.Label, f.Change)
		if full {
			label += ": " + escape.Text(f.Evidence)
		}
		s += " (" + label + ")"
	}
	if r.Accepted {
		s += " (accepted)"
	}
	return s
}

// finding returns what was found of a path, nil for nothing.
func (d *Document) finding(p tree.Path) *provenance.Finding {
	i, found := slices.BinarySearchFunc(d.findings, p, func(f provenance.Finding, p tree.Path) int { return cmp.Compare(f.Path, p) })
	if !found {
		return nil
	}
	return &d.findings[i]
}

func (t *text) class(d *Document, c classLine) {
	n := d.results.Count(c.class)
	if n == 0 {
		return
	}
	head := fmt.Sprintf("%6d %s", n, c.label)
	if c.class == compare.Identical && !t.style.All {
		t.line("%s", t.paint(c.color, head))
		return
	}
	if t.style.All {
		t.line("%s", t.paint(c.color, head))
		for r := range d.results.All(d.archive) {
			if r.Class == c.class {
				t.line("         %s", d.describe(r, true))
			}
		}
		return
	}
	var paths []string
	color := ""
	for r := range d.results.Results() {
		if r.Class == c.class {
			paths = append(paths, escape.Text(displayPath(r)))
			if !r.Accepted {
				color = c.color
			}
		}
	}
	if (c.class == compare.Added || c.class == compare.Changed) && len(d.findings) > 0 {
		t.labels(d, head, color, c.class == compare.Changed)
		return
	}
	t.list(head, color, group(paths))
}

// list writes items after head, wrapped, on at most maxListLines lines.
func (t *text) list(head, color string, items []string) {
	const indent = 17
	line := fmt.Sprintf("%-*s", indent-1, head)
	if len(head) >= indent-1 {
		line = head + " "
	}
	column, lines := len(line), 1
	t.WriteString(t.paint(color, line))
	for i, item := range items {
		if i+1 < len(items) {
			item += ","
		}
		width := len([]rune(item)) + 1
		room := t.style.Width
		if lines == maxListLines && i+1 < len(items) {
			room -= len("  (9999 more)") // and the ellipsis
		}
		if column+width > room && column >= indent {
			if lines++; lines > maxListLines {
				fmt.Fprintf(t, " … (%d more)", len(items)-i)
				break
			}
			t.WriteString("\n" + strings.Repeat(" ", indent-1))
			column = indent - 1
		}
		t.WriteString(" " + item)
		column += width
	}
	t.WriteByte('\n')
}

// wrap writes a paragraph, its head painted, its further lines indented by two.
func (t *text) wrap(color, head, body string) { t.wrapAt(color, head, "  ", body) }

// wrapAt writes a paragraph, its head painted, its further lines indented.
func (t *text) wrapAt(color, head, indent, body string) {
	t.wrapWords(color, head, indent, strings.Fields(escape.Text(body)))
}

// wrapWords is wrapAt of words that were escaped before.
func (t *text) wrapWords(color, head, indent string, words []string) {
	line, painted := head, t.paint(color, head)
	flush := func() {
		t.line("%s", strings.TrimRight(painted+strings.TrimPrefix(line, head), " "))
		head, painted = "", ""
	}
	for _, word := range words {
		if len([]rune(line))+1+len([]rune(word)) > t.style.Width && line != head && line != indent {
			flush()
			line = indent
		}
		if !strings.HasSuffix(line, " ") {
			line += " "
		}
		line += word
	}
	flush()
}

func (t *text) identities(d *Document) {
	for _, a := range d.Archives {
		t.line("  file sha256:%s  %s, %s", a.SHA256, escape.Text(path.Base(a.Name)), escape.Text(a.Decoder))
	}
	if tar := d.Archives[0].TarSHA256; tar != nil {
		t.line("  tar  sha256:%s", *tar)
	}
	id := d.Tree.SWHID
	if id == "" {
		id = "sha1:" + d.Tree.SHA1
	}
	t.line("  tree %s", id)
	t.line("  tree sha256:%s", d.Tree.SHA256)
	if len(d.Modes) > 0 {
		parts := make([]string, len(d.Modes))
		for i, m := range d.Modes {
			parts[i] = fmt.Sprintf("%s (%d)", m.Mode, m.Files)
		}
		t.wrap("", "  modes other than 0644 and 0755: ", strings.Join(parts, ", "))
	}
}

func (t *text) verdict(d *Document) {
	color := green
	switch d.Exit {
	case 1:
		color = red
	case 3:
		color = yellow
	}
	t.wrap(color, strings.ToUpper(d.Verdict)+": ", d.sentence()+".")
}

// sentence says what the verdict means and what to do about it.
func (d *Document) sentence() string {
	const next = "--all lists every path; --update-lock records the differences once reviewed"
	lock := ""
	if d.Lock != nil {
		lock = path.Base(d.Lock.File)
	}
	switch {
	case d.Verdict == SignaturesFail:
		return d.signatureSentence()
	case d.Claim != nil && !d.Claim.SameTree:
		return "CMP_CLAIM: the archive says that it was made from another commit, " + d.Claim.Embedded
	case d.Moved != nil && !d.Moved.SameTree:
		return "GIT_TAGMOVED: when this version was recorded in " + lock + ", the tag led to another commit, " + d.Moved.Commit
	case d.Lock != nil && d.Lock.Updated && d.Exit != 0:
		return "the differences are now recorded in " + lock + ", and the next run passes"
	case d.Exit == 0 && d.Lock != nil && d.Lock.AsTools > 0:
		return fmt.Sprintf("every difference is recorded in %s: %d with exactly this content, %d as a file of a tool, known byte for byte",
			lock, d.Lock.Accepted-d.Lock.AsTools, d.Lock.AsTools)
	case d.Exit == 0 && d.Lock != nil && d.Lock.Accepted > 0:
		return fmt.Sprintf("every difference (%d) is recorded in %s, with exactly this content", d.Lock.Accepted, lock)
	case d.Exit == 0:
		return "every path of the archive and of the commit is accounted for"
	case d.Lock != nil && d.Exit == 1:
		return "not all of these differences are recorded in " + lock + "; " + next
	case d.Exit == 3:
		return "some paths cannot be decided; --all says what is missing for each"
	case d.Verdict == compare.AddedOnly.String():
		return "the commit is all here, and more that is in no commit; " + next
	case d.Verdict == compare.RefsUnprovable.String():
		return "git wrote names of branches or tags into some files, which no one can check later; " + next
	}
	return "this archive is not that commit; " + next
}
