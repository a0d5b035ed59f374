// Package digest holds the two kinds of digest that countermark speaks of, as
// values: the SHA-256 of plain bytes (FIPS 180-4), and the object id that git
// gives to a blob, tree, commit or tag, in either of git's object formats
// (git's Documentation/technical/hash-function-transition.txt).
//
// SHA-1 is always computed with collision detection.
package digest

import (
	"encoding/hex"
	"fmt"
)

// SHA256 is the SHA-256 of some bytes. The zero value means "not computed".
type SHA256 [32]byte

// String returns the digest as 64 lower-case hexadecimal digits.
func (d SHA256) String() string { return hex.EncodeToString(d[:]) }

// IsZero reports whether d was never computed.
func (d SHA256) IsZero() bool { return d == SHA256{} }

// ParseSHA256 reads exactly 64 lower-case hexadecimal digits.
func ParseSHA256(s string) (SHA256, error) {
	var d SHA256
	if len(s) != 2*len(d) || !isLowerHex(s) {
		return SHA256{}, fmt.Errorf("reading SHA-256 %q: expected 64 lower-case hexadecimal digits", s)
	}
	_, err := hex.Decode(d[:], []byte(s))
	return d, err
}

// MarshalText returns the digest as String does, "" for the zero value.
func (d SHA256) MarshalText() ([]byte, error) {
	if d.IsZero() {
		return nil, nil
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads what MarshalText writes.
func (d *SHA256) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*d = SHA256{}
		return nil
	}
	*d, err = ParseSHA256(string(text))
	return err
}

// Format is one of git's object formats: the hash that names objects.
// The zero value is no format.
type Format uint8

// The object formats that git knows (extensions.objectFormat in git-config(1)).
const (
	SHA1Format Format = iota + 1
	SHA256Format
)

// String returns git's name of the format, as extensions.objectFormat has it.
func (f Format) String() string {
	switch f {
	case SHA1Format:
		return "sha1"
	case SHA256Format:
		return "sha256"
	}
	return fmt.Sprintf("Format(%d)", uint8(f))
}

// Size returns the number of bytes in an object id of this format, 0 for none.
func (f Format) Size() int {
	switch f {
	case SHA1Format:
		return 20
	case SHA256Format:
		return 32
	}
	return 0
}

// ObjectID is the full id of a git object, in one format. Ids of different
// formats are never equal. The zero value is no id.
type ObjectID struct {
	format Format
	sum    [32]byte // SHA-1 ids leave the last 12 bytes zero
}

// ParseObjectID reads a full id: exactly 40 (SHA-1) or 64 (SHA-256) lower-case
// hexadecimal digits. Abbreviations are refused.
func ParseObjectID(s string) (ObjectID, error) {
	var id ObjectID
	switch {
	case !isLowerHex(s):
	case len(s) == 2*SHA1Format.Size():
		id.format = SHA1Format
	case len(s) == 2*SHA256Format.Size():
		id.format = SHA256Format
	}
	if id.format == 0 {
		return ObjectID{}, fmt.Errorf("reading object id %q: expected a full id of 40 or 64 lower-case hexadecimal digits", s)
	}
	_, err := hex.Decode(id.sum[:], []byte(s))
	return id, err
}

// ObjectIDFromBytes makes an id of format f from its raw bytes, as tree
// objects hold them. It panics unless len(raw) is f.Size().
func ObjectIDFromBytes(f Format, raw []byte) ObjectID {
	if f.Size() == 0 || len(raw) != f.Size() {
		panic(fmt.Sprintf("digest: %d bytes for an id of format %v", len(raw), f))
	}
	id := ObjectID{format: f}
	copy(id.sum[:], raw)
	return id
}

// Format returns the id's object format, 0 for the zero id.
func (id ObjectID) Format() Format { return id.format }

// Bytes returns the raw bytes of the id, nil for the zero id.
func (id ObjectID) Bytes() []byte {
	if id.format == 0 {
		return nil
	}
	return append([]byte(nil), id.sum[:id.format.Size()]...)
}

// String returns the full id in lower-case hexadecimal, "" for the zero id.
func (id ObjectID) String() string { return hex.EncodeToString(id.sum[:id.format.Size()]) }

// Short returns the first twelve digits, for people to read; never for a look-up.
func (id ObjectID) Short() string { return id.String()[:min(12, 2*id.format.Size())] }

// IsZero reports whether id is no id at all.
func (id ObjectID) IsZero() bool { return id.format == 0 }

// IsNull reports whether id is git's null id (all zero bits), which names no object.
func (id ObjectID) IsNull() bool { return id.format != 0 && id.sum == [32]byte{} }

// MarshalText returns the id as String does.
func (id ObjectID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText writes: "" is the zero id.
func (id *ObjectID) UnmarshalText(text []byte) (err error) {
	if len(text) == 0 {
		*id = ObjectID{}
		return nil
	}
	*id, err = ParseObjectID(string(text))
	return err
}

func isLowerHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// IDs holds the ids of one object in both of git's formats. A part that was
// not computed is zero: a tree read from a repository has only the
// repository's own.
type IDs struct {
	SHA1   [20]byte
	SHA256 [32]byte
}

// In returns the id in format f, the zero id if that part was not computed.
func (ids *IDs) In(f Format) ObjectID {
	switch {
	case f == SHA1Format && ids.SHA1 != [20]byte{}:
		return ObjectIDFromBytes(f, ids.SHA1[:])
	case f == SHA256Format && ids.SHA256 != [32]byte{}:
		return ObjectIDFromBytes(f, ids.SHA256[:])
	}
	return ObjectID{}
}

// Set stores id in the part of its format.
func (ids *IDs) Set(id ObjectID) {
	switch id.format {
	case SHA1Format:
		copy(ids.SHA1[:], id.sum[:])
	case SHA256Format:
		ids.SHA256 = id.sum
	}
}

// Agree reports whether both have an id in some format, and no format says
// that they differ.
func (ids *IDs) Agree(other IDs) bool {
	common := false
	for _, f := range []Format{SHA1Format, SHA256Format} {
		a, b := ids.In(f), other.In(f)
		if a.IsZero() || b.IsZero() {
			continue
		}
		if a != b {
			return false
		}
		common = true
	}
	return common
}
