package countermark_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/token"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The budgets. Whoever needs more writes "//nolint:funlen // reason" (or
// cyclop, nestif, gochecknoglobals) on the line of the declaration or in its
// comment; files and packages have no exception.
const (
	maxFunctionLines = 60
	maxBranches      = 15
	maxNesting       = 3
	maxParameters    = 4
	maxFileLines     = 400
	maxPackageLines  = 1500 // without tests
)

// nolint is the form of an exception: which linter, and why.
var nolint = regexp.MustCompile("^//no" + `lint:([a-z,]+) // \S`)

// excepted reports whether the declaration carries a reasoned exception.
func excepted(s *source, decl ast.Node, doc *ast.CommentGroup, linter string) bool {
	first := s.fset.Position(decl.Pos()).Line
	for _, group := range s.file.Comments {
		for _, c := range group.List {
			if group != doc && s.fset.Position(c.Pos()).Line != first {
				continue
			}
			if m := nolint.FindStringSubmatch(c.Text); m != nil && slices.Contains(strings.Split(m[1], ","), linter) {
				return true
			}
		}
	}
	return false
}

// checkSize holds the functions and the length of one file to the budgets.
func checkSize(s *source) violations {
	var found violations
	if s.lines() > maxFileLines {
		found = append(found, fmt.Sprintf("%s: %d lines, at most %d", s.path, s.lines(), maxFileLines))
	}
	extra := 0
	if s.isTest() {
		extra = 1 // its t, and its loop over the cases
	}
	for _, decl := range s.file.Decls {
		f, ok := decl.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		for _, b := range []struct {
			linter, what string
			got, most    int
		}{
			{"funlen", "lines", functionLines(s, f), maxFunctionLines},
			{"cyclop", "branches", branches(f.Body), maxBranches},
			{"nestif", "levels of nesting", nesting(f.Body), maxNesting + extra},
			{"params", "parameters", f.Type.Params.NumFields(), maxParameters + extra},
		} {
			if b.got > b.most && !excepted(s, f, f.Doc, b.linter) {
				found = append(found, fmt.Sprintf("%s: %s has %d %s, at most %d", s.at(f), f.Name.Name, b.got, b.what, b.most))
			}
		}
	}
	return found
}

// functionLines counts the lines of a function. In tests the rows of tables
// are data: a composite literal counts as its first line.
func functionLines(s *source, f *ast.FuncDecl) int {
	span := func(n ast.Node) int { return s.fset.Position(n.End()).Line - s.fset.Position(n.Pos()).Line }
	lines := span(f) + 1
	if !s.isTest() {
		return lines
	}
	ast.Inspect(f.Body, func(n ast.Node) bool {
		literal, ok := n.(*ast.CompositeLit)
		if ok {
			lines -= span(literal)
		}
		return !ok
	})
	return lines
}

// branches counts the places where a function's way forks: if, for, range,
// and each case that is not the default.
func branches(body ast.Node) int {
	n := 0
	ast.Inspect(body, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.IfStmt, *ast.ForStmt, *ast.RangeStmt:
			n++
		case *ast.CaseClause:
			n += min(1, len(node.List))
		case *ast.CommClause:
			n++
		}
		return true
	})
	return n
}

// nesting returns how deeply if, for, switch and select lie in one another; an
// "else if" lies no deeper than its if, and a function literal begins anew.
func nesting(body ast.Node) int {
	var stack []ast.Node
	deepest := 0
	ast.Inspect(body, func(n ast.Node) bool {
		if n == nil {
			stack = stack[:len(stack)-1]
			return true
		}
		stack = append(stack, n)
		deepest = max(deepest, depth(stack))
		return true
	})
	return deepest
}

// depth counts the statements on the way to a node that lead deeper.
func depth(stack []ast.Node) int {
	levels := 0
	for i, n := range stack {
		switch n := n.(type) {
		case *ast.FuncLit:
			levels = 0
		case *ast.ForStmt, *ast.RangeStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
			levels++
		case *ast.IfStmt:
			if outer, ok := stack[max(0, i-1)].(*ast.IfStmt); !ok || outer.Else != ast.Stmt(n) {
				levels++
			}
		}
	}
	return levels
}

// checkComments finds exported names without a comment that begins with them.
func checkComments(s *source) violations {
	var found violations
	need := func(n ast.Node, name string, doc *ast.CommentGroup) {
		if ast.IsExported(name) && !strings.HasPrefix(doc.Text(), name+" ") {
			found = append(found, fmt.Sprintf("%s: exported %s has no comment that begins with its name", s.at(n), name))
		}
	}
	for _, decl := range s.file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil || ast.IsExported(receiver(d)) {
				need(d, d.Name.Name, d.Doc)
			}
		case *ast.GenDecl:
			checkSpecs(d, need)
		}
	}
	return found
}

func receiver(f *ast.FuncDecl) string {
	name := ""
	ast.Inspect(f.Recv.List[0].Type, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && name == "" {
			name = id.Name
		}
		return true
	})
	return name
}

// checkSpecs looks at types, constants and variables. In a group of constants
// or variables the comment of the group, or one at the line's end, will do.
func checkSpecs(d *ast.GenDecl, need func(ast.Node, string, *ast.CommentGroup)) {
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			doc := spec.Doc
			if doc == nil {
				doc = d.Doc
			}
			need(spec, spec.Name.Name, doc)
		case *ast.ValueSpec:
			if d.Lparen.IsValid() && (d.Doc != nil || spec.Doc != nil || spec.Comment != nil) {
				continue
			}
			for _, name := range spec.Names {
				need(spec, name.Name, d.Doc)
			}
		}
	}
}

// checkText holds any file to what must not be written in it.
func checkText(name, text string) violations {
	var found violations
	for what, pattern := range map[string]string{
		"an unfinished place":       `\b(TO` + `DO|FIX` + `ME|XX` + `X)\b|(?i)\bnot ` + `implemented\b`,
		"a path of one machine":     `(^|[^\w.])(/wo` + `rk|/ro` + `ot|/ho` + `me/\w+|/Us` + `ers/\w+)/`,
		"a space at the line's end": `(?m)[^\S\n]+$`,
		"a carriage return, raw":    "\r",
	} {
		if hit := regexp.MustCompile(pattern).FindStringIndex(text); hit != nil && !isData(name) {
			line := 1 + strings.Count(text[:hit[0]], "\n")
			found = append(found, fmt.Sprintf("%s:%d: holds %s: %q", name, line, what, text[hit[0]:hit[1]]))
		}
	}
	for _, exception := range regexp.MustCompile("//no"+"lint.*").FindAllString(text, -1) {
		if !nolint.MatchString(exception) {
			found = append(found, fmt.Sprintf("%s: holds an exception with no reason: %q", name, exception))
		}
	}
	return found
}

// isData reports whether the file is test data, which may look like anything.
func isData(name string) bool { return strings.Contains(name, "testdata/fuzz/") }

// checkGofmt finds what gofmt would write otherwise.
func checkGofmt(s *source) violations {
	formatted, err := format.Source(s.text)
	if err != nil || !bytes.Equal(formatted, s.text) {
		return violations{s.path + ": is not as gofmt writes it"}
	}
	return nil
}

// checkOutput finds places outside the packages that may write where text from
// an input could reach a terminal unescaped.
func checkOutput(s *source) violations {
	if s.isTest() || slices.Contains([]string{"internal/escape", "internal/report", "cmd/countermark"}, s.dir()) {
		return nil
	}
	var found violations
	ast.Inspect(s.file, func(n ast.Node) bool {
		name := ""
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok {
				name = x.Name + "." + n.Sel.Name
			}
		case *ast.CallExpr:
			if id, ok := n.Fun.(*ast.Ident); ok {
				name = id.Name
			}
		}
		if slices.Contains([]string{"os.Stdout", "os.Stderr", "fmt.Print", "fmt.Printf", "fmt.Println", "print", "println"}, name) {
			found = append(found, fmt.Sprintf("%s: %s outside report and cmd", s.at(n), name))
		}
		return true
	})
	return found
}

func TestSourceFiles(t *testing.T) {
	packageLines, described := map[string]int{}, map[string]bool{}
	for _, s := range sources(t) {
		report(t, checkSize(s))
		report(t, checkGofmt(s))
		report(t, checkOutput(s))
		if s.isTest() {
			continue
		}
		report(t, checkComments(s))
		packageLines[s.dir()] += s.lines()
		described[s.dir()] = described[s.dir()] || s.file.Doc != nil
	}
	for dir, lines := range packageLines {
		if lines > maxPackageLines {
			t.Errorf("%s has %d lines without tests, at most %d", dir, lines, maxPackageLines)
		}
		if !described[dir] {
			t.Errorf("%s has no package comment", dir)
		}
	}
}

func TestTexts(t *testing.T) {
	for name, text := range textFiles(t) {
		report(t, checkText(name, text))
	}
}

func TestGlobals(t *testing.T) {
	byPackage := map[string][]*source{}
	for _, s := range sources(t) {
		if !s.isTest() {
			byPackage[s.dir()] = append(byPackage[s.dir()], s)
		}
	}
	for _, files := range byPackage {
		report(t, checkGlobals(files))
	}
}

// checkGlobals finds package variables that are state: not set where they are
// declared, or changed anywhere. A function with a variable of its own of the
// same name is taken to mean its own.
func checkGlobals(files []*source) violations {
	var found violations
	globals := map[string]bool{}
	for _, s := range files {
		for _, v := range packageVariables(s) {
			for _, name := range v.Names {
				globals[name.Name] = name.Name != "_"
			}
			if len(v.Values) == 0 && !excepted(s, v, v.Doc, "gochecknoglobals") {
				found = append(found, fmt.Sprintf("%s: variable %s of the package has no value", s.at(v), v.Names[0].Name))
			}
		}
	}
	for _, s := range files {
		for _, decl := range s.file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok {
				found = append(found, changes(s, f, globals)...)
			}
		}
	}
	return found
}

func packageVariables(s *source) []*ast.ValueSpec {
	var variables []*ast.ValueSpec
	for _, decl := range s.file.Decls {
		if d, ok := decl.(*ast.GenDecl); ok && d.Tok == token.VAR {
			for _, spec := range d.Specs {
				variables = append(variables, spec.(*ast.ValueSpec))
			}
		}
	}
	return variables
}

// changes finds the assignments to globals in one function.
func changes(s *source, f *ast.FuncDecl, globals map[string]bool) violations {
	var targets []ast.Expr
	own := map[string]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			targets = append(targets, n.Lhs...)
			for _, left := range n.Lhs {
				if id, ok := left.(*ast.Ident); ok && n.Tok == token.DEFINE {
					own[id.Name] = true
				}
			}
		case *ast.IncDecStmt:
			targets = append(targets, n.X)
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				targets = append(targets, n.X)
			}
		case *ast.Field:
			for _, name := range n.Names {
				own[name.Name] = true
			}
		case *ast.ValueSpec:
			for _, name := range n.Names {
				own[name.Name] = true
			}
		}
		return true
	})
	var found violations
	for _, target := range targets {
		if name := root(target); globals[name] && !own[name] {
			found = append(found, fmt.Sprintf("%s: %s changes the variable %s of the package", s.at(target), f.Name.Name, name))
		}
	}
	return found
}

// root returns the variable that an expression like a.b[c] begins with.
func root(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.IndexExpr:
		return root(e.X)
	case *ast.SelectorExpr:
		return root(e.X)
	case *ast.ParenExpr:
		return root(e.X)
	case *ast.StarExpr:
		return root(e.X)
	}
	return ""
}
