package zipfile

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/refusal"
)

const (
	endBytes           = 22 // fixed part of the end record (4.3.16)
	zip64PlaceBytes    = 20 // zip64 end of central directory locator (4.3.15)
	maxCommentBytes    = 1<<16 - 1
	zip64Count         = 1<<16 - 1 // 4.4.1.4: such a count, size or offset stands in a zip64 record
	zip64Size          = 1<<32 - 1
	maxMembers         = zip64Count - 1
	maxExtraBytes      = 64 // the two extra fields that are accepted have at most 44 bytes
	maxDirectoryBytes  = maxNameBytes + maxMembers*(centralBytes+maxExtraBytes)
	sha1CommentBytes   = 40 // digits of a full object id
	sha256CommentBytes = 64
)

// endRecord is the end of central directory record (4.3.16).
type endRecord struct {
	raw             []byte // with the archive comment
	offset          int64  // in the file
	members         int
	directoryBytes  int64
	directoryOffset int64
}

// readEnd finds the end record and judges it. It is the last thing in the
// file; its comment is empty or a full object id, so it can begin at three
// places only, and no part of a comment looks like another end record.
func (z *Reader) readEnd(file *io.SectionReader) error {
	tail := make([]byte, min(file.Size(), endBytes+maxCommentBytes))
	begin := file.Size() - int64(len(tail))
	if _, err := file.ReadAt(tail, begin); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading the end of the zip: %w", err)
	}
	for _, comment := range []int{0, sha1CommentBytes, sha256CommentBytes} {
		i := len(tail) - comment - endBytes
		if i < 0 || string(tail[i:i+signatureBytes]) != endSignature || commentBytes(tail[i:]) != comment {
			continue
		}
		if comment > 0 {
			id, err := digest.ParseObjectID(string(tail[i+endBytes:]))
			if err != nil {
				continue
			}
			z.embedded = id
		}
		z.end = endRecord{raw: tail[i:], offset: begin + int64(i)}
		return at(z.parseEnd(tail[:i]), z.end.offset, "")
	}
	return noEnd(tail, begin)
}

func commentBytes(end []byte) int { return int(binary.LittleEndian.Uint16(end[20:])) }

// noEnd says why the file does not end with an end record.
func noEnd(tail []byte, begin int64) error {
	i := bytes.LastIndex(tail, []byte(endSignature))
	if i < 0 || len(tail)-i < endBytes {
		return refusal.New(refusal.ZTruncated, "the file does not end with an end of central directory record").At(begin+int64(len(tail)), "")
	}
	offset, stated, found := begin+int64(i), commentBytes(tail[i:]), len(tail)-i-endBytes
	switch {
	case stated > found:
		return refusal.New(refusal.ZTruncated, "the file ends inside the archive comment: %d of its %d bytes are there", found, stated).At(offset, "")
	case stated < found:
		return refusal.New(refusal.ZTrailing, "%d bytes after the end of the zip", found-stated).At(offset+int64(endBytes+stated), "")
	}
	return refusal.New(refusal.ZipComment, "the archive comment is %.64q, expected none or a full object id", tail[i+endBytes:]).At(offset, "")
}

// parseEnd reads the end record. before is what the file has before it, or the
// last part of that.
func (z *Reader) parseEnd(before []byte) error {
	e, le := &z.end, binary.LittleEndian
	disk, directoryDisk := le.Uint16(e.raw[4:]), le.Uint16(e.raw[6:])
	onDisk, members := le.Uint16(e.raw[8:]), le.Uint16(e.raw[10:])
	e.members, e.directoryBytes, e.directoryOffset = int(members), int64(le.Uint32(e.raw[12:])), int64(le.Uint32(e.raw[16:]))
	place := max(len(before)-zip64PlaceBytes, 0)
	switch {
	case disk != 0 || directoryDisk != 0 || onDisk != members:
		return refusal.New(refusal.ZipCount, "the zip says that it is part of several (disk %d of %d, %d of %d members)", disk, directoryDisk, onDisk, members)
	case members == zip64Count, e.directoryBytes == zip64Size, e.directoryOffset == zip64Size, bytes.HasPrefix(before[place:], []byte(zip64PlaceSignature)):
		return refusal.New(refusal.ZipCount, "the zip is a zip64 (4 GiB or more, or 65,535 members or more), which is not read")
	}
	end := e.directoryOffset + e.directoryBytes
	switch {
	case end > e.offset:
		return refusal.New(refusal.ZipCount, "the end record says that the central directory ends at byte %d, but itself begins at %d", end, e.offset)
	case end < e.offset:
		return refusal.New(refusal.ZipGap, "%d bytes between the central directory and the end record", e.offset-end).At(end, "")
	case e.directoryBytes > maxDirectoryBytes:
		return refusal.New(refusal.MetaTooBig, "a central directory of %d bytes, at most %d are accepted", e.directoryBytes, int64(maxDirectoryBytes))
	}
	return nil
}

// readDirectory reads the central directory, which must have exactly the
// number of headers and the size that the end record says.
func (z *Reader) readDirectory(file *io.SectionReader) error {
	h := sha256.New()
	section := io.NewSectionReader(file, z.end.directoryOffset, z.end.directoryBytes)
	d := &directory{r: bufio.NewReaderSize(io.TeeReader(section, h), bufferBytes), offset: z.end.directoryOffset}
	for len(z.entries) < z.end.members {
		offset := d.offset
		e, err := d.next()
		if err != nil {
			return at(err, offset, e.name)
		}
		z.entries = append(z.entries, e)
	}
	switch head, err := d.r.Peek(signatureBytes); {
	case string(head) == centralSignature:
		return refusal.New(refusal.ZipCount, "the central directory has more headers than the %d that the end record says", z.end.members).At(d.offset, "")
	case len(head) > 0:
		return refusal.New(refusal.ZipGap, "%d bytes after the last header of the central directory", z.end.offset-d.offset).At(d.offset, "")
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("reading the central directory: %w", err)
	}
	h.Write(z.end.raw)
	z.directoryHash = digest.SHA256(h.Sum(nil))
	return nil
}

// directory reads the headers of the central directory.
type directory struct {
	r         *bufio.Reader
	offset    int64 // in the file
	nameBytes int64 // of all names so far
}

// take reads n bytes. The directory's size is known, so its end is the end
// record's fault.
func (d *directory) take(n int) ([]byte, error) {
	p := make([]byte, n)
	m, err := io.ReadFull(d.r, p)
	d.offset += int64(m)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, refusal.New(refusal.ZipCount, "the central directory ends before the number of headers that the end record says")
	}
	if err != nil {
		return nil, fmt.Errorf("reading the central directory: %w", err)
	}
	return p, nil
}
