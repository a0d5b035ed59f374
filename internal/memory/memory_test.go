package memory_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/durable"
	"github.com/countermark/countermark/internal/memory"
)

const project = "https://git.example.org/demo.git"

// policies returns digests that begin with the given bytes.
func policies(first ...byte) []digest.SHA256 {
	all := make([]digest.SHA256, len(first))
	for i, b := range first {
		all[i][0] = b
	}
	return all
}

func chain(first int, letters string) memory.Chain {
	p := policies([]byte(letters)...)
	return memory.Chain{Root: p[0], First: first, Policies: p}
}

func TestJudge(t *testing.T) {
	seen := memory.Seen{Project: project, Root: policies('b')[0], Version: 4, Policy: policies('d')[0]}
	for _, c := range []struct {
		name  string
		seen  memory.Seen
		chain memory.Chain
		want  memory.Verdict
		text  string
	}{
		{"nothing remembered", memory.Seen{}, chain(1, "a"), memory.First, "first"},
		{"the same", seen, chain(2, "bcd"), memory.Same, "same"},
		{"the same, another root", seen, chain(1, "abcd"), memory.Same, "same"},
		{"only the last", seen, chain(4, "d"), memory.Same, "same"},
		{"one more", seen, chain(2, "bcde"), memory.Newer, "newer"},
		{"one less", seen, chain(2, "bc"), memory.Older, "older"},
		{"none", seen, memory.Chain{}, memory.Older, "older"},
		{"another last", seen, chain(2, "bcx"), memory.Forked, "forked"},
		{"longer, forked before", seen, chain(2, "bxye"), memory.Forked, "forked"},
		{"begins after", seen, chain(5, "ef"), memory.Apart, "apart"},
	} {
		got := c.seen.Judge(c.chain)
		if got != c.want || got.String() != c.text || got.InOrder() != (c.want <= memory.Newer) {
			t.Errorf("%s: %v, in order %v; want %v", c.name, got, got.InOrder(), c.want)
		}
	}
	if v := memory.Verdict(0); v.InOrder() || v.String() != "none" {
		t.Error("no verdict is one")
	}
}

func folder(t *testing.T) memory.Folder {
	t.Helper()
	return memory.Folder{Dir: filepath.Join(t.TempDir(), "a", "b"), Write: durable.WriteFile}
}

func TestAdvance(t *testing.T) {
	f := folder(t)
	for _, c := range []struct {
		chain  memory.Chain
		want   memory.Verdict
		before int
		after  string
	}{
		{chain(1, "ab"), memory.First, 0, "b"},
		{chain(1, "ab"), memory.Same, 2, "b"},
		{chain(1, "abcd"), memory.Newer, 2, "d"},
		{chain(1, "abc"), memory.Older, 4, "d"},
		{chain(1, "abcx"), memory.Forked, 4, "d"},
		{chain(9, "yz"), memory.Apart, 4, "d"},
		{chain(3, "cde"), memory.Newer, 4, "e"},
	} {
		got, before, err := f.Advance(t.Context(), project, c.chain)
		if err != nil || got != c.want || before.Version != c.before {
			t.Errorf("%v: %v, before %+v, %v", c.chain.Policies, got, before, err)
		}
		after, err := f.Read(project)
		if err != nil || after.Policy != policies(c.after[0])[0] {
			t.Errorf("%v: now %+v, %v", c.chain.Policies, after, err)
		}
	}
	if seen, err := f.Read(project + "/other"); err != nil || seen.Version != 0 {
		t.Errorf("of another project: %+v, %v", seen, err)
	}
}

func TestAdvanceRefuses(t *testing.T) {
	f := folder(t)
	broken := chain(1, "ab")
	broken.Root = policies('c')[0]
	for name, c := range map[string]struct {
		project string
		chain   memory.Chain
		want    string
	}{
		"no address":        {"", chain(1, "a"), "visible ASCII"},
		"an address broken": {"a\nb", chain(1, "a"), "visible ASCII"},
		"long address":      {strings.Repeat("a", memory.MaxProjectBytes+1), chain(1, "a"), "visible ASCII"},
		"no chain":          {project, memory.Chain{}, "0 policies"},
		"version 0":         {project, chain(0, "a"), "version 0"},
		"a huge version":    {project, chain(memory.MaxVersion, "ab"), "2 policies"},
		"another root":      {project, broken, "does not hold its root"},
		"no digest":         {project, chain(1, "a\x00"), "no digest"},
	} {
		if v, _, err := f.Advance(t.Context(), c.project, c.chain); v != 0 || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v", name, v, err)
		}
	}
}

// Whatever the order in which processes come, the newest remains.
func TestAdvanceAtOnce(t *testing.T) {
	f := folder(t)
	letters := "abcdefghijklmnop"
	var all sync.WaitGroup
	for i := range letters {
		all.Go(func() {
			v, before, err := f.Advance(t.Context(), project, chain(1, letters[:i+1]))
			if err != nil || v != memory.Older && before.Version > i+1 {
				t.Errorf("%d: %v, %+v, %v", i+1, v, before, err)
			}
		})
	}
	all.Wait()
	if seen, err := f.Read(project); err != nil || seen.Version != len(letters) {
		t.Errorf("%+v, %v", seen, err)
	}
}

// While another holds the lock nothing is written, and the context ends the wait.
func TestAdvanceWaits(t *testing.T) {
	f := folder(t)
	inside, leave := make(chan struct{}), make(chan struct{})
	slow := f
	slow.Write = func(path string, data []byte) error {
		close(inside)
		<-leave
		return durable.WriteFile(path, data)
	}
	done := make(chan error, 1)
	go func() {
		_, _, err := slow.Advance(t.Context(), project, chain(1, "a"))
		done <- err
	}()
	<-inside
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, _, err := f.Advance(ctx, project, chain(1, "x")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	close(leave)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if v, _, err := f.Advance(t.Context(), project, chain(1, "x")); err != nil || v != memory.Forked {
		t.Errorf("%v, %v", v, err)
	}
}

// A memory that cannot be read is not taken for none.
func TestDamaged(t *testing.T) {
	f := folder(t)
	if _, _, err := f.Advance(t.Context(), project, chain(1, "a")); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(f.Dir, "[0-9a-f]*"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	good, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]byte{nil, good[:len(good)-1], append(bytes.Clone(good), '\n'), bytes.Replace(good, []byte("demo"), []byte("Demo"), 1), bytes.Repeat([]byte("a"), 5000)} {
		if err := os.WriteFile(files[0], bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if v, _, err := f.Advance(t.Context(), project, chain(1, "ab")); err == nil || !strings.Contains(err.Error(), files[0]) {
			t.Errorf("%q: %v, %v", bad, v, err)
		}
	}
}

func TestParse(t *testing.T) {
	text, err := os.ReadFile("../../docs/spec/ledger.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(text), "```memory\n")
	example, _, found := strings.Cut(example, "```\n")
	if !found {
		t.Fatal("docs/spec/ledger.md holds no example")
	}
	seen, err := memory.Parse([]byte(example))
	if err != nil || seen.Version != 7 || seen.Project != project || string(seen.Encode()) != example {
		t.Errorf("%+v, %v", seen, err)
	}
	replace := func(from, to string) string { return strings.Replace(example, from, to, 1) }
	for name, bad := range map[string]string{
		"another format":    replace("memory 1", "memory 2"),
		"no project":        replace("project "+project, "project "),
		"another field":     replace("root ", "base "),
		"a short root":      replace("root 0", "root "),
		"an upper-case hex": replace("root 0a", "root 0A"),
		"version 0":         replace("policy 7", "policy 0"),
		"a leading zero":    replace("policy 7", "policy 07"),
		"a sign":            replace("policy 7", "policy +7"),
		"a huge version":    replace("policy 7", "policy 9999999999"),
		"two spaces":        replace("policy 7 ", "policy 7  "),
		"no policy":         replace("policy 7 ", "policy 7"),
		"a carriage return": replace("\n", "\r\n"),
		"a line more":       example + "policy\n",
		"no line end":       strings.TrimSuffix(example, "\n"),
		"a zero root":       "countermark-memory 1\nproject a\nroot " + strings.Repeat("0", 64) + "\npolicy 1 " + strings.Repeat("1", 64) + "\n",
	} {
		if seen, err := memory.Parse([]byte(bad)); err == nil || seen != (memory.Seen{}) {
			t.Errorf("%s: accepted as %+v", name, seen)
		}
	}
}

func TestDefaultDir(t *testing.T) {
	t.Setenv("HOME", "/home-of-test")
	for value, want := range map[string]string{"/state": "/state", "relative": "/home-of-test/.local/state", "": "/home-of-test/.local/state"} {
		t.Setenv("XDG_STATE_HOME", value)
		if got, err := memory.DefaultDir(); err != nil || got != filepath.Join(want, "countermark", "policies") {
			t.Errorf("%q: %q, %v", value, got, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(memory.Seen{Project: project, Root: policies('a')[0], Version: 1, Policy: policies('b')[0]}.Encode())
	f.Add([]byte("countermark-memory 1\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		seen, err := memory.Parse(data)
		if err != nil && seen != (memory.Seen{}) {
			t.Errorf("%+v with %v", seen, err)
		}
		if err == nil && !bytes.Equal(seen.Encode(), data) {
			t.Errorf("%q is written as %q", data, seen.Encode())
		}
	})
}
