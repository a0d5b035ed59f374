package archive_test

import (
	"bytes"
	"fmt"
	"strings"
)

// The magics of header blocks, each with its version.
const (
	magicV7    = "\x00\x00\x00\x00\x00\x00\x00\x00"
	magicUstar = "ustar\x0000"
	magicGNU   = "ustar  \x00"
)

// Offsets of header fields (POSIX.1-2017, pax, "ustar Header Block").
const (
	atName     = 0
	atMode     = 100
	atUID      = 108
	atGID      = 116
	atSize     = 124
	atMtime    = 136
	atChecksum = 148
	atType     = 156
	atLinkname = 157
	atMagic    = 257
	atUname    = 265
	atGname    = 297
	atDevMajor = 329
	atDevMinor = 337
	atPrefix   = 345
	atPadding  = 500
)

// tarBuilder writes tars block by block. It makes what it is told to, right or
// wrong; only checksums are fixed up, unless a patch writes one.
type tarBuilder struct {
	magic string
	out   bytes.Buffer
}

// patch changes a header block.
type patch struct {
	at   int
	text string
	last bool // after the checksum was made
}

// set overwrites bytes of the header.
func set(at int, text string) patch { return patch{at: at, text: text} }

// break1 overwrites bytes of the header without making the checksum right.
func break1(at int, text string) patch { return patch{at: at, text: text, last: true} }

func mode(octal string) patch  { return set(atMode, octal+"\x00") }
func size(bytes int) patch     { return set(atSize, fmt.Sprintf("%011o\x00", bytes)) }
func target(text string) patch { return set(atLinkname, text) }
func prefix(text string) patch { return set(atPrefix, text) }

func newTar(magic string) *tarBuilder { return &tarBuilder{magic: magic} }

// tarOf returns a finished ustar archive: a top directory, and what f adds.
func tarOf(f func(b *tarBuilder)) []byte { return finished(magicUstar, f) }

// gnuOf and v7Of return the same in the other dialects.
func gnuOf(f func(b *tarBuilder)) []byte { return finished(magicGNU, f) }
func v7Of(f func(b *tarBuilder)) []byte  { return finished(magicV7, f) }

func finished(magic string, f func(b *tarBuilder)) []byte {
	b := newTar(magic)
	b.dir("top/")
	f(b)
	return b.end()
}

// bareOf returns a finished ustar archive of what f adds and nothing else.
func bareOf(f func(b *tarBuilder)) []byte {
	b := newTar(magicUstar)
	f(b)
	return b.end()
}

// header adds one header block.
func (b *tarBuilder) header(typ byte, name string, sizeBytes int, patches ...patch) {
	block := make([]byte, 512)
	put := func(p patch) { copy(block[p.at:], p.text) }
	permissions := "0000644\x00"
	if typ == '5' {
		permissions = "0000755\x00"
	}
	for _, p := range []patch{
		set(atName, name), set(atMode, permissions), set(atUID, "0001750\x00"), set(atGID, "0001750\x00"),
		size(sizeBytes), set(atMtime, "14512345670\x00"), set(atType, string([]byte{typ})), set(atMagic, b.magic),
	} {
		put(p)
	}
	if b.magic != magicV7 {
		put(set(atUname, "alice"))
		put(set(atGname, "users"))
	}
	for _, p := range patches {
		if !p.last {
			put(p)
		}
	}
	fixChecksum(block)
	for _, p := range patches {
		if p.last {
			put(p)
		}
	}
	b.out.Write(block)
}

// checksum returns the unsigned sum of a header block.
func checksum(block []byte) int {
	sum := 0
	for i, c := range block {
		if i >= atChecksum && i < atType {
			c = ' '
		}
		sum += int(c)
	}
	return sum
}

func fixChecksum(block []byte) {
	copy(block[atChecksum:], fmt.Sprintf("%06o\x00 ", checksum(block)))
}

// data adds content and its padding.
func (b *tarBuilder) data(content string) {
	b.out.WriteString(content)
	b.out.Write(make([]byte, -len(content)&511))
}

// raw adds bytes as they are.
func (b *tarBuilder) raw(content string) { b.out.WriteString(content) }

// member adds a header and content.
func (b *tarBuilder) member(typ byte, name, content string, patches ...patch) {
	b.header(typ, name, len(content), patches...)
	b.data(content)
}

func (b *tarBuilder) file(name, content string, patches ...patch) {
	b.member('0', name, content, patches...)
}
func (b *tarBuilder) dir(name string, patches ...patch) { b.member('5', name, "", patches...) }
func (b *tarBuilder) link(name, to string, patches ...patch) {
	b.member('2', name, "", append([]patch{mode("0000777"), target(to)}, patches...)...)
}
func (b *tarBuilder) hardLink(name, to string, patches ...patch) {
	b.member('1', name, "", append([]patch{target(to)}, patches...)...)
}

// pax adds an x header with the given records' bytes.
func (b *tarBuilder) pax(records ...string) {
	b.member('x', "PaxHeaders/x", strings.Join(records, ""))
}

// global adds a g header.
func (b *tarBuilder) global(records ...string) {
	b.member('g', "pax_global_header", strings.Join(records, ""))
}

// long adds a GNU L or K header.
func (b *tarBuilder) long(typ byte, content string) { b.member(typ, "././@LongLink", content) }

// end adds the two zero blocks and returns the archive.
func (b *tarBuilder) end() []byte {
	b.out.Write(make([]byte, 1024))
	return b.out.Bytes()
}

// record returns a pax record with the right length.
func record(key, value string) string {
	rest := " " + key + "=" + value + "\n"
	n := len(rest) + 1
	for len(fmt.Sprint(n))+len(rest) != n {
		n++
	}
	return fmt.Sprint(n) + rest
}
