// Package ascii says of which characters versions and names consist.
package ascii

import "strings"

// IsAlphanumeric reports whether c is an ASCII letter or digit.
func IsAlphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// IsOnly reports whether s holds ASCII letters, digits and the bytes of others
// alone, as an empty s does.
func IsOnly(s, others string) bool {
	for i := range len(s) {
		if !IsAlphanumeric(s[i]) && strings.IndexByte(others, s[i]) < 0 {
			return false
		}
	}
	return true
}
