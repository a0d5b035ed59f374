package packagelist

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/document"
)

var (
	sumA = strings.Repeat("a", 64)
	sumB = strings.Repeat("b", 64)
)

func entry(t testing.TB, name, version, architecture, sum string) Entry {
	t.Helper()
	d, err := digest.ParseSHA256(sum)
	if err != nil {
		t.Fatal(err)
	}
	return Entry{name, version, architecture, d}
}

func list() string {
	return "g++-12=12.2.0-14+deb12u1_amd64 " + sumA + "\n" +
		"g++=4:12.2.0-3_amd64 " + sumB + "\n" +
		"make=4.3~x_all " + sumA + "\n"
}

func TestList(t *testing.T) {
	l, err := New([]Entry{
		entry(t, "make", "4.3~x", "all", sumA), entry(t, "g++", "4:12.2.0-3", "amd64", sumB), entry(t, "g++-12", "12.2.0-14+deb12u1", "amd64", sumA),
	})
	if err != nil || string(l.Marshal()) != list() {
		t.Fatalf("%v, got\n%s", err, l.Marshal())
	}
	if l.ID() != sha256.Sum256([]byte(list())) {
		t.Errorf("id %v", l.ID())
	}
	again, err := Parse([]byte(list()))
	if err != nil || len(again.Entries()) != 3 || again.Entries()[1].String() != "g++=4:12.2.0-3_amd64" {
		t.Errorf("%v, %v", again, err)
	}
}

func TestNewRefuses(t *testing.T) {
	good := entry(t, "make", "4.3", "all", sumA)
	for says, entries := range map[string][]Entry{
		"0 packages": {}, "comes twice": {good, entry(t, "make", "4.4", "all", sumA)}, "no name": {good, {Name: "a b", Version: "1", Architecture: "all", SHA256: good.SHA256}},
		"no SHA-256": {{Name: "make", Version: "1", Architecture: "all"}}, "20001 packages": make([]Entry, MaxEntries+1),
	} {
		if _, err := New(entries); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want %q", err, says)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, line := range map[string]int{
		"":                              1,
		"make=4.3_all " + sumA:          1, // no line end
		"make=4.3_all " + sumA + "\n\n": 2,
		"make=4.3_all " + sumA + "\r\n": 1,
		"make=4.3_all  " + sumA + "\n":  1,
		"make=4.3_all " + strings.ToUpper(sumA) + "\n":     1,
		"make=4.3_all " + strings.Repeat("0", 64) + "\n":   1,
		"make=4.3 " + sumA + "\n":                          1,
		"make_all " + sumA + "\n":                          1,
		"-make=4.3_all " + sumA + "\n":                     1,
		"make=4.3;x_all " + sumA + "\n":                    1,
		"make=4.3_all_x " + sumA + "\n":                    1,
		"ma\x1bke=4.3_all " + sumA + "\n":                  1,
		list() + "make=4.3~x_all " + sumA + "\n":           4, // the same again
		list() + "bison=1_all " + sumA + "\n":              4,
		list() + "make=4.3~y_all " + sumA + "\n":           4, // one name twice
		strings.Repeat("x", 200) + "=1_all " + sumA + "\n": 1,
		strings.Repeat("x", MaxFileBytes+1):                1,
	} {
		_, err := Parse([]byte(text))
		perr, ok := errors.AsType[*document.ParseError](err)
		if !ok || perr.Line != line || strings.ContainsAny(perr.Detail, "\x1b\n\r") || perr.Hint == "" {
			t.Errorf("%.80q: got %v, want line %d", text, err, line)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(list()))
	f.Add([]byte("make=4.3_all " + sumA + "\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := Parse(data)
		if err != nil {
			if len(l.Entries()) != 0 {
				t.Fatal(l)
			}
			return
		}
		if !bytes.Equal(l.Marshal(), data) {
			t.Fatalf("%q became %q", data, l.Marshal())
		}
	})
}
