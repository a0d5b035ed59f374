// Package hunk finds the runs in which two sequences of lines differ. Lines are
// given as numbers, equal ones for equal lines.
package hunk

// Hunk is a run that differs: a[A0:A1] of one sequence stands where b[B0:B1] of
// the other does. One of both may be empty.
type Hunk struct{ A0, A1, B0, B1 int }

const (
	// maxDepth bounds how often a run is divided at lines that are unique in it.
	maxDepth = 24
	// maxCells bounds the table of a run that has no such line, and all tables
	// together: a run of 1,000 lines against 1,000. Larger ones differ as a whole.
	maxCells    = 1 << 20
	maxAllCells = 1 << 26
)

// differ finds the hunks between two sequences by Bram Cohen's patience
// difference: it divides them at lines that occur once in both, and at last by
// the longest common subsequence.
type differ struct {
	a, b  []int32
	hunks []Hunk
	cells int
}

// Between returns the hunks of two sequences, in order, none touching the next:
// what is not in them is the same in both. They are not always as few or as
// short as can be. It takes memory in proportion to the lines, and to maxCells.
func Between(a, b []int32) []Hunk {
	d := differ{a: a, b: b}
	d.compare(Hunk{0, len(a), 0, len(b)}, maxDepth)
	return d.hunks
}

// compare finds the hunks within a run.
func (d *differ) compare(h Hunk, depth int) {
	for h.A0 < h.A1 && h.B0 < h.B1 && d.a[h.A0] == d.b[h.B0] {
		h.A0, h.B0 = h.A0+1, h.B0+1
	}
	for h.A0 < h.A1 && h.B0 < h.B1 && d.a[h.A1-1] == d.b[h.B1-1] {
		h.A1, h.B1 = h.A1-1, h.B1-1
	}
	if h.A0 == h.A1 || h.B0 == h.B1 {
		d.emit(h)
		return
	}
	var anchors [][2]int
	if depth > 0 {
		anchors = d.anchors(h)
	}
	if len(anchors) == 0 {
		d.subsequence(h)
		return
	}
	at := Hunk{A0: h.A0, B0: h.B0}
	for _, anchor := range anchors {
		at.A1, at.B1 = anchor[0], anchor[1]
		d.compare(at, depth-1)
		at.A0, at.B0 = anchor[0]+1, anchor[1]+1
	}
	at.A1, at.B1 = h.A1, h.B1
	d.compare(at, depth-1)
}

// emit adds a hunk, to the one before where they touch.
func (d *differ) emit(h Hunk) {
	if h.A0 == h.A1 && h.B0 == h.B1 {
		return
	}
	if n := len(d.hunks); n > 0 && d.hunks[n-1].A1 == h.A0 && d.hunks[n-1].B1 == h.B0 {
		d.hunks[n-1].A1, d.hunks[n-1].B1 = h.A1, h.B1
		return
	}
	d.hunks = append(d.hunks, h)
}

// anchors returns the longest run of lines that occur once in both sides, in
// one order in both.
func (d *differ) anchors(h Hunk) [][2]int {
	type seen struct{ inA, inB, a, b int }
	lines := make(map[int32]*seen, h.A1-h.A0)
	for i := h.A0; i < h.A1; i++ {
		if s := lines[d.a[i]]; s != nil {
			s.inA++
		} else {
			lines[d.a[i]] = &seen{inA: 1, a: i}
		}
	}
	for j := h.B0; j < h.B1; j++ {
		if s := lines[d.b[j]]; s != nil {
			s.inB++
			s.b = j
		}
	}
	var pairs [][2]int
	for i := h.A0; i < h.A1; i++ {
		if s := lines[d.a[i]]; s.inA == 1 && s.inB == 1 {
			pairs = append(pairs, [2]int{i, s.b})
		}
	}
	return rising(pairs)
}

// rising returns the longest subsequence of pairs whose second parts rise (C.
// Schensted, 1961).
func rising(pairs [][2]int) [][2]int {
	var ends []int // the pair with the least second part that ends a run of each length
	before := make([]int, len(pairs))
	for i, p := range pairs {
		low, high := 0, len(ends)
		for low < high {
			if mid := (low + high) / 2; pairs[ends[mid]][1] < p[1] {
				low = mid + 1
			} else {
				high = mid
			}
		}
		before[i] = -1
		if low > 0 {
			before[i] = ends[low-1]
		}
		if low == len(ends) {
			ends = append(ends, i)
		} else {
			ends[low] = i
		}
	}
	run := make([][2]int, len(ends))
	if len(ends) == 0 {
		return nil
	}
	for i, at := len(ends)-1, ends[len(ends)-1]; i >= 0; i, at = i-1, before[at] {
		run[i] = pairs[at]
	}
	return run
}

// subsequence finds the hunks of a run by the longest common subsequence.
func (d *differ) subsequence(h Hunk) {
	n, m := h.A1-h.A0, h.B1-h.B0
	if n > maxCells/m || d.cells+n*m > maxAllCells {
		d.emit(h)
		return
	}
	d.cells += n * m
	longest := make([]int32, (n+1)*(m+1)) // from i, j on
	for i := n - 1; i >= 0; i-- {
		row, next := longest[i*(m+1):], longest[(i+1)*(m+1):]
		for j := m - 1; j >= 0; j-- {
			if d.a[h.A0+i] == d.b[h.B0+j] {
				row[j] = next[j+1] + 1
			} else {
				row[j] = max(next[j], row[j+1])
			}
		}
	}
	for i, j := 0, 0; i < n || j < m; {
		a, b := h.A0+i, h.B0+j
		switch {
		case i < n && j < m && d.a[a] == d.b[b]:
			i, j = i+1, j+1
		case j == m || i < n && longest[(i+1)*(m+1)+j] >= longest[i*(m+1)+j+1]:
			d.emit(Hunk{a, a + 1, b, b})
			i++
		default:
			d.emit(Hunk{a, a, b, b + 1})
			j++
		}
	}
}
