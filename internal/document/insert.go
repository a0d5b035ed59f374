package document

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/pelletier/go-toml/v2/unstable"
)

// Insertion is a key with a text that a table is to get.
type Insertion struct {
	After string // place of the value that it is written after, in the same table
	Key   string // a bare key
	Value string // printable ASCII without quotes and backslashes
}

// Insert returns the document with more keys, each on a line of its own after
// that of the value named, in an inline table right after it; every other byte
// is as it was. The error is a *ParseError if the document is no TOML, or says
// that a place has no value, or that the result would be no TOML.
func Insert(data []byte, all []Insertion) ([]byte, error) {
	if _, err := Open(data); err != nil {
		return nil, err
	}
	x := indexOf(data)
	var edits []edit
	for _, i := range all {
		at, known := x.values[i.After]
		if !known {
			return nil, fmt.Errorf("inserting %q: there is no value at %s", i.Key, i.After)
		}
		edits = append(edits, at.edit(data, i))
	}
	slices.SortStableFunc(edits, func(a, b edit) int { return cmp.Compare(a.at, b.at) })
	var out []byte
	done := 0
	for _, e := range edits {
		out = append(append(out, data[done:e.at]...), e.text...)
		done = e.at
	}
	out = append(out, data[done:]...)
	if _, err := Open(out); err != nil {
		return nil, fmt.Errorf("inserting into the document: %w", err)
	}
	return out, nil
}

// edit is text that comes before the byte at an offset.
type edit struct {
	at   int
	text string
}

// span says where in the text a key and its value stand.
type span struct {
	key    int // offset of the key, with the tables that it names before its last part
	last   int // offset of the last part
	end    int // offset after the value
	inline bool
}

// spanOf returns where a key and a text, number or the like stand.
func spanOf(e *unstable.Node, inline bool) span {
	s := span{key: -1, inline: inline}
	for it := e.Key(); it.Next(); {
		s.last = int(it.Node().Raw.Offset)
		if s.key < 0 {
			s.key = s.last
		}
	}
	raw := e.Value().Raw
	s.end = int(raw.Offset + raw.Length)
	return s
}

func (s span) edit(data []byte, i Insertion) edit {
	text := string(data[s.key:s.last]) + i.Key + " = " + strconv.Quote(i.Value)
	if s.inline {
		return edit{at: s.end, text: ", " + text}
	}
	begin := bytes.LastIndexByte(data[:s.key], '\n') + 1
	newline := bytes.IndexByte(data[s.end:], '\n')
	if newline < 0 {
		return edit{at: len(data), text: "\n" + string(data[begin:s.key]) + text}
	}
	end := "\n"
	if at := s.end + newline; data[at-1] == '\r' {
		end = "\r\n"
	}
	return edit{at: s.end + newline + 1, text: string(data[begin:s.key]) + text + end}
}
