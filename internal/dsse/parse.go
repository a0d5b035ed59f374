package dsse

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/countermark/countermark/internal/canonicaljson"
	"github.com/countermark/countermark/internal/refusal"
)

// Limits of what is read.
const (
	MaxBytes          = 32 << 20 // of an envelope: room for a review of 50,000 files
	MaxFileBytes      = 64 << 20 // of a file of envelopes, one a line
	MaxSignatures     = 64       // of one envelope: a policy's owners all sign it, and are people
	MaxSignatureBytes = 64 << 10 // of one signature, decoded: an OpenPGP one with every subpacket that GnuPG writes has 1 KiB
	MaxKeyIDBytes     = 256      // a fingerprint has at most 64 digits
	MaxTypeBytes      = 256      // RFC 6838, section 4.2, allows 127 on each side of the slash
)

// Parse reads one envelope (docs/spec/statements.md, section 2): any JSON that
// package canonicaljson reads, unknown members ignored, both alphabets of base64.
// The error is a *refusal.Refusal: JSON_FORMAT, JSON_LIMIT, DSSE_FORMAT or
// DSSE_LIMIT.
func Parse(data []byte) (Envelope, error) {
	if len(data) > MaxBytes {
		return Envelope{}, refusal.New(refusal.DSSELimit, "the envelope has %d bytes, at most %d are accepted", len(data), MaxBytes)
	}
	value, err := canonicaljson.Parse(data)
	if err != nil {
		return Envelope{}, err
	}
	return Read(value)
}

// Read reads an envelope of a JSON value, as Parse does.
func Read(value any) (Envelope, error) {
	m := canonicaljson.Read(value, refusal.DSSEFormat, "the envelope")
	e := Envelope{
		PayloadType: canonicaljson.Field(m, "payloadType", checkType),
		Payload:     canonicaljson.Field(m, "payload", decode),
	}
	signatures := m.Objects("signatures")
	if len(signatures) == 0 {
		m.Fail("signatures", "holds none, so that nobody says anything")
	}
	if len(signatures) > MaxSignatures {
		m.FailWith(refusal.New(refusal.DSSELimit, "the envelope has %d signatures, at most %d are accepted", len(signatures), MaxSignatures))
	}
	for _, s := range signatures {
		e.Signatures = append(e.Signatures, readSignature(s))
	}
	if err := m.Err(); err != nil {
		return Envelope{}, err
	}
	return e, nil
}

func readSignature(m canonicaljson.Members) Signature {
	s := Signature{Sig: canonicaljson.Field(m, "sig", decode), KeyID: m.OptionalText("keyid")}
	switch {
	case len(s.KeyID) > MaxKeyIDBytes:
		m.FailWith(refusal.New(refusal.DSSELimit, "a key id has %d bytes, at most %d are accepted", len(s.KeyID), MaxKeyIDBytes))
	case len(s.Sig) > MaxSignatureBytes:
		m.FailWith(refusal.New(refusal.DSSELimit, "a signature has %d bytes, at most %d are accepted", len(s.Sig), MaxSignatureBytes))
	case len(s.Sig) == 0:
		m.Fail("sig", "is empty")
	}
	return s
}

// checkType accepts what looks like a media type, and so is safe to show.
func checkType(s string) (string, error) {
	if s == "" || len(s) > MaxTypeBytes || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return "", fmt.Errorf("expected 1 to %d printable ASCII characters without spaces", MaxTypeBytes)
	}
	return s, nil
}

// decode reads base64 (RFC 4648, sections 4 and 5) in either alphabet, padded, in
// its one spelling: no line ends, which Go's decoder goes over, and no bits that
// stand for nothing.
func decode(s string) ([]byte, error) {
	encoding := base64.StdEncoding
	if strings.ContainsAny(s, "-_") {
		encoding = base64.URLEncoding
	}
	b, err := encoding.Strict().DecodeString(s)
	if err != nil || strings.ContainsAny(s, "\r\n") {
		return nil, errors.New("expected base64 with its padding, in one of the two alphabets")
	}
	return b, nil
}

// ParseLines reads a file of envelopes, NAME.intoto.jsonl: one to a line, each line
// ended by LF, at least one. The error is a *refusal.Refusal as of Parse, with the
// number of the line in its sentence.
func ParseLines(data []byte) ([]Envelope, error) {
	if len(data) > MaxFileBytes {
		return nil, refusal.New(refusal.DSSELimit, "the file has %d bytes, at most %d are accepted", len(data), MaxFileBytes)
	}
	rest, ended := bytes.CutSuffix(data, []byte("\n"))
	if !ended {
		return nil, refusal.New(refusal.DSSEFormat, "the file of envelopes is empty, or its last line has no end")
	}
	var all []Envelope
	for line := range bytes.SplitSeq(rest, []byte("\n")) {
		e, err := Parse(line)
		if r, ok := errors.AsType[*refusal.Refusal](err); ok {
			return nil, refusal.New(r.Rule, "in line %d: %s", len(all)+1, r.Detail).At(r.Offset, r.Member)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}
