package lockfile

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Keys in their order: RFC 8032's test 1, and digests.
const (
	keyA = "ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
	keyB = "rsa:" + sha256A
	keyC = "rsa:" + sha256B
)

// beforeVerified inserts lines where keys stand.
func beforeVerified(text, lines string) string {
	return strings.Replace(text, "\nverified ", "\n"+lines+"verified ", 1)
}

func withKeys(text string) string {
	return beforeVerified(text, "tag-key "+keyA+" SHA256:abc\ntag-key "+keyB+" 0123456789abcdef\narchive-key "+keyC+" RWabc\n")
}

func TestKeys(t *testing.T) {
	l, err := Parse([]byte(withKeys(full)))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(l.TagKeys, []Key{{keyA, "SHA256:abc"}, {keyB, "0123456789abcdef"}}) || !slices.Equal(l.ArchiveKeys, []Key{{keyC, "RWabc"}}) || l.Verified == nil {
		t.Errorf("%+v", l)
	}
	for name, same := range map[string]*Lock{
		"a key of the tag":     {TagKeys: []Key{{keyB, "b"}, {keyA, "a"}}},
		"a key of the archive": {ArchiveKeys: []Key{{keyB, "b"}, {keyA, "a"}}},
	} {
		out, err := same.Marshal()
		back, parseErr := Parse(out)
		if err != nil || parseErr != nil || back.says(same) || back.says(&Lock{}) {
			t.Errorf("%s: %v, %v, %s", name, err, parseErr, out)
		}
	}
}

type keyRefusal struct {
	name, lines string
	line        int // from the first of them on
	says        string
}

func keyRefusals() []keyRefusal {
	many := ""
	for i := range MaxKeys + 1 {
		many += fmt.Sprintf("tag-key rsa:%064x a\n", i)
	}
	return []keyRefusal{
		{"no fingerprint", "tag-key " + keyA + "\n", 1, "KEY FINGERPRINT"},
		{"no key", "tag-key \n", 1, "KEY FINGERPRINT"},
		{"three fields", "tag-key " + keyA + " a b\n", 1, "KEY FINGERPRINT"},
		{"an empty fingerprint", "tag-key " + keyA + " \n", 1, "expected a fingerprint"},
		{"a long fingerprint", "tag-key " + keyA + " " + strings.Repeat("a", maxWordBytes+1) + "\n", 1, "1 to 64"},
		{"an escape in a fingerprint", "tag-key " + keyA + " \x1b[2J\n", 1, "printable ASCII"},
		{"a carriage return", "tag-key " + keyA + " a\r\n", 1, "printable ASCII"},
		{"no algorithm", "archive-key x:abc a\n", 1, "no algorithm"},
		{"half a digest", "archive-key rsa:abcd a\n", 1, "64 lower-case"},
		{"no line end", "archive-key " + keyA + " a", 1, "KEY FINGERPRINT"},
		{"a dash", "tag-key -\n", 1, "KEY FINGERPRINT"},
		{"twice", "tag-key " + keyA + " a\ntag-key " + keyA + " b\n", 2, "occurs twice"},
		{"out of order", "archive-key " + keyB + " a\narchive-key " + keyA + " b\n", 2, "out of order"},
		{"the tag's after the archive's", "archive-key " + keyA + " a\ntag-key " + keyA + " b\n", 2, `expected "verified"`},
		{"another keyword", "tag-keys " + keyA + " a\n", 1, `expected "verified"`},
		{"too many", many, MaxKeys + 1, "more than 64"},
	}
}

func TestKeysRefused(t *testing.T) {
	const before = 4 // lines
	for _, c := range keyRefusals() {
		l, err := Parse([]byte(beforeVerified(minimal, c.lines)))
		perr, ok := errors.AsType[*ParseError](err)
		if !ok || l != nil || perr.Line != before+c.line || !strings.Contains(perr.Detail, c.says) {
			t.Errorf("%s: got %v, want line %d to say %q", c.name, err, before+c.line, c.says)
		}
	}
}
