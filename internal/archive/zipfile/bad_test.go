package zipfile_test

import (
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/refusal"
)

// badZips is one defect each; members are 0 p-1/, 1 p-1/a.txt (deflate, with a
// data descriptor), 2 p-1/run (stored, 0755), 3 p-1/link.
func badZips(t testing.TB) []badZip {
	var all []badZip
	for _, group := range [][]badZip{badFrames(t), badHeaders(), badExtras(), badContents(t), badNames(), badModes()} {
		all = append(all, group...)
	}
	return all
}

// badFrames are defects in how the records follow each other.
func badFrames(t testing.TB) []badZip {
	inner := string(goodZip(t).bytes())
	member := func() *rawMember { return newMember("p-1/more", 0o100644, "more") }
	return []badZip{
		{"gap before the first member", refusal.ZFormat, func(z *rawZip) { z.members[0].before = []byte("#!/bin/sh\n") }},
		{"member before the first", refusal.ZipLocal, func(z *rawZip) { z.members[0].hidden = true }},
		{"gap between members", refusal.ZipGap, func(z *rawZip) { z.members[2].before = []byte{0} }},
		{"member between members that the directory omits", refusal.ZipLocal, func(z *rawZip) { z.members[2].hidden = true }},
		{"member after the last that the directory omits", refusal.ZipLocal, func(z *rawZip) { z.members[3].hidden = true }},
		{"gap before the directory", refusal.ZipGap, func(z *rawZip) { z.beforeDirectory = []byte("archive extra data") }},
		{"archive extra data record", refusal.ZipGap, func(z *rawZip) { z.beforeDirectory = []byte("PK\x06\x08\x00\x00\x00\x00") }},
		{"gap before the end record", refusal.ZipGap, func(z *rawZip) { z.afterDirectory = []byte{0} }},
		{"digital signature", refusal.ZipGap, func(z *rawZip) { z.afterDirectory = []byte("PK\x05\x05\x00\x00"); z.directoryBytes = 6 }},
		{"digital signature outside the directory", refusal.ZipGap, func(z *rawZip) { z.afterDirectory = []byte("PK\x05\x05\x00\x00") }},
		{"central header without member", refusal.ZipLocal, func(z *rawZip) { m := member(); m.absent = true; z.members = append(z.members, m) }},
		{"two central headers of one member", refusal.ZipGap, func(z *rawZip) {
			m := *z.members[2]
			m.absent, m.offset = true, -len(m.local)-len(m.data)
			z.members = append(z.members[:3:3], &m, z.members[3])
		}},
		{"overlap", refusal.ZipGap, func(z *rawZip) { z.members[3].offset = -1 }},
		{"offset beyond", refusal.ZipLocal, func(z *rawZip) { z.members[3].offset = 1 }},
		{"first offset not 0", refusal.ZipLocal, func(z *rawZip) { z.members[0].offset = 34 }},
		{"directory in another order", refusal.ZipLocal, swapCentral},
		{"trailing byte", refusal.ZTrailing, func(z *rawZip) { z.after = []byte{0} }},
		{"trailing line feed", refusal.ZTrailing, func(z *rawZip) { z.after = []byte{'\n'} }},
		{"second zip", refusal.ZipGap, func(z *rawZip) { z.after = []byte(inner) }},
		{"second end record", refusal.ZipGap, func(z *rawZip) { z.after = append([]byte(nil), goodEnd(z)...) }},
		{"zip in the archive comment", refusal.ZipGap, func(z *rawZip) { z.comment(inner) }},
		{"no end record", refusal.ZTruncated, func(z *rawZip) { z.end[0] = 'Q' }},
		{"empty", refusal.TarEmpty, func(z *rawZip) { z.members = nil }},
		{"empty with a hidden member", refusal.ZipLocal, func(z *rawZip) {
			z.members = z.members[2:3]
			z.members[0].hidden = true
		}},
		{"comment", refusal.ZipComment, func(z *rawZip) { z.comment("made with care") }},
		{"comment of upper case digits", refusal.ZipComment, func(z *rawZip) { z.comment(strings.ToUpper(goodID)) }},
		{"comment of 40 other bytes", refusal.ZipComment, func(z *rawZip) { z.comment(strings.Repeat("g", 40)) }},
		{"comment of an abbreviated id", refusal.ZipComment, func(z *rawZip) { z.comment(goodID[:12]) }},
		{"comment longer than the file", refusal.ZTruncated, func(z *rawZip) { set16(z.end, 20, 1) }},
		{"comment shorter than the file", refusal.ZTrailing, func(z *rawZip) { z.comment(goodID); set16(z.end, 20, 39) }},
		{"disk 1", refusal.ZipCount, func(z *rawZip) { set16(z.end, 4, 1) }},
		{"directory on disk 1", refusal.ZipCount, func(z *rawZip) { set16(z.end, 6, 1) }},
		{"fewer members on this disk", refusal.ZipCount, func(z *rawZip) { set16(z.end, 8, 0xffff) }},
		{"a member more", refusal.ZipCount, func(z *rawZip) { set16(z.end, 8, 1); set16(z.end, 10, 1) }},
		{"a member fewer", refusal.ZipCount, func(z *rawZip) { set16(z.end, 8, 0xffff); set16(z.end, 10, 0xffff) }},
		{"directory size too large", refusal.ZipCount, func(z *rawZip) { z.directoryBytes = 1 }},
		{"directory size too small", refusal.ZipGap, func(z *rawZip) { z.directoryBytes = -1 }},
		{"directory offset too large", refusal.ZipCount, func(z *rawZip) { z.directoryOffset = 1 }},
		{"directory offset too small", refusal.ZipGap, func(z *rawZip) { z.directoryOffset = -1 }},
		{"directory shifted", refusal.ZipCount, func(z *rawZip) { z.directoryOffset, z.directoryBytes = -1, 1 }},
		{"zip64 count", refusal.ZipCount, func(z *rawZip) { set16(z.end, 8, 0xfffb); set16(z.end, 10, 0xfffb) }},
		{"zip64 locator", refusal.ZipCount, func(z *rawZip) { z.afterDirectory = []byte(zip64PlaceSignature + strings.Repeat("\x00", 16)) }},
	}
}

// swapCentral lists two members in the other order than they lie in the file.
func swapCentral(z *rawZip) {
	a, b := z.members[1], z.members[2]
	a.central, b.central = b.central, a.central
	a.offset = len(a.local) + len(a.data) + len(a.descriptor)
	b.offset = -a.offset
}

// goodEnd is a copy of the end record as it will be, so that it is right
// about everything but where it stands.
func goodEnd(z *rawZip) []byte {
	data := z.bytes()
	return data[len(data)-endBytes:]
}

// badHeaders are fields with a value that is not accepted, or not the same in
// both headers.
func badHeaders() []badZip {
	both := func(i, at int, v uint16) func(*rawZip) { return func(z *rawZip) { z.members[i].both(at, v) } }
	local := func(i, at int) func(*rawZip) { return func(z *rawZip) { z.members[i].local[at]++ } }
	central := func(i, at int, v uint16) func(*rawZip) {
		return func(z *rawZip) { set16(z.members[i].central, at, v) }
	}
	return []badZip{
		{"encrypted", refusal.ZipFlag, both(2, 8, flagEncrypted)},
		{"strongly encrypted", refusal.ZipFlag, both(2, 8, 1<<6)},
		{"patch data", refusal.ZipFlag, both(2, 8, 1<<5)},
		{"masked headers", refusal.ZipFlag, both(2, 8, 1<<13)},
		{"enhanced compression", refusal.ZipFlag, both(2, 8, 1<<12)},
		{"reserved flag", refusal.ZipFlag, both(2, 8, 1<<4)},
		{"reserved internal attribute", refusal.ZipFlag, central(2, 36, 2)},
		{"method 12", refusal.ZipMethod, both(2, 10, 12)},
		{"method 9, deflate64", refusal.ZipMethod, both(2, 10, 9)},
		{"method 99", refusal.ZipMethod, both(2, 10, 99)},
		{"needs version 4.5", refusal.ZipMethod, both(2, 6, 45)},
		{"needs version 2.0 of a system", refusal.ZipMethod, both(2, 6, 0x0314)},
		{"made by version 25.5", refusal.ZipMethod, func(z *rawZip) { z.members[2].central[4] = 255 }},
		{"member on disk 1", refusal.ZipCount, central(2, 34, 1)},
		{"zip64 size", refusal.ZipCount, func(z *rawZip) { set32(z.members[2].central, 24, zip64Size) }},
		{"zip64 packed size", refusal.ZipCount, func(z *rawZip) { set32(z.members[2].central, 20, zip64Size) }},
		{"member comment", refusal.ZipComment, func(z *rawZip) {
			m := z.members[2]
			m.central = append(m.central, 'x')
			set16(m.central, 32, 1)
		}},
		{"member comment length", refusal.ZipComment, central(2, 32, 1)},
		{"central signature", refusal.ZipCount, func(z *rawZip) { z.members[2].central[3]++ }},
		{"local signature", refusal.ZipLocal, local(2, 3)},
		{"version differs", refusal.ZipLocal, func(z *rawZip) { z.members[2].local[4] = 10 }},
		{"flags differ", refusal.ZipLocal, local(2, 6)},
		{"UTF-8 flag differs", refusal.ZipLocal, func(z *rawZip) { z.members[2].local[7] ^= flagUTF8 >> 8 }},
		{"descriptor flag in the local header only", refusal.ZipLocal, func(z *rawZip) { z.members[2].local[6] ^= flagDescriptor }},
		{"descriptor flag in the central header only", refusal.ZipLocal, func(z *rawZip) { z.members[2].central[8] ^= flagDescriptor }},
		{"method differs", refusal.ZipLocal, func(z *rawZip) { z.members[2].local[8] = methodDeflate }},
		{"time differs", refusal.ZipLocal, local(2, 10)},
		{"date differs", refusal.ZipLocal, local(2, 12)},
		{"CRC differs", refusal.ZipLocal, local(2, 14)},
		{"CRC zero without descriptor", refusal.ZipLocal, func(z *rawZip) { set32(z.members[2].local, 14, 0) }},
		{"packed size differs", refusal.ZipLocal, local(2, 18)},
		{"size differs", refusal.ZipLocal, local(2, 22)},
		{"name length differs", refusal.ZipLocal, local(2, 26)},
		{"name differs", refusal.ZipLocal, local(2, localBytes+5)},
		{"name differs in case", refusal.ZipLocal, func(z *rawZip) { z.members[2].local[localBytes] ^= 0x20 }},
		{"CRC wrong beside a descriptor", refusal.ZipLocal, local(1, 14)},
		{"size wrong beside a descriptor", refusal.ZipLocal, local(1, 22)},
		{"packed size wrong beside a descriptor", refusal.ZipLocal, local(1, 18)},
		{"CRC despite a descriptor", refusal.ZipLocal, func(z *rawZip) { copy(z.members[1].local[14:18], z.members[1].central[16:20]) }},
		{"packed size despite a descriptor", refusal.ZipLocal, func(z *rawZip) { copy(z.members[1].local[18:22], z.members[1].central[20:24]) }},
		{"descriptor's CRC", refusal.ZipLocal, func(z *rawZip) { z.members[1].descriptor[4]++ }},
		{"descriptor's packed size", refusal.ZipLocal, func(z *rawZip) { z.members[1].descriptor[8]++ }},
		{"descriptor's size", refusal.ZipLocal, func(z *rawZip) { z.members[1].descriptor[12]++ }},
		{"descriptor without signature", refusal.ZipLocal, func(z *rawZip) { z.members[1].descriptor = z.members[1].descriptor[4:] }},
		{"descriptor with 8-byte sizes", refusal.ZipGap, func(z *rawZip) { z.members[1].descriptor = append(z.members[1].descriptor, make([]byte, 8)...) }},
		{"no descriptor", refusal.ZipLocal, func(z *rawZip) { z.members[1].descriptor = nil }},
		{"stored with its size in the descriptor", refusal.ZipFlag, func(z *rawZip) {
			storedDescriptor(z)
			set32(z.members[2].local, 18, 0)
			set32(z.members[2].local, 22, 0)
		}},
		{"directory with a descriptor", refusal.NamePath, both(0, 8, flagDescriptor)},
	}
}

// badExtras are extra fields.
func badExtras() []badZip {
	same := func(extra string) func(*rawZip) { return func(z *rawZip) { z.members[2].extra(extra, extra) } }
	differ := func(local, central string) func(*rawZip) {
		return func(z *rawZip) { z.members[2].extra(local, central) }
	}
	times := "UT\x05\x00\x01aaaa"
	return []badZip{
		{"Unicode path", refusal.ZipExtra, same("up\x09\x00\x01crc!evil")},
		{"zip64 extra", refusal.ZipExtra, same("\x01\x00\x10\x00" + strings.Repeat("\x00", 16))},
		{"zip64 extra, local only", refusal.ZipExtra, differ("\x01\x00\x10\x00"+strings.Repeat("\x00", 16), "")},
		{"NTFS times", refusal.ZipExtra, differ("", "\x0a\x00\x20\x00"+strings.Repeat("\x00", 32))},
		{"AES", refusal.ZipExtra, same("\x01\x99\x07\x00\x02\x00AE\x03\x08\x00")},
		{"jar marker", refusal.ZipExtra, same("\xfe\xca\x00\x00")},
		{"old Unix field", refusal.ZipExtra, same("UX\x08\x00aaaabbbb")},
		{"too long", refusal.ZipExtra, same(strings.Repeat("\x00", 200))},
		{"too long, local only", refusal.ZipExtra, differ(strings.Repeat("\x00", 200), "")},
		{"local length beyond the file", refusal.ZipExtra, func(z *rawZip) { set16(z.members[3].local, 28, 0xffff) }},
		{"local length beyond the directory", refusal.ZipGap, func(z *rawZip) { set16(z.members[3].local, 28, 40) }},
		{"padding", refusal.ZipExtra, same(times + "\x00")},
		{"length beyond the end", refusal.ZipExtra, same("UT\x06\x00\x01aaaa")},
		{"length too short", refusal.ZipExtra, same("UT\x04\x00\x01aaaa")},
		{"times twice", refusal.ZipExtra, same(times + times)},
		{"times without flags", refusal.ZipExtra, same("UT\x01\x00\x00")},
		{"times with another flag", refusal.ZipExtra, same("UT\x05\x00\x08aaaa")},
		{"times too many", refusal.ZipExtra, same("UT\x09\x00\x01aaaabbbb")},
		{"owner version 2", refusal.ZipExtra, same("ux\x05\x00\x02\x01a\x01b")},
		{"owner with empty id", refusal.ZipExtra, same("ux\x04\x00\x01\x00\x01b")},
		{"owner with one id", refusal.ZipExtra, same("ux\x03\x00\x01\x01a")},
		{"owner with more", refusal.ZipExtra, same("ux\x06\x00\x01\x01a\x01bc")},
		{"owner cut", refusal.ZipExtra, same("ux\x04\x00\x01\x01a\x01")},
		{"empty owner", refusal.ZipExtra, same("ux\x00\x00")},
		{"local times only", refusal.ZipLocal, differ(times, "")},
		{"central times only", refusal.ZipLocal, differ("", times)},
		{"times differ", refusal.ZipLocal, differ(times, "UT\x05\x00\x01aaab")},
		{"time flags differ", refusal.ZipLocal, differ("UT\x09\x00\x03aaaabbbb", times)},
		{"local times cut", refusal.ZipLocal, differ("UT\x05\x00\x03aaaa", "UT\x05\x00\x03aaaa")},
		{"owner differs", refusal.ZipLocal, differ("ux\x05\x00\x01\x01a\x01b", "ux\x05\x00\x01\x01a\x01c")},
		{"order differs", refusal.ZipLocal, differ(times+"ux\x05\x00\x01\x01a\x01b", "ux\x05\x00\x01\x01a\x01b"+times)},
	}
}

// badContents are contents that are not what the headers say.
func badContents(t testing.TB) []badZip {
	deflated := func(spoil func(m *rawMember)) func(*rawZip) {
		return func(z *rawZip) {
			m := z.members[2]
			m.deflate(t)
			spoil(m)
		}
	}
	return []badZip{
		{"stored byte changed", refusal.ZCRC, func(z *rawZip) { z.members[2].data[0]++ }},
		{"CRC wrong everywhere", refusal.ZCRC, func(z *rawZip) { z.members[2].crc(1) }},
		{"directory with a CRC", refusal.NamePath, func(z *rawZip) { z.members[0].crc(1) }},
		{"directory with content", refusal.NamePath, func(z *rawZip) { z.members[0].content("x") }},
		{"deflated directory", refusal.NamePath, func(z *rawZip) { z.members[0].both(10, methodDeflate) }},
		{"stored sizes differ", refusal.ZCRC, func(z *rawZip) { z.members[2].size(uint32(len(goodScript)), 5) }},
		{"stored size too large", refusal.ZipGap, func(z *rawZip) { z.members[2].size(100000, 100000) }},
		{"stored size too small", refusal.ZCRC, func(z *rawZip) { z.members[2].size(5, 5) }},
		{"reserved deflate block", refusal.ZCRC, deflated(func(m *rawMember) { m.data[0] |= 0x06 })},
		{"deflate without end", refusal.ZCRC, deflated(func(m *rawMember) {
			m.data = m.data[:len(m.data)-1]
			m.size(uint32(len(m.data)), uint32(len(goodScript)))
		})},
		{"bytes after deflate", refusal.ZipGap, deflated(func(m *rawMember) {
			m.data = append(m.data, "hidden"...)
			m.size(uint32(len(m.data)), uint32(len(goodScript)))
		})},
		{"deflate says more", refusal.ZCRC, deflated(func(m *rawMember) { m.size(uint32(len(m.data)), uint32(len(goodScript)+1)) })},
		{"deflate says less", refusal.ZCRC, deflated(func(m *rawMember) { m.size(uint32(len(m.data)), uint32(len(goodScript)-1)) })},
		{"deflate says nothing", refusal.ZCRC, deflated(func(m *rawMember) { m.size(0, uint32(len(goodScript))); m.data = nil })},
	}
}

// badNames are names and links that tar refuses too, and those that only zip has.
func badNames() []badZip {
	name := func(s string) func(*rawZip) { return func(z *rawZip) { z.members[2].rename(s) } }
	marked := func(s string) func(*rawZip) {
		return func(z *rawZip) {
			z.members[2].rename(s)
			z.members[2].both(8, flagUTF8)
		}
	}
	link := func(target string) func(*rawZip) { return func(z *rawZip) { z.members[3].content(target) } }
	return []badZip{
		{"name empty", refusal.NamePath, name("")},
		{"name absolute", refusal.NamePath, name("/etc/passwd")},
		{"name with ..", refusal.NamePath, name("p-1/../x")},
		{"name with .", refusal.NamePath, name("p-1/./x")},
		{"name with a doubled slash", refusal.NamePath, name("p-1//x")},
		{"name with a backslash", refusal.NamePath, name(`p-1\..\x`)},
		{"name with NUL", refusal.NameControl, name("p-1/run\x00.txt")},
		{"name with ESC", refusal.NameControl, name("p-1/\x1b[2J")},
		{"name of git's directory", refusal.NameDotGit, name("p-1/.GIT/config")},
		{"name not marked as UTF-8", refusal.NameUTF8, name("p-1/\u00fc")},
		{"name not UTF-8", refusal.NameUTF8, marked("p-1/\xfc")},
		{"name not NFC", refusal.NameNFC, marked("p-1/u\u0308")},
		{"name with a direction mark", refusal.NameControl, marked("p-1/\u202e")},
		{"name too long", refusal.NamePath, name("p-1/" + strings.Repeat("x", 4093))},
		{"name of 60,000 bytes", refusal.NamePath, name("p-1/" + strings.Repeat("x", 60000))},
		{"name twice", refusal.NameDup, name("p-1/a.txt")},
		{"directory twice", refusal.NameDup, func(z *rawZip) { z.members = append(z.members, newMember("p-1/", 0o040755, "")) }},
		{"file and directory", refusal.NamePrefix, name("p-1/a.txt/x")},
		{"below a link", refusal.NamePrefix, name("p-1/link/x")},
		{"second top directory", refusal.NameTop, name("q-1/x")},
		{"file beside the top directory", refusal.NameTop, name("x")},
		{"link absolute", refusal.LinkEscape, link("/etc/passwd")},
		{"link above the top", refusal.LinkEscape, link("../../x")},
		{"link empty", refusal.NamePath, link("")},
		{"link with NUL", refusal.NameControl, link("a\x00b")},
		{"link too long", refusal.NamePath, link(strings.Repeat("x", 4097))},
	}
}

// badModes are attributes that contradict the name, or that readers differ on.
func badModes() []badZip {
	attributes := func(i int, host uint8, v uint32) func(*rawZip) {
		return func(z *rawZip) {
			z.members[i].central[5] = host
			set32(z.members[i].central, 38, v)
		}
	}
	return []badZip{
		{"file with a directory's mode", refusal.Mode, attributes(2, hostUnix, modeDirectory<<16|0o755<<16)},
		{"directory with a file's mode", refusal.Mode, attributes(0, hostUnix, modeFile<<16|0o755<<16)},
		{"directory with a link's mode", refusal.Mode, attributes(0, hostUnix, modeSymlink<<16|0o777<<16)},
		{"FIFO", refusal.Mode, attributes(2, hostUnix, 0o010644<<16)},
		{"device", refusal.Mode, attributes(2, hostUnix, 0o020644<<16)},
		{"unknown type", refusal.Mode, attributes(2, hostUnix, 0o150644<<16)},
		{"Unix file with the DOS directory bit", refusal.Mode, attributes(2, hostUnix, modeFile<<16|0o644<<16|dosDirectory)},
		{"DOS file with the directory bit", refusal.Mode, attributes(2, hostDOS, dosDirectory)},
		{"DOS directory without the directory bit", refusal.Mode, attributes(0, hostDOS, dosArchive)},
		{"DOS file with a Unix mode", refusal.Mode, attributes(2, hostDOS, modeSymlink<<16|0o777<<16)},
		{"DOS volume label", refusal.Mode, attributes(2, hostDOS, 0x08)},
		{"DOS hidden file", refusal.Mode, attributes(2, hostDOS, 0x02)},
		{"NTFS reparse point", refusal.Mode, attributes(2, hostDOS, 0x400)},
		{"VMS", refusal.Mode, attributes(2, 2, 0)},
		{"old Macintosh", refusal.Mode, attributes(2, 7, modeFile<<16|0o644<<16)},
	}
}
