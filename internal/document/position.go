package document

import (
	"cmp"
	"fmt"
	"sort"

	"github.com/pelletier/go-toml/v2/unstable"
)

// index finds the lines of the values of a document. The values themselves
// come from the decoder: were a line wrong, no value would be.
type index struct {
	starts []int // offset of each line
	lines  map[string]int
	arrays map[string]int // how many tables each array of tables has so far
	last   int            // the line of what was noted last
	deep   int            // the first line in which something lies too deep, 0 for none
	values map[string]span
}

// spot is a place, and how many keys and indices lead to it.
type spot struct {
	place string
	depth int
}

// key returns the spot of a key's value, item that of an item. Beyond MaxDepth
// they stay where they are: places hold all that leads to them, so that those
// of a deep document would need memory quadratic in its length.
func (x *index) key(s spot, key *unstable.Node) spot {
	if s.depth == MaxDepth {
		x.deep = cmp.Or(x.deep, x.line(key.Raw))
		return s
	}
	return spot{KeyPlace(s.place, string(key.Data)), s.depth + 1}
}

func (x *index) item(s spot, i int) spot {
	if s.depth == MaxDepth {
		x.deep = cmp.Or(x.deep, x.last)
		return s
	}
	return spot{ItemPlace(s.place, i), s.depth + 1}
}

// positions returns the line of each key and array item of a document, which
// the decoder has accepted, by its place. It fails if something lies deeper
// than MaxDepth.
func positions(data []byte) (map[string]int, error) {
	x := indexOf(data)
	if x.deep > 0 {
		return nil, &ParseError{Line: x.deep, Detail: fmt.Sprintf("a value lies below more than %d keys, tables and arrays", MaxDepth), Hint: "nothing here is nested so deep: see the specification of this file"}
	}
	return x.lines, nil
}

// indexOf finds where in a document its keys and values stand.
func indexOf(data []byte) *index {
	x := &index{starts: []int{0}, lines: map[string]int{}, arrays: map[string]int{}, values: map[string]span{}, last: 1}
	for i, c := range data {
		if c == '\n' {
			x.starts = append(x.starts, i+1)
		}
	}
	var p unstable.Parser
	p.Reset(data)
	current := spot{}
	for p.NextExpression() {
		switch e := p.Expression(); e.Kind {
		case unstable.Table, unstable.ArrayTable:
			current = x.header(e)
		case unstable.KeyValue:
			x.keyValue(current, e, false)
		}
	}
	return x
}

func (x *index) line(raw unstable.Range) int { return sort.SearchInts(x.starts, int(raw.Offset)+1) }

// note keeps the line of a place, unless it has one.
func (x *index) note(s spot, raw unstable.Range) {
	if raw.Length == 0 {
		return
	}
	x.last = x.line(raw)
	if _, noted := x.lines[s.place]; !noted {
		x.lines[s.place] = x.last
	}
}

// header returns the spot of the table that a header opens.
func (x *index) header(e *unstable.Node) spot {
	s := spot{}
	for it := e.Key(); it.Next(); {
		s = x.key(s, it.Node())
		x.note(s, it.Node().Raw)
		if e.Kind == unstable.ArrayTable && it.IsLast() {
			x.arrays[s.place]++
		}
		if n := x.arrays[s.place]; n > 0 {
			s = x.item(s, n-1)
			x.note(s, it.Node().Raw)
		}
	}
	return s
}

// keyValue notes the lines of a key and of what its value holds. A key of an
// inline table is inline.
func (x *index) keyValue(s spot, e *unstable.Node, inline bool) {
	for it := e.Key(); it.Next(); {
		s = x.key(s, it.Node())
		x.note(s, it.Node().Raw)
	}
	if e.Value().Raw.Length > 0 {
		x.values[s.place] = spanOf(e, inline)
	}
	x.value(s, e.Value())
}

// value notes the lines of what a value holds.
func (x *index) value(s spot, v *unstable.Node) {
	i := 0
	for it := v.Children(); it.Next(); {
		switch child := it.Node(); {
		case child.Kind == unstable.KeyValue:
			x.keyValue(s, child, true)
		case v.Kind == unstable.Array:
			item := x.item(s, i)
			x.note(item, child.Raw)
			x.value(item, child)
			i++
		}
	}
}
