package cause

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/tree"
)

// addCompanion gives a file that says which tool it is of, and not which version
// on both sides, the versions that another file of the tool states: autoheader's
// header has none, the one of configure beside it has.
func (d *Difference) addCompanion(all []Difference) {
	if slices.ContainsFunc(d.Causes, func(c Cause) bool { return c.Kind == ToolVersion }) {
		return
	}
	tool := unversioned(d.marks)
	if tool == "" {
		return
	}
	best, at := [2]mark{}, -1
	for i := range all {
		for _, p := range pairMarks(all[i].marks) {
			if p[ours].tool == tool && p[theirs].tool == tool && p[ours].what == "" && p[ours].version != "" && p[theirs].version != "" &&
				(at < 0 || nearer(all[i].Path, all[at].Path, d.Path)) {
				best, at = p, i
			}
		}
	}
	if at < 0 {
		return
	}
	c := Cause{Kind: ToolVersion, Remaining: d.size(), Sentence: "it is a file of " + tool + " that does not say of which version; " + string(all[at].Path) +
		" says " + best[theirs].version + " there, " + best[ours].version + " here" + rest(d.size())}
	c.Evidence = []Evidence{{Ours: shown(best[ours].line), Theirs: shown(best[theirs].line), File: all[at].Path}}
	d.add(c)
}

// unversioned returns the tool that both sides name without a version.
func unversioned(marks [2][]mark) string {
	for _, a := range marks[ours] {
		for _, b := range marks[theirs] {
			if a.tool == b.tool && a.stamp == b.stamp && a.version == "" && b.version == "" {
				return a.tool
			}
		}
	}
	return ""
}

// nearer reports whether a is nearer than b to a path: in its directory, else
// the one whose path is shorter.
func nearer(a, b, to tree.Path) bool {
	if in, other := a.Dir() == to.Dir(), b.Dir() == to.Dir(); in != other {
		return in
	}
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) < 0
}

// What is made of what, as far as it can be told from names: autoconf, aclocal,
// autoheader and automake read m4 files.
var (
	fromMacros = regexp.MustCompile(`^(?:configure|aclocal\.m4|.*\.in)$`)
	macros     = regexp.MustCompile(`^(?:.*\.m4|configure\.(?:ac|in)|Makefile\.am)$`)
	// sources are those of generators that write a file beside its source.
	sources = regexp.MustCompile(`^(.*)\.(?:y|yy|ypp|l|ll|lpp|lex|re|rl|gperf|pyx|proto|i|xs|vala)$`)
)

// isInput reports whether a file may be made of another one.
func isInput(output, input tree.Path) bool {
	out, in := path.Base(string(output)), path.Base(string(input))
	if output == input {
		return false
	}
	if m := sources.FindStringSubmatch(in); m != nil {
		return output.Dir() == input.Dir() && strings.HasPrefix(out, m[1]+".")
	}
	if !fromMacros.MatchString(out) || !macros.MatchString(in) {
		return false
	}
	return out != "aclocal.m4" || in != "configure.ac"
}

// input is a file of which others may be made.
type input struct {
	path  tree.Path
	lines [2]map[string]bool // that differ, of either side, by what counts of them
}

// inputsOf returns the files that others may be made of, with what differs in
// them.
func inputsOf(all []Difference) []input {
	var inputs []input
	for i := range all {
		if base := path.Base(string(all[i].Path)); macros.MatchString(base) || sources.MatchString(base) {
			inputs = append(inputs, input{all[i].Path, [2]map[string]bool{essences(all[i].changed[ours]), essences(all[i].changed[theirs])}})
		}
	}
	return inputs
}

// minEssence is what a line must have to be known again, in bytes: "fi", "])"
// and "else" are in every file.
const minEssence = 8

// quadrigraphs is how m4 files write what m4 would act upon (autoconf manual,
// "Quadrigraphs"), and its quotes, which it takes away.
var quadrigraphs = strings.NewReplacer("@<:@", "", "@:>@", "", "@S|@", "$", "@%:@", "#", "[", "", "]", "", " ", "", "\t", "", "\r", "")

// essence is what of a line in an m4 file is also in what m4 makes of it.
func essence(text string) (string, bool) {
	text = quadrigraphs.Replace(text)
	return text, len(text) >= minEssence
}

// essences is what counts of lines.
func essences(lines []line) map[string]bool {
	all := make(map[string]bool, len(lines))
	for _, l := range lines {
		if words, ok := essence(l.text); ok {
			all[words] = true
		}
	}
	return all
}

// share is what of a difference is also in an input.
type share struct {
	path  tree.Path
	lines [2][]line
}

func (s *share) count() int { return len(s.lines[ours]) + len(s.lines[theirs]) }

// shareOf returns what of a difference is also in that of an input, on the same
// side.
func (d *Difference) shareOf(x *input) share {
	s := share{path: x.path}
	for side, lines := range d.changed {
		for _, l := range lines {
			if words, ok := essence(l.text); ok && x.lines[side][words] {
				s.lines[side] = append(s.lines[side], l)
			}
		}
	}
	return s
}

// addConsequence says of how many lines the difference is that of another file,
// from which this one is made.
func (d *Difference) addConsequence(inputs []input) {
	var shares []share
	found := [2]map[int]bool{{}, {}}
	c := Cause{Kind: Consequence}
	for i := range inputs {
		if !isInput(d.Path, inputs[i].path) {
			continue
		}
		s := d.shareOf(&inputs[i])
		if s.count() == 0 {
			continue
		}
		shares = append(shares, s)
		for _, l := range s.lines[ours] {
			found[ours][l.number] = true
			c.Evidence = append(c.Evidence, Evidence{Ours: shown(l)})
		}
		for _, l := range s.lines[theirs] {
			found[theirs][l.number] = true
			c.Evidence = append(c.Evidence, Evidence{Theirs: shown(l)})
		}
		c.Evidence = first(c.Evidence)
	}
	if len(shares) == 0 {
		return
	}
	slices.SortStableFunc(shares, func(a, b share) int { return cmp.Compare(b.count(), a.count()) })
	var names []string
	for _, s := range shares {
		c.Inputs = append(c.Inputs, s.path)
		names = append(names, string(s.path)+" ("+count(s.count(), "line")+")")
	}
	explained := len(found[ours]) + len(found[theirs])
	c.Remaining, d.Left = d.size()-explained, d.Left-explained
	c.Sentence = count(explained, "line") + " that " + verb(explained, "differs is", "differ are") +
		" among those that differ in files it is made from: " + strings.Join(names, ", ")
	if m, ok := sameMark(d.marks); ok {
		c.Sentence += "; the header says " + m.name() + " on both sides"
	}
	c.Sentence += "; see there why those differ"
	d.add(c)
}
