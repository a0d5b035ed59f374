package pgp

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
	openpgp "github.com/ProtonMail/go-crypto/openpgp/v2"

	"github.com/countermark/countermark/internal/publickey"
	"github.com/countermark/countermark/internal/signature/pgp/framing"
)

// Types of signatures in certificates (RFC 9580, section 5.2.1).
const (
	typeGenericCertification  = 0x10
	typePositiveCertification = 0x13
	typeSubkeyBinding         = 0x18
	typeDirectKey             = 0x1f
	typeKeyRevocation         = 0x20
	typeSubkeyRevocation      = 0x28
	typeUserRevocation        = 0x30
)

// assembly is a certificate in order: whatever the order in its file, each
// signature stands with what it is about, equal parts are joined, and nothing is
// left that the library would stumble over. The library on its own passes over
// a revocation that stands in the wrong place, or that it does not understand.
type assembly struct {
	primary component
	users   []component
	subkeys []component
	key     *packet.PublicKey // the primary key

	strays   []framing.Packet // revocations of subkeys that follow none
	self     int              // how many signatures by the primary key there are
	revokers []string         // fingerprints of other keys that may revoke it, by its own word
	foreign  []string         // whom its revocations name as their makers
}

// component is a key or a user id, and the signatures on it.
type component struct {
	packet     framing.Packet
	signatures []framing.Packet
	unreadable bool // a revocation of it cannot be read
}

// assemble puts the packets of a certificate in order. More than one certificate
// of the same primary key may follow one another. The error says in one sentence
// why no signature can be verified with it.
func assemble(packets []framing.Packet) (*assembly, error) {
	key, err := readKey(packets[0])
	if err != nil {
		return nil, err
	}
	if _, err := material(key); err != nil {
		return nil, err
	}
	a := &assembly{primary: component{packet: packets[0]}, key: key}
	current := &a.primary
	for _, p := range packets {
		if max(len(a.users), len(a.subkeys)) > maxParts || max(len(a.strays), a.self) > maxSelfSignatures {
			return nil, fmt.Errorf("the certificate has more than %d subkeys or user ids, or more than %d signatures of its own", maxParts, maxSelfSignatures)
		}
		switch p.Tag {
		case framing.TagPublicKey:
			current = &a.primary
		case framing.TagPublicSubkey:
			current = place(&a.subkeys, p)
		case framing.TagUserID:
			current = place(&a.users, p)
		case framing.TagUserAttribute:
			current = &component{packet: p} // a picture: nothing here depends on it
		case framing.TagSignature:
			a.sign(p, current)
		default:
			return nil, fmt.Errorf("the certificate has a packet of type %d, which no certificate has", p.Tag)
		}
	}
	for i := range a.subkeys {
		for _, p := range a.strays {
			a.sign(p, &a.subkeys[i]) // the revocation itself says later whether it is this one's
		}
		if a.self > maxSelfSignatures {
			return nil, fmt.Errorf("the certificate has more than %d signatures of its own", maxSelfSignatures)
		}
	}
	if _, err := a.entity(); err != nil {
		return nil, fmt.Errorf("the certificate cannot be understood: %v", err)
	}
	return a, nil
}

// place returns the component of a key or user id, a new one if there is none.
func place(all *[]component, p framing.Packet) *component {
	for i := range *all {
		if bytes.Equal((*all)[i].packet.Body, p.Body) {
			return &(*all)[i]
		}
	}
	*all = append(*all, component{packet: p})
	return &(*all)[len(*all)-1]
}

// sign puts a signature where it belongs by its type: with the component that it
// follows, or where a revocation counts.
func (a *assembly) sign(p framing.Packet, current *component) {
	parsed, err := packet.Read(bytes.NewReader(p.Encode()))
	sig, ok := parsed.(*packet.Signature)
	readable := err == nil && ok
	switch kind := signatureType(p.Body); {
	case kind == typeSubkeyRevocation && current.packet.Tag != framing.TagPublicSubkey:
		a.strays = append(a.strays, p)
	case kind == typeKeyRevocation && !readable:
		a.primary.unreadable = true
	case kind == typeSubkeyRevocation && !readable:
		current.unreadable = true
	case !readable:
		return
	case kind == typeKeyRevocation:
		// Whom it names as its maker is a hint, which may be missing or false.
		a.foreign = append(a.foreign, issuerOf(sig))
		a.add(&a.primary, p)
	case kind == typeDirectKey:
		a.add(&a.primary, p)
	case kind == typeSubkeyRevocation, kind == typeSubkeyBinding && current.packet.Tag == framing.TagPublicSubkey:
		a.add(current, p)
	case kind >= typeGenericCertification && kind <= typePositiveCertification || kind == typeUserRevocation:
		if current.packet.Tag == framing.TagUserID && sig.CheckKeyIdOrFingerprint(a.key) {
			a.add(current, p)
		}
	}
}

// add keeps a signature, once, and whom it names as able to revoke the key.
func (a *assembly) add(c *component, p framing.Packet) {
	for _, have := range c.signatures {
		if bytes.Equal(have.Body, p.Body) {
			return
		}
	}
	c.signatures = append(c.signatures, p)
	a.self++
	r := reader{rest: p.Body}
	r.take(4)
	area := r.sized(2)
	if p.Body[0] == 6 {
		return // has no such subpacket (RFC 9580, section 5.2.3.23)
	}
	all, err := framing.Subpackets(area)
	if err != nil {
		return // the library has read it, so this does not happen
	}
	for _, s := range all {
		const class, algorithm, size = 1, 1, 20
		if s.Kind == framing.KindRevoker && len(s.Content) == class+algorithm+size {
			a.revokers = append(a.revokers, hex.EncodeToString(s.Content[class+algorithm:]))
		}
	}
}

// signatureType returns the type of a signature, also of one that is not
// understood otherwise (RFC 9580, sections 5.2.2 and 5.2.3).
func signatureType(body []byte) byte {
	switch {
	case len(body) > 2 && (body[0] == 2 || body[0] == 3):
		return body[2]
	case len(body) > 1:
		return body[1]
	}
	return typeKeyRevocation // nobody knows: the worst
}

// issuerOf returns the fingerprint or key id of who made a signature.
func issuerOf(sig *packet.Signature) string {
	if len(sig.IssuerFingerprint) > 0 {
		return hex.EncodeToString(sig.IssuerFingerprint)
	}
	if sig.IssuerKeyId != nil {
		return fmt.Sprintf("%016x", *sig.IssuerKeyId)
	}
	return ""
}

// revokedByOther reports whether a key that may has revoked this one, as far as
// can be told without that key.
func (a *assembly) revokedByOther() bool {
	return slices.ContainsFunc(a.foreign, func(issuer string) bool {
		return slices.ContainsFunc(a.revokers, func(revoker string) bool {
			const keyID = 24 // where the key id begins in a fingerprint of version 4, in hex
			return issuer == revoker || issuer == revoker[keyID:]
		})
	})
}

// keyPackets returns the packets of the primary key and of the subkeys.
func (a *assembly) keyPackets() []framing.Packet {
	all := []framing.Packet{a.primary.packet}
	for _, c := range a.subkeys {
		all = append(all, c.packet)
	}
	return all
}

// entity hands the certificate to the library. Each call gives another: the
// library keeps in it what it found at one time, and errs at the next.
func (a *assembly) entity() (*openpgp.Entity, error) {
	var b bytes.Buffer
	for _, c := range slices.Concat([]component{a.primary}, a.users, a.subkeys) {
		if c.packet.Tag == framing.TagPublicSubkey {
			if _, err := readKey(c.packet); err != nil {
				continue
			}
		}
		b.Write(c.packet.Encode())
		for _, s := range c.signatures {
			b.Write(s.Encode())
		}
	}
	return openpgp.ReadEntity(packet.NewReader(&b))
}

// signingKeys returns the material of the primary key and of every subkey that
// was bound for signatures by both sides at any time.
func (a *assembly) signingKeys() []publickey.Key {
	primary, err := material(a.key)
	if err != nil {
		return nil
	}
	keys := []publickey.Key{primary}
	e, err := a.entity()
	if err != nil {
		return nil
	}
	for _, sub := range e.Subkeys {
		key, err := material(sub.PublicKey)
		if err != nil || slices.Contains(keys, key) {
			continue
		}
		for _, binding := range sub.Bindings {
			if binding.Packet.FlagSign && a.key.VerifyKeySignature(sub.PublicKey, binding.Packet) == nil {
				keys = append(keys, key)
				break
			}
		}
	}
	return keys
}
