package debian

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/testkit"
)

type digestOf = digest.SHA256

const uri = "'http://m/pool/g/gen/gen_1%3a2%2b3-1_amd64.deb' gen_1%3a2%2b3-1_amd64.deb 100 SHA256:"

func TestParseURIs(t *testing.T) {
	sum := strings.Repeat("a", 64)
	list, err := parseURIs("Reading package lists...\n" + uri + sum + "\n")
	if err != nil || string(list.Marshal()) != "gen=1:2+3-1_amd64 "+sum+"\n" {
		t.Errorf("%q, %v", list.Marshal(), err)
	}
	for text, says := range map[string]string{
		"": "0 packages", uri + "x": "no file of a package", strings.Replace(uri, "SHA256", "MD5Sum", 1) + sum: "no file of a package",
		strings.Replace(uri, " 100 ", " -1 ", 1) + sum: "no file", uri + sum + "\n" + uri + sum: "comes twice",
		strings.Replace(uri, " 100 ", " 9000000000 ", 1) + sum:            "more than 8589934592 bytes",
		strings.ReplaceAll(uri, "gen_1%3a2%2b3-1_amd64", "\x1b[2J") + sum: "no name",
	} {
		if _, err := parseURIs(text); err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
}

func FuzzParseURIs(f *testing.F) {
	f.Add(uri + strings.Repeat("a", 64) + "\n")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := parseURIs(text)
		if (err == nil) != (len(list.Entries()) > 0) {
			t.Fatalf("%v, %v", list, err)
		}
	})
}

func TestParagraphs(t *testing.T) {
	var got []paragraph
	err := paragraphs(bufio.NewReaderSize(strings.NewReader("Package: a\nSHA256: x\nFilename: pool/a\nDescription: "+strings.Repeat("long ", 1000)+"\n more\n\n\n\nPackage: b"), 16),
		func(p paragraph) { got = append(got, p) })
	if err != nil || len(got) != 2 || got[0].field("Package") != "a" || got[1].field("Package") != "b" || got[1].field("SHA256") != "" || got[0].field("Pack") != "" {
		t.Fatalf("%v, %q", err, got)
	}
	moved := got[0].withFile("./a.deb")
	if strings.Contains(moved, "pool") || !strings.HasSuffix(moved, "\n more\nFilename: ./a.deb\n\n") {
		t.Errorf("%q", moved)
	}
	if err := paragraphs(bufio.NewReader(strings.NewReader(strings.Repeat("x", maxParagraphBytes+1))), func(paragraph) {}); err == nil {
		t.Error("a paragraph without end is taken")
	}
}

func FuzzParagraphs(f *testing.F) {
	f.Add("Package: a\nVersion: 1\n\nPackage: b\n b\n")
	f.Fuzz(func(t *testing.T, text string) {
		_ = paragraphs(bufio.NewReader(strings.NewReader(text)), func(p paragraph) {
			if strings.Contains(string(p), "\n\n") || !strings.HasSuffix(string(p), "\n") {
				t.Fatalf("%q", p)
			}
		})
	})
}

func TestDebTime(t *testing.T) {
	dir := t.TempDir()
	header := "!<arch>\ndebian-binary   1700000000  0     0     100644  4         `\n2.0\n"
	for text, want := range map[string]int64{header: 1700000000, strings.Replace(header, "!", "?", 1): -1, header[:50]: -1, strings.Replace(header, "17", "xx", 1): -1} {
		got, err := debTime(testkit.Write(t, filepath.Join(dir, "x.deb"), text))
		if (err != nil) != (want < 0) || err == nil && got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	if _, err := debTime(filepath.Join(dir, "absent")); !os.IsNotExist(err) {
		t.Errorf("%v", err)
	}
}
