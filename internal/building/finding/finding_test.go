package finding

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/sandbox"
	"github.com/countermark/countermark/internal/sandbox/namespace"
)

// newLog makes the log of a program that printed something, in two writes.
func newLog(t *testing.T, i int, name, said string) (l *Log, dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "logs")
	l, err := NewLog(dir, i, name, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{said[:len(said)/2], said[len(said)/2:]} {
		if n, err := l.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l, dir
}

func TestLog(t *testing.T) {
	said := "first\nsecond\n"
	l, dir := newLog(t, 9, "../a b/é\x1b", said)
	path := filepath.Join(dir, "10----a-b---.log")
	got, err := os.ReadFile(path)
	if err != nil {
		entries, _ := os.ReadDir(dir)
		t.Fatalf("%v; there is %v", err, entries)
	}
	sum, size, err := SumFile(path)
	if err != nil || string(got) != said || l.Bytes != int64(len(said)) || size != l.Bytes || sum != l.Sum() || l.tail() != said {
		t.Errorf("%q, %d bytes of %d, %v, %v", got, size, l.Bytes, sum == l.Sum(), err)
	}
	if _, err := NewLog(dir, 9, "../a b/é\x1b", nil); err == nil {
		t.Error("one log takes the place of another")
	}
	if string(lastLine([]byte("a\nlast\r\n\n"))) != "last" || string(lastLine([]byte("one"))) != "one" || len(lastLine(nil)) != 0 {
		t.Error("the last line is another")
	}
}

// Of much that is printed the last whole lines are shown.
func TestLogTail(t *testing.T) {
	said := strings.Repeat("x", 10) + "\n" + strings.Repeat("a line\n", maxTail)
	l, _ := newLog(t, 0, "s", said)
	if tail := l.tail(); len(tail) > maxTail || len(tail) < maxTail-len("a line\n") || !strings.HasPrefix(tail, "a line\n") || !strings.HasSuffix(said, tail) {
		t.Errorf("%d bytes, from %.20q", len(l.tail()), l.tail())
	}
	long, _ := newLog(t, 0, "s", strings.Repeat("x", 3*maxTail))
	if tail := long.tail(); tail != strings.Repeat("x", maxTail) {
		t.Errorf("%d bytes", len(tail))
	}
}

// What is more than can be kept counts for size and digest.
func TestLogIsCapped(t *testing.T) {
	l, err := NewLog(t.TempDir(), 0, "s", nil)
	if err != nil {
		t.Fatal(err)
	}
	sum := NewSum()
	chunk := make([]byte, 3<<20)
	for range maxKept/len(chunk) + 2 {
		_, _ = sum.Write(chunk)
		if n, err := l.Write(chunk); n != len(chunk) || err != nil {
			t.Fatal(n, err)
		}
	}
	info, err := l.file.Stat()
	if err != nil || info.Size() != maxKept || l.Bytes <= maxKept || l.Sum() != sum.Digest() {
		t.Errorf("%d of %d bytes are kept, %v", info.Size(), l.Bytes, err)
	}
	_ = l.Close()
}

func TestJudge(t *testing.T) {
	log, _ := newLog(t, 0, "s", "last words\n")
	dialled := namespace.Network{Attempts: []namespace.Attempt{{Kind: "TCP", Count: 2}, {Kind: "UDP", Count: 1}}}
	for _, c := range []struct {
		outcome sandbox.Outcome
		rules   []Rule
		says    string
	}{
		{sandbox.Outcome{}, nil, ""},
		{sandbox.Outcome{Exit: 3}, []Rule{StepFails}, "exit status 3"},
		{sandbox.Outcome{Limit: sandbox.TimeLimit, Exit: 137}, []Rule{Limit}, "the limit on time"},
		{sandbox.Outcome{Limit: sandbox.UnreadableOutput}, []Rule{Limit}, "may not be read"},
		{sandbox.Outcome{Limit: sandbox.DeepOutput}, []Rule{Limit}, "folders within folders"},
		{sandbox.Outcome{Network: dialled}, []Rule{Network}, "(TCP: 2, UDP: 1)"},
		{sandbox.Outcome{Network: dialled, Exit: 1}, []Rule{Network, StepFails}, "use the network"},
	} {
		l := &List{}
		l.Judge("s", c.outcome, log)
		var rules []Rule
		for _, f := range l.Findings {
			rules = append(rules, f.Rule)
			if f.Step != "s" || f.Hint == "" {
				t.Errorf("%+v", f)
			}
		}
		if fmt.Sprint(rules) != fmt.Sprint(c.rules) || l.Failed() != (len(c.rules) > 0) {
			t.Errorf("%+v: %v, want %v", c.outcome, rules, c.rules)
			continue
		}
		if l.Failed() && (!strings.Contains(l.Findings[0].Detail, c.says) || l.Said != "last words\n") || !l.Failed() && l.Said != "" {
			t.Errorf("%+v: %+v, said %q", c.outcome, l.Findings, l.Said)
		}
	}
}

func TestAddRefusal(t *testing.T) {
	l := &List{}
	other := errors.New("other")
	if err := l.AddRefusal(Finding{Rule: Dirty}, other); err != other || l.Failed() { //nolint:errorlint // the very error
		t.Errorf("%v, %v", err, l.Findings)
	}
	refused := fmt.Errorf("reading: %w", refusal.New(refusal.NameControl, "a name").At(refusal.Unknown, "a\x1bb"))
	if err := l.AddRefusal(Finding{Rule: Dirty, Step: "s", Detail: "the step did it"}, refused); err != nil {
		t.Fatal(err)
	}
	if err := l.AddRefusal(Finding{Rule: Dirty}, refusal.New(refusal.GitLimit, "too much")); err != nil {
		t.Fatal(err)
	}
	if f := l.Findings; len(f) != 2 || f[0].Rule != Dirty || f[0].Detail != `the step did it: NAME_CONTROL: a name, in "a\x1bb"` || f[1].Rule != Limit {
		t.Errorf("%+v", f)
	}
}

func TestSum(t *testing.T) {
	s := NewSum()
	if n, err := s.ReadFrom(strings.NewReader("abc")); n != 3 || err != nil {
		t.Error(n, err)
	}
	want, err := digest.ParseSHA256("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") // FIPS 180-4, "abc"
	if err != nil || s.Digest() != want {
		t.Errorf("%v, %v", s.Digest(), err)
	}
	if _, _, err := SumFile(filepath.Join(t.TempDir(), "absent")); err == nil {
		t.Error("a file that is not there has a digest")
	}
}
