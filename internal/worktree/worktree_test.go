package worktree

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/testkit"
	"github.com/countermark/countermark/internal/tree"
)

var when = time.Unix(1700000001, 0)

// world is a tree with the contents of its files and links.
type world struct {
	tree     tree.Tree
	contents map[digest.ObjectID][]byte
}

// file is what a path of a world holds: a mode as git writes it, and a content.
type file struct{ mode, content string }

func newWorld(tb interface{ Fatal(...any) }, f digest.Format, files map[string]file) world {
	w := world{contents: map[digest.ObjectID][]byte{}}
	var entries []tree.Entry
	for path, c := range files {
		e := tree.Entry{Path: tree.Path(path), Kind: tree.File}
		switch c.mode {
		case "755":
			e.Exec = tree.Executable
		case "link":
			e.Kind = tree.Symlink
		case "dir":
			e.Kind = tree.Directory
		case "sub":
			e.Kind = tree.Submodule
		case "fifo":
			e.Kind = tree.Special
		}
		id, err := digest.HashObject(f, digest.Blob, []byte(c.content))
		if err != nil {
			tb.Fatal(err)
		}
		if e.Kind != tree.Directory {
			e.IDs.Set(id)
		}
		w.contents[id] = []byte(c.content)
		entries = append(entries, e)
	}
	var err error
	if w.tree, err = tree.Build(entries); err != nil {
		tb.Fatal(err)
	}
	return w
}

// blobs gives contents from a buffer that it uses again.
func (w world) blobs(_ context.Context, ids []digest.ObjectID, each func(digest.ObjectID, []byte) error) (missing []digest.ObjectID, err error) {
	var buffer []byte
	for i := len(ids) - 1; i >= 0; i-- {
		content, ok := w.contents[ids[i]]
		if !ok {
			missing = append(missing, ids[i])
			continue
		}
		buffer = append(buffer[:0], content...)
		if err := each(ids[i], buffer); err != nil {
			return nil, err
		}
	}
	return missing, nil
}

func (w world) layout(dir string, f digest.Format) Layout {
	return Layout{Dir: dir, Tree: w.tree, Format: f, Time: when, Blobs: w.blobs}
}

// same reports whether two trees hold the same, permissions aside.
func same(a, b tree.Tree) error {
	if a.Len() != b.Len() {
		return fmt.Errorf("%d and %d entries", a.Len(), b.Len())
	}
	for i, x := range a.Entries() {
		y := b.Entries()[i]
		if x.Path != y.Path || x.Kind != y.Kind || x.Exec != y.Exec || x.IDs != y.IDs || x.Size != y.Size {
			return fmt.Errorf("%+v and %+v", x, y)
		}
	}
	return nil
}

func sample() map[string]file {
	return map[string]file{
		"a": {"644", "one\r\n$Id$\n"}, "b/run": {"755", "#!/bin/sh\n"}, "b/copy": {"644", "#!/bin/sh\n"}, "b/c/d/e": {"644", ""},
		"link": {"link", "b/c"}, "out": {"link", "/etc/passwd"}, "up": {"link", "../../x"}, "b.txt": {"644", "x"},
		".gitattributes": {"644", "* text=auto ident eol=crlf\n"}, "empty/inner": {"dir", ""}, "-x": {"644", "y"}, "é 日本": {"644", "z"},
	}
}

func TestLayThenRead(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := rapid.SampledFrom(bothFormats()).Draw(rt, "format")
		files := map[string]file{}
		for path, c := range sample() {
			if rapid.Bool().Draw(rt, path) {
				files[path] = c
			}
		}
		for i := range rapid.IntRange(0, 20).Draw(rt, "files") {
			files[fmt.Sprintf("d%d/f%d", i%3, i)] = file{rapid.SampledFrom([]string{"644", "755"}).Draw(rt, "mode"), string(rapid.SliceOfN(rapid.Byte(), 0, 50).Draw(rt, "content"))}
		}
		w := newWorld(rt, f, files)
		dir := filepath.Join(t.TempDir(), "tree")
		laid, err := Lay(rt.Context(), w.layout(dir, f))
		if err != nil {
			rt.Fatal(err)
		}
		read, err := Read(rt.Context(), dir, Reading{})
		if err != nil {
			rt.Fatal(err)
		}
		if err := same(laid, read); err != nil {
			rt.Fatal(err)
		}
		identity, want := read.Identity(f), w.tree.Identity(f)
		if identity.Git != want.Git {
			rt.Fatalf("the tree that was read has id %v, the one laid out %v", identity.Git, want.Git)
		}
	})
}

// Real git, without filters, sees the same tree.
func TestReadAgreesWithGit(t *testing.T) {
	for _, f := range bothFormats() {
		w := newWorld(t, f, sample())
		dir := filepath.Join(t.TempDir(), "tree")
		if _, err := Lay(t.Context(), w.layout(dir, f)); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, "b.txt"), 0o611); err != nil { // others may run it: not executable for git
			t.Fatal(err)
		}
		if err := os.Link(filepath.Join(dir, "a"), filepath.Join(dir, "hard")); err != nil {
			t.Fatal(err)
		}
		git := func(args ...string) string {
			cmd := exec.Command(testkit.Program(t, "git"), args...)
			cmd.Dir = dir
			cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1"}
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("git %q: %v: %s", args, err, out)
			}
			return strings.TrimSpace(string(out))
		}
		git("init", "-q", "--object-format="+f.String())
		testkit.Write(t, filepath.Join(dir, ".git/info/attributes"), "* -text -ident -filter\n") // win over those of the tree
		git("add", "-f", ".")
		read, err := Read(t.Context(), dir, Reading{WithoutGit: true})
		if err != nil {
			t.Fatal(err)
		}
		identity := read.Identity(f)
		if got := git("write-tree"); got != identity.Git.In(f).String() {
			t.Errorf("git says the tree is %s, we %v", got, identity.Git.In(f))
		}
		if read.LookupDir("empty/inner") == nil || read.Lookup("hard").IDs != read.Lookup("a").IDs {
			t.Error("an empty directory or a hard link is missing")
		}
		_, err = Read(t.Context(), dir, Reading{})
		wantRule(t, err, refusal.NameDotGit)
	}
}

func wantRule(t *testing.T, err error, rule refusal.Rule) {
	t.Helper()
	if r, ok := errors.AsType[*refusal.Refusal](err); !ok || r.Rule != rule {
		t.Errorf("got %v, want a refusal by %s", err, rule)
	}
}

// Nothing is left of what could not be laid out whole.
func TestLayRefuses(t *testing.T) {
	f := digest.SHA1Format
	good := sample()
	for what, c := range map[string]struct {
		path   string
		file   file
		change func(*Layout, *world)
		want   string
	}{
		"a blob that is missing": {change: func(_ *Layout, w *world) { clear(w.contents) }, want: string(refusal.GitMissing)},
		"a blob that is not given": {change: func(l *Layout, _ *world) {
			l.Blobs = func(context.Context, []digest.ObjectID, func(digest.ObjectID, []byte) error) ([]digest.ObjectID, error) {
				return nil, nil
			}
		}, want: string(refusal.GitMissing)},
		"another content": {change: func(_ *Layout, w *world) {
			for id := range w.contents {
				w.contents[id] = []byte("evil")
			}
		}, want: string(refusal.GitHash)},
		"a link with NUL":       {path: "l", file: file{"link", "a\x00b"}, want: string(refusal.NameControl)},
		"an empty link":         {path: "l", file: file{"link", ""}, want: string(refusal.NamePath)},
		"a long name":           {path: strings.Repeat("n", 256), file: file{"644", "x"}, want: "too long"},
		"a FIFO":                {path: "f", file: file{"fifo", ""}, want: "a commit holds no special"},
		"ids of another format": {change: func(l *Layout, _ *world) { l.Format = digest.SHA256Format }, want: "has no sha256 id"},
		"a folder that is there": {change: func(l *Layout, _ *world) {
			testkit.Write(t, filepath.Join(l.Dir, "precious"), "x")
		}, want: "exists"},
		"no folder above": {change: func(l *Layout, _ *world) { l.Dir = filepath.Join(l.Dir, "below") }, want: "no such file"},
	} {
		files := map[string]file{}
		for path, c := range good {
			files[path] = c
		}
		if c.path != "" {
			files[c.path] = c.file
		}
		w := newWorld(t, f, files)
		l := w.layout(filepath.Join(t.TempDir(), "tree"), f)
		if c.change != nil {
			c.change(&l, &w)
		}
		if _, err := Lay(t.Context(), l); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", what, err, c.want)
		}
		_, err := os.Lstat(l.Dir)
		if _, precious := os.Lstat(filepath.Join(l.Dir, "precious")); err == nil && precious != nil {
			t.Errorf("%s: the folder is still there", what)
		} else if what == "a folder that is there" && precious != nil {
			t.Errorf("%s: it is gone", what)
		}
	}
}

func TestLayIsCancelled(t *testing.T) {
	w := newWorld(t, digest.SHA1Format, sample())
	ctx, cancel := context.WithCancel(t.Context())
	l := w.layout(filepath.Join(t.TempDir(), "tree"), digest.SHA1Format)
	l.Blobs = func(ctx context.Context, ids []digest.ObjectID, each func(digest.ObjectID, []byte) error) ([]digest.ObjectID, error) {
		return w.blobs(ctx, ids, func(id digest.ObjectID, content []byte) error { defer cancel(); return each(id, content) })
	}
	if _, err := Lay(ctx, l); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Lstat(l.Dir); err == nil {
		t.Error("the folder is still there")
	}
}
