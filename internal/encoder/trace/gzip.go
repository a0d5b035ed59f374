package trace

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"
)

// The header of gzip (RFC 1952, section 2.3).
const (
	gzipHeaderBytes = 10
	gzipNameFlag    = 1 << 3
	gzipBestXFL     = 2 // "compressor used maximum compression"
	gzipFastXFL     = 4
	gzipUnixOS      = 3
	gzipUnknownOS   = 255
)

// gzip: XFL and OS narrow programs and levels down. GNU gzip, pigz and zlib all
// say 2 for level 9, 4 for level 1 and 0 for the others.
func (t *Trace) gzip(head []byte) {
	if len(head) < gzipHeaderBytes {
		return
	}
	flags, xfl, system := head[3], head[8], head[9]
	t.Mtime = binary.LittleEndian.Uint32(head[4:])
	t.Head, t.Rest = bytes.Clone(head[:gzipHeaderBytes]), gzipHeaderBytes
	if flags&gzipNameFlag != 0 {
		name, _, ended := strings.Cut(string(head[gzipHeaderBytes:]), "\x00")
		if !ended {
			return
		}
		t.Name, t.Rest = name, gzipHeaderBytes+int64(len(name))+1
	}
	t.Head[3] &^= gzipNameFlag
	clear(t.Head[4:8])
	t.tell("XFL %d, OS %d", xfl, system)
	t.NotTried = "zopfli, 7-Zip, Go, Java, and other versions of these programs"
	if t.Head[3] != 0 {
		t.tell("flags %#x, which none of the programs known sets", flags)
		return
	}
	levels := []int{6, 8, 7, 5, 4, 3, 2}
	switch xfl {
	case gzipBestXFL:
		levels = []int{9}
	case gzipFastXFL:
		levels = []int{1}
	}
	switch system {
	case gzipUnixOS:
		t.gzipOnUnix(levels)
	case gzipUnknownOS:
		// Python's older gzip says 2 whatever the level, as the streams of its tarfile do.
		if xfl == gzipBestXFL {
			levels = []int{9, 6, 8, 7, 5, 4, 3, 2, 1}
		}
		for _, n := range levels {
			t.addMeaning("zlib at level "+strconv.Itoa(n)+", as Python's gzip and tarfile use it",
				"python3", "-c", pythonGzip, strconv.Itoa(n), strconv.Itoa(int(xfl)))
		}
	}
}

func (t *Trace) gzipOnUnix(levels []int) {
	for _, n := range levels {
		t.add("gzip", "-"+strconv.Itoa(n), "-n", "-c")
	}
	for _, n := range levels {
		t.addMeaning("zlib at level "+strconv.Itoa(n)+", as git archive and libarchive use it", "python3", "-c", pythonZlib, strconv.Itoa(n))
		t.add("pigz", "-"+strconv.Itoa(n), "-n", "-c")
	}
	for _, n := range levels {
		t.add("gzip", "-"+strconv.Itoa(n), "--rsyncable", "-n", "-c")
	}
}

// pythonZlib writes what zlib does with its own gzip header, at a level: git
// archive and libarchive (bsdtar -z) use it so.
const pythonZlib = `import sys,zlib;i=sys.stdin.buffer;o=sys.stdout.buffer;c=zlib.compressobj(int(sys.argv[1]),zlib.DEFLATED,31);` +
	`[o.write(c.compress(b)) for b in iter(lambda:i.read(65536),b"")];o.write(c.flush())`

// pythonGzip writes what Python's gzip and tarfile do, at a level, with an XFL,
// which differs among its versions.
const pythonGzip = `import struct,sys,zlib;i=sys.stdin.buffer;o=sys.stdout.buffer;c=zlib.compressobj(int(sys.argv[1]),zlib.DEFLATED,-15);` +
	`o.write(b"\x1f\x8b\x08\0\0\0\0\0"+bytes([int(sys.argv[2]),255]));s=[0,0];` +
	`[(s.__setitem__(0,zlib.crc32(b,s[0])),s.__setitem__(1,s[1]+len(b)),o.write(c.compress(b))) for b in iter(lambda:i.read(65536),b"")];` +
	`o.write(c.flush()+struct.pack("<LL",s[0],s[1]&0xffffffff))`
