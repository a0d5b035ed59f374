package archive

import (
	"strconv"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/tree"
)

// printRecords is the inverse of paxRecords.
func printRecords(records []paxRecord) string {
	var b strings.Builder
	for _, r := range records {
		rest := " " + r.key + "=" + r.value + "\n"
		n := len(rest) + 1
		for len(strconv.Itoa(n))+len(rest) != n {
			n++
		}
		b.WriteString(strconv.Itoa(n) + rest)
	}
	return b.String()
}

// FuzzPax: no panic, nothing on error, and printing what was parsed gives the
// same bytes.
func FuzzPax(f *testing.F) {
	for _, seed := range []string{"", "9 a=bcde\n", "20 mtime=1712345678\n", "6 a=b\n6 c=d\n", "6 a=b\n6 a=d\n", "006 a=\n", "+6 a=b\n", "11 path=a=b\n", "12 a=b\nc=d\ne\n", "6 a=b\n\x00", "99 a=b\n", "3 \n", "0 "} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		records, err := paxRecords(data)
		if err != nil {
			if records != nil {
				t.Fatal("an error came with records")
			}
			return
		}
		if printed := printRecords(records); printed != string(data) {
			t.Fatalf("parsed %q, printed %q", data, printed)
		}
		o := &override{size: -1}
		if err := o.parseExtended(data); err == nil && o.size < -1 {
			t.Fatalf("a size of %d", o.size)
		}
	})
}

func TestPaxRecords(t *testing.T) {
	records, err := paxRecords([]byte("12 a=b\nc=d\n\n6 e=f\n"))
	if err != nil || len(records) != 2 || records[0] != (paxRecord{"a", "b\nc=d\n"}) || records[1] != (paxRecord{"e", "f"}) {
		t.Errorf("got %q, %v", records, err)
	}
}

// TestBudgets counts names towards the limits of an archive, which are too
// large to be reached by real ones here.
func TestBudgets(t *testing.T) {
	long := strings.Repeat("n", 4096)
	for _, c := range []struct {
		name   string
		before collector
		member member
		want   bool
	}{
		{"names at the limit", collector{nameBytes: maxNameBytes - 4096}, member{name: long}, true},
		{"names beyond the limit", collector{nameBytes: maxNameBytes - 4095}, member{name: long}, false},
		{"a target counts as a name", collector{nameBytes: maxNameBytes - 4096}, member{name: "l", target: long, kind: tree.Symlink}, false},
		{"targets at the limit", collector{targetBytes: maxTargetBytes - 4096}, member{name: "l", target: long, kind: tree.Symlink}, true},
		{"targets beyond the limit", collector{targetBytes: maxTargetBytes - 4095}, member{name: "l", target: long, kind: tree.Symlink}, false},
		{"members at the limit", collector{members: 9}, member{name: "a"}, true},
		{"members beyond the limit", collector{members: 10}, member{name: "a"}, false},
	} {
		collector := c.before
		collector.maxMembers = 10
		if err := collector.count(c.member); (err == nil) != c.want {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestParseOctal(t *testing.T) {
	for _, c := range []struct {
		raw   string
		value int64
		ok    bool
	}{
		{"0000644\x00", 0o644, true},
		{"000644 \x00", 0o644, true},
		{"644     ", 0o644, true},
		{"77777777777\x00", 1<<33 - 1, true},
		{"0\x00\x00\x00", 0, true},
		{"00000644", 0, false},
		{" 000644\x00", 0, false},
		{"\x00\x00\x00", 0, false},
		{"-000644\x00", 0, false},
		{"000648\x00\x00", 0, false},
		{"64\x004\x00", 0, false},
	} {
		if value, ok := parseOctal([]byte(c.raw)); value != c.value || ok != c.ok {
			t.Errorf("%q: got %d, %v", c.raw, value, ok)
		}
	}
}
