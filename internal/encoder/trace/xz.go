package trace

import (
	"encoding/binary"
	"io"
	"strconv"
	"strings"
)

// Numbers in this file, and the section numbers in its comments, are those of "The
// .xz File Format", version 1.2.1.
const (
	xzHeaderBytes   = 12      // of the stream, and of its footer (2.1)
	xzMaxIndexBytes = 1 << 20 // of the index that is read: its first record lies at its beginning
	xzMinBlockBytes = 1 << 20 // of the blocks that several threads make (xz(1), --block-size)
	xzDefaultProps  = 0x5D    // lc=3, lp=0, pb=2, as every preset has them
)

// xzTrace is what the framing tells.
type xzTrace struct {
	check      byte  // its type (2.1.1.2)
	dictionary int64 // bytes
	sized      bool  // the block header has sizes: several threads wrote it
	blocks     int64
	firstBytes int64 // uncompressed, of the first block
	props      byte  // of LZMA: (pb * 5 + lp) * 9 + lc
}

// xz: the dictionary tells the presets; sizes in the block header tell several
// threads from one, other sizes than three dictionaries --block-size.
func (t *Trace) xz(file io.ReaderAt, size int64, head []byte) error {
	var x xzTrace
	if !x.header(head) {
		t.tell("a header that tells nothing")
		return nil
	}
	if err := x.index(file, size); err != nil {
		return err
	}
	t.tell("check %s, a dictionary of %d bytes, %s", xzCheckNames[x.check], x.dictionary, yes(x.blocks == 1, "one block", strconv.FormatInt(x.blocks, 10)+" blocks"))
	t.tell("block sizes %s in the header of the first block", yes(x.sized, "stand", "do not stand"))
	lc, lp, pb := x.props%9, x.props/9%5, x.props/45
	if x.props != xzDefaultProps {
		t.tell("lc=%d, lp=%d, pb=%d", lc, lp, pb)
	}
	t.NotTried = "other filters than the presets', 7-Zip, and other versions of xz"
	threads := yes(x.sized, "-T2", "-T1")
	options := x.options()
	for _, preset := range x.presets() {
		args := append(x.filter(preset), threads)
		t.add("xz", append(append(args, options...), "-c")...)
	}
	return nil
}

// xzCheckNames are xz's names of the checks that package envelope accepts.
var xzCheckNames = map[byte]string{0x01: "crc32", 0x04: "crc64", 0x0A: "sha256"} //nolint:gochecknoglobals // a table

// header reads the stream header (2.1.1), the header of the first block (3.1), and
// its first LZMA2 chunk, whose form is that of liblzma's lzma2_decoder.c.
func (x *xzTrace) header(b []byte) bool {
	const hasCompressed, hasUncompressed, chunkBytes = 0x40, 0x80, 6
	if len(b) < xzHeaderBytes+2 || xzCheckNames[b[7]] == "" || b[xzHeaderBytes] == 0 {
		return false
	}
	x.check = b[7]
	end := xzHeaderBytes + (int(b[xzHeaderBytes])+1)*4
	if len(b) < end+chunkBytes {
		return false
	}
	fields, flags, ok := b[xzHeaderBytes+2:end], b[xzHeaderBytes+1], true
	x.sized = flags&(hasCompressed|hasUncompressed) != 0
	for _, bit := range []byte{hasCompressed, hasUncompressed} {
		if flags&bit != 0 {
			_, fields, ok = number(fields)
		}
	}
	const idAndLength = "\x21\x01" // LZMA2, one byte of properties (5.3.1)
	rest, isLZMA2 := strings.CutPrefix(string(fields), idAndLength)
	if !ok || !isLZMA2 || rest[0] > 39 {
		return false
	}
	x.dictionary = int64(2|rest[0]&1) << (rest[0]/2 + 11)
	x.props = xzDefaultProps
	if control := b[end]; control >= 0xC0 { // LZMA with new properties
		x.props = b[end+chunkBytes-1]
	}
	return x.props < 9*5*5
}

// index reads how many blocks there are, and the size of the first (4.3).
func (x *xzTrace) index(file io.ReaderAt, size int64) error {
	footer := make([]byte, xzHeaderBytes)
	if _, err := file.ReadAt(footer, size-xzHeaderBytes); err != nil && err != io.EOF {
		return err //nolint:wrapcheck // the caller's own file
	}
	indexBytes := (int64(binary.LittleEndian.Uint32(footer[4:])) + 1) * 4 // 2.1.2.2
	at := size - xzHeaderBytes - indexBytes
	if at < 0 {
		return nil
	}
	b := make([]byte, min(indexBytes, xzMaxIndexBytes))
	if _, err := file.ReadAt(b, at); err != nil && err != io.EOF {
		return err //nolint:wrapcheck // the caller's own file
	}
	var ok bool
	var rest []byte
	if x.blocks, rest, ok = number(b[1:]); ok {
		_, rest, _ = number(rest)
		x.firstBytes, _, _ = number(rest)
	}
	return nil
}

// number reads a multibyte integer (1.2).
func number(b []byte) (value int64, rest []byte, ok bool) {
	v, n := binary.Uvarint(b)
	if n <= 0 || v > 1<<63-1 {
		return 0, nil, false
	}
	return int64(v), b[n:], true
}

// presets returns those that may have chosen the dictionary; for one that no
// preset has, all, most likely those that people name (liblzma, lzma_encoder_presets.c).
func (x *xzTrace) presets() []string {
	plain, known := map[int64][]string{
		256 << 10: {"0"}, 1 << 20: {"1"}, 2 << 20: {"2"}, 4 << 20: {"4", "3"}, 8 << 20: {"6", "5"}, 16 << 20: {"7"}, 32 << 20: {"8"}, 64 << 20: {"9"},
	}[x.dictionary]
	if !known {
		plain = []string{"9", "6", "8", "7", "5", "4", "3", "2", "1", "0"}
	}
	var all []string
	for _, p := range plain {
		all = append(all, p, p+"e")
	}
	return all
}

// filter returns a preset as an option, with what differs from it.
func (x *xzTrace) filter(preset string) []string {
	byPreset := map[byte]int64{'0': 256 << 10, '1': 1 << 20, '2': 2 << 20, '3': 4 << 20, '4': 4 << 20, '5': 8 << 20, '6': 8 << 20, '7': 16 << 20, '8': 32 << 20, '9': 64 << 20}
	lzma2 := ""
	if x.dictionary != byPreset[preset[0]] {
		lzma2 += ",dict=" + strconv.FormatInt(x.dictionary, 10)
	}
	for _, p := range []struct {
		name        string
		have, usual byte
	}{{"lc", x.props % 9, 3}, {"lp", x.props / 9 % 5, 0}, {"pb", x.props / 45, 2}} {
		if p.have != p.usual {
			lzma2 += "," + p.name + "=" + strconv.Itoa(int(p.have))
		}
	}
	if lzma2 == "" {
		return []string{"-" + preset}
	}
	return []string{"--lzma2=preset=" + preset + lzma2}
}

// options returns check and block size, where they are not xz's own.
func (x *xzTrace) options() []string {
	options := []string{}
	if name := xzCheckNames[x.check]; name != "crc64" {
		options = append(options, "-C", name)
	}
	usual := int64(-1) // one block, however large
	if x.sized {
		usual = max(3*x.dictionary, xzMinBlockBytes)
	}
	if x.blocks > 1 && x.firstBytes != usual || x.sized && x.firstBytes > usual {
		options = append(options, "--block-size="+strconv.FormatInt(x.firstBytes, 10))
	}
	return options
}
