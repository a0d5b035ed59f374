package verification

import (
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/archive"
	"github.com/countermark/countermark/internal/compare"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/filter"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/tree"
)

// fileTree returns a tree of one file with the given content.
func fileTree(t *testing.T, content string) tree.Tree {
	t.Helper()
	h := digest.NewObjectHash(digest.SHA1Format, digest.SHA256Format)
	h.Reset(digest.Blob, int64(len(content)))
	_, _ = h.Write([]byte(content))
	ids, err := h.Sum()
	if err != nil {
		t.Fatal(err)
	}
	built, err := tree.Build([]tree.Entry{{Path: "a", Kind: tree.File, IDs: ids, Size: int64(len(content))}})
	if err != nil {
		t.Fatal(err)
	}
	return built
}

// compared returns a verification that has come as far as the comparison of
// the archive with the commit's tree.
func compared(t *testing.T, in compare.Input) (*verification, *compare.Report, *archive.Contents) {
	t.Helper()
	result, err := compare.Compare(in)
	if err != nil {
		t.Fatal(err)
	}
	root := in.Commit.Identity(digest.SHA1Format).Git
	v := &verification{doc: &report.Document{}, tree: in.Commit, lockPath: t.TempDir() + "/x.lock"}
	v.target.Commit = filter.Commit{ID: root.In(digest.SHA1Format), Commit: &gitobject.Commit{Tree: root.In(digest.SHA1Format)}}
	v.doc.Exit = result.Verdict().Exit()
	contents := &archive.Contents{Tree: in.Archive, Identity: in.Archive.Identity(digest.SHA1Format, digest.SHA256Format)}
	return v, result, contents
}

// Two ways lead to "identical": path by path, and by the trees' ids. Where
// they disagree, there is no verdict.
func TestIdentityIsASecondOpinion(t *testing.T) {
	same := fileTree(t, "1")
	v, result, contents := compared(t, compare.Input{Archive: same, Commit: same})
	if err := v.checkIdentity(result, contents); err != nil {
		t.Errorf("the same tree: %v", err)
	}
	contents.Identity = fileTree(t, "2").Identity(digest.SHA1Format, digest.SHA256Format)
	if err := v.checkIdentity(result, contents); err == nil || report.FailureOf(err, report.Usage).Code != report.Internal {
		t.Errorf("another tree's id: %v", err)
	}
}

// What is undecided, or carries a collision attack, is never recorded.
func TestLockIsNotWritten(t *testing.T) {
	one, two := fileTree(t, "1"), fileTree(t, "2")
	limbo := func(tree.Path) string { return "its attributes are unknown" }
	for _, c := range []struct {
		name, want string
		in         compare.Input
		spoil      func(*archive.Contents)
	}{
		{"undecided", "could not be decided", compare.Input{Archive: one, Commit: two, Limbo: limbo}, func(*archive.Contents) {}},
		{"a tree with a collision", "collision", compare.Input{Archive: one, Commit: one}, func(c *archive.Contents) { c.Identity.Collision = true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, result, contents := compared(t, c.in)
			c.spoil(contents)
			for _, exit := range []int{v.doc.Exit, 1} { // also where something else decides the exit status
				v.doc.Exit = exit
				if err := v.updateLock(result, contents); err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("exit %d: got %v, want %q", exit, err, c.want)
				}
			}
		})
	}
}

// A collision in a file refutes whatever else is found.
func TestCollisionIsNotRecorded(t *testing.T) {
	same := fileTree(t, "1")
	same.Entries()[0].Collision = true
	v, result, contents := compared(t, compare.Input{Archive: same, Commit: same})
	if result.Verdict() != compare.Differs {
		t.Errorf("verdict %v", result.Verdict())
	}
	if err := v.updateLock(result, contents); err == nil || !strings.Contains(err.Error(), "collision") {
		t.Errorf("got %v", err)
	}
}
