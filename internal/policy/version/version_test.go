package version

import "testing"

func TestPattern(t *testing.T) {
	for _, c := range []struct {
		pattern, version string
		want             bool
	}{
		{"*RC*", "8.3.0RC1", true}, {"*RC*", "8.3.0", false}, {"*RC*", "RC", true}, {"8.*", "8.3.0", true}, {"8.*", "18.3", false},
		{"*.0", "8.3.0", true}, {"*.0", "8.3.01", false}, {"8.3.0", "8.3.0", true}, {"8.3.0", "8.3.0a", false}, {"a*a", "a", false},
		{"a*a", "aa", true}, {"a*b*c", "abc", true}, {"a*b*c", "acb", false}, {"a*b*b", "ab", false}, {"*a*b*", "xxbxa", false}, {"8*", "8", true},
	} {
		p, err := ParsePattern(c.pattern)
		if err != nil || p.String() != c.pattern || p.Match(c.version) != c.want {
			t.Errorf("%s and %s: %v, %v", c.pattern, c.version, p.Match(c.version), err)
		}
	}
	for _, s := range []string{"", "*", "**", "a**", "a b", "a/b", "\u0661", "a\x00", "0123456789012345678901234567890123456789012345678901234567890123456"} {
		if p, err := ParsePattern(s); err == nil || p.Match(s) || p.Match("") {
			t.Errorf("%q is taken for a pattern", s)
		}
	}
}
