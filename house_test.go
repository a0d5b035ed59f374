package countermark_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/refusal"
)

// source is one Go file of the repository.
type source struct {
	path string // slash-separated, from the repository's root
	text []byte
	file *ast.File
	fset *token.FileSet
}

func (s *source) dir() string  { return path.Dir(s.path) }
func (s *source) isTest() bool { return strings.HasSuffix(s.path, "_test.go") }
func (s *source) lines() int   { return strings.Count(string(s.text), "\n") }
func (s *source) isMain() bool { return s.file.Name.Name == "main" }

// at returns where the node stands, for messages.
func (s *source) at(n ast.Node) string {
	p := s.fset.Position(n.Pos())
	p.Filename = s.path
	return p.String()
}

// parse reads one Go file from text.
func parse(t testing.TB, name, text string) *source {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return &source{path: name, text: []byte(text), file: file, fset: fset}
}

// textFiles returns every file of the repository that people write, by path.
func textFiles(t testing.TB) map[string]string {
	t.Helper()
	files := map[string]string{}
	root := os.DirFS(".")
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name == ".git":
			return fs.SkipDir
		case d.IsDir() || !d.Type().IsRegular() || !isText(name):
			return nil
		}
		content, err := fs.ReadFile(root, name)
		files[name] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func isText(name string) bool {
	return slices.Contains([]string{".go", ".md", ".txtar", ".txt", ".tsv", ".toml", ".mod", ".yml", ".sh"}, path.Ext(name)) ||
		strings.HasPrefix(name, ".ci/") || strings.HasPrefix(name, "bench/")
}

// sources returns every Go file of the repository. The files are parsed here,
// and not asked for with go list, since the test cache would not know that
// they have changed: it does know the files that a test opens.
func sources(t testing.TB) []*source {
	t.Helper()
	var all []*source
	for name, text := range textFiles(t) {
		if path.Ext(name) == ".go" {
			all = append(all, parse(t, name, text))
		}
	}
	slices.SortFunc(all, func(a, b *source) int { return strings.Compare(a.path, b.path) })
	if len(all) < 30 {
		t.Fatalf("only %d Go files were found: the test looks in the wrong place", len(all))
	}
	return all
}

// violations is what a check of one file found, one sentence each.
type violations []string

// expectViolation fails if none of the violations holds the text: a check that
// finds nothing wrong anywhere is worthless.
func expectViolation(t *testing.T, found violations, text string) {
	t.Helper()
	if !slices.ContainsFunc(found, func(v string) bool { return strings.Contains(v, text) }) {
		t.Errorf("the check does not find %q, only %q", text, found)
	}
}

func report(t *testing.T, found violations) {
	t.Helper()
	for _, v := range found {
		t.Error(v)
	}
}

// constantNames returns the name of the constant of each rule.
func constantNames(t testing.TB) map[refusal.Rule]string {
	t.Helper()
	text, err := os.ReadFile("internal/refusal/rule.go")
	if err != nil {
		t.Fatal(err)
	}
	names := map[refusal.Rule]string{}
	for _, m := range regexp.MustCompile(`(?m)^\t(\w+) +Rule += "(\w+)"`).FindAllStringSubmatch(string(text), -1) {
		names[refusal.Rule(m[2])] = m[1]
	}
	return names
}

// mentions reports whether the text speaks of the rule, as its constant or as
// the word itself.
func mentions(text, constant string, rule refusal.Rule) bool {
	return regexp.MustCompile(`\b(refusal\.` + constant + `|` + string(rule) + `)\b`).MatchString(text)
}

// missing returns the rules that no text among those chosen mentions.
func missing(t testing.TB, chosen func(name string) bool) []refusal.Rule {
	t.Helper()
	var all strings.Builder
	for name, text := range textFiles(t) {
		if chosen(name) {
			all.WriteString(text)
		}
	}
	constants := constantNames(t)
	var rules []refusal.Rule
	for _, rule := range refusal.Rules() {
		if constants[rule] == "" {
			t.Fatalf("rule %s has no constant in rule.go", rule)
		}
		if !mentions(all.String(), constants[rule], rule) {
			rules = append(rules, rule)
		}
	}
	return rules
}

// A rule that no test provokes may as well not be there.
func TestEveryRuleHasACase(t *testing.T) {
	rules := missing(t, func(name string) bool {
		return strings.HasSuffix(name, "_test.go") && name != "house_test.go" && !strings.HasPrefix(name, "internal/refusal/") ||
			path.Ext(name) == ".txtar" || strings.Contains(name, "testdata/")
	})
	if len(rules) > 0 {
		t.Errorf("no test and no script provokes these %d rules: %v", len(rules), rules)
	}
}

func TestEveryRuleIsSpecified(t *testing.T) {
	rules := missing(t, func(name string) bool { return strings.HasPrefix(name, "docs/spec/") })
	if len(rules) > 0 {
		t.Errorf("docs/spec says nothing of these %d rules: %v", len(rules), rules)
	}
}

func TestMentions(t *testing.T) {
	for text, want := range map[string]bool{
		"want: refusal.NameDup,": true,
		"-- want --\nNAME_DUP\n": true,
		"`NAME_DUP`":             true,
		"refusal.NameDuplicate":  false,
		"XNAME_DUP NAME_DUPS":    false,
		"NameDup":                false,
	} {
		if mentions(text, "NameDup", refusal.NameDup) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}
