package knownfile

import (
	"cmp"
	"testing"

	"pgregory.net/rapid"
)

func TestCompareVersions(t *testing.T) {
	ordered := [][]string{ // those of one row compare as equal
		{"~"},
		{""},
		{"0", "00"},
		{"0.1"},
		{"0.10.35", "0.010.035"},
		{"0.11"},
		{"0.21~rc1"},
		{"0.21"},
		{"0.21-4"},
		{"0.21-12"},
		{"0.21.1"},
		{"1~rc1-1"},
		{"1", "01"},
		{"1-1"},
		{"1.16"},
		{"1.16+dfsg"},
		{"1.16-"},
		{"1.16.9"},
		{"1.16.10"},
		{"1.16a"},
		{"1.16b"},
		{"2.4.7"},
		{"2.4.7-1"},
		{"2.4.7-7~deb12u1"}, // the tilde comes before the end
		{"2.4.7-7"},
		{"2.5.4"},
		{"20091231"},
		{"20250307"},
		{"99999999999999999999999998"},
		{"99999999999999999999999999", "099999999999999999999999999"},
		{"v1"},
		{"{tag}"},
	}
	var versions []string
	rank := make(map[string]int)
	for i, row := range ordered {
		for _, v := range row {
			versions, rank[v] = append(versions, v), i
		}
	}
	for _, a := range versions {
		for _, b := range versions {
			if got := CompareVersions(a, b); got != cmp.Compare(rank[a], rank[b]) {
				t.Errorf("%q against %q: %d", a, b, got)
			}
		}
	}
}

// CompareVersions is a total order of what it tells apart.
func TestCompareVersionsIsAnOrder(t *testing.T) {
	version := rapid.StringOfN(rapid.SampledFrom([]rune("0129.-~+a:")), 0, 8, -1)
	differ := 0
	rapid.Check(t, func(rt *rapid.T) {
		a, b, c := version.Draw(rt, "a"), version.Draw(rt, "b"), version.Draw(rt, "c")
		ab, ba, bc, ac := CompareVersions(a, b), CompareVersions(b, a), CompareVersions(b, c), CompareVersions(a, c)
		switch {
		case CompareVersions(a, a) != 0:
			rt.Fatalf("%q differs from itself", a)
		case ab != -ba:
			rt.Fatalf("%q and %q: %d and %d", a, b, ab, ba)
		case ab <= 0 && bc <= 0 && ac > 0, ab == 0 && ac != bc:
			rt.Fatalf("%q, %q, %q: %d, %d, %d", a, b, c, ab, bc, ac)
		case a != b && compareSpelled(a, b) == 0:
			rt.Fatalf("%q and %q are not told apart", a, b)
		}
		if ab != 0 {
			differ++
		}
	})
	if differ < 50 && !testing.Short() { // then there are 20 in all
		t.Errorf("only %d pairs differed", differ)
	}
}
