package compare_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/compare"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/tree"
)

// entry makes one entry from a short form: a kind letter (f, x, ? a file
// without, with and with unknown executable bit; l, d, s, m a link, directory,
// special, submodule), a space, the path, and "=" with the content.
func entry(short string) tree.Entry {
	kind, rest, _ := strings.Cut(short, " ")
	path, content, _ := strings.Cut(rest, "=")
	e := tree.Entry{Path: tree.Path(path), Kind: tree.File, Perm: 0o644}
	switch kind {
	case "x":
		e.Exec, e.Perm = tree.Executable, 0o755
	case "?":
		e.Exec, e.Perm = tree.ExecUnknown, 0
	case "l":
		e.Kind = tree.Symlink
	case "d":
		e.Kind = tree.Directory
	case "s":
		e.Kind = tree.Special
	case "m":
		e.Kind = tree.Submodule
	}
	if e.Kind == tree.Directory || e.Kind == tree.Special {
		return e
	}
	h := digest.NewObjectHash(digest.SHA1Format, digest.SHA256Format)
	h.Reset(digest.Blob, int64(len(content)))
	_, _ = h.Write([]byte(content))
	e.IDs, _ = h.Sum()
	e.Size = int64(len(content))
	return e
}

// treeOf builds a tree from short forms separated by commas.
func treeOf(t testing.TB, shorts string) tree.Tree {
	t.Helper()
	var entries []tree.Entry
	for short := range strings.SplitSeq(shorts, ", ") {
		if short != "" {
			entries = append(entries, entry(short))
		}
	}
	return build(t, entries)
}

type failer interface {
	Helper()
	Fatal(args ...any)
}

func build(t failer, entries []tree.Entry) tree.Tree {
	t.Helper()
	built, err := tree.Build(entries)
	if err != nil {
		t.Fatal(err)
	}
	return built
}

// withoutSHA256 is the tree as a SHA-1 repository has it.
func withoutSHA256(t testing.TB, of tree.Tree) tree.Tree {
	t.Helper()
	var entries []tree.Entry
	for _, e := range of.Entries() {
		e.IDs.SHA256, e.Perm, e.Size = [32]byte{}, 0, 0
		entries = append(entries, e)
	}
	return build(t, entries)
}

// classes shows results in one line: "class path", a directory with its slash.
func classes(results func(func(*compare.Result) bool)) string {
	var lines []string
	for r := range results {
		line := r.Class.String() + " " + string(r.Path)
		if r.Archive != nil && r.Archive.Kind == tree.Directory {
			line += "/"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, ", ")
}

// checkInvariants checks what holds for every report.
func checkInvariants(t testing.TB, in compare.Input, r *compare.Report) {
	t.Helper()
	all, different, sum := 0, "", 0
	seen := make(map[string]int)
	for result := range r.All(in.Archive) {
		all++
		seen[string(result.Path)]++
		if result.Class != compare.Identical {
			different += ", " + classes(func(yield func(*compare.Result) bool) { yield(result) })
		}
		if result.Archive == nil && result.Commit == nil {
			t.Errorf("%q is on no side", result.Path)
		}
	}
	if got := classes(r.Results()); different != "" && got != different[2:] || different == "" && got != "" {
		t.Errorf("All says %q, Results %q", different, got)
	}
	for _, c := range compare.Classes() {
		sum += r.Count(c)
	}
	if sum != all {
		t.Errorf("the classes hold %d paths, All has %d", sum, all)
	}
	for path, n := range seen {
		if n != 1 {
			t.Errorf("%q is in %d results", path, n)
		}
	}
	for _, e := range append(append([]tree.Entry{}, in.Archive.Entries()...), in.Commit.Entries()...) {
		neutral := e.Kind == tree.Directory && in.Commit.HasDir(e.Path)
		if seen[string(e.Path)] == 0 && !neutral {
			t.Errorf("%q is in no result", e.Path)
		}
	}
}

func TestClasses(t *testing.T) {
	ignored := map[tree.Path]bool{"i": true, "d/i": true}
	limbo := func(p tree.Path) string {
		if strings.HasPrefix(string(p), "limbo/") {
			return "limbo/.gitattributes is not at hand"
		}
		return ""
	}
	for _, c := range []struct {
		name, archive, commit, want string
		verdict                     compare.Verdict
	}{
		{"equal", "f a=1, x b=2, l c=a, f d/e=3", "f a=1, x b=2, l c=a, f d/e=3", "", compare.IdenticalTree},
		{"both empty", "", "", "", compare.IdenticalTree},
		{"content", "f a=1", "f a=2", "changed a", compare.Differs},
		{"link target", "l a=1", "l a=2", "changed a", compare.Differs},
		{"mode lost", "f a=1", "x a=1", "mode a", compare.Differs},
		{"mode gained", "x a=1", "f a=1", "mode a", compare.Differs},
		{"mode and content", "x a=1", "f a=2", "changed a", compare.Differs},
		{"mode unknown", "? a=1, ? b=1", "x a=1, f b=1", "", compare.IdenticalTree},
		{"added", "f a=1, f b=1", "f a=1", "added b", compare.AddedOnly},
		{"added link", "f a=1, l b=1", "f a=1", "added b", compare.AddedOnly},
		{"missing", "f a=1", "f a=1, f b=1", "missing b", compare.Differs},
		{"added and missing", "f a=1", "f b=1", "added a, missing b", compare.Differs},
		{"all missing", "", "f a=1, l b=1", "missing a, missing b", compare.Differs},
		{"ignored", "f a=1", "f a=1, f i=1, f d/i=1", "ignored d/i, ignored i", compare.ButIgnored},
		{"ignored and there", "f a=1, f i=1", "f a=1, f i=1", "", compare.IdenticalTree},
		{"ignored and changed", "f i=2", "f i=1", "changed i", compare.Differs},
		{"ignored and added", "f a=1, f b=1", "f a=1, f i=1", "added b, ignored i", compare.AddedOnly},
		{"special", "f a=1, s p", "f a=1", "special p", compare.Differs},
		{"special for a file", "s p", "f p=1", "special p", compare.Differs},
		{"special for a directory", "s p", "f p/a=1", "special p, missing p/a", compare.Differs},
		{"special for a submodule", "s p", "m p=1", "special p", compare.Differs},
		{"empty directory", "f a=1, d e", "f a=1", "added e/", compare.AddedOnly},
		{"empty directories nested", "f a=1, d e, d e/f", "f a=1", "added e/f/", compare.AddedOnly},
		{"directory of the commit", "d d", "f d/a=1", "missing d/a", compare.Differs},
		{"empty directory of both", "f a=1, d e", "f a=1, d e", "", compare.IdenticalTree},
		{"empty directory of the commit", "f a=1, f e/b=1", "f a=1, d e", "added e/b", compare.AddedOnly},
		{"empty directory absent", "f a=1", "f a=1, d e", "missing e", compare.Differs},
		{"file for an empty directory", "f a=1, f e=1", "f a=1, d e", "changed e", compare.Differs},
		{"directory of a submodule", "f a=1, d m", "f a=1, m m=1", "submodule m", compare.IdenticalTree},
		{"directory above a submodule", "f a=1, d m", "f a=1, m m/n=1", "submodule m/n", compare.IdenticalTree},
		{"submodule absent", "f a=1", "f a=1, m m=1", "submodule m", compare.IdenticalTree},
		{"submodule with content", "f a=1, f m/b=1", "f a=1, m m=1", "submodule m, added m/b", compare.AddedOnly},
		{"submodule with a directory in it", "f a=1, d m/d", "f a=1, m m=1", "submodule m, added m/d/", compare.AddedOnly},
		{"submodule ignored", "f a=1", "f a=1, m i=1", "submodule i", compare.IdenticalTree},
		{"file for a submodule", "f m=1", "m m=1", "changed m", compare.Differs},
		{"file for a link", "f a=1", "l a=1", "changed a", compare.Differs},
		{"link for a file", "l a=1", "f a=1", "changed a", compare.Differs},
		{"directory for a file", "f a/b=1", "f a=1", "missing a, added a/b", compare.Differs},
		{"file for a directory", "f a=1", "f a/b=1", "added a, missing a/b", compare.Differs},
		{"empty directory for a file", "d a", "f a=1", "changed a/", compare.Differs},
		{"empty directory for a file, others between", "d a, f a.b=1, f a0=2", "f a=1, f a.b=2, f a0=2", "changed a.b, changed a/", compare.Differs},
		{"empty directory for a link", "d a", "l a=1", "changed a/", compare.Differs},
		{"link for a directory", "l a=1", "f a/b=1", "added a, missing a/b", compare.Differs},
		{"limbo changed", "f limbo/a=1", "f limbo/a=2", "unchecked limbo/a", compare.Incomplete},
		{"limbo missing", "f a=1", "f a=1, f limbo/a=2", "unchecked limbo/a", compare.Incomplete},
		{"limbo equal", "f limbo/a=1", "f limbo/a=1", "", compare.IdenticalTree},
		{"limbo added", "f limbo/a=1", "", "added limbo/a", compare.AddedOnly},
		{"limbo link", "l limbo/a=1", "l limbo/a=2", "changed limbo/a", compare.Differs},
		{"limbo kind", "l limbo/a=1", "f limbo/a=1", "changed limbo/a", compare.Differs},
		{"limbo and mode", "x limbo/a=1", "f limbo/a=2", "unchecked limbo/a", compare.Incomplete},
		{"limbo and mode alone", "x limbo/a=1", "f limbo/a=1", "mode limbo/a", compare.Differs},
		{"limbo and added", "f b=1, f limbo/a=1", "f limbo/a=2", "added b, unchecked limbo/a", compare.AddedOnly},
		{"order", "f a-=2, f a.=2, f a/b=2, f a0=2", "f a-=1, f a.=1, f a/b=1, f a0=1", "changed a-, changed a., changed a/b, changed a0", compare.Differs},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := compare.Input{Archive: treeOf(t, c.archive), Commit: withoutSHA256(t, treeOf(t, c.commit)), Ignored: ignored, Limbo: limbo}
			r, err := compare.Compare(in)
			if err != nil {
				t.Fatal(err)
			}
			if got := classes(r.Results()); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if r.Verdict() != c.verdict {
				t.Errorf("got %v, want %v", r.Verdict(), c.verdict)
			}
			checkInvariants(t, in, r)
		})
	}
}

func TestReasons(t *testing.T) {
	for _, c := range []struct{ archive, commit, want string }{
		{"x a=1", "f a=1", "executable in the archive only"},
		{"f a=1", "x a=1", "not executable in the archive"},
		{"l a=1", "f a=1", "a symlink in the archive, a file in the commit"},
		{"d a", "f a=1", "a directory in the archive, a file in the commit"},
		{"f a=1", "f a=2", ""},
	} {
		r, err := compare.Compare(compare.Input{Archive: treeOf(t, c.archive), Commit: treeOf(t, c.commit)})
		if err != nil {
			t.Fatal(err)
		}
		for result := range r.Results() {
			if result.Reason != c.want {
				t.Errorf("%s, %s: got %q, want %q", c.archive, c.commit, result.Reason, c.want)
			}
		}
	}
}

// TestExecutableForOthersOnly: git looks at the owner's bit, extractors keep
// or drop the others'; neither mode of git is that.
func TestExecutableForOthersOnly(t *testing.T) {
	for _, perm := range []uint16{0o010, 0o001, 0o654, 0o611} {
		for _, commit := range []string{"f a=1", "x a=1"} {
			e := entry("x a=1")
			e.Perm = perm
			r, err := compare.Compare(compare.Input{Archive: build(t, []tree.Entry{e}), Commit: treeOf(t, commit)})
			if err != nil || r.Count(compare.Mode) != 1 {
				t.Errorf("%04o with %s: %v, %s", perm, commit, err, classes(r.Results()))
			}
		}
	}
	e := entry("x a=1")
	e.Perm = 0o100
	if r, err := compare.Compare(compare.Input{Archive: build(t, []tree.Entry{e}), Commit: treeOf(t, "x a=1")}); err != nil || r.Verdict() != compare.IdenticalTree {
		t.Errorf("0100: %v, %v", err, r.Verdict())
	}
}

func TestCollisionIsChanged(t *testing.T) {
	e := entry("f a=1")
	e.Collision = true
	for _, commit := range []string{"f a=1", "f b=1", "x a=1", "l a=1"} {
		in := compare.Input{Archive: build(t, []tree.Entry{e}), Commit: treeOf(t, commit), Ignored: map[tree.Path]bool{"b": true}}
		r, err := compare.Compare(in)
		if err != nil || !strings.HasPrefix(classes(r.Results()), "changed a") || r.Verdict() != compare.Differs || !r.Collided() {
			t.Errorf("%s: %v, %s, %v", commit, err, classes(r.Results()), r.Verdict())
		}
	}
}

func TestExecUnstatedIsCounted(t *testing.T) {
	r, err := compare.Compare(compare.Input{Archive: treeOf(t, "? a=1, ? b=2, f c=1, ? z=1"), Commit: treeOf(t, "x a=1, f b=1, f c=1")})
	if err != nil || r.ExecUnstated() != 2 {
		t.Errorf("%v, %d", err, r.ExecUnstated())
	}
}

// TestIdsOfBothFormatsMustAgree: a commit's tree with both ids, of which one
// differs, is another content.
func TestIdsOfBothFormatsMustAgree(t *testing.T) {
	a, c := entry("f a=1"), entry("f a=1")
	c.IDs.SHA256[0] ^= 1
	none := entry("f a=1")
	none.IDs = digest.IDs{}
	for _, commit := range []tree.Entry{c, none} {
		r, err := compare.Compare(compare.Input{Archive: build(t, []tree.Entry{a}), Commit: build(t, []tree.Entry{commit})})
		if err != nil || r.Count(compare.Changed) != 1 {
			t.Errorf("%v, %s", err, classes(r.Results()))
		}
	}
}

func TestNames(t *testing.T) {
	for _, c := range compare.Classes() {
		back, ok := compare.ParseClass(c.String())
		if !ok || back != c {
			t.Errorf("%v is read back as %v", c, back)
		}
		free := map[compare.Class]bool{compare.Identical: true, compare.Filtered: true, compare.Ignored: true, compare.Submodule: true}
		if c.NeedsAcceptance() == free[c] {
			t.Errorf("%v needs acceptance: %v", c, c.NeedsAcceptance())
		}
	}
	for _, s := range []string{"", "Identical", "nothing"} {
		if _, ok := compare.ParseClass(s); ok {
			t.Errorf("%q is a class", s)
		}
	}
	exits := map[compare.Verdict]int{
		0: 1, compare.IdenticalTree: 0, compare.AfterFilters: 0, compare.ButIgnored: 0, compare.Recorded: 0,
		compare.Incomplete: 3, compare.RefsUnprovable: 1, compare.AddedOnly: 1, compare.Differs: 1, compare.Differs + 1: 1,
	}
	for v, want := range exits {
		if v.Exit() != want {
			t.Errorf("%d (%v): exit status %d, want %d", v, v, v.Exit(), want)
		}
	}
	if s := fmt.Sprint(compare.Class(0), compare.Class(99), compare.Verdict(99)); s != "Class(0) Class(99) " {
		t.Errorf("got %q", s)
	}
}

// TestBeyond: what a second archive of a release may differ in from the first.
func TestBeyond(t *testing.T) {
	const commit = "f a=1, x run=2"
	for _, c := range []struct{ name, first, second, want string }{
		{"same", "f a=1, x run=2", "f a=1, x run=2", ""},
		{"special", "f a=1, x run=2", "f a=1, x run=2, s z", "special z"},
		{"special in the first only", "f a=1, x run=2, s z", "f a=1, x run=2", ""},
		{"empty directory", "f a=1, x run=2", "f a=1, d e, x run=2", "added e"},
		{"mode that the first does not state", "? a=1, ? run=2", "f a=1, f run=2", "mode run"},
		{"mode that the second does not state", "f a=1, f run=2", "? a=1, ? run=2", ""},
		{"another class", "f a=1, s run", "f a=1, f run=2", "mode run"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var reports []*compare.Report
			for _, archive := range []string{c.first, c.second} {
				r, err := compare.Compare(compare.Input{Archive: treeOf(t, archive), Commit: treeOf(t, commit)})
				if err != nil {
					t.Fatal(err)
				}
				reports = append(reports, r)
			}
			got := ""
			if r := reports[1].Beyond(reports[0]); r != nil {
				got = fmt.Sprintf("%v %s", r.Class, r.Path)
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
