package zipfile

import (
	"context"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/flate"

	"github.com/countermark/countermark/internal/refusal"
)

// content hands the member's content to each, and checks its size, its CRC and
// that all its packed bytes were needed.
func (z *Reader) content(ctx context.Context, e *entry, each func([]byte)) error {
	packed := &io.LimitedReader{R: z.stream, N: int64(e.packed)}
	z.packed.Reset(packed)
	var unpacked io.Reader = z.packed
	if e.method == methodDeflate {
		if err := z.inflater.(flate.Resetter).Reset(z.packed, nil); err != nil {
			return err
		}
		unpacked = z.inflater
	}
	left, sum := int64(e.size), uint32(0)
	for {
		n, err := unpacked.Read(z.buffer)
		if left -= int64(n); left < 0 {
			return refusal.New(refusal.ZCRC, "the content has more bytes than the %d that the headers say", e.size)
		}
		sum = crc32.Update(sum, crc32.IEEETable, z.buffer[:n])
		each(z.buffer[:n])
		if err == io.EOF {
			break
		}
		if err != nil {
			return z.corrupt(err, packed)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	unused := packed.N + int64(z.packed.Buffered())
	switch {
	case e.method == methodStored && unused > 0:
		return ErrChanged
	case left > 0:
		return refusal.New(refusal.ZCRC, "the content has %d bytes, the headers say %d", int64(e.size)-left, e.size)
	case unused > 0:
		return refusal.New(refusal.ZipGap, "%d bytes after the end of the member's deflate data", unused)
	case sum != e.crc:
		return refusal.New(refusal.ZCRC, "the content's CRC is %08x, the headers say %08x", sum, e.crc)
	}
	z.position += int64(e.packed)
	return nil
}

// corrupt says why inflating failed: the file was not read, or has become
// shorter, or its deflate data (RFC 1951) is bad or goes on behind its end.
func (z *Reader) corrupt(err error, packed *io.LimitedReader) error {
	if z.failure.err != nil {
		return z.failure.err
	}
	if err == io.ErrUnexpectedEOF {
		if packed.N > 0 {
			return ErrChanged
		}
		return refusal.New(refusal.ZCRC, "the member's deflate data does not end within its packed size")
	}
	return refusal.New(refusal.ZCRC, "the member's deflate data is corrupt: %v", err)
}
