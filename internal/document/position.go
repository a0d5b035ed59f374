package document

import (
	"sort"

	"github.com/pelletier/go-toml/v2/unstable"
)

// index finds the lines of the values of a document. The values themselves
// come from the decoder: were a line wrong, no value would be.
type index struct {
	starts []int // offset of each line
	lines  map[string]int
	arrays map[string]int // how many tables each array of tables has so far
}

// positions returns the line of each key and array item of a document, which
// the decoder has accepted, by its place.
func positions(data []byte) map[string]int {
	x := &index{starts: []int{0}, lines: map[string]int{}, arrays: map[string]int{}}
	for i, c := range data {
		if c == '\n' {
			x.starts = append(x.starts, i+1)
		}
	}
	var p unstable.Parser
	p.Reset(data)
	current := ""
	for p.NextExpression() {
		switch e := p.Expression(); e.Kind {
		case unstable.Table, unstable.ArrayTable:
			current = x.header(e)
		case unstable.KeyValue:
			x.keyValue(current, e)
		}
	}
	return x.lines
}

// note keeps the line of a place, unless it has one.
func (x *index) note(place string, raw unstable.Range) {
	if _, noted := x.lines[place]; !noted && raw.Length > 0 {
		x.lines[place] = sort.SearchInts(x.starts, int(raw.Offset)+1)
	}
}

// header returns the place of the table that a header opens.
func (x *index) header(e *unstable.Node) string {
	place := ""
	for it := e.Key(); it.Next(); {
		place = KeyPlace(place, string(it.Node().Data))
		x.note(place, it.Node().Raw)
		if e.Kind == unstable.ArrayTable && it.IsLast() {
			x.arrays[place]++
		}
		if n := x.arrays[place]; n > 0 {
			place = ItemPlace(place, n-1)
			x.note(place, it.Node().Raw)
		}
	}
	return place
}

func (x *index) keyValue(place string, e *unstable.Node) {
	for it := e.Key(); it.Next(); {
		place = KeyPlace(place, string(it.Node().Data))
		x.note(place, it.Node().Raw)
	}
	x.value(place, e.Value())
}

// value notes the lines of what a value holds.
func (x *index) value(place string, v *unstable.Node) {
	i := 0
	for it := v.Children(); it.Next(); {
		switch child := it.Node(); {
		case child.Kind == unstable.KeyValue:
			x.keyValue(place, child)
		case v.Kind == unstable.Array:
			x.note(ItemPlace(place, i), child.Raw)
			x.value(ItemPlace(place, i), child)
			i++
		}
	}
}
