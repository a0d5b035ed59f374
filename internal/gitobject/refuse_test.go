package gitobject

import (
	"errors"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/refusal"
)

const (
	idA   = "0123456789012345678901234567890123456789"
	idB   = "abcdefabcdefabcdefabcdefabcdefabcdefabcd"
	id256 = "0123456789012345678901234567890123456789012345678901234567890123"

	treeLine      = "tree " + idA + "\n"
	parentLine    = "parent " + idB + "\n"
	authorLine    = "author A <a@b> 1 +0000\n"
	committerLine = "committer C <c@d> 2 -0130\n"
	sigLines      = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n abc\n -----END PGP SIGNATURE-----\n"
	plain         = treeLine + parentLine + authorLine + committerLine
)

// wantRule checks that err is a refusal by the rule at the offset.
func wantRule(t *testing.T, err error, rule refusal.Rule, offset int) {
	t.Helper()
	r, ok := errors.AsType[*refusal.Refusal](err)
	if !ok {
		t.Fatalf("got %v, want a refusal by %s", err, rule)
	}
	if r.Rule != rule || r.Offset != int64(offset) {
		t.Errorf("got %v, want %s at %d", err, rule, offset)
	}
}

func TestParseCommitRefuses(t *testing.T) {
	tests := []struct {
		name, raw string
		rule      refusal.Rule
		offset    int
	}{
		{"empty", "", refusal.GitCommit, 0},
		{"no empty line", plain, refusal.GitCommit, len(plain)},
		{"two trees", treeLine + treeLine + authorLine + committerLine + "\n", refusal.GitCommit, len(treeLine)},
		{"tree after author", authorLine + treeLine + committerLine + "\n", refusal.GitCommit, 0},
		{"parent after author", treeLine + authorLine + parentLine + committerLine + "\n", refusal.GitCommit, len(treeLine + authorLine)},
		{"two authors", treeLine + authorLine + authorLine + committerLine + "\n", refusal.GitCommit, len(treeLine + authorLine)},
		{"two committers", plain + committerLine + "\n", refusal.GitCommit, len(plain)},
		{"two encodings", plain + "encoding a\nencoding b\n\n", refusal.GitCommit, len(plain + "encoding a\n")},
		{"encoding after the signature", plain + sigLines + "encoding a\n\n", refusal.GitCommit, len(plain + sigLines)},
		{"empty encoding", plain + "encoding \n\n", refusal.GitCommit, len(plain)},
		{"unknown header", plain + "x y\n\n", refusal.GitCommit, len(plain)},
		{"header without value", plain + "gpgsig\n\n", refusal.GitCommit, len(plain)},
		{"continued author", treeLine + "author A <a@b> 1 +0000\n x\n" + committerLine + "\n", refusal.GitCommit, len(treeLine)},
		{"continuation first", " x\n" + plain + "\n", refusal.GitCommit, 0},
		{"NUL in a header", strings.Replace(plain, "A", "\x00", 1) + "\n", refusal.GitCommit, len(treeLine+parentLine) + len("author ")},
		{"NUL in the message", plain + "\nab\x00", refusal.GitCommit, len(plain) + 3},
		{"no author", treeLine + committerLine + "\n", refusal.GitCommit, len(treeLine)},
		{"short id", "tree " + idA[1:] + "\n" + authorLine + committerLine + "\n", refusal.GitCommit, 0},
		{"upper-case id", "tree " + strings.ToUpper(idB) + "\n" + authorLine + committerLine + "\n", refusal.GitCommit, 0},
		{"null id", "tree " + strings.Repeat("0", 40) + "\n" + authorLine + committerLine + "\n", refusal.GitCommit, 0},
		{"id of the other format", "tree " + id256 + "\n" + authorLine + committerLine + "\n", refusal.GitFormat, 0},
		{"two signatures", plain + sigLines + sigLines + "\n", refusal.GitCommit, len(plain + sigLines)},
		{"the other format's signature", plain + "gpgsig-sha256 x\n\n", refusal.GitCommit, len(plain)},
		{"header like a signature", plain + sigLines + "gpgsigx y\n\n", refusal.GitCommit, len(plain + sigLines)},
		{"signature without armour", plain + "gpgsig abc\n\n", refusal.GitCommit, len(plain)},
		{"signature without end", plain + "gpgsig -----BEGIN PGP SIGNATURE-----\n abc\n\n", refusal.GitCommit, len(plain)},
		{"text after the signature", plain + sigLines + " abc\n\n", refusal.GitCommit, len(plain)},
		{"two blocks in a signature", plain + sigLines + strings.Replace(sigLines, "gpgsig", "", 1) + "\n", refusal.GitCommit, len(plain)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := ParseCommit(digest.SHA1Format, []byte(tt.raw))
			wantRule(t, err, tt.rule, tt.offset)
			if c != nil {
				t.Errorf("a commit with an error: %+v", c)
			}
		})
	}
}

func TestParseCommitAccepts(t *testing.T) {
	for _, raw := range []string{
		treeLine + authorLine + committerLine + "\n",
		plain + "mergetag object " + idA + "\n type commit\n" + sigLines + "mergetag x\n\nmessage",
		plain + sigLines + " \n\nsigned by a forge\n",
		treeLine + "author  <> 0 +0000\n" + committerLine + "\n\n\n",
	} {
		if _, err := ParseCommit(digest.SHA1Format, []byte(raw)); err != nil {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

func TestParsePersonRefuses(t *testing.T) {
	for _, value := range []string{
		"", "A", "A <a@b>", "A <a@b> 1", "A <a@b> 1 ", "<a@b> 1 +0000", "A<a@b> 1 +0000", "A> <a@b> 1 +0000", "A <a<b> 1 +0000",
		"A <a@b>1 +0000", "A <a@b>  1 +0000", "A <a@b> 01 +0000", "A <a@b> -1 +0000", "A <a@b> +1 +0000", "A <a@b> 9223372036854775808 +0000",
		"A <a@b> 1 0000", "A <a@b> 1 +000", "A <a@b> 1 +00000", "A <a@b> 1 +00x0", "A <a@b> 1 +0000 ", "A <a@b> 1  +0000",
	} {
		_, err := ParseCommit(digest.SHA1Format, []byte(treeLine+"author "+value+"\n"+committerLine+"\n"))
		wantRule(t, err, refusal.GitCommit, len(treeLine))
	}
}

func TestParseTagRefuses(t *testing.T) {
	const (
		head   = "object " + idA + "\ntype commit\n"
		tagger = "tagger A <a@b> 1 +0000\n"
		block  = "-----BEGIN SSH SIGNATURE-----\nabc\n-----END SSH SIGNATURE-----\n"
	)
	tests := []struct {
		name, raw string
		rule      refusal.Rule
		offset    int
	}{
		{"empty", "", refusal.GitTag, 0},
		{"no empty line", head + "tag v1\n" + tagger, refusal.GitTag, len(head + "tag v1\n" + tagger)},
		{"unknown type", "object " + idA + "\ntype commits\ntag v1\n\n", refusal.GitTag, len("object " + idA + "\n")},
		{"type first", "type commit\nobject " + idA + "\ntag v1\n\n", refusal.GitTag, 0},
		{"two objects", "object " + idA + "\n" + head + "tag v1\n\n", refusal.GitTag, len("object " + idA + "\n")},
		{"two names", head + "tag v1\ntag v2\n\n", refusal.GitTag, len(head + "tag v1\n")},
		{"empty name", head + "tag \n\n", refusal.GitTag, len(head)},
		{"name with a space", head + "tag v1 \n\n", refusal.GitTag, len(head)},
		{"name with ESC", head + "tag v\x1b[1m\n\n", refusal.GitTag, len(head)},
		{"two taggers", head + "tag v1\n" + tagger + tagger + "\n", refusal.GitTag, len(head + "tag v1\n" + tagger)},
		{"tagger without date", head + "tag v1\ntagger A <a@b>\n\n", refusal.GitTag, len(head + "tag v1\n")},
		{"unknown header", head + "tag v1\n" + tagger + "gpgsig x\n\n", refusal.GitTag, len(head + "tag v1\n" + tagger)},
		{"NUL", head + "tag v1\n\n\x00", refusal.GitTag, len(head + "tag v1\n\n")},
		{"id of the other format", "object " + id256 + "\ntype commit\ntag v1\n\n", refusal.GitFormat, 0},
		{"two signatures", head + "tag v1\n\nx\n" + block + block, refusal.GitTag, len(head + "tag v1\n\nx\n")},
		{"text after the signature", head + "tag v1\n\n" + block + "x\n", refusal.GitTag, len(head + "tag v1\n\n")},
		{"signature cut off", head + "tag v1\n\nx\n-----BEGIN SSH SIGNATURE-----\nabc\n", refusal.GitTag, len(head + "tag v1\n\nx\n")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tag, err := ParseTag(digest.SHA1Format, []byte(tt.raw))
			wantRule(t, err, tt.rule, tt.offset)
			if tag != nil {
				t.Errorf("a tag with an error: %+v", tag)
			}
		})
	}
	tag, err := ParseTag(digest.SHA1Format, []byte(head+"tag v1\n\nfrom 2005, and \n -----BEGIN PGP SIGNATURE----- indented\n"+block))
	if err != nil || tag.Tagger != nil || tag.Signature != block {
		t.Errorf("got %+v, %v", tag, err)
	}
}

func entry(mode, name string) string { return mode + " " + name + "\x00" + strings.Repeat("i", 20) }

func TestParseTreeRefuses(t *testing.T) {
	first := entry("100644", "a")
	tests := []struct {
		name, raw string
		rule      refusal.Rule
		offset    int
	}{
		{"half an entry", first + "100644 b\x00iii", refusal.GitTree, len(first)},
		{"no NUL", "100644 b", refusal.GitTree, 0},
		{"no space", "100644", refusal.GitTree, 0},
		{"long mode", "0000100644 a\x00" + strings.Repeat("i", 20), refusal.GitTree, 0},
		{"twice", first + first, refusal.GitTree, len(first)},
		{"file and link", first + entry("120000", "a"), refusal.GitTree, len(first)},
		{"file and directory", first + entry("40000", "a"), refusal.GitTree, len(first)},
		{"file and directory apart", first + entry("100644", "a.b") + entry("40000", "a"), refusal.GitTree, len(first + entry("100644", "a.b"))},
		{"unsorted", entry("100644", "b") + first, refusal.GitTree, len(first)},
		{"directory sorted as a file", entry("40000", "a") + entry("100644", "a.b"), refusal.GitTree, len(entry("40000", "a"))},
		{"null id", "100644 a\x00" + strings.Repeat("\x00", 20), refusal.GitTree, 0},
		{"mode 100664", first + entry("100664", "b"), refusal.GitMode, len(first)},
		{"mode 040000", entry("040000", "a"), refusal.GitMode, 0},
		{"mode 0", entry("0", "a"), refusal.GitMode, 0},
		{"mode 100777", entry("100777", "a"), refusal.GitMode, 0},
		{"empty name", entry("100644", ""), refusal.GitName, 0},
		{"slash", entry("100644", "a/b"), refusal.GitName, 0},
		{"dot", entry("40000", "."), refusal.GitName, 0},
		{"dot dot", entry("40000", ".."), refusal.GitName, 0},
		{".git", entry("40000", ".git"), refusal.GitName, 0},
		{".Git", entry("40000", ".Git"), refusal.GitName, 0},
		{"git~1", entry("40000", "git~1"), refusal.GitName, 0},
		{"invisible in .git", entry("40000", ".g\u200dit"), refusal.GitName, 0},
		{"line feed", entry("100644", "a\nb"), refusal.GitName, 0},
		{"escape", entry("100644", "a\x1b[2J"), refusal.GitName, 0},
		{"not UTF-8", entry("100644", "caf\xe9"), refusal.GitName, 0},
		{"not NFC", entry("100644", "cafe\u0301"), refusal.GitName, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			entries, err := ParseTree(digest.SHA1Format, []byte(tt.raw))
			wantRule(t, err, tt.rule, tt.offset)
			if entries != nil {
				t.Errorf("entries with an error: %v", entries)
			}
		})
	}
	if entries, err := ParseTree(digest.SHA1Format, nil); err != nil || len(entries) != 0 {
		t.Errorf("the empty tree: %v, %v", entries, err)
	}
}

func TestCheckRefName(t *testing.T) {
	accepted := []string{"v1.0", "curl-7_88_1", "@scope/pkg@1.0.0", "release/v1%2", "0", "v1+rc.1", strings.Repeat("x", MaxTagNameBytes)}
	refused := []string{"", "-x", ".x", "+x", "a..b", "a//b", "/a", "a/", "a/.b", "a.", "v1.lock", "a.lock/b", "a b", "a\nb", "a:b", "a^b", "a~b",
		"a?b", "a*b", "a[b", "a\\b", "a@{b", "--upload-pack=x", "$(id)", "<b>", "caf\u00e9", "a\x00", strings.Repeat("x", MaxTagNameBytes+1)}
	for _, name := range accepted {
		if err := CheckRefName(TagPrefix + name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range refused {
		wantRule(t, CheckRefName(TagPrefix+name), refusal.GitRefName, refusal.Unknown)
	}
	for _, ref := range []string{"", "v1", "refs/heads/v1", "refs/tags", "tags/v1", "refs/replace/" + idA, "REFS/TAGS/v1"} {
		wantRule(t, CheckRefName(ref), refusal.GitRefName, refusal.Unknown)
	}
}
