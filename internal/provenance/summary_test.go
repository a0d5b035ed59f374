package provenance

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/knownfile"
	"github.com/countermark/countermark/internal/tree"
)

// TestSummarize counts by label and tool, the most frequent tool first.
func TestSummarize(t *testing.T) {
	origin := func(tool, first, last string) knownfile.Origin {
		return knownfile.Origin{Tool: tool, First: first, Last: last, Path: "x"}
	}
	toolFile := func(tool string, known ...knownfile.Origin) Finding {
		return Finding{Label: ToolFile, Tool: tool, Version: known[0].Last, Known: known}
	}
	findings := []Finding{
		{Change: OtherChange}, {Change: KnownToolFile, Tool: "gettext", Version: "0.21"}, {Change: KnownToolFile, Tool: "gettext", Version: "0.22"}, {},
		toolFile("gettext", origin("gettext", "0.19", "0.21")),
		toolFile("gettext", origin("gettext", "0.20", "0.22"), origin("gnulib", "1", "2")),
		toolFile("gettext", origin("gettext", "0.20", "0.20"), origin("gettext", "0.21", "0.22")),
		toolFile("automake", origin("automake", "1.9", "1.16")),
		toolFile("automake", origin("automake", "1.17", "1.18")),
		toolFile("libtool", origin("libtool", "2.4.7", "2.4.7"), origin("gnulib", "1", "9")),
		{Label: Derived, Tool: "bison", Version: "3.8.2"}, {Label: Derived, Tool: "bison", Version: "3.8.1"}, {Label: Derived, Tool: "bison", Version: "3.8.2"}, {Label: Derived},
		{Label: Unexplained},
	}
	want := []Group{
		{Label: ToolFile, Files: 6, Tools: []ToolCount{{"gettext", "0.20 to 0.21", 3}, {"automake", "", 2}, {"libtool", "2.4.7", 1}}},
		{Label: Derived, Files: 4, Tools: []ToolCount{{"bison", "3.8.2", 2}, {"bison", "3.8.1", 1}}},
		{Label: Unexplained, Files: 1},
		{Change: KnownToolFile, Files: 2, Tools: []ToolCount{{"gettext", "", 2}}},
		{Change: OtherChange, Files: 1},
		{Change: ChangeUnknown, Files: 1},
	}
	if got := Summarize(findings); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got := Summarize(nil); len(got) != 0 {
		t.Errorf("of nothing: %+v", got)
	}
}

// TestNames: every label and change has a name of its own, and no other value.
func TestNames(t *testing.T) {
	seen := map[string]bool{"": true}
	for i, l := range Labels() {
		if int(l) != i+1 || seen[l.String()] || strings.Contains(l.String(), "(") {
			t.Errorf("label %d is %q", l, l)
		}
		seen[l.String()] = true
	}
	if l := Label(len(Labels()) + 1); l.String() != fmt.Sprintf("Label(%d)", uint8(l)) {
		t.Errorf("one label more is %q", l)
	}
	seen = map[string]bool{"": true}
	for _, c := range Changes() {
		if seen[c.String()] || strings.Contains(c.String(), "(") {
			t.Errorf("change %d is %q", c, c)
		}
		seen[c.String()] = true
	}
	if c := Change(len(Changes())); c.String() != fmt.Sprintf("Change(%d)", uint8(c)) || len(seen) != int(OtherChange)+2 {
		t.Errorf("one change more is %q; %d changes have names", c, len(seen)-1)
	}
}

// FuzzJudge: whatever is added has a label, and is a tool's file only if the
// index has its SHA-256.
func FuzzJudge(f *testing.F) {
	for _, h := range headers[:20] {
		f.Add(h.name, h.text, "m4/"+h.name, m4File("4"))
	}
	f.Add("po/de.po", dePO, "po/de.gmo", deGMO)
	f.Add("m4/host.m4", m4File("30"), "a.in", "@X@\n")
	f.Add("man/xz.1", ".so xz.1\n", "ChangeLog", "2024-01-31  A B  <a@example.org>\n\n\tsubject\n")
	index := gnu(f)
	f.Fuzz(func(t *testing.T, name, content, other, text string) {
		for _, p := range []string{name, other} {
			if _, err := tree.ParsePath(p); err != nil {
				return
			}
		}
		if overlap := strings.HasPrefix(name+"/", other+"/") || strings.HasPrefix(other+"/", name+"/"); overlap {
			return
		}
		w := &world{index: index, subject: "subject", commit: []member{file(other, text+"x")}, archive: []member{file(name, content), file(other, text)}}
		if len(text)%2 == 0 {
			w.commit = []member{file(name+".in", text)}
		}
		for _, f := range w.judge(t) {
			m := w.archive[w.find(string(f.Path))]
			if known := len(index.Find(m.sum())) > 0 && m.content != ""; known != (f.Label == ToolFile || f.Change == KnownToolFile) {
				t.Fatalf("%q: %v, %v, in the index: %v", f.Path, f.Label, f.Change, known)
			}
		}
		Summarize(w.judge(t))
	})
}
