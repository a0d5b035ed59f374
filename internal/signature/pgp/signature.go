package pgp

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature/pgp/framing"
)

// Public key algorithms (RFC 9580, section 9.1).
const (
	algorithmRSA         = 1
	algorithmRSASignOnly = 3
	algorithmDSA         = 17
	algorithmECDSA       = 19
	algorithmEdDSALegacy = 22
	algorithmEd25519     = 27
	algorithmEd448       = 28
)

// typeBinary is the only type of signature that is accepted over data: one over
// the bytes as they are (RFC 9580, section 5.2.1.1).
const typeBinary = 0x00

// signature is one signature over data, taken apart. All of it but the unhashed
// area is held to the one way of writing it.
type signature struct {
	version   byte
	hashed    []byte // the hashed area, and all that stands before it
	unhashed  []byte // the unhashed area, without its length
	tag       []byte // the first two bytes of the digest
	salt      []byte // of version 6: its length and the salt
	numbers   []byte // what the algorithm made: MPIs, or bytes of fixed length
	issuer    string // lower-case hex: fingerprint, or key id if there is no fingerprint
	inHashed  bool   // issuer is a fingerprint, and signed
	created   int64
	packet    *packet.Signature
	lastsTill int64 // Unix seconds up to which the signature holds by its own word, 0 for ever
}

// parseSignature reads a file or field that holds one signature over data,
// binary or armoured, and nothing else. The error is a refusal.
func parseSignature(data []byte) (*signature, error) {
	if len(data) == 0 || len(data) > maxSignatureBytes {
		return nil, refusal.New(refusal.SigLimit, "the OpenPGP signature has %d bytes, expected 1 to %d", len(data), maxSignatureBytes)
	}
	binaryForm, err := dearmourSignature(data)
	if err != nil {
		return nil, err
	}
	p, rest, err := framing.Next(binaryForm)
	switch {
	case p.Tag != 0 && p.Tag != framing.TagSignature:
		return nil, refusal.New(refusal.SigFormat, "%s, expected one detached signature and nothing else (gpg --detach-sign)", foreignPacket(p.Tag))
	case err != nil:
		return nil, refusal.New(refusal.SigFormat, "the OpenPGP signature cannot be read: %v", err)
	}
	if len(rest) > 0 {
		next, _, err := framing.Next(rest)
		if err == nil && next.Tag == framing.TagSignature {
			return nil, refusal.New(refusal.SigMulti, "the OpenPGP data holds more than one signature, expected one: give each its own file")
		}
		return nil, refusal.New(refusal.SigFormat, "the OpenPGP signature is followed by %d bytes, expected none", len(rest))
	}
	return takeApart(p.Body)
}

// foreignPacket says what stands where a signature is expected.
func foreignPacket(tag byte) string {
	switch tag {
	case framing.TagOnePass, framing.TagLiteral, framing.TagCompressed:
		return "the OpenPGP data is a message with its signature inside"
	case framing.TagPublicKey:
		return "the OpenPGP data is a public key"
	}
	return fmt.Sprintf("the OpenPGP data begins with a packet of type %d", tag)
}

// dearmourSignature returns the bytes of a signature that may be armoured:
// exactly one block, nothing before or after it.
func dearmourSignature(data []byte) ([]byte, error) {
	if data[0]&0x80 != 0 {
		return data, nil
	}
	lines := framing.Lines(data)
	switch first := lines[0]; {
	case first == framing.BeginSignature:
	case strings.HasPrefix(first, "-----BEGIN PGP SIGNED MESSAGE"):
		return nil, refusal.New(refusal.SigFormat, "the file is a text with its signature inside, expected one detached signature and nothing else (gpg --detach-sign)")
	default:
		return nil, refusal.New(refusal.SigFormat, "the file begins with %s, expected the line %q or a binary signature", escape.Quote(framing.Excerpt(first)), framing.BeginSignature)
	}
	body, rest, err := framing.Unarmour(lines, framing.EndSignature, refusal.SigFormat)
	if err != nil {
		return nil, err
	}
	for _, line := range rest {
		if line == framing.BeginSignature {
			return nil, refusal.New(refusal.SigMulti, "the file holds more than one OpenPGP signature, expected one: give each its own file")
		}
	}
	if len(rest) > 0 && !slices.Equal(rest, []string{""}) { // GitHub ends its signatures of commits with an empty line
		return nil, refusal.New(refusal.SigFormat, "%d lines follow the armour of the OpenPGP signature, expected none", len(rest))
	}
	return body, nil
}

// takeApart reads the body of a signature packet (RFC 9580, section 5.2.3).
func takeApart(body []byte) (*signature, error) {
	r := reader{rest: body}
	head := r.take(4)
	if len(head) < 4 {
		return nil, refusal.New(refusal.SigFormat, "the OpenPGP signature ends in its header")
	}
	s := &signature{version: head[0]}
	if err := checkHead(head); err != nil {
		return nil, err
	}
	width := 2
	if s.version == 6 {
		width = 4
	}
	area := r.sized(width)
	s.hashed = body[:len(body)-len(r.rest)]
	s.unhashed = r.sized(width)
	s.tag = r.take(2)
	if s.version == 6 {
		size := r.take(1)
		if len(size) == 1 {
			s.salt = append(bytes.Clone(size), r.take(int(size[0]))...)
		}
	}
	s.numbers = r.rest
	if r.short {
		return nil, refusal.New(refusal.SigFormat, "the OpenPGP signature is shorter than its own lengths say")
	}
	if err := checkNumbers(head[2], s.numbers); err != nil {
		return nil, err
	}
	if err := s.readHashed(area); err != nil {
		return nil, err
	}
	if err := s.findIssuer(); err != nil {
		return nil, err
	}
	p, err := packet.Read(bytes.NewReader(framing.Packet{Tag: framing.TagSignature, Body: body}.Encode()))
	parsed, ok := p.(*packet.Signature)
	if err != nil || !ok {
		return nil, refusal.New(refusal.SigFormat, "the OpenPGP signature cannot be understood: %v", err)
	}
	s.packet = parsed
	return s, nil
}

// checkHead holds version, type, algorithm and digest to what is accepted.
func checkHead(head []byte) error {
	version, kind, algorithm, digest := head[0], head[1], head[2], head[3]
	if version != 4 && version != 6 {
		return refusal.New(refusal.SigAlg, "the OpenPGP signature is of version %d, expected 4 or 6", version)
	}
	if kind != typeBinary {
		return refusal.New(refusal.SigFormat, "the OpenPGP signature is of type 0x%02x, expected 0x00: one over the bytes as they are (gpg without --textmode)", kind)
	}
	switch algorithm {
	case algorithmRSA, algorithmRSASignOnly, algorithmDSA, algorithmECDSA, algorithmEdDSALegacy, algorithmEd25519, algorithmEd448:
	default:
		return refusal.New(refusal.SigAlg, "the OpenPGP signature is by public key algorithm %d, expected RSA, ECDSA or EdDSA", algorithm)
	}
	// RFC 9580, section 9.5.
	switch digest {
	case 2, 8, 9, 10, 11, 12, 14: // SHA-1, SHA-2, SHA-3; which are too weak is decided later
		return nil
	case 1, 3: // MD5, RIPEMD-160
		return refusal.New(refusal.SigAlg, "the digest of the OpenPGP signature is MD5 or RIPEMD-160, which say nothing, expected SHA-256 or better")
	}
	return refusal.New(refusal.SigAlg, "the digest of the OpenPGP signature is algorithm %d, expected SHA-256, SHA-384, SHA-512 or SHA-3", digest)
}

// checkNumbers holds the algorithm's part to the one way of writing it, to its
// last byte (RFC 9580, sections 3.2 and 5.2.3).
func checkNumbers(algorithm byte, data []byte) error {
	count := 2
	switch algorithm {
	case algorithmEd25519, algorithmEd448:
		size := map[byte]int{algorithmEd25519: 64, algorithmEd448: 114}[algorithm]
		if len(data) != size {
			return refusal.New(refusal.SigFormat, "the OpenPGP signature ends with %d bytes, expected the %d of its algorithm", len(data), size)
		}
		return nil
	case algorithmRSA, algorithmRSASignOnly:
		count = 1
	}
	r := reader{rest: data}
	for range count {
		number := r.number()
		if !r.short && !bytes.Equal(asNumber(number), data[:len(data)-len(r.rest)]) {
			return refusal.New(refusal.SigFormat, "a number of the OpenPGP signature does not have as many bits as it says")
		}
		data = r.rest
	}
	if r.short || len(r.rest) > 0 {
		return refusal.New(refusal.SigFormat, "the OpenPGP signature does not end where its numbers do")
	}
	return nil
}

// readHashed reads what is signed beside the data. What would be ambiguous, or
// asks for more than is understood here, is refused.
func (s *signature) readHashed(area []byte) error {
	all, err := framing.Subpackets(area)
	if err != nil {
		return refusal.New(refusal.SigFormat, "%v", err)
	}
	seen := map[byte]bool{}
	var lifetime int64
	for _, p := range all {
		if seen[p.Kind] && p.Kind != framing.KindNotation {
			return refusal.New(refusal.SigFormat, "the OpenPGP signature has two subpackets of type %d, expected one", p.Kind)
		}
		seen[p.Kind] = true
		switch {
		case p.Kind == framing.KindNotation && p.Critical:
			return refusal.New(refusal.SigFormat, "the OpenPGP signature has a critical notation, and none is known here")
		case p.Kind == framing.KindCreated && len(p.Content) == 4:
			s.created = int64(binary.BigEndian.Uint32(p.Content))
		case p.Kind == framing.KindExpires && len(p.Content) == 4:
			lifetime = int64(binary.BigEndian.Uint32(p.Content))
		case p.Kind == framing.KindFingerprint && namedBy(p, s.version) != "":
			s.issuer, s.inHashed = namedBy(p, s.version), true
		}
	}
	if !seen[framing.KindCreated] {
		return refusal.New(refusal.SigFormat, "the OpenPGP signature does not say when it was made")
	}
	if lifetime > 0 {
		s.lastsTill = s.created + lifetime
	}
	return nil
}

// namedBy returns what an issuer fingerprint names (RFC 9580, section
// 5.2.3.35), "" if it is none of a key that makes signatures of the version.
func namedBy(p framing.Subpacket, version byte) string {
	size := 1 + 20
	if version == 6 {
		size = 1 + 32
	}
	if len(p.Content) != size || p.Content[0] != version {
		return ""
	}
	return hex.EncodeToString(p.Content[1:])
}

// findIssuer looks in both areas for the key that the signature names: the
// fingerprint before the key id, what is signed before what is not. Where it is
// not signed it is only a hint, and the signature itself decides.
func (s *signature) findIssuer() error {
	if s.inHashed {
		return nil
	}
	inside, err := framing.Subpackets(s.hashed[s.headLength():])
	if err != nil {
		return refusal.New(refusal.SigFormat, "%v", err)
	}
	outside, err := framing.Subpackets(s.unhashed)
	if err != nil {
		return refusal.New(refusal.SigFormat, "%v", err)
	}
	for _, p := range append(inside, outside...) {
		switch {
		case p.Kind == framing.KindFingerprint && namedBy(p, s.version) != "":
			s.issuer = namedBy(p, s.version)
			return nil
		case p.Kind == framing.KindIssuer && len(p.Content) == 8 && s.version == 4 && s.issuer == "":
			s.issuer = hex.EncodeToString(p.Content)
		}
	}
	if s.issuer == "" {
		return refusal.New(refusal.SigFormat, "the OpenPGP signature does not say which key made it")
	}
	return nil
}

// headLength is how many bytes stand before the content of the hashed area.
func (s *signature) headLength() int {
	if s.version == 6 {
		return 4 + 4
	}
	return 4 + 2
}

// reader cuts pieces off a slice; short says that there was less than asked for.
type reader struct {
	rest  []byte
	short bool
}

func (r *reader) take(n int) []byte {
	if n > len(r.rest) {
		r.short = true
		n = len(r.rest)
	}
	piece := r.rest[:n]
	r.rest = r.rest[n:]
	return piece
}

// number takes an MPI, of which the bits need not be as many as it says (RFC
// 9580, section 3.2).
func (r *reader) number() []byte {
	var bits int
	for _, b := range r.take(2) {
		bits = bits<<8 | int(b)
	}
	return r.take((bits + 7) / 8)
}

// asNumber returns the one way of writing a number as an MPI.
func asNumber(b []byte) []byte {
	n := new(big.Int).SetBytes(b)
	return append(binary.BigEndian.AppendUint16(nil, uint16(n.BitLen())), n.Bytes()...)
}

// sized takes a length of so many bytes, and then that many bytes.
func (r *reader) sized(width int) []byte {
	var n uint32
	for _, b := range r.take(width) {
		n = n<<8 | uint32(b)
	}
	return r.take(int(min(n, framing.MaxBytes)))
}
