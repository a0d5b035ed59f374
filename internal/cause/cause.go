// Package cause says why a file that was generated here probably differs from
// the same file elsewhere: the candidate's, or the published one. It is pure:
// contents and facts of this build in, values out.
//
// A cause is likely, not proven. What a cause explains is measured: the thing
// is taken away on both sides, and the lines that still differ are counted. To
// that end only places that tools fill in and nothing executes are taken away
// (comments, and fields that hold a date, a version or the name of a source
// file): a date, path or name that differs in code is shown, and stays
// unexplained. "Unknown" is an answer.
//
// What is not shown: that the lines which a tool of another version would write
// are those that differ (Cause.Remaining says how many they are), that lines of
// one order do what they do in another, that what also differs in an input stands
// in its place, and that a comment is harmless, which another line may read. A
// version in a header is a claim of the file.
package cause

import (
	"bytes"
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/knownfile"
	"github.com/countermark/countermark/internal/tree"
)

// Kind is the kind of a cause. The zero value is no cause.
type Kind uint8

// The kinds. Causes that explain as much are in this order.
const (
	ToolFile    Kind = iota + 1 // both sides are files that tools ship, of different releases
	ToolVersion                 // the file says that another tool, or another version of it, made it
	Mode                        // equal bytes, other permissions
	LineEnds                    // CR LF against LF, throughout
	Date                        // a date or time
	BuildPath                   // the folder of the build
	HostName                    // the machine's name
	UserName                    // the name of who built
	WhiteSpace                  // the amount of white space
	Consequence                 // the lines are those of the difference of another file, from which this one is made
	Order                       // the same lines in another order
	AlteredFile                 // one side is a file that a tool ships, the other is none that is known
	Unknown                     // nothing above carries
)

var kindNames = [...]string{
	ToolFile: "tool file", ToolVersion: "tool version", Mode: "mode", LineEnds: "line ends", Date: "date", BuildPath: "build path",
	HostName: "host name", UserName: "user name", WhiteSpace: "white space", Consequence: "consequence", Order: "order",
	AlteredFile: "altered file", Unknown: "unknown",
}

// String returns the kind as reports write it, "" for none.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return ""
}

// Limits.
const (
	// MaxFileBytes is the largest content that is looked into, on either side.
	// The largest generated file of PHP 8.2.32 has 2.3 MiB.
	MaxFileBytes = 8 << 20
	// MaxLines is the largest number of lines on either side.
	MaxLines = 1 << 18
	// maxEvidence is how many places a cause shows.
	maxEvidence = 4
	// maxLineBytes bounds the lines that expressions are tried on.
	maxLineBytes = 4 << 10
	// maxTextBytes is how much of a line is kept.
	maxTextBytes = 200
)

// File is one side of a pair.
type File struct {
	Content []byte
	Perm    uint16             // the permission bits
	Known   []knownfile.Origin // where exactly this content was shipped, if anywhere
	Nearest *knownfile.Match   // the known file that it is most like, if it is none; may be nil
}

// Pair is a file as it was made here, and as it is elsewhere.
type Pair struct {
	Path         tree.Path
	Ours, Theirs File
}

// Tool is a program that this build recorded.
type Tool struct {
	Program  string // the base name: "re2c"
	Version  string // as the program prints it, "" if it was not asked
	Package  string // that it came from, with its version: "re2c 3.0-2"; "" if none is known
	Declared bool   // the recipe names it
}

// Build is what is known of the build here. Empty fields are not looked for.
type Build struct {
	Tools []Tool
	Dir   string // the absolute path that the build ran in
	Host  string
	User  string
	Epoch int64 // SOURCE_DATE_EPOCH, in seconds
}

// Line is one line of a file; the zero value is none.
type Line struct {
	Number int    // counted from 1
	Text   string // foreign: to be escaped; cut after 200 bytes
}

// Evidence is one place that a cause rests on. One of the lines may be missing.
type Evidence struct {
	Ours, Theirs Line
	File         tree.Path // that the lines are in, if it is not the file itself
}

// Cause is one likely cause of a difference.
type Cause struct {
	Kind      Kind
	Sentence  string // one clause for people; may hold text from the files, to be escaped
	Evidence  []Evidence
	Inputs    []tree.Path // of Consequence: the files, the one with the most lines first
	Remaining int         // lines that still differ where this one thing is taken away
}

// ExplainsAll reports whether nothing differs but this. It says nothing of
// whether the difference matters.
func (c *Cause) ExplainsAll() bool { return c.Remaining == 0 && c.Kind != Unknown }

// Difference is what is found of one pair.
type Difference struct {
	Path      tree.Path
	Added     int     // lines that only they have, as a difference by lines shows them; 0 if Opaque
	Removed   int     // lines that only we have
	FirstLine int     // where the first difference is, counted from 1 in both; 0 for none, or if Opaque
	FirstByte int     // its offset; -1 if the contents are equal
	Opaque    string  // why the content was not looked into, "" if it was
	Causes    []Cause // what explains all comes first, then what may stand behind all of it, each by what remains; Unknown, if need be, last
	Left      int     // lines that no cause explains, at most; of what is Opaque 1, for the whole

	marks   [2][]mark
	changed [2][]line // what is left but for consequences
}

// Explain finds the causes of the differences of all pairs. The contents of a
// pair are not kept: it takes memory for one pair at a time, and for the lines
// that differ.
func Explain(pairs iter.Seq[Pair], build Build) []Difference {
	var all []Difference
	for p := range pairs {
		all = append(all, explainOne(&p, &build))
	}
	inputs := inputsOf(all)
	for i := range all {
		d := &all[i]
		d.addCompanion(all)
		d.addConsequence(inputs)
		d.conclude()
	}
	for i := range all {
		all[i].marks, all[i].changed = [2][]mark{}, [2][]line{}
	}
	return all
}

// explainOne looks at one pair by itself.
func explainOne(p *Pair, build *Build) Difference {
	d := Difference{Path: p.Path, FirstByte: firstByte(p.Ours.Content, p.Theirs.Content)}
	if d.FirstByte < 0 {
		d.addMode(p)
		return d
	}
	if d.Opaque = opaque(p); d.Opaque != "" {
		d.Left = 1 // a whole: it has no lines
		d.addKnown(p)
		return d
	}
	t := newText(p)
	d.Added, d.Removed = t.size()
	d.FirstLine = t.firstLine()
	d.Left = d.Added + d.Removed
	d.addKnown(p)
	d.addVersions(t, p, build)
	d.addLineEnds(t)
	dates := d.addDates(t, build)
	fills := d.addFilled(t, build)
	d.addSpace(t)
	d.addOrder(t)
	d.leave(t, append(fills, dates, t.withoutMarks(d.marks)))
	return d
}

// opaque says why contents are not looked into, "" if they are.
func opaque(p *Pair) string {
	for _, content := range [][]byte{p.Ours.Content, p.Theirs.Content} {
		if len(content) > MaxFileBytes {
			return fmt.Sprintf("is larger than %d MiB", MaxFileBytes>>20)
		}
	}
	for _, content := range [][]byte{p.Ours.Content, p.Theirs.Content} {
		switch {
		case bytes.IndexByte(content, 0) >= 0:
			return "is no text: it holds a zero byte"
		case bytes.Count(content, []byte("\n")) >= MaxLines:
			return fmt.Sprintf("has more than %d lines", MaxLines)
		}
	}
	return ""
}

// firstByte returns the offset of the first difference, -1 for none.
func firstByte(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	if len(a) == len(b) {
		return -1
	}
	return n
}

// add takes a cause.
func (d *Difference) add(c Cause) { d.Causes = append(d.Causes, c) }

// size is how many lines differ.
func (d *Difference) size() int { return d.Added + d.Removed }

// isBehind reports whether a cause explains all, or may stand behind all that
// differs; the others are things that differ beside it.
func (c *Cause) isBehind() bool {
	return c.ExplainsAll() || c.Kind == ToolVersion || c.Kind == Consequence || c.Kind == AlteredFile
}

// conclude puts the causes in order, and says what nothing explains.
func (d *Difference) conclude() {
	slices.SortStableFunc(d.Causes, func(a, b Cause) int {
		switch first, second := a.isBehind(), b.isBehind(); {
		case first && !second:
			return -1
		case second && !first:
			return 1
		}
		return cmp.Or(cmp.Compare(a.Remaining, b.Remaining), cmp.Compare(a.Kind, b.Kind))
	})
	for i := range d.Causes {
		d.Left = min(d.Left, d.Causes[i].Remaining)
	}
	if d.Left == 0 && len(d.Causes) > 0 {
		return
	}
	if slices.ContainsFunc(d.Causes, func(c Cause) bool { return c.Kind == ToolVersion || c.Kind == AlteredFile }) {
		return
	}
	c := Cause{Kind: Unknown, Remaining: d.Left, Sentence: "the cause is not known"}
	switch {
	case d.FirstByte < 0:
		c.Sentence = "nothing differs"
	case d.Opaque != "":
		c.Sentence += ": the file " + d.Opaque
	case len(d.Causes) > 0:
		c.Sentence = "nothing explains " + count(d.Left, "line") + " that differ beside this"
	default:
		if m, ok := sameMark(d.marks); ok {
			c.Sentence += ": on both sides the file says that " + m.name() + " made it"
		}
	}
	d.add(c)
}

// count says how many there are of something.
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// verb is the ending of a verb of which there are n subjects.
func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// cut is what is kept of a line.
func cut(text string) string { return strings.Clone(text[:min(len(text), maxTextBytes)]) }
