package dsse_test

import (
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/dsse"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/testkit"
)

// The example of protocol.md.
func TestPAE(t *testing.T) {
	const want = "DSSEv1 29 http://example.com/HelloWorld 11 hello world"
	if got := dsse.PAE("http://example.com/HelloWorld", []byte("hello world")); string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := dsse.PAE("", nil); string(got) != "DSSEv1 0  0 " {
		t.Errorf("got %q", got)
	}
}

func ruleOf(err error) string {
	if r, ok := errors.AsType[*refusal.Refusal](err); ok {
		return string(r.Rule)
	}
	if err != nil {
		return err.Error()
	}
	return "accepted"
}

func TestVectors(t *testing.T) {
	for _, v := range testkit.Vectors(t, "../../testdata/vectors/dsse") {
		e, err := dsse.Parse(v.Input)
		if got := ruleOf(err); got != v.Expect {
			t.Errorf("%s: %s, want %s (%v)", v.Name, got, v.Expect, err)
		}
		if err != nil {
			if !reflect.DeepEqual(e, dsse.Envelope{}) {
				t.Errorf("%s: refused, and something is read of it", v.Name)
			}
			continue
		}
		got := map[string]string{
			"payload": hex.EncodeToString(e.Payload), "sig": hex.EncodeToString(e.Signatures[0].Sig), "keyid": e.Signatures[0].KeyID,
			"pae": hex.EncodeToString(dsse.PAE(e.PayloadType, e.Payload)),
		}
		for name, want := range v.Gives {
			if got[name] != want {
				t.Errorf("%s: %s is %q, want %q", v.Name, name, got[name], want)
			}
		}
	}
}

func sample() dsse.Envelope {
	return dsse.Envelope{PayloadType: dsse.StatementType, Payload: []byte(`{"a":"<é>"}`), Signatures: []dsse.Signature{{KeyID: "SHA256:\"é", Sig: []byte{0xfb, 0xff}}, {Sig: []byte{1}}}}
}

func TestRoundTrip(t *testing.T) {
	e := sample()
	const want = `{"payload":"eyJhIjoiPMOpPiJ9","payloadType":"application/vnd.in-toto+json","signatures":[{"keyid":"SHA256:\"é","sig":"+/8="},{"keyid":"","sig":"AQ=="}]}`
	if got := string(e.Encode()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if again, err := dsse.Parse(e.Encode()); err != nil || !reflect.DeepEqual(again, e) {
		t.Errorf("read %+v, %v", again, err)
	}
}

func TestLimits(t *testing.T) {
	space := strings.Repeat(" ", dsse.MaxBytes)
	e := sample()
	if _, err := dsse.Parse(append(e.Encode(), space...)); ruleOf(err) != string(refusal.DSSELimit) {
		t.Errorf("too large an envelope: %v", err)
	}
	if _, err := dsse.ParseLines([]byte(strings.Repeat(" ", dsse.MaxFileBytes+1))); ruleOf(err) != string(refusal.DSSELimit) {
		t.Errorf("too large a file: %v", err)
	}
}

func TestParseLines(t *testing.T) {
	e := sample()
	line := string(e.Encode())
	all, err := dsse.ParseLines([]byte(line + "\n" + line + "\n"))
	if err != nil || !reflect.DeepEqual(all, []dsse.Envelope{e, e}) {
		t.Errorf("read %+v, %v", all, err)
	}
	for name, c := range map[string]struct{ text, want string }{
		"nothing":              {"", "DSSE_FORMAT: the file of envelopes is empty, or its last line has no end"},
		"no line end":          {line, "DSSE_FORMAT: the file of envelopes is empty, or its last line has no end"},
		"an empty line":        {line + "\n\n", "JSON_FORMAT: in line 2: the text ends where a value is expected, at byte 0"},
		"an envelope too few":  {line + "\n{}\n", "DSSE_FORMAT: in line 2: the envelope.payloadType is missing"},
		"one on several lines": {strings.Replace(line, ",", ",\n", 1) + "\n", "JSON_FORMAT: in line 1: an object's key in quotation marks is expected, at byte 30"},
	} {
		if all, err := dsse.ParseLines([]byte(c.text)); err == nil || err.Error() != c.want || all != nil {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, v := range testkit.Vectors(f, "../../testdata/vectors/dsse") {
		if len(v.Input) < 1<<12 {
			f.Add(v.Input)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := dsse.Parse(data)
		if err != nil {
			return
		}
		written := e.Encode()
		again, err := dsse.Parse(written)
		if err != nil || !reflect.DeepEqual(again, e) {
			t.Fatalf("read %+v, wrote %q, read %+v, %v", e, written, again, err)
		}
		lines, err := dsse.ParseLines(append(written, '\n'))
		if err != nil || !reflect.DeepEqual(lines, []dsse.Envelope{e}) {
			t.Fatalf("as a line: %+v, %v", lines, err)
		}
	})
}
