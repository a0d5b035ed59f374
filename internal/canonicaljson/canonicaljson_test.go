package canonicaljson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/countermark/countermark/internal/canonicaljson"
	"github.com/countermark/countermark/internal/refusal"
)

// RFC 8785, sections 3.2.2 and 3.2.3, without the numbers that are no integers.
func TestEncode(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"literals", `{"literals": [null, true, false]}`, `{"literals":[null,true,false]}`},
		{"strings", `{"string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/"}`, "{\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"},
		{"keys", `{"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\ud83d\ude00": 5, "\u0080": 6, "\u00f6": 7}`,
			"{\"\\r\":2,\"1\":4,\"\u0080\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\ufb33\":3}"},
		{"controls", `"\b\t\n\f\r\u0000\u001f\u007f\u2028"`, "\"\\b\\t\\n\\f\\r\\u0000\\u001f\u007f\u2028\""},
		{"integers", `[0,-1,9007199254740991,-9007199254740991]`, `[0,-1,9007199254740991,-9007199254740991]`},
		{"empty", " { } ", "{}"},
		{"empty array", "\t[\r\n]", "[]"},
		{"a key that is a prefix", `{"ab":1,"a":2,"":3}`, `{"":3,"a":2,"ab":1}`},
	} {
		value, err := canonicaljson.Parse([]byte(c.in))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := string(canonicaljson.Encode(value)); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestEncodeRefusesOtherTypes(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a float was written")
		}
	}()
	canonicaljson.Encode(canonicaljson.Array{1.5})
}

func TestParseRefuses(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, c := range []struct {
		name, in string
		offset   int64
	}{
		{"nothing", "", 0},
		{"white space", " ", 1},
		{"two values", "1 2", 2},
		{"trailing bytes", "{}x", 2},
		{"a NUL behind", "{}\x00", 2},
		{"a byte order mark", "\ufeff{}", 0},
		{"another white space", "\v1", 0},
		{"a comment", "/**/1", 0},
		{"doubled key", `{"a":1,"a":1}`, 7},
		{"doubled key, escaped", `{"a":1,"\u0061":1}`, 7},
		{"key without quotation marks", `{a:1}`, 1},
		{"no colon", `{"a" 1}`, 5},
		{"comma at the end", `{"a":1,}`, 7},
		{"comma at the end of an array", `[1,]`, 3},
		{"no comma", `[1 1]`, 3},
		{"no end of an object", `{"a":1`, 6},
		{"no end of an array", `[`, 1},
		{"no end of a string", `"a`, 2},
		{"a string that ends in a backslash", `"\`, 1},
		{"control character", "\"a\nb\"", 2},
		{"bad UTF-8", "\"\xff\"", 1},
		{"overlong UTF-8", "\"\xc0\x80\"", 1},
		{"a surrogate in UTF-8", "\"\xed\xa0\x80\"", 1},
		{"high surrogate alone", `"\ud800"`, 1},
		{"low surrogate alone", `"\udc00"`, 1},
		{"surrogates the wrong way round", `"\udc00\ud800"`, 1},
		{"high surrogate before a character", `"\ud800\u0041"`, 1},
		{"unknown escape", `"\x41"`, 1},
		{"short escape", `"\u004"`, 1},
		{"escape with a sign", `"\u+041"`, 1},
		{"fraction", "1.0", 0},
		{"exponent", "1e3", 0},
		{"capital exponent", "1E3", 0},
		{"zero before", "01", 0},
		{"minus zero", "-0", 0},
		{"plus", "+1", 0},
		{"minus alone", "-", 0},
		{"too large", "9007199254740992", 0},
		{"too small", "-9007199254740992", 0},
		{"far too large", "99999999999999999999999", 0},
		{"not a number", "NaN", 0},
		{"infinity", "-Infinity", 0},
		{"capitals", "True", 0},
		{"half a word", "nul", 0},
		{"single quotation marks", "'a'", 0},
	} {
		var r *refusal.Refusal
		if _, err := canonicaljson.Parse([]byte(c.in)); !errors.As(err, &r) || r.Rule != refusal.JSONFormat || r.Offset != c.offset {
			t.Errorf("%s: %v, want %s at byte %d", c.name, err, refusal.JSONFormat, c.offset)
		}
	}
	if _, err := canonicaljson.Parse([]byte(deep(canonicaljson.MaxDepth))); err != nil {
		t.Errorf("the deepest value: %v", err)
	}
	var r *refusal.Refusal
	if _, err := canonicaljson.Parse([]byte(deep(canonicaljson.MaxDepth + 2))); !errors.As(err, &r) || r.Rule != refusal.JSONLimit {
		t.Errorf("too deep: %v", err)
	}
}

func TestMembers(t *testing.T) {
	const text = `{"text":"a","number":7,"yes":true,"null":null,"object":{"text":"b"},"objects":[{"text":"c"},{"text":"d"}],"texts":["e"],"mixed":[1]}`
	value, err := canonicaljson.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	open := func() canonicaljson.Members { return canonicaljson.Read(value, refusal.DSSEFormat, "it") }
	m := open()
	upper := canonicaljson.Field(m, "text", func(s string) (string, error) { return strings.ToUpper(s), nil })
	got := []any{m.Text("text"), m.Integer("number"), m.Bool("yes"), m.Present("null"), m.Present("none"), m.IsNull("null"), m.IsNull("none"), m.IsNull("text"), m.Object("object").Text("text"),
		len(m.Objects("objects")), m.Objects("objects")[1].Text("text"), m.Texts("texts")[0], upper}
	want := []any{"a", int64(7), true, true, false, true, false, false, "b", 2, "d", "e", "A"}
	if m.Err() != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v: got %v, want %v", m.Err(), got, want)
	}
	for name, c := range map[string]struct {
		read func(m canonicaljson.Members)
		want string
	}{
		"missing":          {func(m canonicaljson.Members) { m.Text("none") }, "DSSE_FORMAT: it.none is missing"},
		"another type":     {func(m canonicaljson.Members) { m.Text("number") }, "DSSE_FORMAT: it.number is no string"},
		"null":             {func(m canonicaljson.Members) { m.Integer("null") }, "DSSE_FORMAT: it.null is no number"},
		"below":            {func(m canonicaljson.Members) { m.Object("object").Bool("none") }, "DSSE_FORMAT: it.object.none is missing"},
		"in an array":      {func(m canonicaljson.Members) { m.Objects("objects")[1].Bool("none") }, "DSSE_FORMAT: it.objects[1].none is missing"},
		"no object":        {func(m canonicaljson.Members) { m.Objects("texts") }, "DSSE_FORMAT: it has in texts[0] something else than an object"},
		"no text":          {func(m canonicaljson.Members) { m.Texts("mixed") }, "DSSE_FORMAT: it has in mixed[0] something else than a string"},
		"the first counts": {func(m canonicaljson.Members) { m.Text("none"); m.Text("other") }, "DSSE_FORMAT: it.none is missing"},
		"an own sentence":  {func(m canonicaljson.Members) { m.Fail("", "is odd"); m.FailWith(errors.New("x")) }, "DSSE_FORMAT: it is odd"},
		"an unknown key":   {func(m canonicaljson.Members) { m.Object("object").Only("none") }, `DSSE_FORMAT: it.object has the member "text", which is not known here`},
		"known keys":       {func(m canonicaljson.Members) { m.Object("object").Only("none", "text"); m.Fail("", "is odd") }, "DSSE_FORMAT: it is odd"},
		"an own error":     {func(m canonicaljson.Members) { m.FailWith(errors.New("x")); m.Fail("", "is odd") }, "x"},
		"a bad field": {func(m canonicaljson.Members) {
			canonicaljson.Field(m, "text", func(string) (int, error) { return 0, errors.New("no") })
		}, "DSSE_FORMAT: it.text is not as it must be: no"},
	} {
		m := open()
		if c.read(m); m.Err() == nil || m.Err().Error() != c.want {
			t.Errorf("%s: %v, want %s", name, m.Err(), c.want)
		}
	}
	if m := canonicaljson.Read("text", refusal.DSSEFormat, "it"); m.Err() == nil || m.Text("a") != "" {
		t.Errorf("a string has members: %v", m.Err())
	}
}

// A sentence stays one, however long the text is that it quotes.
func TestSentencesAreShort(t *testing.T) {
	long := strings.Repeat("a", 1<<20)
	_, err := canonicaljson.Parse([]byte(`{"` + long + `":1,"` + long + `":1}`))
	if err == nil || len(err.Error()) > 500 {
		t.Errorf("a sentence has %d bytes", len(err.Error()))
	}
	m := canonicaljson.Read(canonicaljson.Object{long: true}, refusal.DSSEFormat, "it")
	if m.Only(); m.Err() == nil || len(m.Err().Error()) > 500 {
		t.Errorf("a sentence has %d bytes", len(m.Err().Error()))
	}
}

// What is read is what encoding/json reads, and what is written is read again.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{`{"a":[1,-2,true,false,null,"\u20ac\ud83d\ude00"]}`, `{"a":1,"a":2}`, `[1.0]`, `"\ud800"`, "\"\xff\"", "[[]]", ` {"":{}} `, "-0", "01", `"\u0000\/"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		value, err := canonicaljson.Parse(data)
		if err != nil {
			return
		}
		if !utf8.Valid(data) {
			t.Fatal("text that is not UTF-8 was read")
		}
		written := canonicaljson.Encode(value)
		again, err := canonicaljson.Parse(written)
		if err != nil || !reflect.DeepEqual(value, again) {
			t.Fatalf("read %v, wrote %q, read %v, %v", value, written, again, err)
		}
		if !bytes.Equal(canonicaljson.Encode(again), written) {
			t.Fatalf("%q is written in two ways", data)
		}
		var there any
		if err := json.Unmarshal(data, &there); err != nil {
			t.Fatalf("encoding/json refuses %q: %v", data, err)
		}
		if got := floats(value); !reflect.DeepEqual(got, there) {
			t.Fatalf("read %v, encoding/json reads %v", got, there)
		}
	})
}

// floats returns the value as encoding/json has it.
func floats(value any) any {
	switch v := value.(type) {
	case int64:
		if v > 1<<53 || v < -1<<53 {
			return math.NaN()
		}
		return float64(v)
	case canonicaljson.Array:
		out := make([]any, 0, len(v))
		for _, element := range v {
			out = append(out, floats(element))
		}
		return out
	case canonicaljson.Object:
		out := make(map[string]any, len(v))
		for key, element := range v {
			out[key] = floats(element)
		}
		return out
	}
	return value
}
