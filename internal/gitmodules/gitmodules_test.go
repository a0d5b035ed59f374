package gitmodules_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/gitmodules"
	"github.com/countermark/countermark/internal/testkit"
)

// good is what git writes, and what people make of it.
const good = `# where the parts are
[submodule "lib/sub"]
	path = lib/sub
	url = https://example.org/sub.git
	branch = main

; in quotes
[submodule "two words"]
url="../two words.git"
  path = "two words"
[submodule "half"]
	ignore = dirty
[submodule "nowhere"]
	PATH = nowhere
`

func TestParse(t *testing.T) {
	want := []gitmodules.Module{{"lib/sub", "https://example.org/sub.git"}, {"two words", "../two words.git"}, {"nowhere", ""}}
	for _, text := range []string{good, strings.ReplaceAll(good, "\n", "\r\n"), strings.TrimSuffix(good, "\n")} {
		if got, err := gitmodules.Parse([]byte(text)); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q gives %v, %v", text, got, err)
		}
	}
	if got, err := gitmodules.Parse(nil); err != nil || len(got) != 0 {
		t.Errorf("an empty file gives %v, %v", got, err)
	}
}

func TestParseRefuses(t *testing.T) {
	const head = "[submodule \"a\"]\n\tpath = a\n"
	for text, words := range map[string]string{
		"path = a\n":                                    "line 1 of .gitmodules has a key before",
		"[core]\n\tpager = evil\n":                      "other than [submodule",
		"[include]\n\tpath = /etc/passwd\n":             "other than [submodule",
		"[submodule.a]\n":                               "other than [submodule",
		"[submodule \"a\\\"b\"]\n":                      "other than [submodule",
		"[submodule \"a\"] path = b\n":                  "other than [submodule",
		"[Submodule \"a\"]\n":                           "other than [submodule",
		head + "\tpath = b\n":                           "line 3 of .gitmodules gives the key path a second time",
		head + "\tPath = b\n":                           "gives the key path a second time",
		head + "[submodule \"a\"]\n\turl = b\n":         "a second section for the submodule",
		head + "[submodule \"b\"]\n\tpath = a\n":        "a second section for the path",
		"[submodule \"a\"]\n\turl = b\n" + head:         "a second section for the submodule",
		"[submodule \"a\"]\n\tpath = ../a\n":            "a path that is none",
		"[submodule \"a\"]\n\tpath = /a\n":              "a path that is none",
		"[submodule \"a\"]\n\tpath = .git/hooks\n":      "a path that is none",
		"[submodule \"a\"]\n\tpath = -a\n":              "a path that is none",
		"[submodule \"a\"]\n\tpath =\n":                 "a path that is none",
		head + "\turl\n":                                "none of a section, a key",
		head + "\turl = a\\\n":                          "a quote, a backslash",
		head + "\turl = \"a\n":                          "a quote, a backslash",
		head + "\turl = a\"b\"\n":                       "a quote, a backslash",
		head + "\turl = a # b\n":                        "a quote, a backslash",
		head + "\turl = a;b\n":                          "a quote, a backslash",
		head + "\turl = a\tb\n":                         "a quote, a backslash",
		head + "\turl = a\x00\n":                        "a control character",
		head + "\turl = a\rb\n":                         "a control character",
		head + "\turl = \xff\n":                         "not UTF-8",
		"\uFEFF" + head:                                 "none of a section, a key",
		strings.Repeat("#", gitmodules.MaxBytes) + "\n": "at most",
	} {
		if got, err := gitmodules.Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), words) || strings.ContainsAny(err.Error(), "\n\x00\r") {
			t.Errorf("%.200q: expected %q, got %v, %v", text, words, got, err)
		}
	}
}

func TestResolve(t *testing.T) {
	for _, c := range []struct{ base, url, want string }{
		{"https://example.org/a/b", "https://other.example/c", "https://other.example/c"},
		{"https://example.org/a/b", "-oProxyCommand=x", "-oProxyCommand=x"},
		{"https://example.org/a/b", "../c.git", "https://example.org/a/c.git"},
		{"https://example.org/a/b.git/", "../../c/d", "https://example.org/c/d"},
		{"https://example.org/a", "./c", "https://example.org/a/c"},
		{"https://example.org:8443/a/b", ".././c", "https://example.org:8443/a/c"},
		{"git@example.org:a/b", "../c", "git@example.org:a/c"},
		{"git@example.org:b", "../c", "git@example.org:c"},
		{"ssh://git@example.org/a/b", "../c", "ssh://git@example.org/a/c"},
	} {
		if got, err := gitmodules.Resolve(c.base, c.url); got != c.want || err != nil {
			t.Errorf("%s from %s is %q, %v, expected %q", c.url, c.base, got, err, c.want)
		}
	}
	for url, words := range map[string]string{
		"../../../c": "leads out of the host", "../a/../../../c": "after its beginning", "../a//b": "after its beginning", "../": "after its beginning", "./a/.": "after its beginning",
	} {
		if got, err := gitmodules.Resolve("https://example.org/a/b", url); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: expected %q, got %q, %v", url, words, got, err)
		}
	}
}

// What is read is what git reads.
func TestGitReadsTheSame(t *testing.T) {
	file := testkit.Write(t, filepath.Join(t.TempDir(), "gitmodules"), good)
	for key, want := range map[string]string{"submodule.lib/sub.url": "https://example.org/sub.git", "submodule.two words.url": "../two words.git", "submodule.two words.path": "two words", "submodule.nowhere.path": "nowhere"} {
		cmd := exec.Command(testkit.Program(t, "git"), "config", "--file", file, "--get", key)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1")
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != want+"\n" {
			t.Errorf("git reads %s as %q, %v", key, out, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(good), "https://example.org/a/b")
	f.Add([]byte("[submodule \"a\"]\n\tpath = a\n\turl = ../../a\n"), "git@example.org:a")
	f.Add([]byte("[submodule \"a\"]\npath=\"a\"\r\n"), "")
	f.Fuzz(func(t *testing.T, data []byte, base string) {
		modules, err := gitmodules.Parse(data)
		if err != nil && modules != nil {
			t.Fatalf("%v beside an error", modules)
		}
		for _, m := range modules {
			if m.Path == "" || strings.HasPrefix(string(m.Path), "-") || strings.ContainsAny(m.URL, "\n\r\x00") {
				t.Errorf("got %+v", m)
			}
			if url, err := gitmodules.Resolve(base, m.URL); err == nil && url != m.URL && !strings.HasPrefix(m.URL, ".") {
				t.Errorf("%q from %q is %q", m.URL, base, url)
			}
		}
	})
}
