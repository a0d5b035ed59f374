package zipfile

import (
	"encoding/binary"
	"math/bits"
	"strings"

	"github.com/countermark/countermark/internal/refusal"
)

// Extra fields that are accepted (Info-ZIP's extrafld.txt; section
// 4.6.1 lists them as third parties'). Neither changes what is unpacked but
// times and owners.
const (
	extraTimes = 0x5455 // "UT", extended timestamp
	extraOwner = 0x7875 // "ux", Unix user and group id

	extraHeaderBytes = 4                  // id and length (4.5.1)
	timeFlags        = 1<<0 | 1<<1 | 1<<2 // modified, accessed, created
	timeModified     = 1 << 0
	timeBytes        = 4
	maxOwnerIDBytes  = 8
)

func errExtraBytes(found uint16) error {
	return refusal.New(refusal.ZipExtra, "extra fields of %d bytes, those that are accepted have fewer than %d", found, maxExtraBytes)
}

type extraField struct {
	id   uint16
	data string
}

// parseExtra reads the extra fields of a header: well-formed, of known ids,
// each at most once.
func parseExtra(extra string) ([]extraField, error) {
	var fields []extraField
	for len(extra) > 0 {
		if len(extra) < extraHeaderBytes {
			return nil, refusal.New(refusal.ZipExtra, "%d bytes after the last extra field", len(extra))
		}
		head := []byte(extra[:extraHeaderBytes])
		id, length := binary.LittleEndian.Uint16(head), int(binary.LittleEndian.Uint16(head[2:]))
		if extra = extra[extraHeaderBytes:]; length > len(extra) {
			return nil, refusal.New(refusal.ZipExtra, "the extra field %#04x says %d bytes, %d are left", id, length, len(extra))
		}
		f := extraField{id, extra[:length]}
		extra = extra[length:]
		for _, other := range fields {
			if other.id == id {
				return nil, refusal.New(refusal.ZipExtra, "the extra field %#04x stands twice in one header", id)
			}
		}
		if err := f.check(); err != nil {
			return nil, err
		}
		fields = append(fields, f)
	}
	return fields, nil
}

func (f extraField) check() error {
	ok := false
	switch f.id {
	case extraTimes:
		ok = f.isTimes()
	case extraOwner:
		ok = f.isOwner()
	default:
		return refusal.New(refusal.ZipExtra, "the extra field %#04x, expected only UT (0x5455) and ux (0x7875)", f.id)
	}
	if !ok {
		return refusal.New(refusal.ZipExtra, "the extra field %#04x is malformed", f.id)
	}
	return nil
}

// isTimes: flags, then a time for each flag; in a central header the time of
// modification alone, if its flag is set, whatever the other flags say.
func (f extraField) isTimes() bool {
	if f.data == "" || f.data[0] == 0 || f.data[0]&^timeFlags != 0 {
		return false
	}
	return len(f.data) == f.allTimesBytes() || len(f.data) == 1+int(f.data[0]&timeModified)*timeBytes
}

func (f extraField) allTimesBytes() int { return 1 + bits.OnesCount8(f.data[0])*timeBytes }

// isOwner: version 1, then user id and group id, each with its length.
func (f extraField) isOwner() bool {
	rest, ok := strings.CutPrefix(f.data, "\x01")
	for range 2 {
		if !ok || rest == "" {
			return false
		}
		length := int(rest[0])
		ok = length >= 1 && length <= maxOwnerIDBytes && length < len(rest)
		if ok {
			rest = rest[1+length:]
		}
	}
	return ok && rest == ""
}

// compareExtra judges the extra fields of a local header, which must be those
// of the central header; only times may be left out of the latter.
func compareExtra(local, central string) error {
	localFields, err := parseExtra(local)
	if err != nil {
		return err
	}
	centralFields, err := parseExtra(central)
	if err != nil {
		return err
	}
	differ := len(localFields) != len(centralFields)
	for i := 0; !differ && i < len(localFields); i++ {
		l, c := localFields[i], centralFields[i]
		differ = l.id != c.id || l.data != c.data && l.id != extraTimes
		if !differ && l.id == extraTimes {
			differ = len(l.data) != l.allTimesBytes() || !strings.HasPrefix(l.data, c.data)
		}
	}
	if differ {
		return refusal.New(refusal.ZipLocal, "the local header's extra fields are %.64x, the central header's %.64x", local, central)
	}
	return nil
}
