package knownfile

import (
	"cmp"
	"strings"
)

// CompareVersions orders versions of a tool: runs of digits by their number, so
// that 1.16.10 follows 1.16.9, all else by its bytes; a version that goes on
// where another ends follows it (2.4.7-1 follows 2.4.7), but for "~", which
// comes before everything, as Debian has it (deb-version(7)).
func CompareVersions(a, b string) int {
	for a != "" || b != "" {
		var x, y string
		x, a = cutRun(a)
		y, b = cutRun(b)
		if order := compareRuns(x, y); order != 0 {
			return order
		}
	}
	return 0
}

// cutRun takes the run of digits, or one other byte, that s begins with.
func cutRun(s string) (run, rest string) {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	if n == 0 && s != "" {
		n = 1
	}
	return s[:n], s[n:]
}

func compareRuns(x, y string) int {
	numeric := func(s string) bool { return s != "" && isDigit(s[0]) }
	switch {
	case x == y:
		return 0
	case x == "~":
		return -1
	case y == "~":
		return 1
	case numeric(x) && numeric(y):
		x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
		return cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y))
	}
	return strings.Compare(x, y)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// Serial is the serial number of an m4 file, by which aclocal takes the newer
// of two (GNU automake manual, "Serials"): numbers joined by dots, without
// leading zeros. The empty Serial is none.
type Serial string

// maxSerialBytes bounds a serial number. What is longer is cut, so that it
// still is higher than any that is honest.
const maxSerialBytes = 32

// ParseSerial reads a serial number; ok is false for anything else.
func ParseSerial(s string) (serial Serial, ok bool) {
	var b []byte
	for more := true; more; {
		var number string
		number, s, more = strings.Cut(s, ".")
		if number == "" || strings.ContainsFunc(number, func(r rune) bool { return r < '0' || r > '9' }) {
			return "", false
		}
		number = strings.TrimLeft(number[:len(number)-1], "0") + number[len(number)-1:]
		if len(b) < maxSerialBytes {
			b = append(append(b, number[:min(len(number), maxSerialBytes)]...), '.')
		}
	}
	return Serial(strings.TrimSuffix(string(b[:min(len(b), maxSerialBytes)]), ".")), true
}

// Compare orders serial numbers as aclocal does: number by number.
func (s Serial) Compare(other Serial) int { return CompareVersions(string(s), string(other)) }
