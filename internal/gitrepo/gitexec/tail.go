package gitexec

import (
	"bytes"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/refusal"
)

// Tail is a writer that keeps the last lines of git's stderr, and shows each
// line to whoever follows the progress. It may be read while it is written.
type Tail struct {
	Line func(line string) // is given every line, escaped, if not nil
	seen *atomic.Int64     // counts the bytes, if not nil

	mu      sync.Mutex
	partial []byte
	last    []string
}

const (
	tailLines     = 3
	maxTailLine   = 500 // bytes of a line that are kept
	progressOfGit = "% ("
)

// Write never fails.
func (t *Tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen != nil {
		t.seen.Add(int64(len(p)))
	}
	for _, c := range p {
		switch {
		case c == '\n' || c == '\r':
			t.end()
		case len(t.partial) < maxTailLine:
			t.partial = append(t.partial, c)
		}
	}
	return len(p), nil
}

// end takes the line that is complete.
func (t *Tail) end() {
	text := escape.Text(string(bytes.TrimSpace(t.partial)))
	t.partial = t.partial[:0]
	if text == "" {
		return
	}
	if t.Line != nil {
		t.Line(text)
	}
	// git counts up its progress in lines such as "Receiving objects: 50% (1/2)".
	if strings.Contains(text, progressOfGit) {
		return
	}
	if t.last = append(t.last, text); len(t.last) > tailLines {
		t.last = t.last[1:]
	}
}

// Lines returns the last lines, escaped.
func (t *Tail) Lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end()
	return append([]string(nil), t.last...)
}

// Limited is a buffer for git's stdout that refuses to grow beyond its limit.
type Limited struct {
	buffer bytes.Buffer // no embedding: its ReadFrom would pass the limit by
	Max    int          // bytes
	What   string       // it is, for the refusal: GIT_LIMIT
}

// Write fails, with the refusal, at the limit.
func (l *Limited) Write(p []byte) (int, error) {
	if l.buffer.Len()+len(p) > l.Max {
		return 0, refusal.New(refusal.GitLimit, "the %s has more than %d bytes", l.What, l.Max)
	}
	return l.buffer.Write(p) //nolint:wrapcheck // never fails
}

// Lines returns the complete lines, without their ends.
func (l *Limited) Lines() []string {
	lines := strings.Split(l.buffer.String(), "\n")
	return lines[:len(lines)-1]
}
