package archive

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
	"github.com/countermark/countermark/internal/envelope"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/tree"
)

// Signatures of zip's records (APPNOTE.TXT 6.3.10, the section of each).
const (
	localSignature      = "PK\x03\x04" // 4.3.7
	descriptorSignature = "PK\x07\x08" // 4.3.9.3
	centralSignature    = "PK\x01\x02" // 4.3.12
	zip64PlaceSignature = "PK\x06\x07" // 4.3.15, the locator
	endSignature        = "PK\x05\x06" // 4.3.16
)

const (
	signatureBytes = 4
	// zipBufferBytes is how much of a zip is read, and inflated, at once.
	zipBufferBytes = 64 << 10
)

// randomAccess is what a zip is read from: a regular file, or bytes in memory.
type randomAccess interface {
	io.ReaderAt
	io.Seeker
}

// sniffZip reports whether r begins as a zip does, with a local header or, if
// it has no member, with its end record (APPNOTE.TXT 4.3.6). All bytes of r
// are still to be read from rest.
func sniffZip(r io.Reader) (isZip bool, rest io.Reader, err error) {
	head := make([]byte, signatureBytes)
	if file, begin, ok := place(r); ok {
		n, err := file.ReadAt(head, begin)
		if err != nil && !errors.Is(err, io.EOF) {
			return false, nil, fmt.Errorf("reading the first bytes: %w", err)
		}
		return isZipHead(head[:n]), r, nil
	}
	stream := bufio.NewReaderSize(r, zipBufferBytes)
	head, err = stream.Peek(signatureBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, nil, fmt.Errorf("reading the first bytes: %w", err)
	}
	return isZipHead(head), stream, nil
}

func isZipHead(head []byte) bool {
	return string(head) == localSignature || string(head) == endSignature
}

// place returns r's random access and r's position in it; false if r is a
// stream, as pipes are although their type can seek.
func place(r io.Reader) (randomAccess, int64, bool) {
	file, ok := r.(randomAccess)
	if !ok {
		return nil, 0, false
	}
	begin, err := file.Seek(0, io.SeekCurrent)
	return file, begin, err == nil
}

// zipReader reads the members of a zip. Opening it reads the central directory
// and judges all that can be judged there; read then goes over the whole file
// from its first byte to its last, once, and holds each record against it.
type zipReader struct {
	file     *io.SectionReader
	options  Options
	embedded digest.ObjectID // from the archive comment
	end      endRecord
	entries  []zipEntry    // in the directory's order, which is the file's
	tail     digest.SHA256 // of the directory and the end record, as judged

	stream   *bufio.Reader // the file, from position on
	failure  *failureReader
	position int64
	packed   *bufio.Reader // the current member's compressed bytes
	inflater io.ReadCloser
	buffer   []byte
}

// openZip reads the central directory of the zip in r.
func openZip(r io.Reader, o Options) (*zipReader, error) {
	if err := envelope.CheckName(o.Envelope.Name, envelope.Zip); err != nil {
		return nil, err
	}
	file, begin, ok := place(r)
	if !ok {
		return nil, ErrNotSeekable
	}
	end, err := file.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = file.Seek(begin, io.SeekStart)
	}
	if err != nil {
		return nil, fmt.Errorf("finding the size of the zip: %w", err)
	}
	z := &zipReader{file: io.NewSectionReader(file, begin, end-begin), options: o}
	if err := z.readEnd(); err != nil {
		return nil, err
	}
	if err := z.readDirectory(); err != nil {
		return nil, err
	}
	return z, z.checkLimits()
}

// checkLimits judges the sizes that the directory states. No member is ever
// inflated beyond its stated size, so this bounds what comes out.
func (z *zipReader) checkLimits() error {
	l := z.options.Envelope.Limits.WithDefaults()
	total := int64(0)
	for i := range z.entries {
		total += int64(z.entries[i].size)
	}
	switch {
	case total > l.MaxUncompressedBytes:
		return refusal.New(refusal.TarTooBig, "the files have %d bytes together, the limit is %d", total, l.MaxUncompressedBytes)
	case total > l.RatioFreeBytes && total/l.MaxRatio > z.file.Size():
		return refusal.New(refusal.ZRatio, "the %d bytes of the zip expand to %d, more than %d times as much, the limit", z.file.Size(), total, l.MaxRatio)
	}
	return nil
}

// read reads all members into c, and the file to its end.
func (z *zipReader) read(ctx context.Context, c *collector) (*Contents, error) {
	if !c.prefixSet {
		c.prefix = z.modulePrefix()
		c.prefixSet = c.prefix != ""
	}
	sum := sha256.New()
	whole := io.NewSectionReader(z.file, 0, z.file.Size())
	ahead := envelope.NewAhead(countingReader(whole, z.options.Progress), sum)
	defer ahead.Close()
	z.failure = &failureReader{r: ahead}
	z.stream = bufio.NewReaderSize(z.failure, zipBufferBytes)
	z.packed = bufio.NewReaderSize(nil, zipBufferBytes)
	z.inflater = flate.NewReader(z.packed)
	z.buffer = make([]byte, zipBufferBytes)
	for i := range z.entries {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := z.member(ctx, c, &z.entries[i]); err != nil {
			return nil, at(err, int64(z.entries[i].offset), z.entries[i].name)
		}
	}
	if err := z.readTail(); err != nil {
		return nil, err
	}
	out := &Contents{Format: envelope.Zip, Dialect: "zip", Decoder: "go deflate", FileBytes: z.file.Size()}
	sum.Sum(out.SHA256[:0])
	return out, nil
}

// modulePrefix returns the directory of a Go module zip, MODULE@VERSION, which
// holds every member (go.dev/ref/mod, "Module zip files"); "" if this is none.
// A module path may have several components; a version begins with v.
func (z *zipReader) modulePrefix() string {
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

// member reads one member: its local header, its content, and its data
// descriptor if it has one.
func (z *zipReader) member(ctx context.Context, c *collector, e *zipEntry) error {
	if err := z.checkPosition(int64(e.offset)); err != nil {
		return err
	}
	if err := z.readLocal(e); err != nil {
		return err
	}
	if err := z.fits(int64(e.packed) + e.descriptorBytes()); err != nil {
		return err
	}
	if err := z.collect(ctx, c, e); err != nil {
		return err
	}
	return z.readDescriptor(e)
}

// collect reads the member's content into c.
func (z *zipReader) collect(ctx context.Context, c *collector, e *zipEntry) error {
	m, err := e.member()
	if err != nil {
		return err
	}
	switch m.kind {
	case tree.File:
		if err := c.begin(m); err != nil {
			return err
		}
		if err := z.content(ctx, e, c.content); err != nil {
			return err
		}
		c.end()
		return nil
	case tree.Symlink:
		if m.size > tree.MaxPathBytes {
			return refusal.New(refusal.NamePath, "the link's target has %d bytes, at most %d are accepted", m.size, tree.MaxPathBytes)
		}
		var target []byte
		if err := z.content(ctx, e, func(p []byte) { target = append(target, p...) }); err != nil {
			return err
		}
		m.target = string(target)
	}
	return c.begin(m)
}

// fits refuses a part of a member that would reach into the central directory.
// What fits is there: the file is longer, as long as nobody changes it.
func (z *zipReader) fits(bytes int64) error {
	if rest := z.end.directoryOffset - z.position; bytes > rest {
		return refusal.New(refusal.ZipGap, "the member says that %d more bytes belong to it, but the central directory begins after %d", bytes, rest)
	}
	return nil
}

// checkPosition refuses bytes between the end of one record and the place
// where the directory says that the next begins, and records that overlap.
func (z *zipReader) checkPosition(next int64) error {
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
func (z *zipReader) readTail() error {
	if err := z.checkPosition(z.end.directoryOffset); err != nil {
		return at(err, z.end.directoryOffset, "")
	}
	h := sha256.New()
	if _, err := io.Copy(h, z.stream); err != nil {
		return z.changed(err)
	}
	if digest.SHA256(h.Sum(nil)) != z.tail {
		return errChanged
	}
	file, begin, _ := z.file.Outer()
	if n, _ := file.ReadAt(z.buffer[:1], begin+z.file.Size()); n > 0 {
		return errChanged
	}
	return nil
}

// errChanged says that two reads of one file do not agree.
var errChanged = errors.New("the zip was changed while it was read")

// changed turns the error of a read inside the file's known size into what
// happened: the input's own error, or a file that has become shorter.
func (z *zipReader) changed(err error) error {
	if z.failure.err != nil {
		return z.failure.err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errChanged
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
