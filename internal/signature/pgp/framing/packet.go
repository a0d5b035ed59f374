// Package framing reads what surrounds the contents of OpenPGP data: armour,
// packets and subpackets (RFC 9580, sections 4, 5.2.3.7 and 6).
package framing

import (
	"encoding/binary"
	"fmt"
)

// MaxBytes is how much OpenPGP data is read at all, and so the most that a
// length in it can say.
const MaxBytes = 1 << 24

// Packet types (RFC 9580, section 5).
const (
	TagSignature     = 2
	TagOnePass       = 4
	TagSecretKey     = 5
	TagPublicKey     = 6
	TagSecretSubkey  = 7
	TagCompressed    = 8
	TagMarker        = 10
	TagLiteral       = 11
	TagTrust         = 12
	TagUserID        = 13
	TagPublicSubkey  = 14
	TagUserAttribute = 17
	TagPadding       = 21

	FirstNonCritical = 40 // unknown types from here on may be passed over (RFC 9580, section 4.3)
)

// Packet is one packet as it was read, without its header: of several
// spellings of one packet only the header differs.
type Packet struct {
	Tag  byte
	Body []byte
}

// Next cuts the first packet off the data, which is not empty. Only
// definite lengths are accepted: the others are for data packets (RFC 9580,
// section 4.2.1.4). The error is one sentence, and the
// type is known with it, if it is not 0.
func Next(data []byte) (p Packet, rest []byte, err error) {
	const newFormat, oldFormat = 0xc0, 0x80
	var length, header int
	switch data[0] & 0xc0 {
	case newFormat:
		p.Tag = data[0] & 0x3f
		length, header, err = packetLength(data[1:])
	case oldFormat:
		p.Tag = data[0] >> 2 & 0x0f
		length, header, err = oldLength(data[0]&3, data[1:])
	default:
		return p, nil, fmt.Errorf("the byte 0x%02x begins no packet", data[0])
	}
	if err != nil {
		return p, nil, err
	}
	rest = data[1+header:]
	if length > len(rest) {
		return p, nil, fmt.Errorf("a packet of type %d has %d bytes by its header, and the data ends after %d", p.Tag, length, len(rest))
	}
	p.Body = rest[:length:length]
	return p, rest[length:], nil
}

// packetLength reads a length as packets of the new format have it (RFC 9580,
// section 4.2.1), and how many bytes it takes.
func packetLength(data []byte) (length, header int, err error) {
	switch {
	case len(data) >= 1 && data[0] < 192:
		return int(data[0]), 1, nil
	case len(data) >= 2 && data[0] < 224:
		return int(data[0]-192)<<8 + int(data[1]) + 192, 2, nil
	case len(data) >= 5 && data[0] == 255:
		return fourBytes(data[1:], 5)
	case len(data) >= 1 && data[0] >= 224 && data[0] < 255:
		return 0, 0, fmt.Errorf("a packet has a partial length, which only the packets of messages may have")
	}
	return 0, 0, fmt.Errorf("the data ends in the header of a packet")
}

// oldLength reads a length as packets of the old format have it, by its kind
// (RFC 9580, section 4.2.2).
func oldLength(kind byte, data []byte) (length, header int, err error) {
	switch {
	case kind == 0 && len(data) >= 1:
		return int(data[0]), 1, nil
	case kind == 1 && len(data) >= 2:
		return int(binary.BigEndian.Uint16(data)), 2, nil
	case kind == 2 && len(data) >= 4:
		return fourBytes(data, 4)
	case kind == 3:
		return 0, 0, fmt.Errorf("a packet has no length, which only the packets of messages may have")
	}
	return 0, 0, fmt.Errorf("the data ends in the header of a packet")
}

// fourBytes reads a length that fits every int.
func fourBytes(data []byte, header int) (int, int, error) {
	n := binary.BigEndian.Uint32(data)
	if n > MaxBytes {
		return 0, 0, fmt.Errorf("a packet has %d bytes by its header, at most %d are accepted", n, MaxBytes)
	}
	return int(n), header, nil
}

// Encode returns the packet with a header of the new format and the shortest
// length (RFC 9580, section 4.2.1).
func (p Packet) Encode() []byte {
	const newFormat = 0xc0
	b := []byte{newFormat | p.Tag}
	switch n := len(p.Body); {
	case n < 192:
		b = append(b, byte(n))
	case n < 8384:
		b = append(b, byte((n-192)>>8)+192, byte(n-192))
	default:
		b = binary.BigEndian.AppendUint32(append(b, 255), uint32(n))
	}
	return append(b, p.Body...)
}

// Subpacket is one subpacket of a signature (RFC 9580, section 5.2.3.7).
type Subpacket struct {
	Kind     byte
	Critical bool
	Content  []byte
}

// The subpackets that are looked at (RFC 9580, section 5.2.3.7).
const (
	KindCreated     = 2
	KindExpires     = 3
	KindRevoker     = 12
	KindIssuer      = 16
	KindNotation    = 20
	KindFingerprint = 33
)

// Subpackets splits an area of subpackets. The error is one sentence.
func Subpackets(area []byte) ([]Subpacket, error) {
	var all []Subpacket
	for len(area) > 0 {
		length, header := 0, 0
		switch {
		case area[0] < 192:
			length, header = int(area[0]), 1
		case area[0] < 255 && len(area) >= 2:
			length, header = int(area[0]-192)<<8+int(area[1])+192, 2
		case area[0] == 255 && len(area) >= 5:
			n := binary.BigEndian.Uint32(area[1:])
			length, header = int(min(n, MaxBytes)), 5
		}
		if length == 0 || length > len(area)-header {
			return nil, fmt.Errorf("a subpacket of the signature is empty, or longer than its area")
		}
		content := area[header : header+length]
		all = append(all, Subpacket{content[0] & 0x7f, content[0]&0x80 != 0, content[1:]})
		area = area[header+length:]
	}
	return all, nil
}
