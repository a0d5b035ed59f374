package framing_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/signature/pgp/framing"
)

// The shortest length is written, and each is read again.
func TestPacket(t *testing.T) {
	for _, c := range []struct {
		length int
		header string
	}{
		{0, "\xcd\x00"},
		{191, "\xcd\xbf"},
		{192, "\xcd\xc0\x00"},
		{8383, "\xcd\xdf\xff"},
		{8384, "\xcd\xff\x00\x00\x20\xc0"},
		{70000, "\xcd\xff\x00\x01\x11\x70"},
	} {
		p := framing.Packet{Tag: framing.TagUserID, Body: bytes.Repeat([]byte("x"), c.length)}
		written := p.Encode()
		if !bytes.HasPrefix(written, []byte(c.header)) || len(written) != len(c.header)+c.length {
			t.Errorf("%d bytes begin with %x", c.length, written[:6])
		}
		read, rest, err := framing.Next(append(written, "rest"...))
		if err != nil || read.Tag != p.Tag || !bytes.Equal(read.Body, p.Body) || string(rest) != "rest" {
			t.Errorf("%d bytes: type %d with %d bytes, %q, %v", c.length, read.Tag, len(read.Body), rest, err)
		}
	}
}

func TestSubpackets(t *testing.T) {
	two, five := strings.Repeat("b", 191), strings.Repeat("c", 16320)
	all, err := framing.Subpackets([]byte("\x02\x02a" + "\xc0\x00\x83" + two + "\xff\x00\x00\x3f\xc1\x04" + five))
	if err != nil || len(all) != 3 {
		t.Fatalf("%d subpackets, %v", len(all), err)
	}
	for i, want := range []framing.Subpacket{{Kind: 2, Content: []byte("a")}, {Kind: 3, Critical: true, Content: []byte(two)}, {Kind: 4, Content: []byte(five)}} {
		if all[i].Kind != want.Kind || all[i].Critical != want.Critical || !bytes.Equal(all[i].Content, want.Content) {
			t.Errorf("subpacket %d is %d, %v, %d bytes", i, all[i].Kind, all[i].Critical, len(all[i].Content))
		}
	}
	for _, broken := range []string{"\x00", "\x01", "\x03\x02a", "\xc0", "\xc0\x00", "\xc0\x00\x02", "\xff", "\xff\x00\x00\x00", "\xff\x00\x00\x00\x00", "\xff\xff\xff\xff\xff\x02"} {
		if all, err := framing.Subpackets([]byte(broken)); err == nil {
			t.Errorf("%q: %v", broken, all)
		}
	}
	if all, err := framing.Subpackets(nil); err != nil || all != nil {
		t.Errorf("nothing: %v, %v", all, err)
	}
}

// RFC 9580, section 6.1.1, has the checksum of a signature: that of its example
// of a detached signature's armour (RFC 4880, section 6.6).
func TestUnarmour(t *testing.T) {
	const example = "-----BEGIN PGP MESSAGE-----\nVersion: OpenPrivacy 0.99\n\nyDgBO22WxBHv7O8X7O/jygAEzol56iUKiXmV+XmpCtmpqQUKiQrFqclFqUDBovzS\nvBSFjNSiVHsuAA==\n=njUN\n-----END PGP MESSAGE-----\n"
	lines := framing.Lines([]byte(example + "after\n"))
	body, rest, err := framing.Unarmour(lines, "-----END PGP MESSAGE-----", refusal.SigFormat)
	if err != nil || len(body) != 58 || len(rest) != 1 || rest[0] != "after" {
		t.Errorf("%d bytes, %q, %v", len(body), rest, err)
	}
	lines = framing.Lines([]byte(strings.Replace(example, "=njUN", "=njUM", 1)))
	if _, _, err := framing.Unarmour(lines, "-----END PGP MESSAGE-----", refusal.SigFormat); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("another checksum: %v", err)
	}
}

func TestExcerpt(t *testing.T) {
	if got := framing.Excerpt(strings.Repeat("x", 1000)); len(got) > 100 || framing.Excerpt("x") != "x" {
		t.Errorf("%d bytes", len(got))
	}
}

// FuzzNext holds that no bytes upset the reader, and that a packet is read as it
// is written.
func FuzzNext(f *testing.F) {
	f.Add([]byte("\xcd\x01x"))
	f.Add([]byte("\xb4\x01x"))
	f.Add([]byte("\xcd\xff\x00\x00\x00\x01x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) == 0 {
			return
		}
		p, rest, err := framing.Next(data)
		if err != nil {
			return
		}
		again, none, err := framing.Next(p.Encode())
		if err != nil || again.Tag != p.Tag || !bytes.Equal(again.Body, p.Body) || len(none) != 0 || len(rest) > len(data)-2 {
			t.Errorf("%x is read as %v, and that as %v, %v", data, p, again, err)
		}
		_, _ = framing.Subpackets(p.Body)
	})
}
