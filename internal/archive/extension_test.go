package archive_test

import (
	"strings"
)

// withPax is an archive with one regular file below an x header.
func withPax(records ...string) []byte {
	return tarOf(func(b *tarBuilder) { b.pax(records...); b.file("top/a", "A\n") })
}

var (
	longPath   = "top/" + strings.Repeat("d/", 60) + "file" // 128 bytes
	longTarget = strings.Repeat("d/", 60) + "file"
	commitID   = strings.Repeat("0123456789", 4)
)

// extensionCases are archives with one oddity in a pax or GNU header.
func extensionCases() []tarCase {
	return append(append(paxCases(), paxValueCases()...), append(globalCases(), gnuCases()...)...)
}

func paxCases() []tarCase {
	mtime := record("mtime", "1712345678.5")
	renamed := func(patches ...patch) []byte {
		return tarOf(func(b *tarBuilder) { b.pax(record("path", longPath)); b.file("top/x", "A\n", patches...) })
	}
	return []tarCase{
		{name: "x with mtime", want: "accept: f a", raw: withPax(mtime)},
		{name: "x with every key", want: "accept: l " + longPath[4:], raw: tarOf(func(b *tarBuilder) {
			b.pax(record("path", longPath), record("linkpath", longTarget), record("size", "0"), mtime, record("atime", "0"), record("ctime", "1"),
				record("uid", "4294967295"), record("gid", "0"), record("uname", "Ålice"), record("gname", "users"))
			b.link("top/x", "x")
		})},
		{name: "path needed for its length", want: "accept: f " + longPath[4:], raw: renamed()},
		{name: "path needed for its letters", want: "accept: f é", raw: tarOf(func(b *tarBuilder) { b.pax(record("path", "top/é")); b.file("top/e", "") })},
		{name: "path of a directory", want: "accept: d é/", raw: tarOf(func(b *tarBuilder) { b.pax(record("path", "top/é/")); b.dir("top/e/") })},
		{name: "path of 100 bytes", want: "PAX_PATH", raw: withPax(record("path", "top/"+strings.Repeat("a", 96)))},
		{name: "path needless", want: "PAX_PATH", raw: withPax(record("path", "top/b"))},
		{name: "path needless and equal", want: "PAX_PATH", raw: withPax(record("path", "top/a"))},
		{name: "linkpath needless", want: "PAX_PATH", raw: tarOf(func(b *tarBuilder) { b.pax(record("linkpath", "b")); b.link("top/l", "a") })},
		{name: "linkpath of a file", want: "TAR_TYPE", raw: withPax(record("linkpath", longTarget))},
		{name: "NUL type with a directory's name below path", want: "TAR_TYPE", raw: tarOf(func(b *tarBuilder) {
			b.pax(record("path", longPath))
			b.member(0, "top/x/", strings.Repeat("A", 512))
		})},
		{name: "NUL type below path", want: "accept: f " + longPath[4:], raw: renamed(set(atType, "\x00"))},
		{name: "size equal", want: "accept: f a", raw: withPax(record("size", "2"))},
		{name: "size above zero in the header", want: "PAX_SIZE", raw: tarOf(func(b *tarBuilder) { b.pax(record("size", "512")); b.file("top/a", ""); b.file("top/b", "") })},
		{name: "size zero over the header's", want: "PAX_SIZE", raw: withPax(record("size", "0"))},
		{name: "x and x", want: "PAX_ORDER", raw: tarOf(func(b *tarBuilder) { b.pax(mtime); b.pax(mtime); b.file("top/a", "") })},
		{name: "x and end", want: "TAR_DANGLING", raw: tarOf(func(b *tarBuilder) { b.file("top/a", ""); b.pax(mtime) })},
		{name: "x in a GNU archive", want: "TAR_MIXED_FORMAT", raw: gnuOf(func(b *tarBuilder) { b.pax(mtime); b.file("top/a", "") })},
		{name: "x in a v7 archive", want: "TAR_MIXED_FORMAT", raw: v7Of(func(b *tarBuilder) { b.pax(mtime); b.file("top/a", "") })},
		{name: "x of Solaris", want: "TAR_TYPE", raw: tarOf(func(b *tarBuilder) { b.member('X', "x", mtime); b.file("top/a", "") })},
		{name: "x with a link name", want: "TAR_FIELD_TAIL", raw: tarOf(func(b *tarBuilder) { b.member('x', "x", mtime, target("b")); b.file("top/a", "") })},
		{name: "x of 64 KiB", want: "accept: f a", raw: withPax(record("uname", strings.Repeat("u", 65536-len("65536 uname=\n"))))},
		{name: "x of 64 KiB and a byte", want: "META_TOO_BIG", raw: withPax(record("uname", strings.Repeat("u", 65537-len("65537 uname=\n"))))},
		{name: "x that declares 8 GiB", want: "META_TOO_BIG", raw: tarOf(func(b *tarBuilder) { b.header('x', "x", 0, set(atSize, "77777777777\x00")); b.raw(mtime) })},
		{name: "key twice", want: "PAX_DUP", raw: withPax(record("uid", "1"), record("uid", "2"))},
		{name: "key twice, equal", want: "PAX_DUP", raw: withPax(record("uid", "1"), record("uid", "1"))},
	}
}

func paxValueCases() []tarCase {
	var cases []tarCase
	for _, c := range []struct{ name, want, records string }{
		{"x without records", "PAX_RECORD", ""},
		{"record with a longer length", "PAX_RECORD", "19 mtime=1712345678\n"},
		{"record with a shorter length", "PAX_RECORD", "17 mtime=1712345678\n"},
		{"record with a sign", "PAX_RECORD", "+20 mtime=1712345678\n"},
		{"record with a leading zero", "PAX_RECORD", "020 mtime=1712345678\n"},
		{"record with a leading blank", "PAX_RECORD", " 20 mtime=1712345678\n"},
		{"record with a tab", "PAX_RECORD", "20\tmtime=1712345678\n"},
		{"record of length zero", "PAX_RECORD", "0 \n"},
		{"record of its length alone", "PAX_RECORD", "3 \n"},
		{"record without line feed", "PAX_RECORD", "20 mtime=1712345678\x00"},
		{"record without equals sign", "PAX_RECORD", "20 mtime:1712345678\n"},
		{"record without key", "PAX_RECORD", "5 =1\n"},
		{"record without value", "PAX_RECORD", "9 mtime=\n"},
		{"NUL after the records", "PAX_RECORD", record("uid", "1") + "\x00"},
		{"text after the records", "PAX_RECORD", record("uid", "1") + "more"},
		{"length of 20 digits", "PAX_RECORD", "99999999999999999999 uid=1\n"},
		{"size negative", "PAX_VALUE", record("size", "-2")},
		{"size with plus", "PAX_VALUE", record("size", "+2")},
		{"size with blank", "PAX_VALUE", record("size", " 2")},
		{"size with zero before", "PAX_VALUE", record("size", "02")},
		{"size hexadecimal", "PAX_VALUE", record("size", "0x2")},
		{"size with fraction", "PAX_VALUE", record("size", "2.0")},
		{"size of 2^63-1", "PAX_VALUE", record("size", "9223372036854775807")},
		{"size of 2^64+2", "PAX_VALUE", record("size", "18446744073709551618")},
		{"mtime before 1970", "PAX_VALUE", record("mtime", "-1")},
		{"mtime nan", "PAX_VALUE", record("mtime", "nan")},
		{"mtime with exponent", "PAX_VALUE", record("mtime", "1e400")},
		{"mtime of 10^20", "PAX_VALUE", record("mtime", "100000000000000000000")},
		{"mtime with final dot", "PAX_VALUE", record("mtime", "1.")},
		{"mtime with two dots", "PAX_VALUE", record("mtime", "1.2.3")},
		{"mtime with 21 digits of fraction", "PAX_VALUE", record("mtime", "1."+strings.Repeat("1", 21))},
		{"uid of 2^32", "PAX_VALUE", record("uid", "4294967296")},
		{"gid no number", "PAX_VALUE", record("gid", "users")},
		{"uname not UTF-8", "PAX_VALUE", record("uname", "\xff")},
		{"uname with NUL", "PAX_VALUE", record("uname", "a\x00b")},
		{"path with NUL", "PAX_VALUE", record("path", longPath+"\x00")},
		{"path not UTF-8", "NAME_UTF8", record("path", "top/\xff")},
		{"path with line feed", "NAME_CONTROL", record("path", longPath+"\n")},
		{"path absolute", "NAME_PATH", record("path", "/"+longPath)},
		{"hdrcharset", "PAX_KEYWORD", record("hdrcharset", "BINARY")},
		{"charset", "PAX_KEYWORD", record("charset", "UTF-8")},
		{"comment in x", "PAX_KEYWORD", record("comment", commitID)},
		{"sparse name", "PAX_KEYWORD", record("GNU.sparse.name", "top/b")},
		{"sparse size", "PAX_KEYWORD", record("GNU.sparse.realsize", "1099511627776")},
		{"sparse map", "PAX_KEYWORD", record("GNU.sparse.map", "0,1,2,1")},
		{"extended attribute", "PAX_KEYWORD", record("SCHILY.xattr.security.capability", "\x01")},
		{"access control list", "PAX_KEYWORD", record("SCHILY.acl.access", "user::rwx")},
		{"libarchive's creation time", "PAX_KEYWORD", record("LIBARCHIVE.creationtime", "1")},
		{"key in another case", "PAX_KEYWORD", record("Path", longPath)},
		{"key with a blank", "PAX_KEYWORD", record("path ", longPath)},
	} {
		cases = append(cases, tarCase{name: c.name, want: c.want, raw: withPax(c.records)})
	}
	return cases
}

func globalCases() []tarCase {
	first := func(add func(b *tarBuilder)) []byte {
		return bareOf(func(b *tarBuilder) { add(b); b.dir("top/"); b.file("top/a", "A\n") })
	}
	comment := func(text string) []byte {
		return first(func(b *tarBuilder) { b.global(record("comment", text)) })
	}
	return []tarCase{
		{name: "global commit id", want: "accept: f a", raw: comment(commitID)},
		{name: "global commit id of SHA-256", want: "accept: f a", raw: comment(strings.Repeat("ab", 32))},
		{name: "global commit id abbreviated", want: "PAX_GLOBAL", raw: comment(commitID[:12])},
		{name: "global commit id in capitals", want: "PAX_GLOBAL", raw: comment(strings.Repeat("AB", 20))},
		{name: "global comment of text", want: "PAX_GLOBAL", raw: comment("\x1b[31mhello")},
		{name: "global path", want: "PAX_GLOBAL", raw: first(func(b *tarBuilder) { b.global(record("path", "top/evil")) })},
		{name: "global comment and path", want: "PAX_GLOBAL", raw: first(func(b *tarBuilder) { b.global(record("comment", commitID), record("path", "top/evil")) })},
		{name: "global comment twice", want: "PAX_DUP", raw: first(func(b *tarBuilder) { b.global(record("comment", commitID), record("comment", commitID)) })},
		{name: "two global headers", want: "PAX_GLOBAL", raw: first(func(b *tarBuilder) { b.global(record("comment", commitID)); b.global(record("comment", commitID)) })},
		{name: "global header of nothing", want: "PAX_RECORD", raw: first(func(b *tarBuilder) { b.global() })},
		{name: "global header later", want: "PAX_GLOBAL", raw: tarOf(func(b *tarBuilder) { b.global(record("comment", commitID)); b.file("top/a", "") })},
		{name: "x, global, file", want: "PAX_GLOBAL", raw: tarOf(func(b *tarBuilder) {
			b.pax(record("uid", "1"))
			b.global(record("comment", commitID))
			b.file("top/a", "")
		})},
		{name: "global header of GNU's magic", want: "TAR_MIXED_FORMAT", raw: finished(magicGNU, func(b *tarBuilder) { b.global(record("comment", commitID)) })},
		{name: "global header of 64 KiB and a byte", want: "META_TOO_BIG", raw: comment(strings.Repeat("0", 65537))},
	}
}

func gnuCases() []tarCase {
	named := func(content, own string) []byte {
		return gnuOf(func(b *tarBuilder) { b.long('L', content); b.file(own, "A\n") })
	}
	nul, first := longPath+"\x00", longPath[:100]
	slash := "top/" + strings.Repeat("a", 95) + "/b" // its first 100 bytes end in a slash
	linked := func(content, own string) []byte {
		return gnuOf(func(b *tarBuilder) { b.long('K', content); b.link("top/l", own) })
	}
	return []tarCase{
		{name: "L", want: "accept: f " + longPath[4:], raw: named(nul, first)},
		{name: "L over 99 bytes", want: "accept: f " + longPath[4:], raw: named(nul, first[:99])},
		{name: "L of 100 bytes", want: "accept: f " + first[4:99] + "x", raw: named(first[:99]+"x\x00", first[:99])},
		{name: "L over a name without its slash", want: "accept: f " + slash[4:], raw: named(slash+"\x00", slash[:99])},
		{name: "L over a name with its slash", want: "accept: f " + slash[4:], raw: named(slash+"\x00", slash[:100])},
		{name: "L over a name with its slash, NUL type", want: "TAR_TYPE", raw: gnuOf(func(b *tarBuilder) { b.long('L', slash+"\x00"); b.member(0, slash[:100], "A\n") })},
		{name: "L over a directory's short name, NUL type", want: "GNU_LONG", raw: gnuOf(func(b *tarBuilder) { b.long('L', nul); b.member(0, "top/", "A\n") })},
		{name: "L of a directory", want: "accept: d " + longTarget + "/", raw: gnuOf(func(b *tarBuilder) { b.long('L', longPath+"/\x00"); b.dir(first) })},
		{name: "L over a shorter name", want: "GNU_LONG", raw: named(nul, first[:98])},
		{name: "L over another name", want: "GNU_LONG", raw: named(nul, "top/other")},
		{name: "L over an empty name", want: "GNU_LONG", raw: named(nul, "")},
		{name: "L of 99 bytes", want: "GNU_LONG", raw: named(first[:99]+"\x00", first[:99])},
		{name: "L empty", want: "GNU_LONG", raw: named("", "")},
		{name: "L of one NUL", want: "GNU_LONG", raw: named("\x00", "")},
		{name: "L without NUL", want: "GNU_LONG", raw: named(longPath, first)},
		{name: "L with an inner NUL", want: "GNU_LONG", raw: named(longPath+"\x00evil\x00", first)},
		{name: "L with two NULs", want: "GNU_LONG", raw: named(nul+"\x00", first)},
		{name: "L and L", want: "GNU_LONG", raw: gnuOf(func(b *tarBuilder) { b.long('L', nul); b.long('L', nul); b.file(first, "") })},
		{name: "L and end", want: "TAR_DANGLING", raw: gnuOf(func(b *tarBuilder) { b.file("top/a", ""); b.long('L', nul) })},
		{name: "L in a ustar archive", want: "TAR_MIXED_FORMAT", raw: tarOf(func(b *tarBuilder) { b.long('L', nul); b.file(first, "") })},
		{name: "L of ustar's magic in a GNU archive", want: "TAR_MIXED_FORMAT", raw: gnuOf(func(b *tarBuilder) {
			b.member('L', "././@LongLink", nul, set(atMagic, magicUstar))
			b.file(first, "")
		})},
		{name: "L that declares 1 GiB", want: "META_TOO_BIG", raw: gnuOf(func(b *tarBuilder) { b.header('L', "././@LongLink", 1<<30); b.raw(nul) })},
		{name: "K", want: "accept: l l", raw: linked(longTarget+"\x00", longTarget[:100])},
		{name: "K over another target", want: "GNU_LONG", raw: linked(longTarget+"\x00", "a")},
		{name: "K and K", want: "GNU_LONG", raw: gnuOf(func(b *tarBuilder) {
			b.long('K', longTarget+"\x00")
			b.long('K', longTarget+"\x00")
			b.link("top/l", longTarget[:100])
		})},
		{name: "K and L", want: "accept: l " + longPath[4:], raw: gnuOf(func(b *tarBuilder) {
			b.long('K', longTarget+"\x00")
			b.long('L', nul)
			b.link(first, longTarget[:100])
		})},
		{name: "K of a file", want: "TAR_TYPE", raw: gnuOf(func(b *tarBuilder) { b.long('K', longTarget+"\x00"); b.file("top/a", "") })},
		{name: "multi-volume", want: "TAR_TYPE", raw: gnuOf(func(b *tarBuilder) { b.member('M', "top/a", "A\n") })},
		{name: "volume label", want: "TAR_TYPE", raw: gnuOf(func(b *tarBuilder) { b.member('V', "label", "") })},
		{name: "dump directory", want: "TAR_TYPE", raw: gnuOf(func(b *tarBuilder) { b.member('D', "top/d/", "Ya\x00\x00") })},
		{name: "old long name", want: "TAR_TYPE", raw: gnuOf(func(b *tarBuilder) { b.member('N', "x", "Rename a to b\n") })},
		{name: "sparse", want: "TAR_TYPE", raw: gnuOf(func(b *tarBuilder) { b.member('S', "top/a", "A\n") })},
		{name: "contiguous", want: "TAR_TYPE", raw: tarOf(func(b *tarBuilder) { b.member('7', "top/a", "A\n") })},
		{name: "type Z", want: "TAR_TYPE", raw: tarOf(func(b *tarBuilder) { b.member('Z', "top/a", "A\n") })},
		{name: "type 0xff", want: "TAR_TYPE", raw: tarOf(func(b *tarBuilder) { b.member(0xff, "top/a", "A\n") })},
	}
}
