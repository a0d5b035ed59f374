package report_test

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/compare"
	"github.com/countermark/countermark/internal/endorsement"
	"github.com/countermark/countermark/internal/provenance"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/signature"
)

const specification = "../../docs/spec/report.md"

// field is one field of the document, in Go's words or the specification's.
type field struct {
	name   string
	kind   string // number, string, boolean, object, array, array of strings, string or null
	always bool
}

// documentFields walks the document's types and returns the fields of each.
func documentFields(t *testing.T, of reflect.Type, found map[string][]field) {
	t.Helper()
	if found[of.Name()] != nil {
		return
	}
	for i := range of.NumField() {
		f := of.Field(i)
		if !f.IsExported() {
			continue
		}
		tag, ok := f.Tag.Lookup("json")
		name, options, _ := strings.Cut(tag, ",")
		if !ok || name == "" || options != "" && options != "omitempty" {
			t.Errorf("%s.%s has no plain JSON name", of.Name(), f.Name)
		}
		found[of.Name()] = append(found[of.Name()], field{name, kindOf(f.Type), options == ""})
		inner := f.Type
		for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice {
			inner = inner.Elem()
		}
		if inner.Kind() == reflect.Struct {
			documentFields(t, inner, found)
		}
	}
}

func kindOf(of reflect.Type) string {
	switch of.Kind() {
	case reflect.Int, reflect.Int64:
		return "number"
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Slice:
		if of.Elem().Kind() == reflect.String {
			return "array of strings"
		}
		return "array"
	case reflect.Pointer:
		if of.Elem().Kind() == reflect.String {
			return "string or null"
		}
		return "object"
	}
	return of.String()
}

// specifiedFields reads the tables below the "###" headings that have a
// "field" column.
func specifiedFields(t *testing.T) map[string][]field {
	t.Helper()
	text, err := os.ReadFile(specification)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string][]field)
	heading, inTable := "", false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case strings.HasPrefix(line, "#"):
			heading = strings.TrimLeft(line, "# ")
		case !strings.HasPrefix(line, "|"):
			inTable = false
		case cells[0] == "field":
			inTable = true
		case inTable && !strings.HasPrefix(cells[0], "---"):
			found[heading] = append(found[heading], field{strings.Trim(cells[0], "`"), cells[1], cells[2] == "yes"})
		}
	}
	return found
}

// TestSchemaIsSpecified: the document's fields are those of the specification,
// in the same order, with the same types.
func TestSchemaIsSpecified(t *testing.T) {
	code := make(map[string][]field)
	documentFields(t, reflect.TypeFor[report.Document](), code)
	written := specifiedFields(t)
	if len(code) < 10 || len(written) < 10 {
		t.Fatalf("%d types in the code, %d in the specification", len(code), len(written))
	}
	for name := range code {
		if !slices.Equal(code[name], written[name]) {
			t.Errorf("%s\nin the code:          %v\nin the specification: %v", name, code[name], written[name])
		}
	}
	for name := range written {
		if code[name] == nil {
			t.Errorf("the specification has %s, the document has not", name)
		}
	}
}

// TestWordsAreSpecified: every class, verdict, label, kind of change and code is
// in the specification.
func TestWordsAreSpecified(t *testing.T) {
	text, err := os.ReadFile(specification)
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, c := range compare.Classes() {
		words = append(words, c.String())
	}
	for v := compare.IdenticalTree; v <= compare.Differs; v++ {
		words = append(words, v.String())
	}
	for _, l := range provenance.Labels() {
		words = append(words, l.String())
	}
	for _, c := range provenance.Changes() {
		words = append(words, c.String())
	}
	for _, c := range []report.Code{report.Verified, report.Failed, report.Rejected, report.Usage, report.Internal, report.NotComplete} {
		words = append(words, string(c))
	}
	words = append(words, report.SignaturesFail, endorsement.NotSigned)
	for s := signature.Good; s <= signature.Bad; s++ {
		words = append(words, s.String())
	}
	for o := endorsement.Tag; o <= endorsement.Tar; o++ {
		words = append(words, o.String())
	}
	for a := endorsement.SameKey; a <= endorsement.AnotherKey; a++ {
		words = append(words, a.String())
	}
	for a := endorsement.CommitAlone; a <= endorsement.SignedBoth; a++ {
		words = append(words, a.String())
	}
	for _, w := range words {
		if !strings.Contains(string(text), "| `"+w+"` |") {
			t.Errorf("no table of the specification has %q", w)
		}
	}
}

// TestRefusalExample: the example in the specification is what is printed.
func TestRefusalExample(t *testing.T) {
	text, err := os.ReadFile(specification)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```json\n")
	example, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("the specification has no example")
	}
	r := refusal.New(refusal.NameDup, "the name occurs twice, also at byte 512").At(1536, "configure")
	failure := report.FailureOf(r, report.Internal)
	failure.File = "example-1.0.tar.gz"
	got := report.FailureDocument(failure, nil).JSON()
	if string(got) != example {
		t.Errorf("got\n%s\nwant\n%s", got, example)
	}
	var back report.Document
	if err := json.Unmarshal(got, &back); err != nil || back.Refused == nil || back.Refused.Rule != "NAME_DUP" {
		t.Errorf("read back: %v, %+v", err, back)
	}
}
