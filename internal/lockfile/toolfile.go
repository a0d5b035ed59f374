package lockfile

import (
	"fmt"
	"strings"

	"github.com/countermark/countermark/internal/escape"
)

// toolFileKeyword begins the lines that accept a tool's files.
const toolFileKeyword = "accept-tool-file"

// maxWordBytes is the longest name of a tool, the longest of its versions, and
// the longest fingerprint of a key: that of OpenPGP's version 6.
const maxWordBytes = 64

// toolFile takes one line that accepts a tool's files; it must sort after the
// ones before.
func (p *parser) toolFile(before []ToolFile) ToolFile {
	line := p.next()
	fields := strings.SplitN(line, " ", 6)
	if p.err != nil {
		return ToolFile{}
	}
	if len(fields) != 6 || fields[0] != toolFileKeyword {
		p.fail("found %s, expected \"%s CLASS TOOL VERSION MODE PATH\"", excerpt(line), toolFileKeyword)
		return ToolFile{}
	}
	t := ToolFile{Class: p.class(fields[1]), Tool: p.word(fields[2]), MinVersion: p.word(fields[3]), Mode: p.mode(fields[4]), Path: fields[5]}
	if dir, isDir := strings.CutSuffix(t.Path, "/"); !isDir || dir != "" {
		p.path(dir)
	}
	if p.err != nil {
		return ToolFile{}
	}
	if err := t.check(); err != nil {
		p.fail("%v", err)
	}
	if len(before) > 0 && before[len(before)-1].Path >= t.Path {
		p.fail("the path %s is out of order, or occurs twice: paths are sorted by their bytes", escape.Quote(t.Path))
	}
	return t
}

// check reports whether class and mode are those that a tool's file can have.
func (t ToolFile) check() error {
	switch {
	case t.Class != Added && t.Class != Changed:
		return fmt.Errorf("a tool's file is added or changed, not %v", t.Class)
	case t.Mode != 0o100644 && t.Mode != 0o100755:
		return fmt.Errorf("a tool's file has the mode 100644 or 100755")
	}
	return nil
}

// word reads the name of a tool, or a version: printable ASCII without spaces.
func (p *parser) word(s string) string {
	if !isWord(s) {
		p.fail("found %s, expected a name or version of 1 to %d printable ASCII characters without space", excerpt(s), maxWordBytes)
	}
	return s
}

func isWord(s string) bool {
	return s != "" && len(s) <= maxWordBytes && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
