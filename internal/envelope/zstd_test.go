package envelope_test

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/envelope"
)

func TestZstdByHand(t *testing.T) {
	const magic = "\x28\xb5\x2f\xfd"
	for _, c := range []struct {
		name    string
		content string
		want    string
	}{
		{"raw block in a single segment", magic + "\x20\x02" + "\x11\x00\x00ab", "accept"},
		{"raw block with a window", magic + "\x00\x00" + "\x11\x00\x00ab", "accept"},
		{"repeated byte", magic + "\x00\x00" + "\x13\x00\x00a", "accept"},
		{"two blocks", magic + "\x00\x00" + "\x08\x00\x00a\x09\x00\x00b", "accept"},
		{"dictionary id 0", magic + "\x01\x00\x00" + "\x11\x00\x00ab", "accept"},
		{"dictionary id", magic + "\x01\x00\x07" + "\x11\x00\x00ab", "Z_HEADER"},
		{"dictionary id of four bytes", magic + "\x03\x00\x00\x00\x00\x01" + "\x11\x00\x00ab", "Z_HEADER"},
		{"reserved bit", magic + "\x08\x00" + "\x11\x00\x00ab", "Z_HEADER"},
		{"unused bit", magic + "\x10\x00" + "\x11\x00\x00ab", "Z_HEADER"},
		{"window of 128 MiB", magic + "\x00\x88" + "\x11\x00\x00ab", "accept"},
		{"window of 144 MiB", magic + "\x00\x89" + "\x11\x00\x00ab", "Z_MEM"},
		{"window of 2 GiB", magic + "\x00\xa8" + "\x11\x00\x00ab", "Z_MEM"},
		{"window of the most", magic + "\x00\xff" + "\x11\x00\x00ab", "Z_MEM"},
		{"single segment of 1 GiB", magic + "\xa0\x00\x00\x00\x40" + "\x11\x00\x00ab", "Z_MEM"},
		{"content of 2^64 - 1", magic + "\xc0\x00" + strings.Repeat("\xff", 8) + "\x11\x00\x00ab", "TAR_TOO_BIG"},
		{"content size too large", magic + "\x20\x03" + "\x11\x00\x00ab", "Z_CRC"},
		{"content size too small", magic + "\x20\x01" + "\x09\x00\x00ab", "Z_TRAILING"},
		{"block larger than its window", magic + "\x20\x01" + "\x11\x00\x00ab", "Z_HEADER"},
		{"block of the reserved type", magic + "\x00\x00" + "\x17\x00\x00ab", "Z_HEADER"},
		{"block of more than 128 KiB", magic + "\x00\x88" + "\x0b\x00\x10a", "Z_HEADER"},
		{"corrupt block", magic + "\x00\x00" + "\x15\x00\x00ab", "Z_CRC"},
		{"wrong checksum", magic + "\x04\x00" + "\x11\x00\x00ab" + "\x00\x00\x00\x00", "Z_CRC"},
		{"half a checksum", magic + "\x04\x00" + "\x11\x00\x00ab" + "\x00\x00", "Z_TRUNCATED"},
		{"last block cut", magic + "\x00\x00" + "\x11\x00\x00a", "Z_TRUNCATED"},
		{"skippable frame first", "\x50\x2a\x4d\x18\x01\x00\x00\x00x" + magic + "\x20\x02\x11\x00\x00ab", "Z_HEADER"},
		{"skippable frame last", magic + "\x20\x02\x11\x00\x00ab" + "\x5f\x2a\x4d\x18\x00\x00\x00\x00", "Z_HEADER"},
		{"two frames", magic + "\x20\x02\x11\x00\x00ab" + magic + "\x20\x02\x11\x00\x00ab", "Z_MULTI"},
	} {
		if got, _ := verdict(t, []byte(c.content), envelope.Options{}); got != c.want {
			t.Errorf("%s: verdict %s, expected %s", c.name, got, c.want)
		}
	}
}

func TestZstdPrograms(t *testing.T) {
	content := sample(3 << 20)
	for _, c := range []struct {
		name  string
		args  []string
		want  string
		notes string
	}{
		{"usual", nil, "accept", ""},
		{"no checksum", []string{"--no-check"}, "accept", "the zstd frame has no checksum"},
		{"best", []string{"-19"}, "accept", ""},
		{"fast", []string{"--fast=10"}, "accept", ""},
		{"window of 128 MiB", []string{"--long=27"}, "accept", ""},
		{"window of 2 GiB", []string{"--long=31", "--single-thread"}, "Z_MEM", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := compressed(t, content, "zstd", append([]string{"-c", "-q"}, c.args...)...)
			r, err := envelope.Open(bytes.NewReader(file), envelope.Options{Name: "a.tar.zst"})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			out, err := io.ReadAll(r)
			if c.want != "accept" {
				if ruleOf(err) != c.want {
					t.Errorf("error %v, expected %s", err, c.want)
				}
				return
			}
			if err != nil || !bytes.Equal(out, content) {
				t.Errorf("read %d bytes, %v", len(out), err)
			}
			if notes := strings.Join(r.Notes(), "|"); notes != c.notes {
				t.Errorf("notes %q, expected %q", notes, c.notes)
			}
		})
	}
}

func TestBzip2(t *testing.T) {
	// Several sizes, so that the stream ends at several bits of a byte.
	ends := make(map[byte]bool)
	for size := range 40 {
		content := sample(size)
		file := compressed(t, content, "bzip2", "-c", "-1")
		if got, out := verdict(t, file, envelope.Options{Name: "a.tar.bz2"}); got != "accept" || !bytes.Equal(out, content) {
			t.Errorf("%d bytes: verdict %s, %d bytes", size, got, len(out))
		}
		last := file[len(file)-1]
		if last&1 == 0 {
			// One bit of padding, or the last of the checksum.
			if got, _ := verdict(t, flip(file, -1, 1), envelope.Options{}); got == "accept" {
				t.Errorf("%d bytes: accepted with the last bit set", size)
			} else {
				ends[got[2]] = true
			}
		}
		if got, _ := verdict(t, slices.Concat(file, file), envelope.Options{}); got != "Z_MULTI" {
			t.Errorf("%d bytes twice: verdict %s", size, got)
		}
	}
	if !ends['H'] {
		t.Error("no padding was tried")
	}
}
