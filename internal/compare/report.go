package compare

import (
	"iter"

	"github.com/countermark/countermark/internal/lockfile"
	"github.com/countermark/countermark/internal/tree"
)

// Verdict is the answer to "is this archive exactly that commit?", ordered
// from best to worst. The zero value is no verdict.
type Verdict uint8

// The verdicts. The first three, and Recorded, are what exit status 0 is for.
const (
	IdenticalTree  Verdict = iota + 1
	AfterFilters           // but for the exact images of git's filters
	ButIgnored             // and but for export-ignored files
	Recorded               // and but for differences that the lock file names
	Incomplete             // some path cannot be decided with what is at hand
	RefsUnprovable         // and but for text that depends on refs
	AddedOnly              // the commit is all there, and there is more
	Differs
)

var verdictNames = [...]string{
	IdenticalTree: "identical tree", AfterFilters: "identical after git's filters", ButIgnored: "identical but for export-ignored files",
	Recorded: "recorded differences only", Incomplete: "incomplete", RefsUnprovable: "identical but for text that depends on refs",
	AddedOnly: "added files only", Differs: "differs",
}

// String returns the verdict as reports write it.
func (v Verdict) String() string {
	if int(v) < len(verdictNames) {
		return verdictNames[v]
	}
	return ""
}

// Exit returns the exit status of the verdict: 0 it holds, 1 it does not, 3 incomplete.
func (v Verdict) Exit() int {
	switch v {
	case IdenticalTree, AfterFilters, ButIgnored, Recorded:
		return 0
	case Incomplete:
		return 3
	}
	return 1
}

// Report is the outcome of a comparison.
type Report struct {
	counts     map[Class]int
	results    []Result // all but Identical, in git's order
	stale      []lockfile.Accepted
	staleTools []lockfile.ToolFile
	unproved   int // files whose executable bit the archive does not state
	verdict    Verdict
	accepted   int
	asTools    int // of accepted: those that no line names exactly
	refuted    bool
}

func (r *Report) add(result Result) {
	r.counts[result.Class]++
	if a := result.Archive; a != nil && result.Commit != nil && a.Kind == tree.File && a.Exec == tree.ExecUnknown {
		r.unproved++
	}
	if result.Class != Identical {
		r.results = append(r.results, result)
	}
	r.verdict = max(r.verdict, verdictOf(result.Class))
}

func verdictOf(c Class) Verdict {
	switch c {
	case Identical, Submodule:
		return IdenticalTree
	case Filtered:
		return AfterFilters
	case Ignored:
		return ButIgnored
	case Unchecked:
		return Incomplete
	case FilteredRefs:
		return RefsUnprovable
	case Added:
		return AddedOnly
	}
	return Differs
}

// Verdict returns the worst of what the classes say.
func (r *Report) Verdict() Verdict { return r.verdict }

// Refute makes the verdict Differs, whatever the paths say: evidence beside
// them contradicts the commit.
func (r *Report) Refute() { r.verdict, r.refuted = Differs, true }

// Count returns the number of paths in a class.
func (r *Report) Count(c Class) int { return r.counts[c] }

// Accepted returns the number of differences that the lock file accepts.
func (r *Report) Accepted() int { return r.accepted }

// AcceptedAsToolFiles returns how many of the accepted differences are so as
// files of a tool only: no line of the lock file holds their content.
func (r *Report) AcceptedAsToolFiles() int { return r.asTools }

// ExecUnstated returns the number of files whose executable bit the archive
// does not state and that were compared without it.
func (r *Report) ExecUnstated() int { return r.unproved }

// Results yields every path that is not identical, in git's order.
func (r *Report) Results() iter.Seq[*Result] {
	return func(yield func(*Result) bool) {
		for i := range r.results {
			if !yield(&r.results[i]) {
				return
			}
		}
	}
}

// Beyond returns the first difference of r that first, the report on another
// archive of the same release, does not have in the same class; nil if there
// is none. A path that is identical in r may be in any class of first.
func (r *Report) Beyond(first *Report) *Result {
	classes := make(map[tree.Path]Class, len(first.results))
	for i := range first.results {
		classes[first.results[i].Path] = first.results[i].Class
	}
	for i := range r.results {
		if result := &r.results[i]; classes[result.Path] != result.Class {
			return result
		}
	}
	return nil
}

// All yields every path of both sides, in git's order; archive is the tree
// that was compared.
func (r *Report) All(archive tree.Tree) iter.Seq[*Result] {
	return func(yield func(*Result) bool) {
		rest := r.results
		entries := archive.Entries()
		for i := range entries {
			e := &entries[i]
			for len(rest) > 0 && rest[0].Archive == nil && tree.Compare(rest[0].Commit, e) < 0 {
				if !yield(&rest[0]) {
					return
				}
				rest = rest[1:]
			}
			result := &Result{Path: e.Path, Class: Identical, Archive: e}
			if len(rest) > 0 && rest[0].Archive == e {
				result, rest = &rest[0], rest[1:]
			} else if e.Kind == tree.Directory {
				continue
			}
			if !yield(result) {
				return
			}
		}
		for i := range rest {
			if !yield(&rest[i]) {
				return
			}
		}
	}
}
