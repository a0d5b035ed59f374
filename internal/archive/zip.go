package archive

import (
	"context"
	"crypto/sha256"
	"io"

	"github.com/countermark/countermark/internal/archive/zipfile"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/envelope"
)

// zipReader reads the members of a zip from a file.
type zipReader struct {
	*zipfile.Reader
	file     *io.SectionReader
	progress func(int64)
}

// openZip reads the central directory of the zip in r, and judges what the zip
// says that it expands to before any of it is unpacked.
func openZip(r io.Reader, o Options) (*zipReader, error) {
	if err := envelope.CheckName(o.Envelope.Name, envelope.Zip); err != nil {
		return nil, err
	}
	file, ok := zipfile.Section(r)
	if !ok {
		return nil, ErrNotSeekable
	}
	z, err := zipfile.Open(file)
	if err != nil {
		return nil, err
	}
	limits, total := o.Envelope.Limits.WithDefaults(), z.UncompressedBytes()
	if err = limits.CheckSize(total); err == nil {
		err = limits.CheckRatio(total, file.Size())
	}
	return &zipReader{z, file, o.Progress}, err
}

// read reads all members into c, and the file to its end.
func (z *zipReader) read(ctx context.Context, c *collector) (*Contents, error) {
	if !c.prefixSet {
		c.prefix = z.ModulePrefix()
		c.prefixSet = c.prefix != ""
	}
	sum := sha256.New()
	file, begin, size := z.file.Outer()
	whole := envelope.Counting(io.NewSectionReader(file, begin, size+1), z.progress) // one more: a byte that was appended is seen
	ahead := envelope.NewAhead(whole, sum)
	defer ahead.Close()
	if err := z.Read(ctx, ahead, zipSink{c}); err != nil {
		return nil, err
	}
	return &Contents{Format: envelope.Zip, Dialect: "zip", Decoder: "go deflate", FileBytes: size, SHA256: digest.SHA256(sum.Sum(nil))}, nil
}

// zipSink gives the members of a zip to a collector.
type zipSink struct{ c *collector }

func (s zipSink) Begin(m zipfile.Member) error {
	return s.c.begin(member{name: m.Name, target: m.Target, offset: m.Offset, size: m.Size, perm: m.Perm, kind: m.Kind, exec: m.Exec})
}

func (s zipSink) Content(p []byte) { s.c.content(p) }
func (s zipSink) End()             { s.c.end() }
