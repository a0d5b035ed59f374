package sandbox

import (
	"context"
	"time"

	"github.com/countermark/countermark/internal/sandbox/amount"
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
				w.hit = w.p.Limits.limit(measure(w.p))
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
	if hit := p.Limits.limit(a); hit != NoLimit {
		return hit
	}
	if a.Deep {
		return DeepOutput
	}
	if a.Unreadable {
		return UnreadableOutput
	}
	return NoLimit
}

// measure looks at what lies below the writable binds.
func measure(p Program) amount.Amount {
	most := amount.Most{Bytes: p.Limits.OutputBytes, Files: p.Limits.Files}
	if most == (amount.Most{}) {
		return amount.Amount{}
	}
	var folders []string
	for _, b := range p.Binds {
		if b.Writable {
			folders = append(folders, b.Source)
		}
	}
	return amount.Of(folders, most)
}

// limit says which limit is reached. A file as large as the kernel lets it
// become has reached it.
func (l Limits) limit(a amount.Amount) Limit {
	switch {
	case l.OutputBytes > 0 && a.Bytes >= l.OutputBytes:
		return OutputLimit
	case l.Files > 0 && a.Files >= l.Files:
		return FilesLimit
	}
	return NoLimit
}
