// Package envelope reads the compression containers that release archives come
// in: gzip (RFC 1952), bzip2, xz (The .xz File Format 1.2.1) and zstd (RFC
// 8878), and the plain tar that has none. Compressed bytes go in, uncompressed
// bytes come out.
//
// A container is accepted in its simplest form only: one member, stream or
// frame, with nothing before, between or after. Headers, framing and lengths
// are checked by this package; a decoder sees only bytes whose framing was
// accepted, so that a declared dictionary or window is judged before anything
// is allocated for it. What is accepted is specified in docs/spec/envelopes.md.
//
// Not checked: the up to seven bits that pad the last byte of a deflate stream
// (no decoder shows them), and the time, system and level that a gzip header
// claims.
package envelope

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/countermark/countermark/internal/envelope/framing"
	"github.com/countermark/countermark/internal/refusal"
)

// Format is a kind of release file. The zero value is none.
type Format uint8

// The formats that are recognised. Zip is recognised only: its members are
// found from its end, so Open cannot read it as a stream.
const (
	Tar Format = iota + 1 // a tar without compression
	Gzip
	Bzip2
	XZ
	Zstd
	Zip
)

// String returns the usual name of the format, in lower case.
func (f Format) String() string {
	switch f {
	case Tar:
		return "tar"
	case Gzip:
		return "gzip"
	case Bzip2:
		return "bzip2"
	case XZ:
		return "xz"
	case Zstd:
		return "zstd"
	case Zip:
		return "zip"
	}
	return "Format(" + strconv.Itoa(int(f)) + ")"
}

// HeadBytes is how much of a file's beginning Recognise looks at: one tar block.
const HeadBytes = 512

// Magic numbers, each from its format's specification.
const (
	gzipMagic       = "\x1f\x8b"                 // RFC 1952, section 2.3.1
	bzip2Magic      = "BZh"                      // then the level '1' to '9'
	bzip2BlockMagic = "\x31\x41\x59\x26\x53\x59" // after the level, if there is data (binary-coded pi)
	bzip2EndMagic   = "\x17\x72\x45\x38\x50\x90" // after the level, if there is none (square root of pi)
	zipMagic        = "PK\x03\x04"               // APPNOTE.TXT, section 4.3.7
	zipEmptyMagic   = "PK\x05\x06"               // APPNOTE.TXT, section 4.3.16: an archive without members
)

// Recognise tells a file's format from its first HeadBytes bytes (fewer if the
// file is shorter), by content alone.
func Recognise(head []byte) (Format, bool) {
	switch {
	case isTar(head):
		return Tar, true
	case hasMagic(head, gzipMagic):
		return Gzip, true
	case isBzip2(head):
		return Bzip2, true
	case hasMagic(head, framing.XZMagic):
		return XZ, true
	case hasMagic(head, framing.ZstdMagic), framing.IsSkippableFrame(head):
		return Zstd, true
	case hasMagic(head, zipMagic), hasMagic(head, zipEmptyMagic):
		return Zip, true
	}
	return 0, false
}

func hasMagic(head []byte, magic string) bool { return bytes.HasPrefix(head, []byte(magic)) }

// isTar reports whether head is a tar header block: it has the magic of POSIX
// or GNU tar, or it has the right checksum (V7 tar has no magic), or it is the
// block of zeros that ends an archive.
func isTar(head []byte) bool {
	const magicAt, checksumAt, checksumEnd = 257, 148, 156 // POSIX.1-2017 pax, "ustar Header Block"
	if len(head) < HeadBytes {
		return false
	}
	if string(head[magicAt:magicAt+5]) == "ustar" {
		return true
	}
	sum, zeros := 0, true
	for i, c := range head[:HeadBytes] {
		zeros = zeros && c == 0
		if i >= checksumAt && i < checksumEnd {
			c = ' '
		}
		sum += int(c)
	}
	field := strings.Trim(string(head[checksumAt:checksumEnd]), " \x00")
	want, err := strconv.ParseUint(field, 8, 32)
	return zeros || err == nil && int(want) == sum
}

// isBzip2 asks for the whole beginning, so that text that starts with "BZh"
// is not taken for it.
func isBzip2(head []byte) bool {
	const rest = len(bzip2Magic) + 1
	if !hasMagic(head, bzip2Magic) || len(head) < rest+len(bzip2BlockMagic) {
		return false
	}
	level, next := head[rest-1], head[rest:]
	return level >= '1' && level <= '9' && (hasMagic(next, bzip2BlockMagic) || hasMagic(next, bzip2EndMagic))
}

// isTruncatedMagic reports whether head, a whole file, is the beginning of a
// magic number and nothing more.
func isTruncatedMagic(head []byte) bool {
	for _, magic := range []string{gzipMagic, framing.XZMagic, framing.ZstdMagic, zipMagic} {
		if len(head) < len(magic) && strings.HasPrefix(magic, string(head)) {
			return true
		}
	}
	for level := '1'; level <= '9'; level++ {
		for _, next := range []string{bzip2BlockMagic, bzip2EndMagic} {
			magic := bzip2Magic + string(level) + next
			if len(head) < len(magic) && strings.HasPrefix(magic, string(head)) {
				return true
			}
		}
	}
	return false
}

// foreign names a format that is known but not read, "" if head is of none.
func foreign(head []byte) string {
	for _, f := range []struct{ magic, name string }{
		{"7z\xbc\xaf\x27\x1c", "7z"},
		{"LZIP", "lzip"},
		{"\x5d\x00\x00", "LZMA-alone"}, // no magic: the usual properties byte and a dictionary of at least 64 KiB
		{"\x1f\x9d", "compress (.Z)"},
		{"\x1f\xa0", "compress -H"},
		{"\x1f\x1e", "pack (.z)"},
		{"\x04\x22\x4d\x18", "LZ4"},
		{"\x89LZO\x00\r\n\x1a\n", "lzop"},
		{"Rar!\x1a\x07", "RAR"},
		{"PK\x07\x08", "a split zip"},
	} {
		if hasMagic(head, f.magic) {
			return f.name
		}
	}
	return ""
}

// FormatOfName tells the format that a file's base name promises by its
// ending, in any case: .tar, .gz .tgz .crate, .bz2 .tbz .tbz2, .xz .txz,
// .zst .tzst, .zip. It reports false for other names.
func FormatOfName(base string) (Format, bool) {
	name := strings.ToLower(base)
	for _, e := range []struct {
		ending string
		format Format
	}{
		{".tar", Tar},
		{".gz", Gzip}, {".tgz", Gzip}, {".crate", Gzip},
		{".bz2", Bzip2}, {".tbz", Bzip2}, {".tbz2", Bzip2},
		{".xz", XZ}, {".txz", XZ},
		{".zst", Zstd}, {".tzst", Zstd},
		{".zip", Zip},
	} {
		if strings.HasSuffix(name, e.ending) {
			return e.format, true
		}
	}
	return 0, false
}

// CheckName refuses (Z_FORMAT) a base name that promises another format than
// the content's. A name that promises none, or that is empty, is accepted.
func CheckName(base string, content Format) error {
	promised, ok := FormatOfName(base)
	if !ok || promised == content {
		return nil
	}
	return refuse(refusal.ZFormat, 0, "the name ends like a %s file, the content is %s", promised, content)
}

// recognise decides the format of an input: by its content, which a name must
// not contradict. A content that says nothing below a name that says tar is
// left to the tar grammar, which has a rule for every way to be no tar.
func recognise(head []byte, base string) (Format, error) {
	format, ok := Recognise(head)
	if ok {
		return format, CheckName(base, format)
	}
	if len(head) == 0 && !promisesTar(base) {
		return 0, refuse(refusal.ZTruncated, 0, "the file is empty")
	}
	if name := foreign(head); name != "" {
		return 0, refuse(refusal.ZFormat, 0, "the file is in a format that is not read: %s", name)
	}
	if promisesTar(base) {
		return Tar, nil
	}
	if isTruncatedMagic(head) {
		return 0, refuse(refusal.ZTruncated, 0, "the file ends after %d bytes, inside its first magic number", len(head))
	}
	return 0, refuse(refusal.ZFormat, 0, "the file is none of tar, gzip, bzip2, xz, zstd and zip")
}

func promisesTar(base string) bool {
	promised, ok := FormatOfName(base)
	return ok && promised == Tar
}

// refuse returns a refusal at an offset in the compressed file.
func refuse(rule refusal.Rule, offset int64, format string, args ...any) *refusal.Refusal {
	return refusal.New(rule, format, args...).At(offset, "")
}
