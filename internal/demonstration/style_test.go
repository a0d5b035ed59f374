package demonstration

import (
	"context"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/testkit"
	"github.com/countermark/countermark/internal/verification"
)

// styled verifies the demo's release and returns the report in that style.
func styled(t *testing.T, d *demo, style report.Style) string {
	t.Helper()
	doc, err := verification.Run(context.Background(), d.verification(false))
	if err != nil {
		t.Fatalf("no report: %v", err)
	}
	return doc.Text(style)
}

var sgr = regexp.MustCompile("\x1b\\[[0-9;]*m")

// Colours change nothing but the colours, at any width; and sentences and lists
// fit into the width.
func TestColoursMoveNothing(t *testing.T) {
	testkit.Program(t, "git")
	d := &demo{dir: t.TempDir()}
	if err := d.makeKeys(); err != nil {
		t.Fatal(err)
	}
	project, err := d.makeProject(context.Background(), ProjectRepo)
	if err != nil {
		t.Fatal(err)
	}
	more := project.release()
	for _, name := range []string{"configure", "m4/one.m4", "doc/a-rather-long-name-for-a-file.txt", "aclocal.m4", "src/version.h", "po/de.gmo"} {
		more = more.with(member{name: name, content: name})
	}
	if err := more.write(filepath.Join(d.dir, archiveName)); err != nil {
		t.Fatal(err)
	}
	for _, width := range []int{60, 72, 79, 100, 133} {
		plain := styled(t, d, report.Style{Width: width, Brief: true})
		coloured := styled(t, d, report.Style{Width: width, Brief: true, Color: true})
		if plain == coloured || sgr.ReplaceAllString(coloured, "") != plain {
			t.Errorf("at %d columns, in colours\n%s\nand without\n%s", width, coloured, plain)
		}
		for i, line := range strings.Split(plain, "\n") {
			if columns := len([]rune(line)); i > 0 && columns > width {
				t.Errorf("at %d columns a line has %d: %q", width, columns, line)
			}
		}
	}
}
