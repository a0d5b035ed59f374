// Package refs lists and changes the refs of repositories: those of a local one
// by compare and swap, several in one transaction, and those of a server by an
// atomic push with leases. Nothing is ever forced, no hook is run on this machine.
// That a ref holds something else than was expected is an answer, not an error.
package refs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/gitrepo/gitexec"
	"github.com/countermark/countermark/internal/gitrepo/location"
	"github.com/countermark/countermark/internal/refusal"
)

// BranchPrefix begins the full name of every branch (gitglossary(7), "ref"),
// OwnPrefix that of every ref that is this program's alone.
const (
	BranchPrefix = "refs/heads/"
	OwnPrefix    = "refs/countermark/"
)

// Ref is a ref and what it holds.
type Ref struct {
	Name string // full
	ID   digest.ObjectID
}

// Change is what shall become of one ref: a branch, a tag, or one of ours.
type Change struct {
	Ref string          // full name
	Old digest.ObjectID // what it must hold; zero if it must not exist, as is always so of a tag
	New digest.ObjectID // an object that is there
}

// Outcome is what became of changes.
type Outcome uint8

// The outcomes. The zero value is none.
const (
	Changed   Outcome = iota + 1 // all of it was done
	Unchanged                    // all of it had been done before
	Moved                        // nothing was done: some ref does not hold what was expected
	Refused                      // the server does not want it; see PushAll
)

// Answer is an outcome and why.
type Answer struct {
	Outcome Outcome
	Ref     string          // where it is Moved: the ref that moved
	At      digest.ObjectID // where it is Moved: what that holds, zero if it does not exist
	Said    string          // where it is Refused: the server's reason, escaped
}

// String returns one word.
func (o Outcome) String() string {
	if names := [...]string{Changed: "changed", Unchanged: "unchanged", Moved: "moved", Refused: "refused"}; o > 0 && int(o) < len(names) {
		return names[o]
	}
	return ""
}

// checkName accepts the names of branches, tags and our own refs: those that
// gitobject.CheckRefName accepts, behind each prefix. The error is a
// *refusal.Refusal, GIT_REFNAME.
func checkName(ref string) error {
	for _, prefix := range []string{BranchPrefix, OwnPrefix, gitobject.TagPrefix} {
		if name, ours := strings.CutPrefix(ref, prefix); ours {
			err := gitobject.CheckRefName(gitobject.TagPrefix + name)
			if r, ok := errors.AsType[*refusal.Refusal](err); ok {
				return refusal.New(r.Rule, "%s", strings.ReplaceAll(r.Detail, gitobject.TagPrefix, prefix)).At(refusal.Unknown, ref)
			}
			return err
		}
	}
	return refusal.New(refusal.GitRefName, "the ref is neither a branch (refs/heads/) nor a tag (refs/tags/) nor one of ours (refs/countermark/)").At(refusal.Unknown, ref)
}

// Read returns what a branch, a tag or a ref of ours of a local repository holds,
// zero if there is none. The error is a *refusal.Refusal, GIT_REFNAME, or
// another if git failed.
func Read(ctx context.Context, r *gitrepo.Repository, ref string) (digest.ObjectID, error) {
	if err := checkName(ref); err != nil {
		return digest.ObjectID{}, err
	}
	found, err := List(ctx, r, ref)
	for _, f := range found {
		if f.Name == ref {
			return f.ID, err
		}
	}
	return digest.ObjectID{}, err
}

// List returns the refs of a local repository whose full name is ref, or begins
// with it and a slash, in the order of their names. The names are git's, and may
// be any; ids are of the repository's format, or the error is a *refusal.Refusal,
// GIT_FORMAT.
func List(ctx context.Context, r *gitrepo.Repository, ref string) ([]Ref, error) {
	if r.IsRemote() {
		return nil, errors.New("reading the refs of a remote repository")
	}
	ctx, cancel := context.WithTimeout(ctx, gitrepo.MaxReadTime)
	defer cancel()
	a := r.Access()
	out := &gitexec.Limited{Max: gitrepo.MaxRefBytes, What: "list of refs"}
	err := a.Program.Run(ctx, gitexec.Call{Args: []string{"for-each-ref", "--format=%(objectname) %(refname)", strings.TrimSuffix(ref, "/")}, GitDir: a.Common, Folder: a.Temp, Stdout: out})
	if err != nil {
		return nil, err
	}
	return parseList(out.Lines(), " ", func(name string) bool {
		return name == ref || strings.HasPrefix(name, strings.TrimSuffix(ref, "/")+"/")
	})
}

// parseList reads lines of an id and a name, and keeps the names that are wanted.
func parseList(lines []string, separator string, wanted func(string) bool) ([]Ref, error) {
	var all []Ref
	for _, line := range lines {
		hex, name, found := strings.Cut(line, separator)
		if !found || !wanted(name) {
			continue
		}
		id, err := digest.ParseObjectID(hex)
		if err != nil || id.IsNull() {
			return nil, refusal.New(refusal.GitFormat, "a line of the list of refs holds no full object id").At(refusal.Unknown, name)
		}
		if len(all) > 0 && all[0].ID.Format() != id.Format() {
			return nil, refusal.New(refusal.GitFormat, "the refs hold ids of two object formats").At(refusal.Unknown, name)
		}
		all = append(all, Ref{name, id})
	}
	slices.SortFunc(all, func(a, b Ref) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// Update makes all of the changes in a local repository, or none (git-update-ref(1),
// "--stdin"). Doing it twice does no harm. A branch to be changed that is checked out
// in a work tree is an error, since the work tree would no longer be what git thinks; so
// is a configuration that runs a program when refs change.
func Update(ctx context.Context, r *gitrepo.Repository, changes ...Change) (Answer, error) {
	if r.IsRemote() {
		return Answer{}, errors.New("changing a ref of a remote repository")
	}
	for _, c := range changes {
		if err := check(r, c); err != nil {
			return Answer{}, err
		}
	}
	answer, todo, err := compare(ctx, r, changes)
	if err != nil || answer.Outcome != Changed {
		return answer, err
	}
	for _, c := range changes {
		if err := checkedOut(r.Access().Common, c.Ref); err != nil {
			return Answer{}, err
		}
	}
	if err := refuseHooks(ctx, r.Access(), r.Access().Common); err != nil {
		return Answer{}, err
	}
	failed := transact(ctx, r, todo)
	if failed == nil {
		return answer, nil
	}
	if ctx.Err() != nil {
		return Answer{}, ctx.Err() //nolint:wrapcheck // the context's own error
	}
	// Perhaps another was faster.
	if answer, _, err = compare(ctx, r, changes); err == nil && answer.Outcome == Changed {
		return Answer{}, failed
	}
	return answer, err
}

// Makeable says why Update would not make a ref that does not exist, as far as that
// is known before there is a value for it. The error is Update's.
func Makeable(ctx context.Context, r *gitrepo.Repository, ref string) error {
	if err := checkName(ref); err != nil {
		return err
	}
	for dir := path.Dir(ref); dir+"/" != BranchPrefix && strings.HasPrefix(dir, BranchPrefix); dir = path.Dir(dir) {
		if id, err := Read(ctx, r, dir); err != nil || !id.IsZero() {
			return cmp.Or(err, fmt.Errorf("changing refs: the branch %s is in the way of %s; rename it", escape.Quote(dir), escape.Quote(ref)))
		}
	}
	if err := checkedOut(r.Access().Common, ref); err != nil {
		return err
	}
	return refuseHooks(ctx, r.Access(), r.Access().Common)
}

// check refuses changes that are made nowhere.
func check(r *gitrepo.Repository, c Change) error {
	if err := checkName(c.Ref); err != nil {
		return err
	}
	if strings.HasPrefix(c.Ref, gitobject.TagPrefix) && !c.Old.IsZero() {
		return refusal.New(refusal.GitRefName, "a tag is made, and never moved").At(refusal.Unknown, c.Ref)
	}
	if c.New.IsZero() || c.New.IsNull() || c.New.Format() != r.Format() || !c.Old.IsZero() && (c.Old.IsNull() || c.Old.Format() != r.Format()) {
		return refusal.New(refusal.GitFormat, "the ref's old and new values are not full %v ids", r.Format()).At(refusal.Unknown, c.Ref)
	}
	return nil
}

// compare says what Update has to do: Changed if every ref holds what is expected
// or what it shall hold; those that hold the latter already are made to expect it.
func compare(ctx context.Context, r *gitrepo.Repository, changes []Change) (Answer, []Change, error) {
	todo := slices.Clone(changes)
	held, err := readAll(ctx, r, changes)
	if err != nil {
		return Answer{}, nil, err
	}
	done := 0
	for i := range todo {
		c := &todo[i]
		switch id := held[c.Ref]; {
		case id == c.New:
			c.Old = c.New
			done++
		case id != c.Old:
			return Answer{Outcome: Moved, Ref: c.Ref, At: id}, nil, nil
		}
	}
	if done == len(changes) {
		return Answer{Outcome: Unchanged}, nil, nil
	}
	return Answer{Outcome: Changed}, todo, nil
}

// readAll returns what the refs of changes hold. From a few on one process that
// lists all refs takes less time than one for each.
func readAll(ctx context.Context, r *gitrepo.Repository, changes []Change) (map[string]digest.ObjectID, error) {
	const few = 4
	held := make(map[string]digest.ObjectID)
	if len(changes) > few {
		all, err := List(ctx, r, "refs")
		for _, ref := range all {
			held[ref.Name] = ref.ID
		}
		return held, err
	}
	for _, c := range changes {
		id, err := Read(ctx, r, c.Ref)
		if err != nil {
			return nil, err
		}
		held[c.Ref] = id
	}
	return held, nil
}

// transact runs the transaction. In the values of "update" zeros stand for a
// ref that must not exist.
func transact(ctx context.Context, r *gitrepo.Repository, changes []Change) error {
	a := r.Access()
	var in strings.Builder
	in.WriteString("start\x00")
	for _, c := range changes {
		old := c.Old.String()
		if c.Old.IsZero() {
			old = strings.Repeat("0", 2*r.Format().Size())
		}
		in.WriteString("update " + c.Ref + "\x00" + c.New.String() + "\x00" + old + "\x00")
	}
	in.WriteString("prepare\x00commit\x00")
	return a.Program.Run(ctx, gitexec.Call{
		Args: []string{"update-ref", "--no-deref", "--stdin", "-z"}, GitDir: a.Common, Folder: a.Temp, Durable: true, Stdin: strings.NewReader(in.String()),
	})
}

// checkedOut refuses a branch that a work tree has checked out
// (gitrepository-layout(5): HEAD and worktrees/*/HEAD; a repository without an
// index has no work tree of its own).
func checkedOut(common, ref string) error {
	places := []string{common}
	linked, err := os.ReadDir(filepath.Join(common, "worktrees"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("looking for work trees: %w", err)
	}
	for _, d := range linked {
		places = append(places, filepath.Join(common, "worktrees", d.Name()))
	}
	inUse := func(dir string) bool {
		head, err := location.ReadPointer(filepath.Join(dir, "HEAD"))
		_, noIndex := os.Lstat(filepath.Join(dir, "index"))
		return err == nil && noIndex == nil && head == "ref: "+ref
	}
	if i := slices.IndexFunc(places, inUse); i >= 0 {
		return fmt.Errorf("changing refs: the branch %s is checked out by %q; switch to another one there", escape.Quote(ref), places[i])
	}
	return nil
}
