package zipfile_test

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/archive"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/envelope"
	"github.com/countermark/countermark/internal/refusal"
)

const (
	goodText   = "hello, hello, hello, hello\n"
	goodScript = "#!/bin/sh\n"
	goodID     = "494a2b0e1638443795788e16e08cee37f9339b7d"
)

// rawMember is a member of a zip that a test may spoil, record by record.
type rawMember struct {
	before                           []byte // bytes ahead of the local header
	local, data, descriptor, central []byte
	offset                           int  // added to the true offset in the central header
	hidden                           bool // the directory leaves it out
	absent                           bool // the directory alone has it
}

// rawZip is a zip in pieces. The members are a directory, a deflated file with
// a data descriptor, a stored executable file and a symbolic link.
type rawZip struct {
	members                         []*rawMember
	beforeDirectory, afterDirectory []byte
	directoryOffset, directoryBytes int // added to the true ones
	end                             []byte
	after                           []byte
}

func set16(p []byte, at int, v uint16) { binary.LittleEndian.PutUint16(p[at:], v) }
func set32(p []byte, at int, v uint32) { binary.LittleEndian.PutUint32(p[at:], v) }

// both sets a two-byte field that both headers have; at is its place in the central header.
func (m *rawMember) both(at int, v uint16) {
	set16(m.central, at, v)
	set16(m.local, at-2, v)
}

// size sets the packed and unpacked size wherever they may stand.
func (m *rawMember) size(packed, size uint32) {
	set32(m.central, 20, packed)
	set32(m.central, 24, size)
	set32(m.local, 18, packed)
	set32(m.local, 22, size)
	if m.descriptor != nil {
		set32(m.local, 18, 0)
		set32(m.descriptor, 8, packed)
		set32(m.descriptor, 12, size)
	}
}

// content replaces the content, stored, and makes all fields agree with it.
func (m *rawMember) content(data string) {
	m.data = []byte(data)
	m.both(10, methodStored)
	m.size(uint32(len(data)), uint32(len(data)))
	m.crc(crc32.ChecksumIEEE(m.data))
}

func (m *rawMember) crc(v uint32) {
	set32(m.central, 16, v)
	set32(m.local, 14, v)
}

// rename gives both headers another name.
func (m *rawMember) rename(name string) {
	extraAt := localBytes + int(binary.LittleEndian.Uint16(m.local[26:]))
	m.local = append(append(m.local[:localBytes:localBytes], name...), m.local[extraAt:]...)
	extraAt += centralBytes - localBytes
	m.central = append(append(m.central[:centralBytes:centralBytes], name...), m.central[extraAt:]...)
	m.both(28, uint16(len(name)))
}

// extra gives the headers extra fields.
func (m *rawMember) extra(local, central string) {
	m.local = append(m.local, local...)
	set16(m.local, 28, binary.LittleEndian.Uint16(m.local[28:])+uint16(len(local)))
	m.central = append(m.central, central...)
	set16(m.central, 30, binary.LittleEndian.Uint16(m.central[30:])+uint16(len(central)))
}

func newMember(name string, mode uint32, content string) *rawMember {
	m := &rawMember{local: make([]byte, localBytes), central: make([]byte, centralBytes)}
	copy(m.local, localSignature)
	copy(m.central, centralSignature)
	m.central[4], m.central[5] = 20, hostUnix
	m.both(6, 20)
	m.both(12, 0x1234)
	m.both(14, 0x5678)
	set32(m.central, 38, mode<<16)
	m.rename(name)
	m.content(content)
	return m
}

// deflate packs the content and moves CRC and sizes into a data descriptor.
func (m *rawMember) deflate(t testing.TB) {
	t.Helper()
	crc, size := crc32.ChecksumIEEE(m.data), uint32(len(m.data))
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err == nil {
		_, err = w.Write(m.data)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	m.data = b.Bytes()
	m.descriptor = make([]byte, descriptorBytes)
	copy(m.descriptor, descriptorSignature)
	set32(m.descriptor, 4, crc)
	m.size(uint32(len(m.data)), size)
	m.crc(crc)
	set32(m.local, 14, 0)
	set32(m.local, 18, 0)
	set32(m.local, 22, 0)
	m.both(8, flagDescriptor)
	m.both(10, methodDeflate)
}

func goodZip(t testing.TB) *rawZip {
	t.Helper()
	z := &rawZip{end: make([]byte, endBytes), members: []*rawMember{
		newMember("p-1/", 0o040755, ""),
		newMember("p-1/a.txt", 0o100644, goodText),
		newMember("p-1/run", 0o100755, goodScript),
		newMember("p-1/link", 0o120777, "a.txt"),
	}}
	copy(z.end, endSignature)
	z.members[1].deflate(t)
	return z
}

func (z *rawZip) bytes() []byte {
	var file, directory []byte
	count := uint16(0)
	for _, m := range z.members {
		file = append(file, m.before...)
		set32(m.central, 42, uint32(len(file)+m.offset))
		if !m.absent {
			file = append(append(append(file, m.local...), m.data...), m.descriptor...)
		}
		if !m.hidden {
			count++
			directory = append(directory, m.central...)
		}
	}
	file = append(file, z.beforeDirectory...)
	end := bytes.Clone(z.end)
	for at, v := range map[int]uint16{8: count, 10: count} {
		set16(end, at, binary.LittleEndian.Uint16(end[at:])+v)
	}
	set32(end, 12, uint32(len(directory)+z.directoryBytes))
	set32(end, 16, uint32(len(file)+z.directoryOffset))
	file = append(append(file, directory...), z.afterDirectory...)
	return append(append(file, end...), z.after...)
}

func (z *rawZip) comment(s string) {
	z.end = append(z.end[:endBytes:endBytes], s...)
	set16(z.end, 20, uint16(len(s)))
}

func sha256Of(p []byte) digest.SHA256 { return digest.SHA256(sha256.Sum256(p)) }

// badZip spoils a good zip in one way.
type badZip struct {
	name  string
	rule  refusal.Rule
	spoil func(z *rawZip)
}

// TestBadZips: every defect is refused, by its rule. The good zip is accepted,
// so each refusal is for the defect alone.
func TestBadZips(t *testing.T) {
	if _, err := readZip(goodZip(t).bytes(), archive.Options{}); err != nil {
		t.Fatal(err)
	}
	cases := badZips(t)
	if len(cases) < 80 {
		t.Fatalf("only %d cases", len(cases))
	}
	seen := make(map[string]bool)
	for _, c := range cases {
		if seen[c.name] {
			t.Errorf("two cases are named %q", c.name)
		}
		seen[c.name] = true
		t.Run(c.name, func(t *testing.T) {
			z := goodZip(t)
			c.spoil(z)
			contents, err := readZip(z.bytes(), archive.Options{})
			wantRefusal(t, err, c.rule)
			if contents != nil {
				t.Error("contents besides the refusal")
			}
		})
	}
}

func wantRefusal(t *testing.T, err error, rule refusal.Rule) {
	t.Helper()
	r, ok := errors.AsType[*refusal.Refusal](err)
	if !ok || r.Rule != rule {
		t.Errorf("%v, want a refusal by %s", err, rule)
		return
	}
	t.Log(err)
}

// TestGoodVariants: what real writers do differently is accepted, and changes
// nothing but what it says.
func TestGoodVariants(t *testing.T) {
	want, err := readZip(goodZip(t).bytes(), archive.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ux := "ux\x0b\x00\x01\x04\x00\x00\x00\x00\x04\x00\x00\x00\x00"
	for name, vary := range map[string]func(z *rawZip){
		"comment SHA-1":             func(z *rawZip) { z.comment(goodID) },
		"comment SHA-256":           func(z *rawZip) { z.comment(strings.Repeat("0", 64)) },
		"times and owner":           func(z *rawZip) { z.members[2].extra("UT\x09\x00\x03aaaabbbb"+ux, "UT\x05\x00\x03aaaa"+ux) },
		"all times centrally":       func(z *rawZip) { z.members[2].extra("UT\x09\x00\x03aaaabbbb", "UT\x09\x00\x03aaaabbbb") },
		"no modified time":          func(z *rawZip) { z.members[2].extra("UT\x05\x00\x02bbbb", "UT\x01\x00\x02") },
		"UTF-8 mark":                func(z *rawZip) { z.members[2].both(8, flagUTF8) },
		"effort bits, stored":       func(z *rawZip) { z.members[2].both(8, flagDeflate1|flagDeflate2) },
		"text bit":                  func(z *rawZip) { z.members[1].central[36] = 1 },
		"size despite descriptor":   func(z *rawZip) { copy(z.members[1].local[22:26], z.members[1].central[24:28]) },
		"no directory member":       func(z *rawZip) { z.members = z.members[1:] },
		"other order":               func(z *rawZip) { z.members[1], z.members[3] = z.members[3], z.members[1] },
		"version 1.0":               func(z *rawZip) { z.members[2].both(6, 10) },
		"stored with a descriptor":  storedDescriptor,
		"deflated link":             func(z *rawZip) { z.members[3].deflate(t) },
		"invalid DOS date":          func(z *rawZip) { z.members[2].both(14, 0xffff) },
		"PK signatures in contents": nil,
	} {
		t.Run(name, func(t *testing.T) {
			z := goodZip(t)
			if vary == nil {
				vary = func(z *rawZip) {
					z.members[2].content(localSignature + centralSignature + endSignature + descriptorSignature)
				}
			}
			vary(z)
			got, err := readZip(z.bytes(), archive.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got.Identity.Git != want.Identity.Git && !strings.HasPrefix(name, "PK") {
				t.Errorf("tree %v, want %v", got.Identity.Git.In(digest.SHA1Format), want.Identity.Git.In(digest.SHA1Format))
			}
		})
	}
}

// storedDescriptor is what Info-ZIP and libarchive write to a pipe: sizes in
// the local header, CRC in the descriptor only.
func storedDescriptor(z *rawZip) {
	m := z.members[2]
	m.both(8, flagDescriptor)
	m.descriptor = make([]byte, descriptorBytes)
	copy(m.descriptor, descriptorSignature)
	copy(m.descriptor[4:], m.central[16:28])
	set32(m.local, 14, 0)
}

// TestZipName: a name that promises another format is refused, before and after.
func TestZipName(t *testing.T) {
	data := goodZip(t).bytes()
	_, err := readZip(data, archive.Options{Envelope: envelope.Options{Name: "p-1.tar.gz"}})
	wantRefusal(t, err, refusal.ZFormat)
	if _, err := readZip(data, archive.Options{Envelope: envelope.Options{Name: "p-1.ZIP"}}); err != nil {
		t.Error(err)
	}
	_, err = readZip(append([]byte("junk"), data...), archive.Options{Envelope: envelope.Options{Name: "p-1.zip"}})
	wantRefusal(t, err, refusal.ZFormat)
	_, err = readZip([]byte(descriptorSignature+string(data)), archive.Options{})
	wantRefusal(t, err, refusal.ZFormat)
}

// TestZipAndTar: a zip that has the magic of a tar where tars have it is not
// read as a zip, since programs that look at the content unpack it as a tar.
func TestZipAndTar(t *testing.T) {
	const magicAt = 257 // POSIX.1-2017 pax, "ustar Header Block"
	z := goodZip(t)
	m := newMember("p-1/x", 0o100644, "")
	m.content(strings.Repeat("x", magicAt-len(m.local)) + "ustar" + strings.Repeat("x", 512))
	z.members = []*rawMember{m}
	_, err := readZip(z.bytes(), archive.Options{Envelope: envelope.Options{Name: "p-1.zip"}})
	wantRefusal(t, err, refusal.ZFormat)
	_, err = readZip(z.bytes(), archive.Options{})
	wantRefusal(t, err, refusal.TarChecksum)
}

// TestZipPrefix: the directory asked for must hold everything.
func TestZipPrefix(t *testing.T) {
	z := goodZip(t)
	z.members[1].rename("q-1/a.txt")
	_, err := readZip(z.bytes(), archive.Options{})
	wantRefusal(t, err, refusal.NameTop)
	_, err = readZip(goodZip(t).bytes(), archive.Options{Prefix: "p-2", PrefixSet: true})
	wantRefusal(t, err, refusal.NameTop)
	got, err := readZip(goodZip(t).bytes(), archive.Options{PrefixSet: true})
	if err != nil || got.Tree.Lookup("p-1/run") == nil {
		t.Errorf("without a prefix: %v", err)
	}
}

// TestZipTruncated: no beginning of a zip is a zip.
func TestZipTruncated(t *testing.T) {
	z := goodZip(t)
	z.comment(goodID)
	data := z.bytes()
	for n := range data {
		_, err := readZip(data[:n], archive.Options{})
		if r, ok := errors.AsType[*refusal.Refusal](err); !ok || n >= len(localSignature) && r.Rule != refusal.ZTruncated {
			t.Fatalf("the first %d bytes: %v", n, err)
		}
	}
}

// TestZipBomb: what would expand beyond the limits is refused before anything
// is unpacked, and what expands beyond what it says, where it does.
func TestZipBomb(t *testing.T) {
	bomb := func(size int) *rawZip {
		z := goodZip(t)
		m := newMember("p-1/zeros", 0o100644, "")
		m.data = make([]byte, size)
		m.deflate(t)
		z.members = append(z.members, m)
		return z
	}
	_, err := readZip(bomb(100<<20).bytes(), archive.Options{})
	wantRefusal(t, err, refusal.ZRatio)
	_, err = readZip(bomb(2<<20).bytes(), archive.Options{Envelope: envelope.Options{Limits: envelope.Limits{MaxUncompressedBytes: 1 << 20}}})
	wantRefusal(t, err, refusal.TarTooBig)
	_, err = readZip(bomb(2<<20).bytes(), archive.Options{Envelope: envelope.Options{Limits: envelope.Limits{MaxRatio: 100, RatioFreeBytes: 1 << 20}}})
	wantRefusal(t, err, refusal.ZRatio)
	_, err = readZip(bomb(2<<20).bytes(), archive.Options{Limits: archive.Limits{MaxMembers: 4}})
	wantRefusal(t, err, refusal.TarTooMany)

	z := bomb(100 << 20)
	liar := z.members[len(z.members)-1]
	liar.size(uint32(len(liar.data)), 1000)
	_, err = readZip(z.bytes(), archive.Options{})
	wantRefusal(t, err, refusal.ZCRC)
}
