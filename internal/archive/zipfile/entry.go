package zipfile

import (
	"encoding/binary"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/tree"
)

const (
	localBytes      = 30 // fixed part of a local header (4.3.7)
	centralBytes    = 46 // fixed part of a central header (4.3.12)
	descriptorBytes = 16 // data descriptor with its signature (4.3.9)

	maxVersionNeeded = 20 // 4.4.3.2: 2.0, directories and deflate; what is newer needs more than is read here
	maxVersionMadeBy = 63 // 4.4.2: 6.3, the newest version of the specification

	methodStored  = 0 // 4.4.5
	methodDeflate = 8
)

// General purpose flags (4.4.4).
const (
	flagEncrypted  = 1 << 0
	flagDeflate1   = 1 << 1 // which effort was asked for; without meaning for a reader
	flagDeflate2   = 1 << 2
	flagDescriptor = 1 << 3 // a data descriptor follows the content
	flagUTF8       = 1 << 11
	flagsAccepted  = flagDeflate1 | flagDeflate2 | flagDescriptor | flagUTF8

	internalText = 1 << 0 // 4.4.14, internal attributes: the writer takes the file for text
)

// fields are the fields that local and central headers have in common.
type fields struct {
	needed, flags, method, time, date uint16
	crc, packed, size                 uint32 // packed, size: bytes of content as stored and as unpacked
	nameBytes, extraBytes             uint16
}

func parseFields(p []byte) fields {
	le := binary.LittleEndian
	return fields{
		needed: le.Uint16(p), flags: le.Uint16(p[2:]), method: le.Uint16(p[4:]), time: le.Uint16(p[6:]), date: le.Uint16(p[8:]),
		crc: le.Uint32(p[10:]), packed: le.Uint32(p[14:]), size: le.Uint32(p[18:]),
		nameBytes: le.Uint16(p[22:]), extraBytes: le.Uint16(p[24:]),
	}
}

// entry is a member as its central header describes it.
type entry struct {
	fields
	name, extra string
	attributes  uint32 // external attributes (4.4.15)
	offset      uint32 // of the local header
	host        uint8  // made by (4.4.2)
}

// next reads one central header. On error the entry has the name, if that was read.
func (d *directory) next() (entry, error) {
	p, err := d.take(centralBytes)
	if err != nil {
		return entry{}, err
	}
	if string(p[:signatureBytes]) != centralSignature {
		return entry{}, refusal.New(refusal.ZipCount, "no central header here, where the end record's counts ask for one")
	}
	e := entry{fields: parseFields(p[6:])}
	if e.nameBytes > tree.MaxPathBytes+1 { // and a directory's slash
		return e, refusal.New(refusal.NamePath, "the name has %d bytes, at most %d are accepted", e.nameBytes, tree.MaxPathBytes)
	}
	if d.nameBytes += int64(e.nameBytes); d.nameBytes > maxNameBytes {
		return e, refusal.New(refusal.MetaTooBig, "the names have more than %d bytes together, the limit", int64(maxNameBytes))
	}
	text, err := d.take(int(e.nameBytes))
	if err != nil {
		return e, err
	}
	e.name = string(text)
	if e.extraBytes > maxExtraBytes {
		return e, errExtraBytes(e.extraBytes)
	}
	if text, err = d.take(int(e.extraBytes)); err != nil {
		return e, err
	}
	e.extra = string(text)
	return e, e.parseCentral(p)
}

// parseCentral judges the fields of a central header, and those that only it has.
func (e *entry) parseCentral(p []byte) error {
	le := binary.LittleEndian
	version := p[4]
	comment, disk, internal := le.Uint16(p[32:]), le.Uint16(p[34:]), le.Uint16(p[36:])
	e.host, e.attributes, e.offset = p[5], le.Uint32(p[38:]), le.Uint32(p[42:])
	switch {
	case e.packed == zip64Size || e.size == zip64Size || e.offset == zip64Size:
		return refusal.New(refusal.ZipCount, "the member's size or offset stands in a zip64 field, which is not read")
	case disk != 0:
		return refusal.New(refusal.ZipCount, "the member is said to begin on disk %d, expected 0", disk)
	case comment != 0:
		return refusal.New(refusal.ZipComment, "the member has a comment of %d bytes, expected none", comment)
	case internal&^internalText != 0:
		return refusal.New(refusal.ZipFlag, "the internal attributes are %#x, expected 0 or 1", internal)
	case version > maxVersionMadeBy:
		return refusal.New(refusal.ZipMethod, "made by version %d of the specification, %d is the newest", version, maxVersionMadeBy)
	}
	if err := e.checkFields(); err != nil {
		return err
	}
	if err := e.checkName(); err != nil {
		return err
	}
	if _, err := parseExtra(e.extra); err != nil {
		return err
	}
	_, err := e.member()
	return err
}

// checkFields judges the fields that both headers have.
func (e *entry) checkFields() error {
	switch {
	case e.flags&flagEncrypted != 0:
		return refusal.New(refusal.ZipFlag, "the member is encrypted")
	case e.flags&^flagsAccepted != 0:
		return refusal.New(refusal.ZipFlag, "the general purpose flags are %#04x, of which %#04x is not accepted", e.flags, e.flags&^flagsAccepted)
	case e.method != methodStored && e.method != methodDeflate:
		return refusal.New(refusal.ZipMethod, "the compression method is %d, expected 0 (stored) or 8 (deflate)", e.method)
	case e.needed > maxVersionNeeded:
		return refusal.New(refusal.ZipMethod, "the member needs version %d.%d to be read, expected at most 2.0", e.needed/10, e.needed%10)
	case e.method == methodStored && e.packed != e.size:
		return refusal.New(refusal.ZCRC, "the member is stored, but says %d bytes packed and %d unpacked", e.packed, e.size)
	}
	return nil
}

// checkName judges what is particular to names in a zip; the sink judges the
// rest. A name without the UTF-8 flag is in code page 437 (D.1), which some
// readers heed and some do not. A backslash is a separator to some readers
// (4.4.17.1 asks for slashes).
func (e *entry) checkName() error {
	switch {
	case e.flags&flagUTF8 == 0 && strings.ContainsFunc(e.name, notASCII):
		return refusal.New(refusal.NameUTF8, "the name is not ASCII, and not marked as UTF-8: readers disagree what it is")
	case strings.Contains(e.name, `\`):
		return refusal.New(refusal.NamePath, "the name holds a backslash, which some readers take for a separator")
	case e.isDirectory() && (e.size != 0 || e.packed != 0 || e.crc != 0 || e.method != methodStored || e.flags&flagDescriptor != 0):
		return refusal.New(refusal.NamePath, "the name ends in a slash, as a directory's, but the member has content, a method or a data descriptor, as a file has")
	}
	return nil
}

func notASCII(r rune) bool { return r >= utf8.RuneSelf }

func (e *entry) isDirectory() bool { return strings.HasSuffix(e.name, "/") }

// readLocal reads the member's local header, which must say what its central
// header says.
func (z *Reader) readLocal(e *entry) error {
	fits := z.fits(localBytes)
	var fixed [localBytes]byte
	if _, err := io.ReadFull(z.stream, fixed[:]); err != nil {
		return z.changed(err)
	}
	z.position += localBytes
	if fits != nil || string(fixed[:signatureBytes]) != localSignature {
		return refusal.New(refusal.ZipLocal, "no local header where the central directory says that one is")
	}
	local := parseFields(fixed[4:])
	if err := e.checkLocal(local); err != nil {
		return err
	}
	if local.extraBytes > maxExtraBytes {
		return errExtraBytes(local.extraBytes)
	}
	text := make([]byte, int(local.nameBytes)+int(local.extraBytes))
	if err := z.fits(int64(len(text))); err != nil {
		return err
	}
	if _, err := io.ReadFull(z.stream, text); err != nil {
		return z.changed(err)
	}
	z.position += int64(len(text))
	name, extra := string(text[:local.nameBytes]), string(text[local.nameBytes:])
	if name != e.name {
		return refusal.New(refusal.ZipLocal, "the local header says the name %q, the central header %q", name, e.name)
	}
	return compareExtra(extra, e.extra)
}

// checkLocal compares the fields of a local header with the central one's.
func (e *entry) checkLocal(local fields) error {
	same := local
	same.crc, same.packed, same.size, same.extraBytes = e.crc, e.packed, e.size, e.extraBytes
	if same != e.fields {
		return refusal.New(refusal.ZipLocal, "the local header says version, flags, method, time, date %d %#x %d %#x %#x and a name of %d bytes, the central header %d %#x %d %#x %#x and %d",
			local.needed, local.flags, local.method, local.time, local.date, local.nameBytes, e.needed, e.flags, e.method, e.time, e.date, e.nameBytes)
	}
	crc, packed, size := e.crc, e.packed, e.size
	if e.flags&flagDescriptor != 0 {
		crc, packed, size = e.describedLater(local)
		if e.method == methodStored && local.packed == 0 && e.packed != 0 {
			return refusal.New(refusal.ZipFlag, "the member is stored with its size in a data descriptor only: readers must guess where it ends")
		}
	}
	if local.crc != crc || local.packed != packed || local.size != size {
		return refusal.New(refusal.ZipLocal, "the local header says CRC %#08x, packed size %d and size %d, expected %#08x, %d and %d", local.crc, local.packed, local.size, crc, packed, size)
	}
	return nil
}

// describedLater returns the CRC and sizes that a local header has if a data
// descriptor follows the content: zero (4.4.4). Info-ZIP and
// libarchive write the unpacked size, which they know; and the packed size of
// stored content, where it is needed: a reader that does not know the
// directory has no other way to find the content's end.
func (e *entry) describedLater(local fields) (crc, packed, size uint32) {
	if e.method == methodStored {
		return 0, e.packed, e.size
	}
	if local.size != 0 {
		return 0, 0, e.size
	}
	return 0, 0, 0
}

// descriptorBytes returns the length of the member's data descriptor.
func (e *entry) descriptorBytes() int64 {
	if e.flags&flagDescriptor == 0 {
		return 0
	}
	return descriptorBytes
}

// readDescriptor reads the data descriptor, if there is one.
// Section 4.3.9.3 lets its signature be missing; without it readers must guess.
func (z *Reader) readDescriptor(e *entry) error {
	if e.flags&flagDescriptor == 0 {
		return nil
	}
	place := z.position
	var p [descriptorBytes]byte
	if _, err := io.ReadFull(z.stream, p[:]); err != nil {
		return z.changed(err)
	}
	z.position += descriptorBytes
	le := binary.LittleEndian
	crc, packed, size := le.Uint32(p[4:]), le.Uint32(p[8:]), le.Uint32(p[12:])
	switch {
	case string(p[:signatureBytes]) != descriptorSignature:
		return refusal.New(refusal.ZipLocal, "no data descriptor with a signature after the member's content").At(place, "")
	case crc != e.crc || packed != e.packed || size != e.size:
		return refusal.New(refusal.ZipLocal, "the data descriptor says CRC, packed size, size %#x %d %d, the central header %#x %d %d", crc, packed, size, e.crc, e.packed, e.size).At(place, "")
	}
	return nil
}
