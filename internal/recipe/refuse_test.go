package recipe

import (
	"errors"
	"strings"
	"testing"
)

// refusals are edits of the full recipe. The line of the first § in what is put
// in, or that of the first line if there is none, must be named.
var refusals = []struct{ name, old, new, says string }{
	{"no version of the format", "countermark-recipe = 1\n", "", "version of the format is missing"},
	{"another version of the format", "recipe = 1", "recipe = 2", "out of range"},
	{"version of the format as text", "recipe = 1", `recipe = "1"`, "expected an integer, found a string"},
	{"no TOML", "[built]", "§[built", "no TOML"},
	{"not UTF-8", "Demo CI", "§Demo \xff", "no TOML"},
	{"a key twice", `name = "gen"` + "\nrun", "name = \"gen\"\n§name = \"x\"\nrun", "no TOML"},
	{"a table twice", "[built]", "[built]\n§[source]", "no TOML"},
	{"unknown table", "[built]", "§[build]\nx = 1\n[built]", `"build" is not known here`},
	{"unknown key", "git = \"tag\"", "§network = true", `"network" is not known here`},
	{"unknown key with escapes", "git = \"tag\"", `§"\u001b[2J" = true`, "is not known here"},
	{"unknown key in an inline table", "seconds = 60", "minutes = 1", `"minutes" is not known here`},
	{"key of another environment", `kind = "rootfs"`, "kind = \"host\"", ""},
	{"no project", "[project]", "[[step]]", `"project" is missing`},
	{"project is text", "[project]\nurl = \"https://example.org:8443/demo?x=1\"\narchive = \"demo-{version}\"\n", "§[[project]]\n", "expected a table, found an array"},
	{"date", `kind = "rootfs"`, "§kind = 2026-01-01", "expected a string, found a date or time"},
	{"float", "files = 1000}", "files = 1.0}\n", "expected an integer, found a float"},
	{"boolean", `kind = "rootfs"`, "§kind = true", "expected a string, found a boolean"},

	{"no URL", `url = "https://example.org:8443/demo?x=1"`, "", `"url" is missing`},
	{"http", "https://example.org:8443", "§http://example.org", "does not begin with https://"},
	{"user in URL", "example.org:8443", "§user@example.org", "no plain host name"},
	{"no host", "example.org:8443", "§", "no plain host name"},
	{"option as host", "example.org:8443", "§-x", "no plain host name"},
	{"port with letters", "example.org:8443", "§example.org:http", "no plain host name"},
	{"port without a number", "example.org:8443", "§example.org:", "no plain host name"},
	{"port 0", "example.org:8443", "§example.org:0", "no plain host name"},
	{"port out of range", "example.org:8443", "§example.org:65536", "no plain host name"},
	{"port with a sign", "example.org:8443", "§example.org:+1", "no plain host name"},
	{"two ports", "example.org:8443", "§example.org:1:2", "no plain host name"},
	{"empty label", "example.org:8443", "§example..org", "no plain host name"},
	{"query without a path", "example.org:8443/demo?x=1", "§example.org?x=1", "no plain host name"},
	{"ssh", "https://example.org:8443", "§ssh://example.org", "does not begin with https://"},
	{"file", "https://example.org:8443", "§file://", "does not begin with https://"},
	{"https in capitals", "https://example.org:8443", "§HTTPS://example.org", "does not begin with https://"},
	{"a helper of git", "https://example.org:8443", "§ext::https://example.org", "does not begin with https://"},
	{"line end in URL, encoded", "demo?x=1", "§a%0Ahost=b", "stands for a control character"},
	{"NUL in URL, encoded", "demo?x=1", "§a%00", "stands for a control character"},
	{"DEL in URL, encoded", "demo?x=1", "§a%7f", "stands for a control character"},
	{"percent alone", "demo?x=1", "§a%", "without two digits"},
	{"percent and one digit", "demo?x=1", "§a%4", "without two digits"},
	{"percent and a sign", "demo?x=1", "§a%+4", "without two digits"},
	{"percent and no digits", "demo?x=1", "§a%zz", "without two digits"},
	{"line end in URL", "demo?x=1", `§a\nb`, "no URL has"},
	{"letter of no ASCII in URL", "demo?x=1", "§é", "no URL has"},
	{"space in URL", "demo?x=1", "§a b", "no URL has"},
	{"fragment", "demo?x=1", "§a#b", "no URL has"},
	{"long URL", "demo?x=1", "§" + strings.Repeat("a", MaxURLBytes), "at most 2048"},
	{"archive without version", `archive = "demo-{version}"`, `§archive = "demo"`, "0 times, expected once"},
	{"archive with two", `archive = "demo-{version}"`, `§archive = "{version}-{version}"`, "2 times"},
	{"archive with a number", `archive = "demo-{version}"`, `§archive = "demo-{major}"`, "means nothing here"},
	{"archive with a dot at its end", `archive = "demo-{version}"`, `§archive = "{version}."`, "not portable"},
	{"archive in a folder", `archive = "demo-{version}"`, `§archive = "a/{version}"`, "not portable"},
	{"archive that is an option", `archive = "demo-{version}"`, `§archive = "-{version}"`, "not portable"},
	{"long archive", `archive = "demo-{version}"`, `§archive = "` + strings.Repeat("a", 137) + `{version}"`, "at most 200"},
	{"open brace", `archive = "demo-{version}"`, `§archive = "{version}{"`, "brace without its partner"},
	{"close brace", `archive = "demo-{version}"`, `§archive = "{version}}"`, "brace without its partner"},
	{"empty placeholder", `archive = "demo-{version}"`, `§archive = "{}{version}"`, "brace without its partner"},

	{"tag without version", "release/{version}", "§release", "0 times"},
	{"tag with dots", "release/{version}", "§a..{version}", "not portable"},
	{"tag with a lock", "release/{version}", "§{version}.lock", "no name of a ref"},
	{"tag with an empty component", "release/{version}", "§a//{version}", "no name of a ref"},
	{"long tag", "release/{version}", "§" + strings.Repeat("a", 137) + "{version}", "no room"},
	{"tag-dots", `tag-dots = "-"`, `§tag-dots = "+"`, "none of the words"},
	{"lightweight", "lightweight-tags = true", `§lightweight-tags = "yes"`, "expected a boolean"},
	{"submodules of no word", `"flatten"`, `§""`, "none of the words"},
	{"submodules", `"flatten"`, `§"keep"`, "none of the words"},

	{"kind", `kind = "rootfs"`, `§kind = "docker"`, "none of the words"},
	{"suite", `"trixie"`, `§"../x"`, "no name of a suite"},
	{"package twice", `"g++"]`, `§"autoconf"]`, "the same twice"},
	{"package of one letter", `"g++"]`, `§"g"]`, "is no package"},
	{"package in capitals", `"g++"]`, `§"Git"]`, "is no package"},
	{"package that apt removes", `"g++"]`, `§"g++-"]`, "is no package"},
	{"package that is an option", `"g++"]`, `§"-g"]`, "is no package"},
	{"package with no version", `"g++"]`, `§"git="]`, "no version of a package"},
	{"package with a long version", `"g++"]`, `§"git=` + strings.Repeat("1", MaxNameBytes+1) + `"]`, "no version of a package"},
	{"long package", `"g++"]`, `§"` + strings.Repeat("a", MaxNameBytes+1) + `"]`, "is no package"},
	{"package with a range", `"g++"]`, `§"git=>2"]`, "no version of a package"},
	{"package is no text", `"g++"]`, `§1]`, "expected a string, found an integer"},
	{"variable of ours", "LC_ALL", "§PATH", "not the recipe's to set"},
	{"variable of git", "LC_ALL", "§GIT_DIR", "not the recipe's to set"},
	{"variable of the loader", "LC_ALL", "§LD_PRELOAD", "not the recipe's to set"},
	{"variable with a digit first", "LC_ALL", "§7Z", "no name of a variable"},
	{"variable of a long name", "LC_ALL", "§" + strings.Repeat("a", MaxNameBytes+1), "no name of a variable"},
	{"variable without a name", "LC_ALL", `§""`, "no name of a variable"},
	{"variable with prefix", `LC_ALL = "C"`, `§LC_ALL = "{prefix}"`, "means nothing here"},
	{"variable with a sign", "LC_ALL", "§LC-ALL", "no name of a variable"},
	{"variable with NUL", `LC_ALL = "C"`, `§LC_ALL = "\u0000"`, "holds a NUL"},
	{"variable that is a number", `LC_ALL = "C"`, `§LC_ALL = 1`, "expected a string, found an integer"},

	{"tool twice", "name = \"gen\"\nurl", "§name = \"re2c\"\nurl", "two tools"},
	{"tool in a folder", `"re2c"`, `§"bin/re2c"`, "no name of a program"},
	{"tool of a long name", `"re2c"`, `§"` + strings.Repeat("a", MaxNameBytes+1) + `"`, "no name of a program"},
	{"tool of both sources", `commit = "1`, "§sha256 = \"" + sumA + "\"\ncommit = \"1", `"sha256" is not known here`},
	{"tool without source", `git = "https://example.org/re2c"`, "", ""},
	{"commit without its repository", `git = "https://example.org/re2c"`, "", "no source"},
	{"no commit", "commit = \"" + strings.Repeat("1", 40) + "\"\n", "", "has no commit"},
	{"short commit", `commit = "1`, `§commit = "`, "no object id"},
	{"null commit", strings.Repeat("1", 40), "§" + strings.Repeat("0", 40), "no object id"},
	{"tool that is not built", `build = [["cp", "gen", "{prefix}/bin"]]`, "§build = []", "no array of argument vectors"},
	{"tool built by text", `build = [["cp", "gen", "{prefix}/bin"]]`, `§build = "make"`, "no array of argument vectors"},
	{"tool built by one vector", `build = [["cp", "gen", "{prefix}/bin"]]`, `§build = ["make"]`, "expected an array, found a string"},
	{"tool that knows the version", `["make", "install"],`, `["make", §"{version}"],`, "means nothing here"},
	{"empty command of a tool", "build = [\n  [\"./configure\"", "§build = [\n  [],\n  [\"./configure\"", "no program to run"},

	{"download without digest", `sha256 = "` + sumA + `", path`, "§path", `"sha256" is missing`},
	{"short digest", sumA + `", path`, "§" + `a", path`, "no SHA-256"},
	{"zero digest", sumA + `", path`, "§" + strings.Repeat("0", 64) + `", path`, "no SHA-256"},
	{"escaping download", "data/a.bin", "§../a", "no path inside the source"},
	{"absolute download", "data/a.bin", "§/etc/passwd", "no path inside the source"},
	{"download into git", "data/a.bin", "§.git/hooks/pre-commit", "no path inside the source"},
	{"download to many", "data/a.bin", "§data/*", "a pattern, not the path of a file"},
	{"download to a folder", "data/a.bin", "§data/", "a pattern, not the path of a file"},
	{"download that a step makes", "data/a.bin", "src/a.c", ""},
	{"download onto a written file", "data/a.bin", "a.json", "may both create"},
	{"download into a written file", "data/a.bin", "a.json/b", "may both create"},
	{"download where a step needs a folder", "data/a.bin", "m4", "may both create"},
	{"download where a step needs a folder of some files", "data/a.bin", "src", "may both create"},
	{"output where a step needs a folder", `"src/*.h",`, `§"m4",`, "may both create"},
	{"write into a written file of a long name", `"a.json" = "`, `"` + long + `" = "", §"` + long + `/b" = "`, "may both create"},
	{"escaping write", `"a.json"`, `§"../a"`, "no path inside the source"},
	{"write with an unknown placeholder", "{tag}", "§{commit}", "means nothing here"},
	{"write a number", `".tarball-version" = "{version}\n"`, `§".tarball-version" = 1`, "expected a string"},

	{"step without a name", "name = \"autogen\"\n", "", `"name" is missing`},
	{"step of the same name", "name = \"gen\"\nrun", "§name = \"autogen\"\nrun", "two steps are named"},
	{"long name", `"autogen"`, `§"` + strings.Repeat("a", MaxNameBytes+1) + `"`, "no name of a step"},
	{"name with a line end", `"autogen"`, `§"a\nb"`, "no name of a step"},
	{"name with a space at its end", `"autogen"`, `§"a "`, "no name of a step"},
	{"run is text", `run = ["gen"]`, `§run = "gen"`, "expected an array, found a string"},
	{"run is empty", `run = ["gen"]`, `§run = []`, "no program to run"},
	{"no run", "run = [\"gen\"]\n", "", "no program to run"},
	{"run has no name", `run = ["gen"]`, `§run = [""]`, "no program to run"},
	{"run is an option", `run = ["gen"]`, `run = [§"-c"]`, "looks like an option"},
	{"command of a tool is an option", `["make", "install"]`, `[§"-c", "install"]`, "looks like an option"},
	{"run with prefix", `run = ["gen"]`, `§run = ["{prefix}/gen"]`, "means nothing here"},
	{"git", `git = "tag"`, `§git = "all"`, "none of the words"},
	{"tool of a step twice", `"m4"]`, `§"autoconf"]`, "the same twice"},
	{"the same output", `"src/*.h",`, `§"configure",`, "may both create"},
	{"overlapping outputs", `"src/*.h",`, `§"**/*.m4",`, "may both create"},
	{"output that is written", `"src/*.h",`, `§"*.json",`, "may both create"},
	{"output in a written file", `"src/*.h",`, `§"a.json/x",`, "may both create"},
	{"output that is scratch", `"m4/*.tmp"`, `§"m4/"`, "is scratch, but"},
	{"escaping output", `"src/*.h",`, `§"a/../../b",`, "no path inside the source"},
	{"absolute output", `"src/*.h",`, `§"/a",`, "no path inside the source"},
	{"empty output", `"src/*.h",`, `§"",`, "no path inside the source"},
	{"everything", `"src/*.h",`, `§"/",`, "no path inside the source"},
	{"output in git", `"src/*.h",`, `§".git/config",`, "no path inside the source"},
	{"question mark", `"src/*.h",`, `§"src/?.h",`, `holds '?'`},
	{"set", `"src/*.h",`, `§"src/[ab].h",`, `holds '['`},
	{"placeholder in a pattern", `"src/*.h",`, `§"src/{version}.h",`, `holds '{'`},
	{"negation", `"src/*.h",`, `§"src\\a.h",`, `holds '\\'`},
	{"stars beside others", `"src/*.h",`, `§"src/**.h",`, "beside other characters"},
	{"three stars", `"src/*.h",`, `§"src/***/a",`, "beside other characters"},
	{"stars at the end", `"src/*.h",`, `§"src/**",`, "no other component follows"},
	{"stars before a final slash", `"src/*.h",`, `§"src/**/",`, "no other component follows"},
	{"stars twice", `"src/*.h",`, `§"**/**/a",`, "no other component follows"},
	{"changes", `changes = ["version.h"]`, `§changes = ["./version.h"]`, "no path inside the source"},
	{"omit", `[".github/",`, `§[".github//",`, "no path inside the source"},

	{"branch of a candidate", "demo-{major}-built", "§candidates/{version}", "among those of candidates"},
	{"the branch of candidates", "demo-{major}-built", "§candidates", "among those of candidates"},
	{"branch of the current commit", "demo-{major}-built", "§HEAD", "no name of a branch"},
	{"branch of the current commit, short", "demo-{major}-built", "§@", "no name of a branch"},
	{"branch that is an option", "demo-{major}-built", "§-d", "not portable"},
	{"branch of a component that begins with a dot", "demo-{major}-built", "§a/.b", "no name of a ref"},
	{"branch of the tag", "demo-{major}-built", "§{tag}", "means nothing here"},
	{"branch with a space", "demo-{major}-built", "§demo built", "not portable"},
	{"branch that is locked", "demo-{major}-built", "§{version}.lock", "no name of a ref"},
	{"author as text", `author = {name = "Demo CI", email = "ci@example.org"}`, `§author = "Demo CI"`, "expected a table, found a string"},
	{"no author", `author = {name = "Demo CI", email = "ci@example.org"}`, "", ""},
	{"author with a bracket", "Demo CI", "§Demo <CI>", "no name of a person"},
	{"author with a line end", "Demo CI", `§Demo\nCI`, "no name of a person"},
	{"author with a space before", "Demo CI", "§ Demo", "no name of a person"},
	{"long author", "Demo CI", "§" + strings.Repeat("a", MaxURLBytes+1), "no name of a person"},
	{"email with a bracket", "ci@example.org", "§<ci@example.org>", "no email address of a person"},
	{"author without email", `email = "ci@example.org"`, "§x = 1", ""},

	{"prefix without a slash", `"demo/"`, `§"demo"`, "is no prefix"},
	{"prefix of two", `"demo/"`, `§"a/b/"`, "is no prefix"},
	{"prefix out of it", `"demo/"`, `§"../"`, "is no prefix"},
	{"long prefix", `"demo/"`, `§"{version}{version}{version}{version}/"`, "at most 200"},
	{"no prefix", `"demo/"`, `§""`, "is no prefix"},
	{"no format", `formats = ["tar.xz", "zip"]`, "§formats = []", "no format of archive"},
	{"unknown format", `"zip"]`, `§"7z"]`, "none of the words"},
	{"format twice", `"zip"]`, `§"tar.xz"]`, "the same twice"},
	{"level out of range", `"tar.xz" = 6`, `§"tar.xz" = 10`, "out of range"},
	{"level of no format", `"tar.xz" = 6`, `§"tar.gz" = 6`, `"tar.gz" is not known here`},
	{"level of zip", `levels = {"tar.xz" = 6}`, `levels = {"zip" = 0}`, "out of range"},
	{"level of zstd", "\"zip\"]\nmtime = \"generated-after-source\"\nxz-threads = 4\nlevels = {\"tar.xz\" = 6}", "\"tar.zst\"]\nlevels = {§\"tar.zst\" = 20}", "out of range"},
	{"too many threads", "xz-threads = 4", "§xz-threads = 65", "out of range"},
	{"threads of no format", `formats = ["tar.xz", "zip"]`, `formats = ["zip"]`, "is not known here"},
	{"threads", "xz-threads = 4", "§xz-threads = 0", "out of range"},
	{"mtime", `"generated-after-source"`, `§"now"`, "none of the words"},
	{"style", `prefix = "demo/"`, `§style = "make"`, "none of the words"},
	{"style after the keys of another", `xz-threads = 4`, "run = [\"make\"]\n§style = \"make\"", "none of the words"},
	{"form of an image after its URL", `kind = "rootfs"` + "\nsuite = \"trixie\"\nmirror = \"https://snapshot.debian.org/archive/debian/20260101T000000Z\"\n" + `packages = ["autoconf=2.72-3.1", "g++"]`,
		"kind = \"image\"\nurl = \"https://example.org/a\"\nsha256 = \"" + sumA + "\"\n§form = \"zip\"", "none of the words"},
	{"URL of an OCI image", `kind = "rootfs"` + "\nsuite = \"trixie\"\nmirror = \"https://snapshot.debian.org/archive/debian/20260101T000000Z\"\n" + `packages = ["autoconf=2.72-3.1", "g++"]`,
		"kind = \"image\"\n§url = \"https://example.org/a\"\nsha256 = \"" + sumA + "\"\nform = \"oci\"", `"url" is not known here`},
	{"command without run", `prefix = "demo/"`, `style = "command"`, ""},
	{"run without command", `prefix = "demo/"`, `§run = ["make"]`, `"run" is not known here`},
	{"too much time", "seconds = 60", "seconds = 86401", "out of range"},
	{"no files", "files = 1000}", "files = 0}", "out of range"},
	{"negative", "files = 1000}", "files = -1}", "out of range"},
}

// long is a path of which a message shows a part only.
var long = strings.Repeat("long/", 20) + "name"

func TestRefusals(t *testing.T) {
	parse(t, full)
	for _, c := range refusals {
		if strings.Count(full, c.old) == 0 {
			t.Errorf("%s: the recipe holds no %q", c.name, c.old)
			continue
		}
		marked := strings.Replace(full, c.old, c.new, 1)
		before, _, found := strings.Cut(marked, "§")
		r, err := Parse([]byte(strings.Replace(marked, "§", "", 1)))
		var perr *ParseError
		if !errors.As(err, &perr) || r != nil {
			t.Errorf("%s: got %+v, %v", c.name, r, err)
			continue
		}
		if line := 1 + strings.Count(before, "\n"); found && perr.Line != line {
			t.Errorf("%s: line %d is named, expected %d: %v", c.name, perr.Line, line, err)
		}
		if !strings.Contains(perr.Detail, c.says) || perr.Hint == "" || strings.ContainsAny(perr.Detail+perr.Hint, "\n\r\x1b\x00") {
			t.Errorf("%s: got %v (%s), expected it to say %q", c.name, err, perr.Hint, c.says)
		}
	}
}

// What these lines say is known only from where something is not.
func TestLinesOfWhatIsMissing(t *testing.T) {
	lineOf := func(text string) int {
		before, _, _ := strings.Cut(full, text)
		return 1 + strings.Count(before, "\n")
	}
	for name, c := range map[string]struct {
		old, new string
		line     int
	}{
		"key of a table":          {`url = "https://example.org:8443/demo?x=1"`, "", lineOf("[project]")},
		"key of a step":           {"name = \"gen\"\nrun", "run", lineOf("[[step]]\nname = \"gen\"")},
		"key of a tool":           {"name = \"gen\"\nurl", "url", lineOf("[[environment.tool]]\nname = \"gen\"")},
		"author":                  {`author = {`, "#", lineOf("[built]")},
		"a table":                 {"[archives]", "[limits.x]", 0},
		"key of the environment":  {`kind = "rootfs"`, `kind = "host"`, lineOf("suite =")},
		"output of a download":    {"data/a.bin", "src/a.c", lineOf(`"src/*.c",`)},
		"command without a run":   {`prefix = "demo/"`, `style = "command"`, lineOf("[archives]")},
		"tool without its source": {`git = "https://example.org/re2c"`, "", lineOf("[[environment.tool]]")},
	} {
		_, err := Parse([]byte(strings.Replace(full, c.old, c.new, 1)))
		var perr *ParseError
		if !errors.As(err, &perr) || c.line > 0 && perr.Line != c.line {
			t.Errorf("%s: got %v, expected line %d", name, err, c.line)
		}
	}
}

// Of two places that contradict each other, the later one is named.
func TestLineOfContradiction(t *testing.T) {
	text := examples(t)[0] + "[[step]]\nname = 'a'\nrun = ['a']\noutputs = ['x']\n[[download]]\nurl = 'https://example.org/x'\nsha256 = '" + sumA + "'\npath = 'x'\n"
	for range 2 { // the step first, then the download: what contradicts stands in the last line of both
		want := strings.Count(text, "\n")
		var perr *ParseError
		if _, err := Parse([]byte(text)); !errors.As(err, &perr) || perr.Line != want || !strings.Contains(perr.Detail, "may both create") {
			t.Errorf("got %v, expected line %d", err, want)
		}
		before, steps, _ := strings.Cut(text, "[[step]]")
		step, download, _ := strings.Cut(steps, "[[download]]")
		text = before + "[[download]]" + download + "[[step]]" + step
	}
}
