package envelope_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"testing"

	"github.com/countermark/countermark/internal/envelope"
	"github.com/countermark/countermark/internal/envelope/framing"
)

// xzParts describes an xz file made by hand: one block that holds the bytes
// "hello\n" in an uncompressed LZMA2 chunk. Zero fields are as they should be.
type xzParts struct {
	streamFlags  []byte // instead of 00 01 (CRC32)
	blockFlags   byte
	sizes        []byte // the header's optional sizes
	filter       []byte // instead of LZMA2 and its dictionary
	dictionary   byte
	headerTail   []byte // after the filters
	chunks       []byte // instead of the one chunk and the end marker
	padding      byte   // of the block
	records      []byte // of the index, instead of the right ones
	indexTail    []byte // instead of its padding
	backwardDiff uint32
	footerFlags  []byte // instead of those of the header
	noBlock      bool
}

const xzContent = "hello\n"

func xzFile(p xzParts) []byte {
	or := func(b []byte, standard ...byte) []byte {
		if b != nil {
			return b
		}
		return standard
	}
	sum := func(b []byte) []byte { return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b)) }
	pad := func(b []byte, with byte) []byte {
		for len(b)%4 != 0 {
			b = append(b, with)
		}
		return b
	}
	flags := or(p.streamFlags, 0, 1)
	file := slices.Concat([]byte("\xfd7zXZ\x00"), sum(bytes.Clone(flags)))
	records := []byte{0}
	if !p.noBlock {
		header := slices.Concat([]byte{0, p.blockFlags}, p.sizes, or(p.filter, 0x21, 1, p.dictionary), p.headerTail)
		header = pad(header, 0)
		header[0] = byte(len(header) / 4)
		header = sum(header)
		chunks := or(p.chunks, slices.Concat([]byte{1, 0, byte(len(xzContent) - 1)}, []byte(xzContent), []byte{0})...)
		check := binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(xzContent)))
		file = slices.Concat(file, header, pad(bytes.Clone(chunks), p.padding), check)
		records = []byte{1, byte(len(header) + len(chunks) + len(check)), byte(len(xzContent))}
	}
	index := append([]byte{0}, or(p.records, records...)...)
	if p.indexTail != nil {
		index = append(index, p.indexTail...)
	}
	index = sum(pad(index, 0))
	footer := binary.LittleEndian.AppendUint32(nil, uint32(len(index)/4-1)+p.backwardDiff)
	footer = append(footer, or(p.footerFlags, flags...)...)
	footer = slices.Concat(sum(footer)[len(footer):], footer, []byte("YZ"))
	return slices.Concat(file, index, footer)
}

func TestXZByHand(t *testing.T) {
	chunk := func(control byte) []byte {
		return slices.Concat([]byte{control, 0, 5}, []byte(xzContent), []byte{0})
	}
	for _, c := range []struct {
		name  string
		parts xzParts
		want  string
	}{
		{"good", xzParts{}, "accept"},
		{"no block", xzParts{noBlock: true}, "accept"},
		{"declared sizes", xzParts{blockFlags: 0xC0, sizes: []byte{10, 6}}, "accept"},
		{"128 MiB dictionary", xzParts{dictionary: 30}, "accept"},
		{"192 MiB dictionary", xzParts{dictionary: 31}, "Z_MEM"},
		{"1.5 GiB dictionary", xzParts{dictionary: 37}, "Z_MEM"},
		{"4 GiB dictionary", xzParts{dictionary: 40}, "Z_MEM"},
		{"impossible dictionary", xzParts{dictionary: 41}, "Z_HEADER"},
		{"reserved dictionary bits", xzParts{dictionary: 0x40}, "Z_HEADER"},
		{"no check", xzParts{streamFlags: []byte{0, 0}}, "Z_HEADER"},
		{"check of unknown type", xzParts{streamFlags: []byte{0, 2}}, "Z_HEADER"},
		{"reserved stream flag", xzParts{streamFlags: []byte{0, 0x11}}, "Z_HEADER"},
		{"reserved stream flag byte", xzParts{streamFlags: []byte{1, 1}}, "Z_HEADER"},
		{"reserved block flag", xzParts{blockFlags: 4}, "Z_HEADER"},
		{"wrong compressed size", xzParts{blockFlags: 0x40, sizes: []byte{11}}, "Z_CRC"},
		{"compressed size 0", xzParts{blockFlags: 0x40, sizes: []byte{0}}, "Z_HEADER"},
		{"wrong uncompressed size", xzParts{blockFlags: 0x80, sizes: []byte{7}}, "Z_CRC"},
		{"size in too many bytes", xzParts{blockFlags: 0x80, sizes: []byte{0x86, 0}}, "Z_HEADER"},
		{"size of more than 63 bits", xzParts{blockFlags: 0x80, sizes: bytes.Repeat([]byte{0x81}, 10)}, "Z_HEADER"},
		{"delta filter", xzParts{blockFlags: 1, filter: []byte{3, 1, 0, 0x21, 1, 0}}, "Z_FORMAT"},
		{"x86 filter", xzParts{blockFlags: 1, filter: []byte{4, 0, 0x21, 1, 0}}, "Z_FORMAT"},
		{"unknown filter", xzParts{filter: []byte{0xC0, 0x80, 1, 0}}, "Z_FORMAT"},
		{"LZMA2 twice", xzParts{blockFlags: 1, filter: []byte{0x21, 1, 0, 0x21, 1, 0}}, "Z_HEADER"},
		{"properties of two bytes", xzParts{filter: []byte{0x21, 2, 0, 0}}, "Z_HEADER"},
		{"bytes after the filters", xzParts{headerTail: []byte("\x00hidden")}, "Z_HEADER"},
		{"zeros after the filters", xzParts{headerTail: make([]byte, 40)}, "accept"},
		{"chunk without dictionary reset", xzParts{chunks: chunk(2)}, "Z_CRC"},
		{"chunk of no kind", xzParts{chunks: chunk(3)}, "Z_CRC"},
		{"chunk without properties", xzParts{chunks: chunk(0xA0)}, "Z_CRC"},
		{"LZMA after copy, without properties", xzParts{chunks: slices.Concat(chunk(1)[:9], chunk(0x80))}, "Z_CRC"},
		{"impossible properties", xzParts{chunks: []byte{0xE0, 0, 5, 0, 4, 225, 0, 0, 0, 0, 0}}, "Z_CRC"},
		{"lc + lp > 4", xzParts{chunks: []byte{0xE0, 0, 5, 0, 4, 9*1 + 4, 0, 0, 0, 0, 0}}, "Z_CRC"},
		{"LZMA data that does not begin with 0", xzParts{chunks: []byte{0xE0, 0, 5, 0, 4, 0x5D, 1, 0, 0, 0, 0}}, "Z_CRC"},
	} {
		checkXZ(t, c.name, c.parts, c.want)
	}
}

func TestXZIndexByHand(t *testing.T) {
	for _, c := range []struct {
		name  string
		parts xzParts
		want  string
	}{
		{"block padding", xzParts{padding: 1}, "Z_HEADER"},
		{"index without the block", xzParts{records: []byte{0}}, "Z_CRC"},
		{"index with another block", xzParts{records: []byte{2, 26, 6, 26, 6}}, "Z_CRC"},
		{"index with another size", xzParts{records: []byte{1, 26, 7}}, "Z_CRC"},
		{"index with another packed size", xzParts{records: []byte{1, 27, 6}}, "Z_CRC"},
		{"index with size 0", xzParts{records: []byte{1, 0, 6}}, "Z_CRC"},
		{"index number in too many bytes", xzParts{records: []byte{0x81, 0, 26, 6}}, "Z_CRC"},
		{"index number of more than 63 bits", xzParts{records: bytes.Repeat([]byte{0xFF}, 12)}, "Z_CRC"},
		{"index padding", xzParts{noBlock: true, indexTail: []byte{1, 0}}, "Z_CRC"},
		{"backward size", xzParts{backwardDiff: 1}, "Z_CRC"},
		{"footer flags", xzParts{footerFlags: []byte{0, 4}}, "Z_CRC"},
	} {
		checkXZ(t, c.name, c.parts, c.want)
	}
}

func checkXZ(t *testing.T, name string, parts xzParts, want string) {
	t.Helper()
	got, out := verdict(t, xzFile(parts), envelope.Options{})
	if got != want {
		t.Errorf("%s: verdict %s, expected %s", name, got, want)
	}
	if got == "accept" && !parts.noBlock && string(out) != xzContent {
		t.Errorf("%s: content %q", name, out)
	}
}

// TestXZPrograms reads what the real xz writes.
func TestXZPrograms(t *testing.T) {
	content := sample(200_000)
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"crc32", []string{"--check=crc32"}, "accept"},
		{"crc64", []string{"--check=crc64"}, "accept"},
		{"sha256", []string{"--check=sha256"}, "accept"},
		{"none", []string{"--check=none"}, "Z_HEADER"},
		{"extreme", []string{"-9e"}, "accept"},
		{"threads, so sizes in block headers", []string{"-T2", "--block-size=50000"}, "accept"},
		{"blocks", []string{"--block-size=1000"}, "accept"},
		{"no match finder memory", []string{"--lzma2=dict=4KiB,lc=0,lp=4"}, "accept"},
		{"delta", []string{"--delta=dist=4", "--lzma2"}, "Z_FORMAT"},
		{"x86", []string{"--x86", "--lzma2"}, "Z_FORMAT"},
		{"LZMA-alone", []string{"--format=lzma"}, "Z_FORMAT"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := compressed(t, content, "xz", append([]string{"-c"}, c.args...)...)
			got, out := verdict(t, file, envelope.Options{})
			if got != c.want || got == "accept" && !bytes.Equal(out, content) {
				t.Errorf("verdict %s and %d bytes, expected %s and %d", got, len(out), c.want, len(content))
			}
		})
	}
}

// TestXZBomb: the ratio is judged from chunk headers, before decoding.
func TestXZBomb(t *testing.T) {
	file := compressed(t, make([]byte, 100<<20), "xz", "-c", "-0")
	got, out := verdict(t, file, envelope.Options{})
	if got != "Z_RATIO" || len(out) > framing.DefaultRatioFreeBytes+4<<20 {
		t.Errorf("verdict %s after %d bytes", got, len(out))
	}
}
