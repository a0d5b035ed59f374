package debian

import (
	"bufio"
	"errors"
	"io"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/packagelist"
)

// maxParagraphBytes of an index describe one package; the longest of Debian 12
// has 12 kB.
const maxParagraphBytes = 1 << 20

// paragraph describes one package of an index (Debian Policy 5.1): lines
// "Field: value" and, indented, their continuation, each ended by a line feed.
type paragraph string

// paragraphs gives out the paragraphs of an index one by one.
func paragraphs(r *bufio.Reader, each func(paragraph)) error {
	var b strings.Builder
	for begins := true; ; { // a line, not what is left of one that was longer than r's buffer
		line, err := r.ReadSlice('\n')
		if b.Len()+len(line) > maxParagraphBytes {
			return errors.New("a package's description is too long")
		}
		if begins && string(line) == "\n" || err == io.EOF {
			if b.Write(line); strings.TrimSpace(b.String()) != "" {
				each(paragraph(strings.TrimRight(b.String(), "\n") + "\n"))
			}
			b.Reset()
		} else {
			b.Write(line)
		}
		begins = err == nil
		if err == io.EOF {
			return nil
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}

// field returns the value of a field, "" if it is not there.
func (p paragraph) field(name string) string {
	for line := range strings.Lines(string(p)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// entry returns the package that is described.
func (p paragraph) entry() (packagelist.Entry, bool) {
	d, err := digest.ParseSHA256(p.field("SHA256"))
	return packagelist.Entry{Name: p.field("Package"), Version: p.field("Version"), Architecture: p.field("Architecture"), SHA256: d}, err == nil
}

// withFile returns the paragraph for a file that lies elsewhere, and the empty
// line that ends it.
func (p paragraph) withFile(path string) string {
	var b strings.Builder
	for line := range strings.Lines(string(p)) {
		if !strings.HasPrefix(line, "Filename:") {
			b.WriteString(line)
		}
	}
	return b.String() + "Filename: " + path + "\n\n"
}
