package canonical_test

import (
	gotar "archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/countermark/countermark/internal/archive"
	"github.com/countermark/countermark/internal/archive/canonical"
	"github.com/countermark/countermark/internal/testkit"
	"github.com/countermark/countermark/internal/tree"
)

// drawContents draws a tree whose names lie around the borders of the fields.
func drawContents(t *rapid.T) contents {
	lengths := []int{1, 2, 50, 94, 95, 96, 97, 98, 99, 100, 101, 149, 150, 151, 152, 153, 154, 155, 156, 157, 255}
	component := rapid.Custom(func(t *rapid.T) string {
		unit := rapid.SampledFrom([]string{"a", "b", "-", "0", "é", "日"}).Draw(t, "unit")
		n := max(1, rapid.SampledFrom(lengths).Draw(t, "length")/len(unit))
		return strings.Repeat(unit, n)
	})
	c := contents{}
	for range rapid.IntRange(0, 8).Draw(t, "files") {
		path := strings.Join(rapid.SliceOfN(component, 1, 4).Draw(t, "path"), "/")
		n := node{exec: rapid.Bool().Draw(t, "exec"), mtime: rapid.Int64Range(0, 9).Draw(t, "mtime")}
		n.text = strings.Repeat("c", rapid.SampledFrom([]int{0, 1, 511, 512, 513, 1024, 70000}).Draw(t, "size"))
		if n.link = rapid.IntRange(0, 3).Draw(t, "kind") == 0; n.link {
			n.exec, n.text = false, rapid.SampledFrom([]string{"t", strings.Repeat("t", 100), strings.Repeat("t", 101), strings.Repeat("é", 50), strings.Repeat("é", 51)}).Draw(t, "target")
		}
		c[path] = n
	}
	for path := range c { // a file below a file is no tree
		for dir := range c {
			if strings.HasPrefix(path, dir+"/") {
				delete(c, path)
			}
		}
	}
	return c
}

// Our own strict reader finds the tree that went in.
func TestReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawContents(t)
		prefix := rapid.SampledFrom([]string{"p", "xz-5.4.1", strings.Repeat("p", 99), strings.Repeat("p", 100), strings.Repeat("é", 80)}).Draw(t, "prefix")
		checkReadBack(t, c, c.write(t, prefix), prefix)
	})
	for _, c := range []contents{plain(), odd()} {
		checkReadBack(t, c, c.write(t, "abc"), "abc")
	}
}

func checkReadBack(t fataler, c contents, raw []byte, prefix string) {
	t.Helper()
	r, err := archive.Open(bytes.NewReader(raw), archive.Options{Prefix: prefix, PrefixSet: true})
	if err != nil {
		t.Fatalf("opening the tar: %v", err)
	}
	got, err := r.Read(context.Background(), nil)
	if err != nil {
		t.Fatalf("reading the tar: %v", err)
	}
	want := c.tree(t)
	if got.Tree.Len() != want.Len() || len(c) > 0 && got.Identity.Git != want.Identity(1, 2).Git || len(raw)%10240 != 0 {
		t.Fatalf("read back as %d entries with %v, want %d with %v", got.Tree.Len(), got.Identity.Git, want.Len(), want.Identity(1, 2).Git)
	}
	for i, e := range got.Tree.Entries() {
		w := want.Entries()[i]
		perm := uint16(0o644)
		if w.Kind == tree.Symlink {
			perm = 0o777
		} else if w.Exec == tree.Executable {
			perm = 0o755
		}
		if e.Path != w.Path || e.Kind != w.Kind || e.Exec != w.Exec || e.Size != w.Size || e.Perm != perm {
			t.Fatalf("entry %d is %+v, want %+v", i, e, w)
		}
	}
}

// The length of a record counts its own digits, also where they become more.
func TestRecordLength(t *testing.T) {
	c := contents{}
	for n := 980; n < 1000; n++ {
		c[fmt.Sprint(n)] = node{text: strings.Repeat("t", n), link: true}
		c[strings.Repeat("d", 101)+"/"+strings.Repeat(strings.Repeat("e", 99)+"/", 8)+strings.Repeat("f", n-906)] = node{}
	}
	checkReadBack(t, c, c.write(t, "abc"), "abc")
}

// Go's reader finds names, targets, modes, times and contents, sorted, each
// directory before what it holds, and a format of its own only where needed.
func TestReadByGo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := drawContents(t)
		r := gotar.NewReader(bytes.NewReader(c.write(t, "p")))
		last, seen := "", map[string]bool{}
		for {
			h, err := r.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil || h.Name <= last || h.Uid+h.Gid != 0 || h.Uname+h.Gname != "" {
				t.Fatalf("%+v, %v after %q", h, err, last)
			}
			last = h.Name
			dir := filepath.Dir(strings.TrimSuffix(h.Name, "/")) + "/"
			if seen[h.Name] = true; dir != "./" && !seen[dir] {
				t.Fatalf("%q comes before its directory", h.Name)
			}
			body, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			checkGoMember(t, c, h, string(body))
			if path := strings.TrimPrefix(h.Name, "p/"); h.Typeflag != gotar.TypeDir {
				delete(c, path)
			}
		}
		if len(c) > 0 {
			t.Fatalf("%q were not read", slices.Sorted(maps.Keys(c)))
		}
	})
}

func checkGoMember(t fataler, c contents, h *gotar.Header, body string) {
	t.Helper()
	path := strings.TrimPrefix(h.Name, "p/")
	n, known := c[path]
	want := gotar.Header{Typeflag: gotar.TypeReg, Mode: 0o644, Size: int64(len(n.text))}
	switch {
	case !known:
		want, n.text = gotar.Header{Typeflag: gotar.TypeDir, Mode: 0o755}, ""
	case n.link:
		want = gotar.Header{Typeflag: gotar.TypeSymlink, Mode: 0o777, Linkname: n.text}
		n.text = ""
	case n.exec:
		want.Mode = 0o755
	}
	want.ModTime = time.Unix(1700000000+n.mtime, 0)
	if h.Typeflag != want.Typeflag || h.Mode != want.Mode || h.Size != want.Size || h.Linkname != want.Linkname || !h.ModTime.Equal(want.ModTime) || body != n.text {
		t.Fatalf("%q is %+v, want %+v", h.Name, h, want)
	}
}

// layOut writes the tree to disk, below dir/prefix, with its modes and times.
func (c contents) layOut(t *testing.T, dir, prefix string) {
	t.Helper()
	top := filepath.Join(dir, prefix)
	for path, n := range c {
		full := filepath.Join(top, path)
		if n.link {
			if err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o755), os.Symlink(n.text, full)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		testkit.Write(t, full, n.text)
		if n.exec {
			if err := os.Chmod(full, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// run runs a program in dir.
func run(t *testing.T, dir string, stdin []byte, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(testkit.Program(t, program), args...)
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(stdin)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TZ=UTC")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("%s %q: %v, %s", program, args, err, &stderr)
	}
	return out
}

// GNU tar, told the order and the metadata, writes the same bytes, where ustar
// has room for the names.
func TestGNUTarWritesTheSame(t *testing.T) {
	c := plain()
	for path, n := range c {
		n.mtime = 0
		c[path] = n
	}
	raw := c.write(t, "abc")
	var names []byte
	for r := gotar.NewReader(bytes.NewReader(raw)); ; {
		h, err := r.Next()
		if err != nil {
			break
		}
		names = append(append(names, strings.TrimSuffix(h.Name, "/")...), 0)
	}
	dir := t.TempDir()
	c.layOut(t, dir, "abc")
	got := run(t, dir, names, "tar", "--format=ustar", "--owner=0", "--group=0", "--numeric-owner", "--mtime=@1700000000",
		"--no-recursion", "--null", "--verbatim-files-from", "-T", "-", "-cf", "-")
	if !bytes.Equal(got, raw) {
		t.Errorf("GNU tar writes %d bytes, not the same %d", len(got), len(raw))
	}
}

// Every extractor that people have unpacks the tree; BusyBox knows no pax.
func TestExtractors(t *testing.T) {
	for _, c := range []struct {
		name, program string
		args          []string
		trees         []contents
	}{
		{"GNU tar", "tar", []string{"--no-same-owner", "-xf", "-"}, []contents{plain(), odd()}},
		{"bsdtar", "bsdtar", []string{"-xf", "-"}, []contents{plain(), odd()}},
		{"BusyBox", "busybox", []string{"tar", "-xf", "-"}, []contents{plain()}},
	} {
		for _, want := range c.trees {
			dir := t.TempDir()
			run(t, dir, want.write(t, "abc"), c.program, c.args...)
			checkUnpacked(t, c.name, want, filepath.Join(dir, "abc"))
		}
	}
}

func checkUnpacked(t *testing.T, name string, want contents, top string) {
	t.Helper()
	left := maps.Clone(want)
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(top, path)
		n, known := left[rel]
		delete(left, rel)
		info, err := d.Info()
		if err != nil {
			return err
		}
		if n.link {
			target, err := os.Readlink(path)
			if target != n.text {
				t.Errorf("%s: %q leads to %q", name, rel, target)
			}
			return err
		}
		text, err := os.ReadFile(path)
		if !known || string(text) != n.text || info.Mode()&0o100 != 0 != n.exec || info.ModTime().Unix() != 1700000000+n.mtime {
			t.Errorf("%s: %q is %d bytes, mode %v, %v", name, rel, len(text), info.Mode(), info.ModTime().Unix())
		}
		return err
	})
	if err != nil || len(left) > 0 {
		t.Errorf("%s: %v, not unpacked: %q", name, err, slices.Sorted(maps.Keys(left)))
	}
}

// However large the file, memory stays small.
func TestMemory(t *testing.T) {
	const size = 1 << 30
	built, err := tree.Build([]tree.Entry{{Path: "big", Kind: tree.File, Size: size}})
	if err != nil {
		t.Fatal(err)
	}
	var total int64
	chunk := make([]byte, 1<<20)
	perRun := testing.AllocsPerRun(1, func() {
		total = 0
		err = canonical.Write(counter{&total}, built, canonical.Source{Content: func(_ *tree.Entry, w io.Writer) error {
			for range size / len(chunk) {
				if _, err := w.Write(chunk); err != nil {
					return err
				}
			}
			return nil
		}})
	})
	if err != nil || total != 10240*104858 || perRun > 100 {
		t.Errorf("%v, %d bytes, %.0f allocations", err, total, perRun)
	}
}

type counter struct{ n *int64 }

func (c counter) Write(p []byte) (int, error) { *c.n += int64(len(p)); return len(p), nil }
