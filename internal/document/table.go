package document

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/countermark/countermark/internal/escape"
)

// reader keeps the first of what is wrong with a document.
type reader struct {
	lines    map[string]int // line of each value, by its place
	first    *ParseError    // the first of the problems by line
	optional []string       // the keys that MayLack names
}

// Table is one table of the document. Its methods take values out of it, and
// note what is wrong with them: the caller goes on with a zero value.
type Table struct {
	*reader
	Place  string // where it stands, "" for the document itself
	values map[string]any
	known  []string // the keys that were asked for
}

// KeyPlace names the place of a key's value in the table at a place; that of
// the document is "".
func KeyPlace(place, key string) string { return place + "." + strconv.Quote(key) }

// ItemPlace names the place of an item in the array at a place.
func ItemPlace(place string, i int) string { return place + "[" + strconv.Itoa(i) + "]" }

// mostDetail is the length of the longest sentence of the decoder that is told
// whole.
const mostDetail = 160

// Open reads the document as TOML, of which nothing may lie deeper than MaxDepth. The error is a *ParseError.
func Open(data []byte) (*Table, error) {
	t := &Table{reader: &reader{}}
	err := toml.Unmarshal(data, &t.values)
	if err == nil {
		if t.lines, err = positions(data); err != nil {
			return nil, err
		}
		return t, nil
	}
	line := 1
	var at *toml.DecodeError
	if errors.As(err, &at) {
		line, _ = at.Position()
	}
	detail := escape.Sentence(strings.TrimPrefix(err.Error(), "toml: "))
	if len(detail) > mostDetail { // it holds a key of the document
		detail = escape.Sentence(detail[:mostDetail]) + "…"
	}
	return nil, &ParseError{Line: line, Detail: "this is no TOML: " + detail,
		Hint: "see https://toml.io/en/v1.1.0: a key or table may be given once, text stands in quotes"}
}

// MayLack makes Required take a zero value for these keys where they are
// missing, in the whole document.
func (r *reader) MayLack(keys ...string) { r.optional = append(r.optional, keys...) }

// Line returns the line of a place, or of what it stands in.
func (r *reader) Line(place string) int {
	for ; place != ""; place = place[:max(0, strings.LastIndexAny(place, ".["))] {
		if line, ok := r.lines[place]; ok {
			return line
		}
	}
	return 1
}

// Fail notes what is wrong at a place.
func (r *reader) Fail(place string, err error) {
	p := &ParseError{Line: r.Line(place), Detail: err.Error(), Hint: "see the specification of this file"}
	var known *problem
	if errors.As(err, &known) {
		p.Hint = known.hint
	}
	if r.first == nil || p.Line < r.first.Line {
		r.first = p
	}
}

// First returns the first of the problems by line, nil if there is none.
func (r *reader) First() error {
	if r.first == nil {
		return nil
	}
	return r.first
}

// FailAt notes what is wrong with the value of a key.
func (t *Table) FailAt(key string, err error) { t.Fail(KeyPlace(t.Place, key), err) }

// Take returns the value of a key, nil if it is not there.
func (t *Table) Take(key string) any {
	if !slices.Contains(t.known, key) {
		t.known = append(t.known, key)
	}
	return t.values[key]
}

// TakeAll takes every key: those of a table of which it is not known what it
// is, so that it is this which is told.
func (t *Table) TakeAll() {
	for _, key := range t.Keys() {
		t.Take(key)
	}
}

// Close notes the keys that nobody asked for.
func (t *Table) Close() {
	for _, key := range t.Keys() {
		if !slices.Contains(t.known, key) {
			t.FailAt(key, Wrong("the keys here are: "+strings.Join(t.known, ", "), "the key %s is not known here", Excerpt(key)))
		}
	}
}

// kindOf names the type of a value as TOML does.
func kindOf(value any) string {
	switch value.(type) {
	case string:
		return "a string"
	case int64:
		return "an integer"
	case bool:
		return "a boolean"
	case []any:
		return "an array"
	case map[string]any:
		return "a table"
	case float64:
		return "a float"
	}
	return "a date or time"
}

// hintFor says what to do about the usual mistakes of one kind for another.
func hintFor(want, found string) string {
	switch {
	case want == "an array" && found == "a table":
		return "write the name of a table that may be there several times in two pairs of brackets, [[NAME]]"
	case want == "an array":
		return "write [\"...\", \"...\"], each part in quotes of its own"
	case want == "a string" && found == "a table":
		return "put a key that holds a dot into quotes"
	}
	return "see the specification of this file for what each key holds"
}

// as returns the value as a T.
func as[T any](t *Table, place string, value any) (T, bool) {
	v, ok := value.(T)
	if !ok {
		want, found := kindOf(any(v)), kindOf(value)
		t.Fail(place, Wrong(hintFor(want, found), "expected %s, found %s", want, found))
	}
	return v, ok
}

// parsed parses the text at a place.
func parsed[T any](t *Table, place string, value any, parse func(string) (T, error)) T {
	var none T
	text, ok := as[string](t, place, value)
	if !ok {
		return none
	}
	v, err := parse(text)
	if err != nil {
		t.Fail(place, err)
		return none
	}
	return v
}

// Required parses the text of a key that must be there.
func Required[T any](t *Table, key string, parse func(string) (T, error)) T {
	value := t.Take(key)
	if value == nil {
		var none T
		if slices.Contains(t.optional, key) {
			return none
		}
		t.Fail(t.Place, Wrong("add a line "+key+" = \"...\"", "the key %q is missing", key))
		return none
	}
	return parsed(t, KeyPlace(t.Place, key), value, parse)
}

// Optional parses the text of a key, or returns what its absence means.
func Optional[T any](t *Table, key string, absent T, parse func(string) (T, error)) T {
	value := t.Take(key)
	if value == nil {
		return absent
	}
	return parsed(t, KeyPlace(t.Place, key), value, parse)
}

// List parses an array of texts.
func List[T any](t *Table, key string, parse func(string) (T, error)) []T {
	value := t.Take(key)
	if value == nil {
		return nil
	}
	return Items(t, KeyPlace(t.Place, key), value, parse)
}

// Items parses an array of texts that was taken already.
func Items[T any](t *Table, place string, value any, parse func(string) (T, error)) []T {
	array, _ := as[[]any](t, place, value)
	var all []T
	for i, item := range array {
		all = append(all, parsed(t, ItemPlace(place, i), item, parse))
	}
	return all
}

// Distinct notes the items of an array that occur again.
func Distinct[T any, K comparable](t *Table, key string, all []T, of func(T) K) {
	seen := map[K]bool{}
	for i, item := range all {
		if seen[of(item)] {
			t.Fail(ItemPlace(KeyPlace(t.Place, key), i), Wrong("leave one of them out", "the array %q has the same twice", key))
		}
		seen[of(item)] = true
	}
}

// Integer returns the number of a key, or what its absence means.
func (t *Table) Integer(key string, absent, least, most int64) int64 {
	value := t.Take(key)
	if value == nil {
		return absent
	}
	n, ok := as[int64](t, KeyPlace(t.Place, key), value)
	if ok && (n < least || n > most) {
		t.FailAt(key, Wrong(fmt.Sprintf("write a number from %d to %d", least, most), "the number %d is out of range", n))
	}
	return n
}

// Boolean returns the truth of a key, false if it is absent.
func (t *Table) Boolean(key string) bool {
	value := t.Take(key)
	if value == nil {
		return false
	}
	b, _ := as[bool](t, KeyPlace(t.Place, key), value)
	return b
}

// Table returns the table of a key. One that is absent is empty.
func (t *Table) Table(key string) *Table {
	value := t.Take(key)
	sub := &Table{reader: t.reader, Place: KeyPlace(t.Place, key)}
	if value != nil {
		sub.values, _ = as[map[string]any](t, sub.Place, value)
	}
	return sub
}

// Section returns the table of a key that must be there, nil if it is not.
func (t *Table) Section(key string) *Table {
	if t.Take(key) == nil {
		t.Fail(t.Place, Wrong("add the table "+key, "the table %q is missing", key))
		return nil
	}
	return t.Table(key)
}

// Tables returns the tables of an array.
func (t *Table) Tables(key string) []*Table {
	value := t.Take(key)
	if value == nil {
		return nil
	}
	place := KeyPlace(t.Place, key)
	array, _ := as[[]any](t, place, value)
	var all []*Table
	for i, item := range array {
		sub := &Table{reader: t.reader, Place: ItemPlace(place, i)}
		if sub.values, _ = as[map[string]any](t, sub.Place, item); sub.values != nil {
			all = append(all, sub)
		}
	}
	return all
}

// Keys returns the keys of a table in which any key may stand, sorted.
func (t *Table) Keys() []string {
	var keys []string
	for key := range t.values {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
