// Package reproduction says whether a build here made what another build made:
// two trees in, a value with the verdict and one result for each path out. The
// verdict is that of the trees' ids; the results say where they part.
package reproduction

import (
	"errors"
	"fmt"
	"iter"

	"github.com/countermark/countermark/internal/cause"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/tree"
)

// Class is what is found of one path. The zero value is no class.
type Class uint8

// The classes, from best to worst.
const (
	Reproduced Class = iota + 1 // the same kind, content and executable bit
	Differs
	Missing // the candidate has it, and the build here did not make it
	Extra   // the build here made it, and the candidate does not have it
)

var classNames = [...]string{Reproduced: "reproduced", Differs: "differs", Missing: "missing", Extra: "extra"}

// String returns the class as reports write it, "" for none.
func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return ""
}

// Classes returns all classes, in order.
func Classes() []Class { return []Class{Reproduced, Differs, Missing, Extra} }

// Verdict is the answer to "did the build here make that?". The zero value is no
// verdict.
type Verdict uint8

// The verdicts, from best to worst.
const (
	SameTree     Verdict = iota + 1 // the ids of the trees are equal, and every path is reproduced
	SameContents                    // and but for executable bits that one side does not state
	NotSame
)

var verdictNames = [...]string{SameTree: "reproduced", SameContents: "reproduced but for executable bits that are not stated", NotSame: "not reproduced"}

// String returns the verdict as reports write it, "" for none.
func (v Verdict) String() string {
	if int(v) < len(verdictNames) {
		return verdictNames[v]
	}
	return ""
}

// Exit returns the exit status of the verdict: 0 it holds, 1 it does not, 2 for
// no verdict.
func (v Verdict) Exit() int {
	switch v {
	case SameTree, SameContents:
		return 0
	case NotSame:
		return 1
	}
	return 2
}

// Input is what is compared.
type Input struct {
	Ours    tree.Tree       // as it was built here
	Theirs  tree.Tree       // the candidate
	Source  tree.Tree       // that both were made of; a path that is not in it, or otherwise on either side, is generated
	Formats []digest.Format // in which all three have ids: at least one
}

// Result is what is found of one path.
type Result struct {
	Path         tree.Path
	Class        Class
	Ours, Theirs *tree.Entry       // nil where there is none
	Generated    bool              // it is not just a file of the source
	Difference   *cause.Difference // why it differs, if that was looked into
}

// Comparison is the outcome.
type Comparison struct {
	Ours, Theirs tree.Identity
	verdict      Verdict
	results      []Result // of every path, in git's order
	unstated     int
}

// Compare compares two trees. The error says that they cannot be: no format is
// given, or an entry has no id in one.
func Compare(in Input) (*Comparison, error) {
	if len(in.Formats) == 0 {
		return nil, errors.New("comparing two builds: no object format is given")
	}
	for _, t := range []tree.Tree{in.Ours, in.Theirs, in.Source} {
		if err := checkIDs(t, in.Formats); err != nil {
			return nil, err
		}
	}
	c := &Comparison{Ours: in.Ours.Identity(in.Formats...), Theirs: in.Theirs.Identity(in.Formats...)}
	same := !c.Ours.Collision && !c.Theirs.Collision
	for _, f := range in.Formats {
		same = same && c.Ours.Git.In(f) == c.Theirs.Git.In(f)
	}
	all := true
	for a, b := range pairs(in.Ours.Entries(), in.Theirs.Entries()) {
		r := judge(a, b, in.Formats)
		r.Generated = generated(a, in) || generated(b, in)
		all = all && r.Class == Reproduced
		if a != nil && b != nil && (unstated(a) || unstated(b)) {
			c.unstated++
		}
		c.results = append(c.results, r)
	}
	switch {
	case same && all && c.unstated == 0:
		c.verdict = SameTree
	case all && c.unstated > 0 && !c.Ours.Collision && !c.Theirs.Collision:
		c.verdict = SameContents
	default:
		c.verdict = NotSame
	}
	return c, nil
}

// checkIDs checks that what has a content has an id in each format.
func checkIDs(t tree.Tree, formats []digest.Format) error {
	entries := t.Entries()
	for i := range entries {
		e := &entries[i]
		if e.Kind == tree.Directory || e.Kind == tree.Special {
			continue
		}
		for _, f := range formats {
			if e.IDs.In(f).IsZero() {
				return fmt.Errorf("comparing two builds: %q has no %v id", e.Path, f)
			}
		}
	}
	return nil
}

// pairs yields the entries of both sides, in git's order, those of one path
// together.
func pairs(ours, theirs []tree.Entry) iter.Seq2[*tree.Entry, *tree.Entry] {
	return func(yield func(a, b *tree.Entry) bool) {
		for len(ours)+len(theirs) > 0 {
			order := 0
			switch {
			case len(ours) == 0:
				order = 1
			case len(theirs) == 0:
				order = -1
			default:
				order = tree.Compare(&ours[0], &theirs[0])
			}
			var a, b *tree.Entry
			if order <= 0 {
				a, ours = &ours[0], ours[1:]
			}
			if order >= 0 {
				b, theirs = &theirs[0], theirs[1:]
			}
			if !yield(a, b) {
				return
			}
		}
	}
}

// judge puts one path into a class. Special files have no content to compare.
func judge(a, b *tree.Entry, formats []digest.Format) Result {
	switch {
	case a == nil:
		return Result{Path: b.Path, Class: Missing, Theirs: b}
	case b == nil:
		return Result{Path: a.Path, Class: Extra, Ours: a}
	}
	r := Result{Path: a.Path, Class: Differs, Ours: a, Theirs: b}
	if same(a, b, formats) && a.Kind != tree.Special && !a.Collision && !b.Collision {
		r.Class = Reproduced
	}
	return r
}

// same reports whether two entries are of one kind, content and executable bit,
// as far as both state it.
func same(a, b *tree.Entry, formats []digest.Format) bool {
	if a.Kind != b.Kind || a.GitMode() != b.GitMode() && !unstated(a) && !unstated(b) {
		return false
	}
	for _, f := range formats {
		if a.IDs.In(f) != b.IDs.In(f) {
			return false
		}
	}
	return true
}

// unstated reports whether a file's executable bit is not stated.
func unstated(e *tree.Entry) bool { return e.Kind == tree.File && e.Exec == tree.ExecUnknown }

// generated reports whether an entry is not just one of the source.
func generated(e *tree.Entry, in Input) bool {
	if e == nil {
		return false
	}
	if e.Kind == tree.Directory {
		return !in.Source.HasDir(e.Path)
	}
	source := in.Source.Lookup(e.Path)
	return source == nil || !same(e, source, in.Formats)
}

// Verdict returns the verdict.
func (c *Comparison) Verdict() Verdict { return c.verdict }

// ExecUnstated returns how many paths were compared without their executable
// bit, since one side does not state it.
func (c *Comparison) ExecUnstated() int { return c.unstated }

// Count returns how many paths are in a class: of all of them, and of the
// generated ones.
func (c *Comparison) Count(class Class) (all, generated int) {
	for i := range c.results {
		if r := &c.results[i]; r.Class == class {
			all++
			if r.Generated {
				generated++
			}
		}
	}
	return all, generated
}

// Results yields every path, in git's order.
func (c *Comparison) Results() iter.Seq[*Result] {
	return func(yield func(*Result) bool) {
		for i := range c.results {
			if !yield(&c.results[i]) {
				return
			}
		}
	}
}

// Explain takes what was found of the files that differ. A difference of a path
// that does not differ is an error of the caller's, and changes nothing.
func (c *Comparison) Explain(found []cause.Difference) error {
	at := make(map[tree.Path]*Result)
	for r := range c.Results() {
		if r.Class == Differs {
			at[r.Path] = r
		}
	}
	for i := range found {
		if at[found[i].Path] == nil {
			return fmt.Errorf("explaining %q, which does not differ", found[i].Path)
		}
	}
	for i := range found {
		at[found[i].Path].Difference = &found[i]
	}
	return nil
}
