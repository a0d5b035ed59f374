// Package dsse is the envelope in which signed documents travel: the Dead Simple
// Signing Envelope, version 1.0.2 (github.com/secure-systems-lab/dsse,
// envelope.md and protocol.md). A payload, the type of it, and signatures over
// both. Nothing is verified here: package signature does that, over PAE.
//
// docs/spec/statements.md, section 2, says which spellings are accepted.
package dsse

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/countermark/countermark/internal/canonicaljson"
)

// The payload types of ours. A signature is over the type as well, so that none
// made for one counts for the other.
const (
	StatementType = "application/vnd.in-toto+json"            // in-toto Attestation Framework, envelope.md
	PolicyType    = "application/vnd.countermark.policy+toml" // the payload is the raw bytes of a policy.toml
)

// Signature is one signature, over PAE of the envelope's type and payload.
type Signature struct {
	KeyID string // the fingerprint of the key as its form writes it, "" for none: a claim
	Sig   []byte // in the form of package signature's Canonical, if it is one of ours
}

// Compare orders signatures, by the bytes of their key ids and then their own.
func (s Signature) Compare(other Signature) int {
	return cmp.Or(strings.Compare(s.KeyID, other.KeyID), bytes.Compare(s.Sig, other.Sig))
}

// Envelope is a payload with signatures, none of them verified.
type Envelope struct {
	PayloadType string
	Payload     []byte
	Signatures  []Signature
}

// PAE returns the bytes that signatures are over, the pre-authentication
// encoding: "DSSEv1", the type and the payload, each with its length
// (protocol.md, "Signature Definition").
func PAE(payloadType string, payload []byte) []byte {
	b := make([]byte, 0, len(payloadType)+len(payload)+32)
	b = append(b, "DSSEv1 "...)
	b = strconv.AppendInt(b, int64(len(payloadType)), 10)
	b = append(b, ' ')
	b = append(b, payloadType...)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(len(payload)), 10)
	b = append(b, ' ')
	return append(b, payload...)
}

// Encode returns the envelope as canonical JSON, on one line without its end,
// base64 in the standard alphabet. Texts must be valid UTF-8.
func (e *Envelope) Encode() []byte { return canonicaljson.Encode(e.JSON()) }

// JSON returns the envelope as the JSON object that Encode writes.
func (e *Envelope) JSON() canonicaljson.Object {
	signatures := make(canonicaljson.Array, 0, len(e.Signatures))
	for _, s := range e.Signatures {
		signatures = append(signatures, canonicaljson.Object{"keyid": s.KeyID, "sig": base64.StdEncoding.EncodeToString(s.Sig)})
	}
	return canonicaljson.Object{
		"payload":     base64.StdEncoding.EncodeToString(e.Payload),
		"payloadType": e.PayloadType,
		"signatures":  signatures,
	}
}
