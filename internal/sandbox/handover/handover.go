// Package handover is the open files that pass between this process and a
// program that it starts: its standard streams, the gate at which it is held
// back, and nothing else.
package handover

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// Gate holds a program back that is started through a script that keeps to it.
type Gate struct {
	hold, ready *os.File   // our ends
	Theirs      []*os.File // the ends that the program has as descriptors 3 and 4
}

// NewGate makes one.
func NewGate() (*Gate, error) {
	heldRead, hold, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	ready, readyWrite, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, heldRead.Close(), hold.Close())
	}
	return &Gate{hold: hold, ready: ready, Theirs: []*os.File{heldRead, readyWrite}}, nil
}

// Wait waits until the program is at the gate, and returns false if it has
// ended before. Our copies of the program's ends must be closed.
func (g *Gate) Wait() (bool, error) {
	n, err := g.ready.Read(make([]byte, 1))
	if n == 0 && err == io.EOF {
		return false, nil
	}
	return err == nil, err
}

// Open lets the program go on; it can be called once.
func (g *Gate) Open() error {
	_, err := g.hold.Write([]byte("\n"))
	return errors.Join(err, g.hold.Close())
}

// Close may be called more than once; who waits at the gate ends.
func (g *Gate) Close() {
	for _, f := range append([]*os.File{g.hold, g.ready}, g.Theirs...) {
		_ = f.Close() // nothing is written there any more, or it is closed already
	}
}

// Shut makes who waits at the gate end.
func (g *Gate) Shut() { _ = g.hold.Close() } // may be closed already

// Connect gives a command that is to be started its standard streams: what it
// prints can be read, and its input is empty until the program gets the
// /dev/null that it sees itself. The files are to be closed after the start.
func Connect(cmd *exec.Cmd) (read *os.File, files []*os.File, err error) {
	empty, end, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	read, write, err := os.Pipe()
	files = []*os.File{empty, end, write}
	if err == nil {
		err = sealDescriptors()
	}
	if err != nil {
		CloseAll(append(files, read))
		return nil, nil, fmt.Errorf("preparing the program's files: %w", err)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = empty, write, write
	return read, files, nil
}

// CloseAll closes files that are handed on, or that were only read.
func CloseAll(files []*os.File) {
	for _, f := range files {
		if f != nil {
			_ = f.Close()
		}
	}
}

// KeptBytes is how much of what was printed last can be part of an error.
const KeptBytes = 4 << 10

// Printed passes on what a program prints, up to a limit, and keeps the end.
type Printed struct {
	To      io.Writer     // nil drops it
	Most    int64         // bytes, 0 for no limit
	Overrun chan struct{} // closed when there is more than Most
	written int64
	Over    bool // there was more
	last    []byte
	Err     error // of To
}

// Write never fails: a program must not be able to notice who listens.
func (w *Printed) Write(b []byte) (int, error) {
	n := len(b)
	if w.Most > 0 && int64(n) > w.Most-w.written {
		b = b[:w.Most-w.written]
		if !w.Over {
			w.Over = true
			close(w.Overrun)
		}
	}
	w.written += int64(len(b))
	w.last = append(w.last, b...)
	w.last = w.last[max(0, len(w.last)-KeptBytes):]
	if w.To != nil && w.Err == nil && len(b) > 0 {
		_, w.Err = w.To.Write(b)
	}
	return n, nil
}

// trailer is what docker says after every error of its own.
const trailer = "Run 'docker run --help' for more information"

// Last returns the last line that is not empty, as foreign text.
func (w *Printed) Last() string {
	lines := strings.Split(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(string(w.last)), trailer)), "\n")
	return lines[len(lines)-1]
}
