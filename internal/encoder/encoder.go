// Package encoder runs the programs that compress, by the lines of package
// command: with nothing of our environment but PATH, in a session of their own,
// so that nothing that they start outlives them.
package encoder

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/encoder/command"
	"github.com/countermark/countermark/internal/escape"
)

// Program is a program that was found. It may be used by several goroutines.
type Program struct {
	Name    string // as it was asked for
	Path    string // absolute
	Version string // such as "1.12"; "" if it says none
	Banner  string // the line in which it says so, escaped, such as "xz (XZ Utils) 5.4.1"
}

// MissingError says that a program is not installed. Callers may look for it with
// errors.As.
type MissingError struct{ Name string }

// Error returns one line.
func (e *MissingError) Error() string { return fmt.Sprintf("%s is not installed", e.Name) }

// Find looks for a program in PATH and asks it for its version. The error is a
// *MissingError, ctx's, or says why the program does not run.
func Find(ctx context.Context, name string) (*Program, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return nil, &MissingError{name}
	}
	p := &Program{Name: name, Path: path}
	var said bytes.Buffer
	cmd := p.command(ctx, versionArgs(name), "")
	cmd.Stdout = &limited{&said}
	cmd.Stderr = cmd.Stdout // most say it there or there, depending on their age
	if err := cmd.Run(); ctx.Err() != nil {
		return nil, ctx.Err()
	} else if err != nil {
		return nil, fmt.Errorf("asking %s for its version: %v", name, err)
	}
	p.Banner, p.Version = version(said.String())
	return p, nil
}

// pythonVersion also says which zlib Python has, which decides about the bytes.
const pythonVersion = `import sys,zlib;print("python3",sys.version.split()[0],"with zlib",zlib.ZLIB_RUNTIME_VERSION)`

func versionArgs(name string) []string {
	switch name {
	case "python3":
		return []string{"-c", pythonVersion}
	case "zip":
		return []string{"-v"}
	case "bzip2":
		return []string{"--help"} // with --version it goes on to compress
	}
	return []string{"--version"}
}

// versionNumber is the first number with a dot that a program says.
var versionNumber = regexp.MustCompile(`[0-9]+(\.[0-9]+)+`)

// version finds the line with a version, and the version in it.
func version(said string) (banner, number string) {
	for line := range strings.Lines(said) {
		if number := versionNumber.FindString(line); number != "" {
			return escape.Text(strings.TrimSpace(line)), number
		}
	}
	return "", ""
}

// Call is one run of a program.
type Call struct {
	Args   []string  // of a command.Line
	Folder string    // to run in, "" for the root: only zip reads files
	In     io.Reader // the uncompressed bytes; for zip, the list of paths
	Out    io.Writer // takes the compressed bytes
}

// Run runs the program to its end. If ctx ends, or In or Out fails, the program
// and all that it started are killed; the error is then that of ctx, In or Out,
// as it is. Otherwise it says how the program failed, and what it said.
func (p *Program) Run(ctx context.Context, c Call) error {
	runCtx, stop := context.WithCancel(ctx)
	defer stop()
	in, out := &watchedReader{r: c.In, stop: stop}, &watchedWriter{w: c.Out, stop: stop}
	said := new(bytes.Buffer)
	cmd := p.command(runCtx, c.Args, c.Folder)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, &limited{said}
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case cmp.Or(in.err, out.err) != nil:
		return cmp.Or(in.err, out.err)
	case err != nil && said.Len() > 0:
		return fmt.Errorf("running %s: %v: it said %s", p.Name, err, escape.Quote(strings.TrimSpace(said.String())))
	case err != nil:
		return fmt.Errorf("running %s: %v", p.Name, err)
	}
	return nil
}

// command prepares a run.
func (p *Program) command(ctx context.Context, args []string, folder string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, p.Path, args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, command.Environment()...)
	cmd.Dir = cmp.Or(folder, filepath.Dir(p.Path)) // never the user's folder
	cmd.Cancel = func() error { return kill(cmd) }
	cmd.WaitDelay = 10 * time.Second // for a pipe that some grandchild keeps open
	setGroup(cmd)
	return cmd
}

// watchedReader stops the run when its reader fails: the program would take that
// for the end of its input.
type watchedReader struct {
	r    io.Reader
	stop func()
	err  error
}

func (w *watchedReader) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
		w.stop()
	}
	return n, err //nolint:wrapcheck // the caller's own reader
}

// watchedWriter stops the run when its writer has had enough.
type watchedWriter struct {
	w    io.Writer
	stop func()
	err  error
}

func (w *watchedWriter) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	if err != nil {
		w.err = err
		w.stop()
	}
	return n, err //nolint:wrapcheck // the caller's own writer
}

// maxSaidBytes is how much is kept of what a program says.
const maxSaidBytes = 4096

// limited drops what is more than maxSaidBytes.
type limited struct{ b *bytes.Buffer }

func (l *limited) Write(p []byte) (int, error) {
	l.b.Write(p[:min(len(p), maxSaidBytes-l.b.Len())])
	return len(p), nil
}
