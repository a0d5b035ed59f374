package comment_test

import (
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/comment"
)

// rows are lines of files, and what of them is quiet.
var rows = []struct{ name, line, quiet string }{
	{"x.c", "// on 2023", "// on 2023"},
	{"x.c", "  /* on 2023 */ f();", "/* on 2023 "},
	{"x.c", "/* on 2023", ""},
	{"x.c", " * on 2023", ""},
	{"x.c", "f(); // on 2023", ""},
	{"x.c", "// on 2023 */ f();", ""},
	{"x.c", "// on 2023 \\", ""},
	{"x.c", "# 1 \"a.y\" 2", "a.y"},
	{"x.c", "#line 7 \"a.y\"", "a.y"},
	{"x.c", "# comment", ""},
	{"x.php", "// on 2023 ?> code", ""},
	{"config.h.in", "# define X", ""},
	{"config.h.in", "/* X */", "/* X "},
	{"configure", "# on 2023", "# on 2023"},
	{"configure", "#! /bin/sh", ""},
	{"configure", "# don't", "# don"},
	{"configure", "# include <x.h>", ""},
	{"x.py", "# -*- coding: utf-7 -*-", ""},
	{"a.m4", "dnl on 2023", "dnl on 2023"},
	{"a.m4", "dnl", ""},
	{"a.m4", "# on 2023 ], [f", "# on 2023 "},
	{"x.1", `.\" on 2023`, `.\" on 2023`},
	{"x.1", `.TH X 1 "Jan 2023" "x"`, "Jan 2023"},
	{"x.1", `.TH X 1 "Jan\n" "x"`, ""},
	{"x.1", ".Dd May 2, 2023", "May 2, 2023"},
	{"x.html", "<!-- on 2023 --><p>", "<!-- on 2023 "},
	{"x.pot", `"POT-Creation-Date: 2023-01-11 12:00+0000\n"`, "2023-01-11 12:00+0000"},
	{"x.texi", "@set UPDATED 25 November 2026", "25 November 2026"},
	{"config.sub", "timestamp='2022-01-03'", "2022-01-03"},
	{"x.sh", "timestamp='2022-01-03'", ""},
	{"compile", "scriptversion=2018-03-07.03; # UTC", "2018-03-07"},
	{"x.ps", "%%CreationDate: Wed Jan 11 2023", "Wed Jan 11 2023"},
	{"x.c", "/*/ f(); 2023 */ g();", ""},
	{"x.c", "/**/ f(); /* 2023 */", "/*"},
	{"x", "# on 2023", ""},
}

func TestQuiet(t *testing.T) {
	for _, r := range rows {
		if from, to := comment.Quiet(r.name, r.line); r.line[from:to] != r.quiet {
			t.Errorf("%s, %q: %q; want %q", r.name, r.line, r.line[from:to], r.quiet)
		}
	}
}

// FuzzQuiet: the part lies in the line, and nothing ends the comment within it.
func FuzzQuiet(f *testing.F) {
	for _, r := range rows {
		f.Add(r.name, r.line)
	}
	f.Fuzz(func(t *testing.T, name, line string) {
		from, to := comment.Quiet(name, line)
		if from < 0 || from > to || to > len(line) {
			t.Fatalf("%s, %q: %d to %d", name, line, from, to)
		}
		if part := line[from:to]; strings.Contains(part, "*/") && strings.HasSuffix(name, ".c") || to > 0 && comment.GoesOn(line) {
			t.Errorf("%s, %q: %q", name, line, part)
		}
	})
}
