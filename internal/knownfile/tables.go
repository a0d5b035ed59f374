package knownfile

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/digest"
)

// tables numbers what the records of an index refer to.
type tables struct {
	tools    map[string]int32
	releases map[release]int32
	paths    map[string]int32
	serials  map[Serial]int32
	forms    map[Form]int32 // one digest may have several: it does not say where lines end
}

func newTables(tools []string) *tables {
	t := &tables{tools: make(map[string]int32), releases: make(map[release]int32), paths: make(map[string]int32),
		serials: make(map[Serial]int32), forms: make(map[Form]int32)}
	for i, tool := range tools {
		t.tools[tool] = int32(i)
	}
	return t
}

func (t *tables) release(tool, version string) release {
	return release{tool: t.tools[tool], version: version}
}

// take notes what a content refers to.
func (t *tables) take(g *gathered) {
	for _, o := range g.origins {
		t.paths[o.Path] = 0
	}
	if s := g.fingerprint.Serial; s != "" {
		t.serials[s] = 0
	}
	if f := g.fingerprint.Form; !f.IsZero() {
		t.forms[f] = 0
	}
}

// sort puts everything in the format's order, and numbers it.
func (t *tables) sort(x *Index) {
	x.releases = slices.SortedFunc(maps.Keys(t.releases), compareReleases)
	x.paths = slices.Sorted(maps.Keys(t.paths))
	x.serials = slices.SortedFunc(maps.Keys(t.serials), compareSerials)
	x.forms = slices.SortedFunc(maps.Keys(t.forms), compareForms)
	for i, r := range x.releases {
		t.releases[r] = int32(i)
	}
	for i, p := range x.paths {
		t.paths[p] = int32(i)
	}
	for i, s := range x.serials {
		t.serials[s] = int32(i)
	}
	for i, f := range x.forms {
		t.forms[f] = int32(i)
	}
}

// compareSpelled tells versions that compare as equal ("1.01" and "1.1") apart by
// their bytes.
func compareSpelled(a, b string) int { return cmp.Or(CompareVersions(a, b), strings.Compare(a, b)) }

func compareReleases(a, b release) int {
	return cmp.Or(cmp.Compare(a.tool, b.tool), compareSpelled(a.version, b.version))
}

func compareSerials(a, b Serial) int {
	return cmp.Or(a.Compare(b), strings.Compare(string(a), string(b)))
}

func compareForms(a, b Form) int {
	return cmp.Or(bytes.Compare(a.Digest[:], b.Digest[:]), bytes.Compare(a.Sketch[:], b.Sketch[:]), cmp.Compare(a.Lines, b.Lines))
}

func compareOrigins(releases []release, a, b origin) int {
	return cmp.Or(cmp.Compare(releases[a.first].tool, releases[b.first].tool), cmp.Compare(a.path, b.path))
}

func (t *tables) record(sum digest.SHA256, g *gathered, releases []release) record {
	r := record{sum: sum, form: -1, serial: -1}
	if s := g.fingerprint.Serial; s != "" {
		r.serial = t.serials[s]
	}
	if f := g.fingerprint.Form; !f.IsZero() {
		r.form = t.forms[f]
	}
	for _, o := range g.origins {
		r.origins = append(r.origins, origin{path: t.paths[o.Path], first: t.releases[t.release(o.Tool, o.First)], last: t.releases[t.release(o.Tool, o.Last)]})
	}
	slices.SortFunc(r.origins, func(a, b origin) int { return compareOrigins(releases, a, b) })
	return r
}
