package countermark_test

import (
	"fmt"
	"go/ast"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// impure are the packages of the standard library through which a program
// sees or changes more than its arguments, with all below them.
var impure = []string{"C", "crypto/rand", "database/sql", "expvar", "flag", "io/fs", "io/ioutil", "log", "math/rand", "net", "os",
	"path/filepath", "plugin", "runtime", "syscall", "testing", "unsafe"}

// clock are the functions of package time that read the clock, wait, or read
// the machine's time zones. Its types are values like any other.
var clock = []string{"After", "AfterFunc", "LoadLocation", "Local", "NewTicker", "NewTimer", "Now", "Since", "Sleep", "Tick", "Until"}

func isOrBelow(name string, roots []string) bool {
	return slices.ContainsFunc(roots, func(root string) bool { return name == root || strings.HasPrefix(name, root+"/") })
}

// checkImports holds one file that is no test to the policy.
func checkImports(s *source) violations {
	p, known := policy[s.dir()]
	if !known {
		return violations{fmt.Sprintf("%s: package %s is not in the policy of deps_test.go", s.path, s.dir())}
	}
	var found violations
	for _, spec := range s.file.Imports {
		name, _ := strconv.Unquote(spec.Path.Value)
		if why := forbidden(p, name); why != "" {
			found = append(found, fmt.Sprintf("%s: imports %s: %s", s.at(spec), name, why))
		}
		if spec.Name != nil && (spec.Name.Name == "." || spec.Name.Name == "_" && name != "embed") {
			found = append(found, fmt.Sprintf("%s: imports %s as %s", s.at(spec), name, spec.Name.Name))
		}
		if name == "time" && p.layer < edges {
			found = append(found, selectors(s, spec, clock, "reads the clock or waits")...)
		}
	}
	return found
}

// forbidden says why a package may not be imported, "" if it may.
func forbidden(p permission, name string) string {
	inner, ours := strings.CutPrefix(name, module+"/internal/")
	first, _, _ := strings.Cut(name, "/")
	switch {
	case ours && isOrBelow(inner, []string{"testkit"}):
		return "it is for tests alone"
	case ours && p.layer == commands:
		return ""
	case ours && !slices.Contains(p.internal, inner):
		return "the policy does not allow it"
	case ours:
		return ""
	case strings.Contains(first, ".") && !isOrBelow(name, p.foreign):
		return "the policy does not allow this module here"
	case isOrBelow(name, impure) && !slices.Contains(p.system, name):
		return "the policy does not allow this package to touch the outside"
	}
	return ""
}

// selectors finds the uses of the given names of an imported package.
func selectors(s *source, spec *ast.ImportSpec, names []string, what string) violations {
	name, _ := strconv.Unquote(spec.Path.Value)
	local := path.Base(name)
	if spec.Name != nil {
		local = spec.Name.Name
	}
	var found violations
	ast.Inspect(s.file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && slices.Contains(names, sel.Sel.Name) {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == local {
				found = append(found, fmt.Sprintf("%s: %s.%s %s", s.at(n), local, sel.Sel.Name, what))
			}
		}
		return true
	})
	return found
}

// checkEnding finds the calls that end the program outside main, and the code
// that runs before it.
func checkEnding(s *source) violations {
	var found violations
	for _, decl := range s.file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if ok && f.Recv == nil && f.Name.Name == "init" {
			found = append(found, s.at(f)+": has an init function")
		}
		if ok && f.Recv == nil && f.Name.Name == "main" && s.isMain() {
			continue
		}
		ast.Inspect(decl, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := sel.X.(*ast.Ident); ok && isEnding(x.Name, sel.Sel.Name) {
					found = append(found, fmt.Sprintf("%s: %s.%s outside main", s.at(n), x.Name, sel.Sel.Name))
				}
			}
			return true
		})
	}
	return found
}

func isEnding(pkg, name string) bool {
	return (pkg == "os" || pkg == "syscall" || pkg == "unix") && name == "Exit" ||
		pkg == "log" && (strings.HasPrefix(name, "Fatal") || strings.HasPrefix(name, "Panic"))
}

func TestImports(t *testing.T) {
	seen := map[string][]string{}
	for _, s := range sources(t) {
		if !s.isTest() {
			seen[s.dir()] = append(seen[s.dir()], imports(s)...)
			report(t, checkImports(s))
			report(t, checkEnding(s))
		} else if _, known := policy[s.dir()]; !known {
			t.Errorf("%s: package %s is not in the policy of deps_test.go", s.path, s.dir())
		}
	}
	for dir, p := range policy {
		used, known := seen[dir]
		if !known {
			t.Errorf("the policy names %s, which has no Go file", dir)
		}
		report(t, needless(dir, p, used))
	}
}

func imports(s *source) []string {
	var names []string
	for _, spec := range s.file.Imports {
		name, _ := strconv.Unquote(spec.Path.Value)
		names = append(names, strings.TrimPrefix(name, module+"/internal/"))
	}
	return names
}

// needless finds what the policy allows a package that does not use it.
func needless(dir string, p permission, used []string) violations {
	var found violations
	for _, name := range slices.Concat(p.internal, p.foreign, p.system) {
		if !slices.Contains(used, name) {
			found = append(found, fmt.Sprintf("the policy allows %s to import %s, which it does not", dir, name))
		}
	}
	return found
}

// The policy itself keeps the direction: values, formats, judgement, edges.
func TestPolicyKeepsTheDirection(t *testing.T) {
	report(t, checkDirection(policy))
	expectViolation(t, checkDirection(map[string]permission{
		"internal/a": {layer: edges, internal: []string{"b"}},
		"internal/b": {layer: edges},
	}), "internal/a may import internal/b")
	if found := checkDirection(map[string]permission{
		"internal/a":   {layer: edges, internal: []string{"a/b"}},
		"internal/a/b": {layer: edges},
	}); len(found) > 0 {
		t.Errorf("an edge may have parts: %q", found)
	}
	expectViolation(t, checkDirection(map[string]permission{
		"internal/a": {layer: values, system: []string{"os"}},
	}), "internal/a touches the outside")
	expectViolation(t, checkDirection(map[string]permission{
		"internal/a": {layer: judgement, foreign: []string{"golang.org/x/text/cases"}},
	}), "internal/a judges")
}

// thing returns the edge that a package is a part of: internal/gitrepo for
// whatever lies below it.
func thing(dir string) string { return strings.Join(strings.SplitN(dir, "/", 3)[:2], "/") }

func checkDirection(policy map[string]permission) violations {
	var found violations
	for dir, p := range policy {
		for _, inner := range p.internal {
			q, known := policy["internal/"+inner]
			if !known || q.layer > p.layer || q.layer == edges && thing(dir) != thing("internal/"+inner) {
				found = append(found, fmt.Sprintf("%s may import internal/%s: against the direction", dir, inner))
			}
		}
		if p.layer < edges && len(p.system) > 0 {
			found = append(found, fmt.Sprintf("%s touches the outside, and is no edge", dir))
		}
		if p.layer == judgement && len(p.foreign) > 0 {
			found = append(found, fmt.Sprintf("%s judges, and needs another module for it", dir))
		}
	}
	return found
}

// Every module that go.mod requires directly is somebody's in the policy, or a
// test's.
func TestModulesAreUsed(t *testing.T) {
	text, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	used := []string{"pgregory.net/rapid", "github.com/rogpeppe/go-internal", "github.com/spf13/pflag"} // by tests
	for _, p := range policy {
		used = append(used, p.foreign...)
	}
	direct := regexp.MustCompile(`(?m)^\t(\S+) v\S+$`).FindAllStringSubmatch(string(text), -1)
	if len(direct) == 0 {
		t.Error("go.mod requires no module directly: run go mod tidy")
	}
	for _, m := range direct {
		if !slices.ContainsFunc(used, func(name string) bool { return isOrBelow(name, []string{m[1]}) }) {
			t.Errorf("go.mod requires %s, which no package may import", m[1])
		}
	}
}

// What the checks above are for, in small.
func TestImportViolationsAreFound(t *testing.T) {
	for _, c := range []struct{ file, text, want string }{
		{"internal/compare/x.go", `import "os"`, "imports os:"},
		{"internal/compare/x.go", `import "os/exec"`, "imports os/exec"},
		{"internal/archive/x.go", `import "net/http"`, "imports net/http"},
		{"internal/tree/x.go", `import "log/slog"`, "imports log/slog"},
		{"internal/tree/x.go", `import "math/rand/v2"`, "imports math/rand/v2"},
		{"internal/tree/x.go", `import "runtime/debug"`, "imports runtime/debug"},
		{"internal/tree/x.go", `import "golang.org/x/sys/unix"`, "imports golang.org/x/sys/unix"},
		{"internal/filter/x.go", `import "time"; var t = time.Now()`, "time.Now reads the clock"},
		{"internal/filter/x.go", `import clock "time"; var t = clock.Since(x)`, "clock.Since reads the clock"},
		{"internal/compare/x.go", `import "testing"`, "imports testing"},
		{"internal/gitrepo/x.go", `import "testing"`, "imports testing"},
		{"internal/gitrepo/x.go", `import "unsafe"`, "imports unsafe"},
		{"internal/gitrepo/x.go", `import "github.com/countermark/countermark/internal/confine"`, "the policy does not allow it"},
		{"internal/digest/x.go", `import "github.com/countermark/countermark/internal/tree"`, "the policy does not allow it"},
		{"internal/compare/x.go", `import "github.com/klauspost/compress/zstd"`, "does not allow this module here"},
		{"internal/compare/x.go", `import . "strings"`, "imports strings as ."},
		{"internal/compare/x.go", `import _ "strings"`, "imports strings as _"},
		{"internal/verification/x.go", `import "github.com/countermark/countermark/internal/testkit"`, "it is for tests alone"},
		{"internal/util/x.go", ``, "not in the policy"},
	} {
		expectViolation(t, checkImports(parse(t, c.file, "package x; "+c.text)), c.want)
	}
	expectViolation(t, needless("internal/x", permission{internal: []string{"tree"}, system: []string{"os"}}, []string{"tree"}), "import os")
	for text, want := range map[string]string{
		"package x; func init() {}":              "has an init function",
		"package x; func f() { os.Exit(1) }":     "os.Exit outside main",
		"package main; func run() { os.Exit(1)}": "os.Exit outside main",
		"package x; var _ = log.Fatalf":          "log.Fatalf outside main",
	} {
		expectViolation(t, checkEnding(parse(t, "cmd/x/x.go", text)), want)
	}
	for file, text := range map[string]string{
		"internal/filter/x.go":          `import "time"; var t time.Time = time.Unix(0, 0)`,
		"internal/tree/x.go":            `import ("strings"; "golang.org/x/text/cases")`,
		"cmd/countermark/x.go":          `import ("os"; "github.com/countermark/countermark/internal/gitrepo")`,
		"internal/progress/x.go":        `import ("time"; "os"); var t = time.Now()`,
		"internal/gitrepo/gitexec/x.go": `import "os/exec"`,
	} {
		if found := checkImports(parse(t, file, "package x; "+text)); len(found) > 0 {
			t.Errorf("%s with %s: %q", file, text, found)
		}
	}
	if found := checkEnding(parse(t, "cmd/x/main.go", "package main; func main() { os.Exit(run()) }")); len(found) > 0 {
		t.Errorf("main may end the program: %q", found)
	}
}
