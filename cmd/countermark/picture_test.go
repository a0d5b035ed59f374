package main

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/demonstration"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/testkit"
	"github.com/countermark/countermark/internal/verification"
)

var picturePath = filepath.Join("..", "..", "docs", "pictures", "demo.svg")

// pictured are the beginnings of the headings of what the picture shows.
var pictured = []string{"Now say an attacker is on the CI", "Attack 1 of ", "Ben, the release manager", "Somebody has the archive, the bundle", "Attack 5 of ", "All seven"}

// unsteady are lines that are not the same in every demo: the blessing's id.
var unsteady = regexp.MustCompile(`(?m)^ *built branch: .*\n`)

// docs/pictures/demo.svg shows what the demo prints on a terminal of 100 columns:
// some of its parts, with "⋮" for the others.
func TestPictureShowsTheDemo(t *testing.T) {
	if !hasSandbox() {
		t.Skip("no sandbox works here: countermark doctor says why")
	}
	testkit.Program(t, "git")
	testkit.Program(t, "ssh-keygen")
	var out bytes.Buffer
	style := report.Style{Color: true, Width: 100}
	err := demonstration.Run(context.Background(), demonstration.Options{
		Out: &out, Style: style,
		Verify: func(ctx context.Context, v verification.Options, style report.Style, out io.Writer) int {
			return verifyAndPrint(ctx, verifyOptions{Options: v, style: &style}, streams{in: strings.NewReader(""), out: out, err: out})
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	picture := drawTerminal("$ countermark demo", picturedLines(t, out.String()))
	if *updateFiles {
		if err := os.WriteFile(picturePath, picture, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if there, err := os.ReadFile(picturePath); err != nil || !bytes.Equal(there, picture) {
		t.Errorf("docs/pictures/demo.svg does not show what the demo prints (%v); run this test with -update", err)
	}
}

// picturedLines returns the parts of the demo's output that the picture shows.
func picturedLines(t *testing.T, out string) []string {
	t.Helper()
	const left = "\x1b[2m⋮\x1b[0m"
	var lines []string
	found := 0
	for _, part := range strings.Split(strings.TrimSpace(unsteady.ReplaceAllString(out, "")), "\n\n") {
		part = strings.TrimPrefix(part, "\n")
		wanted := false
		for _, beginning := range pictured {
			wanted = wanted || strings.HasPrefix(strings.TrimPrefix(part, "\x1b[1m"), beginning)
		}
		switch {
		case wanted:
			found++
			lines = append(append(lines, strings.Split(part, "\n")...), "")
		case len(lines) == 0 || lines[len(lines)-2] != left:
			lines = append(lines, left, "")
		}
	}
	if found != len(pictured) {
		t.Fatalf("the demo shows %d of the %d parts that are in the picture:\n%s", found, len(pictured), out)
	}
	return lines[:len(lines)-1]
}

// Measures of the picture, in pixels.
const (
	columnWidth = 7.83
	lineHeight  = 18
	margin      = 18
	firstLine   = 50
)

var (
	sgrOrText = regexp.MustCompile("\x1b\\[([0-9;]*)m|[^\x1b]+")
	words     = regexp.MustCompile(`\S+(?: \S+)*`)
	classes   = map[string]string{"1": ` class="b"`, "2": ` class="d"`, "31": ` class="r"`, "32": ` class="g"`, "33": ` class="y"`}
)

// drawTerminal draws a window with lines in it, which may be coloured.
func drawTerminal(title string, lines []string) []byte {
	var body bytes.Buffer
	widest := 0
	for i, line := range lines {
		column, class := 0, ""
		for _, m := range sgrOrText.FindAllStringSubmatch(line, -1) {
			if strings.HasPrefix(m[0], "\x1b") {
				class = classes[m[1]]
				continue
			}
			for _, at := range words.FindAllStringIndex(m[0], -1) {
				word := m[0][at[0]:at[1]]
				start := column + len([]rune(m[0][:at[0]]))
				fmt.Fprintf(&body, "<text x=\"%.1f\" y=\"%d\" textLength=\"%.1f\"%s>%s</text>\n", margin+float64(start)*columnWidth, firstLine+i*lineHeight,
					float64(len([]rune(word)))*columnWidth, class, html.EscapeString(word))
			}
			column += len([]rune(m[0]))
		}
		widest = max(widest, column)
	}
	width, height := int(2*margin+float64(widest)*columnWidth), firstLine+len(lines)*lineHeight
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img" aria-label="%[3]s">
<style>text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre;fill:#c9d1d9}.b{font-weight:700;fill:#fff}.r{fill:#ff7b72}.g{fill:#7ee787}.y{fill:#e3b341}.d{fill:#8b949e}</style>
<rect width="%[1]d" height="%[2]d" rx="9" fill="#0d1117"/>
<rect width="%[1]d" height="28" rx="9" fill="#161b22"/><rect y="14" width="%[1]d" height="14" fill="#161b22"/>
<circle cx="18" cy="14" r="5.5" fill="#ff5f57"/><circle cx="36" cy="14" r="5.5" fill="#febc2e"/><circle cx="54" cy="14" r="5.5" fill="#28c840"/>
<text x="%[4]d" y="19" text-anchor="middle" class="d">%[3]s</text>
`, width, height, html.EscapeString(title), width/2)
	b.Write(body.Bytes())
	b.WriteString("</svg>\n")
	return b.Bytes()
}
