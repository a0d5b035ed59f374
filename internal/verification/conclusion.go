package verification

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/archive"
	"github.com/countermark/countermark/internal/builtcommit"
	"github.com/countermark/countermark/internal/compare"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/revision"
	"github.com/countermark/countermark/internal/tree"
	"github.com/countermark/countermark/internal/verification/input"
)

// conclude applies claim and lock file to the comparison and fills in the document.
func (v *verification) conclude(ctx context.Context, result *compare.Report, inputs []*input.Input, all []*archive.Contents) error {
	first := all[0]
	if v.lock != nil {
		result.Accept(v.lock, v.known)
	}
	v.checkClaims(ctx, result, all)
	v.checkRecorded(result, first)
	if first.Identity.Collision {
		result.Refute()
	}
	if err := v.checkIdentity(result, first); err != nil {
		return err
	}
	v.describe(inputs, all)
	v.doc.SetComparison(result, first, v.o.All)
	for _, other := range all[1:] {
		v.doc.AddModes(other.Modes)
	}
	v.doc.SetProvenance(v.findings)
	v.notes(result, first)
	v.judgeSignatures()
	if v.lock != nil {
		v.doc.Lock = &report.Lock{File: v.lockPath, Accepted: result.Accepted(), AsTools: result.AcceptedAsToolFiles(), Stale: stale(result)}
	}
	if v.o.UpdateLock {
		if err := v.updateLock(result, first); err != nil {
			return err
		}
	}
	v.doc.Code = report.CodeOf(v.doc.Exit)
	v.doc.NotChecked = append(v.doc.NotChecked, notChecked...)
	if result.Count(compare.Added)+result.Count(compare.Changed) > 0 {
		v.doc.NotChecked = append(v.doc.NotChecked, "whether the added or changed files were generated from this source")
	}
	return nil
}

// stale words the lock file's lines that no longer occur.
func stale(result *compare.Report) []string {
	lines := make([]string, 0, len(result.Stale())+len(result.StaleToolFiles()))
	for _, a := range result.Stale() {
		lines = append(lines, fmt.Sprintf("%v %s", a.Class, a.Path))
	}
	for _, t := range result.StaleToolFiles() {
		lines = append(lines, fmt.Sprintf("%v %s (as a file of %s)", t.Class, t.Path, t.Tool))
	}
	return lines
}

// describe fills in what was read.
func (v *verification) describe(inputs []*input.Input, all []*archive.Contents) {
	for i, c := range all {
		a := report.Archive{Name: inputs[i].Name, SHA256: c.SHA256.String(), Decoder: c.Decoder, Container: c.Format.String(),
			Dialect: c.Dialect, Prefix: c.Prefix, Members: c.Members, Bytes: c.FileBytes}
		if !c.TarSHA256.IsZero() {
			sum := c.TarSHA256.String()
			a.TarSHA256 = &sum
		}
		v.doc.Archives = append(v.doc.Archives, a)
		for _, note := range c.Notes {
			v.doc.Notes = append(v.doc.Notes, inputs[i].Name+": "+note)
		}
	}
	v.doc.Commit = &report.Commit{
		ID: v.target.ID.String(), Tree: v.target.Tree.String(), ObjectFormat: v.target.ID.Format().String(),
		Ref: v.target.ref, TagObject: v.target.tag.String(), Repository: v.repoName, FoundBy: v.target.foundBy,
		FetchedBytes: v.repo.BytesFetched(), Git: v.git.Version(),
	}
}

// notes adds what a reader should know beside the verdict.
func (v *verification) notes(result *compare.Report, contents *archive.Contents) {
	add := func(format string, args ...any) { v.doc.Notes = append(v.doc.Notes, fmt.Sprintf(format, args...)) }
	if n := result.ExecUnstated(); n > 0 {
		add("the archive does not say whether %d of its files are executable; that was not compared", n)
	}
	if pairs := contents.Tree.CaseFoldings(); len(pairs) > 0 {
		add("PORT_CASE: %d pairs of names are one name where case is ignored, such as %s and %s", len(pairs), pairs[0][0], pairs[0][1])
	}
	if names := contents.Tree.WindowsNames(); len(names) > 0 {
		add("PORT_WINDOWS: %d names cannot be written on Windows, such as %s", len(names), names[0])
	}
	if n := v.repo.BytesFetched(); n > 0 {
		add("fetched %d bytes from %s", n, v.repoName)
	}
	if contents.Identity.Collision {
		add("a tree made of these names carries the mark of a SHA-1 collision attack")
	}
}

// checkClaims holds the commit ids embedded in the archives to the commit.
func (v *verification) checkClaims(ctx context.Context, result *compare.Report, all []*archive.Contents) {
	for _, contents := range all {
		if id := contents.Embedded; !id.IsZero() && id != v.target.ID && (v.doc.Claim == nil || v.doc.Claim.Embedded != id.String()) && !v.isBuiltFrom(ctx, id) {
			v.checkClaim(ctx, result, id)
		}
		if v.doc.Claim != nil && !v.doc.Claim.SameTree {
			return
		}
	}
}

// checkClaim judges the claim to be made from another commit.
func (v *verification) checkClaim(ctx context.Context, result *compare.Report, id digest.ObjectID) {
	other, err := v.repo.Commit(ctx, id)
	lacking := report.AsRefusal(err)
	same, which := err == nil && other.Tree == v.target.Tree, "which has the same tree"
	if lacking != nil && lacking.Rule == refusal.GitMissing {
		same, which = result.Verdict() == compare.IdenticalTree, "which is not at hand"
	}
	v.doc.Claim = &report.Claim{Rule: "CMP_CLAIM", Embedded: id.String(), SameTree: same}
	if !same {
		result.Refute()
		return
	}
	v.doc.Notes = append(v.doc.Notes, fmt.Sprintf("the archive says that it was made from commit %v, %s", id, which))
}

// isBuiltFrom reports whether the commit is a built commit of the source commit:
// a project whose own command makes the archives runs git archive on the source.
func (v *verification) isBuiltFrom(ctx context.Context, source digest.ObjectID) bool {
	_, raw, _ := v.repo.Object(ctx, v.target.ID) // of nothing, no built commit is made
	built, err := builtcommit.Parse(v.repo.Format(), raw)
	return err == nil && built.Source.Commit == source
}

// checkRecorded holds tag and archive to what the lock file recorded of the
// same tag: a tag that moves to another tree is the work of somebody who should
// explain it; a file that was made anew is worth a note.
func (v *verification) checkRecorded(result *compare.Report, contents *archive.Contents) {
	if v.lock == nil || v.lock.Verified == nil || v.target.ref == "" || v.lock.Verified.Ref != v.target.ref {
		return
	}
	recorded := v.lock.Verified
	if recorded.Commit != v.target.ID || recorded.Tag != v.target.tag {
		v.doc.Moved = &report.Moved{Rule: "GIT_TAGMOVED", Commit: recorded.Commit.String(), TagObject: recorded.Tag.String(), SameTree: recorded.Tree == v.target.Tree}
		if !v.doc.Moved.SameTree {
			result.Refute()
			return
		}
		v.doc.Notes = append(v.doc.Notes, fmt.Sprintf("the tag was moved or made anew since it was recorded (commit %v then); the tree is the same", recorded.Commit))
	}
	if recorded.Archive != contents.SHA256 && (recorded.Tar.IsZero() || recorded.Tar != contents.TarSHA256) {
		v.doc.Notes = append(v.doc.Notes, fmt.Sprintf("this is another file than the one recorded for this tag (SHA-256 %v then)", recorded.Archive))
	}
}

// checkIdentity holds the verdict to the trees' ids, which were computed
// independently of it: identical trees have one id.
func (v *verification) checkIdentity(result *compare.Report, contents *archive.Contents) error {
	if result.Verdict() != compare.IdenticalTree || result.Count(compare.Submodule) > 0 || len(v.parts) > 1 || result.ExecUnstated() > 0 {
		return nil
	}
	if slices.ContainsFunc(v.tree.Entries(), func(e tree.Entry) bool { return e.Kind == tree.Directory }) {
		return nil // an empty tree counts in the commit's id; in an archive's, git's own way, it does not
	}
	if id := contents.Identity.Git.In(v.target.ID.Format()); id != v.target.Tree {
		return &report.Failure{Code: report.Internal, Detail: fmt.Sprintf("every path is identical, and yet the trees are %v and %v; this is a defect of countermark", id, v.target.Tree)}
	}
	return nil
}

// undecided ends a run in which nothing says which commit is meant.
func (v *verification) undecided(ctx context.Context, a *archive.Reader, d revision.Decision) error {
	f := report.UsageFailure("name it with --tag or --commit", "which commit is this? %s", d.Why)
	if len(d.Candidates) > 0 {
		f.Hint = "name it with --tag or --commit; possible are " + strings.Join(d.Candidates, ", ")
	}
	if d.Conflict || len(d.Candidates) > 0 || v.repo.IsRemote() || len(v.tags) == 0 {
		return f
	}
	v.file = input.DisplayName(v.o.Archives[0])
	contents, err := a.Read(ctx, nil)
	if err != nil {
		return err
	}
	v.file = ""
	ranked, err := v.repo.Rank(ctx, contents.Tree, v.tags, func(done, total int) {
		v.o.Progress.Text(fmt.Sprintf("comparing with tagged commits: %d of %d", done, total))
	})
	v.o.Progress.Clear()
	if err != nil {
		return err
	}
	const shown = 3
	nearest := make([]string, 0, shown)
	for _, r := range ranked[:min(shown, len(ranked))] {
		if r.Shared == 0 {
			break
		}
		v.doc.Candidates = append(v.doc.Candidates, report.Candidate{Ref: r.Ref.Name, Commit: r.CommitID.String(), Shared: r.Shared, Total: r.Total})
		nearest = append(nearest, fmt.Sprintf("%s (%d of its %d files are in the archive)", strings.TrimPrefix(r.Ref.Name, "refs/tags/"), r.Shared, r.Total))
	}
	if len(nearest) > 0 {
		f.Detail += "; the nearest tagged commits are " + strings.Join(nearest, ", ")
	} else {
		f.Detail += "; and no tagged commit shares a file with the archive"
		f.Hint = "is " + v.repoName + " the right repository? --tag or --commit names the commit all the same"
	}
	return f
}
