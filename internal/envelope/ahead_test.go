package envelope_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"runtime"
	"testing"
	"testing/iotest"
	"time"

	"github.com/countermark/countermark/internal/envelope"
)

func TestAhead(t *testing.T) {
	for _, size := range []int{0, 1, 512 << 10, 512<<10 + 1, 5 << 20} {
		content := sample(size)
		sum := sha256.New()
		a := envelope.NewAhead(bytes.NewReader(content), sum)
		got, err := io.ReadAll(a)
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes: read %d, %v", size, len(got), err)
		}
		if want := sha256.Sum256(content); !bytes.Equal(sum.Sum(nil), want[:]) {
			t.Errorf("%d bytes: the hash saw something else", size)
		}
		if _, err := a.Next(); err != io.EOF {
			t.Errorf("%d bytes: Next after the end gives %v", size, err)
		}
		a.Close()
	}
}

func TestAheadNextAfterRead(t *testing.T) {
	content := sample(3 << 20)
	a := envelope.NewAhead(iotest.HalfReader(bytes.NewReader(content)), nil)
	defer a.Close()
	got := make([]byte, 1000)
	if _, err := io.ReadFull(a, got); err != nil {
		t.Fatal(err)
	}
	for {
		b, err := a.Next()
		if err == io.EOF {
			break
		}
		if err != nil || len(b) == 0 {
			t.Fatalf("Next gives %d bytes, %v", len(b), err)
		}
		got = append(got, b...)
	}
	if !bytes.Equal(got, content) {
		t.Errorf("read %d bytes, expected %d", len(got), len(content))
	}
}

// TestAheadError: what came before an error is given out before it.
func TestAheadError(t *testing.T) {
	broken := errors.New("broken")
	content := sample(700_000)
	a := envelope.NewAhead(io.MultiReader(bytes.NewReader(content), iotest.ErrReader(broken)), nil)
	defer a.Close()
	got, err := io.ReadAll(a)
	if err != broken || !bytes.Equal(got, content) {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
}

// TestAheadCloseEarly: neither a reader without end nor one that is never read
// leaves a goroutine behind.
func TestAheadCloseEarly(t *testing.T) {
	before := runtime.NumGoroutine()
	for i := range 20 {
		a := envelope.NewAhead(zeroReader{}, nil)
		if i%2 == 0 {
			if _, err := a.Next(); err != nil {
				t.Fatal(err)
			}
		}
		a.Close()
		a.Close()
		if _, err := a.Read(make([]byte, 1)); err == nil {
			t.Error("a closed Ahead can be read")
		}
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines before, %d after", before, runtime.NumGoroutine())
}
