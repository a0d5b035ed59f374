// Package input is the archives that a command is given: files, opened once, or
// standard input, and how they are to be read.
package input

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/countermark/countermark/internal/archive"
	"github.com/countermark/countermark/internal/confine"
	"github.com/countermark/countermark/internal/envelope"
	"github.com/countermark/countermark/internal/progress"
	"github.com/countermark/countermark/internal/report"
)

// Stdin is the name that stands for standard input.
const Stdin = "-"

// Input is one archive to read.
type Input struct {
	Name   string // for people
	Base   string // for matching, "" for standard input
	reader io.Reader
	size   int64 // 0: unknown
	file   *os.File
	spool  string // temporary copy of a zip from standard input, "" if none
}

// Settings say how archives are to be read.
type Settings struct {
	Prefix     string // directory that holds everything in the archive
	PrefixSet  bool   // Prefix was given, possibly empty
	Decoder    string // of xz: "auto", "system" or "go"
	Limits     envelope.Limits
	MaxMembers int            // 0: archive.DefaultMaxMembers
	Progress   *progress.Line // nil: none
}

// Open opens every archive before any is read. What was opened is returned with
// an error too, to be closed. The error is a *report.Failure, or the file
// system's.
func Open(ctx context.Context, names []string, stdin io.Reader) ([]*Input, error) {
	var inputs []*Input
	for _, name := range names {
		if name == Stdin {
			in, err := stdinInput(interruptible(ctx, stdin))
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
		in := &Input{Name: name, Base: BaseName(name), reader: f, file: f}
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

// BaseName returns the name that is matched with versions and formats, "" for
// standard input.
func BaseName(path string) string {
	if path == Stdin {
		return ""
	}
	return filepath.Base(path)
}

// DisplayName returns what people read for the name of an archive.
func DisplayName(name string) string {
	if name == Stdin {
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
func stdinInput(r io.Reader) (*Input, error) {
	in := &Input{Name: DisplayName(Stdin), reader: onlyReader{r}}
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
		Close([]*Input{in})
		return nil, fmt.Errorf("copying the zip from standard input: %w", err)
	}
	return in, nil
}

// Close closes the archives, and ends a read that blocks. It may be called twice.
func Close(inputs []*Input) {
	for _, in := range inputs {
		if in.file != nil {
			_ = in.file.Close()
		}
		if in.spool != "" {
			_ = os.Remove(in.spool)
		}
	}
}

// Archive reads the beginning of the archive. Errors are those of archive.Open,
// or a *report.Failure.
func (in *Input) Archive(ctx context.Context, s Settings) (*archive.Reader, error) {
	around, err := in.envelope(ctx, s)
	if err != nil {
		return nil, err
	}
	return archive.Open(in.reader, archive.Options{
		Prefix: s.Prefix, PrefixSet: s.PrefixSet,
		Limits:   archive.Limits{MaxMembers: s.MaxMembers},
		Envelope: around,
		Progress: func(n int64) { s.Progress.Bytes("reading "+cmp.Or(in.Base, in.Name), n, in.size) },
	})
}

// envelope says how the archive's compression is taken off.
func (in *Input) envelope(ctx context.Context, s Settings) (envelope.Options, error) {
	o := envelope.Options{Name: in.Base, Limits: s.Limits}
	if s.Decoder != "go" && in.mayBeXZ() {
		xz, err := confine.SystemXZ(ctx)
		switch {
		case err == nil:
			o.XZ = xz
		case s.Decoder == "system":
			return o, report.UsageFailure("install xz, or use --decoder go", "--decoder system: %v", err)
		}
	}
	return o, nil
}

// Again returns the first bytes of the archive's file, of which that many were
// read before, for another reading, through the same open file; nil for a stream,
// which is gone. Nothing says that the bytes are the same.
func (in *Input) Again(count int64) io.Reader {
	if in.file == nil || in.reader != io.Reader(in.file) {
		return nil
	}
	return io.NewSectionReader(in.file, 0, count)
}

// Tar takes the compression off what Again returned. Errors, also those of
// reading, are those of package envelope.
func (in *Input) Tar(ctx context.Context, again io.Reader, s Settings) (io.ReadCloser, error) {
	o, err := in.envelope(ctx, s)
	if err != nil {
		return nil, err
	}
	return envelope.Open(again, o)
}

// mayBeXZ reports whether the system's xz may be needed for in.
func (in *Input) mayBeXZ() bool {
	if in.size == 0 {
		return true // a stream, whose beginning is not known yet
	}
	head := make([]byte, envelope.HeadBytes)
	n, _ := in.file.ReadAt(head, 0)
	format, ok := envelope.Recognise(head[:n])
	return !ok || format == envelope.XZ
}
