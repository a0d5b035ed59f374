// Package framing walks the framing of compression containers without
// decompressing: xz (The .xz File Format 1.2.1), zstd (RFC 8878) and bzip2. A
// scanner gets the bytes of a file in slices of any length, refuses what is not
// exactly one stream or frame, and says up to where its structures are
// accepted, so that a decoder need see nothing else.
package framing

import (
	"github.com/countermark/countermark/internal/refusal"
)

// walker cuts a stream into pieces of known length and calls a step for each.
// A step says what follows with next, more or skip.
type walker struct {
	offset int64              // of the next byte to arrive
	piece  []byte             // what has arrived of the piece under way
	want   int                // its length, never zero
	gap    int64              // bytes to let through before it
	step   func([]byte) error // called with the complete piece
}

// next makes a new piece follow.
func (w *walker) next(want int, step func([]byte) error) {
	w.piece, w.want, w.step = w.piece[:0], want, step
}

// more makes the piece that was just given longer, to want bytes in all.
func (w *walker) more(want int, step func([]byte) error) { w.want, w.step = want, step }

// skip lets n bytes through, which belong to no piece.
func (w *walker) skip(n int64) { w.gap = n }

// start returns the offset of the piece under way.
func (w *walker) start() int64 { return w.offset - int64(len(w.piece)) }

// Accepted returns the offset up to which structures are complete and were
// accepted.
func (w *walker) Accepted() int64 { return w.start() }

// Push takes the next bytes of the file. An error is a refusal.
func (w *walker) Push(b []byte) error {
	for len(b) > 0 {
		if w.gap > 0 {
			n := min(int64(len(b)), w.gap)
			w.gap -= n
			w.offset += n
			b = b[n:]
			continue
		}
		n := min(len(b), w.want-len(w.piece))
		w.piece = append(w.piece, b[:n]...)
		w.offset += int64(n)
		b = b[n:]
		if len(w.piece) == w.want {
			if err := w.step(w.piece); err != nil {
				return err
			}
		}
	}
	return nil
}

// refuse returns a refusal at byte i of the piece under way.
func (w *walker) refuse(rule refusal.Rule, i int, format string, args ...any) error {
	return refuse(rule, w.start()+int64(i), format, args...)
}

func refuse(rule refusal.Rule, offset int64, format string, args ...any) *refusal.Refusal {
	return refusal.New(rule, format, args...).At(offset, "")
}
