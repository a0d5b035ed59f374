package official_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	provenance "github.com/in-toto/attestation/go/predicates/provenance/v1"
	intoto "github.com/in-toto/attestation/go/v1"
	securesystems "github.com/secure-systems-lab/go-securesystemslib/dsse"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/countermark/countermark/internal/dsse"
	"github.com/countermark/countermark/internal/statement"
)

// vectors returns the statements of the vectors as they are written, by file.
func vectors(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("../../../testdata/vectors/statement/*.json")
	if err != nil || len(files) < 4 {
		t.Fatalf("%d files of vectors: %v", len(files), err)
	}
	all := map[string][]byte{}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var file struct{ Input string }
		if err := json.Unmarshal(data, &file); err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(name)] = []byte(file.Input)
	}
	return all
}

func parse(t *testing.T, payload []byte) *statement.Statement {
	t.Helper()
	s, err := statement.Parse(payload)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// in-toto's module reads all of ours without a field that it does not know, and
// finds them valid; what it writes of them, in its own spelling, is read here as
// the same statement.
func TestStatements(t *testing.T) {
	for name, payload := range vectors(t) {
		var s intoto.Statement
		if err := protojson.Unmarshal(payload, &s); err != nil {
			t.Errorf("%s: in-toto does not read it: %v", name, err)
			continue
		}
		if err := s.Validate(); err != nil {
			t.Errorf("%s: in-toto finds it wrong: %v", name, err)
		}
		theirs, err := protojson.Marshal(&s)
		if err != nil {
			t.Fatal(err)
		}
		again := parse(t, theirs)
		if want := parse(t, payload); !reflect.DeepEqual(again, want) || again.ReleaseDigest() != want.ReleaseDigest() {
			t.Errorf("%s: written by in-toto it is\n%+v, not\n%+v", name, again, want)
		}
	}
}

// The predicates of builds are provenance, for in-toto's own type as well.
func TestProvenance(t *testing.T) {
	builds := 0
	for name, payload := range vectors(t) {
		ours := parse(t, payload)
		if ours.Kind != statement.KindBuild {
			continue
		}
		builds++
		var s intoto.Statement
		if err := protojson.Unmarshal(payload, &s); err != nil {
			t.Fatal(err)
		}
		predicate, err := protojson.Marshal(s.Predicate)
		if err != nil {
			t.Fatal(err)
		}
		var p provenance.Provenance
		if err := protojson.Unmarshal(predicate, &p); err != nil {
			t.Errorf("%s: it is no provenance: %v", name, err)
			continue
		}
		if err := p.Validate(); err != nil {
			t.Errorf("%s: the provenance is wrong: %v", name, err)
		}
		if p.BuildDefinition.BuildType != statement.BuildType || p.RunDetails.Builder.Id != ours.Build.BuilderID || p.RunDetails.Metadata.FinishedOn.Seconds != ours.Issued {
			t.Errorf("%s: read as %v", name, &p)
		}
		// Through their types and back.
		theirs, err := protojson.Marshal(&p)
		if err != nil {
			t.Fatal(err)
		}
		var again structpb.Struct
		if err := protojson.Unmarshal(theirs, &again); err != nil {
			t.Fatal(err)
		}
		s.Predicate = &again
		data, err := protojson.MarshalOptions{Multiline: true}.Marshal(&s)
		if err != nil {
			t.Fatal(err)
		}
		if got := parse(t, data); !reflect.DeepEqual(got, ours) {
			t.Errorf("%s: through their types it is\n%+v, not\n%+v", name, got, ours)
		}
	}
	if builds < 2 {
		t.Errorf("%d builds among the vectors", builds)
	}
}

// A statement that is made of their types alone, field by field, is one of ours.
func TestMadeOfTheirTypes(t *testing.T) {
	payload := vectors(t)["release.json"]
	var model intoto.Statement
	if err := protojson.Unmarshal(payload, &model); err != nil {
		t.Fatal(err)
	}
	predicate, err := structpb.NewStruct(model.Predicate.AsMap())
	if err != nil {
		t.Fatal(err)
	}
	made := &intoto.Statement{Type: intoto.StatementTypeUri, PredicateType: statement.ReleaseType, Predicate: predicate}
	for _, s := range model.Subject {
		made.Subject = append(made.Subject, &intoto.ResourceDescriptor{Name: s.Name, Digest: map[string]string{string(intoto.AlgorithmSHA256): s.Digest["sha256"]}})
	}
	if !proto.Equal(made, &model) {
		t.Error("their types hold it otherwise")
	}
	data, err := protojson.MarshalOptions{Indent: "\t"}.Marshal(made)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(parse(t, data), parse(t, payload)) {
		t.Error("it is another statement")
	}
}

// key signs as the DSSE project's module wants it.
type key struct{ private ed25519.PrivateKey }

func (k key) Sign(_ context.Context, data []byte) ([]byte, error) {
	return ed25519.Sign(k.private, data), nil
}
func (k key) KeyID() (string, error)   { return "SHA256:key", nil }
func (k key) Public() crypto.PublicKey { return k.private.Public() }
func (k key) Public25519() ed25519.PublicKey {
	return k.private.Public().(ed25519.PublicKey)
}

func (k key) Verify(_ context.Context, data, sig []byte) error {
	if !ed25519.Verify(k.Public25519(), data, sig) {
		return errors.New("not signed by the key")
	}
	return nil
}

// Envelopes of theirs are read here, and ours verified there.
func TestEnvelopes(t *testing.T) {
	k := key{ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))}
	signer, err := securesystems.NewEnvelopeSigner(k)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := securesystems.NewEnvelopeVerifier(k)
	if err != nil {
		t.Fatal(err)
	}
	for name, payload := range vectors(t) {
		theirs, err := signer.SignPayload(t.Context(), dsse.StatementType, payload)
		if err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(theirs)
		if err != nil {
			t.Fatal(err)
		}
		e, err := dsse.Parse(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if string(e.Payload) != string(payload) || string(dsse.PAE(e.PayloadType, e.Payload)) != string(securesystems.PAE(dsse.StatementType, payload)) {
			t.Errorf("%s: the payload or its encoding is another", name)
		}
		if err := k.Verify(t.Context(), dsse.PAE(e.PayloadType, e.Payload), e.Signatures[0].Sig); err != nil || e.Signatures[0].KeyID != "SHA256:key" {
			t.Errorf("%s: %+v, %v", name, e.Signatures, err)
		}
		var back securesystems.Envelope
		if err := json.Unmarshal(e.Encode(), &back); err != nil {
			t.Fatal(err)
		}
		if accepted, err := verifier.Verify(t.Context(), &back); err != nil || len(accepted) != 1 {
			t.Errorf("%s: ours is not verified there: %v", name, err)
		}
		back.Payload = "e30="
		if _, err := verifier.Verify(t.Context(), &back); err == nil {
			t.Errorf("%s: anything is verified there", name)
		}
	}
}
