package pgp

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/countermark/countermark/internal/publickey"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature/pgp/framing"
)

// Certificate is one OpenPGP certificate: a primary key and all that was read
// with it. ParseCertificates makes it; it is not changed afterwards.
type Certificate struct {
	Fingerprint string          // of the primary key, in lower-case hex; "" of version 3
	Name        string          // its first user id: a claim; hostile, shown only through package escape
	Keys        []publickey.Key // the primary key, and each subkey that both sides bind as one for signatures, valid now or not
	Unusable    string          // why no signature can be verified with it, in one sentence without full stop, foreign text in it escaped; else ""

	packets []framing.Packet
	ids     []identifier // of all its keys, signing or not
}

// identifier is what a signature may name a key by.
type identifier struct {
	fingerprint string // lower-case hex
	keyID       string
}

// ParseCertificates reads a key file: binary as gpg --export writes it, or text
// with any number of armoured blocks, between which anything may stand. All of
// them are read. A certificate that cannot be used (of version 3, of an unknown
// algorithm) is returned as such. The same certificate may occur more than once;
// Verify joins what belongs to one primary key.
//
// The error is a refusal (SIG_KEY, SIG_LIMIT): there is no key, a block is
// broken, the file holds a secret key or something else than keys.
func ParseCertificates(data []byte) ([]Certificate, error) {
	if len(data) > maxKeyFileBytes {
		return nil, refusal.New(refusal.SigLimit, "the OpenPGP key file has %d bytes, at most %d are accepted", len(data), maxKeyFileBytes)
	}
	blocks, err := keyBlocks(data)
	if err != nil {
		return nil, err
	}
	var all []Certificate
	for i, block := range blocks {
		groups, err := splitCertificates(block)
		if err != nil {
			return nil, refusal.New(refusal.SigKey, "block %d of the OpenPGP key file: %v", i+1, err)
		}
		for _, packets := range groups {
			all = append(all, newCertificate(packets))
		}
		if len(all) > maxCertificates {
			return nil, refusal.New(refusal.SigLimit, "the OpenPGP key file holds more than %d certificates", maxCertificates)
		}
	}
	return all, nil
}

// keyBlocks returns the packets of a key file, block by block.
func keyBlocks(data []byte) ([][]byte, error) {
	if len(data) > 0 && data[0]&0x80 != 0 {
		return [][]byte{data}, nil
	}
	var blocks [][]byte
	lines := framing.Lines(data)
	for len(lines) > 0 {
		first := lines[0]
		switch {
		case first == framing.BeginKey:
			body, rest, err := framing.Unarmour(lines, framing.EndKey, refusal.SigKey)
			if err != nil {
				return nil, err
			}
			blocks = append(blocks, body)
			lines = rest
			continue
		case strings.HasPrefix(first, "-----BEGIN PGP PRIVATE"):
			return nil, refusal.New(refusal.SigKey, "the OpenPGP key file holds a secret key, expected public keys alone (gpg --armor --export)")
		case strings.HasPrefix(first, "-----BEGIN PGP"):
			return nil, refusal.New(refusal.SigKey, "the OpenPGP key file holds a block that is not the line %q, expected public keys alone (gpg --armor --export)", framing.BeginKey)
		}
		lines = lines[1:]
	}
	if len(blocks) == 0 {
		return nil, refusal.New(refusal.SigKey, "the file holds no OpenPGP key, expected the line %q or the binary form (gpg --export)", framing.BeginKey)
	}
	return blocks, nil
}

// splitCertificates cuts packets into certificates: each begins with a primary
// key. The error is one sentence.
func splitCertificates(data []byte) ([][]framing.Packet, error) {
	var groups [][]framing.Packet
	for len(data) > 0 {
		p, rest, err := framing.Next(data)
		if err != nil {
			return nil, err
		}
		data = rest
		switch {
		case p.Tag == framing.TagSecretKey || p.Tag == framing.TagSecretSubkey:
			return nil, fmt.Errorf("it holds a secret key, expected public keys alone (gpg --export)")
		case p.Tag == framing.TagMarker || p.Tag == framing.TagTrust || p.Tag == framing.TagPadding || p.Tag >= framing.FirstNonCritical:
			continue
		case p.Tag == framing.TagPublicKey:
			groups = append(groups, nil)
		case len(groups) == 0:
			return nil, fmt.Errorf("it begins with a packet of type %d, expected a public key", p.Tag)
		}
		last := len(groups) - 1
		groups[last] = append(groups[last], p)
		if len(groups[last]) > maxPackets {
			return nil, fmt.Errorf("a certificate has more than %d packets", maxPackets)
		}
	}
	return groups, nil
}

// newCertificate reads what can be said of a certificate without a signature
// and a time.
func newCertificate(packets []framing.Packet) Certificate {
	c := Certificate{packets: packets}
	if id, ok := identify(packets[0].Body); ok {
		c.Fingerprint = id.fingerprint
	}
	for _, p := range packets {
		id, ok := identify(p.Body)
		switch {
		case ok && (p.Tag == framing.TagPublicKey || p.Tag == framing.TagPublicSubkey):
			c.ids = append(c.ids, id)
		case p.Tag == framing.TagUserID && c.Name == "":
			c.Name = string(p.Body)
		}
	}
	a, err := assemble(packets)
	if err != nil {
		c.Unusable = err.Error()
		return c
	}
	c.Keys = a.signingKeys()
	return c
}

// identify returns what names a key (RFC 9580, section 5.5.4); false if it is of
// a version other than 4 and 6.
func identify(body []byte) (identifier, bool) {
	if len(body) < 6 {
		return identifier{}, false
	}
	switch body[0] {
	case 4:
		h := sha1.New()
		h.Write([]byte{0x99, byte(len(body) >> 8), byte(len(body))})
		h.Write(body)
		sum := h.Sum(nil)
		return identifier{hex.EncodeToString(sum), hex.EncodeToString(sum[12:])}, len(body) <= 0xffff
	case 6:
		h := sha256.New()
		h.Write(binary.BigEndian.AppendUint32([]byte{0x9b}, uint32(len(body))))
		h.Write(body)
		sum := h.Sum(nil)
		return identifier{hex.EncodeToString(sum), hex.EncodeToString(sum[:8])}, true
	}
	return identifier{}, false
}

// readKey reads the packet of a public key. The error is one sentence.
func readKey(p framing.Packet) (*packet.PublicKey, error) {
	id, ok := identify(p.Body)
	if !ok {
		return nil, fmt.Errorf("the key is of version %d, expected 4 or 6", append(p.Body, 0)[0])
	}
	parsed, err := packet.Read(bytes.NewReader(p.Encode()))
	key, ok := parsed.(*packet.PublicKey)
	if err != nil || !ok {
		return nil, fmt.Errorf("the key %s cannot be understood: %v", id.fingerprint, err)
	}
	if hex.EncodeToString(key.Fingerprint) != id.fingerprint {
		return nil, fmt.Errorf("the key %s has bytes after its end", id.fingerprint)
	}
	return key, nil
}

// names reports whether the certificate holds a key that is named so.
func (c *Certificate) names(issuer string) bool {
	for _, id := range c.ids {
		if issuer == id.fingerprint || issuer == id.keyID {
			return true
		}
	}
	return false
}
