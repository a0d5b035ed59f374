package sandbox

import "testing"

func FuzzParseStatus(f *testing.F) {
	f.Add([]byte(`{ "child-pid": 27837, "net-namespace": 4026532183 }`))
	f.Add([]byte(`{ "exit-code": 1 }`))
	f.Add([]byte(`{ "exit-code": 256 }`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, err := parseStatus(text); err == nil && (s.child < 0 || s.exit != nil && (*s.exit < 0 || *s.exit > 255)) {
			t.Errorf("%q gives %+v", text, s)
		}
	})
}
