package countermark_test

import (
	"fmt"
	"strings"
	"testing"
)

// Each check of style_test.go finds what it is for, and nothing where all is well.

func TestSizeViolationsAreFound(t *testing.T) {
	lines := func(n int) string { return strings.Repeat("\tx()\n", n) }
	for want, text := range map[string]string{
		"401 lines, at most 400":           "package x\n" + strings.Repeat("\n", 400),
		"long has 61 lines":                "package x\nfunc long() {\n" + lines(59) + "}\n",
		"bare has 61 lines":                "package x\nfunc bare() { //no" + "lint:funlen\n" + lines(59) + "}\n",
		"other has 61 lines":               "package x\n\n//nolint:cyclop // many cases\nfunc other() {\n" + lines(59) + "}\n",
		"forks has 16 branches":            "package x\nfunc forks() {\n" + strings.Repeat("if a {\n}\n", 16) + "}\n",
		"cases has 16 branches":            "package x\nfunc cases() { switch a { default:\n" + strings.Repeat("case 1:\n", 16) + "} }\n",
		"deep has 4 levels of nesting":     "package x\nfunc deep() { for { if a { switch { case b: if c { x() } } } } }\n",
		"inside has 4 levels of nesting":   "package x\nvar _ = 1\nfunc inside() { f(func() { for { for { for { for { } } } } }) }\n",
		"chained has 4 levels of nesting":  "package x\nfunc chained() { if a { } else if b { for { for { for { } } } } }\n",
		"crowded has 5 parameters":         "package x\nfunc crowded(a, b int, c, d string, e bool) {}\n",
		"method has 16 branches, at most ": "package x\nfunc (r *T) method() {\n" + strings.Repeat("for range a {\n}\n", 16) + "}\n",
	} {
		expectViolation(t, checkSize(parse(t, "internal/x/x.go", text)), want)
	}
	table := "package x\nfunc TestX() {\n\tfor range []int{\n" + strings.Repeat("\t\t1,\n", 100) + "\t} {\n\t}\n}\n"
	expectViolation(t, checkSize(parse(t, "internal/x/x.go", table)), "TestX has 105 lines")
	for name, text := range map[string]string{
		"x_test.go": table,
		"a.go":      "package x\nfunc long() { //nolint:funlen // a table of opcodes\n" + lines(80) + "}\n",
		"b.go":      "package x\n\n// long is long.\n//\n//nolint:funlen,cyclop // a table of opcodes\nfunc long() {\n" + lines(80) + "}\n",
		"c.go":      "package x\nfunc fits(a, b, c, d int) {\n" + lines(58) + "}\n",
		"d.go":      "package x\nfunc chain() { if a { } else if b { } else if c { } else if d { } else { for { if e { } } } }\n",
		"e.go":      "package x\nfunc apart() { for { for { func() { for { for { for { } } } }() } } }\n",
	} {
		if found := checkSize(parse(t, "internal/x/"+name, text)); len(found) > 0 {
			t.Errorf("%s: %q", name, found)
		}
	}
}

func TestCommentViolationsAreFound(t *testing.T) {
	for _, text := range []string{
		"func Name() {}",
		"// Does a thing.\nfunc Name() {}",
		"// Names does a thing.\nfunc Name() {}",
		"type Name struct{}",
		"// A thing.\ntype Name struct{}",
		"const Name = 1",
		"// Size is another.\nvar Name = 1",
		"const (\n\tName = 1\n)",
		"// T is a type.\ntype T int\n\nfunc (t *T) Name() {}",
		"// T is a type.\ntype T[V any] struct{}\n\nfunc (t T[V]) Name() {}",
	} {
		expectViolation(t, checkComments(parse(t, "internal/x/x.go", "package x\n\n"+text)), "exported Name has no comment")
	}
	for _, text := range []string{
		"func name() {}",
		"// Name does a thing.\nfunc Name() {}",
		"type t int\n\nfunc (t) Name() {}",
		"// The kinds.\nconst (\n\tName = iota\n\tOther\n)",
		"const (\n\tName = 1 // one\n)",
		"const (\n\t// Name is one.\n\tName = 1\n)",
		"type (\n\t// Name is one.\n\tName int\n)",
	} {
		if found := checkComments(parse(t, "internal/x/x.go", "package x\n\n"+text)); len(found) > 0 {
			t.Errorf("%s: %q", text, found)
		}
	}
}

func TestTextViolationsAreFound(t *testing.T) {
	for want, lines := range map[string][]string{
		"unfinished":      {"// TO" + "DO: later", "FIX" + "ME", "XX" + "X", "errors.New(\"Not " + "implemented\")"},
		"of one machine":  {"cd /ro" + "ot/src", "\"/ho" + "me/jane/x\"", "see /wo" + "rk/file", "/Us" + "ers/jane/x"},
		"the line's end":  {"text ", "text\t"},
		"carriage return": {"text\r"},
		"no reason":       {"f() //no" + "lint", "f() //no" + "lint:funlen", "f() //no" + "lint:funlen //", "f() //no" + "lint:funlen because"},
	} {
		for _, line := range lines {
			expectViolation(t, checkText("x.go", "first\n"+line+"\nlast\n"), want)
		}
	}
	for _, line := range []string{"toDo()", "mktemp -d /tmp/a.XXXXXX", "homework/x", "/usr/bin/xz", "f() //nolint:funlen // a table", "a/root/b", "https://example.org/home/x"} {
		if found := checkText("x.go", line+"\n"); len(found) > 0 {
			t.Errorf("%q: %q", line, found)
		}
	}
}

func TestOutputViolationsAreFound(t *testing.T) {
	for _, call := range []string{"os.Stdout.Write(b)", "fmt.Fprintln(os.Stderr, b)", "fmt.Println(b)", "fmt.Printf(b)", "println(b)"} {
		text := fmt.Sprintf("package x\nfunc f() { %s }\n", call)
		expectViolation(t, checkOutput(parse(t, "internal/gitrepo/x.go", text)), "outside report and cmd")
		for _, name := range []string{"internal/report/x.go", "cmd/countermark/main.go", "internal/gitrepo/x_test.go"} {
			if found := checkOutput(parse(t, name, text)); len(found) > 0 {
				t.Errorf("%s with %s: %q", name, call, found)
			}
		}
	}
}

func TestFormatViolationsAreFound(t *testing.T) {
	expectViolation(t, checkGofmt(parse(t, "x.go", "package x\nfunc f() {  }\n")), "not as gofmt writes it")
	if found := checkGofmt(parse(t, "x.go", "package x\n\nfunc f() {}\n")); len(found) > 0 {
		t.Errorf("%q", found)
	}
}

func TestGlobalViolationsAreFound(t *testing.T) {
	for text, want := range map[string]string{
		"var state int": "state of the package has no value",
		"var list = []int{1}\nfunc f() { list[0] = 2 }":  "f changes the variable list",
		"var n = 1\nfunc f() { n++ }":                    "f changes the variable n",
		"var n = 1\nfunc f() { use(&n) }":                "f changes the variable n",
		"var s = t{}\nfunc f() { s.field.x = 2 }":        "f changes the variable s",
		"var m = map[int]int{}\nfunc (t) f() { m[1]++ }": "f changes the variable m",
	} {
		expectViolation(t, checkGlobals([]*source{parse(t, "x.go", "package x\n"+text)}), want)
	}
	for _, text := range []string{
		"var list = []int{1}\nfunc f() int { return list[0] }",
		"var n = 1\nfunc f(n int) { n++ }",
		"var n = 1\nfunc f() { n := 2; n++ }",
		"var _ error = (*t)(nil)",
		"var v string //nolint:gochecknoglobals // set by the linker",
	} {
		if found := checkGlobals([]*source{parse(t, "x.go", "package x\n"+text)}); len(found) > 0 {
			t.Errorf("%s: %q", text, found)
		}
	}
	// The change may stand in another file than the variable.
	both := []*source{parse(t, "a.go", "package x\nvar n = 1\n"), parse(t, "b.go", "package x\nfunc f() { n = 2 }\n")}
	expectViolation(t, checkGlobals(both), "b.go:2:12: f changes the variable n")
}
