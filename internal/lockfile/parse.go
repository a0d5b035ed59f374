package lockfile

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/tree"
)

// header is the first line: the format and its version.
const header = "countermark-lock 1"

// Parse reads a lock file. The error is a *ParseError.
func Parse(data []byte) (*Lock, error) {
	p := parser{rest: data}
	if len(data) > MaxFileBytes {
		return nil, &ParseError{1, fmt.Sprintf("the file has %d bytes, at most %d are accepted", len(data), MaxFileBytes)}
	}
	l := &Lock{}
	p.header()
	l.Repository = p.text("repository", checkRepository)
	l.TagPattern = p.text("tag", CheckPattern)
	l.Root = p.sum("root")
	l.TagKeys = p.keys(tagKeyword)
	l.ArchiveKeys = p.keys(archiveKeyword)
	l.Verified = p.verified()
	for p.err == nil && len(p.rest) > 0 && !bytes.HasPrefix(p.rest, []byte(toolFileKeyword)) {
		l.Accepted = append(l.Accepted, p.accept(l.Accepted))
	}
	for p.err == nil && len(p.rest) > 0 {
		l.ToolFiles = append(l.ToolFiles, p.toolFile(l.ToolFiles))
	}
	if p.err != nil {
		return nil, p.err
	}
	return l, nil
}

// parser takes one line after the other. After the first error it takes none.
type parser struct {
	rest []byte
	line int
	err  error
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = &ParseError{p.line, fmt.Sprintf(format, args...)}
	}
}

// next takes one line without its end.
func (p *parser) next() string {
	if p.err != nil {
		return ""
	}
	p.line++
	line, rest, found := bytes.Cut(p.rest, []byte("\n"))
	if !found {
		p.fail("the file ends without a line end, or before the line that is expected here")
		return ""
	}
	p.rest = rest
	return string(line)
}

func (p *parser) header() {
	if line := p.next(); p.err == nil && line != header {
		p.fail("found %s, expected %q", excerpt(line), header)
	}
}

// value takes the line "KEYWORD VALUE" and returns its value, "" for "-".
func (p *parser) value(keyword string) string {
	line := p.next()
	value, found := strings.CutPrefix(line, keyword+" ")
	switch {
	case p.err != nil:
	case !found || value == "":
		p.fail("found %s, expected %q, a space and a value or \"-\"", excerpt(line), keyword)
	case value != "-":
		return value
	}
	return ""
}

// text takes a line whose value, if any, check accepts.
func (p *parser) text(keyword string, check func(string) error) string {
	value := p.value(keyword)
	if value == "" || p.err != nil {
		return ""
	}
	if err := check(value); err != nil {
		p.fail("%v", err)
		return ""
	}
	return value
}

func (p *parser) sum(keyword string) digest.SHA256 {
	value := p.value(keyword)
	if value == "" || p.err != nil {
		return digest.SHA256{}
	}
	d, err := digest.ParseSHA256(value)
	switch {
	case err != nil:
		p.fail("found %s, expected 64 lower-case hexadecimal digits", excerpt(value))
	case d.IsZero():
		p.fail("%s is all zeros, which is no digest; none is written \"-\"", keyword)
	}
	return d
}

func (p *parser) objectID(keyword string) digest.ObjectID {
	value := p.value(keyword)
	if value == "" || p.err != nil {
		return digest.ObjectID{}
	}
	id, err := digest.ParseObjectID(value)
	switch {
	case err != nil:
		p.fail("found %s, expected a full object id of 40 or 64 lower-case hexadecimal digits", excerpt(value))
	case id.IsNull():
		p.fail("%s is all zeros, which is no object; none is written \"-\"", keyword)
	}
	return id
}

// verified takes the lines about the last verified release.
func (p *parser) verified() *Verified {
	v := &Verified{Version: p.text("verified", CheckVersion)}
	if v.Version == "" || p.err != nil {
		return nil
	}
	v.Ref = p.text("verified-ref", checkRef)
	v.Tag = p.objectID("verified-tag")
	if !v.Tag.IsZero() && v.Ref == "" {
		p.fail("a tag object without a ref")
	}
	v.Commit = p.objectID("verified-commit")
	if p.err == nil && v.Commit.IsZero() {
		p.fail("the commit is missing")
	}
	v.Tree = p.objectID("verified-tree")
	if p.err == nil && (v.Tree.Format() != v.Commit.Format() || !v.Tag.IsZero() && v.Tag.Format() != v.Commit.Format()) {
		p.fail("the ids of tag, commit and tree are not of one object format")
	}
	v.Archive = p.sum("verified-archive")
	if p.err == nil && v.Archive.IsZero() {
		p.fail("the archive's digest is missing")
	}
	v.Tar = p.sum("verified-tar")
	return v
}

// accept takes one accepted difference, which must sort after the ones before.
func (p *parser) accept(before []Accepted) Accepted {
	line := p.next()
	fields := strings.SplitN(line, " ", 5)
	if p.err != nil {
		return Accepted{}
	}
	if len(fields) != 5 || fields[0] != "accept" {
		p.fail("found %s, expected \"accept CLASS BLOB MODE PATH\"", excerpt(line))
		return Accepted{}
	}
	a := Accepted{Class: p.class(fields[1]), Blob: p.blob(fields[2]), Mode: p.mode(fields[3]), Path: p.path(fields[4])}
	if p.err != nil {
		return Accepted{}
	}
	if len(before) > 0 {
		switch order := strings.Compare(string(before[len(before)-1].Path), string(a.Path)); {
		case order == 0:
			p.fail("the path %s is accepted twice", escape.Quote(string(a.Path)))
		case order > 0:
			p.fail("the path %s is out of order: paths are sorted by their bytes", escape.Quote(string(a.Path)))
		}
	}
	if err := a.check(); err != nil {
		p.fail("%v", err)
	}
	return a
}

// check reports whether blob and mode are those that the class has.
func (a Accepted) check() error {
	content := a.Mode == 0o100644 || a.Mode == 0o100755 || a.Mode == 0o120000
	switch {
	case a.Class == Missing || a.Class == Special:
		if !a.Blob.IsZero() || a.Mode != 0 {
			return fmt.Errorf("a %v path has neither blob nor mode: expected \"- -\"", a.Class)
		}
	case a.Mode == 0o040000 && a.Blob.IsZero() && (a.Class == Added || a.Class == Changed):
	case a.Mode == 0o120000 && (a.Class == Mode || a.Class == FilteredRefs):
		return fmt.Errorf("a symbolic link cannot be %v", a.Class)
	case a.Blob.IsZero() || !content:
		return fmt.Errorf("a path that is %v has a blob, and a mode of 100644, 100755 or 120000", a.Class)
	}
	return nil
}

func (p *parser) class(s string) Class {
	for c, name := range classNames {
		if name != "" && name == s {
			return Class(c)
		}
	}
	p.fail("the class %s is none of %s", excerpt(s), strings.Join(classNames[1:], ", "))
	return 0
}

func (p *parser) blob(s string) digest.ObjectID {
	if s == "-" {
		return digest.ObjectID{}
	}
	id, err := digest.ParseObjectID(s)
	if err != nil || id.Format() != digest.SHA256Format || id.IsNull() {
		p.fail("the blob id %s is not 64 lower-case hexadecimal digits, or all zeros", excerpt(s))
	}
	return id
}

func (p *parser) mode(s string) uint32 {
	switch s {
	case "-":
		return 0
	case "100644":
		return 0o100644
	case "100755":
		return 0o100755
	case "120000":
		return 0o120000
	case "040000":
		return 0o040000
	}
	p.fail("the mode %s is none of 100644, 100755, 120000, 040000", excerpt(s))
	return 0
}

func (p *parser) path(s string) tree.Path {
	path, err := tree.ParsePath(s)
	var r *refusal.Refusal
	switch {
	case errors.As(err, &r):
		p.fail("the path %s breaks %s: %s", excerpt(s), r.Rule, escape.Sentence(r.Detail))
	case err != nil:
		p.fail("the path %s: %v", excerpt(s), err)
	}
	return path
}

// excerpt quotes foreign text for a message, cut to a readable length.
func excerpt(s string) string {
	const most = 80
	if len(s) > most {
		return escape.Quote(s[:most]) + "…"
	}
	return escape.Quote(s)
}
