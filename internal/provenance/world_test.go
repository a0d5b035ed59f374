package provenance

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/knownfile"
	"github.com/countermark/countermark/internal/tree"
)

// fataler is what tests, benchmarks, fuzzers and rapid's checks have in common.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// member is one member of an archive, or one entry of a commit.
type member struct {
	path    string
	content string
	kind    tree.Kind
	link    bool // a hard link: its content is not shown
	large   bool // its content is not shown
}

func file(p, content string) member { return member{path: p, content: content, kind: tree.File} }

func hardLink(p, content string) member {
	return member{path: p, content: content, kind: tree.File, link: true}
}

// entry is the member as a tree has it.
func (m member) entry() tree.Entry {
	e := tree.Entry{Path: tree.Path(m.path), Kind: m.kind, Size: int64(len(m.content))}
	if m.kind == tree.File || m.kind == tree.Symlink {
		h := digest.NewObjectHash(digest.SHA1Format, digest.SHA256Format)
		h.Reset(digest.Blob, e.Size)
		_, _ = h.Write([]byte(m.content))
		e.IDs, _ = h.Sum()
	}
	return e
}

// world is what an archive is judged in.
type world struct {
	commit     []member
	archive    []member
	index      *knownfile.Index
	submodules []tree.Path
	pinned     []tree.Path
	subject    string
	absent     bool // the committed contents cannot be had
	evidence   *Evidence
}

// judge shows the archive to Evidence, as reading it does, and judges. It checks
// what holds of all findings.
func (w *world) judge(t fataler) []Finding {
	t.Helper()
	entries := make([]tree.Entry, len(w.commit))
	blobs := make(map[digest.ObjectID]string)
	for i, m := range w.commit {
		entries[i] = m.entry()
		blobs[entries[i].IDs.In(digest.SHA1Format)] = m.content
		entries[i].IDs.SHA256 = [32]byte{}
	}
	commit, err := tree.Build(entries)
	if err != nil {
		t.Fatalf("%v", err)
	}
	w.evidence = NewEvidence(commit, digest.SHA1Format, "explained")
	in := Input{Index: w.index, Submodules: w.submodules, Pinned: w.pinned, Subject: w.subject}
	if in.Index == nil {
		in.Index = &knownfile.Index{}
	}
	for _, m := range w.archive {
		e := m.entry()
		base := commit.Lookup(e.Path)
		w.evidence.show(m, &e, base)
		switch {
		case base == nil:
			in.Added = append(in.Added, &e)
		case base.Kind != e.Kind || !e.IDs.Agree(base.IDs):
			in.Changed = append(in.Changed, &e)
		}
	}
	changed := make(map[tree.Path]bool)
	for _, e := range in.Changed {
		changed[e.Path] = true
	}
	for _, id := range w.evidence.Needed(changed, func(tree.Path) bool { return true }) {
		if !w.absent {
			w.evidence.Give(id, []byte(blobs[id]))
		}
	}
	findings := w.evidence.Judge(in)
	checkAccounting(t, in, findings)
	return findings
}

// show is what the reader of archives does: only files are shown.
func (v *Evidence) show(m member, e, base *tree.Entry) {
	switch {
	case e.Kind != tree.File:
	case m.link || m.large:
		v.Inspect(e, base, nil)
	default:
		v.Inspect(e, base, []byte(m.content))
	}
}

// checkAccounting: one finding for each entry, sorted, with a label or a change
// and the reason.
func checkAccounting(t fataler, in Input, findings []Finding) {
	t.Helper()
	want := make(map[tree.Path]bool)
	for _, e := range in.Added {
		want[e.Path] = true
	}
	for _, e := range in.Changed {
		want[e.Path] = false
	}
	if len(findings) != len(in.Added)+len(in.Changed) {
		t.Fatalf("%d findings for %d added and %d changed", len(findings), len(in.Added), len(in.Changed))
	}
	if !slices.IsSortedFunc(findings, func(a, b Finding) int { return strings.Compare(string(a.Path), string(b.Path)) }) {
		t.Fatalf("the findings are not sorted")
	}
	for _, f := range findings {
		added, ok := want[f.Path]
		delete(want, f.Path)
		switch {
		case !ok:
			t.Fatalf("%q was not asked for, or occurs twice", f.Path)
		case added && (f.Label < ToolFile || f.Label > Unexplained || f.Change != 0):
			t.Fatalf("%q is added and has the label %v, the change %v", f.Path, f.Label, f.Change)
		case !added && (f.Label != 0 || f.Change > OtherChange):
			t.Fatalf("%q is changed and has the label %v, the change %v", f.Path, f.Label, f.Change)
		case f.Evidence == "":
			t.Fatalf("%q has no evidence", f.Path)
		case (len(f.Known) > 0) != (f.Label == ToolFile || f.Change == KnownToolFile) || (f.Nearest != nil) != (f.Label == ModifiedToolFile):
			t.Fatalf("%q: label %v, known %v, nearest %v", f.Path, f.Label, f.Known, f.Nearest)
		}
	}
}

// one judges and returns the finding of one path.
func (w *world) one(t fataler, p string) Finding {
	t.Helper()
	for _, f := range w.judge(t) {
		if string(f.Path) == p {
			return f
		}
	}
	t.Fatalf("there is no finding for %s", p)
	return Finding{}
}

// indexOf makes an index; a file's place is "TOOL VERSION PATH".
func indexOf(t fataler, files map[string]string) *knownfile.Index {
	t.Helper()
	var b knownfile.Builder
	for _, place := range slices.Sorted(maps.Keys(files)) {
		f := strings.Fields(place)
		if err := b.Add(f[0], f[1], f[2], knownfile.Take(f[2], []byte(files[place]))); err != nil {
			t.Fatalf("%v", err)
		}
	}
	x, err := b.Index()
	if err != nil {
		t.Fatalf("%v", err)
	}
	return x
}

// lines returns n lines that are like those of no other word.
func lines(word string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "AC_DEFUN([%s_%d], [checking %s %d])\n", word, i, word, i*i)
	}
	return b.String()
}

// m4File is a known m4 file of a serial number.
func m4File(serial string) string {
	return "# host.m4 serial " + serial + "\ndnl Copyright\n" + lines("host", 40)
}

const configGuess = "build-aux/config.guess"

// gnu is an index of some tools.
func gnu(t fataler) *knownfile.Index {
	return indexOf(t, map[string]string{
		"gettext 0.21 m4/host.m4":           m4File("3"),
		"gettext 0.22 m4/host.m4":           m4File("4"),
		"gettext 0.22 m4/plain.m4":          lines("plain", 30),
		"gettext 0.22 m4/dotted.m4":         "# dotted.m4 serial 2.9\n" + lines("dotted", 30),
		"automake 1.16 lib/install-sh":      "#!/bin/sh\n" + lines("install", 60),
		"gnulib 2024 " + configGuess:        "#!/bin/sh\n" + lines("guess", 200),
		"gnulib 2024 po/Makefile.in.in":     lines("makefile", 50),
		"gnulib 2024 tests/empty":           "",
		"gettext 0.22 examples/aclocal.m4":  lines("macro", 60),
		"other 1 " + path.Base(configGuess): "#!/bin/sh\n" + lines("guess", 200),
	})
}

// sum is the SHA-256 of the member's content.
func (m member) sum() digest.SHA256 { return sha256.Sum256([]byte(m.content)) }
