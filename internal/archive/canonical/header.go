package canonical

import (
	"fmt"
	"strconv"
	"strings"
)

// Sizes of POSIX.1-2017, pax, "ustar Interchange Format".
const (
	blockBytes  = 512
	recordBytes = 20 * blockBytes // the default record of ustar in "pax -b"
	nameBytes   = 100
	prefixBytes = 155
	maxNumber   = 1<<33 - 1 // eleven octal digits
)

// Member types (POSIX "typeflag").
const (
	typeFile      = '0'
	typeSymlink   = '2'
	typeDirectory = '5'
	typeExtended  = 'x'
)

// extendedName is the name of every extended header. Nothing reads it but an
// extractor that does not know pax, which writes a file of that name.
const extendedName = "PaxHeader"

// header is one member's header, or an extended one's.
type header struct {
	name  string // a directory's with its final slash
	link  string
	mode  int64
	size  int64
	mtime int64
	typ   byte
}

// appendTo appends the header's blocks to b: the extended header, if name or
// link do not fit, and the member's own.
func (h *header) appendTo(b []byte) []byte {
	prefix, name, fits := split(h.name)
	var records string
	if !fits {
		records += record("path", h.name)
		name = h.name[:nameBytes]
	}
	link := h.link
	if len(link) > nameBytes {
		records += record("linkpath", link)
		link = link[:nameBytes]
	}
	if records != "" {
		x := header{typ: typeExtended, mode: 0o644, mtime: h.mtime, size: int64(len(records))}
		b = append(b, x.block("", extendedName, "")...)
		b = append(b, records...)
		b = append(b, make([]byte, padding(x.size))...)
	}
	return append(b, h.block(prefix, name, link)...)
}

// split divides a name that is too long for the name field at a slash, which
// neither part keeps: the last one that leaves a prefix of at most 155 bytes.
// The final slash of a directory is none of them.
func split(full string) (prefix, name string, fits bool) {
	if len(full) <= nameBytes {
		return "", full, true
	}
	end := min(len(full)-1, prefixBytes+1)
	i := strings.LastIndexByte(full[:end], '/')
	if i < 1 || len(full)-i-1 > nameBytes {
		return "", "", false
	}
	return full[:i], full[i+1:], true
}

// record is "LENGTH KEY=VALUE\n", where LENGTH counts its own digits too (POSIX,
// pax, "pax Extended Header").
func record(key, value string) string {
	rest := len(key) + len(value) + len(" =\n")
	length := rest + len(strconv.Itoa(rest))
	if grown := rest + len(strconv.Itoa(length)); grown > length {
		length = grown
	}
	return fmt.Sprintf("%d %s=%s\n", length, key, value)
}

// block lays out the 512 bytes (POSIX, "ustar Header Block"). What is not set is
// NUL: user and group name, and what follows the prefix.
func (h *header) block(prefix, name, link string) []byte {
	const (
		offChecksum = 148
		offOwner    = 265 // user name, and all that follows
		offDevices  = 329
	)
	b := make([]byte, 0, blockBytes)
	b = pad(append(b, name...), 100)
	b = fmt.Appendf(b, "%07o\x00%07o\x00%07o\x00", h.mode, 0, 0)
	b = fmt.Appendf(b, "%011o\x00%011o\x00", h.size, h.mtime)
	b = append(b, "        "...) // the checksum field, as its own sum counts it
	b = append(b, h.typ)
	b = pad(append(b, link...), offOwner-len("ustar\x0000"))
	b = append(b, "ustar\x0000"...)
	b = pad(b, offDevices)
	b = fmt.Appendf(b, "%07o\x00%07o\x00", 0, 0)
	b = pad(append(b, prefix...), blockBytes)
	sum := 0
	for _, c := range b {
		sum += int(c)
	}
	copy(b[offChecksum:], fmt.Sprintf("%06o\x00 ", sum))
	return b
}

// pad appends NULs up to the given length.
func pad(b []byte, length int) []byte { return append(b, make([]byte, length-len(b))...) }

// padding is how many NULs fill up the last block of size bytes.
func padding(size int64) int64 { return -size & (blockBytes - 1) }
