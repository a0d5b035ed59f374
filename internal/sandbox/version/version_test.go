package version

import "testing"

func FuzzParse(f *testing.F) {
	for _, said := range []string{"bubblewrap 0.8.0\n", "bubblewrap 0.11.0-rc1", "bubblewrap 0.8", "podman version 4.3.1"} {
		f.Add(said)
	}
	f.Fuzz(func(t *testing.T, said string) {
		if v, err := Parse("bubblewrap ", said); err == nil && (v.Before(Number{}) || v[0] > 9999 || v[1] > 9999 || v[2] > 9999) {
			t.Errorf("%q gives %v", said, v)
		}
	})
}

func TestParse(t *testing.T) {
	for said, want := range map[string]Number{"x 0.8.0\n": {0, 8, 0}, "x 0.11.0-rc1": {0, 11, 0}, "x 5.2": {5, 2, 0}} {
		if v, err := Parse("x ", said); v != want || err != nil {
			t.Errorf("%q gives %v, %v", said, v, err)
		}
	}
	for _, said := range []string{"", "x", "x 1", "y 1.2.3", "x 1.2.3.4", "x 99999.1"} {
		if v, err := Parse("x ", said); err == nil {
			t.Errorf("%q gives %v", said, v)
		}
	}
	if (Number{0, 8, 0}).Before(Number{0, 8, 0}) || !(Number{0, 7, 9}).Before(Number{0, 8, 0}) || (Number{1, 0, 0}).Before(Number{0, 8, 0}) {
		t.Error("versions are not ordered")
	}
}
