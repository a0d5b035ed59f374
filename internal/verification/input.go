package verification

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/countermark/countermark/internal/archive"
	"github.com/countermark/countermark/internal/confine"
	"github.com/countermark/countermark/internal/envelope"
	"github.com/countermark/countermark/internal/report"
)

// input is one archive to read: a file, opened once, or standard input.
type input struct {
	name   string // for people
	base   string // for matching, "" for standard input
	reader io.Reader
	size   int64 // 0: unknown
	file   *os.File
	spool  string // temporary copy of a zip from standard input, "" if none
}

// openInputs opens every archive before any is read.
func (v *verification) openInputs(ctx context.Context) ([]*input, error) {
	var inputs []*input
	for _, name := range v.o.Archives {
		if name == "-" {
			in, err := stdinInput(interruptible(ctx, v.o.Stdin))
			if err != nil {
				return inputs, err
			}
			inputs = append(inputs, in)
			continue
		}
		f, err := os.Open(name)
		if err != nil {
			return inputs, report.UsageFailure("", "opening the archive: %v", err)
		}
		in := &input{name: name, base: baseName(name), reader: f, file: f}
		inputs = append(inputs, in)
		info, err := f.Stat()
		switch {
		case err != nil:
			return inputs, fmt.Errorf("looking at the archive: %w", err)
		case info.IsDir():
			return inputs, report.UsageFailure("give the archive file itself", "%q is a directory", name)
		case info.Mode().IsRegular():
			in.size = info.Size()
		default:
			in.reader = onlyReader{f}
		}
	}
	return inputs, nil
}

// displayName returns what people read for the name of an archive.
func displayName(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}

// onlyReader hides that a pipe or device has the methods of a file.
type onlyReader struct{ io.Reader }

// interruptible returns a reader of r that fails when the context ends: r may
// be a terminal or a pipe, whose read waits for as long as nobody writes, and
// closing it does not end that.
func interruptible(ctx context.Context, r io.Reader) io.Reader {
	out, in := io.Pipe()
	go func() {
		_, err := io.Copy(in, r)
		_ = in.CloseWithError(err)
	}()
	context.AfterFunc(ctx, func() { _ = out.CloseWithError(ctx.Err()) })
	return out
}

// stdinInput reads standard input as a stream. A zip has its directory at its
// end, so it is copied to a temporary file first.
func stdinInput(r io.Reader) (*input, error) {
	in := &input{name: displayName("-"), reader: onlyReader{r}}
	head := make([]byte, 4)
	n, err := io.ReadFull(r, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("reading standard input: %w", err)
	}
	in.reader = onlyReader{io.MultiReader(bytes.NewReader(head[:n]), r)}
	if format, ok := envelope.Recognise(head[:n]); !ok || format != envelope.Zip {
		return in, nil
	}
	f, err := os.CreateTemp("", "countermark-*.zip")
	if err != nil {
		return nil, fmt.Errorf("copying the zip from standard input: %w", err)
	}
	in.file, in.spool = f, f.Name()
	if in.size, err = io.Copy(f, in.reader); err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	in.reader = f
	if err != nil {
		closeInputs([]*input{in})
		return nil, fmt.Errorf("copying the zip from standard input: %w", err)
	}
	return in, nil
}

func closeInputs(inputs []*input) {
	for _, in := range inputs {
		if in.file != nil {
			_ = in.file.Close()
		}
		if in.spool != "" {
			_ = os.Remove(in.spool)
		}
	}
}

// archiveOptions says how to read in, and makes it the file that refusals name.
func (v *verification) archiveOptions(ctx context.Context, in *input) (archive.Options, error) {
	v.file = in.name
	o := archive.Options{
		Prefix: v.o.Prefix, PrefixSet: v.o.PrefixSet,
		Limits:   archive.Limits{MaxMembers: v.o.MaxMembers},
		Envelope: envelope.Options{Name: in.base, Limits: v.o.Limits},
		Progress: func(n int64) { v.o.Progress.Bytes("reading "+cmp.Or(in.base, in.name), n, in.size) },
	}
	if v.o.Decoder == "go" || !in.mayBeXZ() {
		return o, nil
	}
	xz, err := confine.SystemXZ(ctx)
	switch {
	case err == nil:
		o.Envelope.XZ = xz
	case v.o.Decoder == "system":
		return o, report.UsageFailure("install xz, or use --decoder go", "--decoder system: %v", err)
	}
	return o, nil
}

// mayBeXZ reports whether the system's xz may be needed for in.
func (in *input) mayBeXZ() bool {
	if in.size == 0 {
		return true // a stream, whose beginning is not known yet
	}
	head := make([]byte, envelope.HeadBytes)
	n, _ := in.file.ReadAt(head, 0)
	format, ok := envelope.Recognise(head[:n])
	return !ok || format == envelope.XZ
}
