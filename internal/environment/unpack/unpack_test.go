package unpack

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/countermark/countermark/internal/refusal"
)

var noon = time.Unix(1_700_000_000, 0)

// m makes one member from a word: "d NAME", "f NAME CONTENT", "l NAME TARGET",
// "h NAME TARGET", or another type's letter and a name.
func m(word string) tar.Header {
	kind, rest, _ := strings.Cut(word, " ")
	name, arg, _ := strings.Cut(rest, " ")
	h := tar.Header{Name: name, Mode: 0o755, ModTime: noon}
	switch kind {
	case "d":
		h.Typeflag = tar.TypeDir
	case "f":
		h.Typeflag, h.Mode, h.Size = tar.TypeReg, 0o644, int64(len(arg))
		h.PAXRecords = map[string]string{"TEST.content": arg + " "} // a record cannot be empty
	case "l":
		h.Typeflag, h.Linkname = tar.TypeSymlink, arg
	case "h":
		h.Typeflag, h.Linkname = tar.TypeLink, arg
	default:
		h.Typeflag = kind[0]
	}
	return h
}

func archive(t testing.TB, members ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range members {
		content := strings.TrimSuffix(h.PAXRecords["TEST.content"], " ")
		h.PAXRecords, h.Size = nil, int64(len(content))
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func words(t testing.TB, words ...string) []byte {
	t.Helper()
	var all []tar.Header
	for _, w := range words {
		all = append(all, m(w))
	}
	return archive(t, all...)
}

// folder returns an empty folder "root" inside another, with its path.
func folder(t testing.TB, l Limits) (*Folder, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "root")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return Into(root, l), dir
}

// list says what a folder holds, one path a line.
func list(t testing.TB, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(dir, p)
		switch {
		case err != nil || rel == ".":
			return err
		case d.IsDir():
			fmt.Fprintf(&b, "%s/\n", rel)
		case d.Type() == fs.ModeSymlink:
			target, err := os.Readlink(p)
			fmt.Fprintf(&b, "%s -> %s\n", rel, target)
			return err
		default:
			content, err := os.ReadFile(p)
			fmt.Fprintf(&b, "%s %s\n", rel, content)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTar(t *testing.T) {
	f, dir := folder(t, Limits{})
	setuid := m("f usr/bin/su x")
	setuid.Mode = 0o6755
	secret := m("f etc/shadow s")
	secret.Mode = 0
	locked := m("d locked/")
	locked.Mode = 0o555
	all := archive(t, m("d ./"), m("d ./etc/"), m("f ./etc/passwd root"), m("l bin usr/bin"), setuid, secret, m("l etc/alternatives/x /usr/bin/su"),
		m("l escape ../../.."), m("h usr/bin/sudo ./usr/bin/su"), locked, m("f locked/in y"), m("f empty "), m("3 dev/null"), m("4 dev/sda"), m("6 dev/initctl"), m("d etc"))
	if err := errors.Join(f.Tar(t.Context(), bytes.NewReader(all)), f.Finish()); err != nil {
		t.Fatal(err)
	}
	const want = "bin -> usr/bin\ndev/\nempty \n" + `escape -> ../../..
etc/
etc/alternatives/
etc/alternatives/x -> /usr/bin/su
etc/passwd root
etc/shadow s
locked/
locked/in y
usr/
usr/bin/
usr/bin/su x
usr/bin/sudo x
`
	if got := list(t, dir); got != want {
		t.Errorf("got\n%s", got)
	}
	for name, mode := range map[string]fs.FileMode{"usr/bin/su": 0o755, "etc/shadow": 0o400, "locked": fs.ModeDir | 0o755, "etc/passwd": 0o644, "dev": fs.ModeDir | 0o755} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode() != mode {
			t.Errorf("%s: mode %v, %v, want %v", name, info.Mode(), err, mode)
		}
		if name != "dev" && !info.ModTime().Equal(noon) {
			t.Errorf("%s: time %v", name, info.ModTime())
		}
	}
	a, errA := os.Stat(filepath.Join(dir, "usr/bin/su"))
	b, errB := os.Stat(filepath.Join(dir, "usr/bin/sudo"))
	if errA != nil || errB != nil || !os.SameFile(a, b) {
		t.Errorf("a hard link became another file: %v, %v", errA, errB)
	}
}

// Nothing of these is laid out outside, and each is refused by its rule.
func TestHostileArchives(t *testing.T) {
	for name, c := range map[string]struct {
		rule    refusal.Rule
		members []string
	}{
		"up":                             {refusal.NamePath, []string{"f ../evil x"}},
		"up inside":                      {refusal.NamePath, []string{"d a/", "f a/../../evil x"}},
		"up with a dot before":           {refusal.NamePath, []string{"f ./../evil x"}},
		"up as a directory":              {refusal.NamePath, []string{"d ../"}},
		"absolute":                       {refusal.NamePath, []string{"f /tmp/evil x"}},
		"absolute after a dot":           {refusal.NamePath, []string{"f .//evil x"}},
		"doubled slash":                  {refusal.NamePath, []string{"f a//evil x"}},
		"the root":                       {refusal.NamePath, []string{"d /"}},
		"through a link":                 {refusal.NamePrefix, []string{"l a ..", "f a/evil x"}},
		"through an absolute link":       {refusal.NamePrefix, []string{"l a /tmp", "f a/evil x"}},
		"through a link that stays":      {refusal.NamePrefix, []string{"d b/", "l a b", "f a/evil x"}},
		"through a deep link":            {refusal.NamePrefix, []string{"d a/b/", "l a/c ../..", "d a/c/x/"}},
		"through two links":              {refusal.NamePrefix, []string{"l a b", "l b ..", "f a/evil x"}},
		"below a file":                   {refusal.NamePrefix, []string{"f a x", "f a/evil x"}},
		"over a link":                    {refusal.NameDup, []string{"l a ../evil", "f a x"}},
		"directory over a link":          {refusal.NameDup, []string{"l a ..", "d a/", "f a/evil x"}},
		"link over a directory":          {refusal.NameDup, []string{"d a/", "l a ..", "f a/evil x"}},
		"file twice":                     {refusal.NameDup, []string{"f a x", "f ./a y"}},
		"file over an implied directory": {refusal.NameDup, []string{"f a/b x", "f a y"}},
		"file as the top":                {refusal.TarType, []string{"f . x"}},
		"link as the top":                {refusal.TarType, []string{"l . /"}},
		"hard link outside":              {refusal.NamePath, []string{"h a ../secret"}},
		"hard link absolute":             {refusal.NamePath, []string{"h a /etc/passwd"}},
		"hard link through a link":       {refusal.TarType, []string{"l a ..", "h b a/secret"}},
		"hard link to a link":            {refusal.TarType, []string{"l a ../secret", "h b a"}},
		"hard link to a directory":       {refusal.TarType, []string{"d a/", "h b a"}},
		"hard link to nothing":           {refusal.TarType, []string{"h b a"}},
		"hard link to itself":            {refusal.TarType, []string{"f a x", "h a a"}},
		"device":                         {refusal.TarType, []string{"3 etc/null"}},
		"disk":                           {refusal.TarType, []string{"4 sda"}},
		"FIFO":                           {refusal.TarType, []string{"6 pipe"}},
		"device named dev":               {refusal.TarType, []string{"3 dev"}},
		"device through a link":          {refusal.NamePrefix, []string{"l dev ..", "3 dev/null"}},
		"contiguous":                     {refusal.TarType, []string{"7 a"}},
		"link to nothing":                {refusal.NamePath, []string{"l a "}},
		"too many":                       {refusal.TarTooMany, []string{"f 1 ", "f 2 ", "f 3 ", "f 4 ", "f 5 ", "f 6 "}},
		"too big":                        {refusal.TarTooBig, []string{"f 1 " + strings.Repeat("x", 600), "f 2 " + strings.Repeat("x", 500)}},
	} {
		f, dir := folder(t, Limits{Bytes: 1000, Members: 5})
		secret := filepath.Join(dir, "..", "secret")
		if err := os.WriteFile(secret, []byte("s"), 0o600); err != nil {
			t.Fatal(err)
		}
		err := f.Tar(t.Context(), bytes.NewReader(words(t, c.members...)))
		refused, ok := errors.AsType[*refusal.Refusal](err)
		if !ok || refused.Rule != c.rule {
			t.Errorf("%s: %v, want %s", name, err, c.rule)
		}
		entries, err := os.ReadDir(filepath.Dir(dir))
		if err != nil || len(entries) != 2 {
			t.Errorf("%s: outside lie %v, %v", name, entries, err)
		}
	}
}

func TestBrokenArchives(t *testing.T) {
	whole := words(t, "f a "+strings.Repeat("x", 2000))
	garbled := bytes.Clone(whole)
	garbled[0] ^= 1
	for name, c := range map[string]struct {
		data []byte
		rule refusal.Rule
	}{"truncated": {whole[:1000], refusal.TarTruncated}, "truncated header": {whole[:100], refusal.TarTruncated}, "garbled": {garbled, refusal.TarChecksum}} {
		f, _ := folder(t, Limits{})
		err := f.Tar(t.Context(), bytes.NewReader(c.data))
		if refused, ok := errors.AsType[*refusal.Refusal](err); !ok || refused.Rule != c.rule {
			t.Errorf("%s: %v, want %s", name, err, c.rule)
		}
	}
	f, _ := folder(t, Limits{})
	broken := errors.New("the disk is gone")
	if err := f.Tar(t.Context(), io.MultiReader(bytes.NewReader(whole), failing{broken})); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Tar(ctx, bytes.NewReader(whole)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// Cancelled in the middle of one large file, it ends.
func TestInterruptedFile(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f, _ := folder(t, Limits{})
	data := words(t, "f a "+strings.Repeat("x", 200_000))
	half := io.MultiReader(bytes.NewReader(data[:100_000]), after(cancel), bytes.NewReader(data[100_000:]))
	if err := f.Tar(ctx, half); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

type after func()

func (a after) Read([]byte) (int, error) { a(); return 0, io.EOF }

func FuzzTar(f *testing.F) {
	f.Add(words(f, "d a/", "f a/b x", "l c a", "h d a/b", "3 dev/null"), []byte{})
	f.Add(words(f, "l a ..", "f a/evil x"), words(f, "f a/.wh.b ", "f .wh..wh..opq ", "f b x"))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		into, dir := folder(t, Limits{Bytes: 1 << 20, Members: 100})
		for _, layer := range [][]byte{first, second} {
			if err := into.Layer(t.Context(), bytes.NewReader(layer)); err != nil {
				break
			}
		}
		_ = into.Finish()
		if entries, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(entries) != 1 {
			t.Fatalf("outside lie %v, %v", entries, err)
		}
	})
}
