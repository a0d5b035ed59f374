// Package knownfile knows the files that build tools ship to be copied into
// other projects: gettext's m4/nls.m4, automake's install-sh, gnulib's
// build-aux/config.guess. An Index maps the SHA-256 of such a file to the tool,
// the versions and the path that it was shipped as. Of text it also knows the
// form (what is left without comment lines and white space) and, of m4 files,
// the serial number, so that a file that was changed is held to the version
// that it came from.
//
// Index files are binary; docs/spec/index.md specifies them. A file and the
// index that it holds determine each other byte for byte.
package knownfile

import (
	"bytes"
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/digest"
)

// Origin is one place that a content was shipped in: a path within some
// releases of a tool. Not every version between First and Last need hold it.
type Origin struct {
	Tool  string
	First string // the lowest version that is known to ship it
	Last  string // the highest
	Path  string // slash-separated, within the release
}

// Versions returns "0.21", or "0.19.8 to 0.21" for several; packagings of one
// version (2.4.7 and 2.4.7-7) are named by the version.
func (o Origin) Versions() string {
	if o.First == o.Last || strings.HasPrefix(o.Last, o.First+"-") {
		return o.First
	}
	return o.First + " to " + o.Last
}

// IsVersionAtLeast reports whether a release of the tool of at least this version
// ships the content.
func (o Origin) IsVersionAtLeast(tool, version string) bool {
	return o.Tool == tool && CompareVersions(o.Last, version) >= 0
}

// record is what an index knows of one content.
type record struct {
	sum     digest.SHA256
	form    int32 // index into forms, -1 for none
	serial  int32 // index into serials, -1 for none
	origins []origin
}

// origin is an Origin in terms of the index's tables.
type origin struct {
	path        int32
	first, last int32 // releases of one tool
}

// release is one version of a tool.
type release struct {
	tool    int32
	version string
}

// Index is a set of known files. It is made by Parse or Builder.Index, is not
// changed afterwards, and may be used by several goroutines. The zero value
// knows nothing.
type Index struct {
	tools    []string
	releases []release          // by tool, then version
	paths    []string           // sorted
	serials  []Serial           // sorted
	forms    []Form             // sorted, by digest first
	records  []record           // sorted by sum
	byName   map[string][]int32 // records by base name
	byBin    binTable
}

// Counts says how large an index is.
type Counts struct {
	Tools, Releases, Paths, Forms, Files int
}

// Counts returns the sizes of the index's tables.
func (x *Index) Counts() Counts {
	return Counts{Tools: len(x.tools), Releases: len(x.releases), Paths: len(x.paths), Forms: len(x.forms), Files: len(x.records)}
}

// ToolVersions returns the number of known releases of each tool, with the
// lowest and the highest version, in the order of the index.
func (x *Index) ToolVersions() []ToolVersions {
	all := make([]ToolVersions, len(x.tools))
	for i, r := range x.releases {
		t := &all[r.tool]
		if t.Releases++; t.Releases == 1 {
			t.Tool, t.First = x.tools[r.tool], r.version
		}
		t.Last = x.releases[i].version
	}
	for _, r := range x.records {
		seen := int32(-1)
		for _, o := range r.origins {
			if tool := x.releases[o.first].tool; tool != seen {
				all[tool].Files++
				seen = tool
			}
		}
	}
	return all
}

// ToolVersions is what an index knows of one tool.
type ToolVersions struct {
	Tool        string
	First, Last string // versions
	Releases    int
	Files       int // different contents
}

// Find returns where a content was shipped, nil if it is not known: in the
// order of the index's tools, and of the paths of each.
func (x *Index) Find(sum digest.SHA256) []Origin {
	i, found := slices.BinarySearchFunc(x.records, sum, func(r record, sum digest.SHA256) int { return slices.Compare(r.sum[:], sum[:]) })
	if !found {
		return nil
	}
	return x.originsOf(&x.records[i])
}

func (x *Index) originsOf(r *record) []Origin {
	origins := make([]Origin, len(r.origins))
	for i, o := range r.origins {
		origins[i] = x.origin(o)
	}
	return origins
}

func (x *Index) origin(o origin) Origin {
	return Origin{Tool: x.tools[x.releases[o.first].tool], First: x.releases[o.first].version, Last: x.releases[o.last].version, Path: x.paths[o.path]}
}

// Best returns the origin that describes a file of the given base name best:
// the first one of that name that is the tool's own, else the first of that
// name, else the first.
func Best(origins []Origin, name string) Origin {
	best, found := origins[0], false
	for _, o := range origins {
		switch {
		case path.Base(o.Path) != name:
		case !o.IsBorrowed():
			return o
		case !found:
			best, found = o, true
		}
	}
	return best
}

// IsBorrowed reports whether the file is another tool's, which this one ships for
// its own use: what gettext has in build-aux is automake's and gnulib's
// (gettext's autogen.sh), but for config.rpath.
func (o Origin) IsBorrowed() bool {
	return o.Tool == "gettext" && path.Base(path.Dir(o.Path)) == "build-aux" && path.Base(o.Path) != "config.rpath"
}

// HighestSerial returns the highest serial number that any known m4 file of the
// given base name has, and where that was shipped; ok is false if none has one.
func (x *Index) HighestSerial(name string) (serial Serial, where Origin, ok bool) {
	for _, i := range x.byName[name] {
		r := &x.records[i]
		if r.serial < 0 || ok && x.serials[r.serial].Compare(serial) <= 0 {
			continue
		}
		serial, where, ok = x.serials[r.serial], Best(x.originsOf(r), name), true
	}
	return serial, where, ok
}

// Match is a known file that is like a given one, but not the same.
type Match struct {
	Origin
	AsNear   Origin // the lowest and the highest version of the tool that ship a file which is as near, as far as can be told
	SHA256   digest.SHA256
	Serial   Serial // "" for none
	SameForm bool   // the same but for white space and what looks like comment lines
	Percent  int    // of the different lines of both, those that are in both; estimated
	apart    int    // by how much the numbers of lines differ
	rank     int32  // of the tool, in the index
}

// Near returns the versions of AsNear; the packagings of one version are told
// apart, since what they ship differs.
func (m *Match) Near() string {
	if m.AsNear.First == m.AsNear.Last {
		return m.AsNear.First
	}
	return m.AsNear.First + " to " + m.AsNear.Last
}

// By how much a content must be like a known file to pass for a changed version
// of it, in percent of the lines: of one of its base name, and of another. Of
// the samples at least minSame must be the same: two unrelated ones are by
// chance once in 255 times.
const (
	MinPercentSameName  = 25
	MinPercentOtherName = 75

	minSame          = 3
	minSameOtherName = 12
)

// Nearest returns the known file of the given base name that a content is most
// like; ok is false if it is like none. It is decided by, in this order: the
// form, the share of common lines up to closePercent, the serial number, the
// number of lines, the share of common lines, and the release: a tool's own before
// a packager's, the index's first tool, the highest version.
func (x *Index) Nearest(name string, f Fingerprint) (best Match, ok bool) {
	var like []Match
	for _, i := range x.byName[name] {
		if m := x.match(&x.records[i], name, f); m.SameForm || m.Percent >= MinPercentSameName {
			like = append(like, m)
		}
	}
	return nearestOf(like, f.Serial)
}

// nearestOf returns the best of some matches, with those that are as near.
func nearestOf(like []Match, serial Serial) (best Match, ok bool) {
	for i, m := range like {
		if i == 0 || m.better(best, serial) {
			best = m
		}
	}
	best.AsNear = best.Origin
	for _, m := range like {
		if m.Tool != best.Tool || m.nearness(best, serial) != 0 {
			continue
		}
		if CompareVersions(m.First, best.AsNear.First) < 0 {
			best.AsNear.First = m.First
		}
		if CompareVersions(m.Last, best.AsNear.Last) > 0 {
			best.AsNear.Last = m.Last
		}
	}
	return best, len(like) > 0
}

// NearestOfAnyName is Nearest among all files, where it takes more to be like one.
func (x *Index) NearestOfAnyName(name string, f Fingerprint) (best Match, ok bool) {
	if f.Form.IsZero() {
		return Match{}, false
	}
	near := x.formsLike(f.Form)
	if len(near) == 0 {
		return Match{}, false
	}
	var like []Match
	for i := range x.records {
		if near[x.records[i].form] {
			like = append(like, x.match(&x.records[i], name, f))
		}
	}
	return nearestOf(like, f.Serial)
}

// formsLike returns the forms that have enough in common with the given one. Of
// the n bins that the given one fills, at most n-need differ in such a form, so
// that one of any n-need+1 is the same: those are looked up.
func (x *Index) formsLike(f Form) map[int32]bool {
	var filled []int
	for bin, b := range f.Sketch {
		if b != 0 {
			filled = append(filled, bin)
		}
	}
	need := max(minSameOtherName, (MinPercentOtherName*len(filled)+99)/100)
	near := make(map[int32]bool)
	for _, bin := range filled[:max(0, len(filled)-need+1)] {
		for _, i := range x.byBin.forms(bin, f.Sketch[bin]) {
			form := &x.forms[i]
			same, either := form.Sketch.Compare(f.Sketch)
			if same >= minSameOtherName && 100*same >= MinPercentOtherName*either {
				near[i] = true
			}
		}
	}
	same, _ := slices.BinarySearchFunc(x.forms, f.Digest, func(form Form, d [16]byte) int { return bytes.Compare(form.Digest[:], d[:]) })
	for ; same < len(x.forms) && x.forms[same].Digest == f.Digest; same++ {
		near[int32(same)] = true
	}
	return near
}

// match holds a content to one record.
func (x *Index) match(r *record, name string, f Fingerprint) Match {
	m := Match{SHA256: r.sum, Origin: Best(x.originsOf(r), name)}
	if r.serial >= 0 {
		m.Serial = x.serials[r.serial]
	}
	if r.form < 0 || f.Form.IsZero() {
		return m
	}
	m.rank = int32(slices.Index(x.tools, m.Tool))
	form := &x.forms[r.form]
	m.SameForm = form.Digest == f.Form.Digest
	if same, filled := form.Sketch.Compare(f.Form.Sketch); same >= minSame {
		m.Percent = 100 * same / filled
	}
	m.apart = max(form.Lines-f.Form.Lines, f.Form.Lines-form.Lines)
	return m
}

// isPackaging reports whether a version is a packager's: a release's and a
// revision (2.4.7-7).
func isPackaging(version string) bool { return strings.Contains(version, "-") }

// closePercent is the share of common lines above which the sample is too small
// to tell two near versions apart; the number of lines does it better.
const closePercent = 85

// nearness compares how near m and other are to a content with the serial, as far
// as the forms can tell: positive if m is nearer.
func (m Match) nearness(other Match, serial Serial) int {
	return cmp.Or(
		score(m.SameForm)-score(other.SameForm),
		cmp.Compare(min(m.Percent, closePercent), min(other.Percent, closePercent)),
		score(m.Serial == serial)-score(other.Serial == serial),
		cmp.Compare(other.apart, m.apart),
	)
}

// better reports whether m is to be named before other.
func (m Match) better(other Match, serial Serial) bool {
	return cmp.Or(
		m.nearness(other, serial),
		cmp.Compare(m.Percent, other.Percent),
		score(!isPackaging(m.Last))-score(!isPackaging(other.Last)),
		cmp.Compare(other.rank, m.rank), // versions of two tools have nothing to do with each other
		CompareVersions(m.Last, other.Last),
	) > 0
}

func score(b bool) int {
	if b {
		return 1
	}
	return 0
}

// prepare fills in byName and byBin.
func (x *Index) prepare() {
	x.byName = make(map[string][]int32)
	for i := range x.records {
		for _, o := range x.records[i].origins {
			name := path.Base(x.paths[o.path])
			if list := x.byName[name]; len(list) == 0 || list[len(list)-1] != int32(i) {
				x.byName[name] = append(list, int32(i))
			}
		}
	}
	x.byBin = newBinTable(x.forms)
}

// Named returns where a known file of the given base name was shipped: by the
// first of the index's tools that has one.
func (x *Index) Named(name string) (where Origin, ok bool) {
	first := 0
	for _, i := range x.byName[name] {
		o := Best(x.originsOf(&x.records[i]), name)
		if rank := slices.Index(x.tools, o.Tool); !ok || rank < first {
			where, first, ok = o, rank, true
		}
	}
	return where, ok
}

// isPath reports whether p can stand for the path of a file.
func isPath(p string) bool {
	return p != "" && len(p) <= maxPathBytes && !strings.HasSuffix(p, "/")
}

// isName reports whether s can stand for a tool or version: 1 to 64 printable
// ASCII characters without space, so that it can be written in a lock file.
func isName(s string) bool {
	return s != "" && len(s) <= maxNameBytes && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}
