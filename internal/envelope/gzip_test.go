package envelope_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/envelope"
	"github.com/countermark/countermark/internal/envelope/framing"
)

// gz compresses content as one member with a bare header.
func gz(t testing.TB, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// gzHeader replaces the bare header of a member: flags and what they announce.
func gzHeader(member []byte, flags byte, fields string) []byte {
	b := slices.Concat(member[:10], []byte(fields), member[10:])
	b[3] = flags
	return b
}

// gzHeaderCRC adds FHCRC, off by delta, to a header of 10 bytes and fields.
func gzHeaderCRC(member []byte, flags byte, fields string, delta uint16) []byte {
	b := gzHeader(member, flags|2, fields)
	at := 10 + len(fields)
	sum := binary.LittleEndian.AppendUint16(nil, uint16(crc32.ChecksumIEEE(b[:at]))+delta)
	return slices.Insert(b, at, sum...)
}

func flip(b []byte, at int, mask byte) []byte {
	b = bytes.Clone(b)
	if at < 0 {
		at += len(b)
	}
	b[at] ^= mask
	return b
}

func TestGzip(t *testing.T) {
	good := gz(t, tarOf(t, "a/b", []byte("content")))
	empty := gz(t, nil)
	for _, c := range []struct {
		name    string
		content []byte
		want    string
	}{
		{"good", good, "accept"},
		{"empty", empty, "accept"},
		{"FTEXT", gzHeader(good, 1, ""), "accept"},
		{"FNAME", gzHeader(good, 8, "a-1.0.tar\x00"), "accept"},
		{"FNAME in UTF-8", gzHeader(good, 8, "é.tar\x00"), "accept"},
		{"FNAME of 255 bytes", gzHeader(good, 8, strings.Repeat("a", 255)+"\x00"), "accept"},
		{"FNAME of 256 bytes", gzHeader(good, 8, strings.Repeat("a", 256)+"\x00"), "Z_HEADER"},
		{"FNAME empty", gzHeader(good, 8, "\x00"), "Z_HEADER"},
		{"FNAME with a slash", gzHeader(good, 8, "a/b\x00"), "Z_HEADER"},
		{"FNAME with a backslash", gzHeader(good, 8, "a\\b\x00"), "Z_HEADER"},
		{"FNAME ..", gzHeader(good, 8, "..\x00"), "Z_HEADER"},
		{"FNAME with an escape sequence", gzHeader(good, 8, "a\x1b[2J\x00"), "Z_HEADER"},
		{"FNAME in Latin-1", gzHeader(good, 8, "\xe9.tar\x00"), "Z_HEADER"},
		{"FNAME with a bidirectional override", gzHeader(good, 8, "a\u202eb\x00"), "Z_HEADER"},
		{"FHCRC", gzHeaderCRC(good, 0, "", 0), "accept"},
		{"FHCRC over FNAME", gzHeaderCRC(good, 8, "a.tar\x00", 0), "accept"},
		{"FHCRC wrong", gzHeaderCRC(good, 8, "a.tar\x00", 1), "Z_CRC"},
		{"FEXTRA", gzHeader(good, 4, "\x04\x00abcd"), "Z_HEADER"},
		{"FCOMMENT", gzHeader(good, 16, "comment\x00"), "Z_HEADER"},
		{"reserved flag 5", gzHeader(good, 32, ""), "Z_HEADER"},
		{"reserved flag 6", gzHeader(good, 64, ""), "Z_HEADER"},
		{"reserved flag 7", gzHeader(good, 128, ""), "Z_HEADER"},
		{"method 7", flip(good, 2, 15), "Z_HEADER"},
		{"wrong CRC32", flip(good, -8, 1), "Z_CRC"},
		{"wrong ISIZE", flip(good, -1, 1), "Z_CRC"},
		{"corrupt data", flip(good, 10, 6), "Z_CRC"},
		{"second member", slices.Concat(good, good), "Z_MULTI"},
		{"empty second member", slices.Concat(good, empty), "Z_MULTI"},
		{"thousand empty members", bytes.Repeat(empty, 1000), "Z_MULTI"},
		{"half of a second member's magic", slices.Concat(good, []byte{0x1f}), "Z_TRAILING"},
		{"a zero", slices.Concat(good, []byte{0}), "Z_TRAILING"},
		{"zeros", slices.Concat(good, make([]byte, 10240)), "Z_TRAILING"},
		{"text", slices.Concat(good, []byte("text")), "Z_TRAILING"},
		{"zeros, then a member", slices.Concat(good, make([]byte, 512), good), "Z_TRAILING"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, _ := verdict(t, c.content, envelope.Options{}); got != c.want {
				t.Errorf("verdict %s, expected %s", got, c.want)
			}
		})
	}
}

func TestGzipNotes(t *testing.T) {
	r, err := envelope.Open(bytes.NewReader(gzHeader(gz(t, nil), 8, "a-1.0.tar\x00")), envelope.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(r.Notes(), "|"), `the gzip header names the file "a-1.0.tar"`; got != want {
		t.Errorf("notes %q, expected %q", got, want)
	}
}

// zeros is a reader of n zero bytes.
func zeros(n int64) io.Reader { return io.LimitReader(zeroReader{}, n) }

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestGzipBomb: 128 MiB of zeros are refused long before it has come out.
func TestGzipBomb(t *testing.T) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.Copy(w, zeros(128<<20)); err != nil {
		t.Fatal(err)
	}
	w.Close()
	r, err := envelope.Open(&b, envelope.Options{})
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, r)
	if rule := ruleOf(err); rule != "Z_RATIO" {
		t.Errorf("the bomb gives %s (%v), expected Z_RATIO", rule, err)
	}
	if n > framing.DefaultRatioFreeBytes+1<<20 {
		t.Errorf("%d bytes came out, expected hardly more than %d", n, framing.DefaultRatioFreeBytes)
	}
}
