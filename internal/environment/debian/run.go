package debian

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/countermark/countermark/internal/escape"
)

// lingering is how long a program that was asked to end may take to unmount and
// remove what it has made.
const lingering = 30 * time.Second

// maxLines of what a program says are kept, the last ones.
const maxLines = 6

// command is one run of a program.
type command struct {
	name   string
	args   []string
	env    []string // besides what every run has
	dir    string   // to run in, "" for the root
	stdout io.Writer
}

// runError is a run that failed.
type runError struct {
	said string // its last lines, escaped
	text string
}

func (e *runError) Error() string { return e.text }

// run runs a program to its end. When the context ends, the program is asked to
// end and clean up, and killed with all that it started if it does not; the
// error is then the context's.
func (a *apt) run(ctx context.Context, c command) error {
	path, err := exec.LookPath(c.name)
	if err != nil {
		return &MissingProgramError{c.name}
	}
	cmd := exec.CommandContext(ctx, path, c.args...)
	cmd.Env = append([]string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "TZ=UTC", "HOME=/nonexistent", "DEBIAN_FRONTEND=noninteractive"}, c.env...)
	for _, key := range []string{"http_proxy", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"} {
		if value, ok := os.LookupEnv(key); ok {
			cmd.Env = append(cmd.Env, key+"="+value)
		}
	}
	cmd.Dir = cmp.Or(c.dir, "/")
	talk := &lines{each: a.Progress}
	out := &catcher{Writer: c.stdout}
	if c.stdout == nil {
		out.Writer = talk
	}
	cmd.Stdout, cmd.Stderr = out, talk
	cmd.WaitDelay = lingering
	separate(cmd)
	err = cmd.Run()
	if err != nil {
		endAll(cmd)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case out.err != nil:
		return out.err
	case err != nil:
		return &runError{said: talk.last(), text: fmt.Sprintf("running %s: %v: %s", c.name, err, talk.last())}
	}
	return nil
}

// catcher keeps the error of a writer: package exec may tell another.
type catcher struct {
	io.Writer
	err error
}

func (w *catcher) Write(b []byte) (int, error) {
	n, err := w.Writer.Write(b)
	w.err = cmp.Or(w.err, err)
	return n, err //nolint:wrapcheck // run returns it as it is
}

// lines gives out what a program says line by line, and keeps the last ones.
type lines struct {
	mu   sync.Mutex // its two streams are read by two goroutines
	each func(string)
	part []byte
	kept []string
}

// maxLineBytes of a line are looked at.
const maxLineBytes = 4 << 10

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range b {
		if c != '\n' && c != '\r' {
			if len(l.part) < maxLineBytes {
				l.part = append(l.part, c)
			}
			continue
		}
		l.end()
	}
	return len(b), nil
}

func (l *lines) end() {
	text := escape.Text(string(bytes.TrimSpace(l.part)))
	l.part = l.part[:0]
	if text == "" {
		return
	}
	if l.each != nil {
		l.each(text)
	}
	l.kept = append(l.kept, text)
	if len(l.kept) > maxLines {
		l.kept = slices.Delete(l.kept, 0, 1)
	}
}

// last returns the lines that tell of errors, or the last ones if none does.
func (l *lines) last() string {
	l.end()
	var errors []string
	for _, line := range l.kept {
		if strings.HasPrefix(line, "E:") || strings.HasPrefix(line, "Err:") {
			errors = append(errors, line)
		}
	}
	if len(errors) == 0 {
		errors = l.kept
	}
	return strings.Join(errors, "; ")
}
