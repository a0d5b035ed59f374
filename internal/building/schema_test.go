package building

import (
	"encoding"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/building/finding"
	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/cause"
	"github.com/countermark/countermark/internal/reproduction"
)

const specification = "../../docs/spec/build-record.md"

// specified is one field, in Go's words or the specification's.
type specified struct {
	name, kind string // string, number, boolean, object, array, array of strings
	always     bool
}

// titles are the headings of types that are not headed by their own name.
var titles = map[string]string{"document": "Build", "rebuildDocument": "Rebuild"}

func titleOf(of reflect.Type) string {
	if title, ok := titles[of.Name()]; ok {
		return title
	}
	name := strings.TrimSuffix(of.Name(), "JSON")
	return strings.ToUpper(name[:1]) + name[1:]
}

// collect returns the fields of a type and of those in it, by their headings.
func collect(t *testing.T, of reflect.Type, found map[string][]specified) {
	t.Helper()
	title := titleOf(of)
	if found[title] != nil {
		return
	}
	for i := range of.NumField() {
		f := of.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || options != "" && options != "omitempty" {
			t.Errorf("%s.%s has no plain JSON name", of.Name(), f.Name)
		}
		found[title] = append(found[title], specified{name, kindOf(f.Type), options == ""})
		inner := f.Type
		for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice || inner.Kind() == reflect.Map {
			inner = inner.Elem()
		}
		if kindOf(inner) == "object" {
			collect(t, inner, found)
		}
	}
}

func kindOf(of reflect.Type) string {
	switch {
	case of.Kind() == reflect.Pointer:
		return kindOf(of.Elem())
	case of.Implements(reflect.TypeFor[encoding.TextMarshaler]()), of.Kind() == reflect.String:
		return "string"
	case of.Kind() == reflect.Slice && kindOf(of.Elem()) == "string":
		return "array of strings"
	case of.Kind() == reflect.Slice:
		return "array"
	case of.Kind() == reflect.Struct, of.Kind() == reflect.Map:
		return "object"
	case of.Kind() == reflect.Bool:
		return "boolean"
	case of.Kind() == reflect.Int, of.Kind() == reflect.Int64:
		return "number"
	}
	return of.String()
}

var number = regexp.MustCompile(`^[0-9.]+ `)

// readTables returns the tables of fields below each heading. A table without a
// column "always" is of the record, where every field is always there.
func readTables(t *testing.T) map[string][]specified {
	t.Helper()
	text, err := os.ReadFile(specification)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string][]specified)
	title, columns := "", 0
	before, _, ok := strings.Cut(string(text), "\n## 5. ") // which is another package's
	if !ok {
		t.Fatal("the specification has no section 5")
	}
	for line := range strings.Lines(before) {
		line = strings.TrimSpace(line)
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case strings.HasPrefix(line, "#"):
			title = number.ReplaceAllString(strings.TrimLeft(line, "# "), "")
		case !strings.HasPrefix(line, "|"):
			columns = 0
		case cells[0] == "field":
			columns = len(cells)
		case columns > 0 && !strings.HasPrefix(cells[0], "---"):
			found[title] = append(found[title], specified{strings.Trim(cells[0], "`"), cells[1], columns == 3 || cells[2] == "yes"})
		}
	}
	return found
}

// TestFieldsAreSpecified: the fields of the record and of both documents are
// those of the specification, in the same order, with the same types.
func TestFieldsAreSpecified(t *testing.T) {
	code := make(map[string][]specified)
	for _, of := range []reflect.Type{reflect.TypeFor[buildrecord.Record](), reflect.TypeFor[document](), reflect.TypeFor[rebuildDocument]()} {
		collect(t, of, code)
	}
	written := readTables(t)
	if len(code) < 20 || len(written) < 20 {
		t.Fatalf("%d types in the code, %d in the specification", len(code), len(written))
	}
	for title := range code {
		if !slices.Equal(code[title], written[title]) {
			t.Errorf("%s\nin the code:          %v\nin the specification: %v", title, code[title], written[title])
		}
	}
	for title := range written {
		if code[title] == nil {
			t.Errorf("the specification has %s, the code has not", title)
		}
	}
}

// TestWordsAreSpecified: every rule, class and kind of cause is in a table of the
// specification.
func TestWordsAreSpecified(t *testing.T) {
	text, err := os.ReadFile(specification)
	if err != nil {
		t.Fatal(err)
	}
	words := []string{string(finding.Dirty), string(finding.Network), string(finding.Limit), string(finding.StepFails), string(finding.Archive), string(finding.Candidate)}
	for _, c := range reproduction.Classes() {
		words = append(words, c.String())
	}
	for k := cause.ToolFile; k <= cause.Unknown; k++ {
		words = append(words, k.String())
	}
	for _, w := range words {
		if !strings.Contains(string(text), "| `"+w+"` |") {
			t.Errorf("no table of the specification has %q", w)
		}
	}
}

// TestLimitIsSpecified: the specification has the largest size of a record.
func TestLimitIsSpecified(t *testing.T) {
	text, err := os.ReadFile(specification)
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`UTF-8 of at most ([0-9]+) bytes`).FindStringSubmatch(string(text))
	if m == nil || m[1] != "67108864" || buildrecord.MaxBytes != 67108864 {
		t.Errorf("the specification has the limit %q, the code %d", m, buildrecord.MaxBytes)
	}
}

// TestExampleIsARecord: the example of the specification is a record, to the byte.
func TestExampleIsARecord(t *testing.T) {
	text, err := os.ReadFile(specification)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```json\n")
	example, _, _ := strings.Cut(rest, "```\n")
	r, err := buildrecord.Parse([]byte(example))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Filtered) == 0 || len(r.Steps) == 0 || len(r.Archives) == 0 {
		t.Errorf("the example shows too little: %+v", r)
	}
}
