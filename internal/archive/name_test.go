package archive_test

import (
	"strings"

	"github.com/countermark/countermark/internal/archive"
)

// named is an archive with one regular file of the given name below "top/",
// through a pax header where the name needs one.
func named(name string) []byte {
	full := "top/" + name
	if len(full) <= 100 {
		return tarOf(func(b *tarBuilder) { b.file(full, "A\n") })
	}
	return tarOf(func(b *tarBuilder) { b.pax(record("path", full)); b.file("top/short", "A\n") })
}

// nameCases are archives with one odd name, or names that do not go together.
func nameCases() []tarCase {
	return append(append(spellingCases(), duplicateCases()...), topCases()...)
}

func spellingCases() []tarCase {
	var cases []tarCase
	for _, c := range []struct{ name, want, spelling string }{
		{"name with dot", "NAME_PATH", "./a"},
		{"name with dot inside", "NAME_PATH", "d/./a"},
		{"name with dot at the end", "NAME_PATH", "d/."},
		{"name with two dots", "NAME_PATH", "../a"},
		{"name with two dots inside", "NAME_PATH", "d/../../a"},
		{"name with two dots at the end", "NAME_PATH", "d/.."},
		{"name with two slashes", "NAME_PATH", "d//a"},
		{"file with a final slash", "NAME_PATH", "a/"},
		{"name of 4096 bytes", "accept: f " + longName(4092), longName(4092)},
		{"name of 4097 bytes", "NAME_PATH", longName(4093)},
		{"name with ESC", "NAME_CONTROL", "\x1b[31ma"},
		{"name with line feed", "NAME_CONTROL", "a\nb"},
		{"name with carriage return", "NAME_CONTROL", "a\rb"},
		{"name with DEL", "NAME_CONTROL", "a\x7f"},
		{"name with a C1 control", "NAME_CONTROL", "a\u009bb"},
		{"name with a change of direction", "NAME_CONTROL", "a\u202egnp.sh"},
		{"name with an isolate", "NAME_CONTROL", "a\u2066b"},
		{"name with zero width", "NAME_CONTROL", "a\u200bb"},
		{"name with a joiner in .git", "NAME_CONTROL", ".g\u200cit/config"},
		{"name with a byte order mark", "NAME_CONTROL", "\ufeffa"},
		{"name not UTF-8", "NAME_UTF8", "a\xff"},
		{"name with a surrogate", "NAME_UTF8", "a\xed\xa0\x80"},
		{"name in an overlong form", "NAME_UTF8", "a\xc0\xaf"},
		{"name in form D", "NAME_NFC", "e\u0301"},
		{"name in form C", "accept: f \u00e9", "\u00e9"},
		{"name of a compatibility letter", "accept: f \ufb01", "\ufb01"},
		{"name with a Kelvin sign", "NAME_NFC", "\u212a"},
		{"name .git", "NAME_DOTGIT", ".git"},
		{"name below .git", "NAME_DOTGIT", "d/.git/config"},
		{"name .GIT", "NAME_DOTGIT", ".GIT/config"},
		{"name git~1", "NAME_DOTGIT", "git~1/config"},
		{"name .git with a dot", "NAME_DOTGIT", ".git./config"},
		{"name .git with a blank", "NAME_DOTGIT", ".git /config"},
		{"name .git with a stream", "NAME_DOTGIT", ".git:x/config"},
		{"name .gitignore", "accept: f .gitignore", ".gitignore"},
		{"name .gitattributes", "accept: f .gitattributes", ".gitattributes"},
		{"name .github", "accept: f .github/a", ".github/a"},
		{"name for a browser", "accept: f <img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"},
		{"name with quotes", "accept: f a'`\"$(x)", "a'`\"$(x)"},
		{"name with an inner drive", "accept: f C:a", "C:a"},
		{"name with a backslash", "accept: f a\\..\\b", "a\\..\\b"},
		{"name of a device of Windows", "accept: f aux.txt", "aux.txt"},
		{"name with a final dot", "accept: f a.", "a."},
		{"name of an AppleDouble", "accept: f ._a", "._a"},
		{"name of a dash", "accept: f -rf", "-rf"},
		{"name of a blank", "accept: f  ", " "},
	} {
		cases = append(cases, tarCase{name: c.name, want: c.want, raw: named(c.spelling)})
	}
	return append(cases,
		tarCase{name: "name absolute", want: "NAME_PATH", raw: tarOf(func(b *tarBuilder) { b.file("/etc/passwd", "") })},
		tarCase{name: "name empty", want: "NAME_PATH", raw: tarOf(func(b *tarBuilder) { b.file("", "") })},
		tarCase{name: "directory of two final slashes", want: "NAME_PATH", raw: tarOf(func(b *tarBuilder) { b.dir("top/d//") })},
		tarCase{name: "directory dot", want: "NAME_PATH", raw: tarOf(func(b *tarBuilder) { b.dir("./") })},
		tarCase{name: "link with a final slash", want: "NAME_PATH", raw: tarOf(func(b *tarBuilder) { b.link("top/l/", "a") })},
		tarCase{name: "v7 file with a final slash", want: "NAME_PATH", raw: v7Of(func(b *tarBuilder) { b.member('0', "top/d/", "") })},
		tarCase{name: "v7 directory of type NUL", want: "accept: d d/, f e/a", raw: v7Of(func(b *tarBuilder) { b.member(0, "top/d/", ""); b.member(0, "top/e/", ""); b.file("top/e/a", "") })},
		tarCase{name: "v7 directory of type NUL with content", want: "NAME_PATH", raw: v7Of(func(b *tarBuilder) { b.member(0, "top/d/", "x") })},
		tarCase{name: "ustar directory of type NUL", want: "NAME_PATH", raw: tarOf(func(b *tarBuilder) { b.member(0, "top/d/", "") })},
		tarCase{name: "prefix without name", want: "accept: d d/", raw: tarOf(func(b *tarBuilder) { b.dir("", prefix("top/d")) })},
		tarCase{name: "prefix with a final slash", want: "NAME_PATH", raw: tarOf(func(b *tarBuilder) { b.file("a", "", prefix("top/")) })},
		tarCase{name: "prefix absolute", want: "NAME_PATH", raw: tarOf(func(b *tarBuilder) { b.file("a", "", prefix("/top")) })},
	)
}

// longName returns a name of n bytes in components of at most 200.
func longName(n int) string {
	name := strings.Repeat(strings.Repeat("n", 199)+"/", n/200+1)[:n]
	if strings.HasSuffix(name, "/") {
		return name[:n-1] + "n"
	}
	return name
}

func duplicateCases() []tarCase {
	return []tarCase{
		{name: "file twice", want: "NAME_DUP", raw: tarOf(func(b *tarBuilder) { b.file("top/a", "1"); b.file("top/a", "2") })},
		{name: "file twice, equal", want: "NAME_DUP", raw: tarOf(func(b *tarBuilder) { b.file("top/a", "1"); b.file("top/a", "1") })},
		{name: "file, then directory", want: "NAME_DUP", raw: tarOf(func(b *tarBuilder) { b.file("top/a", "1"); b.dir("top/a/") })},
		{name: "directory, then file", want: "NAME_DUP", raw: tarOf(func(b *tarBuilder) { b.dir("top/a/"); b.file("top/a", "1") })},
		{name: "directory twice", want: "NAME_DUP", raw: tarOf(func(b *tarBuilder) { b.dir("top/d/"); b.dir("top/d/") })},
		{name: "directory twice, differently spelled", want: "NAME_DUP", raw: tarOf(func(b *tarBuilder) { b.dir("top/d/"); b.dir("top/d") })},
		{name: "directory twice around its file", want: "NAME_DUP", raw: tarOf(func(b *tarBuilder) { b.dir("top/d/"); b.file("top/d/a", ""); b.dir("top/d/") })},
		{name: "top directory twice", want: "NAME_DUP", raw: tarOf(func(b *tarBuilder) { b.file("top/a", ""); b.dir("top") })},
		{name: "link, then file", want: "NAME_DUP", raw: tarOf(func(b *tarBuilder) { b.link("top/a", "b"); b.file("top/a", "") })},
		{name: "link, then directory", want: "NAME_DUP", raw: tarOf(func(b *tarBuilder) { b.link("top/a", "b"); b.dir("top/a/") })},
		{name: "special, then file", want: "NAME_DUP", raw: tarOf(func(b *tarBuilder) { b.member('6', "top/a", ""); b.file("top/a", "") })},
		{name: "hard link, then file", want: "NAME_DUP", raw: tarOf(func(b *tarBuilder) { b.file("top/a", ""); b.hardLink("top/b", "top/a"); b.file("top/b", "") })},
		{name: "below a file", want: "NAME_PREFIX", raw: tarOf(func(b *tarBuilder) { b.file("top/a", ""); b.file("top/a/b", "") })},
		{name: "below a later file", want: "NAME_PREFIX", raw: tarOf(func(b *tarBuilder) { b.file("top/a/b", ""); b.file("top/a", "") })},
		{name: "below a link", want: "NAME_PREFIX", raw: tarOf(func(b *tarBuilder) { b.link("top/a", "d"); b.file("top/a/b", "") })},
		{name: "far below a link", want: "NAME_PREFIX", raw: tarOf(func(b *tarBuilder) { b.link("top/a", "d"); b.file("top/a/b/c/d", "") })},
		{name: "below a special", want: "NAME_PREFIX", raw: tarOf(func(b *tarBuilder) { b.member('6', "top/a", ""); b.file("top/a/b", "") })},
		{name: "directory below a link", want: "NAME_PREFIX", raw: tarOf(func(b *tarBuilder) { b.link("top/a", "d"); b.dir("top/a/b/") })},
		{name: "names that differ in case", want: "accept: f README, f readme", raw: tarOf(func(b *tarBuilder) { b.file("top/README", ""); b.file("top/readme", "") })},
		{name: "file before its directory", want: "accept: f d/a", raw: tarOf(func(b *tarBuilder) { b.file("top/d/a", ""); b.dir("top/d/") })},
		{name: "names around a directory in git's order", want: "accept: f d.a, f d/b, f d0", raw: tarOf(func(b *tarBuilder) {
			b.file("top/d0", "")
			b.file("top/d/b", "")
			b.file("top/d.a", "")
			b.dir("top/d")
		})},
	}
}

func topCases() []tarCase {
	with := func(prefix string) func(*archive.Options) {
		return func(o *archive.Options) { o.Prefix, o.PrefixSet = prefix, true }
	}
	one := tarOf(func(b *tarBuilder) { b.file("top/d/a", "A\n") })
	flat := bareOf(func(b *tarBuilder) { b.file("a", ""); b.dir("d/"); b.file("d/b", "") })
	return []tarCase{
		{name: "two tops", want: "NAME_TOP", raw: tarOf(func(b *tarBuilder) { b.file("top/a", ""); b.file("other/a", "") })},
		{name: "a second top directory", want: "NAME_TOP", raw: tarOf(func(b *tarBuilder) { b.file("top/a", ""); b.dir("other/") })},
		{name: "a name that begins like the top", want: "NAME_TOP", raw: tarOf(func(b *tarBuilder) { b.file("top-2/a", "") })},
		{name: "no top", want: "NAME_TOP", raw: flat},
		{name: "a link for a top", want: "NAME_TOP", raw: bareOf(func(b *tarBuilder) { b.link("top", "x"); b.file("top/a", "") })},
		{name: "a file for a top", want: "NAME_TOP", raw: tarOf(func(b *tarBuilder) { b.file("top", "") })},
		{name: "no member for the top", want: "accept: f a", raw: bareOf(func(b *tarBuilder) { b.file("top/a", "") })},
		{name: "a top and nothing else", want: "accept: ", raw: tarOf(func(*tarBuilder) {})},
		{name: "prefix empty", want: "accept: f a, f d/b", raw: flat, options: with("")},
		{name: "prefix empty with a top", want: "accept: f top/d/a", raw: one, options: with("")},
		{name: "prefix given", want: "accept: f d/a", raw: one, options: with("top")},
		{name: "prefix with its slash", want: "accept: f d/a", raw: one, options: with("top/")},
		{name: "prefix of two components", want: "accept: f a", raw: one, options: with("top/d")},
		{name: "prefix of two components, its members there", want: "accept: f a", raw: tarOf(func(b *tarBuilder) { b.dir("top/d/"); b.file("top/d/a", "") }), options: with("top/d/")},
		{name: "prefix's first component twice", want: "NAME_DUP", raw: tarOf(func(b *tarBuilder) { b.dir("top"); b.file("top/d/a", "") }), options: with("top/d/")},
		{name: "prefix of two components, a file beside", want: "NAME_TOP", raw: tarOf(func(b *tarBuilder) { b.file("top/a", "") }), options: with("top/d/")},
		{name: "prefix of another name", want: "NAME_TOP", raw: one, options: with("other")},
		{name: "prefix that is a beginning only", want: "NAME_TOP", raw: one, options: with("to")},
		{name: "prefix with two dots", want: "NAME_TOP", raw: one, options: with("top/../top")},
		{name: "drive letter", want: "NAME_PATH", raw: bareOf(func(b *tarBuilder) { b.file("C:a", ""); b.file("a", "") }), options: with("")},
		{name: "drive letter for a top", want: "NAME_PATH", raw: bareOf(func(b *tarBuilder) { b.file("c:top/a", "") })},
		{name: "backslash first", want: "NAME_PATH", raw: bareOf(func(b *tarBuilder) { b.file("\\a", "") }), options: with("")},
	}
}
