package sandbox

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/countermark/countermark/internal/sandbox/handover"
)

const (
	// watchInterval is how often processes are counted: often enough that a
	// fork bomb of root's, whom the kernel sets no limit, stays small.
	watchInterval   = 25 * time.Millisecond
	measureInterval = 100 * time.Millisecond // and the outputs are measured
	// measureShare is the largest share of the time that measuring large
	// outputs takes: one part of ten.
	measureShare = 10
)

// watch ends a program that passes a limit.
type watch struct {
	p       Program
	j       job
	stop    chan struct{} // closed when the program has ended
	overrun chan struct{} // closed when it has printed too much
	hit     Limit         // to be read when run has returned
}

// run returns when the program has ended, or was ended.
func (w *watch) run(ctx context.Context) {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	var late <-chan time.Time
	if w.p.Limits.Time > 0 {
		timer := time.NewTimer(w.p.Limits.Time)
		defer timer.Stop()
		late = timer.C
	}
	var measured time.Time
	pause := measureInterval
	for w.hit == NoLimit {
		select {
		case <-w.stop:
			return
		case <-ctx.Done():
			w.end()
			return
		case <-late:
			w.hit = TimeLimit
		case <-w.overrun:
			w.hit = PrintedLimit
		case <-tick.C:
			if w.p.Limits.Processes > 0 && w.j.processes(w.p.Limits.Processes) >= w.p.Limits.Processes {
				w.hit = ProcessesLimit
			} else if time.Since(measured) >= pause {
				begun := time.Now()
				w.hit = measure(w.p).limit(w.p.Limits)
				measured = time.Now()
				pause = max(measureInterval, measureShare*measured.Sub(begun))
			}
		}
	}
	w.end()
}

// end kills until the program has ended: a fork may be under way, or the
// sandbox not be known yet.
func (w *watch) end() {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		w.j.kill()
		select {
		case <-w.stop:
			return
		case <-tick.C:
		}
	}
}

// finalLimit looks once more when nothing runs.
func finalLimit(p Program, out *handover.Printed) Limit {
	if out.Over {
		return PrintedLimit
	}
	a := measure(p)
	if hit := a.limit(p.Limits); hit != NoLimit {
		return hit
	}
	if a.unreadable {
		return UnreadableOutput
	}
	return NoLimit
}

// amount is what lies below the writable binds.
type amount struct {
	bytes      int64
	files      int
	unreadable bool
}

// measure counts no further than to the limits. It follows no link.
func measure(p Program) amount {
	var a amount
	if p.Limits.OutputBytes == 0 && p.Limits.Files == 0 {
		return a
	}
	for i, b := range p.Binds {
		if !b.Writable || slices.ContainsFunc(p.Binds[:i], func(other Bind) bool { return other.Writable && other.Source == b.Source }) {
			continue
		}
		// The function returns no error but SkipAll, so neither does WalkDir.
		_ = filepath.WalkDir(b.Source, func(_ string, d fs.DirEntry, err error) error { return a.add(d, err, p.Limits) })
	}
	return a
}

func (a *amount) add(d fs.DirEntry, err error, most Limits) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil // gone meanwhile
	}
	if err != nil || d == nil {
		a.unreadable = true
		return nil
	}
	a.files++
	if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
		a.bytes += min(info.Size(), math.MaxInt64-a.bytes)
	}
	if a.limit(most) != NoLimit {
		return filepath.SkipAll
	}
	return nil
}

// limit says which limit is reached. A file as large as the kernel lets it
// become has reached it.
func (a amount) limit(most Limits) Limit {
	switch {
	case most.OutputBytes > 0 && a.bytes >= most.OutputBytes:
		return OutputLimit
	case most.Files > 0 && a.files >= most.Files:
		return FilesLimit
	}
	return NoLimit
}
