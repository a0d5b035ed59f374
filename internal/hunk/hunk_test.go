package hunk_test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/hunk"
	"github.com/countermark/countermark/internal/testkit"
	"pgregory.net/rapid"
)

// check holds hunks to what they say: outside them both sequences are the same,
// each lies behind the one before with something between, and none is empty or
// begins or ends with what is the same. It returns how many lines they hold.
func check(t interface{ Fatalf(string, ...any) }, a, b []int32) int {
	lines := 0
	var last hunk.Hunk
	hunks := hunk.Between(a, b)
	for i, h := range append(hunks, hunk.Hunk{A0: len(a), A1: len(a), B0: len(b), B1: len(b)}) {
		if h.A0 > h.A1 || h.B0 > h.B1 || h.A0 < last.A1 || h.B0 < last.B1 || !slices.Equal(a[last.A1:h.A0], b[last.B1:h.B0]) {
			t.Fatalf("%v against %v: hunk %d of %v: what is before it differs", a, b, i, hunks)
		}
		if i < len(hunks) && (h.A0 == h.A1 && h.B0 == h.B1 || i > 0 && h.A0 == last.A1) {
			t.Fatalf("%v against %v: hunk %d of %v is empty, or touches the one before", a, b, i, hunks)
		}
		lines += h.A1 - h.A0 + h.B1 - h.B0
		last = h
	}
	return lines
}

func TestBetween(t *testing.T) {
	for _, c := range []struct {
		a, b  []int32
		hunks []hunk.Hunk
	}{
		{nil, nil, nil},
		{[]int32{1, 2}, []int32{1, 2}, nil},
		{nil, []int32{1}, []hunk.Hunk{{A0: 0, A1: 0, B0: 0, B1: 1}}},
		{[]int32{1, 2, 3}, []int32{1, 3}, []hunk.Hunk{{A0: 1, A1: 2, B0: 1, B1: 1}}},
		{[]int32{1, 2, 3, 4, 5}, []int32{1, 9, 3, 4, 8}, []hunk.Hunk{{A0: 1, A1: 2, B0: 1, B1: 2}, {A0: 4, A1: 5, B0: 4, B1: 5}}},
		{[]int32{7, 7, 1, 7, 7}, []int32{7, 1, 7, 7, 7}, []hunk.Hunk{{A0: 1, A1: 2, B0: 1, B1: 1}, {A0: 3, A1: 3, B0: 2, B1: 3}}}, // at what is unique
		{[]int32{7, 8, 7, 8}, []int32{8, 7, 8, 7}, []hunk.Hunk{{A0: 0, A1: 1, B0: 0, B1: 0}, {A0: 4, A1: 4, B0: 3, B1: 4}}},       // nothing is unique
	} {
		if got := hunk.Between(c.a, c.b); !slices.Equal(got, c.hunks) {
			t.Errorf("%v against %v: %v; want %v", c.a, c.b, got, c.hunks)
		}
	}
}

// TestShortest: where no line is unique, the hunks are as short as can be.
func TestShortest(t *testing.T) {
	a, b := []int32{7, 7, 8, 8, 9, 9}, []int32{8, 8, 7, 7, 8, 8, 6, 6}
	if got := check(t, a, b); got != 6 {
		t.Errorf("%d lines differ, want 6", got)
	}
}

// TestLarge: long runs without a unique line end in time, and differ as a whole.
func TestLarge(t *testing.T) {
	a, b := make([]int32, 100_000), make([]int32, 100_000)
	for i := range a {
		a[i], b[i] = int32(i%7), int32(10+i%7)
	}
	if got := hunk.Between(a, b); len(got) != 1 || got[0] != (hunk.Hunk{A1: len(a), B1: len(b)}) {
		t.Errorf("%d hunks, the first %v", len(got), got[0])
	}
	for i := range a { // unique lines in the reverse order, each between others that are not
		a[i], b[i] = int32(i/2+1), int32((len(b)-i)/2+1)
	}
	check(t, a, b)
}

// TestAny: whatever differs, the hunks hold what they say; and where lines are
// unique in a small sequence, they are those of diff's shortest script.
func TestAny(t *testing.T) {
	program := testkit.Program(t, "diff")
	dir, equal, cases := t.TempDir(), 0, 0
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.Int32Range(0, 12)
		a, b := rapid.SliceOfN(line, 0, 24).Draw(t, "a"), rapid.SliceOfN(line, 0, 24).Draw(t, "b")
		check(t, a, b)
	})
	rapid.Check(t, func(rt *rapid.T) {
		if cases == 100 {
			return
		}
		cases++
		a := rapid.SliceOfNDistinct(rapid.Int32Range(0, 40), 1, 20, rapid.ID).Draw(rt, "a")
		b := slices.Clone(a)
		for range rapid.IntRange(0, 4).Draw(rt, "edits") {
			at := rapid.IntRange(0, len(b)).Draw(rt, "at")
			b = slices.Insert(b, at, 100+rapid.Int32Range(0, 40).Draw(rt, "line"))
		}
		out, _ := exec.Command(program, "-d", write(t, dir, "a", a), write(t, dir, "b", b)).Output() // exits with 1 where they differ
		want := strings.Count("\n"+string(out), "\n<") + strings.Count("\n"+string(out), "\n>")
		if got := check(rt, a, b); got != want {
			rt.Fatalf("%v against %v: %d lines differ, to diff %d", a, b, got, want)
		}
		equal++
	})
	if equal == 0 && !testing.Short() {
		t.Error("nothing was compared with diff")
	}
}

// write writes a sequence as lines of a file.
func write(t *testing.T, dir, name string, lines []int32) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(strconv.Itoa(int(l)) + "\n")
	}
	return testkit.Write(t, filepath.Join(dir, name), b.String())
}
