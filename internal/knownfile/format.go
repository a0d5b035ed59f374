package knownfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/countermark/countermark/internal/digest"
)

// header begins an index file: the format and its version.
const header = "countermark-index 1\n"

// Limits of an index file (docs/spec/index.md, "Limits").
const (
	MaxFileBytes = 256 << 20 // a hundred times what comes with countermark
	maxNameBytes = 64        // of a tool's name, a version or a serial number
	maxPathBytes = 4096      // Linux's PATH_MAX

	maxAllPathBytes = 256 << 20 // of all paths written out, which share what they begin with

	maxEntries = 8 << 20 // of each table
	maxOrigins = 1 << 16 // of one content
	maxLines   = 1 << 30 // of one form
)

// Marshal returns the index file.
func (x *Index) Marshal() []byte {
	e := encoder{out: []byte(header)}
	e.number(len(x.tools))
	for _, tool := range x.tools {
		e.text(tool)
	}
	e.number(len(x.releases))
	for _, r := range x.releases {
		e.number(int(r.tool))
		e.text(r.version)
	}
	e.number(len(x.paths))
	before := ""
	for _, p := range x.paths {
		shared := sharedPrefix(before, p)
		e.number(shared)
		e.text(p[shared:])
		before = p
	}
	e.number(len(x.serials))
	for _, s := range x.serials {
		e.text(string(s))
	}
	e.number(len(x.forms))
	for _, f := range x.forms {
		e.out = append(append(e.out, f.Digest[:]...), f.Sketch[:]...)
		e.number(f.Lines)
	}
	e.number(len(x.records))
	for _, r := range x.records {
		e.record(r)
	}
	sum := sha256.Sum256(e.out)
	return append(e.out, sum[:]...)
}

func sharedPrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

type encoder struct{ out []byte }

func (e *encoder) number(n int) { e.out = binary.AppendUvarint(e.out, uint64(n)) }

func (e *encoder) text(s string) {
	e.number(len(s))
	e.out = append(e.out, s...)
}

func (e *encoder) record(r record) {
	e.out = append(e.out, r.sum[:]...)
	e.number(int(r.form) + 1)
	e.number(int(r.serial) + 1)
	e.number(len(r.origins))
	for _, o := range r.origins {
		e.number(int(o.path))
		e.number(int(o.first))
		e.number(int(o.last - o.first))
	}
}

// Parse reads an index file: a header, tables of tools, releases, paths, serial
// numbers and forms, one record for each content, and the SHA-256 of all that.
// It accepts only what Marshal writes, and takes memory in proportion to data, and
// maxAllPathBytes. The error says which rule of the format is broken.
func Parse(data []byte) (*Index, error) {
	if len(data) > MaxFileBytes {
		return nil, fmt.Errorf("the index has %d bytes, at most %d are read", len(data), MaxFileBytes)
	}
	if !bytes.HasPrefix(data, []byte(header)) {
		return nil, fmt.Errorf("the index is of another version: it does not begin with %q", header)
	}
	body := data[:max(len(header), len(data)-sha256.Size)]
	if sum := sha256.Sum256(body); !bytes.Equal(sum[:], data[len(body):]) {
		return nil, errors.New("the index is damaged: its last 32 bytes are not the SHA-256 of the rest; make it anew")
	}
	d := &decoder{all: body, rest: body[len(header):]}
	x := d.index()
	if len(d.rest) > 0 {
		d.fail("bytes after the last record")
	}
	if d.err == nil {
		d.err = x.check()
	}
	if d.err != nil {
		return nil, fmt.Errorf("the index is damaged: %w", d.err)
	}
	x.prepare()
	return x, nil
}

// decoder takes one value after the other. After the first error it takes none.
type decoder struct {
	all, rest []byte
	err       error
	spare     []origin // room for the origins of records to come
}

// spareOrigins is how many origins are made room for at once.
const spareOrigins = 4096

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("byte %d: %s", len(d.all)-len(d.rest), fmt.Sprintf(format, args...))
		d.rest = nil
	}
}

// number takes a number of at most limit, in its shortest form.
func (d *decoder) number(limit int) int {
	v, n := binary.Uvarint(d.rest)
	switch {
	case d.err != nil:
		return 0
	case n <= 0 || n > 1 && d.rest[n-1] == 0:
		d.fail("no number in its shortest form")
		return 0
	case limit < 0 || v > uint64(limit):
		d.fail("the number %d, at most %d was expected", v, limit)
		return 0
	}
	d.rest = d.rest[n:]
	return int(v)
}

// count takes the length of a table whose entries have at least least bytes, so
// that no memory is taken for entries that cannot be there.
func (d *decoder) count(least int) int { return d.number(min(maxEntries, len(d.rest)/least)) }

func (d *decoder) bytes(n int) []byte {
	if d.err == nil && n > len(d.rest) {
		d.fail("%d bytes were expected, %d are left", n, len(d.rest))
	}
	if d.err != nil {
		return make([]byte, n) // n is within a limit
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) text(limit int) string { return string(d.bytes(d.number(limit))) }

func (d *decoder) index() *Index {
	x := &Index{tools: make([]string, d.count(2))}
	for i := range x.tools {
		x.tools[i] = d.text(maxNameBytes)
	}
	x.releases = make([]release, d.count(2))
	for i := range x.releases {
		x.releases[i] = release{int32(d.number(len(x.tools) - 1)), d.text(maxNameBytes)}
	}
	x.paths = make([]string, d.count(2))
	before, total := "", 0
	for i := range x.paths {
		shared := d.number(len(before))
		p := before[:shared] + d.text(maxPathBytes-shared)
		if sharedPrefix(before, p) != shared {
			d.fail("the path %q shares more with the one before it than is stated", p)
		}
		if total += len(p); total > maxAllPathBytes {
			d.fail("the paths have more than %d bytes together", maxAllPathBytes)
		}
		x.paths[i], before = p, p
	}
	x.serials = make([]Serial, d.count(2))
	for i := range x.serials {
		x.serials[i] = Serial(d.text(maxNameBytes))
	}
	x.forms = make([]Form, d.count(len(Form{}.Digest)+SketchSize+1))
	for i := range x.forms {
		copy(x.forms[i].Digest[:], d.bytes(len(Form{}.Digest)))
		copy(x.forms[i].Sketch[:], d.bytes(SketchSize))
		x.forms[i].Lines = d.number(maxLines)
	}
	x.records = make([]record, d.count(sha256.Size+3))
	for i := range x.records {
		x.records[i] = d.record(x)
	}
	return x
}

func (d *decoder) record(x *Index) record {
	r := record{sum: digest.SHA256(d.bytes(sha256.Size))}
	r.form = int32(d.number(len(x.forms))) - 1
	r.serial = int32(d.number(len(x.serials))) - 1
	n := min(d.number(maxOrigins), len(d.rest)/3+1)
	if n > len(d.spare) {
		d.spare = make([]origin, max(n, spareOrigins))
	}
	r.origins, d.spare = d.spare[:n:n], d.spare[n:]
	for i := range r.origins {
		o := &r.origins[i]
		o.path = int32(d.number(len(x.paths) - 1))
		o.first = int32(d.number(len(x.releases) - 1))
		o.last = o.first + int32(d.number(len(x.releases)-1-int(o.first)))
	}
	return r
}
