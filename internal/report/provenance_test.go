package report

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/knownfile"
	"github.com/countermark/countermark/internal/provenance"
	"github.com/countermark/countermark/internal/tree"
)

// TestLoudestFirst: what aclocal would prefer to every known file comes before
// what only looks known, and both before everything else.
func TestLoudestFirst(t *testing.T) {
	modified := provenance.Finding{Path: "a.sh", Kind: tree.File, Label: provenance.ModifiedToolFile, Evidence: "looks known"}
	ahead := provenance.Finding{Path: "z.m4", Kind: tree.File, Label: provenance.Unexplained, Serial: "9", Highest: "8", Evidence: "is ahead"}
	text := documentOf(t, false, []provenance.Finding{modified, ahead, unexplained("b")}).Text(Style{})
	at := -1
	for _, line := range []string{"\n  unexplained, serial ahead of every known release  z.m4\n", "\n      is ahead\n", "\n  tool file, modified  a.sh\n", "\n      looks known\n", "     3 added"} {
		next := strings.Index(text, line)
		if next <= at {
			t.Errorf("%q is not shown, or too early:\n%s", line, text)
		}
		at = next
	}
}

// TestLoudFilesAreBounded: a hundred are named, the others counted.
func TestLoudFilesAreBounded(t *testing.T) {
	for _, c := range []struct {
		files, named int
		more         string
	}{{1, 1, ""}, {100, 100, ""}, {101, 100, "  … and 1 more\n"}, {250, 100, "  … and 150 more\n"}} {
		var findings []provenance.Finding
		for i := range c.files {
			findings = append(findings, provenance.Finding{Path: tree.Path(fmt.Sprintf("%03d.sh", i)), Kind: tree.File, Label: provenance.ModifiedToolFile, Evidence: "looks known"})
		}
		text := documentOf(t, false, findings).Text(Style{})
		if n := strings.Count(text, "\n  tool file, modified  "); n != c.named {
			t.Errorf("of %d files %d are named, want %d", c.files, n, c.named)
		}
		if !strings.Contains(text, c.more) || strings.Contains(text, "… and ") != (c.more != "") {
			t.Errorf("of %d files: there is no %q, or another\n%s", c.files, c.more, text)
		}
	}
}

// sourcesOf reads the sources of the paths of a document's JSON.
func sourcesOf(t *testing.T, d *Document) map[string]*Source {
	t.Helper()
	var back Document
	if err := json.Unmarshal(d.JSON(), &back); err != nil {
		t.Fatal(err)
	}
	sources := make(map[string]*Source)
	for _, p := range back.Paths {
		sources[p.Path] = p.Source
	}
	return sources
}

// TestOriginsAreBounded: the document lists eight origins of one file.
func TestOriginsAreBounded(t *testing.T) {
	for origins, want := range map[int]int{1: 1, 7: 7, 8: 8, 9: 8, 100: 8} {
		f := provenance.Finding{Path: "install-sh", Kind: tree.File, Label: provenance.ToolFile, Evidence: "known"}
		for i := range origins {
			version := fmt.Sprintf("1.%d", i)
			f.Known = append(f.Known, knownfile.Origin{Tool: "automake", First: version, Last: version, Path: "lib/install-sh"})
		}
		known := sourcesOf(t, documentOf(t, false, []provenance.Finding{f}))["install-sh"].Known
		if len(known) != want {
			t.Errorf("of %d origins %d are listed, want %d", origins, len(known), want)
		}
		for i, k := range known {
			if version := fmt.Sprintf("1.%d", i); k.First != version || k.Last != version || k.Tool != "automake" || k.Path != "lib/install-sh" {
				t.Errorf("of %d origins number %d is %+v", origins, i, k)
			}
		}
	}
}

// TestDirectoriesHaveSources: a directory's path ends in a slash, its finding's
// does not.
func TestDirectoriesHaveSources(t *testing.T) {
	directory := provenance.Finding{Path: "m4", Kind: tree.Directory, Label: provenance.Unexplained, Evidence: "a directory that holds nothing"}
	for _, all := range []bool{false, true} {
		sources := sourcesOf(t, documentOf(t, all, []provenance.Finding{directory, unexplained("m")}))
		for p, evidence := range map[string]string{"m4/": "a directory that holds nothing", "m": "nothing"} {
			if s := sources[p]; s == nil || s.Label != "unexplained" || s.Evidence != evidence {
				t.Errorf("all %v: the source of %s is %+v", all, p, s)
			}
		}
	}
}
