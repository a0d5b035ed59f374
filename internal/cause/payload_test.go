package cause_test

import (
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/cause"
)

// realFiles are published generated files, by their names.
func realFiles(t *testing.T) map[string]string {
	t.Helper()
	texts := make(map[string]string)
	for _, release := range []struct {
		name, archive string
		files         []string
	}{
		{"xz-5.4.1", "xz-utils_5.4.1.orig.tar.xz", []string{"xz-5.4.1/configure", "xz-5.4.1/Makefile.in", "xz-5.4.1/aclocal.m4", "xz-5.4.1/m4/gettext.m4", "xz-5.4.1/build-aux/ltmain.sh",
			"xz-5.4.1/build-aux/config.sub", "xz-5.4.1/config.h.in", "xz-5.4.1/src/xz/xz.1", "xz-5.4.1/po/xz.pot"}},
		{"php-8.2.32", "php8.2_8.2.32.orig.tar.xz", []string{"php-8.2.32/Zend/zend_ini_parser.c", "php-8.2.32/Zend/zend_ini_scanner.c", "php-8.2.32/ext/phar/phar_path_check.c"}},
	} {
		dir := t.TempDir()
		run(t, dir, "tar", append([]string{"-xf", published(t, release.name, release.archive)}, release.files...)...)
		for _, name := range release.files {
			content, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			texts[path.Base(name)] = string(content)
		}
	}
	return texts
}

// isCode reports whether a line is plain code in shell, m4, make, roff or C: no
// comment, and long enough to matter.
func isCode(l string) bool {
	l = strings.TrimSpace(l)
	for _, comment := range []string{"#", "dnl", "/", "*", ".", "'", `"`, "timestamp=", "scriptversion=", "VERSION=", "macro_", "[macro_", "package_rev", "m4_define([LT_"} {
		if strings.HasPrefix(l, comment) {
			return false
		}
	}
	return len(l) > 3
}

// harmless changes what another build may change: on both sides a line that a
// tool would fill in, and the ends of lines.
func harmless(random *rand.Rand, name string, here, there []string) (ours, theirs []string) {
	mark := "# "
	switch path.Ext(name) {
	case ".c", ".h", ".in":
		if name != "Makefile.in" {
			mark = "// "
		}
	case ".1":
		mark = `.\" `
	}
	for _, fill := range [][2]string{{"made on 2023-01-11", "made on 2024-02-29"}, {"in /tmp/build-7/demo/x", "in /srv/rm/x"}, {"at builder-7.example", "at laptop"}, {"by ciuser", "by jia"}} {
		if random.IntN(2) == 0 {
			at := random.IntN(2)
			here, there = slices.Insert(here, at, mark+fill[0]), slices.Insert(there, at, mark+fill[1])
		}
	}
	return here, there
}

// payloads change one line of code at a place; ok is false if they cannot there.
var payloads = map[string]func(random *rand.Rand, here, there []string, at int) (ours, theirs []string){
	"a line more": func(random *rand.Rand, here, there []string, at int) ([]string, []string) {
		return here, slices.Insert(there, at, "  eval `tail -c +31265 tests/files/good-large.xz`")
	},
	"a short line more": func(_ *rand.Rand, here, there []string, at int) ([]string, []string) {
		return here, slices.Insert(there, at, "}")
	},
	"a line less": func(_ *rand.Rand, here, there []string, at int) ([]string, []string) {
		return here, slices.Delete(there, at, at+1)
	},
	"a byte": func(random *rand.Rand, here, there []string, at int) ([]string, []string) {
		l := []byte(there[at])
		for i := random.IntN(len(l)); ; i = (i + 1) % len(l) {
			if l[i] > ' ' && l[i] != '\\' {
				l[i] = map[bool]byte{true: 'x', false: 'y'}[l[i] != 'x']
				break
			}
		}
		there[at] = string(l)
		return here, there
	},
	"a comment less": func(_ *rand.Rand, here, there []string, at int) ([]string, []string) {
		here[at] = "# " + here[at]
		return here, there
	},
	"a space in a word": func(_ *rand.Rand, here, there []string, at int) ([]string, []string) {
		l := strings.TrimSpace(there[at])
		there[at] = strings.Replace(there[at], l, l[:1]+" "+l[1:], 1)
		if strings.HasPrefix(l[1:], " ") || strings.HasPrefix(l[1:], "\t") {
			there[at] += "x"
		}
		return here, there
	},
	"a number that is a time": func(random *rand.Rand, here, there []string, at int) ([]string, []string) {
		return slices.Insert(here, at, "expires = 1673438401;"), slices.Insert(there, at, "expires = 1893456000;")
	},
	"a date in code": func(_ *rand.Rand, here, there []string, at int) ([]string, []string) {
		return slices.Insert(here, at, `test "$day" '<' 2023-01-11 && exit`), slices.Insert(there, at, `test "$day" '<' 2099-01-11 && exit`)
	},
	"code after a comment": func(_ *rand.Rand, here, there []string, at int) ([]string, []string) {
		return slices.Insert(here, at, "/* made on 2023-01-11 */ x = 2023-01-11;"), slices.Insert(there, at, "/* made on 2024-02-29 */ x = 2024-02-29;")
	},
	"code after a comment that goes on": func(_ *rand.Rand, here, there []string, at int) ([]string, []string) {
		return slices.Insert(here, at, "// 2023-01-11 */ x = 2023-01-11;"), slices.Insert(there, at, "// 2024-02-29 */ x = 2024-02-29;")
	},
	"a directive": func(_ *rand.Rand, here, there []string, at int) ([]string, []string) {
		return slices.Insert(here, at, "# define LIMIT 1673438401"), slices.Insert(there, at, "# define LIMIT 1893456000")
	},
	"the product of a number": func(_ *rand.Rand, here, there []string, at int) ([]string, []string) {
		return slices.Insert(here, at, " * 1673438401"), slices.Insert(there, at, " * 1893456000")
	},
	"the end of a string": func(_ *rand.Rand, here, there []string, at int) ([]string, []string) {
		return slices.Insert(here, at, "# '; day=2023-01-11"), slices.Insert(there, at, "# '; day=2024-02-29")
	},
	"a comment that goes on": func(_ *rand.Rand, here, there []string, at int) ([]string, []string) {
		return slices.Insert(here, at, `# on 2023-01-11 \`), slices.Insert(there, at, `# on 2024-02-29 \`)
	},
	"the build's folder": func(_ *rand.Rand, here, there []string, at int) ([]string, []string) {
		return slices.Insert(here, at, ". /tmp/build-7/demo/lib.sh"), slices.Insert(there, at, ". /srv/evil/lib.sh")
	},
	"the machine's name": func(_ *rand.Rand, here, there []string, at int) ([]string, []string) {
		return slices.Insert(here, at, "ssh builder-7.example"), slices.Insert(there, at, "ssh evil.example")
	},
	"the user's name": func(_ *rand.Rand, here, there []string, at int) ([]string, []string) {
		return slices.Insert(here, at, "su ciuser"), slices.Insert(there, at, "su root")
	},
	"the version of code": func(_ *rand.Rand, here, there []string, at int) ([]string, []string) {
		return slices.Insert(here, at, "need re2c 3.0 bison 3.8.2 macro_version='2.4.7'"), slices.Insert(there, at, "need re2c 4.0 bison 9.9 macro_version='6.6.6'")
	},
	"some line ends": func(_ *rand.Rand, here, there []string, at int) ([]string, []string) {
		there[at] += "\r"
		return here, there
	},
	"a backslash's space": func(_ *rand.Rand, here, there []string, at int) ([]string, []string) {
		return slices.Insert(here, at, `make install \`), slices.Insert(there, at, `make install \ `)
	},
}

// TestPayload: a real file in which, beside what may differ between two builds,
// one line of code is another one. No cause may explain all of that, whatever
// else differs: a line must be left.
func TestPayload(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 11))
	texts := realFiles(t)
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		all := strings.Split(texts[name], "\n")
		for _, kind := range slices.Sorted(maps.Keys(payloads)) {
			for range 4 {
				at := random.IntN(len(all) - 1)
				for !isCode(all[at]) {
					at = random.IntN(len(all) - 1)
				}
				ours, theirs := payloads[kind](random, slices.Clone(all), slices.Clone(all), at)
				ours, theirs = harmless(random, name, ours, theirs)
				d := explain(pair(name, strings.Join(ours, "\n"), strings.Join(theirs, "\n")))[0]
				explains := slices.ContainsFunc(d.Causes, func(c cause.Cause) bool { return c.Remaining == 0 })
				if d.Left == 0 || explains {
					t.Errorf("%s, %s at line %d, %q: %d left: %+v", name, kind, at+1, all[at], d.Left, d.Causes)
				}
			}
		}
	}
}

// TestHarmless: the same without the line: each is explained wholly, and what is
// said of order and white space does not sound harmless.
func TestHarmless(t *testing.T) {
	random := rand.New(rand.NewPCG(13, 17))
	texts := realFiles(t)
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		text := texts[name]
		all := strings.Split(text, "\n")
		ours, theirs := harmless(random, name, slices.Clone(all), slices.Clone(all))
		for slices.Equal(ours, theirs) {
			ours, theirs = harmless(random, name, slices.Clone(all), slices.Clone(all))
		}
		if d := explain(pair(name, strings.Join(ours, "\n"), strings.Join(theirs, "\n")))[0]; d.Left != 0 {
			t.Errorf("%s: %d left of what builds fill in: %+v", name, d.Left, d.Causes)
		}
		d := explain(pair(name, text, strings.ReplaceAll(text, "\n", "\r\n")))[0]
		if c := d.Causes[0]; c.Kind != cause.LineEnds || d.Left != 0 || !strings.Contains(c.Sentence, "does not run") {
			t.Errorf("%s: line ends: %+v", name, d)
		}
		moved := slices.Clone(all)
		at := random.IntN(len(all) / 2)
		for all[at] == all[at+9] || !isCode(all[at]) || slices.Index(all, all[at]) != at {
			at = random.IntN(len(all) / 2)
		}
		moved[at], moved[at+9] = moved[at+9], moved[at]
		d = explain(pair(name, text, strings.Join(moved, "\n")))[0]
		if c := d.Causes[0]; c.Kind != cause.Order || c.Remaining != 0 || !strings.Contains(c.Sentence, "can change what the file does") || strings.Contains(c.Sentence, "as another locale does") {
			t.Errorf("%s: a line moved: %+v", name, d)
		}
	}
}
