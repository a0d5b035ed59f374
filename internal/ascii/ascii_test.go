package ascii

import (
	"regexp"
	"testing"
)

func TestIsAlphanumeric(t *testing.T) {
	expression := regexp.MustCompile(`^[0-9A-Za-z]$`)
	for c := range 256 {
		if got, want := IsAlphanumeric(byte(c)), c < 0x80 && expression.MatchString(string(rune(c))); got != want {
			t.Errorf("%#x: %v, want %v", c, got, want)
		}
	}
}

func TestIsOnly(t *testing.T) {
	for _, c := range []struct {
		s, others string
		want      bool
	}{
		{"", "", true}, {"aZ09", "", true}, {"a.b", ".", true}, {"a.b", "", false}, {".", "-.", true},
		{"a.b", "-", false}, {"é", "é", true}, {"é", ".", false}, {"a\x00", ".", false}, {" ", "", false},
	} {
		if got := IsOnly(c.s, c.others); got != c.want {
			t.Errorf("%q, %q: %v", c.s, c.others, got)
		}
	}
}
