package cause

import (
	"path"
	"strings"

	"github.com/countermark/countermark/internal/hunk"
)

// The sides of a pair.
const (
	ours = iota
	theirs
)

// line is one line of one side.
type line struct {
	number int // counted from 1
	text   string
}

// text is a pair of texts, and what differs between them.
type text struct {
	name  string // base name
	lines [2][]string
	hunks []hunk.Hunk
}

// replacement takes something away from a line of one side: it returns the line
// with a mark in its place. Two lines that become equal differ in nothing else.
type replacement func(side int, l line) string

// taken stands for what a replacement takes away. No text holds it: a zero byte
// makes a content opaque.
const taken = "\x00"

func newText(p *Pair) *text {
	t := &text{name: path.Base(string(p.Path))}
	t.lines[ours] = strings.Split(string(p.Ours.Content), "\n")
	t.lines[theirs] = strings.Split(string(p.Theirs.Content), "\n")
	ids := make(map[string]int32)
	t.hunks = hunk.Between(number(ids, t.lines[ours]), number(ids, t.lines[theirs]))
	return t
}

// number gives equal lines equal numbers.
func number(ids map[string]int32, lines []string) []int32 {
	out := make([]int32, len(lines))
	for i, l := range lines {
		id, known := ids[l]
		if !known {
			id = int32(len(ids)) //nolint:gosec // MaxLines bounds it
			ids[l] = id
		}
		out[i] = id
	}
	return out
}

// size returns how many lines only they have, and only we.
func (t *text) size() (added, removed int) {
	for _, h := range t.hunks {
		added, removed = added+h.B1-h.B0, removed+h.A1-h.A0
	}
	return added, removed
}

// firstLine returns the number of the first line that differs: up to there the
// lines of both sides are the same.
func (t *text) firstLine() int {
	if len(t.hunks) == 0 {
		return 0
	}
	return t.hunks[0].A0 + 1
}

// side returns the lines of one side of a hunk.
func (t *text) side(h hunk.Hunk, side int) []line {
	from, to := h.A0, h.A1
	if side == theirs {
		from, to = h.B0, h.B1
	}
	lines := make([]line, 0, to-from)
	for i := from; i < to; i++ {
		lines = append(lines, line{i + 1, t.lines[side][i]})
	}
	return lines
}

// without applies replacements to all lines that differ, and returns those that
// still do, and the pairs of lines that do no more.
func (t *text) without(replace ...replacement) (left [2][]line, solved []Evidence) {
	for _, h := range t.hunks {
		sides := [2][]line{t.side(h, ours), t.side(h, theirs)}
		a, b := 0, 0
		same := func(a1, b1 int) {
			for ; a < a1 && b < b1; a, b = a+1, b+1 {
				if x, y := sides[ours][a], sides[theirs][b]; x.text != y.text {
					solved = append(solved, Evidence{Ours: shown(x), Theirs: shown(y)})
				}
			}
		}
		ids := make(map[string]int32)
		for _, inner := range hunk.Between(number(ids, replaceAll(ours, sides[ours], replace)), number(ids, replaceAll(theirs, sides[theirs], replace))) {
			same(inner.A0, inner.B0)
			left[ours] = append(left[ours], sides[ours][inner.A0:inner.A1]...)
			left[theirs] = append(left[theirs], sides[theirs][inner.B0:inner.B1]...)
			a, b = inner.A1, inner.B1
		}
		same(len(sides[ours]), len(sides[theirs]))
	}
	return left, solved
}

// replaceAll applies replacements, one after the other, to lines.
func replaceAll(side int, lines []line, replace []replacement) []string {
	out := make([]string, 0, len(lines))
	for _, l := range lines {
		for _, r := range replace {
			l.text = r(side, l)
		}
		out = append(out, l.text)
	}
	return out
}

// shown is a line as evidence shows it.
func shown(l line) Line { return Line{l.number, cut(l.text)} }

// first returns the first few places of evidence.
func first(all []Evidence) []Evidence { return all[:min(len(all), maxEvidence)] }

// remaining counts lines that are left.
func remaining(left [2][]line) int { return len(left[ours]) + len(left[theirs]) }

// leave sets what differs where everything is taken away at once.
func (d *Difference) leave(t *text, replace []replacement) {
	left, _ := t.without(replace...)
	d.Left = remaining(left)
	for side, lines := range left {
		for _, l := range lines {
			l.text = strings.Clone(l.text) // not to keep the content
			d.changed[side] = append(d.changed[side], l)
		}
	}
}
