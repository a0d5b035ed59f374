// Package attribution carries out "countermark envelope": it wires what reads a
// compressed file, what knows which programs may have made it, and what runs
// them, to find the command that makes the same bytes again.
package attribution

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/countermark/countermark/internal/confine"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/encoder"
	"github.com/countermark/countermark/internal/encoder/trace"
	"github.com/countermark/countermark/internal/envelope"
	"github.com/countermark/countermark/internal/progress"
	"github.com/countermark/countermark/internal/report"
)

// Options says what to look at.
type Options struct {
	Archive  string // path of a regular file
	Limits   envelope.Limits
	Progress *progress.Line
}

// Outcome is how a try ended.
type Outcome string

// The outcomes.
const (
	Remade       Outcome = "remade"        // the same bytes, to the last
	Differs      Outcome = "differs"       // other bytes, or fewer or more
	Failed       Outcome = "failed"        // the program ended with an error
	NotInstalled Outcome = "not installed" // here
)

// Try is one command line that was tried.
type Try struct {
	trace.Candidate
	Found      *encoder.Program // nil if it is not installed
	Outcome    Outcome
	EqualBytes int64  // of the file, from its beginning to the first difference
	Detail     string // how the program failed; may hold what it said, escaped
}

// Result is what was found.
type Result struct {
	Archive       string
	FileBytes     int64
	SHA256        digest.SHA256 // of the file
	ContentBytes  int64
	ContentSHA256 digest.SHA256 // of the uncompressed bytes
	Trace         *trace.Trace
	Tries         []Try // in order, to the one that remade the file
}

// Found returns the try that remade the file, or nil.
func (r *Result) Found() *Try {
	if n := len(r.Tries); n > 0 && r.Tries[n-1].Outcome == Remade {
		return &r.Tries[n-1]
	}
	return nil
}

// run is the state of one Run.
type run struct {
	o        Options
	file     *os.File
	size     int64
	xz       envelope.XZDecoder
	programs map[string]*encoder.Program // nil: not installed
	result   *Result
}

// Run reads the archive once to its end, and then compresses its content with one
// line after the other until one gives its bytes. Nothing is written to disk. The
// errors are *report.Failure, *refusal.Refusal of the file, or ctx's. That no line
// gave the bytes is none, unless none could be compared.
func Run(ctx context.Context, o Options) (*Result, error) {
	file, err := os.Open(o.Archive)
	if err != nil {
		return nil, report.UsageFailure("", "opening the archive: %v", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("looking at the archive: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, report.UsageFailure("it is read once for each try: give a file", "%q is no regular file", o.Archive)
	}
	r := &run{o: o, file: file, size: info.Size(), programs: make(map[string]*encoder.Program)}
	r.result = &Result{Archive: o.Archive, FileBytes: r.size}
	if err := r.read(ctx); err != nil {
		return nil, err
	}
	if r.result.Trace, err = trace.Read(file, r.size, r.result.ContentBytes); err != nil {
		return nil, fmt.Errorf("tracing the encoder: %w", err)
	}
	return r.result, r.tryAll(ctx)
}

// read reads the whole file, so that none that is refused is tried.
func (r *run) read(ctx context.Context) error {
	head := make([]byte, envelope.HeadBytes)
	n, err := r.file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading the archive: %w", err)
	}
	switch format, _ := envelope.Recognise(head[:n]); format {
	case envelope.Tar, envelope.Zip:
		return report.UsageFailure("only .gz, .bz2, .xz and .zst have an encoder to look for",
			"%q is a %v: %s", r.o.Archive, format, map[envelope.Format]string{envelope.Tar: "it is not compressed", envelope.Zip: "each of its members is compressed by itself"}[format])
	case envelope.XZ:
		if decoder, err := confine.SystemXZ(ctx); err == nil {
			r.xz = decoder
		}
	}
	in, err := r.open(ctx, "reading "+filepath.Base(r.o.Archive))
	if err != nil {
		return err
	}
	defer in.Close()
	h := sha256.New()
	r.result.ContentBytes, err = io.Copy(h, in)
	r.result.ContentSHA256, r.result.SHA256 = digest.SHA256(h.Sum(nil)), in.SHA256()
	return err //nolint:wrapcheck // a refusal, or the file's
}

// content is the uncompressed bytes; its Read ends with the context.
type content struct {
	*envelope.Reader
	ctx context.Context
}

func (c content) Read(p []byte) (int, error) {
	if c.ctx.Err() != nil {
		return 0, c.ctx.Err()
	}
	return c.Reader.Read(p) //nolint:wrapcheck // a refusal, or the file's
}

// open starts to decompress the file, and shows how far that came.
func (r *run) open(ctx context.Context, what string) (*content, error) {
	r.o.Progress.Clear()
	in := envelope.Counting(io.NewSectionReader(r.file, 0, r.size), func(n int64) { r.o.Progress.Bytes(what, n, r.size) })
	reader, err := envelope.Open(in, envelope.Options{Name: filepath.Base(r.o.Archive), Limits: r.o.Limits, XZ: r.xz})
	if err != nil {
		return nil, err //nolint:wrapcheck // a refusal, or the file's
	}
	return &content{reader, ctx}, nil
}

func (r *run) tryAll(ctx context.Context) error {
	all, compared := r.result.Trace.Candidates, 0
	for i, c := range all {
		t, err := r.try(ctx, c, fmt.Sprintf("try %d of %d, %s", i+1, len(all), cmp.Or(c.Means, c.String())))
		if err != nil {
			return err
		}
		r.result.Tries = append(r.result.Tries, t)
		if t.Outcome == Remade {
			return nil
		}
		if t.Outcome == Differs {
			compared++
		}
	}
	if len(all) > 0 && compared == 0 {
		return &report.Failure{Code: report.NotComplete, Detail: "none of the programs that could have made the file is installed and runs", Hint: "install " + all[0].Program}
	}
	return nil
}

// program finds a program once.
func (r *run) program(ctx context.Context, name string) (*encoder.Program, error) {
	p, known := r.programs[name]
	if known {
		return p, nil
	}
	p, err := encoder.Find(ctx, name)
	if _, missing := errors.AsType[*encoder.MissingError](err); err != nil && !missing {
		return nil, err //nolint:wrapcheck // says it all
	}
	r.programs[name] = p
	return p, nil
}

// try runs one line, and compares what it writes with the file.
func (r *run) try(ctx context.Context, c trace.Candidate, what string) (Try, error) {
	t := Try{Candidate: c, Outcome: NotInstalled}
	p, err := r.program(ctx, c.Program)
	if ctx.Err() != nil {
		return t, ctx.Err()
	}
	if err != nil {
		t.Outcome, t.Detail = Failed, err.Error()
		return t, nil
	}
	if t.Found = p; p == nil {
		return t, nil
	}
	in, err := r.open(ctx, what)
	if err != nil {
		return t, err
	}
	defer in.Close()
	same := &comparison{file: r.file, size: r.size, head: r.result.Trace.Head, rest: r.result.Trace.Rest}
	source := &failing{r: in}
	err = p.Run(ctx, encoder.Call{Args: c.Args, In: source, Out: same})
	t.EqualBytes = same.equal()
	switch {
	case ctx.Err() != nil:
		return t, ctx.Err()
	case errors.Is(err, errDiffers):
		t.Outcome = Differs
	case same.err != nil:
		return t, fmt.Errorf("reading the archive again: %w", same.err)
	case source.err != nil:
		return t, fmt.Errorf("reading the archive again: %w", source.err)
	case err != nil:
		t.Outcome, t.Detail = Failed, err.Error()
	case same.whole():
		t.Outcome = Remade
	default:
		t.Outcome = Differs
	}
	return t, nil
}

// failing remembers the error of its reader.
type failing struct {
	r   io.Reader
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = err
	}
	return n, err //nolint:wrapcheck // the caller's own reader
}
