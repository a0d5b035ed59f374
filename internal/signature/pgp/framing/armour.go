package framing

import (
	"bytes"
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/refusal"
)

// The first and last lines of the two kinds of armour that are read (RFC 9580,
// section 6.2).
const (
	BeginSignature = "-----BEGIN PGP SIGNATURE-----"
	EndSignature   = "-----END PGP SIGNATURE-----"
	BeginKey       = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
	EndKey         = "-----END PGP PUBLIC KEY BLOCK-----"
)

// maxArmourLine is the length of a line of base64 (RFC 9580, section 6.2).
const maxArmourLine = 76

// Lines returns the lines without their ends, LF or CR LF. A last line
// need not have an end.
func Lines(data []byte) []string {
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimSuffix(lines[i], "\r")
	}
	return lines
}

// Unarmour decodes the block that begins with the first line, which the caller
// has looked at, and returns what lines follow its last one, which is the given
// end. The error is a refusal by the given rule.
func Unarmour(lines []string, end string, rule refusal.Rule) (body []byte, rest []string, err error) {
	i := 1
	for ; i < len(lines) && lines[i] != ""; i++ {
		if err := checkHeader(lines[i], i+1, rule); err != nil {
			return nil, nil, err
		}
	}
	i++ // the empty line
	start := i
	for i < len(lines) && !strings.HasPrefix(lines[i], "-") && !strings.HasPrefix(lines[i], "=") {
		if len(lines[i]) == 0 || len(lines[i]) > maxArmourLine {
			return nil, nil, refusal.New(rule, "line %d of the armour has %d characters, expected 1 to %d of base64", i+1, len(lines[i]), maxArmourLine)
		}
		i++
	}
	if i >= len(lines) {
		return nil, nil, refusal.New(rule, "the armour has no line %q", end)
	}
	body, err = base64.StdEncoding.Strict().DecodeString(strings.Join(lines[start:i], ""))
	if err != nil || len(body) == 0 {
		return nil, nil, refusal.New(rule, "the armour holds no valid base64 in its lines %d to %d", start+1, i)
	}
	if sum, found := strings.CutPrefix(lines[i], "="); found {
		if err := checkSum(sum, body, i+1, rule); err != nil {
			return nil, nil, err
		}
		i++
	}
	if i >= len(lines) || lines[i] != end {
		return nil, nil, refusal.New(rule, "the armour does not end with the line %q where its base64 ends, after line %d", end, i)
	}
	return body, lines[i+1:], nil
}

// checkHeader holds an armour header to "Key: value" in visible text
// (RFC 9580, section 6.2.2). What it says means nothing.
func checkHeader(line string, number int, rule refusal.Rule) error {
	key, _, found := strings.Cut(line, ": ")
	if !found || key == "" || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return refusal.New(rule, "line %d of the armour is no header (\"Key: value\"), and no empty line stands before it: %s", number, escape.Quote(Excerpt(line)))
	}
	if !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return refusal.New(rule, "line %d of the armour is a header with a control character, or not UTF-8: %s", number, escape.Quote(Excerpt(line)))
	}
	return nil
}

// checkSum holds the optional checksum of an armour to its content.
func checkSum(text string, body []byte, number int, rule refusal.Rule) error {
	sum, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || !bytes.Equal(sum, crc24(body)) {
		return refusal.New(rule, "the checksum of the armour in line %d is not that of its content", number)
	}
	return nil
}

// crc24 is the checksum of armour, big-endian (RFC 9580, section 6.1.1).
func crc24(data []byte) []byte {
	const initial, polynomial = 0xb704ce, 0x864cfb
	crc := uint32(initial)
	for _, b := range data {
		crc ^= uint32(b) << 16
		for range 8 {
			crc <<= 1
			if crc&0x1000000 != 0 {
				crc ^= polynomial
			}
		}
	}
	return []byte{byte(crc >> 16), byte(crc >> 8), byte(crc)}
}

// Excerpt returns as much of a hostile line as a message bears.
func Excerpt(line string) string {
	const most = 60
	return line[:min(len(line), most)]
}
