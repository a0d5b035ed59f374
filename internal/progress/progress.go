// Package progress shows on a terminal how far a long step has come: one line
// on standard error, rewritten in place, only after a second, and removed when
// the step ends. Where standard error is no terminal it shows nothing.
package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/countermark/countermark/internal/escape"
)

const (
	showAfter  = time.Second // shorter steps are not worth a flicker
	showEvery  = 100 * time.Millisecond
	maxColumns = 78 // a longer line is no easier to read
)

// Line is the line that shows progress. Safe for concurrent use; a nil *Line
// shows nothing.
type Line struct {
	mu      sync.Mutex
	w       io.Writer
	columns func() int // of the terminal, now
	started time.Time
	last    time.Time
	shown   bool
}

// New returns the line of w, or nil if w is no terminal.
func New(w io.Writer) *Line {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		columns := func() int {
			width, _, _ := term.GetSize(int(f.Fd()))
			return width
		}
		return &Line{w: f, columns: columns, started: time.Now()}
	}
	return nil
}

// Bytes shows how many of total bytes are done; total 0 means unknown.
func (l *Line) Bytes(what string, done, total int64) {
	if l == nil {
		return
	}
	switch {
	case total > 0:
		const cells = 24
		filled := int(min(done, total) * cells / total)
		l.Text(fmt.Sprintf("%s [%s%s] %3d%% of %.1f MB", what, strings.Repeat("=", filled), strings.Repeat(" ", cells-filled), min(done, total)*100/total, float64(total)/1e6))
	default:
		l.Text(fmt.Sprintf("%s %.1f MB", what, float64(done)/1e6))
	}
}

// Text shows any text; it may come from outside and is escaped.
func (l *Line) Text(s string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if now.Sub(l.started) < showAfter || now.Sub(l.last) < showEvery {
		return
	}
	l.last, l.shown = now, true
	line := []rune(escape.Text(strings.TrimSpace(s)))
	_, _ = fmt.Fprintf(l.w, "\r\x1b[K%s", string(line[:min(len(line), l.room())]))
}

// room returns how many columns a line may have: one that wraps cannot be
// rewritten in place, and some terminals wrap on the last column.
func (l *Line) room() int {
	width := l.columns()
	if width <= 0 {
		return maxColumns
	}
	return min(maxColumns, width-1)
}

// Clear removes the line and starts the next step's second.
func (l *Line) Clear() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shown {
		_, _ = io.WriteString(l.w, "\r\x1b[K")
	}
	l.shown, l.started = false, time.Now()
}
