package compare_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/compare"
	"github.com/countermark/countermark/internal/knownfile"
	"github.com/countermark/countermark/internal/lockfile"
)

// toolLines reads lines of a lock file, without their keyword.
func toolLines(t testing.TB, lines ...string) []lockfile.ToolFile {
	t.Helper()
	text := "countermark-lock 1\nrepository -\ntag -\nroot -\nverified -\n"
	for _, line := range lines {
		text += "accept-tool-file " + line + "\n"
	}
	l, err := lockfile.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return l.ToolFiles
}

// nls is m4/nls.m4 as gettext 0.20 to 0.22 shipped it.
var nls = []knownfile.Origin{{Tool: "gnulib", First: "1", Last: "9", Path: "m4/other.m4"}, {Tool: "gettext", First: "0.20", Last: "0.22.5", Path: "gettext-runtime/m4/nls.m4"}}

// TestAcceptToolFile: each part of a line matters.
func TestAcceptToolFile(t *testing.T) {
	for _, c := range []struct {
		name, archive, commit, line string
		known                       compare.KnownFiles
		ok                          bool
	}{
		{"as recorded", "f m4/nls.m4=1", "", "added gettext 0.20 100644 m4/nls.m4", compare.KnownFiles{"m4/nls.m4": nls}, true},
		{"the highest version", "f m4/nls.m4=1", "", "added gettext 0.22.5 100644 m4/nls.m4", compare.KnownFiles{"m4/nls.m4": nls}, true},
		{"a later one is wanted", "f m4/nls.m4=1", "", "added gettext 0.22.10 100644 m4/nls.m4", compare.KnownFiles{"m4/nls.m4": nls}, false},
		{"another tool", "f m4/nls.m4=1", "", "added automake 0.20 100644 m4/nls.m4", compare.KnownFiles{"m4/nls.m4": nls}, false},
		{"a tool that ships it under another name", "f m4/nls.m4=1", "", "added gnulib 1 100644 m4/nls.m4", compare.KnownFiles{"m4/nls.m4": nls}, false},
		{"that name", "f m4/other.m4=1", "", "added gnulib 1 100644 m4/other.m4", compare.KnownFiles{"m4/other.m4": nls}, true},
		{"another base name", "f m4/evil.m4=1", "", "added gettext 0.20 100644 m4/evil.m4", compare.KnownFiles{"m4/evil.m4": nls}, false},
		{"another directory", "f aux/nls.m4=1", "", "added gettext 0.20 100644 aux/nls.m4", compare.KnownFiles{"aux/nls.m4": nls}, true},
		{"another path than recorded", "f aux/nls.m4=1", "", "added gettext 0.20 100644 m4/nls.m4", compare.KnownFiles{"aux/nls.m4": nls}, false},
		{"executable", "x m4/nls.m4=1", "", "added gettext 0.20 100644 m4/nls.m4", compare.KnownFiles{"m4/nls.m4": nls}, false},
		{"executable as recorded", "x m4/nls.m4=1", "", "added gettext 0.20 100755 m4/nls.m4", compare.KnownFiles{"m4/nls.m4": nls}, true},
		{"a changed byte: not known", "f m4/nls.m4=2", "", "added gettext 0.20 100644 m4/nls.m4", compare.KnownFiles{}, false},
		{"known elsewhere alone", "f m4/nls.m4=2", "", "added gettext 0.20 100644 m4/nls.m4", compare.KnownFiles{"aux/nls.m4": nls}, false},
		{"changed, not added", "f m4/nls.m4=1", "f m4/nls.m4=0", "added gettext 0.20 100644 m4/nls.m4", compare.KnownFiles{"m4/nls.m4": nls}, false},
		{"changed", "f m4/nls.m4=1", "f m4/nls.m4=0", "changed gettext 0.20 100644 m4/nls.m4", compare.KnownFiles{"m4/nls.m4": nls}, true},
		{"added, not changed", "f m4/nls.m4=1", "", "changed gettext 0.20 100644 m4/nls.m4", compare.KnownFiles{"m4/nls.m4": nls}, false},
		{"missing", "", "f m4/nls.m4=1", "added gettext 0.20 100644 m4/nls.m4", compare.KnownFiles{"m4/nls.m4": nls}, false},
		{"a link", "l m4/nls.m4=1", "", "added gettext 0.20 100644 m4/nls.m4", compare.KnownFiles{"m4/nls.m4": nls}, false},
		{"only its mode", "x m4/nls.m4=1", "f m4/nls.m4=1", "changed gettext 0.20 100755 m4/nls.m4", compare.KnownFiles{"m4/nls.m4": nls}, false},
		{"of a directory", "f m4/nls.m4=1", "", "added gettext 0.20 100644 m4/", compare.KnownFiles{"m4/nls.m4": nls}, true},
		{"below a directory", "f m4/a/nls.m4=1", "", "added gettext 0.20 100644 m4/", compare.KnownFiles{"m4/a/nls.m4": nls}, false},
		{"beside a directory", "f m4x/nls.m4=1", "", "added gettext 0.20 100644 m4/", compare.KnownFiles{"m4x/nls.m4": nls}, false},
		{"above a directory", "f nls.m4=1", "", "added gettext 0.20 100644 m4/", compare.KnownFiles{"nls.m4": nls}, false},
		{"of a deeper directory", "f a/m4/nls.m4=1", "", "added gettext 0.20 100644 a/m4/", compare.KnownFiles{"a/m4/nls.m4": nls}, true},
		{"of the end of a directory", "f a/m4/nls.m4=1", "", "added gettext 0.20 100644 m4/", compare.KnownFiles{"a/m4/nls.m4": nls}, false},
		{"of the top", "f nls.m4=1", "", "added gettext 0.20 100644 /", compare.KnownFiles{"nls.m4": nls}, true},
		{"below the top", "f m4/nls.m4=1", "", "added gettext 0.20 100644 /", compare.KnownFiles{"m4/nls.m4": nls}, false},
		{"another name of a directory", "f m4/evil.m4=1", "", "added gettext 0.20 100644 m4/", compare.KnownFiles{"m4/evil.m4": nls}, false},
	} {
		r, err := compare.Compare(compare.Input{Archive: treeOf(t, c.archive), Commit: treeOf(t, c.commit)})
		if err != nil {
			t.Fatal(err)
		}
		lines := toolLines(t, c.line)
		left, stale := r.Differences(lines, c.known), 1
		r.Accept(&lockfile.Lock{ToolFiles: lines}, c.known)
		if c.ok {
			stale = 0
		}
		if passes := r.Verdict() == compare.Recorded; passes != c.ok || (r.Accepted() == 1) != c.ok || (len(left) == 0) != c.ok || len(r.StaleToolFiles()) != stale {
			t.Errorf("%s: %v, %d accepted, left %v, stale %v", c.name, r.Verdict(), r.Accepted(), left, r.StaleToolFiles())
		}
	}
}

// TestToolFileLinesTogether: several lines, beside exact ones.
func TestToolFileLinesTogether(t *testing.T) {
	known := compare.KnownFiles{"m4/nls.m4": nls, "m4/other.m4": nls}
	newReport := func() *compare.Report {
		r, err := compare.Compare(compare.Input{Archive: treeOf(t, "f m4/nls.m4=1, f m4/other.m4=1, f new=1, f z=1"), Commit: treeOf(t, "")})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	exact := newReport().Differences(nil, known)
	stale := func(r *compare.Report) string {
		var paths []string
		for _, line := range r.StaleToolFiles() {
			paths = append(paths, line.Path)
		}
		for _, a := range r.Stale() {
			paths = append(paths, "="+string(a.Path))
		}
		return strings.Join(paths, " ")
	}
	for _, c := range []struct {
		name     string
		exact    []lockfile.Accepted
		lines    []string
		verdict  compare.Verdict
		accepted int
		stale    string
	}{
		{"neither", nil, nil, compare.AddedOnly, 0, ""},
		{"exact ones", exact, nil, compare.Recorded, 4, ""},
		{"one of each", exact[2:], []string{"added gettext 0.20 100644 m4/nls.m4", "added gnulib 3 100644 m4/other.m4"}, compare.Recorded, 4, ""},
		{"one too few", exact[3:], []string{"added gettext 0.20 100644 m4/nls.m4", "added gnulib 3 100644 m4/other.m4"}, compare.AddedOnly, 3, ""},
		{"both of one file", exact, []string{"added gettext 0.20 100644 m4/nls.m4"}, compare.Recorded, 4, ""},
		{"exact for what changed", []lockfile.Accepted{other(exact[0]), exact[1], exact[2], exact[3]}, []string{"added gettext 0.20 100644 m4/nls.m4"}, compare.Recorded, 4, "=m4/nls.m4"},
		{"a directory for one tool", exact[1:], []string{"added gettext 0.20 100644 m4/"}, compare.Recorded, 4, ""},
		{"a directory and a file in it", exact[1:], []string{"added gettext 0.20 100644 m4/", "added gettext 0.20 100644 m4/nls.m4"}, compare.Recorded, 4, "m4/nls.m4"},
		{"a directory that asks for more", exact[1:], []string{"added gettext 0.23 100644 m4/", "added gettext 0.20 100644 m4/nls.m4"}, compare.Recorded, 4, "m4/"},
		{"what is gone", exact, []string{"added gettext 0.20 100644 gone.m4"}, compare.Recorded, 4, "gone.m4"},
	} {
		r := newReport()
		lock := &lockfile.Lock{Accepted: slices.Clone(c.exact), ToolFiles: toolLines(t, c.lines...)}
		for range 2 { // the same when asked again
			r.Accept(lock, known)
			if r.Verdict() != c.verdict || r.Accepted() != c.accepted || stale(r) != c.stale {
				t.Errorf("%s: %v, %d accepted, stale %q; want %v, %d, %q", c.name, r.Verdict(), r.Accepted(), stale(r), c.verdict, c.accepted, c.stale)
			}
		}
	}
	if r := newReport(); len(r.Differences(nil, known)) != 4 || len(r.Differences(toolLines(t, "added gettext 0.20 100644 m4/"), known)) != 3 {
		t.Error("what a line accepts is not to be recorded")
	}
}

// other is the acceptance of another content.
func other(a lockfile.Accepted) lockfile.Accepted {
	b := entry("f x=another")
	a.Blob = b.IDs.In(a.Blob.Format())
	return a
}

// TestToolFilesDoNotHideCollisions: neither an attack on SHA-1 nor evidence
// against the commit is accepted as a tool's file.
func TestToolFilesDoNotHideCollisions(t *testing.T) {
	e := entry("f m4/nls.m4=1")
	e.Collision = true
	r, err := compare.Compare(compare.Input{Archive: build(t, append(treeOf(t, "f a=1").Entries(), e))})
	if err != nil {
		t.Fatal(err)
	}
	known := compare.KnownFiles{"m4/nls.m4": nls, "a": {{Tool: "gettext", First: "1", Last: "1", Path: "a"}}}
	r.Accept(&lockfile.Lock{ToolFiles: toolLines(t, "added gettext 0.1 100644 /", "added gettext 0.1 100644 m4/")}, known)
	if r.Verdict() != compare.Differs || r.Accepted() != 1 {
		t.Errorf("%v, %d accepted", r.Verdict(), r.Accepted())
	}
	r, err = compare.Compare(compare.Input{Archive: treeOf(t, "f a=1")})
	if err != nil {
		t.Fatal(err)
	}
	r.Refute()
	r.Accept(&lockfile.Lock{ToolFiles: toolLines(t, "added gettext 0.1 100644 /")}, known)
	if r.Verdict() != compare.Differs {
		t.Errorf("refuted: %v", r.Verdict())
	}
}
