package cause

import "bytes"

// hunk is a run of lines that differ: a[a0:a1] here, b[b0:b1] there.
type hunk struct{ a0, a1, b0, b1 int }

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
// the longest common subsequence. The hunks are correct, not always minimal.
type differ struct {
	a, b  []int32
	hunks []hunk
	cells int
}

// hunksOf returns what differs between two sequences.
func hunksOf(a, b []int32) []hunk {
	d := differ{a: a, b: b}
	d.compare(hunk{0, len(a), 0, len(b)}, maxDepth)
	return d.hunks
}

// compare finds the hunks within a run.
func (d *differ) compare(h hunk, depth int) {
	for h.a0 < h.a1 && h.b0 < h.b1 && d.a[h.a0] == d.b[h.b0] {
		h.a0, h.b0 = h.a0+1, h.b0+1
	}
	for h.a0 < h.a1 && h.b0 < h.b1 && d.a[h.a1-1] == d.b[h.b1-1] {
		h.a1, h.b1 = h.a1-1, h.b1-1
	}
	if h.a0 == h.a1 || h.b0 == h.b1 {
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
	at := hunk{a0: h.a0, b0: h.b0}
	for _, anchor := range anchors {
		at.a1, at.b1 = anchor[0], anchor[1]
		d.compare(at, depth-1)
		at.a0, at.b0 = anchor[0]+1, anchor[1]+1
	}
	at.a1, at.b1 = h.a1, h.b1
	d.compare(at, depth-1)
}

// emit adds a hunk, to the one before where they touch.
func (d *differ) emit(h hunk) {
	if h.a0 == h.a1 && h.b0 == h.b1 {
		return
	}
	if n := len(d.hunks); n > 0 && d.hunks[n-1].a1 == h.a0 && d.hunks[n-1].b1 == h.b0 {
		d.hunks[n-1].a1, d.hunks[n-1].b1 = h.a1, h.b1
		return
	}
	d.hunks = append(d.hunks, h)
}

// anchors returns the longest run of lines that occur once in both sides, in
// one order in both.
func (d *differ) anchors(h hunk) [][2]int {
	type seen struct{ inA, inB, a, b int }
	lines := make(map[int32]*seen, h.a1-h.a0)
	for i := h.a0; i < h.a1; i++ {
		if s := lines[d.a[i]]; s != nil {
			s.inA++
		} else {
			lines[d.a[i]] = &seen{inA: 1, a: i}
		}
	}
	for j := h.b0; j < h.b1; j++ {
		if s := lines[d.b[j]]; s != nil {
			s.inB++
			s.b = j
		}
	}
	var pairs [][2]int
	for i := h.a0; i < h.a1; i++ {
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
func (d *differ) subsequence(h hunk) {
	n, m := h.a1-h.a0, h.b1-h.b0
	if n > maxCells/m || d.cells+n*m > maxAllCells {
		d.emit(h)
		return
	}
	d.cells += n * m
	longest := make([]int32, (n+1)*(m+1)) // from i, j on
	for i := n - 1; i >= 0; i-- {
		row, next := longest[i*(m+1):], longest[(i+1)*(m+1):]
		for j := m - 1; j >= 0; j-- {
			if d.a[h.a0+i] == d.b[h.b0+j] {
				row[j] = next[j+1] + 1
			} else {
				row[j] = max(next[j], row[j+1])
			}
		}
	}
	for i, j := 0, 0; i < n || j < m; {
		a, b := h.a0+i, h.b0+j
		switch {
		case i < n && j < m && d.a[a] == d.b[b]:
			i, j = i+1, j+1
		case j == m || i < n && longest[(i+1)*(m+1)+j] >= longest[i*(m+1)+j+1]:
			d.emit(hunk{a, a + 1, b, b})
			i++
		default:
			d.emit(hunk{a, a, b, b + 1})
			j++
		}
	}
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

// countLines returns the number of lines of a text, -1 for what is none.
func countLines(content []byte) int {
	if bytes.IndexByte(content, 0) >= 0 {
		return -1
	}
	return bytes.Count(content, []byte("\n")) + 1
}
