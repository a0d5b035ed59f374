package environment

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/environment/debian"
	"github.com/countermark/countermark/internal/environment/unpack"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/testkit"
)

// inCache lists what the cache holds.
func inCache(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, "environments"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func TestTar(t *testing.T) {
	dir := t.TempDir()
	c := NewCache(dir, unpack.Limits{})
	data := testkit.Tar(t, map[string]string{"etc/os-release": "x"})
	want := digest.SHA256(sha256.Sum256(data))
	for _, archive := range []io.Reader{bytes.NewReader(data), strings.NewReader("not read, the folder is there")} {
		got, err := c.Tar(t.Context(), archive, want)
		if content, readErr := os.ReadFile(filepath.Join(got, "etc/os-release")); err != nil || readErr != nil || string(content) != "x" {
			t.Errorf("%q, %v, %v", content, err, readErr)
		}
		if info, err := os.Stat(got); err != nil || info.Mode() != os.ModeDir|0o755 || filepath.Base(got) != "tar-"+want.String() {
			t.Errorf("%s: %v, %v", got, info, err)
		}
	}
	if inCache(t, dir) != "tar-"+want.String() {
		t.Errorf("the cache holds %s", inCache(t, dir))
	}
	for _, name := range mountPoints() {
		if info, err := os.Lstat(filepath.Join(dir, "environments", "tar-"+want.String(), name)); err != nil || !info.IsDir() {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	file := testkit.Tar(t, map[string]string{"dev": "x"})
	if _, err := c.Tar(t.Context(), bytes.NewReader(file), sha256.Sum256(file)); err == nil || !strings.Contains(err.Error(), "NAME_PREFIX") {
		t.Errorf("a file where devices are to be: %v", err)
	}
}

// What is not what was asked for, or cannot be laid out, leaves nothing.
func TestNothingHalfMade(t *testing.T) {
	dir := t.TempDir()
	c := NewCache(dir, unpack.Limits{})
	good, evil := testkit.Tar(t, map[string]string{"a": "x"}), testkit.Tar(t, map[string]string{"a": "x", "b/../../evil": "x"})
	if _, err := c.Tar(t.Context(), bytes.NewReader(good), sha256.Sum256(nil)); err == nil || !strings.Contains(err.Error(), "the archive of the root filesystem has the SHA-256") {
		t.Errorf("%v", err)
	}
	if _, err := c.Tar(t.Context(), bytes.NewReader(evil), sha256.Sum256(evil)); err == nil || !strings.Contains(err.Error(), "NAME_PATH") {
		t.Errorf("%v", err)
	}
	if _, err := c.OCI(t.Context(), t.TempDir(), sha256.Sum256(nil)); err == nil {
		t.Error("no error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	stopping := io.MultiReader(bytes.NewReader(good[:700]), readerFunc(func([]byte) (int, error) { cancel(); return 0, io.EOF }), bytes.NewReader(good[700:]))
	if _, err := c.Tar(ctx, stopping, sha256.Sum256(good)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if inCache(t, dir) != "" {
		t.Errorf("the cache holds %s", inCache(t, dir))
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestConcurrently(t *testing.T) {
	dir := t.TempDir()
	data := testkit.Tar(t, map[string]string{"a": strings.Repeat("x", 1<<20)})
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() {
			got, err := NewCache(dir, unpack.Limits{}).Tar(t.Context(), bytes.NewReader(data), sha256.Sum256(data))
			if info, statErr := os.Stat(filepath.Join(got, "a")); err != nil || statErr != nil || info.Size() != 1<<20 {
				t.Errorf("%v, %v", err, statErr)
			}
		})
	}
	all.Wait()
	if names := inCache(t, dir); strings.Contains(names, making) {
		t.Errorf("the cache holds %s", names)
	}
}

func TestSweep(t *testing.T) {
	dir := t.TempDir()
	for name, age := range map[string]time.Duration{making + "old": 25 * time.Hour, making + "new": 23 * time.Hour} {
		path := filepath.Dir(testkit.Write(t, filepath.Join(dir, "environments", name, "file"), ""))
		then := time.Now().Add(-age)
		if err := os.Chtimes(path, then, then); err != nil {
			t.Fatal(err)
		}
	}
	data := testkit.Tar(t, map[string]string{"a": "x"})
	if _, err := NewCache(dir, unpack.Limits{}).Tar(t.Context(), bytes.NewReader(data), sha256.Sum256(data)); err != nil {
		t.Fatal(err)
	}
	if names := inCache(t, dir); !strings.HasPrefix(names, making+"new tar-") {
		t.Errorf("the cache holds %s", names)
	}
}

// The error that says why is the writer's; a reader that fails ends the writer.
func TestPiped(t *testing.T) {
	write := func(_ context.Context, w io.Writer) error {
		for {
			if _, err := w.Write(make([]byte, 1000)); err != nil {
				return err
			}
		}
	}
	broken := errors.New("broken")
	read := func(_ context.Context, r io.Reader) error {
		_, err := io.CopyN(io.Discard, r, 5000)
		return errors.Join(err, broken)
	}
	if err := piped(t.Context(), write, read); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	failing := func(context.Context, io.Writer) error { return broken }
	readAll := func(_ context.Context, r io.Reader) error { _, err := io.ReadAll(r); return err }
	if err := piped(t.Context(), failing, readAll); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

// A real root filesystem, made into the cache, in which bubblewrap runs make.
func TestDebian(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a root filesystem: half a minute")
	}
	for _, program := range []string{"apt-get", "dpkg", "mmdebstrap", "bwrap"} {
		testkit.Program(t, program)
	}
	dir := t.TempDir()
	base := recipe.RootFS{Suite: "bookworm", Packages: []recipe.Package{{Name: "make"}}}
	o := debian.Options{Mirror: os.Getenv("COUNTERMARK_TEST_MIRROR")}
	list, err := debian.Resolve(t.Context(), base, o)
	if transport, ok := errors.AsType[*debian.TransportError](err); ok {
		testkit.Missing(t, "no mirror is reachable: %v", transport)
	}
	if err != nil {
		t.Fatal(err)
	}
	root, makers, err := NewCache(dir, unpack.Limits{}).Debian(t.Context(), debian.Order{Base: base, List: list}, o)
	if err != nil {
		t.Fatal(err)
	}
	name := "debian-" + list.ID().String()
	if inCache(t, dir) != name+" "+name+makersSuffix {
		t.Errorf("the cache holds %s", inCache(t, dir))
	}
	if len(makers) != 2 || !strings.HasPrefix(makers[0].Version, "apt ") || !strings.HasPrefix(makers[1].Version, "mmdebstrap ") {
		t.Errorf("it was made by %q", makers)
	}
	out, err := exec.Command("bwrap", "--unshare-all", "--ro-bind", root, "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--clearenv",
		"--setenv", "PATH", "/usr/bin:/bin", "sh", "-c", "make --version; id; ls -l /dev/null; touch /usr/x").CombinedOutput()
	for _, want := range []string{"GNU Make 4.3", "uid=", "crw-rw-rw-", "Read-only file system"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%v, no %q in\n%s", err, want, out)
		}
	}
	again, made, err := NewCache(dir, unpack.Limits{}).Debian(t.Context(), debian.Order{Base: base, List: list}, debian.Options{Mirror: "not asked"})
	if err != nil || again != root || !slices.Equal(made, makers) {
		t.Errorf("%s by %q, %v", again, made, err)
	}
	if err := os.Remove(root + makersSuffix); err != nil {
		t.Fatal(err)
	}
	_, made, err = NewCache(dir, unpack.Limits{}).Debian(t.Context(), debian.Order{Base: base, List: list}, debian.Options{Mirror: "not asked"})
	if err != nil || made != nil {
		t.Errorf("nobody knows by what it was made: %q, %v", made, err)
	}
}
