package tree_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/tree"
)

// ruleOf returns the rule that err breaks, "" for none.
func ruleOf(t testing.TB, err error) refusal.Rule {
	t.Helper()
	if err == nil {
		return ""
	}
	r, ok := errors.AsType[*refusal.Refusal](err)
	if !ok {
		t.Fatalf("%v is no refusal", err)
	}
	return r.Rule
}

// names are paths, and the rule that refuses each ("" for none).
func names() map[string]refusal.Rule {
	return map[string]refusal.Rule{
		"a":                             "",
		"a/b.c/d":                       "",
		"...":                           "",
		"..a/b../.c":                    "",
		"-rf":                           "",
		" leading and trailing ":        "",
		`C:\x`:                          "",
		`<img src=x onerror=alert(1)>`:  "",
		"größe/日本語/🙂":                   "",
		"no\u00a0break\u3000space":      "", // shown escaped
		"\u05e9\u05dc\u05d5\u05dd":      "", // Hebrew
		"\ufffd":                        "",
		".gitignore":                    "",
		".gitattributes":                "",
		".git~1":                        "",
		"git~2":                         "",
		"git~1x":                        "",
		".gitx":                         "",
		"a.git":                         "",
		"git":                           "",
		strings.Repeat("a", 4096):       "",
		"":                              refusal.NamePath,
		"/":                             refusal.NamePath,
		"/etc/passwd":                   refusal.NamePath,
		"a//b":                          refusal.NamePath,
		"a/":                            refusal.NamePath,
		".":                             refusal.NamePath,
		"./a":                           refusal.NamePath,
		"a/.":                           refusal.NamePath,
		"..":                            refusal.NamePath,
		"../a":                          refusal.NamePath,
		"a/../../b":                     refusal.NamePath,
		strings.Repeat("a", 4097):       refusal.NamePath,
		"\xff":                          refusal.NameUTF8,
		"a/\xc0\xaf/b":                  refusal.NameUTF8,
		"\xed\xa0\x80":                  refusal.NameUTF8,
		"cut \xe2\x82":                  refusal.NameUTF8,
		"e\u0301":                       refusal.NameNFC,
		"\u212b":                        refusal.NameNFC, // Angstrom sign, whose NFC is Å
		"a/\u1112\u1161\u11ab/b":        refusal.NameNFC,
		"a\x00b":                        refusal.NameControl,
		"a\nb":                          refusal.NameControl,
		"a\rb":                          refusal.NameControl,
		"\x1b[2J":                       refusal.NameControl,
		"\x7f":                          refusal.NameControl,
		"\u009b31m":                     refusal.NameControl,
		"gpj.\u202efdp.exe":             refusal.NameControl,
		"\u2066x\u2069":                 refusal.NameControl,
		"a\u200bb":                      refusal.NameControl,
		"\ufeffa":                       refusal.NameControl,
		"so\u00adft":                    refusal.NameControl,
		"\u3164":                        refusal.NameControl,
		"a\ufe0f":                       refusal.NameControl,
		"a\U000e0041":                   refusal.NameControl,
		"line\u2028end":                 refusal.NameControl,
		".g\u200cit":                    refusal.NameControl, // HFS+ ignores it
		".git":                          refusal.NameDotGit,
		".git/config":                   refusal.NameDotGit,
		"a/.GIT/hooks":                  refusal.NameDotGit,
		".gIt":                          refusal.NameDotGit,
		"git~1":                         refusal.NameDotGit,
		"a/GIT~1/b":                     refusal.NameDotGit,
		".git.":                         refusal.NameDotGit,
		".git . .":                      refusal.NameDotGit,
		"git~1 ":                        refusal.NameDotGit,
		".git:x":                        refusal.NameDotGit,
		".git::$INDEX_ALLOCATION/x":     refusal.NameDotGit,
		".git ::$INDEX_ALLOCATION":      refusal.NameDotGit,
		`.git\config`:                   refusal.NameDotGit,
		`a\.git\config`:                 refusal.NameDotGit,
		`a\git~1`:                       refusal.NameDotGit,
		`a\b/c\.Git. \d`:                refusal.NameDotGit,
		"\u202e" + "/../" + "\xff":      refusal.NameUTF8, // the characters are looked at first
		strings.Repeat("a/", 3000) + "": refusal.NamePath,
	}
}

func TestParsePath(t *testing.T) {
	for name, want := range names() {
		p, err := tree.ParsePath(name)
		if got := ruleOf(t, err); got != want {
			t.Errorf("%+q: %v, expected rule %q", name, err, want)
		}
		if err != nil && p != "" || err == nil && string(p) != name {
			t.Errorf("%+q: the path is %+q", name, p)
		}
	}
}

// Every name that git itself refuses when it protects NTFS and HFS+ is refused
// here, too.
func TestNamesThatGitRefuses(t *testing.T) {
	dir := newRepository(t, digest.SHA1Format)
	refused := 0
	for name := range names() {
		if name == "" || strings.ContainsRune(name, 0) || !gitRefuses(t, dir, name) {
			continue
		}
		refused++
		if _, err := tree.ParsePath(name); err == nil {
			t.Errorf("git refuses %+q, ParsePath does not", name)
		}
	}
	if refused < 20 {
		t.Errorf("git refused %d names only: the test asks it wrongly", refused)
	}
}

func gitRefuses(t *testing.T, dir, name string) bool {
	t.Helper()
	line := "100644 e69de29bb2d1d6434b8b29ae775ad8c2e48c5391\t" + name + "\x00"
	git(t, dir, nil, "read-tree", "--empty")
	git(t, dir, []byte(line), "-c", "core.protectNTFS=true", "-c", "core.protectHFS=true", "update-index", "-z", "--index-info")
	return git(t, dir, nil, "ls-files", "-z") == ""
}

func TestDir(t *testing.T) {
	for p, want := range map[tree.Path]tree.Path{"a": "", "a/b": "a", "a/b/c": "a/b"} {
		if p.Dir() != want {
			t.Errorf("%q lies in %q, expected %q", p, p.Dir(), want)
		}
	}
}

func TestCheckTarget(t *testing.T) {
	for target, want := range map[string]refusal.Rule{
		"a":                       "",
		"../../a//b/./":           "", // where it leads is somebody else's matter
		"/etc/passwd":             "",
		".git":                    "",
		strings.Repeat("a", 4096): "",
		"":                        refusal.NamePath,
		strings.Repeat("a", 4097): refusal.NamePath,
		"a\nb":                    refusal.NameControl,
		"a\u202eb":                refusal.NameControl,
		"\xff":                    refusal.NameUTF8,
		"e\u0301":                 refusal.NameNFC,
	} {
		if got := ruleOf(t, tree.CheckTarget(target)); got != want {
			t.Errorf("%+q: rule %q, expected %q", target, got, want)
		}
	}
}

// FuzzParsePath holds to: no panic; nothing on error; and what is accepted has
// one reading.
func FuzzParsePath(f *testing.F) {
	for name := range names() {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		p, err := tree.ParsePath(name)
		if err != nil {
			if p != "" || ruleOf(t, err) == "" {
				t.Errorf("%+q: path %q with %v", name, p, err)
			}
			return
		}
		if string(p) != name || !utf8.ValidString(name) || !norm.NFC.IsNormalString(name) || len(name) > tree.MaxPathBytes {
			t.Errorf("%+q was accepted as %+q", name, p)
		}
		for component := range bytes.SplitSeq([]byte(name), []byte("/")) {
			if s := string(component); s == "" || s == "." || s == ".." || strings.EqualFold(s, ".git") {
				t.Errorf("%+q was accepted with a component %q", name, s)
			}
		}
		if i := strings.IndexFunc(name, func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) }); i >= 0 {
			t.Errorf("%+q was accepted with a control character at %d", name, i)
		}
	})
}
