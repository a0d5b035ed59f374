package archive_test

import (
	"strings"

	"github.com/countermark/countermark/internal/archive"
)

var manyZeros = strings.Repeat("\x00", 512)

// frameCases are archives with one oddity in their blocks: zeros, padding,
// ends, checksums, numbers, magics and unused fields.
func frameCases() []tarCase {
	return append(endCases(), headerCases()...)
}

func endCases() []tarCase {
	one := func(b *tarBuilder) { b.file("top/a", "A\n") }
	whole := tarOf(one)
	cut := func(n int) []byte { return whole[:n] }
	return []tarCase{
		{name: "plain ustar", want: "accept: f a", raw: whole},
		{name: "plain GNU", want: "accept: f a", raw: gnuOf(one)},
		{name: "plain v7", want: "accept: f a", raw: v7Of(one)},
		{name: "block factor 20", want: "accept: f a", raw: append(tarOf(one), make([]byte, 10240)...)},
		{name: "no content", want: "accept: f a", raw: tarOf(func(b *tarBuilder) { b.file("top/a", "") })},
		{name: "content of one block", want: "accept: f a", raw: tarOf(func(b *tarBuilder) { b.file("top/a", strings.Repeat("x", 512)) })},
		{name: "content of one byte more", want: "accept: f a", raw: tarOf(func(b *tarBuilder) { b.file("top/a", strings.Repeat("x", 513)) })},
		{name: "a member after the end", want: "TAR_AFTER_EOF", raw: append(tarOf(one), tarOf(one)...)},
		{name: "a byte after the end", want: "TAR_AFTER_EOF", raw: append(tarOf(one), 'x')},
		{name: "a zero byte after the end", want: "TAR_AFTER_EOF", raw: append(tarOf(one), 0)},
		{name: "a byte far after the end", want: "TAR_AFTER_EOF", raw: append(append(tarOf(one), make([]byte, 9000)...), "x"+manyZeros...)},
		{name: "one zero block and a member", want: "TAR_LONE_ZERO", raw: tarOf(func(b *tarBuilder) { one(b); b.raw(manyZeros); b.file("top/b", "") })},
		{name: "one zero block at the end", want: "TAR_LONE_ZERO", raw: cut(len(whole) - 512)},
		{name: "one zero block and a half", want: "TAR_LONE_ZERO", raw: cut(len(whole) - 256)},
		{name: "no end", want: "TAR_NO_EOF", raw: cut(len(whole) - 1024)},
		{name: "half a zero block at the end", want: "TAR_TRUNCATED", raw: cut(len(whole) - 768)},
		{name: "cut in a header", want: "TAR_TRUNCATED", raw: cut(512 + 100)},
		{name: "cut after a header", want: "TAR_TRUNCATED", raw: cut(1024)},
		{name: "cut in content", want: "TAR_TRUNCATED", raw: cut(1025)},
		{name: "cut in padding", want: "TAR_TRUNCATED", raw: cut(1024 + 2 + 17)},
		{name: "cut after a directory", want: "TAR_NO_EOF", raw: cut(512)},
		{name: "size beyond the archive", want: "TAR_TRUNCATED", raw: tarOf(func(b *tarBuilder) { b.file("top/a", "A\n", set(atSize, "77777777777\x00")) })},
		{name: "padding not zero", want: "TAR_PADDING", raw: tarOf(func(b *tarBuilder) { b.header('0', "top/a", 2); b.raw("A\n" + manyZeros[:509] + "x") })},
		{name: "padding of an x header not zero", want: "TAR_PADDING", raw: tarOf(func(b *tarBuilder) {
			r := record("mtime", "1")
			b.header('x', "x", len(r))
			b.raw(r + "\x01" + manyZeros[:511-len(r)])
			one(b)
		})},
		{name: "only zeros", want: "TAR_EMPTY", raw: bareOf(func(*tarBuilder) {})},
		{name: "only a global header", want: "TAR_EMPTY", raw: bareOf(func(b *tarBuilder) { b.global(record("comment", strings.Repeat("a", 40))) })},
		{name: "no bytes", want: "TAR_EMPTY", raw: nil},
		{name: "one zero block", want: "TAR_LONE_ZERO", raw: []byte(manyZeros)},
		{name: "text for a header", want: "TAR_CHECKSUM", raw: []byte(strings.Repeat("tar?", 512))},
		{name: "members at the limit", want: "accept: f a", raw: whole, options: func(o *archive.Options) { o.Limits.MaxMembers = 2 }},
		{name: "members beyond the limit", want: "TAR_TOO_MANY", raw: whole, options: func(o *archive.Options) { o.Limits.MaxMembers = 1 }},
		{name: "bytes beyond the limit", want: "TAR_TOO_BIG", raw: whole, options: func(o *archive.Options) { o.Envelope.Limits.MaxUncompressedBytes = 2048 }},
	}
}

// patched is an archive of one regular file whose header is patched.
func patched(magic string, patches ...patch) []byte {
	return finished(magic, func(b *tarBuilder) { b.file("top/a", "A\n", patches...) })
}

func headerCases() []tarCase {
	ustar := func(patches ...patch) []byte { return patched(magicUstar, patches...) }
	device := func(typ byte, patches ...patch) []byte {
		return tarOf(func(b *tarBuilder) { b.member(typ, "top/dev", "", patches...) })
	}
	return []tarCase{
		{name: "wrong checksum", want: "TAR_CHECKSUM", raw: ustar(break1(atUID, "0001751\x00"))},
		{name: "checksum blank", want: "TAR_CHECKSUM", raw: ustar(break1(atChecksum, "        "))},
		{name: "checksum zero", want: "TAR_CHECKSUM", raw: ustar(break1(atChecksum, "\x00\x00\x00\x00\x00\x00\x00\x00"))},
		{name: "signed checksum", want: "TAR_CHECKSUM", raw: signedChecksum()},
		{name: "checksum with leading blanks", want: "TAR_CHECKSUM", raw: leadingBlankChecksum()},
		{name: "size with leading blanks", want: "TAR_NUM", raw: ustar(set(atSize, "          2\x00"))},
		{name: "size empty", want: "TAR_NUM", raw: ustar(set(atSize, manyZeros[:12]))},
		{name: "size of blanks", want: "TAR_NUM", raw: ustar(set(atSize, "           \x00"))},
		{name: "size not octal", want: "TAR_NUM", raw: ustar(set(atSize, "00000000008\x00"))},
		{name: "size in hexadecimal", want: "TAR_NUM", raw: ustar(set(atSize, "0x2\x00"))},
		{name: "size in base-256", want: "TAR_NUM", raw: ustar(set(atSize, "\x80"+manyZeros[:10]+"\x02"))},
		{name: "size negative in base-256", want: "TAR_NUM", raw: ustar(set(atSize, strings.Repeat("\xff", 12)))},
		{name: "size with a sign", want: "TAR_NUM", raw: ustar(set(atSize, "-0000000002\x00"))},
		{name: "size without an end", want: "TAR_NUM", raw: ustar(set(atSize, "000000000002"))},
		{name: "size with digits after its end", want: "TAR_NUM", raw: ustar(set(atSize, "2\x00000000000\x00"))},
		{name: "size ended by blanks and NUL", want: "accept: f a", raw: ustar(set(atSize, "2 \x00 \x00      \x00"))},
		{name: "mode empty", want: "TAR_NUM", raw: ustar(set(atMode, manyZeros[:8]))},
		{name: "uid in base-256", want: "TAR_NUM", raw: ustar(set(atUID, "\x80\x00\x00\x00\x7f\xff\xff\xff"))},
		{name: "gid not a number", want: "TAR_NUM", raw: ustar(set(atGID, "users\x00\x00\x00"))},
		{name: "mtime negative", want: "TAR_NUM", raw: ustar(set(atMtime, "-0000000001\x00"))},
		{name: "mtime in base-256", want: "TAR_NUM", raw: ustar(set(atMtime, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"))},
		{name: "uid of a blank", want: "TAR_NUM", raw: ustar(set(atUID, "       \x00"))},
		{name: "one time behind an empty prefix", want: "accept: f a", raw: ustar(set(488, "14512345670\x00"))},
		{name: "times with star's magic", want: "TAR_FIELD_TAIL", raw: ustar(set(476, "14512345670 14512345670 "), set(508, "tar\x00"))},
		{name: "device number not a number", want: "TAR_NUM", raw: device('3', set(atDevMajor, "x"))},
		{name: "device number of a file", want: "TAR_FIELD_TAIL", raw: ustar(set(atDevMajor, "0000001\x00"))},
		{name: "device number zero of a file", want: "accept: f a", raw: ustar(set(atDevMajor, "0000000\x000000000\x00"))},
		{name: "device number of a device", want: "accept: s dev", raw: device('4', set(atDevMajor, "0000001\x000000003\x00"))},
		{name: "magic of version 99", want: "TAR_MAGIC", raw: ustar(set(atMagic, "ustar\x0099"))},
		{name: "magic without version", want: "TAR_MAGIC", raw: ustar(set(atMagic, "ustar\x00\x00\x00"))},
		{name: "magic mixed of both", want: "TAR_MAGIC", raw: ustar(set(atMagic, "ustar \x0000"))},
		{name: "magic unknown", want: "TAR_MAGIC", raw: ustar(set(atMagic, "wombat00"))},
		{name: "version without magic", want: "TAR_MAGIC", raw: ustar(set(atMagic, "\x00\x00\x00\x00\x00\x0000"))},
		{name: "GNU header in a ustar archive", want: "TAR_MIXED_FORMAT", raw: ustar(set(atMagic, magicGNU))},
		{name: "v7 header in a ustar archive", want: "TAR_MIXED_FORMAT", raw: ustar(set(atMagic, magicV7+manyZeros[:247]))},
		{name: "ustar header in a GNU archive", want: "TAR_MIXED_FORMAT", raw: patched(magicGNU, set(atMagic, magicUstar))},
		{name: "name with bytes after its NUL", want: "TAR_FIELD_TAIL", raw: ustar(set(atName, "top/a\x00evil"))},
		{name: "uname with bytes after its NUL", want: "TAR_FIELD_TAIL", raw: ustar(set(atUname, "alice\x00x"))},
		{name: "gname with bytes after its NUL", want: "TAR_FIELD_TAIL", raw: ustar(set(atGname, "users\x00x"))},
		{name: "prefix with bytes after its NUL", want: "TAR_FIELD_TAIL", raw: ustar(set(atPrefix, "top\x00x"))},
		{name: "npm: owner and time blank", want: "accept: f a", raw: ustar(set(atUID, strings.Repeat("\x00", 16)), set(atMtime, strings.Repeat("\x00", 12)))},
		{name: "npm: times behind an empty prefix", want: "accept: f a", raw: ustar(set(476, "14310145522 14310145522 "))},
		{name: "times behind a prefix", want: "TAR_FIELD_TAIL", raw: ustar(set(atPrefix, "top"), set(476, "14310145522 14310145522 "))},
		{name: "other bytes where the times are", want: "TAR_FIELD_TAIL", raw: ustar(set(476, "evil        14310145522 "))},
		{name: "bytes before the times", want: "TAR_FIELD_TAIL", raw: ustar(set(475, "x14310145522 14310145522 "))},
		{name: "prefix that begins with NUL", want: "TAR_FIELD_TAIL", raw: ustar(set(atPrefix, "\x00top"))},
		{name: "link name with bytes after its NUL", want: "TAR_FIELD_TAIL", raw: tarOf(func(b *tarBuilder) { b.link("top/l", "a\x00b") })},
		{name: "link name of a file", want: "TAR_FIELD_TAIL", raw: ustar(target("b"))},
		{name: "link name of a directory", want: "TAR_FIELD_TAIL", raw: tarOf(func(b *tarBuilder) { b.dir("top/d/", target("b")) })},
		{name: "bytes in the last twelve", want: "TAR_FIELD_TAIL", raw: ustar(set(atPadding, "tar\x00"))},
		{name: "the last byte", want: "TAR_FIELD_TAIL", raw: ustar(set(511, "x"))},
		{name: "prefix under GNU's magic", want: "TAR_FIELD_TAIL", raw: patched(magicGNU, prefix("evil"))},
		{name: "times under GNU's magic", want: "TAR_FIELD_TAIL", raw: patched(magicGNU, prefix("14512345670\x00"))},
		{name: "GNU's sparse map", want: "TAR_FIELD_TAIL", raw: patched(magicGNU, set(386, "00000000001\x00"))},
		{name: "prefix in a v7 header", want: "TAR_FIELD_TAIL", raw: patched(magicV7, prefix("evil"))},
		{name: "uname in a v7 header", want: "TAR_FIELD_TAIL", raw: patched(magicV7, set(atUname, "alice"))},
		{name: "star's tail", want: "TAR_FIELD_TAIL", raw: ustar(set(508, "tar\x00"))},
		{name: "name of 100 bytes without NUL", want: "accept: f " + strings.Repeat("a", 96), raw: ustar(set(atName, "top/"+strings.Repeat("a", 96)))},
		{name: "prefix joined", want: "accept: f " + strings.Repeat("d/", 75) + "a", raw: ustar(prefix("top/"+strings.Repeat("d/", 74)+"d"), set(atName, "a\x00\x00\x00\x00"))},
	}
}

// signedChecksum returns an archive whose checksum sums signed bytes, as some
// old writers did; a name that is not ASCII makes the difference.
func signedChecksum() []byte {
	raw := patched(magicUstar, set(atName, "top/\u00e9"))
	block := raw[512:1024]
	setOctal(block[atChecksum:], checksum(block)-2*256)
	return raw
}

// leadingBlankChecksum returns an archive with the right number, differently spelled.
func leadingBlankChecksum() []byte {
	raw := patched(magicUstar)
	block := raw[512:1024]
	block[atChecksum] = ' '
	return raw
}

// setOctal writes six octal digits.
func setOctal(field []byte, v int) {
	for i := 5; i >= 0; i-- {
		field[i] = '0' + byte(v&7)
		v >>= 3
	}
}
