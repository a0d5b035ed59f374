package compare

import (
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/lockfile"
	"github.com/countermark/countermark/internal/tree"
)

// lockClasses are the classes that a lock file can accept.
var lockClasses = map[Class]lockfile.Class{
	Added: lockfile.Added, Changed: lockfile.Changed, FilteredRefs: lockfile.FilteredRefs,
	Missing: lockfile.Missing, Mode: lockfile.Mode, Special: lockfile.Special,
}

// difference returns the lock file's line for a result, and whether the
// result is a difference that can be accepted.
func difference(r *Result) (lockfile.Accepted, bool) {
	class, ok := lockClasses[r.Class]
	if !ok || r.Archive != nil && r.Archive.Collision {
		return lockfile.Accepted{}, false
	}
	a := lockfile.Accepted{Class: class, Path: r.Path}
	if r.Archive != nil {
		a.Mode, a.Blob = r.Archive.GitMode(), r.Archive.IDs.In(digest.SHA256Format)
	}
	return a, true
}

// Accept marks the differences that the lock file names exactly (class, path,
// content and mode), and those that it names and that no longer occur. If
// nothing else stands between archive and commit, the verdict is Recorded.
func (r *Report) Accept(lock *lockfile.Lock) {
	byPath := make(map[tree.Path]lockfile.Accepted, len(lock.Accepted))
	for _, a := range lock.Accepted {
		byPath[a.Path] = a
	}
	r.verdict, r.accepted = IdenticalTree, 0
	if r.refuted {
		r.verdict = Differs
	}
	for i := range r.results {
		result := &r.results[i]
		result.Accepted = false
		found, ok := difference(result)
		if recorded, named := byPath[result.Path]; ok && named && recorded == found {
			result.Accepted = true
			r.accepted++
			delete(byPath, result.Path)
			r.verdict = max(r.verdict, Recorded)
			continue
		}
		r.verdict = max(r.verdict, verdictOf(result.Class))
	}
	r.stale = r.stale[:0]
	for _, a := range lock.Accepted {
		if left, ok := byPath[a.Path]; ok && left == a {
			r.stale = append(r.stale, a)
		}
	}
}

// Stale returns the differences that the lock file names and that do not occur
// (any more, or not like that), sorted by path.
func (r *Report) Stale() []lockfile.Accepted { return r.stale }

// Differences returns what a lock file has to name for this archive to pass.
func (r *Report) Differences() []lockfile.Accepted {
	var all []lockfile.Accepted
	for i := range r.results {
		if a, ok := difference(&r.results[i]); ok {
			all = append(all, a)
		}
	}
	return all
}

// Collided reports whether a file of the archive carries a SHA-1 collision attack.
func (r *Report) Collided() bool {
	for i := range r.results {
		if a := r.results[i].Archive; a != nil && a.Collision {
			return true
		}
	}
	return false
}
