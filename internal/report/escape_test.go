package report

import (
	"fmt"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/claim"
	"github.com/countermark/countermark/internal/knownfile"
	"github.com/countermark/countermark/internal/provenance"
	"github.com/countermark/countermark/internal/tree"
)

// hostile returns a text that begins with a word, and then has what a terminal
// obeys, what turns the direction of writing, and a backslash.
func hostile(word string) string { return word + "\x1b[2J\u202e\\z" }

// escaped is what is to be shown of it, whatever place it is shown in.
func escaped(word string) string { return word + `\x1b[2J\u202e\\z` }

// hostileFindings have such a text in every place that an input can fill.
func hostileFindings() []provenance.Finding {
	origin := func(word string) *knownfile.Origin {
		return &knownfile.Origin{Tool: hostile(word + "-tool"), First: hostile(word + "-first"), Last: hostile(word + "-last"), Path: hostile("m4/" + word)}
	}
	file := func(word string, l provenance.Label) provenance.Finding {
		return provenance.Finding{Path: tree.Path(hostile(word)), Kind: tree.File, Label: l, Evidence: hostile(word + "-evidence")}
	}
	modified := file("modified", provenance.ModifiedToolFile)
	modified.Tool, modified.Version = hostile("modified-tool"), hostile("modified-version")
	ahead := file("ahead.m4", provenance.Unexplained)
	ahead.Serial, ahead.Highest = "9", "8"
	namesake := file("namesake", provenance.Unexplained)
	namesake.Namesake = origin("namesake")
	known := file("known", provenance.ToolFile)
	known.Known, known.Tool, known.Version = []knownfile.Origin{*origin("known")}, hostile("known-tool"), hostile("known-version")
	claimed := file("claimed", provenance.Unexplained)
	claimed.Claim = claim.Claim{Line: 1, Text: hostile("claimed-text")}
	derived := file("derived", provenance.Derived)
	derived.Tool, derived.Version = hostile("derived-tool"), hostile("derived-version")
	directory := file("directory", provenance.Unexplained)
	directory.Kind = tree.Directory
	changed := file("changed", 0)
	changed.Kind, changed.Change = tree.Symlink, provenance.OtherChange
	return []provenance.Finding{modified, ahead, namesake, known, claimed, derived, directory, changed}
}

// checkEscaped holds a text to what must be in it, and to what must not.
func checkEscaped(t *testing.T, name, text string, words ...string) {
	t.Helper()
	for _, raw := range []string{"\x1b", "\u202e"} {
		if strings.Contains(text, raw) {
			t.Errorf("%s: %q is shown as it is:\n%q", name, raw, text)
		}
	}
	for _, word := range words {
		if !strings.Contains(text, escaped(word)) {
			t.Errorf("%s: %s is not shown:\n%s", name, escaped(word), text)
		}
	}
	if n, want := strings.Count(text, `\z`), strings.Count(text, `\\z`); n != want {
		t.Errorf("%s: of %d backslashes %d are escaped:\n%s", name, n, want, text)
	}
}

// TestTextIsEscaped: what comes from an archive or an index is shown, and
// obeyed by nothing.
func TestTextIsEscaped(t *testing.T) {
	for _, width := range []int{0, 40} {
		brief := documentOf(t, false, hostileFindings())
		checkEscaped(t, fmt.Sprintf("text, %d columns", width), brief.Text(Style{Width: width}),
			"modified", "modified-evidence", "ahead.m4", "ahead.m4-evidence", "namesake", "namesake-tool", "namesake-evidence",
			"claimed", "directory", "changed", "known-tool", "derived-tool", "derived-version")
		all := documentOf(t, true, hostileFindings())
		var words []string
		for _, f := range hostileFindings() {
			word, _, _ := strings.Cut(string(f.Path), "\x1b")
			words = append(words, word, word+"-evidence")
		}
		checkEscaped(t, fmt.Sprintf("all, %d columns", width), all.Text(Style{Width: width, All: true}), words...)
	}
}

// TestEachPathIsEscaped: a class of one label, few paths and many.
func TestEachPathIsEscaped(t *testing.T) {
	for _, n := range []int{1, 2, maxNamed + 5} {
		var added, changed []provenance.Finding
		for i := range n {
			added = append(added, unexplained(hostile(fmt.Sprintf("added%d", i))))
			changed = append(changed, provenance.Finding{Path: tree.Path(hostile(fmt.Sprintf("changed%d", i))), Kind: tree.Symlink, Change: provenance.OtherChange})
		}
		for name, findings := range map[string][]provenance.Finding{"added": added, "changed": changed, "both": append(added[:n:n], changed...)} {
			var words []string
			for _, f := range findings {
				if word, _, _ := strings.Cut(string(f.Path), "\x1b"); n <= maxNamed {
					words = append(words, word)
				}
			}
			checkEscaped(t, fmt.Sprintf("%d %s", n, name), documentOf(t, false, findings).Text(Style{}), words...)
		}
	}
}

// TestExplanationIsEscaped: what --explain shows of each file.
func TestExplanationIsEscaped(t *testing.T) {
	for _, f := range hostileFindings() {
		for _, all := range []bool{false, true} {
			d := documentOf(t, all, hostileFindings())
			d.Explanation = &Explanation{Path: string(f.Path), Detail: hostile("detail"), DiffFrom: hostile("from"),
				Diff: []string{"+\x1b[2Ja\t\u202e", "-\x1b[2Jb", " \u202ec"}}
			word, _, _ := strings.Cut(string(f.Path), "\x1b")
			words := []string{word, word + "-evidence", "detail", "from"}
			switch word {
			case "known":
				words = append(words, "known-tool", "known-first", "known-last", "m4/known")
			case "namesake":
				words = append(words, "namesake-tool")
			case "claimed":
				words = append(words, "claimed-text")
			}
			text := d.Text(Style{All: all})
			checkEscaped(t, "explaining "+word, text, words...)
			for _, line := range []string{`  +\x1b[2Ja    \u202e`, `  -\x1b[2Jb`, `   \u202ec`} {
				if !strings.Contains(text, line+"\n") {
					t.Errorf("explaining %s: there is no line %q:\n%s", word, line, text)
				}
			}
		}
	}
}
