package knownfile

import (
	"bytes"
	"crypto/sha256"
	"path"

	"github.com/countermark/countermark/internal/digest"
)

// Fingerprint is what is remembered of a content.
type Fingerprint struct {
	SHA256 digest.SHA256
	Form   Form   // zero for what is no text, and for text of a few lines
	Serial Serial // of a file named *.m4, "" if it states none
}

// SketchSize is the number of samples in a Sketch.
const SketchSize = 24

// Form is a text without what looks like comment lines, and without white
// space. Two texts of one form can still mean different things: white space may
// matter, and a line that looks like a comment may be none. It is for finding
// the file that another one came from, never for accepting one.
type Form struct {
	Digest [16]byte // the first half of the SHA-256 of the lines that count
	Sketch Sketch
	Lines  int // that count: without comments, and not very short
}

// IsZero reports whether there is no form.
func (f Form) IsZero() bool { return f == Form{} }

// Sketch is a sample of a text's lines by which the share of lines that two
// texts have in common can be estimated: one-permutation minwise hashing (P.
// Li, A. Owen, C.-H. Zhang, 2012) with SketchSize bins, of which 8 bits are kept
// (P. Li, C. König, 2010). A byte of zero is an empty bin.
type Sketch [SketchSize]byte

// Compare returns how many bins of two sketches hold the same, and how many are
// not empty in both: the first over the second estimates the share of the lines
// of both that are in both.
func (s Sketch) Compare(other Sketch) (same, filled int) {
	for i := range s {
		switch {
		case s[i] == 0 && other[i] == 0:
			continue
		case s[i] == other[i]:
			same++
		}
		filled++
	}
	return same, filled
}

const (
	// minLineBytes is what a line must have, without white space, to be sampled:
	// shorter ones ("fi", "])", "else") are in every file.
	minLineBytes = 6
	// minLines is how many such lines a text must have to have a form.
	minLines = 4
	// serialLines is how far from its beginning a file may state its serial.
	serialLines = 20
)

// Take returns the fingerprint of the content of a file of the given name.
func Take(name string, content []byte) Fingerprint {
	f := Identify(name, content)
	if bytes.IndexByte(content, 0) < 0 {
		f.Form = formOf(content)
	}
	return f
}

// TakeAny is Take for a content that may hold zero bytes to hide its form: shells
// and make pass over them in a comment.
func TakeAny(name string, content []byte) Fingerprint {
	f := Identify(name, content)
	f.Form = formOf(content)
	return f
}

// Identify returns the fingerprint without its form, which costs most: enough to
// find a known file, and to compare serial numbers.
func Identify(name string, content []byte) Fingerprint {
	f := Fingerprint{SHA256: sha256.Sum256(content)}
	if path.Ext(name) == ".m4" { // aclocal minds no zero byte
		f.Serial = serialOf(content)
	}
	return f
}

func formOf(content []byte) Form {
	var form Form
	var least [SketchSize]uint64
	sum := sha256.New()
	line := make([]byte, 0, 256)
	for rest := content; len(rest) > 0; {
		raw := rest
		if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			raw, rest = rest[:i], rest[i+1:]
		} else {
			rest = nil
		}
		if isComment(raw) {
			continue
		}
		line = line[:0]
		for _, c := range raw {
			if c != ' ' && c != '\t' && c != '\r' && c != '\f' && c != '\v' && c != 0 {
				line = append(line, c)
			}
		}
		_, _ = sum.Write(line)
		if len(line) < minLineBytes {
			continue
		}
		form.Lines++
		h := hashLine(line)
		if bin := &least[h%SketchSize]; *bin == 0 || h/SketchSize < *bin {
			*bin = h / SketchSize
		}
	}
	if form.Lines < minLines {
		return Form{}
	}
	copy(form.Digest[:], sum.Sum(nil))
	for i, h := range least {
		if form.Sketch[i] = byte(h); h != 0 && form.Sketch[i] == 0 {
			form.Sketch[i] = 1
		}
	}
	return form
}

// isComment reports whether a line looks like nothing but a comment in m4 or
// shell ("dnl …", "# …"). What C's preprocessor reads ("#include") and what names
// an interpreter ("#!/bin/sh") does not look so.
func isComment(line []byte) bool {
	line = bytes.TrimLeft(line, " \t")
	if rest, ok := bytes.CutPrefix(line, []byte("dnl")); ok {
		return len(rest) == 0 || rest[0] == ' ' || rest[0] == '\t' || rest[0] == '\r'
	}
	if len(line) == 0 || line[0] != '#' {
		return false
	}
	return len(line) == 1 || bytes.IndexByte([]byte(" \t\r#"), line[1]) >= 0
}

// hashLine is FNV-1a (RFC 9923) with the finalizer of MurmurHash3, whose every
// output bit depends on every input bit.
func hashLine(line []byte) uint64 {
	h := uint64(0xcbf29ce484222325)
	for _, c := range line {
		h = (h ^ uint64(c)) * 0x100000001b3
	}
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// serialOf returns the highest serial number that an m4 file states, "" if none:
// "# serial 42" on any line, as aclocal reads it (its $serial_line_rx), and near
// the beginning also as people write it, "# gettext.m4 serial 42 (gettext-1.0)"
// or "dnl … serial 42".
func serialOf(content []byte) Serial {
	highest := Serial("")
	for number := 0; len(content) > 0; number++ {
		line, rest, _ := bytes.Cut(content, []byte("\n"))
		content = rest
		if len(line) == 0 || line[0] != '#' && (number >= serialLines || !bytes.HasPrefix(line, []byte("dnl"))) {
			continue
		}
		if serial, ok := serialIn(line, number < serialLines); ok && serial.Compare(highest) > 0 {
			highest = serial
		}
	}
	return highest
}

// serialIn reads the serial number in a comment line. Strictly it is its first
// word.
func serialIn(line []byte, loose bool) (Serial, bool) {
	for rest := bytes.TrimLeft(line, "#"); ; {
		var word []byte
		word, rest = cutWord(rest)
		if string(word) == "serial" {
			number, _ := cutWord(rest)
			return ParseSerial(string(bytes.TrimRight(number, ",;")))
		}
		if !loose || len(word) == 0 {
			return "", false
		}
	}
}

// cutWord takes the first word, between what Perl's \s matches, off a line.
func cutWord(line []byte) (word, rest []byte) {
	const space = " \t\n\r\f\v"
	line = bytes.TrimLeft(line, space)
	if i := bytes.IndexAny(line, space); i >= 0 {
		return line[:i], line[i:]
	}
	return line, nil
}
