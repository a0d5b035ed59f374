package progress

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// show returns what a line writes for s on a terminal of that many columns,
// after its first second.
func show(columns int, s string) string {
	var out strings.Builder
	l := &Line{w: &out, columns: func() int { return columns }, started: time.Now().Add(-2 * showAfter)}
	l.Text(s)
	return out.String()
}

func TestLineFitsTheTerminal(t *testing.T) {
	long := strings.Repeat("é", 200)
	for columns, want := range map[int]int{
		0:   maxColumns, // unknown
		20:  19,
		60:  59,
		79:  78,
		80:  maxColumns,
		200: maxColumns,
	} {
		text, erased := strings.CutPrefix(show(columns, long), "\r\x1b[K")
		if !erased || utf8.RuneCountInString(text) != want {
			t.Errorf("%d columns: %q has %d columns after the erasure, want %d", columns, text, utf8.RuneCountInString(text), want)
		}
	}
}

func TestLineEscapes(t *testing.T) {
	text, _ := strings.CutPrefix(show(80, "remote: \x1b[2Jgone\nnext"), "\r\x1b[K")
	if strings.ContainsAny(text, "\x1b\n\r") || !strings.Contains(text, "remote: ") {
		t.Errorf("wrote %q", text)
	}
}

func TestShortStepsShowNothing(t *testing.T) {
	var out strings.Builder
	l := &Line{w: &out, columns: func() int { return 80 }, started: time.Now()}
	l.Text("one")
	l.Bytes("two", 1, 2)
	l.Clear()
	if out.Len() > 0 {
		t.Errorf("wrote %q within the first second", out.String())
	}
}

// Clear removes the line, and the next step begins its own second.
func TestClear(t *testing.T) {
	var out strings.Builder
	l := &Line{w: &out, columns: func() int { return 80 }, started: time.Now().Add(-2 * showAfter)}
	l.Bytes("reading", 1, 2)
	if want := "\r\x1b[Kreading [============            ]  50% of 0.0 MB"; out.String() != want {
		t.Errorf("wrote %q, want %q", out.String(), want)
	}
	out.Reset()
	l.Clear()
	l.Text("the next step")
	if want := "\r\x1b[K"; out.String() != want {
		t.Errorf("wrote %q, want %q", out.String(), want)
	}
}

func TestNoTerminal(t *testing.T) {
	l := New(&strings.Builder{})
	if l != nil {
		t.Fatalf("made a line for a writer that is no terminal")
	}
	l.Bytes("reading", 1, 2) // a nil line shows nothing, and does not fail
	l.Text("x")
	l.Clear()
}
