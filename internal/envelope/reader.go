package envelope

import (
	"errors"
	"fmt"
	"io"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/envelope/framing"
	"github.com/countermark/countermark/internal/refusal"
)

// ErrCorrupt is what the error of an XZDecoder's reader matches (errors.Is) if
// the compressed data itself is at fault. It becomes a Z_CRC refusal; every
// other error means that the decoder could not do its work.
var ErrCorrupt = errors.New("the compressed data is corrupt")

// XZDecoder decodes xz data whose framing has been accepted. The zero value
// is the decoder that is built in.
type XZDecoder struct {
	// Name is what Reader.Decoder returns, such as "xz 5.4.1 (system)".
	Name string
	// Start begins to decode compressed, one whole stream with single-stream
	// framing, using no more memory than memLimitBytes. The result's Read
	// returns io.EOF only if the whole stream was decoded and its checks
	// hold. It may read compressed from another goroutine, but no more once
	// Read has returned an error or Close has returned.
	Start func(compressed io.Reader, memLimitBytes int64) (io.ReadCloser, error)
}

// Limits bounds what a container may ask for; zero fields mean the defaults.
type Limits = framing.Limits

// Options says what is known of an input, and how to read it.
type Options struct {
	Name   string // base name, which must not contradict the content; "" if unknown
	Limits Limits
	XZ     XZDecoder
}

// Reader gives the uncompressed bytes of one release file. Its methods are for
// one goroutine, except InputBytes.
type Reader struct {
	format Format
	src    *source
	limits Limits
	body   body
	head   []byte // uncompressed bytes looked at, not yet given out
	begun  bool
	out    int64
	err    error // sticky
}

// body reads one container. Read returns io.EOF, again and again, once the
// container and the input have both ended as they should.
type body interface {
	io.ReadCloser
	// consumed returns how many compressed bytes went into what was read so
	// far, or -1 if the ratio is judged elsewhere.
	consumed() int64
	decoder() string
	notes() []string
}

// Open recognises the format of r and returns a Reader of it. It refuses an
// unknown format and one that the name contradicts (Z_FORMAT). A zip, which
// Recognise tells from its first bytes, cannot be read as a stream: it is an
// error that is no refusal. An error of r itself is returned as it is.
func Open(r io.Reader, o Options) (*Reader, error) {
	src := newSource(r)
	head, err := src.Peek(HeadBytes)
	if err != nil && err != io.EOF {
		return nil, err
	}
	format, err := recognise(head, o.Name)
	if err != nil {
		return nil, err
	}
	limits := o.Limits.WithDefaults()
	reader := &Reader{format: format, src: src, limits: limits}
	switch format {
	case Tar:
		reader.body, reader.begun = plain{src}, true
	case Gzip:
		reader.body = newGzip(src)
	case Bzip2:
		reader.body = newBzip2(src)
	case XZ:
		reader.body = newXZ(src, limits, o.XZ)
	case Zstd:
		reader.body = newZstd(src, limits)
	default:
		return nil, fmt.Errorf("reading %s as a stream: the format is read from its end", format)
	}
	return reader, nil
}

// Read gives uncompressed bytes. It returns io.EOF only after the container
// has ended, its checksums have held, and the input was at its very end. An
// input at fault is a *refusal.Refusal with a Z_ rule (TAR_TOO_BIG for its
// size), whose offset counts compressed bytes; where a decoder does not say
// where corrupt data lies, the offset is refusal.Unknown. An error of the
// underlying reader is returned as it is.
func (r *Reader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	if !r.begun {
		if r.err = r.begin(); r.err != nil {
			return 0, r.err
		}
	}
	var n int
	if len(r.head) > 0 {
		n = copy(p, r.head)
		r.head = r.head[n:]
	} else {
		n, r.err = r.body.Read(p)
	}
	r.out += int64(n)
	if err := r.checkLimits(); err != nil {
		r.err = err
		return 0, err
	}
	return n, r.err
}

// begin looks at the first uncompressed bytes.
func (r *Reader) begin() error {
	r.begun = true
	head := make([]byte, HeadBytes)
	n, err := io.ReadFull(r.body, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return err
	}
	r.head = head[:n]
	inner := foreign(r.head)
	if format, ok := Recognise(r.head); ok && format != Tar {
		inner = format.String()
	} else if ok {
		inner = ""
	}
	if inner != "" {
		return refuse(refusal.ZNested, 0, "the %s file holds another compressed file, in the format %s", r.format, inner)
	}
	return nil
}

func (r *Reader) checkLimits() error {
	if err := r.limits.CheckSize(r.out); err != nil {
		return err
	}
	if in := r.body.consumed(); in >= 0 {
		return r.limits.CheckRatio(r.out, in)
	}
	return nil
}

// Close ends the decoder; nothing can be read afterwards. It does not close
// the underlying reader.
func (r *Reader) Close() error {
	if r.err == nil {
		r.err = errors.New("reading a closed reader")
	}
	return r.body.Close()
}

// Format returns the format that was recognised.
func (r *Reader) Format() Format { return r.format }

// Decoder names what decompresses, such as "go gzip"; "not compressed" for a plain tar.
func (r *Reader) Decoder() string { return r.body.decoder() }

// Notes returns sentences about what was accepted and is worth knowing, such
// as a missing checksum. They are complete after io.EOF, and may quote the
// input: they are escaped.
func (r *Reader) Notes() []string { return r.body.notes() }

// SHA256 returns the digest of the compressed file, valid after io.EOF; before
// that it is the zero value.
func (r *Reader) SHA256() digest.SHA256 {
	if r.err != io.EOF {
		return digest.SHA256{}
	}
	return r.src.raw.sum()
}

// InputBytes returns how many bytes of the input were read so far. It may be
// called at any time, from any goroutine.
func (r *Reader) InputBytes() int64 { return r.src.raw.count.Load() }

// plain is the body of a file without a container.
type plain struct{ *source }

func (p plain) consumed() int64 { return -1 }
func (p plain) decoder() string { return "not compressed" }
func (p plain) notes() []string { return nil }
func (p plain) Close() error    { return nil }
