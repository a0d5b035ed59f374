package compare

import (
	"path"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/knownfile"
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

// KnownFiles says of paths where exactly their content was shipped by tools.
type KnownFiles map[tree.Path][]knownfile.Origin

// acceptsToolFile reports whether the lock file accepts the result for what it is
// known to be, and by which of its lines. The name counts: a known file under
// another name is another matter to whoever includes it.
func acceptsToolFile(lock *lockfile.Lock, r *Result, known KnownFiles) (line int, ok bool) {
	found, can := difference(r)
	if !can || r.Archive == nil || r.Archive.Kind != tree.File {
		return 0, false
	}
	for i, t := range lock.ToolFiles {
		if !t.Covers(r.Path) || t.Class != found.Class || t.Mode != found.Mode {
			continue
		}
		for _, o := range known[r.Path] {
			if o.IsVersionAtLeast(t.Tool, t.MinVersion) && path.Base(o.Path) == path.Base(string(r.Path)) {
				return i, true
			}
		}
	}
	return 0, false
}

// Accept marks the differences that the lock file names exactly (class, path,
// content and mode) or as a tool's file, and those that it names and that no
// longer occur. If nothing else stands between archive and commit, the verdict
// is Recorded.
func (r *Report) Accept(lock *lockfile.Lock, known KnownFiles) {
	byPath := make(map[tree.Path]lockfile.Accepted, len(lock.Accepted))
	for _, a := range lock.Accepted {
		byPath[a.Path] = a
	}
	used := make(map[int]bool)
	r.verdict, r.accepted, r.asTools = IdenticalTree, 0, 0
	if r.refuted {
		r.verdict = Differs
	}
	for i := range r.results {
		result := &r.results[i]
		result.Accepted = false
		found, can := difference(result)
		recorded, named := byPath[result.Path]
		exactly := can && named && recorded == found
		line, asToolFile := acceptsToolFile(lock, result, known)
		if exactly {
			delete(byPath, result.Path)
		}
		if asToolFile {
			used[line] = true
		}
		if !exactly && !asToolFile {
			r.verdict = max(r.verdict, verdictOf(result.Class))
			continue
		}
		result.Accepted = true
		r.accepted++
		if !exactly {
			r.asTools++
		}
		r.verdict = max(r.verdict, Recorded)
	}
	r.stale, r.staleTools = r.stale[:0], r.staleTools[:0]
	for i, t := range lock.ToolFiles {
		if !used[i] {
			r.staleTools = append(r.staleTools, t)
		}
	}
	for _, a := range lock.Accepted {
		if left, ok := byPath[a.Path]; ok && left == a {
			r.stale = append(r.stale, a)
		}
	}
}

// Stale returns the differences that the lock file names and that do not occur
// (any more, or not like that), sorted by path.
func (r *Report) Stale() []lockfile.Accepted { return r.stale }

// StaleToolFiles returns the lines for tools' files of the lock file that accept
// nothing (any more), or nothing that one before them does not, sorted by path.
func (r *Report) StaleToolFiles() []lockfile.ToolFile { return r.staleTools }

// Differences returns what a lock file has to name for this archive to pass,
// beside the lines for tools' files that it has.
func (r *Report) Differences(lines []lockfile.ToolFile, known KnownFiles) []lockfile.Accepted {
	var all []lockfile.Accepted
	lock := &lockfile.Lock{ToolFiles: lines}
	for i := range r.results {
		if _, ok := acceptsToolFile(lock, &r.results[i], known); ok {
			continue
		}
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
