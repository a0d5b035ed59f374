// Package compare judges whether an archive's tree is a commit's tree. It is
// pure: trees, attributes and evidence in, Report out. Every path of both
// sides is in exactly one class, nothing is skipped, and the sums are checked.
//
// docs/spec/report.md defines the classes and verdicts.
package compare

import (
	"fmt"

	"github.com/countermark/countermark/internal/tree"
)

// Class is the one class that a path is in.
type Class uint8

// The classes of paths, from docs/spec/report.md.
const (
	Identical    Class = iota + 1 // same kind, mode and bytes
	Filtered                      // the bytes are an exact image that git's ident, eol or export-subst makes of the committed ones
	FilteredRefs                  // as Filtered, but for text of export-subst that depends on the refs of some repository
	Ignored                       // only in the commit, and export-ignored
	Submodule                     // a pinned submodule, absent or empty in the archive
	Unchecked                     // cannot be decided: content is needed that is not at hand
	Added                         // only in the archive
	Missing                       // only in the commit
	Changed                       // other bytes or another kind
	Mode                          // the same bytes (or an image of them), executable on one side only
	Special                       // a FIFO or device in the archive, which no commit holds
)

var classNames = [...]string{
	Identical: "identical", Filtered: "filtered", FilteredRefs: "filtered-refs", Ignored: "ignored", Submodule: "submodule",
	Unchecked: "unchecked", Added: "added", Missing: "missing", Changed: "changed", Mode: "mode", Special: "special",
}

// String returns the class's name as reports and lock files write it.
func (c Class) String() string {
	if c == 0 || int(c) >= len(classNames) {
		return fmt.Sprintf("Class(%d)", uint8(c))
	}
	return classNames[c]
}

// NeedsAcceptance reports whether paths of the class stand between the archive
// and exit status 0 unless a lock file accepts them.
func (c Class) NeedsAcceptance() bool {
	switch c {
	case Identical, Filtered, Ignored, Submodule:
		return false
	}
	return true
}

// ParseClass reads a class's name.
func ParseClass(s string) (Class, bool) {
	for c, name := range classNames {
		if name == s && name != "" {
			return Class(c), true
		}
	}
	return 0, false
}

// Classes returns all classes, in the order of the specification.
func Classes() []Class {
	return []Class{Identical, Filtered, FilteredRefs, Ignored, Submodule, Unchecked, Added, Missing, Changed, Mode, Special}
}

// Result is the class of one path, with the evidence.
type Result struct {
	Path     tree.Path
	Class    Class
	Archive  *tree.Entry // nil if the archive lacks the path
	Commit   *tree.Entry // nil if the commit lacks the path
	By       []string    // of Filtered and FilteredRefs: the conversions that made the image
	Reason   string      // one clause for people, "" where the class says it all
	Accepted bool        // a lock file accepts exactly this difference
}

// Input is what is judged.
type Input struct {
	Archive  tree.Tree
	Commit   tree.Tree
	Findings map[tree.Path]Finding  // of files with converting attributes, from Filters
	Ignored  map[tree.Path]bool     // paths of the commit that are export-ignored, by themselves or with their directory
	Limbo    func(tree.Path) string // why the attributes of a path are unknown, "" if they are known; nil: all are known
}

// Compare puts every path in its class.
func Compare(in Input) (*Report, error) {
	r := &Report{counts: make(map[Class]int), verdict: IdenticalTree} // of two empty trees too
	paths := 0
	archive, commit := in.Archive.Entries(), in.Commit.Entries()
	for len(archive) > 0 || len(commit) > 0 {
		order := 0
		switch {
		case len(archive) == 0:
			order = 1
		case len(commit) == 0:
			order = -1
		default:
			order = tree.Compare(&archive[0], &commit[0])
		}
		var a, c *tree.Entry
		if order <= 0 {
			a, archive = &archive[0], archive[1:]
		}
		if order >= 0 {
			c, commit = &commit[0], commit[1:]
		}
		if result, counted := in.classify(a, c); counted {
			paths++
			r.add(result)
		}
	}
	sum := 0
	for _, n := range r.counts {
		sum += n
	}
	if sum != paths {
		return nil, fmt.Errorf("comparing: %d paths were put into classes, and the classes hold %d; this is a defect of countermark", paths, sum)
	}
	return r, nil
}

// classify returns the class of a path; counted is false for a directory that
// both sides have, which is no path of its own, and for a path of the commit
// that is an empty directory on one side and a file on the other: git sorts the
// two apart, and they are judged where the archive's stands.
func (in *Input) classify(a, c *tree.Entry) (r Result, counted bool) {
	switch {
	case c != nil && c.Kind == tree.Directory && (in.Archive.HasDir(c.Path) || in.Archive.Lookup(c.Path) != nil):
		return Result{}, false
	case c == nil && a.Kind == tree.Directory && in.Commit.HasDir(a.Path):
		return Result{}, false
	case c == nil && a.Kind == tree.Directory:
		c = in.Commit.Lookup(a.Path)
	case c == nil:
		c = in.Commit.LookupDir(a.Path)
	}
	switch {
	case a == nil && c.Kind != tree.Submodule && in.Archive.LookupDir(c.Path) != nil:
		return Result{}, false
	case c == nil:
		r = Result{Path: a.Path, Class: Added, Archive: a}
		if a.Kind == tree.Special {
			r.Class = Special
		}
	case a == nil:
		r = Result{Path: c.Path, Class: in.absent(c), Commit: c}
		if r.Class == Unchecked {
			r.Reason = in.limbo(c.Path)
		}
	default:
		r = in.both(a, c)
	}
	if a != nil && a.Collision {
		r.Class, r.Reason = Changed, "its content carries a SHA-1 collision attack"
	}
	return r, true
}

// absent returns the class of a path that only the commit has.
func (in *Input) absent(c *tree.Entry) Class {
	switch {
	case c.Kind == tree.Submodule:
		return Submodule
	case in.Ignored[c.Path]:
		return Ignored
	case in.limbo(c.Path) != "":
		return Unchecked
	}
	return Missing
}

// both returns the class of a path that both sides have.
func (in *Input) both(a, c *tree.Entry) Result {
	r := Result{Path: a.Path, Archive: a, Commit: c}
	switch {
	case a.Kind == tree.Special:
		r.Class = Special
		return r
	case a.Kind != c.Kind:
		r.Class, r.Reason = Changed, fmt.Sprintf("a %v in the archive, a %v in the commit", a.Kind, c.Kind)
		return r
	}
	in.content(&r)
	if why := modeDifference(a, c); why != "" && r.Class != Changed && r.Class != Unchecked { // undecided content must not pass for a mere mode
		r.Class, r.Reason, r.By = Mode, why, nil
	}
	return r
}

// modeDifference says how the executable bits differ, "" if they do not. git
// takes the owner's bit for a file's (S_IXUSR in its read-cache.c); a file that
// only others may execute is therefore neither, and extractors treat it in two
// ways.
func modeDifference(a, c *tree.Entry) string {
	const owner, all = 0o100, 0o111
	switch {
	case a.Kind != tree.File || a.Exec == tree.ExecUnknown:
		return ""
	case a.Perm&all != 0 && a.Perm&owner == 0:
		return "executable in the archive, but not for its owner"
	case a.Exec == c.Exec:
		return ""
	case a.Exec == tree.Executable:
		return "executable in the archive only"
	}
	return "not executable in the archive"
}

// content sets the class that the bytes alone give.
func (in *Input) content(r *Result) {
	if r.Archive.IDs.Agree(r.Commit.IDs) {
		r.Class = Identical
		return
	}
	if why := in.limbo(r.Path); why != "" && r.Archive.Kind == tree.File {
		r.Class, r.Reason = Unchecked, why
		return
	}
	finding := in.Findings[r.Path]
	switch finding.Verdict {
	case FoundExact:
		r.Class, r.By = Filtered, finding.By
	case FoundRefs:
		r.Class, r.By = FilteredRefs, finding.By
	case FoundUndecided:
		r.Class, r.Reason = Unchecked, finding.Reason
	default:
		r.Class, r.Reason = Changed, finding.Reason
	}
}

func (in *Input) limbo(p tree.Path) string {
	if in.Limbo == nil {
		return ""
	}
	return in.Limbo(p)
}
