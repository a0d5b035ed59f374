package indexing

import (
	"context"
	"os"

	"github.com/countermark/countermark/internal/knownfile"
	"github.com/countermark/countermark/internal/report"
)

// Loading is what Load returns, on its way. The zero value has not begun. Not
// safe for concurrent use.
type Loading struct {
	done  chan struct{} // nil: not begun
	index *knownfile.Index
	err   error
}

// Start begins to load.
func (l *Loading) Start(ctx context.Context, indexes, known []string) {
	l.done = make(chan struct{})
	go func() {
		defer close(l.done)
		l.index, l.err = Load(ctx, indexes, known)
	}()
}

// Wait returns what Load returned, or the context's error once that has ended.
// It begins to load if Start was not called.
func (l *Loading) Wait(ctx context.Context, indexes, known []string) (*knownfile.Index, error) {
	if l.done == nil {
		l.Start(ctx, indexes, known)
	}
	select {
	case <-l.done:
		return l.index, l.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Check refuses names of index files and of known files that do not exist, which
// would go unnoticed where nothing is to be looked up. The error is a
// *report.Failure.
func Check(indexes, known []string) error {
	for _, flag := range []struct {
		name  string
		files []string
	}{{"--index", indexes}, {"--known", known}} {
		for _, file := range flag.files {
			if _, err := os.Stat(file); err != nil {
				return report.UsageFailure("", "%s: %v", flag.name, err)
			}
		}
	}
	return nil
}
