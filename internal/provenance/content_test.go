package provenance

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/countermark/countermark/internal/claim"
)

// TestFills: a template's placeholders filled in, and nothing else.
func TestFills(t *testing.T) {
	for _, c := range []struct {
		template, content string
		lines             int
		ok                bool
	}{
		{"a\nb\n", "a\nb\n", 0, true},
		{"a@X@b\n", "a1b\n", 1, true},
		{"a@X@b\n", "ab\n", 1, true},
		{"a@X@b\n", "a@X@b\n", 0, true},
		{"@X@\n@Y@\nz\n", "1\n2\nz\n", 2, true},
		{"@X@@Y@\n", "12\n", 1, true},
		{"@X@-@Y@.\n", "1-2-3.\n", 1, true},
		{"v=%VERSION%;\n", "v=1;\n", 1, true},
		{"v=${version};\n", "v=1;\n", 1, true},
		{"@a-b@\n", "1\n", 1, true},
		{"a@X@b\n", "a1c\n", 0, false},
		{"a@X@b\n", "c1b\n", 0, false},
		{"a@X@b\n", "a1\nb\n", 0, false},
		{"a@X@b\n", "a1b\nc\n", 0, false},
		{"a@X@b\n", "a1b", 0, false},
		{"a@X@b\n", "a\n", 0, false},
		{"ab@X@b\n", "ab\n", 0, false},
		{"@X@-@Y@\n", "1+2\n", 0, false},
		{"@X@-@Y@-@Z@\n", "1-2\n", 0, false},
		{"x\n@X@\n", "y\n1\n", 0, false},
		{"@ X@\n", "1\n", 0, false},
		{"@1@\n", "1\n", 0, false},
		{"%d%\n", "1\n", 0, false},
		{"$X\n", "1\n", 0, false},
		{"a@X@\n", "a" + strings.Repeat("1", maxFilled) + "\n", 1, true},
		{"a@X@\n", "a" + strings.Repeat("1", maxFilled+1) + "\n", 0, false},
		{"@X@;@Y@\n", strings.Repeat("1", maxFilled+1) + ";\n", 0, false},
	} {
		if lines, ok := fills([]byte(c.content), []byte(c.template)); lines != c.lines || ok != c.ok {
			t.Errorf("%.40q of %q: %d, %v; want %d, %v", c.content, c.template, lines, ok, c.lines, c.ok)
		}
	}
}

// oracle is the template as an expression.
func oracle(template string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`^(?s)`)
	end := 0
	for _, place := range placeholder.FindAllStringIndex(template, -1) {
		b.WriteString(regexp.QuoteMeta(template[end:place[0]]) + `[^\n]{0,200}`)
		end = place[1]
	}
	b.WriteString(regexp.QuoteMeta(template[end:]) + `$`)
	return regexp.MustCompile(b.String())
}

// TestFillsIsItsExpression: what is filled in is recognised; what is not is not,
// whatever line of it is changed.
func TestFillsIsItsExpression(t *testing.T) {
	literal := rapid.StringMatching(`[ab =;]{0,6}`)
	rapid.Check(t, func(rt *rapid.T) {
		var template, content strings.Builder
		for range rapid.IntRange(0, 8).Draw(rt, "parts") {
			text := literal.Draw(rt, "literal")
			name := rapid.SampledFrom([]string{"@A@", "@b_1@", "%X_Y%", "${z}", "\n"}).Draw(rt, "placeholder")
			template.WriteString(text + name)
			content.WriteString(text)
			if name == "\n" {
				content.WriteString(name)
			} else {
				content.WriteString(rapid.StringMatching(`[ab;]{0,6}`).Draw(rt, "value"))
			}
		}
		filled := content.String()
		if _, ok := fills([]byte(filled), []byte(template.String())); !ok {
			rt.Fatalf("%q of %q is not recognised", filled, template.String())
		}
		at := rapid.IntRange(0, len(filled)).Draw(rt, "at")
		changed := filled[:at] + rapid.SampledFrom([]string{"x", "a", "\n", ""}).Draw(rt, "change") + filled[min(at+rapid.IntRange(0, 2).Draw(rt, "removed"), len(filled)):]
		_, ok := fills([]byte(changed), []byte(template.String()))
		if want := oracle(template.String()).MatchString(changed); ok != want {
			rt.Fatalf("%q of %q: %v, want %v", changed, template.String(), ok, want)
		}
	})
}

// FuzzFills: no panic; what is recognised has the template's lines, and those
// without placeholders as they are.
func FuzzFills(f *testing.F) {
	for _, s := range []string{"a@X@b\n", "@X@@Y@\n", "%V%;${v}\n", "@@@@", "@X@\x00\xff"} {
		f.Add([]byte(strings.ReplaceAll(s, "@X@", "1")), []byte(s))
	}
	f.Fuzz(func(t *testing.T, content, template []byte) {
		lines, ok := fills(content, template)
		if n, same := fills(template, template); n != 0 || !same {
			t.Fatalf("%q is not itself", template)
		}
		if !ok {
			if lines != 0 {
				t.Fatalf("not filled in, but %d lines", lines)
			}
			return
		}
		have, want := bytes.Split(content, []byte("\n")), bytes.Split(template, []byte("\n"))
		differ := 0
		for i := range have {
			if !bytes.Equal(have[i], want[i]) {
				differ++
				if !placeholder.Match(want[i]) {
					t.Fatalf("line %d: %q for %q", i, have[i], want[i])
				}
			}
		}
		if len(have) != len(want) || differ != lines {
			t.Fatalf("%d lines of %d differ, said %d of %d", differ, len(have), lines, len(want))
		}
	})
}

// TestTitles reads the titles of manual pages.
func TestTitles(t *testing.T) {
	for text, want := range map[string]string{
		".TH XZ 1 \"2022-12-01\"\n":                             "xz.1",
		".TH \"GIT-ADD\" \"1\" \"2023\"\n":                      "git-add.1",
		"'\\\" t\n.\\\" x\n\n.TH a.b 3pm\n":                     "a.b.3pm",
		".Th a 1\n":                                             "a.1",
		".nh\n.TH \"DEMO\" \"1\"\n":                             "demo.1",
		".Dd $Mdocdate$\n.Dt TMUX 1\n":                          "tmux.1",
		".so man1/xz.1\n":                                       "xz.1",
		".so xz.1\n":                                            "xz.1",
		"XZ(1)                  General                  XZ(1)": "xz.1",
		"\n\nXZ(1) manual page\n":                               "xz.1",
		"main(1)\n":                                             "main.1",
		".so /etc/passwd\n":                                     "",
		".SH NAME\n.TH XZ 1\n":                                  "",
		"f(1) = 2\n":                                            "",
		"":                                                      "",
		strings.Repeat("\n", 8<<10) + ".TH XZ 1\n":              "",
	} {
		if got := claim.Title([]byte(text)); got != want {
			t.Errorf("%.40q: %q, want %q", text, got, want)
		}
	}
}

// hostileTexts are texts of n bytes that would take long if anything were tried
// at each byte of each line.
func hostileTexts(n int) map[string][]byte {
	repeat := func(s string) []byte { return bytes.Repeat([]byte(s), n/len(s))[:n/len(s)*len(s)] }
	return map[string][]byte{
		"one line":         repeat("a"),
		"at signs":         repeat("@"),
		"placeholders":     repeat("@A@"),
		"open braces":      repeat("${a"),
		"percent signs":    repeat("%A"),
		"spaces":           repeat(" "),
		"short lines":      repeat("\n"),
		"long comments":    repeat("# " + strings.Repeat("generated from a by ", 100) + "\n"),
		"long headers":     repeat("/* A Bison parser, made " + strings.Repeat("1.", 1000) + "\n"),
		"generator":        repeat("<meta name=\"generator\" content=\"" + strings.Repeat("a ", 1000) + "\n"),
		"producers":        repeat("GPL Ghostscript /Producer (GPL Ghostscript " + strings.Repeat("1", 1900) + "\n"),
		"filled-in header": repeat(" A(1)  " + strings.Repeat("x  ", 600) + "A(1\n"),
	}
}

// hostileNames are names for which all parts of all texts are looked at.
var hostileNames = []string{"a.pdf", "a.output", "a.html", "a.c", "a.0", "a.txt", "README"}

// TestHostileTextsTakeNoTime: 1 MiB of anything within seconds; what is
// quadratic would take hours.
func TestHostileTextsTakeNoTime(t *testing.T) {
	const bytesEach, most = 1 << 20, 30 * time.Second
	for name, text := range hostileTexts(bytesEach) {
		start := time.Now()
		for _, file := range hostileNames {
			claim.Read(file, text)
		}
		claim.Title(text)
		claim.Word(text)
		claim.FirstEntry("ChangeLog", text)
		fills(text, bytes.ReplaceAll(text, []byte("a"), []byte("@A@")))
		fills(text, append(text[:len(text):len(text)], '@', 'A', '@'))
		cut := text[:min(len(text), maxChangedFile)]
		compareContents(".txt", cut, append(cut[:len(cut):len(cut)], '1'))
		compareContents(".txt", append([]byte("1"), cut...), append([]byte("2"), cut...))
		if took := time.Since(start); took > most {
			t.Errorf("%s: took %v", name, took)
		}
	}
}

func BenchmarkReadClaim(b *testing.B) {
	benchmarkHostile(b, func(text []byte) { claim.Read("a.pdf", text) })
}

func BenchmarkTitleOf(b *testing.B) { benchmarkHostile(b, func(text []byte) { claim.Title(text) }) }

func BenchmarkFills(b *testing.B) {
	benchmarkHostile(b, func(text []byte) { fills(text, append(text[:len(text):len(text)], '@', 'A', '@')) })
}

func benchmarkHostile(b *testing.B, do func([]byte)) {
	for name, text := range hostileTexts(8 << 20) {
		b.Run(strings.ReplaceAll(name, " ", "-"), func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				do(text)
			}
		})
	}
}
