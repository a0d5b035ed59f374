package gitobject

import (
	"bytes"
	"testing"

	"github.com/countermark/countermark/internal/digest"
)

// seed adds every object of one kind that real git makes, in both formats.
func seed(f *testing.F, kinds ...string) {
	f.Helper()
	added := 0
	for _, format := range []digest.Format{digest.SHA1Format, digest.SHA256Format} {
		r := newRepo(f, format)
		r.history()
		for _, rev := range revisions() {
			kind, raw := r.object(rev)
			for _, k := range kinds {
				if k == kind {
					f.Add(format == digest.SHA256Format, raw)
					added++
				}
			}
		}
	}
	if added == 0 {
		f.Fatal("no seed")
	}
}

func formatOf(sha256 bool) digest.Format {
	if sha256 {
		return digest.SHA256Format
	}
	return digest.SHA1Format
}

func FuzzParseCommit(f *testing.F) {
	seed(f, "commit")
	f.Fuzz(func(t *testing.T, sha256 bool, raw []byte) {
		format := formatOf(sha256)
		c, err := ParseCommit(format, raw)
		if (c == nil) != (err != nil) {
			t.Fatalf("got %v and %v", c, err)
		}
		// Two orders of mergetag and signature are accepted, so only a commit
		// without mergetag prints to its own bytes.
		if err == nil && mergetags(raw) == "" && !bytes.Equal(printCommit(format, c, ""), raw) {
			t.Fatalf("printed again: %q", printCommit(format, c, ""))
		}
	})
}

func FuzzParseTag(f *testing.F) {
	seed(f, "tag")
	f.Fuzz(func(t *testing.T, sha256 bool, raw []byte) {
		tag, err := ParseTag(formatOf(sha256), raw)
		if (tag == nil) != (err != nil) {
			t.Fatalf("got %v and %v", tag, err)
		}
		if err == nil && !bytes.Equal(printTag(tag), raw) {
			t.Fatalf("printed again: %q", printTag(tag))
		}
	})
}

func FuzzParseTree(f *testing.F) {
	seed(f, "tree")
	f.Fuzz(func(t *testing.T, sha256 bool, raw []byte) {
		entries, err := ParseTree(formatOf(sha256), raw)
		if err != nil && entries != nil {
			t.Fatalf("entries with an error: %v", entries)
		}
		if err == nil && !bytes.Equal(printTree(entries), raw) {
			t.Fatalf("printed again: %q", printTree(entries))
		}
	})
}
