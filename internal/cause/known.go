package cause

import (
	"path"

	"github.com/countermark/countermark/internal/knownfile"
)

// addKnown says of which releases of which tools the two sides are.
func (d *Difference) addKnown(p *Pair) {
	name := path.Base(string(p.Path))
	here, there := named(p.Ours.Known, name), named(p.Theirs.Known, name)
	switch {
	case len(here) > 0 && len(there) > 0:
		a, b := closest(here, there, name)
		d.add(Cause{Kind: ToolFile, Sentence: "byte for byte the file is of " + release(b) + " there, of " + release(a) + " here"})
	case len(here) > 0:
		d.add(Cause{Kind: AlteredFile, Remaining: d.Left, Sentence: "here it is byte for byte of " + release(knownfile.Best(here, name)) +
			"; there it is no file that is known" + nearest(p.Theirs.Nearest)})
	case len(there) > 0:
		d.add(Cause{Kind: AlteredFile, Remaining: d.Left, Sentence: "there it is byte for byte of " + release(knownfile.Best(there, name)) +
			"; here it is no file that is known" + nearest(p.Ours.Nearest)})
	}
}

// named returns the origins of the same base name: a tool's file under another
// one's name is no version of it.
func named(origins []knownfile.Origin, name string) []knownfile.Origin {
	var some []knownfile.Origin
	for _, o := range origins {
		if path.Base(o.Path) == name {
			some = append(some, o)
		}
	}
	return some
}

// closest returns an origin of each side: of one tool, if there is one that
// ships both; gnulib only if no other does, since it names days, not releases.
func closest(here, there []knownfile.Origin, name string) (a, b knownfile.Origin) {
	if a, b, ok := sameTool(here, there, func(tool string) bool { return tool != "gnulib" }); ok {
		return a, b
	}
	if !hasOther(here) || !hasOther(there) {
		if a, b, ok := sameTool(here, there, func(tool string) bool { return tool == "gnulib" }); ok {
			return a, b
		}
	}
	return knownfile.Best(here, name), knownfile.Best(there, name)
}

// sameTool returns the first origin of each side that is of the same tool, one
// that is wanted.
func sameTool(here, there []knownfile.Origin, wanted func(tool string) bool) (a, b knownfile.Origin, ok bool) {
	for _, a := range here {
		for _, b := range there {
			if a.Tool == b.Tool && wanted(a.Tool) {
				return a, b, true
			}
		}
	}
	return a, b, false
}

// hasOther reports whether a tool other than gnulib ships the file.
func hasOther(origins []knownfile.Origin) bool {
	for _, o := range origins {
		if o.Tool != "gnulib" {
			return true
		}
	}
	return false
}

func release(o knownfile.Origin) string { return o.Tool + " " + o.Versions() }

// nearest says what an unknown file is most like.
func nearest(m *knownfile.Match) string {
	if m == nil {
		return ""
	}
	said := ", most like that of " + m.Tool + " " + m.Near()
	if m.SameForm {
		return said + ", and the same but for white space and comments"
	}
	return said
}
