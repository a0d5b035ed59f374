package provenance

import (
	"cmp"
	"slices"

	"github.com/countermark/countermark/internal/knownfile"
)

// Group is the files of one label, or of one change.
type Group struct {
	Label  Label  // 0: a change
	Change Change // meant if Label is 0
	Files  int
	Tools  []ToolCount // the most frequent first; files of which nothing says the tool are in none
}

// ToolCount is how many files of a group come from one tool.
type ToolCount struct {
	Tool     string
	Versions string // of tool files: those that ship all of these files, "" if none does; else what the files say
	Files    int
}

// Summarize counts findings: one group for each label, then one for each change,
// those that occur, in the order of the specification.
func Summarize(findings []Finding) []Group {
	var groups []Group
	for _, label := range Labels() {
		groups = appendGroup(groups, Group{Label: label}, findings)
	}
	for _, change := range Changes() {
		groups = appendGroup(groups, Group{Change: change}, findings)
	}
	return groups
}

func appendGroup(groups []Group, g Group, findings []Finding) []Group {
	tools := make(map[[2]string][]*Finding)
	for i := range findings {
		f := &findings[i]
		if f.Label != g.Label || f.Label == 0 && f.Change != g.Change {
			continue
		}
		g.Files++
		key := [2]string{f.Tool, f.Version}
		if g.Label == ToolFile || g.Label == 0 {
			key[1] = ""
		}
		if f.Tool != "" {
			tools[key] = append(tools[key], f)
		}
	}
	if g.Files == 0 {
		return groups
	}
	for key, of := range tools {
		c := ToolCount{Tool: key[0], Versions: key[1], Files: len(of)}
		if g.Label == ToolFile {
			c.Versions = commonVersions(key[0], of)
		}
		g.Tools = append(g.Tools, c)
	}
	slices.SortFunc(g.Tools, func(a, b ToolCount) int {
		return cmp.Or(cmp.Compare(b.Files, a.Files), cmp.Compare(a.Tool, b.Tool), cmp.Compare(a.Versions, b.Versions))
	})
	return append(groups, g)
}

// commonVersions returns the versions of a tool that may have shipped all the
// files, "" if there are none.
func commonVersions(tool string, files []*Finding) string {
	var common knownfile.Origin
	for i, f := range files {
		o := versionsOf(tool, f.Known)
		if i == 0 || knownfile.CompareVersions(o.First, common.First) > 0 {
			common.First = o.First
		}
		if i == 0 || knownfile.CompareVersions(o.Last, common.Last) < 0 {
			common.Last = o.Last
		}
	}
	if knownfile.CompareVersions(common.First, common.Last) > 0 {
		return ""
	}
	return common.Versions()
}

// versionsOf returns the first and the last version in which a tool ships a
// content, at whatever paths.
func versionsOf(tool string, known []knownfile.Origin) knownfile.Origin {
	var all knownfile.Origin
	for _, o := range known {
		if o.Tool != tool {
			continue
		}
		if all.First == "" || knownfile.CompareVersions(o.First, all.First) < 0 {
			all.First = o.First
		}
		if all.Last == "" || knownfile.CompareVersions(o.Last, all.Last) > 0 {
			all.Last = o.Last
		}
	}
	return all
}
