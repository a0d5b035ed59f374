package toolrelease

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/testkit"
)

// run runs a program in an empty environment and returns what it prints.
func run(tb testing.TB, stdin []byte, name string, args ...string) []byte {
	tb.Helper()
	testkit.Program(tb, name)
	cmd := exec.Command(name, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "SOURCE_DATE_EPOCH=1700000000"}
	cmd.Stdin = bytes.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		tb.Fatalf("running %s %q: %v\n%s", name, args, err, stderr.Bytes())
	}
	return out
}

// read lists what a source holds, a line "TOOL VERSION PATH=CONTENT" for each.
func read(ctx context.Context, s Source, want ...string) (string, error) {
	var lines []string
	err := Read(ctx, s, want, func(f File) error {
		content := string(f.Content)
		if len(content) > 20 {
			content = fmt.Sprint(len(content))
		}
		lines = append(lines, fmt.Sprintf("%s %s %s=%s\n", f.Tool, f.Version, f.Path, content))
		return nil
	})
	return strings.Join(lines, ""), err
}

// wantFiles compares with lines that are indented for the eye.
func wantFiles(t *testing.T, s Source, want string, only ...string) {
	t.Helper()
	got, err := read(t.Context(), s, only...)
	want = strings.ReplaceAll(strings.TrimLeft(want, "\n"), "\t", "")
	if err != nil || got != want {
		t.Errorf("%v, only %q: %v, got\n%swant\n%s", s, only, err, got, want)
	}
}

func TestFolder(t *testing.T) {
	top := filepath.Join(t.TempDir(), "gettext-0.22.5")
	testkit.Write(t, filepath.Join(top, "m4/a.m4"), "a")
	testkit.Write(t, filepath.Join(top, "m4/deep/b.m4"), "b")
	testkit.Write(t, filepath.Join(top, "README"), "r")
	testkit.Write(t, filepath.Join(top, ".git/config"), "no")
	testkit.Write(t, filepath.Join(top, "sub/.git"), "gitdir: elsewhere")
	testkit.Write(t, filepath.Join(top, "sub/.gitignore"), "*")
	for name, size := range map[string]int64{"large": MaxFileBytes + 1, "most": MaxFileBytes} {
		if err := os.Truncate(testkit.Write(t, filepath.Join(top, name), ""), size); err != nil {
			t.Fatal(err)
		}
	}
	outside := testkit.Write(t, filepath.Join(t.TempDir(), "secret/file"), "outside")
	for name, target := range map[string]string{"link": "README", "out": outside, "away": filepath.Dir(outside)} {
		if err := os.Symlink(target, filepath.Join(top, name)); err != nil {
			t.Fatal(err)
		}
	}
	testkit.Program(t, "mkfifo")
	run(t, nil, "mkfifo", filepath.Join(top, "fifo"))
	all := `
	gettext 0.22.5 README=r
	gettext 0.22.5 m4/a.m4=a
	gettext 0.22.5 m4/deep/b.m4=b
	gettext 0.22.5 most=8388608
	gettext 0.22.5 sub/.gitignore=*
	`
	wantFiles(t, Source{Path: top}, all)
	wantFiles(t, Source{Path: top + "/"}, all)
	wantFiles(t, Source{Path: top, Release: Release{"x", "1"}}, "x 1 README=r\n", "README")
	wantFiles(t, Source{Path: top, Release: Release{Version: "1"}}, "gettext 1 m4/a.m4=a\n", "m4/*.m4")
	wantFiles(t, Source{Path: top}, "gettext 0.22.5 m4/a.m4=a\ngettext 0.22.5 m4/deep/b.m4=b\n", "m4/")
}

func TestArchives(t *testing.T) {
	raw := testkit.Tar(t, map[string]string{"automake-1.16.5/lib/install-sh": "i", "automake-1.16.5/m4/init.m4": "m", "beside": "no", "other/x": "o"})
	want := `
	automake 1.16.5 lib/install-sh=i
	automake 1.16.5 m4/init.m4=m
	automake 1.16.5 x=o
	`
	for _, c := range []struct{ ext, program string }{
		{".tar", "cat"}, {".tar.gz", "gzip"}, {".tar.xz", "xz"}, {".tar.bz2", "bzip2"}, {".tar.zst", "zstd"}, {".tgz", "gzip"},
	} {
		t.Run(c.ext, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "automake-1.16.5"+c.ext)
			testkit.Write(t, path, string(run(t, raw, c.program)))
			wantFiles(t, Source{Path: path}, want)
			wantFiles(t, Source{Path: path, Release: Release{Tool: "am"}}, "am 1.16.5 m4/init.m4=m\n", "m4/")
		})
	}
	t.Run("named by Debian", func(t *testing.T) {
		path := testkit.Write(t, filepath.Join(t.TempDir(), "automake-1.16_1.16.5.orig.tar"), string(raw))
		wantFiles(t, Source{Path: path}, strings.ReplaceAll(want, "automake ", "automake-1.16 "))
	})
}

// A member whose name leads out, that is no file, or that is too large is left out;
// nothing is written, and what is read at once is bounded.
func TestHostileMembers(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	add := func(h *tar.Header, content string) {
		h.Mode = 0o644
		err := w.WriteHeader(h)
		if _, writeErr := w.Write([]byte(content)); err != nil || writeErr != nil {
			t.Fatal(err, writeErr)
		}
	}
	for _, name := range []string{"../x", "top/../../x", "..", ".", "top", "top/..", "top/../..", "//../x"} {
		add(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: 1}, "h")
	}
	for _, name := range []string{"/top/absolute", "top/a/../b", "./top//c", "top/line\nfeed\x1b[2J", `top\back`, `top/w\x`} {
		add(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: 1}, "x")
	}
	for _, kind := range []byte{tar.TypeSymlink, tar.TypeLink, tar.TypeChar, tar.TypeFifo, tar.TypeDir} {
		add(&tar.Header{Typeflag: kind, Name: "top/kind", Linkname: "/etc/passwd"}, "")
	}
	for name, size := range map[string]int{"top/large": MaxFileBytes + 1, "top/large.tar": MaxFileBytes + 1} {
		add(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(size)}, strings.Repeat("x", size))
	}
	add(&tar.Header{Typeflag: tar.TypeReg, Name: "top/most", Size: MaxFileBytes}, strings.Repeat("x", MaxFileBytes))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := testkit.Write(t, filepath.Join(t.TempDir(), "hostile-1.tar"), b.String())
	wantFiles(t, Source{Path: path}, "hostile 1 absolute=x\nhostile 1 b=x\nhostile 1 c=x\nhostile 1 line\nfeed\x1b[2J=x\nhostile 1 w\\x=x\nhostile 1 most=8388608\n")
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestUnnamed(t *testing.T) {
	dir := t.TempDir()
	archive := testkit.Write(t, filepath.Join(dir, "gettext.tar"), string(testkit.Tar(t, map[string]string{"a/b": "x"})))
	onlyVersion := testkit.Write(t, filepath.Join(dir, "v1.2.3.tar"), string(testkit.Tar(t, map[string]string{"a/b": "x"})))
	for _, s := range []Source{{Path: archive}, {Path: dir}, {Path: onlyVersion}, {Path: archive, Release: Release{Tool: "gettext"}}} {
		_, err := read(t.Context(), s)
		if unnamed, ok := errors.AsType[*UnnamedError](err); !ok || unnamed.Path != s.Path || !strings.HasPrefix(err.Error(), "nothing says which tool and version") {
			t.Errorf("%v: %v", s, err)
		}
	}
	wantFiles(t, Source{Path: onlyVersion, Release: Release{Tool: "x"}}, "x 1.2.3 b=x\n")
	wantFiles(t, Source{Path: archive, Release: Release{"x", "2"}}, "x 2 b=x\n")
}

func TestOfFolder(t *testing.T) {
	for base, want := range map[string]Release{
		"gettext-0.22.5": {"gettext", "0.22.5"}, "autoconf_2.69": {"autoconf", "2.69"}, "tool-v1": {"tool", "1"}, "gtk-doc-1.34.0": {"gtk-doc", "1.34.0"},
		"m4": {}, "m4-1.4.19": {"m4", "1.4.19"}, "x1.2": {}, "1.2": {}, "v1.2": {}, "gettext": {}, "": {}, ".": {},
	} {
		if got, ok := OfFolder(base); got != want || ok != (want != Release{}) {
			t.Errorf("%q: %v, %v, want %v", base, got, ok, want)
		}
	}
}

func TestReadErrors(t *testing.T) {
	dir := t.TempDir()
	named := Release{"x", "1"}
	if _, err := read(t.Context(), Source{Path: filepath.Join(dir, "absent"), Release: named}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing source: %v", err)
	}
	whole := testkit.Tar(t, map[string]string{"a/b": strings.Repeat("x", 2000)})
	for name, c := range map[string]struct{ content, says string }{
		"empty.tar.gz":  {"", "empty"},
		"text.tar.gz":   {"no archive", "none of tar, gzip"},
		"wrong.tar.xz":  {string(whole), "the content is tar"},
		"cut.tar":       {string(whole[:1500]), "unexpected EOF"},
		"zip.zip":       {"PK\x05\x06" + strings.Repeat("\x00", 18), "zip"},
		"cut.tar.gz":    {"\x1f\x8b\x08\x00", "Z_TRUNCATED"},
		"ar.tar":        {"!<arch>\n", "no data.tar"},
		"beginning.deb": {"!<arch", "none of tar, gzip"},
	} {
		path := testkit.Write(t, filepath.Join(dir, name), c.content)
		_, err := read(t.Context(), Source{Path: path, Release: named})
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), fmt.Sprintf("reading %q: ", path)) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
	testkit.Program(t, "mkfifo")
	fifo := filepath.Join(dir, "fifo-1.tar")
	run(t, nil, "mkfifo", fifo)
	if _, err := read(t.Context(), Source{Path: fifo}); err == nil || !strings.Contains(err.Error(), "neither a folder nor a regular file") {
		t.Errorf("a FIFO: %v", err)
	}
}

// The caller ends the reading, by its context or by an error, which stays what it is.
func TestReadEnds(t *testing.T) {
	files := map[string]string{"x-1/a": "a", "x-1/b": "b"}
	archive := testkit.Write(t, filepath.Join(t.TempDir(), "x-1.tar"), string(testkit.Tar(t, files)))
	folder := filepath.Join(t.TempDir(), "x-1")
	testkit.Write(t, filepath.Join(folder, "a"), "a")
	testkit.Write(t, filepath.Join(folder, "b"), "b")
	for _, path := range []string{archive, folder} {
		stop, calls := errors.New("stop"), 0
		err := Read(t.Context(), Source{Path: path}, nil, func(File) error { calls++; return stop })
		if !errors.Is(err, stop) || calls != 1 {
			t.Errorf("%q: %v after %d calls", path, err, calls)
		}
		ctx, cancel := context.WithCancel(t.Context())
		calls = 0
		err = Read(ctx, Source{Path: path}, nil, func(File) error { calls++; cancel(); return nil })
		if !errors.Is(err, context.Canceled) || calls != 1 {
			t.Errorf("%q, interrupted: %v after %d calls", path, err, calls)
		}
	}
}
