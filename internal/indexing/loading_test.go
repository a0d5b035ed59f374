package indexing_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/indexing"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/testkit"
)

func TestLoading(t *testing.T) {
	var l indexing.Loading
	first, err := l.Wait(t.Context(), nil, nil)
	if err != nil || first == nil {
		t.Fatalf("without Start: %v, %v", first, err)
	}
	again, err := l.Wait(t.Context(), nil, nil)
	if err != nil || again != first {
		t.Errorf("a second time: %p, %v, want %p", again, err, first)
	}

	// Who is interrupted does not wait until all is read.
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("interrupted"))
	var waiting indexing.Loading
	if x, err := waiting.Wait(ended, nil, nil); x != nil || err == nil || err.Error() != "interrupted" {
		t.Errorf("ended: %v, %v", x, err)
	}
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	present, absent := testkit.Write(t, filepath.Join(dir, "a"), ""), filepath.Join(dir, "absent")
	for _, c := range []struct {
		indexes, known []string
		says           string
	}{
		{nil, nil, ""},
		{[]string{present}, []string{dir}, ""},
		{[]string{present, absent}, nil, "--index: stat " + absent},
		{nil, []string{dir, absent}, "--known: stat " + absent},
	} {
		err := indexing.Check(c.indexes, c.known)
		if c.says == "" {
			if err != nil {
				t.Errorf("%q, %q: %v", c.indexes, c.known, err)
			}
			continue
		}
		failure, ok := errors.AsType[*report.Failure](err)
		if !ok || failure.Code != report.Usage || !strings.HasPrefix(failure.Detail, c.says) {
			t.Errorf("%q, %q: %v, want %q", c.indexes, c.known, err, c.says)
		}
	}
}

func TestReadIndexOfNoFile(t *testing.T) {
	if _, err := indexing.ReadIndex(os.DevNull); err == nil || !strings.Contains(err.Error(), "no index of countermark") {
		t.Errorf("a device: %v", err)
	}
}
