package filter

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/testkit"
)

// pieces are what the random files are made of.
var pieces = []string{
	"$Id$", "$Id: ", "$Id:", "$Id", "Id$", " $", "$", "$Id: 0123 $", "$Id: foo.c 1.2 joe $", ": ", "Id",
	"\n", "\n", "\n", "\r\n", "\r", "\x00", "\x1a", "\x01", "\xff", "a", "text ", strings.Repeat("printable ", 30),
}

// placeholders are forms that Explain claims to know, and broken ones.
var placeholders = []string{
	"%H", "%h", "%T", "%t", "%P", "%p", "%an", "%aN", "%ae", "%aE", "%al", "%aL", "%ad", "%aD", "%at", "%ai", "%aI", "%as",
	"%cn", "%cN", "%ce", "%cE", "%cl", "%cL", "%cd", "%cD", "%ct", "%ci", "%cI", "%cs", "%s", "%f", "%b", "%B", "%e", "%n", "%%",
	"%x41", "%x0a", "%xAg", "%x", "%m", "%d", "%D", "%S", "%N", "%gd", "%gD", "%gs", "%gn", "%gN", "%ge", "%gE", "%gx", "%g",
	"%GG", "%G?", "%GS", "%GK", "%GF", "%GP", "%GT", "%Gx", "%G", "%C(auto)", "%C(red)", "%C(auto,blue)", "%Cgreen", "%Creset", "%Cpink", "%C", "%C(",
	"%+H", "% H", "%+b", "% e", "%+e", "%-H", "%+d", "% D", "%+Z", "% Z", "% ", "%+", "%", "%a", "%az", "%Z", "%(x)", "%(", "%w", "%>", "%<x", "%+p", "%+n",
	"%(describe)", "%(describe:tags=true,match=v*)", "%(describe:bogus)", "%(decorate)", "%(decorate:prefix=<,suffix=>)", "%(trailers", "plain", "\n", " ", "\r\n", "%ar", "%(trailers)", "%<(30)%h", "%w(10)",
}

// notModelled finds the placeholders on which Explain may give up.
var notModelled = regexp.MustCompile(`%[-+ ]?([ac][rh]|w\(|[<>]{1,2}\|?\(|\(trailers[:)]|C\(always)|%-|%[-+ ]w`)

// onRefs finds the placeholders that depend on refs.
var onRefs = regexp.MustCompile(`%[-+ ]?(d|D|\(describe|\(decorate)`)

func drawContent(rt *rapid.T, i int) []byte {
	var b strings.Builder
	for range rapid.IntRange(0, 12).Draw(rt, fmt.Sprintf("pieces%d", i)) {
		if rapid.IntRange(0, 3).Draw(rt, "kind") > 0 {
			b.WriteString(rapid.SampledFrom(pieces).Draw(rt, "piece"))
			continue
		}
		b.WriteString("$Format:")
		for range rapid.IntRange(0, 4).Draw(rt, "placeholders") {
			b.WriteString(rapid.SampledFrom(placeholders).Draw(rt, "placeholder"))
		}
		b.WriteString(rapid.SampledFrom([]string{"$", "$", "$", "", "\x00x$"}).Draw(rt, "close"))
	}
	return []byte(b.String())
}

func drawPerson(rt *rapid.T, label string) gitobject.Person {
	return gitobject.Person{
		Name:  rapid.SampledFrom([]string{"A U Thor", "Ünï Cödé", "x"}).Draw(rt, label+"Name"),
		Email: rapid.SampledFrom([]string{"a@example.org", "nobody", "a@b@c", ""}).Draw(rt, label+"Email"),
		Unix:  rapid.Int64Range(100000, 1<<33).Draw(rt, label+"Unix"),
		Zone:  rapid.SampledFrom([]string{"+0000", "-0000", "+0545", "-0730", "-0030", "+1400", "-0001"}).Draw(rt, label+"Zone"),
	}
}

var drawnAttributes = []string{"", "text", "-text", "text=auto", "eol=crlf", "text=auto eol=crlf", "text eol=lf", "crlf", "crlf=input", "-crlf", "text=odd crlf=auto"}

// drawHistory makes a repository in which every drawn file lies once in a
// directory for each combination of attributes.
func drawHistory(rt *rapid.T) (h history, contents [][]byte) {
	h = history{
		format: rapid.SampledFrom([]digest.Format{digest.SHA1Format, digest.SHA256Format}).Draw(rt, "format"),
		author: drawPerson(rt, "author"), committer: drawPerson(rt, "committer"),
		message: strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"subject", "ü..x", " ", "\n", "\n\n", "\t", "$", "% ", "v1.0...", "-", "end\n"}), 0, 8).Draw(rt, "message"), ""),
		parents: rapid.IntRange(0, 3).Draw(rt, "parents"), encoding: rapid.SampledFrom([]string{"", "", "utf8"}).Draw(rt, "encoding"),
		tags: []string{"v1.0", "release+1"}[:rapid.IntRange(0, 2).Draw(rt, "tags")], files: map[string][]byte{},
	}
	for i := range 6 {
		contents = append(contents, drawContent(rt, i))
	}
	n := 0
	for _, eol := range drawnAttributes {
		for _, ident := range []string{"", "ident"} {
			for _, subst := range []string{"", "export-subst"} {
				h.attributes += fmt.Sprintf("/d%02d/* %s %s %s\n", n, eol, ident, subst)
				for i, c := range contents {
					h.files[fmt.Sprintf("d%02d/%d", n, i)] = c
				}
				n++
			}
		}
	}
	return h, contents
}

// written is one file of one archive: content i of the history under name.
type written struct {
	name       string
	i          int
	image      []byte
	blob       Blob
	attributes Attributes
	commit     Commit
}

// TestExplainAgreesWithGit archives random files under every combination of
// attributes and shows that what git wrote is explained, and that the same with
// one byte changed is not, unless that is what git writes under other attributes.
func TestExplainAgreesWithGit(t *testing.T) {
	testkit.Program(t, "git")
	explained := map[Match]int{}
	rapid.Check(t, func(rt *rapid.T) {
		h, contents := drawHistory(rt)
		r := newRepository(t, h)
		defer os.RemoveAll(r.dir)
		attributes := r.attributes(h.files)
		images := make([][][]byte, len(contents))
		var all []written
		for _, config := range []string{"core.eol=lf", "core.eol=crlf"} {
			archived := r.archive(config)
			for name := range h.files {
				i := int(name[strings.LastIndexByte(name, '/')+1] - '0')
				images[i] = append(images[i], archived[name])
				all = append(all, written{name, i, archived[name], blobOf(t, h.format, contents[i]), attributes[name], r.commit})
			}
		}
		slices.SortFunc(all, func(a, b written) int { return strings.Compare(a.name, b.name) })
		for _, w := range all {
			got := checkWritten(rt, w)
			explained[got]++
			if got != None && len(w.image) > 0 {
				checkMutated(rt, w, images[w.i])
			}
		}
	})
	if explained[Exact] == 0 || explained[RefsOnly] == 0 {
		t.Fatalf("too few cases: %v", explained)
	}
	t.Logf("explained: %v", explained)
}

// checkWritten: what git wrote is explained, but for what is not modelled.
func checkWritten(rt *rapid.T, w written) Match {
	blob, a := w.blob, w.attributes
	got, by := Explain(w.image, blob, a, w.commit)
	switch {
	case got == Exact:
	case got == RefsOnly && a.ExportSubst && onRefs.Match(blob.Content):
	case got == None && a.ExportSubst && notModelled.Match(blob.Content):
	default:
		rt.Fatalf("%s: %v %v\nattributes %+v\nblob  %q\nimage %q", w.name, got, by, a, blob.Content, w.image)
	}
	return got
}

// checkMutated: with a byte changed, it is not, but inside text on refs.
func checkMutated(rt *rapid.T, w written, images [][]byte) {
	blob, a := w.blob, w.attributes
	mutated := bytes.Clone(w.image)
	mutated[rapid.IntRange(0, len(mutated)-1).Draw(rt, "at")] ^= rapid.SampledFrom([]byte{1, 2, 0x20, 0x80, 0x07}).Draw(rt, "bits")
	if slices.ContainsFunc(images, func(other []byte) bool { return bytes.Equal(other, mutated) }) {
		return
	}
	switch got, by := Explain(mutated, blob, a, w.commit); {
	case got == None:
	case got == RefsOnly && a.ExportSubst && onRefs.Match(blob.Content):
	default:
		rt.Fatalf("%s with a byte changed: %v %v\nblob  %q\nimage %q\nnot   %q", w.name, got, by, blob.Content, w.image, mutated)
	}
}
