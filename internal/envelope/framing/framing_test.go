package framing_test

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/envelope/framing"
	"github.com/countermark/countermark/internal/refusal"
)

type scanner interface {
	Push([]byte) error
	Accepted() int64
	Finish() error
}

// emptyXZ is what xz makes of no bytes (with CRC32).
const emptyXZ = "\xfd\x37\x7a\x58\x5a\x00\x00\x01\x69\x22\xde\x36\x00\x00\x00\x00\x1c\xdf\x44\x21\x90\x42\x99\x0d\x01\x00\x00\x00\x00\x01\x59\x5a"

// emptyBzip2 is what bzip2 makes of no bytes.
const emptyBzip2 = "BZh9\x17\x72\x45\x38\x50\x90\x00\x00\x00\x00"

// rawZstd is a frame with the one raw block "ab".
const rawZstd = "\x28\xb5\x2f\xfd\x20\x02\x11\x00\x00ab"

// TestAccepted: a header is not accepted before it is complete, and what
// follows is accepted in whole structures.
func TestAccepted(t *testing.T) {
	for _, c := range []struct {
		name string
		scan scanner
		file string
		want []int64 // after each byte
	}{
		{"zstd", framing.NewZstd(framing.Limits{}), rawZstd, []int64{0, 0, 0, 0, 0, 6, 6, 6, 9, 10, 11}},
		{"bzip2", &framing.Bzip2{}, emptyBzip2, []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}},
	} {
		for i := range len(c.file) {
			if err := c.scan.Push([]byte(c.file[i : i+1])); err != nil {
				t.Fatalf("%s, byte %d: %v", c.name, i, err)
			}
			if got := c.scan.Accepted(); got != c.want[i] {
				t.Errorf("%s: %d bytes accepted after %d, expected %d", c.name, got, i+1, c.want[i])
			}
		}
		if err := c.scan.Finish(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestOffsets: refusals say where, counted from the beginning of the file.
func TestOffsets(t *testing.T) {
	for _, c := range []struct {
		name string
		scan scanner
		file string
		want string
	}{
		{"xz twice", framing.NewXZ(framing.Limits{}), emptyXZ + emptyXZ, "Z_MULTI 32"},
		{"xz and a zero", framing.NewXZ(framing.Limits{}), emptyXZ + "\x00", "Z_TRAILING 32"},
		{"xz cut", framing.NewXZ(framing.Limits{}), emptyXZ[:20], "Z_TRUNCATED 20"},
		{"no xz", framing.NewXZ(framing.Limits{}), strings.Repeat("x", 12), "Z_FORMAT 0"},
		{"zstd twice", framing.NewZstd(framing.Limits{}), rawZstd + rawZstd, "Z_MULTI 11"},
		{"zstd cut", framing.NewZstd(framing.Limits{}), rawZstd[:10], "Z_TRUNCATED 10"},
		{"zstd window", framing.NewZstd(framing.Limits{MaxWindowBytes: 1}), rawZstd, "Z_MEM 5"},
		{"bzip2 twice", &framing.Bzip2{}, emptyBzip2 + emptyBzip2, "Z_MULTI 14"},
		{"bzip2 and a zero", &framing.Bzip2{}, emptyBzip2 + "\x00", "Z_TRAILING 14"},
	} {
		err := c.scan.Push([]byte(c.file))
		if err == nil {
			err = c.scan.Finish()
		}
		var refused *refusal.Refusal
		if !errors.As(err, &refused) {
			t.Errorf("%s: %v, expected %s", c.name, err, c.want)
			continue
		}
		if got := string(refused.Rule) + " " + strconv.FormatInt(refused.Offset, 10); got != c.want {
			t.Errorf("%s: %s, expected %s", c.name, got, c.want)
		}
	}
}

// TestBzip2ChanceMarker: an end marker inside compressed data is not taken for
// the end if the file ends properly later, and the decoder agrees.
func TestBzip2ChanceMarker(t *testing.T) {
	const marker = "\x17\x72\x45\x38\x50\x90"
	file := "BZh9" + "data" + marker + "more data" + marker + "\x00\x00\x00\x00"
	for _, c := range []struct {
		name    string
		file    string
		decoder error
		want    string // of Finish and Judge
	}{
		{"proper end", file, io.EOF, ""},
		{"corrupt", file, errors.New("corrupt"), "Z_TRAILING"}, // taken for an end, as one in 2^48 is not
		{"end elsewhere", file + "x", io.EOF, "Z_TRAILING"},
		{"end in the checksum", "BZh9" + marker + "\x00", io.ErrUnexpectedEOF, "Z_TRUNCATED"},
		{"no end", "BZh9" + "data", io.ErrUnexpectedEOF, "Z_TRUNCATED"},
		{"no end, and the decoder saw one", "BZh9" + "data", io.EOF, "Z_TRAILING"},
		{"second stream", "BZh9" + marker + "\x00\x00\x00\x00BZ", io.EOF, "Z_MULTI"},
	} {
		s := &framing.Bzip2{}
		err := s.Push([]byte(c.file))
		if err == nil {
			err = s.Finish()
		}
		if err == nil {
			err = s.Judge(c.decoder)
		}
		var refused *refusal.Refusal
		got := ""
		if errors.As(err, &refused) {
			got = string(refused.Rule)
		}
		if got != c.want {
			t.Errorf("%s: %q (%v), expected %q", c.name, got, err, c.want)
		}
	}
}

// FuzzXZ: cutting a file into other slices changes nothing.
func FuzzXZ(f *testing.F) {
	f.Add([]byte(emptyXZ), uint8(1))
	f.Add([]byte(emptyXZ+emptyXZ), uint8(7))
	f.Fuzz(func(t *testing.T, file []byte, size uint8) {
		sameInSlices(t, file, int(size)+1, func() scanner { return framing.NewXZ(framing.Limits{}) })
	})
}

// FuzzZstd: the same.
func FuzzZstd(f *testing.F) {
	f.Add([]byte(rawZstd), uint8(0))
	f.Add([]byte(rawZstd+rawZstd), uint8(4))
	f.Fuzz(func(t *testing.T, file []byte, size uint8) {
		sameInSlices(t, file, int(size)+1, func() scanner { return framing.NewZstd(framing.Limits{}) })
	})
}

func sameInSlices(t *testing.T, file []byte, size int, fresh func() scanner) {
	scan := func(size int) string {
		s := fresh()
		for rest := file; len(rest) > 0; {
			n := min(size, len(rest))
			if err := s.Push(rest[:n]); err != nil {
				return err.Error()
			}
			if s.Accepted() < 0 || s.Accepted() > int64(len(file)-len(rest)+n) {
				t.Errorf("%d bytes accepted of %d", s.Accepted(), len(file)-len(rest)+n)
			}
			rest = rest[n:]
		}
		if err := s.Finish(); err != nil {
			return err.Error()
		}
		return ""
	}
	if whole, slices := scan(len(file)+1), scan(size); whole != slices {
		t.Errorf("in one piece %q, in slices of %d %q", whole, size, slices)
	}
}
