package canonical_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/countermark/countermark/internal/archive/canonical"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/tree"
)

// contents are the files and links of a tree, by path.
type contents map[string]node

type node struct {
	text  string // or a link's target
	link  bool
	exec  bool
	mtime int64
}

// tree builds the tree of the contents, with its ids.
func (c contents) tree(t fataler) tree.Tree {
	t.Helper()
	var entries []tree.Entry
	hash := digest.NewObjectHash(digest.SHA1Format, digest.SHA256Format)
	for path, n := range c {
		e := tree.Entry{Path: tree.Path(path), Kind: tree.File, Size: int64(len(n.text))}
		if n.link {
			e.Kind = tree.Symlink
		}
		if n.exec {
			e.Exec = tree.Executable
		}
		hash.Reset(digest.Blob, e.Size)
		_, _ = io.WriteString(hash, n.text)
		e.IDs, _ = hash.Sum()
		entries = append(entries, e)
	}
	built, err := tree.Build(entries)
	if err != nil {
		t.Fatalf("building the tree: %v", err)
	}
	return built
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// source gives the contents, in small writes.
func (c contents) source(prefix string) canonical.Source {
	return canonical.Source{
		Prefix: prefix, Mtime: 1700000000,
		MtimeOf: func(e *tree.Entry) int64 { return 1700000000 + c[string(e.Path)].mtime },
		Content: func(e *tree.Entry, w io.Writer) error {
			_, err := io.Copy(w, iotest.HalfReader(strings.NewReader(c[string(e.Path)].text)))
			return err
		},
	}
}

// write returns the canonical tar.
func (c contents) write(t fataler, prefix string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := canonical.Write(&b, c.tree(t), c.source(prefix)); err != nil {
		t.Fatalf("writing the tar: %v", err)
	}
	return b.Bytes()
}

// plain is a tree whose names fit ustar, at its borders too.
func plain() contents {
	return contents{
		"README":                {text: "read me\n"},
		"a-b":                   {text: "before the folder a\n"},
		"a/x":                   {text: strings.Repeat("x", 512)},
		"a0":                    {text: "after the folder a\n"},
		"a/empty":               {},
		"a/deep/er/file":        {text: strings.Repeat("y", 513), mtime: 1},
		"configure":             {text: "#!/bin/sh\n", exec: true},
		"link":                  {text: "a/x", link: true},
		"é/日本語":                 {text: "not ASCII\n"},
		"target-100":            {text: strings.Repeat("t", 100), link: true},
		strings.Repeat("n", 96): {text: "the name field is full"},
		strings.Repeat("p", 75) + "/" + strings.Repeat("p", 75) + "/" + strings.Repeat("n", 100):  {text: "both fields are full"},
		strings.Repeat("q", 70) + "/" + strings.Repeat("q", 70) + "/b/" + strings.Repeat("m", 96): {text: "two slashes to split at"},
	}
}

// odd is a tree with what ustar cannot say.
func odd() contents {
	return contents{
		strings.Repeat("n", 97):                                   {text: "one byte too long, and nowhere to split"},
		strings.Repeat("r", 99) + "/x":                            {text: "a directory that fits but for its final slash"},
		strings.Repeat("p", 152) + "/x":                           {text: "prefix too long by one"},
		"f/" + strings.Repeat("m", 101):                           {text: "name too long by one"},
		"d/" + strings.Repeat("é", 60) + "/x":                     {text: "a directory that does not fit"},
		"long-target":                                             {text: strings.Repeat("t", 101), link: true},
		strings.Repeat("k", 120):                                  {text: strings.Repeat("é/", 60) + "z", link: true},
		strings.Repeat(strings.Repeat("c", 200)+"/", 3) + "below": {text: "deep", exec: true},
	}
}

// The bytes never change. These digests are those of the first version.
func TestGolden(t *testing.T) {
	for _, c := range []struct {
		name, prefix string
		contents     contents
		bytes        int
		want         string
	}{
		{"nothing at all", "", contents{}, 10240, "84ff92691f909a05b224e1c56abb4864f01b4f8e3c854e4bb4c7baf1d3f6d652"},
		{"nothing but the top directory", "toy-1.0", contents{}, 10240, "a52f5b9ece7d7c6eaf8eeaa100b27730bac56ffb2a5e4dbfb0f6c635fa688a57"},
		{"plain names", "abc", plain(), 20480, "61decf815aebfd3d57ed6ac8873087423af8eb90a00628ebffa9c8ebc7c1236a"},
		{"odd names", "abc", odd(), 30720, "3164111f30c4e6cee8ba54785736890e7b92328eb01362397dedbd8375b46c48"},
		{"no top directory", "", plain(), 20480, "5b20dd860580d73a872a8ad7bc6a1e21132ed77f35ed9aded1b8067a046fff3e"},
		{"two top directories", "abc/def", odd(), 30720, "70bafc39a173240e8d8aadcdd7d4937bf2d28c32468cae894da3a988e7e1c4f4"},
	} {
		raw := c.contents.write(t, c.prefix)
		if got := fmt.Sprintf("%x", sha256.Sum256(raw)); got != c.want || len(raw) != c.bytes {
			t.Errorf("%s: %d bytes with SHA-256 %s, want %d with %s", c.name, len(raw), got, c.bytes, c.want)
		}
	}
}

// What does not fit is an error that says why, and where.
func TestWriteErrors(t *testing.T) {
	small := contents{"dir/file": {text: "12345"}}
	give := func(parts ...string) func(*tree.Entry, io.Writer) error {
		return func(_ *tree.Entry, w io.Writer) error {
			for _, p := range parts {
				_, _ = io.WriteString(w, p) // a caller that does not look
			}
			return nil
		}
	}
	entry := func(e tree.Entry) func(*tree.Entry) { return func(to *tree.Entry) { *to = e } }
	for name, c := range map[string]struct {
		want   string
		change func(*canonical.Source)
		entry  func(*tree.Entry)
	}{
		"short":           {`writing "top/dir/file": its content has 4 bytes, 5 were announced`, func(s *canonical.Source) { s.Content = give("123", "4") }, nil},
		"none":            {"its content has 0 bytes, 5 were announced", func(s *canonical.Source) { s.Content = give() }, nil},
		"long":            {"its content has more than the 5 bytes that were announced", func(s *canonical.Source) { s.Content = give("123", "456") }, nil},
		"long by a write": {"its content has more than the 5 bytes", func(s *canonical.Source) { s.Content = give("12345", "6", "") }, nil},
		"failing": {"no such blob", func(s *canonical.Source) {
			s.Content = func(*tree.Entry, io.Writer) error { return errors.New("no such blob") }
		}, nil},
		"before 1970":      {"its time is -1, expected 0 to 8589934591 seconds since 1970", func(s *canonical.Source) { s.MtimeOf = func(*tree.Entry) int64 { return -1 } }, nil},
		"too late":         {`time is 8589934592`, func(s *canonical.Source) { s.MtimeOf = func(*tree.Entry) int64 { return 1 << 33 } }, nil},
		"directories late": {"its time is 8589934592", func(s *canonical.Source) { s.Mtime = 1 << 33 }, nil},
		"prefix":           {`the top directory: NAME_PATH`, func(s *canonical.Source) { s.Prefix = "../x" }, nil},
		"prefix, slash":    {`the top directory: NAME_PATH`, func(s *canonical.Source) { s.Prefix = "x/" }, nil},
		"prefix, long":     {"NAME_PATH", func(s *canonical.Source) { s.Prefix = strings.Repeat("d/", 2044) + "e" }, nil},
		"bad path":         {"NAME_PATH", nil, entry(tree.Entry{Path: "a/../b", Kind: tree.File, Size: 5})},
		"submodule":        {"it is a submodule, expected a file or a symbolic link", nil, entry(tree.Entry{Path: "a", Kind: tree.Submodule})},
		"empty directory":  {"it is a directory", nil, entry(tree.Entry{Path: "a", Kind: tree.Directory})},
		"special":          {"it is a special", nil, entry(tree.Entry{Path: "a", Kind: tree.Special})},
		"unknown mode":     {"whether it is executable is not known", nil, entry(tree.Entry{Path: "a", Kind: tree.File, Exec: tree.ExecUnknown})},
		"negative":         {"it has -1 bytes", nil, entry(tree.Entry{Path: "a", Kind: tree.File, Size: -1})},
		"8 GiB":            {"it has 8589934592 bytes, expected 0 to 8589934591", nil, entry(tree.Entry{Path: "a", Kind: tree.File, Size: 1 << 33})},
		"empty target":     {"the target has 0 bytes", nil, entry(tree.Entry{Path: "a", Kind: tree.Symlink})},
		"long target":      {"the target has 4097 bytes, expected 1 to 4096", nil, entry(tree.Entry{Path: "a", Kind: tree.Symlink, Size: 4097})},
		"bad target":       {"NAME_CONTROL", func(s *canonical.Source) { s.Content = give("a\nb") }, entry(tree.Entry{Path: "a", Kind: tree.Symlink, Size: 3})},
		"short target":     {"its content has 2 bytes", func(s *canonical.Source) { s.Content = give("ab") }, entry(tree.Entry{Path: "a", Kind: tree.Symlink, Size: 3})},
	} {
		s, built := small.source("top"), small.tree(t)
		if c.change != nil {
			c.change(&s)
		}
		if c.entry != nil {
			c.entry(&built.Entries()[0])
		}
		err := canonical.Write(io.Discard, built, s)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// failing is a writer that fails after some bytes.
type failing struct{ left int }

func (f *failing) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

var errFull = errors.New("it is full")

// Wherever the writer fails, its error comes out.
func TestWriterFails(t *testing.T) {
	all := plain()
	all["big"] = node{text: strings.Repeat("z", 300<<10)}
	whole := len(all.write(t, "abc"))
	for left := 0; left < whole; left += 4 << 10 {
		if err := canonical.Write(&failing{left}, all.tree(t), all.source("abc")); !errors.Is(err, errFull) {
			t.Errorf("after %d bytes: %v", left, err)
		}
	}
	if err := canonical.Write(&failing{whole}, all.tree(t), all.source("abc")); err != nil {
		t.Errorf("after all bytes: %v", err)
	}
}

// A time is the same for all where none is given for each.
func TestOneTime(t *testing.T) {
	c := contents{"a/b": {text: "x", mtime: 5}}
	s := c.source("p")
	s.MtimeOf = nil
	var b bytes.Buffer
	if err := canonical.Write(&b, c.tree(t), s); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(b.String(), "14524770400\x00"); got != 3 { // 1700000000 in octal
		t.Errorf("%d headers have the time, want 3", got)
	}
	if !slices.Equal(b.Bytes()[b.Len()-1024:], make([]byte, 1024)) {
		t.Error("the tar does not end in two zero blocks")
	}
}

func ExampleWrite() {
	t, _ := tree.Build([]tree.Entry{{Path: "hello", Kind: tree.File, Size: 6}})
	h := sha256.New()
	err := canonical.Write(h, t, canonical.Source{
		Prefix: "hello-1.0", Mtime: 1700000000,
		Content: func(_ *tree.Entry, w io.Writer) error { _, err := io.WriteString(w, "hello\n"); return err },
	})
	fmt.Printf("%x %v\n", h.Sum(nil), err)
	// Output: 57418746ac992a88d1df930b3af1582730a28b25819cf9b48d81a6afa8defa35 <nil>
}
