package pack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/gitrepo/gitexec"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/testkit"
)

func formats() []digest.Format { return []digest.Format{digest.SHA1Format, digest.SHA256Format} }

// run runs git hermetically in dir.
func run(tb testing.TB, dir, stdin string, args ...string) string {
	tb.Helper()
	cmd := exec.Command(testkit.Program(tb, "git"), args...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		tb.Fatalf("git %q: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// repository makes a bare repository and opens it. Its path has what patterns
// and quotes are made of.
func repository(tb testing.TB, f digest.Format) (*gitrepo.Repository, string) {
	tb.Helper()
	dir := filepath.Join(tb.TempDir(), `a[b]*"c`)
	if err := os.Mkdir(dir, 0o755); err != nil {
		tb.Fatal(err)
	}
	run(tb, dir, "", "init", "-q", "--bare", "--object-format="+f.String())
	run(tb, dir, "", "update-ref", "refs/tags/x", run(tb, dir, "first", "hash-object", "-w", "--stdin")) // says which format it is
	g, err := gitrepo.Find(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	r, err := g.OpenLocal(tb.Context(), dir)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := r.Close(); err != nil {
			tb.Error(err)
		}
		if left, _ := os.ReadDir(filepath.Join(dir, "objects")); strings.Contains(fmt.Sprint(left), "tmp_") {
			tb.Errorf("left in the repository: %v", left)
		}
	})
	return r, dir
}

func blob(tb testing.TB, f digest.Format, content string) Object {
	tb.Helper()
	o, err := InMemory(f, digest.Blob, []byte(content))
	if err != nil {
		tb.Fatal(err)
	}
	return o
}

func TestAdd(t *testing.T) {
	for _, f := range formats() {
		t.Run(f.String(), func(t *testing.T) {
			r, dir := repository(t, f)
			large := blob(t, f, strings.Repeat("0123456789abcdef", 1<<16))
			given := []Object{blob(t, f, "first"), blob(t, f, ""), blob(t, f, "one\r\n$Id$\n"), large, blob(t, f, "one\r\n$Id$\n")}
			tree, err := InMemory(f, digest.Tree, append([]byte("100644 a\x00"), given[2].ID.Bytes()...))
			if err != nil {
				t.Fatal(err)
			}
			commit, err := InMemory(f, digest.Commit, fmt.Appendf(nil, "tree %v\nauthor A <a> 1 +0000\ncommitter A <a> 1 +0000\n\nx\n", tree.ID))
			if err != nil {
				t.Fatal(err)
			}
			tag, err := InMemory(f, digest.Tag, fmt.Appendf(nil, "object %v\ntype commit\ntag v\ntagger A <a> 1 +0000\n\nx\n", commit.ID))
			if err != nil {
				t.Fatal(err)
			}
			given = append(given, tree, commit, tag)
			if n, err := Add(t.Context(), r, given); n != 6 || err != nil {
				t.Fatalf("%d objects added, %v", n, err)
			}
			for _, o := range given {
				if kind := run(t, dir, "", "cat-file", "-t", o.ID.String()); kind != o.Type.String() {
					t.Errorf("%v is a %s, want a %v", o.ID, kind, o.Type)
				}
			}
			if got := run(t, dir, "", "cat-file", "blob", given[2].ID.String()); got != "one\r\n$Id$" {
				t.Errorf("got %q", got)
			}
			run(t, dir, "", "fsck", "--strict", "--no-dangling")
			if n, err := Add(t.Context(), r, given); n != 0 || err != nil {
				t.Errorf("%d objects were added again, %v", n, err)
			}
			packs, _ := filepath.Glob(filepath.Join(strings.NewReplacer("[", `\[`, "*", `\*`).Replace(dir), "objects/pack/*"))
			if len(packs) != 3 && len(packs) != 2 { // git before 2.41 writes no reverse index
				t.Errorf("the packs are %q", packs)
			}
		})
	}
}

// Whatever is written, git reads the same.
func TestWriteAsGitReads(t *testing.T) {
	r, dir := repository(t, digest.SHA1Format)
	rapid.Check(t, func(rt *rapid.T) {
		var given []Object
		for range rapid.IntRange(1, 20).Draw(rt, "objects") {
			size := rapid.SampledFrom([]int{0, 1, 15, 16, 17, 2047, 2048, 2049, 70000}).Draw(rt, "size")
			content := bytes.Repeat(rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(rt, "bytes"), size+1)[:size]
			given = append(given, blob(t, digest.SHA1Format, string(content)))
		}
		if _, err := Add(rt.Context(), r, given); err != nil {
			rt.Fatal(err)
		}
	})
	run(t, dir, "", "fsck", "--no-dangling")
}

func TestWriteIsDeterministic(t *testing.T) {
	f := digest.SHA1Format
	var first, second bytes.Buffer
	given := []Object{blob(t, f, "one"), blob(t, f, strings.Repeat("two", 9999))}
	for _, w := range []*bytes.Buffer{&first, &second} {
		if err := Write(t.Context(), w, f, given); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("two packs of the same objects differ")
	}
}

// failing is a content that cannot be read to its end.
type failing struct{ io.Reader }

func (f failing) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if err == io.EOF {
		err = errors.New("the disk is broken")
	}
	return n, err
}
func (failing) Close() error { return nil }

// Nothing is written, and nothing is left, unless all of it is as it was said
// to be.
func TestAddRefuses(t *testing.T) {
	f := digest.SHA1Format
	r, dir := repository(t, f)
	good := blob(t, f, "a good one")
	for what, c := range map[string]struct {
		change func(*Object)
		want   string
	}{
		"other content":   {func(o *Object) { o.Open = blob(t, f, "contenT").Open }, string(refusal.GitHash)},
		"longer content":  {func(o *Object) { o.Open = blob(t, f, "content ").Open }, string(refusal.GitHash)},
		"shorter content": {func(o *Object) { o.Open = blob(t, f, "conten").Open }, string(refusal.GitHash)},
		"another type":    {func(o *Object) { o.Type = digest.Tree }, string(refusal.GitHash)},
		"another format":  {func(o *Object) { o.ID = blob(t, digest.SHA256Format, "content").ID }, string(refusal.GitFormat)},
		"no size":         {func(o *Object) { o.SizeBytes = -1 }, string(refusal.GitLimit)},
		"a huge size":     {func(o *Object) { o.SizeBytes = 1 << 40 }, string(refusal.GitLimit)},
		"no file":         {func(o *Object) { o.Open = func() (io.ReadCloser, error) { return nil, os.ErrNotExist } }, "not exist"},
		"a broken disk": {func(o *Object) {
			o.Open = func() (io.ReadCloser, error) { return failing{strings.NewReader("conten")}, nil }
		}, "the disk is broken"},
	} {
		bad := blob(t, f, "content")
		c.change(&bad)
		if n, err := Add(t.Context(), r, []Object{good, bad}); n != 0 || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %d added, %v, want %s", what, n, err, c.want)
		}
	}
	short := blob(t, f, "first")
	short.SizeBytes--
	if _, err := Add(t.Context(), r, []Object{short}); err == nil || !strings.Contains(err.Error(), string(refusal.GitHash)) {
		t.Errorf("an object that is there with another size: %v", err)
	}
	if out := run(t, dir, "", "count-objects", "-v"); !strings.Contains(out, "count: 1\n") || !strings.Contains(out, "in-pack: 0\n") || !strings.Contains(out, "garbage: 0\n") {
		t.Errorf("something was written: %s", out)
	}
}

// A run that is cancelled in the middle leaves nothing.
func TestAddIsCancelled(t *testing.T) {
	f := digest.SHA1Format
	r, dir := repository(t, f)
	ctx, cancel := context.WithCancel(t.Context())
	late := blob(t, f, "late")
	open := late.Open
	late.Open = func() (io.ReadCloser, error) { cancel(); return open() }
	if _, err := Add(ctx, r, []Object{blob(t, f, "early"), late, blob(t, f, "later")}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if out := run(t, dir, "", "count-objects", "-v"); !strings.Contains(out, "in-pack: 0\n") {
		t.Errorf("something was written: %s", out)
	}
}

// git ends before it has read everything: the error is git's.
func TestIndexSaysWhatGitSays(t *testing.T) {
	r, _ := repository(t, digest.SHA1Format)
	a := r.Access()
	err := Index(t.Context(), a.Program, gitexec.Call{GitDir: a.Reader.GitDir}, func(w io.Writer) error {
		for {
			if _, err := w.Write(bytes.Repeat([]byte("x"), 1<<16)); err != nil {
				return fmt.Errorf("writing: %w", err)
			}
		}
	})
	if failed, ok := errors.AsType[*gitexec.RunError](err); !ok || !strings.Contains(failed.Error(), "pack") {
		t.Errorf("got %v", err)
	}
}

// What a killed run leaves, git prune removes.
func TestPruneRemovesQuarantine(t *testing.T) {
	_, dir := repository(t, digest.SHA1Format)
	left := testkit.Write(t, filepath.Join(dir, "objects", quarantine+"123", "pack/tmp_pack_x"), "half")
	run(t, dir, "", "prune", "--expire=now")
	if _, err := os.Lstat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
}
