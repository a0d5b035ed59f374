package filter

import (
	"bytes"
	"testing"

	"github.com/countermark/countermark/internal/digest"
)

func addSeeds(f *testing.F) {
	for _, seed := range [][2]string{
		{"a\n", "a\r\n"}, {"$Id$\n", "$Id: 0123 $\r\n"}, {"$Id: f.c 1.2 joe $$Id:$", "$Id:"},
		{"$Format:%H %h%n%d%(describe)$", "abab ab\n (v1)%(describe)"}, {"$Format:% s%+b%-d%x0a%C(red)%<(3)$", "subject"},
		{"$Format:%aD%cI%p%P%GT%gD%(decorate:tag=)$$Format:%w(1)$", "Thu, 7 Apr 2005 14:43:13 -0730"},
	} {
		f.Add([]byte(seed[0]), []byte(seed[1]), uint8(7))
	}
}

func fuzzAttributes(bits uint8) Attributes {
	return Attributes{Ident: bits&1 != 0, ExportSubst: bits&2 != 0, EOL: EOL(bits >> 2 % 3)}
}

// FuzzExplain: no panic; the blob explains itself; an exact explanation without
// export-subst is what the conversions make.
func FuzzExplain(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, content, image []byte, bits uint8) {
		a := fuzzAttributes(bits)
		format := testFormats[bits>>7]
		id, err := digest.HashObject(format, digest.Blob, content)
		if err != nil {
			return
		}
		blob := Blob{id, content}
		if m, by := Explain(content, blob, a, testCommit(format)); m != Exact || len(by) != 0 {
			t.Fatalf("the blob itself: %v %v", m, by)
		}
		m, by := Explain(image, blob, a, testCommit(format))
		if m == None && len(by) != 0 || m != None && !a.Converts() && !bytes.Equal(image, content) {
			t.Fatalf("%v %v with %+v", m, by, a)
		}
		for _, form := range worktreeForms(blob, a) {
			if m, _ := Explain(form.content, blob, a, Commit{}); m != Exact {
				t.Fatalf("%v: %v", form.conversions, m)
			}
		}
	})
}

// FuzzRecover: no panic; what is recovered has the id that was asked for; what
// ident makes of a file with plain keywords can be undone.
func FuzzRecover(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, content, image []byte, bits uint8) {
		a := fuzzAttributes(bits)
		format := testFormats[bits>>7]
		want, err := digest.HashObject(format, digest.Blob, content)
		if err != nil {
			return
		}
		if blob, ok := Recover(image, want, a); ok && !bytes.Equal(blob, content) {
			t.Fatalf("%q is not %q", blob, content)
		}
		if !bytes.Equal(collapseIdent(content), content) || bytes.Contains(content, []byte("\r\n")) {
			return
		}
		for _, form := range worktreeForms(Blob{want, content}, a) {
			if _, ok := Recover(form.content, want, a); !ok && !bytes.Contains(form.content, []byte("\r\r\n")) {
				t.Fatalf("%v: %q not recovered from %q", form.conversions, content, form.content)
			}
		}
	})
}

// FuzzSubst: no panic; without any keyword only the content matches.
func FuzzSubst(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, content, image []byte, bits uint8) {
		commit := testCommit(testFormats[bits>>7])
		if bits&1 != 0 {
			commit.Encoding, commit.Signature = "latin1", "signed"
		}
		m := matchSubstituted(image, content, newFacts(commit))
		if _, _, _, found := cutFormat(content); !found && (m == Exact) != bytes.Equal(image, content) {
			t.Fatalf("%v without a keyword", m)
		}
	})
}
