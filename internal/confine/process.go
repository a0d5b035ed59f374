package confine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/countermark/countermark/internal/escape"
)

const (
	// marginBytes of address space are for the program, its libraries and
	// its stacks, besides the memory that it is told to use.
	marginBytes = 64 << 20
	// cpuSeconds is four times what xz needs for the largest archive that
	// is read (64 GiB at 70 MB/s).
	cpuSeconds = 3600
	// maxOpenFiles is enough for three pipes, the loader and a library.
	maxOpenFiles = 16
	// pipeBytes is asked for as the capacity of pipes: the most that Linux
	// gives to users (fs.pipe-max-size).
	pipeBytes = 1 << 20
	// feedBytes is how much is written to the program at once.
	feedBytes = 64 << 10
	// maxStderrBytes of what the program says on stderr are kept.
	maxStderrBytes = 4 << 10
	// lingering is how long a program may run on after it closed its output.
	lingering = 10 * time.Second
)

// command is a program to run.
type command struct {
	path        string // absolute
	args        []string
	memoryBytes int64 // that it is told to use; its address space is limited to marginBytes more
}

// process is a confined program that runs. Read gives its output; io.EOF
// means that it has ended with status 0.
type process struct {
	cmd    *exec.Cmd
	fence  string // how it is confined, in words
	stdout *os.File
	stderr boundedText
	ctx    context.Context
	fed    chan struct{} // closed when nothing more is read from the input
	once   sync.Once     // guards ended
	ended  error
}

// exitError is a program that ended by itself, but not well.
type exitError struct {
	state  string // such as "exit status 1"
	stderr string // raw
}

func (e *exitError) Error() string {
	text := strings.TrimSpace(e.stderr)
	if text == "" {
		return e.state
	}
	return e.state + ", " + escape.Quote(text)
}

// start runs c with stdin as its input, which is read by another goroutine
// until the process ends. Limits are set before the first byte is fed.
func start(ctx context.Context, c command, stdin io.Reader) (*process, error) {
	var p process
	p.ctx = ctx
	p.cmd = exec.CommandContext(ctx, c.path, c.args...)
	p.cmd.Env = []string{"LC_ALL=C"}
	p.cmd.Dir = string(os.PathSeparator)
	p.cmd.Stderr = &p.stderr
	p.cmd.WaitDelay = lingering // for whoever else holds its stderr
	in, out, err := p.pipes()
	if err != nil {
		return nil, fmt.Errorf("making pipes: %v", err)
	}
	p.stdout = out
	p.fence, err = startConfined(p.cmd)
	closeAll(p.cmd.Stdin.(*os.File), p.cmd.Stdout.(*os.File))
	if err != nil {
		closeAll(in, out)
		return nil, fmt.Errorf("starting %q: %w", c.path, err)
	}
	p.fed = make(chan struct{})
	if err := limit(p.cmd.Process.Pid, c.memoryBytes+marginBytes); err != nil {
		closeAll(in)
		close(p.fed)
		p.Close()
		return nil, fmt.Errorf("limiting %q: %v", c.path, err)
	}
	go func() {
		defer close(p.fed)
		defer in.Close()
		// An error of stdin is its owner's to see; one of the pipe means
		// that the program has ended, and Wait says how.
		io.CopyBuffer(onlyWriter{in}, onlyReader{stdin}, make([]byte, feedBytes))
	}()
	return &p, nil
}

// onlyWriter and onlyReader hide shortcuts that would pass over the buffer.
type (
	onlyWriter struct{ io.Writer }
	onlyReader struct{ io.Reader }
)

// pipes gives the command its stdin and stdout, and returns our ends of them.
func (p *process) pipes() (in, out *os.File, err error) {
	childIn, in, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	out, childOut, err := os.Pipe()
	if err != nil {
		closeAll(childIn, in)
		return nil, nil, err
	}
	enlarge(in)
	enlarge(out)
	p.cmd.Stdin, p.cmd.Stdout = childIn, childOut
	return in, out, nil
}

func closeAll(files ...*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// Read gives the program's output. After the last byte it waits for the
// program: io.EOF if it ended with status 0, else an *exitError, or the
// context's error if that was canceled.
func (p *process) Read(b []byte) (int, error) {
	n, err := p.stdout.Read(b)
	if err == nil {
		return n, nil
	}
	if ended := p.wait(); ended != nil {
		return n, ended
	}
	if !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrClosed) {
		return n, fmt.Errorf("reading the output of %q: %v", p.cmd.Path, err)
	}
	return n, err
}

// wait waits for the program and for the goroutine that feeds it.
func (p *process) wait() error {
	p.once.Do(func() {
		overdue := time.AfterFunc(lingering, func() { p.cmd.Process.Kill() })
		err := p.cmd.Wait()
		overdue.Stop()
		p.stdout.Close()
		<-p.fed
		var exit *exec.ExitError
		switch {
		case p.ctx.Err() != nil && err != nil:
			p.ended = p.ctx.Err()
		case errors.As(err, &exit):
			p.ended = &exitError{exit.String(), p.stderr.text()}
		case err != nil:
			p.ended = fmt.Errorf("waiting for %q: %v", p.cmd.Path, err)
		}
	})
	return p.ended
}

// Close kills the program if it still runs, and waits for it and for a read
// of its input that is under way.
func (p *process) Close() error {
	p.cmd.Process.Kill()
	p.wait()
	return nil
}

// boundedText keeps the first maxStderrBytes written to it.
type boundedText struct{ b []byte }

func (t *boundedText) Write(p []byte) (int, error) {
	t.b = append(t.b, p[:min(len(p), maxStderrBytes-len(t.b))]...)
	return len(p), nil
}

func (t *boundedText) text() string { return string(t.b) }
