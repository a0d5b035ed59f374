package recipe

import (
	"crypto/sha256"
	"errors"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/countermark/countermark/internal/tree"
)

// examples returns the recipes of the specification, in its order.
func examples(t testing.TB) []string {
	t.Helper()
	text, err := os.ReadFile("../../docs/spec/recipe.md")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, rest := range strings.Split(string(text), "```toml\n")[1:] {
		example, _, _ := strings.Cut(rest, "```\n")
		all = append(all, example)
	}
	if len(all) != 3 {
		t.Fatalf("docs/spec/recipe.md holds %d examples, expected 3", len(all))
	}
	return all
}

func parse(t testing.TB, text string) *Recipe {
	t.Helper()
	r, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// full is a recipe with every key, of which the refusals are made.
const full = `countermark-recipe = 1
download = [{url = "https://example.org/a", sha256 = "` + sumA + `", path = "data/a.bin"}]
write = {".tarball-version" = "{version}\n", "a.json" = "{{\"tag\": \"{tag}\"}}"}
limits = {seconds = 60, output-bytes = 1_000_000, files = 1000}

[project]
url = "https://example.org:8443/demo?x=1"
archive = "demo-{version}"

[source]
tag = "release/{version}"
tag-dots = "-"
lightweight-tags = true
submodules = "flatten"

[environment]
kind = "rootfs"
suite = "trixie"
mirror = "https://snapshot.debian.org/archive/debian/20260101T000000Z"
packages = ["autoconf=2.72-3.1", "g++"]

[environment.variables]
LC_ALL = "C"
DEMO = "{major}.{minor}.{patch}"

[[environment.tool]]
name = "re2c"
git = "https://example.org/re2c"
commit = "1111111111111111111111111111111111111111"
build = [
  ["./configure", "--prefix={prefix}"],
  ["make", "install"],
]

[[environment.tool]]
name = "gen"
url = "https://example.org/gen.tar.gz"
sha256 = "` + sumA + `"
build = [["cp", "gen", "{prefix}/bin"]]

[[step]]
name = "autogen"
run = ["./autogen", "{version}"]
outputs = ["configure", "m4/"]
changes = ["version.h"]
discard = ["autom4te.cache/", "m4/*.tmp"]
tools = ["autoconf", "m4"]
git = "tag"

[[step]]
name = "gen"
run = ["gen"]
outputs = [
  "src/*.c",
  "src/*.h",
]
changes = ["configure", "version.h"]

[built]
branch = "demo-{major}-built"
author = {name = "Demo CI", email = "ci@example.org"}
committer = {name = "Demo", email = "demo@example.org"}
omit = [".github/", "**/.gitignore"]

[archives]
prefix = "demo/"
formats = ["tar.xz", "zip"]
mtime = "generated-after-source"
xz-threads = 4
levels = {"tar.xz" = 6}
`

const sumA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

func TestValues(t *testing.T) {
	r := parse(t, full)
	tools := r.Environment.Tools
	fs, _ := r.Environment.Base.(RootFS)
	git, _ := tools[0].Source.(GitSource)
	archive, _ := tools[1].Source.(ArchiveSource)
	for _, c := range []struct{ what, got, want any }{
		{"digest", [32]byte(r.Digest), sha256.Sum256([]byte(full))},
		{"url", r.Project.URL, URL("https://example.org:8443/demo?x=1")},
		{"source", []any{r.Source.Tag.String(), r.Source.TagDots.String(), r.Source.LightweightTags, r.Source.Submodules.String()},
			[]any{"release/{version}", "-", true, "flatten"}},
		{"suite", []any{fs.Suite, fs.Mirror}, []any{Name("trixie"), URL("https://snapshot.debian.org/archive/debian/20260101T000000Z")}},
		{"packages", fs.Packages, []Package{{"autoconf", "2.72-3.1"}, {"g++", ""}}},
		{"variables", []any{r.Environment.Variables[0].Name, r.Environment.Variables[1].Value.String()}, []any{Name("DEMO"), "C"}},
		{"git tool", []any{git.URL, git.Commit.String()}, []any{URL("https://example.org/re2c"), strings.Repeat("1", 40)}},
		{"archive tool", []any{archive.URL, archive.SHA256.String()}, []any{URL("https://example.org/gen.tar.gz"), sumA}},
		{"commands", tools[0].Commands("/opt/re2c"), [][]string{{"./configure", "--prefix=/opt/re2c"}, {"make", "install"}}},
		{"download", []any{r.Downloads[0].Path, r.Downloads[0].SHA256.String()}, []any{tree.Path("data/a.bin"), sumA}},
		{"write", []any{r.Writes[0].Path, r.Writes[1].Path}, []any{tree.Path(".tarball-version"), tree.Path("a.json")}},
		{"step", []any{len(r.Steps), r.Steps[0].Name, r.Steps[0].Git.String(), r.Steps[1].Git, r.Steps[0].Tools}, []any{2, "autogen", "tag", NoGit, []Name{"autoconf", "m4"}}},
		{"author", r.Built.Author.String(), "Demo CI <ci@example.org>"},
		{"committer", r.Built.Committer.String(), "Demo <demo@example.org>"},
		{"formats", r.Archives.Formats, []Compression{{TarXz, 6, 4}, {Zip, 9, 0}}},
		{"mtime", r.Archives.Mtime.String(), "generated-after-source"},
		{"limits", r.Limits, Limits{time.Minute, 1_000_000, 1000}},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s: got %v, want %v", c.what, c.got, c.want)
		}
	}
}

func TestDefaults(t *testing.T) {
	r := parse(t, examples(t)[0])
	want := &Recipe{
		Digest: r.Digest, Project: r.Project, Environment: Environment{Base: Host{}},
		Source:   Source{Tag: r.Source.Tag, TagDots: Dots, Submodules: NoSubmodules},
		Built:    Built{Branch: r.Built.Branch, Author: r.Built.Author, Committer: r.Built.Author},
		Archives: Archives{Prefix: r.Project.Archive, Formats: []Compression{{TarGz, 9, 0}}, Mtime: SourceTime},
		Limits:   Limits{30 * time.Minute, 8 << 30, 2_000_000},
	}
	if !reflect.DeepEqual(r, want) {
		t.Errorf("got %+v\nwant %+v", r, want)
	}
}

func TestImageAndCommand(t *testing.T) {
	for form, url := range map[string]URL{"tar": "https://example.org/root.tar", "oci": ""} {
		text := strings.Replace(examples(t)[0], `kind = "host"`, `kind = "image"`+"\nform = \""+form+"\"\nsha256 = \""+sumA+"\"\n", 1)
		if url != "" {
			text = strings.Replace(text, "form", `url = "https://example.org/root.tar"`+"\nform", 1)
		}
		image, ok := parse(t, text).Environment.Base.(Image)
		if !ok || image.Form.String() != form || image.URL != url || image.SHA256.String() != sumA {
			t.Errorf("%s: got %+v", form, image)
		}
	}
	r := parse(t, examples(t)[2])
	c := r.Archives.Command
	if c == nil || r.Archives.Mtime != 0 || r.Archives.Mtime.String() != "" || c.Git != GitHistory || c.Run[1].String() != "{version}" ||
		!reflect.DeepEqual(r.Archives.Formats, []Compression{{Format: TarGz}, {Format: TarBz2}, {Format: TarXz}, {Format: Zip}}) {
		t.Errorf("got %+v", r.Archives)
	}
}

// The files that PHP 8.2.32's archive has and its source does not, by what
// makes them (found by comparing the two).
func TestPHP(t *testing.T) {
	r := parse(t, examples(t)[1])
	for origin, paths := range map[Origin]string{
		{Kind: FromDownload}:      "pear/install-pear-nozlib.phar",
		{Kind: FromStep, Step: 0}: "configure main/php_config.h.in",
		{Kind: FromStep, Step: 1}: `Zend/zend_ini_parser.c Zend/zend_ini_parser.h Zend/zend_ini_parser.output Zend/zend_ini_scanner.c
			Zend/zend_ini_scanner_defs.h Zend/zend_language_parser.c Zend/zend_language_parser.h Zend/zend_language_parser.output
			Zend/zend_language_scanner.c Zend/zend_language_scanner_defs.h ext/json/json_parser.tab.c ext/json/json_parser.tab.h
			ext/json/json_scanner.c ext/json/php_json_scanner_defs.h ext/pdo/pdo_sql_parser.c ext/phar/phar_path_check.c
			ext/standard/url_scanner_ex.c ext/standard/var_unserializer.c sapi/phpdbg/phpdbg_lexer.c sapi/phpdbg/phpdbg_parser.c
			sapi/phpdbg/phpdbg_parser.h sapi/phpdbg/phpdbg_parser.output`,
		{}: "autom4te.cache/requests Zend/zend_ini_scanner.h ext/json/php_json_parser.h main/main.c",
	} {
		for _, p := range strings.Fields(paths) {
			if got := r.OriginOf(tree.Path(p)); got != origin || len(r.ChangersOf(tree.Path(p))) > 0 {
				t.Errorf("%s comes from %+v, expected %+v", p, got, origin)
			}
		}
	}
	if !r.Scratch("autom4te.cache/requests") || r.Scratch("configure") {
		t.Error("autom4te.cache/ is scratch, and nothing else")
	}
	for _, v := range []Version{"8.2.32", "8.4.0RC1"} {
		tag, err := r.TagOf(v)
		branch, berr := r.BranchOf(v)
		if err != nil || berr != nil || tag != "refs/tags/php-"+string(v) || branch != "refs/heads/php-"+string(v[:3])+"-built" ||
			r.ArchiveName(v, TarXz) != "php-"+string(v)+".tar.xz" || r.PrefixOf(v) != "php-"+string(v) {
			t.Errorf("%s: %s, %s, %v, %v", v, tag, branch, err, berr)
		}
	}
}

func TestPermissions(t *testing.T) {
	r := parse(t, full)
	for path, want := range map[tree.Path]struct {
		origin   Origin
		changers []int
		scratch  bool
		omitted  bool
	}{
		"data/a.bin":        {origin: Origin{Kind: FromDownload}},
		"a.json":            {origin: Origin{Kind: FromWrite}},
		"configure":         {origin: Origin{Kind: FromStep}, changers: []int{1}},
		"m4/a.tmp":          {origin: Origin{Kind: FromStep}}, // an output before it is scratch
		"m4/a/b":            {origin: Origin{Kind: FromStep}},
		"src/a.c":           {origin: Origin{Kind: FromStep, Step: 1}},
		"src/a/b.c":         {},
		"version.h":         {changers: []int{0, 1}},
		"autom4te.cache/x":  {scratch: true},
		"autom4te.cache":    {},
		".github/a/b":       {omitted: true},
		"m4/.gitignore":     {origin: Origin{Kind: FromStep}, omitted: true},
		"m4/.gitignore.txt": {origin: Origin{Kind: FromStep}},
	} {
		if got := r.OriginOf(path); got != want.origin || !reflect.DeepEqual(r.ChangersOf(path), want.changers) ||
			r.Scratch(path) != want.scratch || r.Built.Omit.Match(path) != want.omitted {
			t.Errorf("%s: from %+v, changed by %v, scratch %v, omitted %v", path, got, r.ChangersOf(path), r.Scratch(path), r.Built.Omit.Match(path))
		}
	}
}

func TestExpand(t *testing.T) {
	r := parse(t, full)
	if got, err := r.Expand(r.Writes[1].Content, "1.2"); err != nil || got != `{"tag": "release/1-2"}` {
		t.Errorf("got %q, %v", got, err)
	}
	if got, err := r.Expand(r.Environment.Variables[0].Value, "1.2.3rc1"); err != nil || got != "1.2.3" {
		t.Errorf("got %q, %v", got, err)
	}
	for v, says := range map[Version]string{"1.2": "no patch number", "rc1": "no major number", "1.2-rc1": "no patch number"} {
		if got, err := r.Expand(r.Environment.Variables[0].Value, v); err == nil || got != "" || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %q, %v", v, got, err)
		}
	}
	if got, err := r.Expand(r.Writes[1].Content, "1.2-rc1"); err == nil {
		t.Errorf("a version without a tag gives %q", got)
	}
}

// Contradictions are looked for in time quadratic in their number, but not told
// one by one.
func TestManyContradictions(t *testing.T) {
	many := strings.Repeat("'a',", 3500)
	for _, keys := range []string{"outputs = [" + many + "]\n[[step]]\nname = 'b'\nrun = ['b']\noutputs = [" + many + "]\n", "outputs = [" + many + "]\ndiscard = [" + many + "]\n"} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Parse([]byte(examples(t)[0] + "[[step]]\nname = 'a'\nrun = ['a']\n" + keys))
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; err == nil || !strings.Contains(err.Error(), "create") || n > 64<<20 {
			t.Errorf("%d MB are needed to tell %v", n>>20, err)
		}
	}
}

// Forms that are odd, and right.
func TestOddValues(t *testing.T) {
	for old, odd := range map[string]string{
		"example.org:8443/demo?x=1":  "1.example-a.org:65535/~a%20b/../c%C3%A9?x=%25&y=a@b",
		`archive = "demo-{version}"`: `archive = "` + strings.Repeat("a", 136) + `{version}"`,
		"release/{version}":          strings.Repeat("a", 136) + "{version}",
		"demo-{major}-built":         "HEAD/@/{version}-built",
		`"demo/"`:                    `"{version}{version}{version}-/"`,
		"autoconf=2.72-3.1":          "0a.+-b=1:2.72~rc1+b-3.1",
		`run = ["gen"]`:              `run = ["@gen", "-x", "", "\n"]`,
		"m4/*.tmp":                   "m4/*/.g*t/*~",
		"Demo CI":                    "Démo, the “CI” 2.0",
	} {
		if !strings.Contains(full, old) {
			t.Errorf("the recipe holds no %q", old)
		}
		if _, err := Parse([]byte(strings.Replace(full, old, odd, 1))); err != nil {
			t.Errorf("%s: %v", odd, err)
		}
	}
}

// A recipe that is too long is refused before it is read.
func TestLength(t *testing.T) {
	text := full + strings.Repeat("#", MaxFileBytes)
	parse(t, text[:MaxFileBytes])
	var perr *ParseError
	if r, err := Parse([]byte(text[:MaxFileBytes+1])); r != nil || !errors.As(err, &perr) || !strings.Contains(perr.Detail, "at most 32768") {
		t.Errorf("got %v, %v", r, err)
	}
}
