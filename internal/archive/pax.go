package archive

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/refusal"
)

// maxMetaBytes bounds the data of an extension header. Two paths of 4,096
// bytes and every other key fit several times.
const maxMetaBytes = 64 << 10

// maxShortNameBytes is the length up to which a name fits the name field of
// every dialect, so that a record which overrides it is needless.
const maxShortNameBytes = 100

// maxOctalSize is the largest size that the size field can state: 11 octal digits.
const maxOctalSize = 1<<33 - 1

// paxRecord is one keyword and its value.
type paxRecord struct{ key, value string }

// paxRecords parses the records of a pax header ("%d %s=%s\n": length of the
// whole record, keyword, value; POSIX pax, "pax Extended Header"). Keywords may
// not repeat.
func paxRecords(data []byte) ([]paxRecord, error) {
	if len(data) == 0 {
		return nil, refusal.New(refusal.PaxRecord, "the header holds no record")
	}
	var records []paxRecord
	seen := make(map[string]bool)
	for len(data) > 0 {
		digits, _, found := bytes.Cut(data, []byte{' '})
		length, ok := parseDecimal(string(digits), int64(len(data)))
		if !found || !ok || length < int64(len(digits)+len(" k=\n")) {
			return nil, refusal.New(refusal.PaxRecord, "a record's length is %q, expected a decimal number that ends inside the header", truncate(digits))
		}
		record := data[len(digits)+1 : length]
		data = data[length:]
		if record[len(record)-1] != '\n' {
			return nil, refusal.New(refusal.PaxRecord, "a record does not end with a line feed at its stated length")
		}
		key, value, found := strings.Cut(string(record[:len(record)-1]), "=")
		if !found || key == "" || value == "" {
			return nil, refusal.New(refusal.PaxRecord, "the record %q is not KEY=VALUE with both present", truncate(record))
		}
		if seen[key] {
			return nil, refusal.New(refusal.PaxDup, "the key %q stands twice in one header", key)
		}
		seen[key] = true
		records = append(records, paxRecord{key, value})
	}
	return records, nil
}

// truncate shortens hostile bytes for a message.
func truncate(b []byte) []byte { return b[:min(len(b), 64)] }

// parseDecimal reads a decimal number from 0 to limit, without sign, blanks or leading zeros.
func parseDecimal(s string, limit int64) (int64, bool) {
	value, err := strconv.ParseUint(s, 10, 63)
	if err != nil || strconv.FormatUint(value, 10) != s || int64(value) > limit {
		return 0, false
	}
	return int64(value), true
}

// override holds what the extension headers before a member say about it.
type override struct {
	path, linkpath string
	size           int64 // -1: not stated
	extended       bool  // an x header was seen
	longName       bool  // an L header was seen
	longLink       bool  // a K header was seen
}

func (o *override) any() bool { return o.extended || o.longName || o.longLink }

// parseExtended reads the data of an x header.
func (o *override) parseExtended(data []byte) error {
	o.extended = true
	records, err := paxRecords(data)
	if err != nil {
		return err
	}
	for _, r := range records {
		if err := o.set(r.key, r.value); err != nil {
			return err
		}
	}
	return nil
}

func (o *override) set(key, value string) error {
	if strings.IndexByte(value, 0) >= 0 {
		return refusal.New(refusal.PaxValue, "the value of %q holds a NUL byte", key)
	}
	ok := true
	switch key {
	case "path":
		o.path = value
	case "linkpath":
		o.linkpath = value
	case "mtime", "atime", "ctime":
		ok = isTime(value)
	case "size":
		o.size, ok = parseDecimal(value, maxOctalSize)
	case "uid", "gid":
		_, ok = parseDecimal(value, 1<<32-1)
	case "uname", "gname":
		ok = utf8.ValidString(value)
	default:
		return refusal.New(refusal.PaxKeyword, "the key %q is none of path, linkpath, size, mtime, atime, ctime, uid, gid, uname, gname", truncate([]byte(key)))
	}
	if !ok {
		return refusal.New(refusal.PaxValue, "the value %q of %q is outside that key's grammar", truncate([]byte(value)), key)
	}
	return nil
}

// isTime accepts a non-negative decimal number of seconds, with a fraction or without.
func isTime(s string) bool {
	whole, fraction, dotted := strings.Cut(s, ".")
	_, ok := parseDecimal(whole, maxOctalSize)
	return ok && (!dotted || fraction != "" && len(fraction) <= 20 && strings.Trim(fraction, "0123456789") == "")
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// parseGlobal reads the data of a g header, which may say one thing only: the
// commit that git archive made the archive from (git-archive(1), "--prefix" ff.:
// "the commit ID is stored in a global extended pax header").
func parseGlobal(data []byte) (digest.ObjectID, error) {
	records, err := paxRecords(data)
	if err != nil {
		return digest.ObjectID{}, err
	}
	if len(records) != 1 || records[0].key != "comment" {
		return digest.ObjectID{}, refusal.New(refusal.PaxGlobal, "a global header says %q, which would apply to every later member; only one comment is accepted", truncate([]byte(records[0].key)))
	}
	id, err := digest.ParseObjectID(records[0].value)
	if err != nil {
		return digest.ObjectID{}, refusal.New(refusal.PaxGlobal, "the global comment is %q, expected a full commit id", truncate([]byte(records[0].value)))
	}
	return id, nil
}

// parseLong reads the data of a GNU L or K header: a name ended by its only NUL.
func parseLong(data []byte) (string, error) {
	name, found := strings.CutSuffix(string(data), "\x00")
	switch {
	case !found:
		return "", refusal.New(refusal.GNULong, "a long name does not end with NUL")
	case strings.IndexByte(name, 0) >= 0:
		return "", refusal.New(refusal.GNULong, "a long name holds a NUL before its end")
	case len(name) < maxShortNameBytes:
		return "", refusal.New(refusal.GNULong, "a long name of %d bytes is needless: the header's own field holds such a name", len(name))
	}
	return name, nil
}

// isBeginning reports whether short is what a writer of GNU long names leaves
// in the header's own field: its first 100 bytes (GNU tar, Python), 99 and a
// NUL (GNU tar's oldgnu), or 100 without final slashes (Go).
func isBeginning(short, long string) bool {
	first := long[:min(len(long), maxShortNameBytes)]
	return short == first || short == first[:len(first)-1] || short == strings.TrimRight(first, "/")
}

// resolve applies the overrides to h and checks that they agree with it.
func (o *override) resolve(h *header) error {
	for _, name := range []string{o.path, o.linkpath} {
		if o.extended && name != "" && len(name) <= maxShortNameBytes && isASCII(name) {
			return refusal.New(refusal.PaxPath, "the record that says %q is needless: the header's own field holds such a name", name)
		}
	}
	if (o.linkpath != "" || o.longLink) && h.typ != typeHardLink && h.typ != typeSymlink {
		return refusal.New(refusal.TarType, "an extension header gives a link name to a member that is no link")
	}
	if o.longName && !isBeginning(h.name, o.path) || o.longLink && !isBeginning(h.linkname, o.linkpath) {
		return refusal.New(refusal.GNULong, "the header's own name %q or link name %q is not the beginning of the long one", h.name, h.linkname)
	}
	if o.path != "" && h.typ == typeRegularNUL && strings.HasSuffix(h.name, "/") {
		return refusal.New(refusal.TarType, "the header's own name %q makes a directory of a file of the oldest type to some readers (CVE-2025-13462)", h.name)
	}
	if o.size >= 0 && o.size != h.size {
		return refusal.New(refusal.PaxSize, "the size record says %d, the header's size field %d", o.size, h.size)
	}
	if o.path != "" {
		h.name = o.path
	}
	if o.linkpath != "" {
		h.linkname = o.linkpath
	}
	return nil
}
