package archive

import (
	"bytes"

	"github.com/countermark/countermark/internal/refusal"
)

// blockSize is the size of tar's blocks (POSIX.1-2017, pax, "ustar Interchange Format").
const blockSize = 512

// dialect is the header format that a magic announces. One archive has one.
type dialect uint8

const (
	v7    dialect = iota + 1 // no magic: the tar of Seventh Edition Unix, automake's default
	ustar                    // POSIX "ustar\0" "00", the carrier of pax headers
	gnu                      // GNU tar's "ustar  \0", the carrier of L and K headers
)

var dialectNames = [...]string{v7: "v7", ustar: "ustar", gnu: "GNU"}

func (d dialect) String() string { return dialectNames[d] }

// Member types (POSIX "typeflag", GNU tar manual "Basic Tar Format").
const (
	typeRegularNUL = 0
	typeRegular    = '0'
	typeHardLink   = '1'
	typeSymlink    = '2'
	typeCharacter  = '3'
	typeBlock      = '4'
	typeDirectory  = '5'
	typeFIFO       = '6'
	typeGlobal     = 'g'
	typeExtended   = 'x'
	typeLongName   = 'L'
	typeLongLink   = 'K'
)

// header is one parsed header block.
type header struct {
	dialect  dialect
	typ      byte
	name     string // prefix joined, as a reader of the bare block sees it
	linkname string
	mode     int64
	size     int64
}

// field is a slice of the header block.
type field struct{ from, to int }

// The fields of a header block (POSIX "ustar Header Block").
var (
	fieldName     = field{0, 100}
	fieldMode     = field{100, 108}
	fieldUID      = field{108, 116}
	fieldGID      = field{116, 124}
	fieldSize     = field{124, 136}
	fieldMtime    = field{136, 148}
	fieldChecksum = field{148, 156}
	fieldLinkname = field{157, 257}
	fieldMagic    = field{257, 265} // magic and version
	fieldUname    = field{265, 297}
	fieldGname    = field{297, 329}
	fieldDevMajor = field{329, 337}
	fieldDevMinor = field{337, 345}
	fieldPrefix   = field{345, 500}
	fieldPadding  = field{500, 512}
	fieldOwners   = field{265, 329} // uname and gname, which v7 does not have; GNU tar writes device numbers even there
	fieldAfterDev = field{345, 512} // nothing in v7; in GNU old-style times, sparse map and padding, always zero here
)

const offsetType = 156

func (f field) of(block []byte) []byte { return block[f.from:f.to] }

// parseHeader reads one header block, accounting for each of its bytes.
func parseHeader(block []byte) (*header, error) {
	if err := checkChecksum(block); err != nil {
		return nil, err
	}
	h := &header{typ: block[offsetType]}
	switch magic := string(fieldMagic.of(block)); magic {
	case "ustar\x0000":
		h.dialect = ustar
	case "ustar  \x00":
		h.dialect = gnu
	case "\x00\x00\x00\x00\x00\x00\x00\x00":
		h.dialect = v7
	default:
		return nil, refusal.New(refusal.TarMagic, "magic and version are %q, expected those of v7, ustar or GNU tar", magic)
	}
	if err := checkUnusedFields(h, block); err != nil {
		return nil, err
	}
	if err := h.parseNumbers(block); err != nil {
		return nil, err
	}
	return h, h.parseStrings(block)
}

// checkChecksum compares the checksum field with the unsigned sum of the
// block's bytes, the field itself counted as spaces.
func checkChecksum(block []byte) error {
	sum := int64(0)
	for _, c := range block {
		sum += int64(c)
	}
	for _, c := range fieldChecksum.of(block) {
		sum += ' ' - int64(c)
	}
	stated, ok := parseOctal(fieldChecksum.of(block))
	if !ok || stated != sum {
		return refusal.New(refusal.TarChecksum, "the header's checksum field is %q, expected %06o", fieldChecksum.of(block), sum)
	}
	return nil
}

// checkUnusedFields demands zero where the dialect has no field.
func checkUnusedFields(h *header, block []byte) error {
	unused := []field{fieldPadding}
	switch h.dialect {
	case v7:
		unused = []field{fieldOwners, fieldAfterDev}
	case gnu:
		unused = []field{fieldAfterDev}
	}
	for _, f := range unused {
		if i := firstNonZero(f.of(block)); i >= 0 {
			return refusal.New(refusal.TarFieldTail, "byte %d of a %v header is not zero, and the format has no field there", f.from+i, h.dialect)
		}
	}
	return nil
}

func (h *header) parseNumbers(block []byte) error {
	var devMajor, devMinor, ignored int64
	fields := []struct {
		name     string
		field    field
		into     *int64
		mayBlank bool
	}{
		{"mode", fieldMode, &h.mode, false},
		{"uid", fieldUID, &ignored, true}, // npm and cargo leave owner and time blank
		{"gid", fieldGID, &ignored, true},
		{"size", fieldSize, &h.size, false},
		{"mtime", fieldMtime, &ignored, true},
		{"devmajor", fieldDevMajor, &devMajor, true},
		{"devminor", fieldDevMinor, &devMinor, true},
	}
	for _, f := range fields {
		raw := f.field.of(block)
		if f.mayBlank && firstNonZero(raw) < 0 {
			continue
		}
		value, ok := parseOctal(raw)
		if !ok {
			return refusal.New(refusal.TarNum, "the %s field is %q, expected octal digits ended by NUL or space", f.name, raw)
		}
		*f.into = value
	}
	if h.typ != typeCharacter && h.typ != typeBlock && (devMajor != 0 || devMinor != 0) {
		return refusal.New(refusal.TarFieldTail, "a device number stands in the header of a member that is no device")
	}
	return nil
}

func (h *header) parseStrings(block []byte) error {
	var uname, gname, prefix string
	fields := []struct {
		name  string
		field field
		into  *string
	}{
		{"name", fieldName, &h.name},
		{"linkname", fieldLinkname, &h.linkname},
		{"uname", fieldUname, &uname},
		{"gname", fieldGname, &gname},
		{"prefix", fieldPrefix, &prefix},
	}
	for _, f := range fields {
		raw := f.field.of(block)
		text, tail, _ := bytes.Cut(raw, []byte{0})
		if f.field == fieldPrefix && len(text) == 0 {
			tail = withoutTimes(tail)
		}
		if firstNonZero(tail) >= 0 {
			return refusal.New(refusal.TarFieldTail, "the %s field has bytes after its NUL", f.name)
		}
		*f.into = string(text)
	}
	if prefix != "" {
		h.name = prefix + "/" + h.name
	}
	if h.linkname != "" && h.typ != typeHardLink && h.typ != typeSymlink {
		return refusal.New(refusal.TarFieldTail, "a link name stands in the header of a member that is no link")
	}
	return nil
}

// withoutTimes cuts off the two times that npm writes where star has them, at
// the end of an empty prefix field (star(5), "xstar header": atime at 476,
// ctime at 488). To a reader of ustar they lie behind the field's NUL.
func withoutTimes(tail []byte) []byte {
	const timesBytes = 24
	rest, times := tail[:len(tail)-timesBytes], tail[len(tail)-timesBytes:]
	for _, t := range [][]byte{times[:timesBytes/2], times[timesBytes/2:]} {
		if _, ok := parseOctal(t); !ok && firstNonZero(t) >= 0 {
			return tail
		}
	}
	return rest
}

// parseOctal reads octal digits followed by at least one NUL or space up to
// the end of the field. Base-256, signs and leading blanks are not octal.
func parseOctal(raw []byte) (int64, bool) {
	digits := bytes.TrimRight(raw, "\x00 ")
	if len(digits) == 0 || len(digits) == len(raw) {
		return 0, false
	}
	value := int64(0) // at most 11 digits: 33 bits
	for _, c := range digits {
		if c < '0' || c > '7' {
			return 0, false
		}
		value = value<<3 | int64(c-'0')
	}
	return value, true
}

// firstNonZero returns the index of the first byte that is not zero, or -1.
func firstNonZero(b []byte) int {
	for i, c := range b {
		if c != 0 {
			return i
		}
	}
	return -1
}
