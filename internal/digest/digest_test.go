package digest_test

import (
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
)

const (
	// The empty tree's ids, as git hash-object -t tree /dev/null gives them.
	emptyTreeSHA1   = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
	emptyTreeSHA256 = "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321"
	// SHA-256 of "abc" (FIPS 180-4's example, published with the standard).
	abcSHA256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
)

func TestParseSHA256(t *testing.T) {
	d, err := digest.ParseSHA256(abcSHA256)
	if err != nil || d.String() != abcSHA256 || d.IsZero() {
		t.Fatalf("got %v, %v", d, err)
	}
	if !(digest.SHA256{}).IsZero() {
		t.Error("the zero value says that it was computed")
	}
	for name, s := range map[string]string{
		"empty":       "",
		"one short":   abcSHA256[1:],
		"one long":    abcSHA256 + "0",
		"upper case":  strings.ToUpper(abcSHA256),
		"not a digit": "g" + abcSHA256[1:],
		"space":       " " + abcSHA256[1:],
		"id of SHA-1": emptyTreeSHA1,
	} {
		if d, err := digest.ParseSHA256(s); err == nil || !d.IsZero() {
			t.Errorf("%s: got %v, %v", name, d, err)
		}
	}
}

func TestParseObjectID(t *testing.T) {
	for s, format := range map[string]digest.Format{
		emptyTreeSHA1:           digest.SHA1Format,
		emptyTreeSHA256:         digest.SHA256Format,
		strings.Repeat("0", 40): digest.SHA1Format,
	} {
		id, err := digest.ParseObjectID(s)
		if err != nil || id.String() != s || id.Format() != format || id.IsZero() {
			t.Errorf("%s: got %v of %v, %v", s, id, id.Format(), err)
		}
		if text, err := id.MarshalText(); err != nil || string(text) != s {
			t.Errorf("%s: MarshalText gives %q, %v", s, text, err)
		}
		if id.Short() != s[:12] {
			t.Errorf("%s: Short gives %q", s, id.Short())
		}
		if again := digest.ObjectIDFromBytes(format, id.Bytes()); again != id {
			t.Errorf("%s: from its bytes it is %v", s, again)
		}
		if id.IsNull() != (strings.Trim(s, "0") == "") {
			t.Errorf("%s: IsNull is %v", s, id.IsNull())
		}
	}
	for name, s := range map[string]string{
		"empty":       "",
		"abbreviated": emptyTreeSHA1[:39],
		"between":     emptyTreeSHA256[:63],
		"long":        emptyTreeSHA256 + "00",
		"upper case":  strings.ToUpper(emptyTreeSHA1),
		"not a digit": emptyTreeSHA1[:39] + "g",
		"option":      "-" + emptyTreeSHA1[1:],
		"line end":    emptyTreeSHA1[:39] + "\n",
	} {
		if id, err := digest.ParseObjectID(s); err == nil || !id.IsZero() {
			t.Errorf("%s: got %v, %v", name, id, err)
		}
	}
}

func TestZeroObjectIDIsNoID(t *testing.T) {
	var id digest.ObjectID
	if !id.IsZero() || id.IsNull() || id.Format() != 0 || id.Bytes() != nil || id.String() != "" || id.Short() != "" {
		t.Errorf("the zero id says %q (%v)", id, id.Format())
	}
}

// Ids of two formats are never equal, even where all their bytes are.
func TestFormatsAreApart(t *testing.T) {
	a := digest.ObjectIDFromBytes(digest.SHA1Format, make([]byte, 20))
	b := digest.ObjectIDFromBytes(digest.SHA256Format, make([]byte, 32))
	if a == b {
		t.Error("the null ids of both formats are equal")
	}
}

func TestObjectIDFromBytesPanicsOnWrongLength(t *testing.T) {
	for format, n := range map[digest.Format]int{digest.SHA1Format: 32, digest.SHA256Format: 20, 0: 0} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%d bytes were taken for an id of %v", n, format)
				}
			}()
			digest.ObjectIDFromBytes(format, make([]byte, n))
		}()
	}
}

func TestNames(t *testing.T) {
	for f, want := range map[digest.Format]string{digest.SHA1Format: "sha1", digest.SHA256Format: "sha256", 0: "Format(0)", 9: "Format(9)"} {
		if f.String() != want {
			t.Errorf("format %d is named %q, expected %q", uint8(f), f, want)
		}
	}
	for o, want := range map[digest.ObjectType]string{digest.Blob: "blob", digest.Tree: "tree", digest.Commit: "commit", digest.Tag: "tag"} {
		if got, ok := digest.ParseObjectType(want); !ok || got != o || o.String() != want {
			t.Errorf("%v: ParseObjectType(%q) gives %v, %v", o, want, got, ok)
		}
	}
	for _, s := range []string{"", "Blob", "blob ", "ofs-delta", "ObjectType(0)"} {
		if got, ok := digest.ParseObjectType(s); ok || got != 0 {
			t.Errorf("%q was read as %v", s, got)
		}
	}
	if s := digest.ObjectType(0).String() + digest.ObjectType(7).String(); s != "ObjectType(0)ObjectType(7)" {
		t.Errorf("types that are none are named %q", s)
	}
}

func TestIDs(t *testing.T) {
	sha1, _ := digest.ParseObjectID(emptyTreeSHA1)
	sha256, _ := digest.ParseObjectID(emptyTreeSHA256)
	other, _ := digest.ParseObjectID("1" + emptyTreeSHA1[1:])
	set := func(ids ...digest.ObjectID) digest.IDs {
		var all digest.IDs
		for _, id := range ids {
			all.Set(id)
		}
		return all
	}
	both := set(sha1, sha256)
	if both.In(digest.SHA1Format) != sha1 || both.In(digest.SHA256Format) != sha256 || !both.In(0).IsZero() {
		t.Errorf("both ids: got %v", both)
	}
	if one := set(sha1, digest.ObjectID{}); !one.In(digest.SHA256Format).IsZero() {
		t.Error("a part that was not set is an id")
	}
	for _, c := range []struct {
		name string
		a, b digest.IDs
		want bool
	}{
		{"same", both, both, true},
		{"one in common", both, set(sha256), true},
		{"none in common", set(sha1), set(sha256), false},
		{"nothing", set(), set(), false},
		{"different", set(sha1), set(other), false},
		{"one same, one different", both, set(other, sha256), false},
	} {
		if c.a.Agree(c.b) != c.want || c.b.Agree(c.a) != c.want {
			t.Errorf("%s: Agree is %v", c.name, !c.want)
		}
	}
}

// FuzzParseObjectID holds to: no panic, no id on error, print(parse(x)) = x.
func FuzzParseObjectID(f *testing.F) {
	for _, s := range []string{"", emptyTreeSHA1, emptyTreeSHA256, emptyTreeSHA1 + " ", "HEAD", "0x" + emptyTreeSHA1[2:]} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := digest.ParseObjectID(s)
		switch {
		case err != nil && !id.IsZero():
			t.Errorf("%q: an id and an error: %v, %v", s, id, err)
		case err == nil && id.String() != s:
			t.Errorf("%q was read as %v", s, id)
		}
	})
}

// Ids and digests stand in JSON as text; the zero value is "".
func TestText(t *testing.T) {
	for _, text := range []string{"", strings.Repeat("ab", 20), strings.Repeat("ab", 32)} {
		var id digest.ObjectID
		if err := id.UnmarshalText([]byte(text)); err != nil || id.String() != text {
			t.Errorf("id %q: %v, %v", text, id, err)
		}
	}
	for _, text := range []string{"", strings.Repeat("ab", 32)} {
		var sum digest.SHA256
		err := sum.UnmarshalText([]byte(text))
		if again, _ := sum.MarshalText(); err != nil || string(again) != text {
			t.Errorf("digest %q: %q, %v", text, again, err)
		}
	}
	var id digest.ObjectID
	var sum digest.SHA256
	if id.UnmarshalText([]byte("abc")) == nil || sum.UnmarshalText([]byte(strings.Repeat("ab", 20))) == nil {
		t.Error("what is no id was read")
	}
}
