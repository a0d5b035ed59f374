package toolrelease

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/testkit"
)

const control = `Package: autopoint
Source: gettext (0.21-4)
Version: 0.21-4
Architecture: all
Maintainer: A U Thor <author@example.com>
Description: a package
 of a test: its Version: is above
`

// deb makes a Debian package with dpkg-deb.
func deb(tb testing.TB, compression, control string, files map[string]string) string {
	tb.Helper()
	dir := tb.TempDir()
	testkit.Write(tb, filepath.Join(dir, "root/DEBIAN/control"), control)
	for name, content := range files {
		testkit.Write(tb, filepath.Join(dir, "root", name), content)
	}
	run(tb, nil, "dpkg-deb", "--build", "--root-owner-group", "-Z"+compression, filepath.Join(dir, "root"), filepath.Join(dir, "package.deb"))
	return filepath.Join(dir, "package.deb")
}

// ar makes an ar archive of members, in their order, with names like real ones'.
func ar(members ...[2]string) []byte {
	var b bytes.Buffer
	b.WriteString(arMagic)
	for _, m := range members {
		fmt.Fprintf(&b, "%-16s%-12d%-6d%-6d%-8s%-10d%s%s", m[0], 1700000000, 0, 0, "100644", len(m[1]), arHeaderEnd, m[1])
		if len(m[1])%2 == 1 {
			b.WriteByte('\n')
		}
	}
	return b.Bytes()
}

func TestDebian(t *testing.T) {
	testkit.Program(t, "dpkg-deb")
	earlier := testkit.Tar(t, map[string]string{
		"gettext-0.10.35/m4/gettext.m4": "0.10.35", "gettext-0.11/m4/gettext.m4": "0.11", "gettext-0.11/../outside-9/x": "moved",
		"README": "no", "unversioned/m4/x": "no", "../gettext-0.9/x": "no", "gettext-0.11/large": strings.Repeat("x", MaxFileBytes+1),
	})
	files := map[string]string{
		"usr/share/gettext/archive.dir.tar.xz": string(run(t, earlier, "xz")),
		"usr/share/aclocal/progtest.m4":        "p",
		"usr/share/doc/autopoint/copyright":    "c",
	}
	nested := `
	gettext 0.10.35 m4/gettext.m4=0.10.35
	outside 9 x=moved
	gettext 0.11 m4/gettext.m4=0.11
	`
	own := `
	gettext 0.21-4 usr/share/aclocal/progtest.m4=p
	gettext 0.21-4 usr/share/doc/autopoint/copyright=c
	`
	for _, compression := range []string{"gzip", "xz", "none", "zstd"} {
		t.Run(compression, func(t *testing.T) {
			path := deb(t, compression, control, files)
			wantFiles(t, Source{Path: path}, strings.TrimSuffix(own, "\t")+strings.TrimPrefix(nested, "\n"))
			wantFiles(t, Source{Path: path}, nested, "m4/", "x")
			wantFiles(t, Source{Path: path, Release: Release{Tool: "gt"}}, "gt 0.10.35 m4/gettext.m4=0.10.35\ngt 0.11 m4/gettext.m4=0.11\n", "m4/")
			wantFiles(t, Source{Path: path, Release: Release{Version: "1"}}, "gettext 1 usr/share/aclocal/progtest.m4=p\n", "usr/share/aclocal/")
		})
	}
	t.Run("a broken archive within", func(t *testing.T) {
		files["usr/share/gettext/archive.dir.tar.xz"] = files["usr/share/gettext/archive.dir.tar.xz"][:200]
		_, err := read(t.Context(), Source{Path: deb(t, "gzip", control, files)})
		if err == nil || !strings.Contains(err.Error(), "archive.dir.tar.xz within it: ") {
			t.Errorf("got %v", err)
		}
	})
}

func TestDebianNames(t *testing.T) {
	data := string(testkit.Tar(t, map[string]string{"./a": "x"}))
	for _, c := range []struct{ control, want string }{
		{"Package: gettext\nVersion: 0.21-4\n", "gettext 0.21-4"},
		{"Package: autopoint\nSource: gettext\nVersion: 0.21-4\n", "gettext 0.21-4"},
		{"Package: x\nSource: automake-1.16 (1:1.16.5-1)\nVersion: 1:1.16.5-1.3\n", "automake 1.16.5-1.3"},
		{"Package: autoconf2.69\nVersion: 2.69-3.1\n", "autoconf 2.69-3.1"},
		{"Package: automake1.11\nVersion: 1:1.11.6-6\n", "automake 1.11.6-6"},
		{"Package: m4\nVersion: 1.4.19-3\n", "m4 1.4.19-3"},
		{"Package: bzip2\nVersion: 1.0\n", "bzip2 1.0"},
		{"Package: x11proto\nVersion: 1.0~rc1+dfsg-1\n", "x11proto 1.0~rc1+dfsg-1"},
		{"Version:1\nPackage:\ttabbed\nDescription: x\n Package: not this\n\tVersion: 9\n", "tabbed 1"},
		{"Package: x\n", ""},
		{"Version: 1\n", ""},
		{"Package: 1.2\nVersion: 1\n", ""},
		{"", ""},
	} {
		path := testkit.Write(t, filepath.Join(t.TempDir(), "x.deb"), string(ar([2]string{"debian-binary", "2.0\n"},
			[2]string{"control.tar", string(testkit.Tar(t, map[string]string{"./control": c.control, "./md5sums": "Package: no"}))}, [2]string{"data.tar", data})))
		got, err := read(t.Context(), Source{Path: path})
		if _, unnamed := errors.AsType[*UnnamedError](err); c.want == "" && unnamed {
			continue
		}
		if err != nil || got != c.want+" a=x\n" {
			t.Errorf("%q: %q, %v, want %q", c.control, got, err, c.want)
		}
	}
}

// Of a package too, names that lead out of it are left out.
func TestHostileDebian(t *testing.T) {
	good := goodDeb(t)
	data := testkit.Tar(t, map[string]string{".": "x", "..": "x", "../a": "x", "a/../../b": "x", "/usr/c": "x", "./usr/../d": "x"})
	if got, err := readBytes(t.Context(), ar(good[1], [2]string{"data.tar", string(data)})); err != nil || got != "gettext 0.21-4 d=x\ngettext 0.21-4 usr/c=x\n" {
		t.Errorf("%q, %v", got, err)
	}
}

// goodDeb is a small package without compression, so that all its bytes matter
// less than its frame.
func goodDeb(tb testing.TB) [][2]string {
	return [][2]string{
		{"debian-binary", "2.0\n"},
		{"control.tar/", string(testkit.Tar(tb, map[string]string{"control": control}))},
		{"_odd", "odd"},
		{"data.tar", string(testkit.Tar(tb, map[string]string{"usr/a": "x"}))},
	}
}

func TestMalformedDebian(t *testing.T) {
	good := goodDeb(t)
	with := func(at int, name, content string) []byte {
		changed := append([][2]string{}, good...)
		changed[at] = [2]string{name, content}
		return ar(changed...)
	}
	replaced := func(old, by string) []byte { return bytes.Replace(ar(good...), []byte(old), []byte(by), 1) }
	if got, err := readBytes(t.Context(), ar(good...)); err != nil || got != "gettext 0.21-4 usr/a=x\n" {
		t.Fatalf("the good one: %q, %v", got, err)
	}
	for name, c := range map[string]struct {
		raw  []byte
		says string
	}{
		"no members":             {[]byte(arMagic), "no data.tar"},
		"no data":                {ar(good[:3]...), "no data.tar"},
		"data before control":    {ar(good[3], good[1]), "no control file before"},
		"no control":             {ar(good[0], good[3]), "no control file before"},
		"control that is none":   {with(1, "control.tar", "text"), "unexpected EOF"},
		"control in another":     {with(1, "control.tar.gz", good[1][1]), "the content is tar"},
		"data in another":        {with(3, "data.tar.xz", good[3][1]), "the content is tar"},
		"data of lzma":           {with(3, "data.tar.lzma", "\x5d\x00\x00\x80\x00"), "LZMA-alone"},
		"another end of header":  {replaced(arHeaderEnd, "``"), "none of ar's"},
		"a size of letters":      {replaced("4         `\n", "x         `\n"), "none of ar's"},
		"a negative size":        {replaced("4         `\n", "-4        `\n"), "none of ar's"},
		"a signed size":          {replaced("4         `\n", "+4        `\n"), "none of ar's"},
		"no size":                {replaced("4         `\n", "          `\n"), "none of ar's"},
		"a huge size":            {replaced("4         `\n", "9999999999`\n"), `ends within its member "debian-binary"`},
		"a long line in control": {with(1, "control.tar", string(testkit.Tar(t, map[string]string{"control": strings.Repeat("x", 1<<17)}))), "too long"},
	} {
		if got, err := readBytes(t.Context(), c.raw); err == nil || got != "" || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %q, %v, want %q", name, got, err, c.says)
		}
	}
}

// readBytes reads a package from memory.
func readBytes(ctx context.Context, raw []byte) (string, error) {
	var files strings.Builder
	r := &reader{ctx: ctx, source: Source{Path: "x.deb"}, each: func(f File) error {
		fmt.Fprintf(&files, "%s %s %s=%s\n", f.Tool, f.Version, f.Path, f.Content)
		return nil
	}}
	err := r.debian(bytes.NewReader(raw))
	return files.String(), err
}

// Wherever a package is cut off, that is an error, also between two members of a
// tar, where the tar itself could have ended.
func TestTruncatedDebian(t *testing.T) {
	raw := ar(goodDeb(t)...)
	for n := len(arMagic); n < len(raw); n++ {
		if _, err := readBytes(t.Context(), raw[:n]); err == nil {
			t.Errorf("%d of %d bytes were accepted", n, len(raw))
		}
	}
	testkit.Program(t, "dpkg-deb")
	for _, compression := range []string{"gzip", "xz"} {
		raw, err := os.ReadFile(deb(t, compression, control, map[string]string{"usr/a": "x"}))
		if err != nil {
			t.Fatal(err)
		}
		for n := len(arMagic); n < len(raw)-1; n++ { // the last byte may be padding
			if _, err := readBytes(t.Context(), raw[:n]); err == nil {
				t.Errorf("%s: %d of %d bytes were accepted", compression, n, len(raw))
			}
		}
	}
}

// A small package that expands to a large one is refused, in little memory.
func TestDebianBomb(t *testing.T) {
	var small bytes.Buffer
	z, err := gzip.NewWriterLevel(&small, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	const size = 512 << 20
	head := testkit.Tar(t, map[string]string{"usr/bomb": ""})[:512]
	copy(head[124:136], fmt.Sprintf("%011o\x00", size)) // ustar: size, then the checksum
	copy(head[148:156], "        ")
	sum := 0
	for _, c := range head {
		sum += int(c)
	}
	copy(head[148:156], fmt.Sprintf("%06o\x00 ", sum))
	if _, err := z.Write(head); err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(z, zeros{}, size+1024); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	good := goodDeb(t)
	raw := ar(good[0], good[1], [2]string{"data.tar.gz", small.String()})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = readBytes(t.Context(), raw)
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), "Z_RATIO") {
		t.Errorf("got %v", err)
	}
	if taken := after.TotalAlloc - before.TotalAlloc; taken > 32<<20 {
		t.Errorf("%d bytes were taken", taken)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := readBytes(ctx, raw); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// FuzzDebian: no panic, and only files that lie within the package.
func FuzzDebian(f *testing.F) {
	good := goodDeb(f)
	f.Add(ar(good...))
	f.Add(ar(good[1], good[3]))
	f.Add(ar(good[1], [2]string{"data.tar", string(testkit.Tar(f, map[string]string{"../x": "x", "a.tar": good[3][1], "b-1.tar": string(testkit.Tar(f, map[string]string{"c-2/d": "e"}))}))}))
	f.Add([]byte(arMagic + strings.Repeat("0", arHeaderBytes-2) + arHeaderEnd))
	f.Add([]byte(arMagic))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := &reader{ctx: t.Context(), source: Source{Path: "x.deb"}, each: func(f File) error {
			if !fs.ValidPath(f.Path) || f.Path == "." || len(f.Content) > MaxFileBytes || f.Tool == "" || f.Version == "" {
				t.Errorf("%q %q holds %q of %d bytes", f.Tool, f.Version, f.Path, len(f.Content))
			}
			return nil
		}}
		_ = r.debian(bytes.NewReader(raw))
	})
}
