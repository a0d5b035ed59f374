// Package minisign reads the signatures and public keys of minisign
// (jedisct1.github.io/minisign) and of OpenBSD's signify(1), whose format
// minisign extends, strictly.
//
// A file is lines that end in a line feed, the last of which may lack it:
//
//	untrusted comment: ANYTHING
//	BASE64 of algorithm (2 bytes), key id (8), and the key (32) or signature (64)
//
// to which a signature of minisign adds
//
//	trusted comment: ANYTHING
//	BASE64 of the global signature (64), over the signature and the trusted comment
//
// The algorithm of keys and of signatures over the message itself is "Ed", that
// of signatures over the message's BLAKE2b-512 digest "ED". Key ids are chosen
// at random and mean nothing; nothing signs a signature's untrusted comment or
// its key id.
package minisign

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/countermark/countermark/internal/publickey"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature/finding"
)

// The limits. Minisign itself has COMMENTMAXBYTES (1024) and
// TRUSTEDCOMMENTMAXBYTES (8192) for the two comments, with their prefixes.
const (
	MaxBytes       = 16 << 10
	maxUntrusted   = 1024
	maxTrusted     = 8192
	MaxLegacyBytes = 128 << 20 // of a message that is signed itself, which is held whole in memory
)

// The beginnings of lines, and the algorithms.
const (
	untrusted = "untrusted comment: "
	trusted   = "trusted comment: "
	legacy    = "Ed"
	prehashed = "ED"
)

// envelopeComment is the untrusted comment of signatures in envelopes of ours.
const envelopeComment = "countermark"

const (
	idSize    = 8
	keyPrefix = "minisign public key" // as minisign comments its public keys, before their id
)

// PublicKey is a public key of minisign or signify: one format, of which the
// comment alone says which program made it. The zero value is no key.
type PublicKey struct {
	Form     finding.Form // by the comment: Minisign if it says so or is not there, else Signify
	Comment  string       // a claim of whoever wrote the file; hostile, shown only through package escape
	Material publickey.Key
	id       [idSize]byte
	point    ed25519.PublicKey
}

// ID returns the key's id as minisign shows it: 16 hexadecimal digits, of the
// file's bytes as a little-endian number.
func (k PublicKey) ID() string { return idText(k.id) }

func idText(id [idSize]byte) string { return fmt.Sprintf("%016X", binary.LittleEndian.Uint64(id[:])) }

// Recognises reports whether data begins as a file of minisign or signify, with
// a signature or a key.
func Recognises(data []byte) bool { return bytes.HasPrefix(data, []byte(untrusted)) }

// RecognisesKey reports whether data is as long as a public key in base64 alone,
// as minisign's option -P takes it, and begins as each does: "RW", for "Ed".
func RecognisesKey(data []byte) bool {
	text := bytes.TrimSuffix(data, []byte("\n"))
	return bytes.HasPrefix(text, []byte("RW")) && len(text) == base64.StdEncoding.EncodedLen(len(legacy)+idSize+ed25519.PublicKeySize)
}

// ParsePublicKey reads a file with one public key, or a key in base64 alone. The
// error is a *refusal.Refusal: SIG_KEY or SIG_LIMIT.
func ParsePublicKey(data []byte) (PublicKey, error) {
	k := PublicKey{Form: finding.Minisign}
	text := strings.TrimSuffix(string(data), "\n")
	if !RecognisesKey(data) {
		lines, err := splitLines(data)
		if err != nil {
			return PublicKey{}, err
		}
		if len(lines) != 2 {
			return PublicKey{}, refusal.New(refusal.SigKey, "the public key has %d lines, expected a comment and the key", len(lines))
		}
		var problem string
		if k.Comment, problem = comment(lines[0], untrusted, maxUntrusted); problem != "" {
			return PublicKey{}, refusal.New(refusal.SigKey, "%s", problem)
		}
		if !strings.HasPrefix(k.Comment, keyPrefix) {
			k.Form = finding.Signify
		}
		text = lines[1]
	}
	raw, ok := decode(text, len(legacy)+idSize+ed25519.PublicKeySize)
	if !ok || string(raw[:len(legacy)]) != legacy {
		return PublicKey{}, refusal.New(refusal.SigKey, "the public key is not %d bytes in base64 that begin with %q", len(legacy)+idSize+ed25519.PublicKeySize, legacy)
	}
	copy(k.id[:], raw[len(legacy):])
	k.point = raw[len(legacy)+idSize:]
	var err error
	if k.Material, err = publickey.NewEd25519(k.point); err != nil {
		return PublicKey{}, refusal.New(refusal.SigKey, "%v", err)
	}
	return k, nil
}

// Signature is one signature, well-formed and not verified.
type Signature struct {
	Form             finding.Form // Minisign, or Signify for one without a trusted comment
	Prehashed        bool         // whether it is over the digest of the message, which signify never is
	UntrustedComment string       // nothing signs it; hostile, shown only through package escape
	TrustedComment   string       // signed; hostile as well
	id               [idSize]byte
	value, global    []byte
}

// KeyID returns the id of the key that the signature names, as PublicKey.ID does.
func (s *Signature) KeyID() string { return idText(s.id) }

// Parse reads one signature. The error is a *refusal.Refusal: SIG_FORMAT,
// SIG_MULTI, SIG_ALG or SIG_LIMIT.
func Parse(data []byte) (*Signature, error) {
	lines, err := splitLines(data)
	if err != nil {
		return nil, err
	}
	s := &Signature{Form: finding.Signify}
	switch n := strings.Count("\n"+string(data), "\n"+untrusted); {
	case n > 1:
		return nil, refusal.New(refusal.SigMulti, "there are %d signatures, expected one", n)
	case len(lines) == 4:
		s.Form = finding.Minisign
	case len(lines) != 2:
		return nil, refusal.New(refusal.SigFormat, "the signature has %d lines, expected two (signify) or four (minisign)", len(lines))
	}
	var problem string
	if s.UntrustedComment, problem = comment(lines[0], untrusted, maxUntrusted); problem != "" {
		return nil, refusal.New(refusal.SigFormat, "%s", problem)
	}
	if err := s.parseValue(lines[1]); err != nil {
		return nil, err
	}
	if s.Form == finding.Signify {
		return s, nil
	}
	if s.TrustedComment, problem = comment(lines[2], trusted, maxTrusted); problem != "" {
		return nil, refusal.New(refusal.SigFormat, "%s", problem)
	}
	var ok bool
	if s.global, ok = decode(lines[3], ed25519.SignatureSize); !ok {
		return nil, refusal.New(refusal.SigFormat, "the fourth line of the signature is not %d bytes in base64", ed25519.SignatureSize)
	}
	return s, nil
}

// parseValue reads the second line of a signature.
func (s *Signature) parseValue(line string) error {
	size := len(legacy) + idSize + ed25519.SignatureSize
	raw, ok := decode(line, size)
	if !ok {
		return refusal.New(refusal.SigFormat, "the second line of the signature is not %d bytes in base64", size)
	}
	switch algorithm := string(raw[:len(legacy)]); {
	case algorithm == prehashed && s.Form == finding.Minisign:
		s.Prehashed = true
	case algorithm != legacy:
		return refusal.New(refusal.SigAlg, "the %s signature has the algorithm %q, which is not accepted", s.Form, algorithm)
	}
	copy(s.id[:], raw[len(legacy):])
	s.value = raw[len(legacy)+idSize:]
	return nil
}

// splitLines returns the lines of a file, without their ends.
func splitLines(data []byte) ([]string, error) {
	if len(data) > MaxBytes {
		return nil, refusal.New(refusal.SigLimit, "the file of minisign or signify has %d bytes, at most %d are accepted", len(data), MaxBytes)
	}
	return strings.Split(strings.TrimSuffix(string(data), "\n"), "\n"), nil
}

// comment returns what follows the prefix of a line, or what is wrong with it.
// Minisign shows comments as they are, so that control characters in them
// could write anything to a terminal; no program writes such ones.
func comment(line, prefix string, most int) (text, problem string) {
	text, found := strings.CutPrefix(line, prefix)
	isControl := func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
	switch {
	case !found:
		return "", fmt.Sprintf("a line does not begin with %q", prefix)
	case len(line) > most:
		return "", fmt.Sprintf("a comment has %d bytes, at most %d are accepted", len(line), most)
	case strings.ContainsFunc(text, isControl) || !utf8.ValidString(text):
		return "", fmt.Sprintf("what follows %q has control characters or is not UTF-8; lines end in a line feed alone", prefix)
	}
	return text, ""
}

// decode decodes base64 of the given number of bytes that is written in the one
// way.
func decode(text string, size int) ([]byte, bool) {
	raw, err := base64.StdEncoding.DecodeString(text)
	return raw, err == nil && len(raw) == size && base64.StdEncoding.EncodeToString(raw) == text
}

// Canonical returns the form in which an envelope of ours holds a signature of
// minisign: four lines, the untrusted comment always the same. The error is a
// *refusal.Refusal: those of Parse, and SIG_FORMAT for a signature that is
// signify's or over the message itself.
func Canonical(data []byte) ([]byte, error) {
	s, err := Parse(data)
	if err != nil {
		return nil, err
	}
	if s.Form != finding.Minisign || !s.Prehashed {
		return nil, refusal.New(refusal.SigFormat, "envelopes hold signatures of minisign over the digest of the message alone: sign with minisign -SH")
	}
	value := append(append([]byte(prehashed), s.id[:]...), s.value...)
	return fmt.Appendf(nil, "%s%s\n%s\n%s%s\n%s\n", untrusted, envelopeComment, base64.StdEncoding.EncodeToString(value),
		trusted, s.TrustedComment, base64.StdEncoding.EncodeToString(s.global)), nil
}

// signed returns the time that the trusted comment claims, as minisign writes
// it: "timestamp:" and Unix seconds, first of the fields that tabs separate. It
// is 0 if there is none.
func (s *Signature) signed() int64 {
	first, _, _ := strings.Cut(s.TrustedComment, "\t")
	digits, found := strings.CutPrefix(first, "timestamp:")
	seconds, err := strconv.ParseUint(digits, 10, 63)
	if !found || err != nil {
		return 0
	}
	return int64(seconds)
}
