package finding

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/progress"
)

// maxKept is how much of what a program prints is kept; all of it counts for the
// digest.
const maxKept = 64 << 20

// maxTail is how much of what a failing step printed last is shown.
const maxTail = 4 << 10

// Log keeps what a step prints, and shows its last line.
type Log struct {
	file     *os.File
	hash     hash.Hash
	Bytes    int64  // printed, whether kept or not
	last     []byte // the last maxTail bytes
	name     string
	progress *progress.Line
	begun    time.Time
}

// NewLog makes the log of the program with the given number and name in a folder,
// which is made if it is not there. The line shows what it prints last.
func NewLog(dir string, i int, name string, line *progress.Line) (*Log, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the folder of logs: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, logName(i, name)), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("making a log: %w", err)
	}
	return &Log{file: f, hash: sha256.New(), name: name, progress: line, begun: time.Now()}, nil
}

// logName returns the name of a step's log: its number, and what of its name
// every file system can hold.
func logName(i int, name string) string {
	plain := strings.Map(func(r rune) rune {
		if r < 0x80 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_') {
			return r
		}
		return '-'
	}, name)
	return fmt.Sprintf("%02d-%s.log", i+1, plain)
}

// Write takes what the step printed: bytes from outside.
func (l *Log) Write(p []byte) (int, error) {
	_, _ = l.hash.Write(p)
	if room := maxKept - l.Bytes; room > 0 {
		if _, err := l.file.Write(p[:min(int64(len(p)), room)]); err != nil {
			return 0, fmt.Errorf("writing a log: %w", err)
		}
	}
	l.Bytes += int64(len(p))
	l.last = append(l.last, p...)
	if over := len(l.last) - maxTail; over > 0 {
		l.last = append(l.last[:0], l.last[over:]...)
	}
	l.progress.Text(fmt.Sprintf("%s, %d s: %s", l.name, int(time.Since(l.begun).Seconds()), lastLine(l.last)))
	return len(p), nil
}

// lastLine returns the last line that is not empty.
func lastLine(text []byte) []byte {
	text = bytes.TrimRight(text, "\r\n")
	return text[bytes.LastIndexByte(text, '\n')+1:]
}

// Close ends the log.
func (l *Log) Close() error { return l.file.Close() }

// Sum returns the digest of all that was printed.
func (l *Log) Sum() (d digest.SHA256) {
	copy(d[:], l.hash.Sum(nil))
	return d
}

// tail returns the last whole lines.
func (l *Log) tail() string {
	if l.Bytes > maxTail {
		if i := bytes.IndexByte(l.last, '\n'); i >= 0 {
			return string(l.last[i+1:])
		}
	}
	return string(l.last)
}
