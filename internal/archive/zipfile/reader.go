// Package zipfile reads zips (PKWARE's APPNOTE.TXT 6.3.10; section numbers in
// this package are its) as one sequence of records without gap or overlap, in
// which everything that is said twice is said alike. A zip says what it holds
// three times: in local headers, in data descriptors, and in the central
// directory; readers that believe one and readers that believe another unpack
// different files. What is accepted is specified in docs/spec/zip.md.
//
// Not read: zip64, encryption, several disks, methods other than stored and
// deflate. Not checked: times, owners, and the bits that deflate leaves unused.
package zipfile

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/flate"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/tree"
)

// Signatures of zip's records (the section of each).
const (
	localSignature      = "PK\x03\x04" // 4.3.7
	descriptorSignature = "PK\x07\x08" // 4.3.9.3
	centralSignature    = "PK\x01\x02" // 4.3.12
	zip64PlaceSignature = "PK\x06\x07" // 4.3.15, the locator
	endSignature        = "PK\x05\x06" // 4.3.16
)

const (
	signatureBytes = 4
	// bufferBytes is how much of a zip is read, and inflated, at once.
	bufferBytes = 64 << 10
	// maxNameBytes bounds the names of a zip together.
	maxNameBytes = 256 << 20
)

// ErrChanged says that two reads of one file do not agree. Callers may test for it.
var ErrChanged = errors.New("the zip was changed while it was read")

// Member is a file, directory or symbolic link of a zip.
type Member struct {
	Name   string // as the zip spells it, a directory's final slash included
	Target string // of a symbolic link
	Offset int64  // of its local header
	Size   int64  // bytes of content; of a link, of its target
	Perm   uint16 // the twelve permission bits; 0644 if the zip states none
	Kind   tree.Kind
	Exec   tree.Exec
}

// Sink takes the members of a zip, in order.
type Sink interface {
	// Begin takes a member. If it is a tree.File, Content follows for each
	// part of its content, and End.
	Begin(Member) error
	// Content takes the next bytes of the file's content, valid during the call only.
	Content([]byte)
	// End says that size and CRC of the content were as the zip says.
	End()
}

// Reader reads the members of a zip. Not safe for concurrent use.
type Reader struct {
	directoryHash digest.SHA256 // of the directory and the end record, as judged
	embedded      digest.ObjectID
	end           endRecord
	entries       []entry // in the directory's order, which is the file's

	stream   *bufio.Reader // the file, from position on
	failure  *failureReader
	position int64
	sink     Sink
	packed   *bufio.Reader // the current member's compressed bytes
	inflater io.ReadCloser
	buffer   []byte
}

// Open reads the central directory of the zip in file, and judges all that can
// be judged there. Errors: *refusal.Refusal, or file's own.
func Open(file *io.SectionReader) (*Reader, error) {
	z := &Reader{}
	if err := z.readEnd(file); err != nil {
		return nil, err
	}
	if err := z.readDirectory(file); err != nil {
		return nil, err
	}
	return z, nil
}

// Embedded returns the archive comment, if it is the full object id that git
// archive writes there; else the zero id.
func (z *Reader) Embedded() digest.ObjectID { return z.embedded }

// UncompressedBytes returns the size of all contents together. No more than
// that is ever unpacked: a member that turns out longer than it says is refused.
func (z *Reader) UncompressedBytes() int64 {
	total := int64(0)
	for i := range z.entries {
		total += int64(z.entries[i].size)
	}
	return total
}

// ModulePrefix returns the directory of a Go module zip, MODULE@VERSION, which
// holds every member (go.dev/ref/mod, "Module zip files"); "" if this is none.
// A module path may have several components; a version begins with v.
func (z *Reader) ModulePrefix() string {
	if len(z.entries) == 0 {
		return ""
	}
	module, rest, _ := strings.Cut(z.entries[0].name, "@v")
	version, _, found := strings.Cut(rest, "/")
	if module == "" || version == "" || !found || strings.Contains(module, "@") {
		return ""
	}
	prefix := module + "@v" + version
	for i := range z.entries {
		if !strings.HasPrefix(z.entries[i].name, prefix+"/") {
			return ""
		}
	}
	return prefix
}

// Read goes over the whole file once more, which file gives from its first
// byte to its end, and holds each record against the directory. It is called
// once. Errors: *refusal.Refusal, ErrChanged, ctx's, the sink's or file's own.
func (z *Reader) Read(ctx context.Context, file io.Reader, sink Sink) error {
	z.sink = sink
	z.failure = &failureReader{r: file}
	z.stream = bufio.NewReaderSize(z.failure, bufferBytes)
	z.packed = bufio.NewReaderSize(nil, bufferBytes)
	z.inflater = flate.NewReader(z.packed)
	z.buffer = make([]byte, bufferBytes)
	for i := range z.entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := z.member(ctx, &z.entries[i]); err != nil {
			return at(err, int64(z.entries[i].offset), z.entries[i].name)
		}
	}
	return z.readTail()
}

// member reads one member: its local header, its content, and its data
// descriptor if it has one.
func (z *Reader) member(ctx context.Context, e *entry) error {
	if err := z.checkPosition(int64(e.offset)); err != nil {
		return err
	}
	if err := z.readLocal(e); err != nil {
		return err
	}
	if err := z.fits(int64(e.packed) + e.descriptorBytes()); err != nil {
		return err
	}
	if err := z.collect(ctx, e); err != nil {
		return err
	}
	return z.readDescriptor(e)
}

// collect gives the member and its content to the sink.
func (z *Reader) collect(ctx context.Context, e *entry) error {
	m, err := e.member()
	if err != nil {
		return err
	}
	switch m.Kind {
	case tree.File:
		if err := z.sink.Begin(m); err != nil {
			return err
		}
		if err := z.content(ctx, e, z.sink.Content); err != nil {
			return err
		}
		z.sink.End()
		return nil
	case tree.Symlink:
		if m.Size > tree.MaxPathBytes {
			return refusal.New(refusal.NamePath, "the link's target has %d bytes, at most %d are accepted", m.Size, tree.MaxPathBytes)
		}
		var target []byte
		if err := z.content(ctx, e, func(p []byte) { target = append(target, p...) }); err != nil {
			return err
		}
		m.Target = string(target)
	}
	return z.sink.Begin(m)
}

// fits refuses a part of a member that would reach into the central directory.
// What fits is there: the file is longer, as long as nobody changes it.
func (z *Reader) fits(bytes int64) error {
	if rest := z.end.directoryOffset - z.position; bytes > rest {
		return refusal.New(refusal.ZipGap, "the member says that %d more bytes belong to it, but the central directory begins after %d", bytes, rest)
	}
	return nil
}

// checkPosition refuses bytes between the end of one record and the place
// where the directory says that the next begins, and records that overlap.
func (z *Reader) checkPosition(next int64) error {
	if next == z.position {
		return nil
	}
	place := z.position
	if next < place {
		return refusal.New(refusal.ZipGap, "the record begins at byte %d, inside the record before it, which ends at %d", next, place)
	}
	head, err := z.stream.Peek(signatureBytes)
	if err != nil {
		return z.changed(err)
	}
	if string(head) == localSignature {
		return refusal.New(refusal.ZipLocal, "a local header that the central directory does not list").At(place, "")
	}
	return refusal.New(refusal.ZipGap, "%d bytes that belong to no record", next-place).At(place, "")
}

// readTail reads the rest of the file, which must be the directory and the
// end record that were judged when the zip was opened.
func (z *Reader) readTail() error {
	if err := z.checkPosition(z.end.directoryOffset); err != nil {
		return at(err, z.end.directoryOffset, "")
	}
	h := sha256.New()
	if _, err := io.Copy(h, z.stream); err != nil {
		return z.changed(err)
	}
	if digest.SHA256(h.Sum(nil)) != z.directoryHash {
		return ErrChanged
	}
	return nil
}

// changed turns the error of a read inside the file's known size into what
// happened: the input's own error, or a file that has become shorter.
func (z *Reader) changed(err error) error {
	if z.failure.err != nil {
		return fmt.Errorf("reading the zip: %w", z.failure.err)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrChanged
	}
	return err
}

// failureReader remembers the error that its reader failed with.
type failureReader struct {
	r   io.Reader
	err error
}

func (f *failureReader) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = err
	}
	return n, err
}

// at adds a place to the refusal that err is.
func at(err error, offset int64, name string) error {
	if r, ok := errors.AsType[*refusal.Refusal](err); ok {
		return r.At(offset, name)
	}
	return err
}
