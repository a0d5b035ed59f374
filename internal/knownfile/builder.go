package knownfile

import (
	"fmt"
	"slices"

	"github.com/countermark/countermark/internal/digest"
)

// Builder collects known files. The zero value is ready.
type Builder struct {
	tools    []string                   // in the order in which they first came
	versions map[string]map[string]bool // of each tool, also those that ship nothing new
	known    map[digest.SHA256]*gathered
}

// gathered is what is known so far of one content.
type gathered struct {
	fingerprint Fingerprint
	origins     []Origin
	at          map[place]int // where origins has each, once there are many
}

// place is what the releases of one origin have in common.
type place struct{ tool, path string }

// fewOrigins are looked through one by one.
const fewOrigins = 16

// find returns the number of the origin of that place, -1 for none.
func (g *gathered) find(p place) int {
	if len(g.origins) < fewOrigins {
		return slices.IndexFunc(g.origins, func(o Origin) bool { return o.Tool == p.tool && o.Path == p.path })
	}
	if g.at == nil {
		g.at = make(map[place]int)
		for i, o := range g.origins {
			g.at[place{o.Tool, o.Path}] = i
		}
	}
	if i, found := g.at[p]; found {
		return i
	}
	return -1
}

// take adds an origin, or widens the range of the one of its place.
func (g *gathered) take(o Origin) {
	p := place{o.Tool, o.Path}
	i := g.find(p)
	if i < 0 {
		if g.at != nil {
			g.at[p] = len(g.origins)
		}
		g.origins = append(g.origins, o)
		return
	}
	if have := &g.origins[i]; compareSpelled(o.First, have.First) < 0 {
		have.First = o.First
	}
	if have := &g.origins[i]; compareSpelled(o.Last, have.Last) > 0 {
		have.Last = o.Last
	}
}

// Add says that a release of a tool ships a file at a path. The error says that
// a name or number is outside the format's limits.
func (b *Builder) Add(tool, version, path string, f Fingerprint) error {
	return b.add(Origin{Tool: tool, First: version, Last: version, Path: path}, f)
}

func (b *Builder) add(o Origin, f Fingerprint) error {
	switch {
	case !isName(o.Tool) || !isName(o.First) || !isName(o.Last):
		return fmt.Errorf("the tool %q, version %q: expected 1 to %d printable ASCII characters without space for each", o.Tool, o.First, maxNameBytes)
	case !isPath(o.Path):
		return fmt.Errorf("the path %q: expected 1 to %d bytes that do not end in a slash", o.Path, maxPathBytes)
	case f.Form.Lines > maxLines:
		return fmt.Errorf("the content %v: it has more than %d lines", f.SHA256, maxLines)
	}
	if b.known == nil {
		b.known = make(map[digest.SHA256]*gathered)
	}
	b.addVersion(o.Tool, o.First)
	b.addVersion(o.Tool, o.Last)
	g := b.known[f.SHA256]
	if g == nil {
		g = &gathered{fingerprint: f}
		b.known[f.SHA256] = g
	}
	if f.Serial != "" {
		g.fingerprint.Serial = f.Serial // another name may hide that it is m4
	}
	g.take(o)
	if len(g.origins) > maxOrigins {
		return fmt.Errorf("the content %v: it is at more than %d places", f.SHA256, maxOrigins)
	}
	return nil
}

func (b *Builder) addVersion(tool, version string) {
	if b.versions == nil {
		b.versions = make(map[string]map[string]bool)
	}
	if b.versions[tool] == nil {
		b.versions[tool] = make(map[string]bool)
		b.tools = append(b.tools, tool)
	}
	b.versions[tool][version] = true
}

// AddIndex adds all that an index knows.
func (b *Builder) AddIndex(x *Index) error {
	for _, r := range x.releases {
		b.addVersion(x.tools[r.tool], r.version)
	}
	for i := range x.records {
		r := &x.records[i]
		f := Fingerprint{SHA256: r.sum}
		if r.form >= 0 {
			f.Form = x.forms[r.form]
		}
		if r.serial >= 0 {
			f.Serial = x.serials[r.serial]
		}
		for _, o := range r.origins {
			if err := b.add(x.origin(o), f); err != nil {
				return err
			}
		}
	}
	return nil
}

// Len returns the number of different contents so far.
func (b *Builder) Len() int { return len(b.known) }

// Index returns the index of all that was added. It is the same whatever the
// order, but for the order of the tools: that in which they first came. The
// error says which limit of the format is passed.
func (b *Builder) Index() (*Index, error) {
	x := &Index{tools: slices.Clone(b.tools)}
	t := newTables(x.tools)
	for tool, versions := range b.versions {
		for version := range versions {
			t.releases[t.release(tool, version)] = 0
		}
	}
	for _, g := range b.known {
		t.take(g)
	}
	t.sort(x)
	for sum, g := range b.known {
		x.records = append(x.records, t.record(sum, g, x.releases))
	}
	slices.SortFunc(x.records, func(a, b record) int { return slices.Compare(a.sum[:], b.sum[:]) })
	if err := x.check(); err != nil {
		return nil, fmt.Errorf("making the index: %w", err)
	}
	x.prepare()
	return x, nil
}
