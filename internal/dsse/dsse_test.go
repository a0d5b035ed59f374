package dsse_test

import (
	"testing"

	"github.com/countermark/countermark/internal/dsse"
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
	e := dsse.Envelope{PayloadType: dsse.StatementType, Payload: []byte("{}"), Signatures: []dsse.Signature{{KeyID: "a", Sig: []byte("b")}}}
	if got := dsse.PAE(e.PayloadType, e.Payload); string(got) != "DSSEv1 28 application/vnd.in-toto+json 2 {}" {
		t.Errorf("got %q", got)
	}
}
