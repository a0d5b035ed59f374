package cause

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/hunk"
)

// permBits are the permissions that umask can take away, and exec bits.
const (
	permBits = 0o777
	execBits = 0o111
	ownBits  = 0o700
)

// addMode looks at permissions where the bytes are equal.
func (d *Difference) addMode(p *Pair) {
	here, there := p.Ours.Perm&permBits, p.Theirs.Perm&permBits
	if here == there {
		return
	}
	c := Cause{Kind: Mode, Sentence: fmt.Sprintf("the bytes are equal, the permissions %04o there, %04o here", there, here)}
	switch {
	case here&execBits == 0 && there&execBits != 0:
		c.Sentence += ": it can be run there, and not here"
	case here&execBits != 0 && there&execBits == 0:
		c.Sentence += ": it can be run here, and not there"
	case here&ownBits == there&ownBits:
		c.Sentence += ": as another umask gives, or a tool that sets them itself"
	}
	d.add(c)
}

// addLineEnds looks for CR LF throughout on one side, and nowhere on the other.
func (d *Difference) addLineEnds(t *text) {
	var crlf [2]int
	for side := range crlf {
		for _, l := range t.lines[side] {
			if strings.HasSuffix(l, "\r") {
				crlf[side]++
			}
		}
	}
	if crlf[ours] == crlf[theirs] {
		return
	}
	left, solved := t.without(func(_ int, l line) string { return strings.TrimSuffix(l.text, "\r") })
	if len(solved) == 0 {
		return
	}
	c := Cause{Kind: LineEnds, Evidence: first(solved)}
	for _, side := range []int{ours, theirs} {
		if whole := t.ended(side); crlf[side] == whole && whole > 0 && crlf[1-side] == 0 {
			c.Remaining = remaining(left)
			c.Sentence = fmt.Sprintf("each of %s ends in CR LF %s, in LF %s: a script of CR LF does not run as it does otherwise",
				count(whole, "line"), [2]string{"here", "there"}[side], [2]string{"there", "here"}[side])
			d.add(c)
			return
		}
	}
	c.Remaining = d.size() // what the ends spell out may be anything
	c.Sentence = fmt.Sprintf("the ends of %s differ, unevenly: CR LF on %d there, on %d here", count(len(solved), "line"), crlf[theirs], crlf[ours])
	d.add(c)
}

// ended counts the lines that an LF ends.
func (t *text) ended(side int) int { return len(t.lines[side]) - 1 }

// blockNames are files in which the depth of white space at the beginning of a
// line says what a line belongs to.
var blockNames = regexp.MustCompile(`\.(?:py|pyi|pyx|pxd|ya?ml|hs|nim|coffee|haml|pug|sass|f|for|rst|md)(?:\.in)?$|^[Mm]akefile`)

var space = regexp.MustCompile(`[ \t]+`)

// addSpace looks for differences in the amount of white space: runs of it may
// be longer or shorter, at the end of a line be there or not, but not elsewhere,
// and not after a backslash.
func (d *Difference) addSpace(t *text) {
	squeeze := func(_ int, l line) string {
		text, lead := l.text, ""
		if blockNames.MatchString(t.name) {
			text = strings.TrimLeft(l.text, " \t")
			lead = l.text[:len(l.text)-len(text)]
		}
		if trimmed := strings.TrimRight(text, " \t"); !strings.HasSuffix(trimmed, `\`) {
			text = trimmed
		}
		return lead + space.ReplaceAllLiteralString(text, " ")
	}
	left, solved := t.without(squeeze)
	if len(solved) == 0 {
		return
	}
	d.add(Cause{Kind: WhiteSpace, Evidence: first(solved), Remaining: remaining(left),
		Sentence: "the amount of white space differs on " + count(len(solved), "line") + ": in strings, here-documents and patterns it has a meaning"})
}

// addOrder looks for lines that are on both sides, in another place.
func (d *Difference) addOrder(t *text) {
	left := [2][]line{}
	for _, h := range t.hunks {
		left[ours], left[theirs] = append(left[ours], t.side(h, ours)...), append(left[theirs], t.side(h, theirs)...)
	}
	counts := make(map[string]int)
	for _, l := range left[ours] {
		counts[l.text]++
	}
	var moved [2]int
	for _, l := range left[theirs] {
		if counts[l.text]--; counts[l.text] >= 0 {
			moved[theirs]++
			if strings.TrimSpace(l.text) != "" {
				moved[ours]++ // of those, the ones that say something
			}
		}
	}
	rest := d.size() - 2*moved[theirs]
	if moved[ours] == 0 || rest > d.size()/2 {
		return
	}
	c := Cause{Kind: Order, Remaining: rest}
	begin, end := t.hunks[0], t.hunks[len(t.hunks)-1]
	h := hunk.Hunk{A0: begin.A0, A1: end.A1, B0: begin.B0, B1: end.B1}
	what := "the lines are"
	if rest > 0 {
		what = count(moved[theirs], "line") + " that " + verb(moved[theirs], "differs is", "differ are")
	}
	c.Sentence = fmt.Sprintf("%s the same in another order, within lines %d to %d here, %d to %d there", what, h.A0+1, h.A1, h.B0+1, h.B1)
	if rest == 0 && localeOrder(t.lines[ours][h.A0:h.A1], t.lines[theirs][h.B0:h.B1]) {
		c.Sentence += "; one side is sorted by bytes, the other without regard to case and punctuation, as another locale does"
	} else {
		c.Sentence += "; not as another locale would sort them"
	}
	c.Sentence += ": lines that change places can change what the file does"
	for i := range min(maxEvidence, len(left[ours]), len(left[theirs])) {
		c.Evidence = append(c.Evidence, Evidence{Ours: shown(left[ours][i]), Theirs: shown(left[theirs][i])})
	}
	d.add(c)
}

// localeOrder reports whether a block is sorted by bytes on one side and as a
// language would on the other: the same letters and digits first, whatever is
// between them (ISO/IEC 14651).
func localeOrder(blocks ...[]string) bool {
	const fewest = 3
	var byBytes, folded [2]bool
	for side, lines := range blocks {
		if len(lines) < fewest {
			return false
		}
		byBytes[side] = slices.IsSorted(lines)
		folded[side] = slices.IsSortedFunc(lines, func(a, b string) int { return strings.Compare(fold(a), fold(b)) })
	}
	return byBytes[ours] && folded[theirs] || byBytes[theirs] && folded[ours]
}

var noLetters = regexp.MustCompile(`[^a-z0-9]+`)

// fold is a text's letters and digits, without regard to case.
func fold(text string) string { return noLetters.ReplaceAllLiteralString(strings.ToLower(text), "") }
