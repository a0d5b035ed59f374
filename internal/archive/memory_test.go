package archive_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countermark/countermark/internal/archive"
)

// memberStream gives the tar of n empty files without holding it.
type memberStream struct {
	n, next int
	rest    []byte
	names   int64 // bytes of the names given out
}

func (s *memberStream) Read(p []byte) (int, error) {
	if len(s.rest) == 0 {
		if s.next > s.n {
			return 0, io.EOF
		}
		b := newTar(magicUstar)
		if s.next == s.n {
			b.raw(strings.Repeat("\x00", 1024))
		} else {
			name := fmt.Sprintf("release-1.0/directory-%03d/file-%06d", s.next/500, s.next)
			s.names += int64(len(name))
			b.file(name, "")
		}
		s.next++
		s.rest = b.out.Bytes()
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// peakDuring returns the most heap that was in use while f ran, sampled.
func peakDuring(f func()) uint64 {
	runtime.GC()
	var before, m runtime.MemStats
	runtime.ReadMemStats(&before)
	var done atomic.Bool
	peak := make(chan uint64)
	go func() {
		most := uint64(0)
		for !done.Load() {
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapAlloc)
			time.Sleep(2 * time.Millisecond)
		}
		peak <- most
	}()
	f()
	done.Store(true)
	return <-peak - before.HeapAlloc
}

// TestMemoryOfManyMembers holds reading to 48 MiB, 200 bytes a member and the
// bytes of the names.
func TestMemoryOfManyMembers(t *testing.T) {
	if testing.Short() {
		t.Skip("reads an archive of 100 MB")
	}
	defer debug.SetGCPercent(debug.SetGCPercent(20)) // what is in use, not what waits to be collected
	const members = 200_000
	stream := &memberStream{n: members}
	var contents *archive.Contents
	peak := peakDuring(func() {
		r, err := archive.Open(stream, plainTar())
		if err == nil {
			contents, err = r.Read(context.Background(), nil)
		}
		if err != nil {
			t.Error(err)
		}
	})
	limit := uint64(48<<20 + 200*members + stream.names)
	if contents == nil || contents.Members != members || contents.Tree.Len() != members {
		t.Fatalf("got %+v", contents)
	}
	t.Logf("peak %d kB of heap, the limit is %d kB", peak>>10, limit>>10)
	if peak > limit {
		t.Errorf("the heap grew to %d bytes, the limit is %d", peak, limit)
	}
}

// TestLinksTakeBoundedTime follows many long links that pass one another.
func TestLinksTakeBoundedTime(t *testing.T) {
	b := newTar(magicUstar)
	deep := strings.Repeat("d/", 1000)
	b.pax(record("path", "top/"+deep+"f"))
	b.file("top/short", "")
	climb := strings.Repeat("d/", 1000) + strings.Repeat("../", 600)
	for i := range 2000 {
		to := "../"[:3*min(i, 1)] + climb
		if i > 0 {
			to = fmt.Sprintf("l%04d/../%s", i-1-i%30, climb)
		}
		b.pax(record("linkpath", to))
		b.link(fmt.Sprintf("top/l%04d", i), to[:100])
	}
	raw := b.end()
	start := time.Now()
	_, err := readArchive(raw, plainTar())
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	if rule := ruleOf(err); rule != "accept" && rule != "LINK_ESCAPE" {
		t.Errorf("got %v", err)
	}
}

func BenchmarkTar(b *testing.B) {
	large := newTar(magicUstar)
	for i := range 4 {
		large.file(fmt.Sprintf("top/%d", i), strings.Repeat("0123456789abcdef", 1<<20))
	}
	small := newTar(magicUstar)
	for i := range 20_000 {
		small.file(fmt.Sprintf("top/%02d/%d", i/400, i), strings.Repeat("x", 1000))
	}
	for _, c := range []struct {
		name string
		raw  []byte
	}{{"large files", large.end()}, {"small files", small.end()}} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.raw)))
			b.ReportAllocs()
			for b.Loop() {
				r, err := archive.Open(bytes.NewReader(c.raw), plainTar())
				if err == nil {
					_, err = r.Read(context.Background(), nil)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
