// Package varying finds out whether what a build makes depends on where, by whom
// and under what circumstances it runs: it has a release built twice, as usual and
// with everything varied at once, and where the two differ, again with some of it
// varied, until it is known which variation moves which file.
//
// What it cannot show: that nothing else moves. The clock is the machine's, which a
// sandbox of namespaces cannot change: programs that are linked dynamically are told
// another date by libfaketime, where there is one. Builds begin more than a second
// apart, so that a file with a time of day moves in any case.
// Kernel, processor and the tools are the same in all builds. A file that moves by
// chance, and happened not to, is not seen.
package varying

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/countermark/countermark/internal/building/difference"
	"github.com/countermark/countermark/internal/building/finding"
	"github.com/countermark/countermark/internal/building/setting"
	"github.com/countermark/countermark/internal/building/source"
	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/cause"
	"github.com/countermark/countermark/internal/progress"
	"github.com/countermark/countermark/internal/reproduction"
	"github.com/countermark/countermark/internal/tree"
)

// tick is how far apart the first build begins from all others: clocks are
// written down in seconds.
const tick = 1100 * time.Millisecond

// Job is one build that is to be made.
type Job struct {
	Variation setting.Variation
	Parent    string                 // folder to make the build's own in; "": where builds are made
	Arrange   func(dir string) error // puts the laid out source in another order; nil: none
	Describe  bool                   // asks the environment for facts
}

// Made is what a build came to.
type Made struct {
	Found    *finding.List
	Laid     tree.Tree             // the source
	Built    tree.Tree             // of the built commit
	Archives []buildrecord.Archive // if the project's own command makes them; else they are a function of Built
	Tar      buildrecord.Tar       // of these
	Work     string                // folder that holds it
	Facts    cause.Build
	KeepLogs func() error // keeps what its programs printed, and notes in Found where
	Close    func() error // removes its folder
}

// Input is what is built, and how.
type Input struct {
	Source   *source.Source
	Setting  *setting.Setting
	Temp     string // folder of our own for what is needed meanwhile
	Build    func(context.Context, Job) (*Made, error)
	Progress *progress.Line
}

// run is one look at a project.
type run struct {
	in     Input
	plan   *plan
	usual  *Made
	begun  time.Time // of the usual build
	result *Result
	moved  map[Set][]Item // what was found to move under a set
	by     map[Item]*Moved
}

// Run builds, and builds again. What moves is in the Result; the error says why
// there is none.
func Run(ctx context.Context, in Input) (result *Result, err error) {
	x := &run{in: in, result: &Result{Found: &finding.List{}}, moved: make(map[Set][]Item), by: make(map[Item]*Moved)}
	if x.plan, err = makePlan(ctx, in); err != nil {
		return nil, err
	}
	x.begun = time.Now()
	if x.usual, err = x.build(ctx, 0); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, x.usual.Close()) }()
	if x.usual.Found.Failed() {
		x.result.Found = x.usual.Found
		return x.result, x.usual.KeepLogs()
	}
	if err := x.wait(ctx); err != nil {
		return nil, err
	}
	if err := x.look(ctx); err != nil {
		return nil, err
	}
	x.conclude()
	return x.result, nil
}

// wait waits until the clock has moved on from when the first build began.
func (x *run) wait(ctx context.Context) error {
	select {
	case <-time.After(tick - time.Since(x.begun)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// build makes one build.
func (x *run) build(ctx context.Context, s Set) (*Made, error) {
	job, err := x.plan.job(s)
	if err != nil {
		return nil, err
	}
	x.result.Builds++
	x.in.Progress.Text(fmt.Sprintf("build %d, varied: %s", x.result.Builds, cmp.Or(s.String(), "nothing")))
	return x.in.Build(ctx, job)
}

// look compares the usual build with one under all variations, and finds out
// what moves what. A variation under which nothing can be built is left out of
// the comparison.
func (x *run) look(ctx context.Context) error {
	all := x.plan.available
	for {
		varied, err := x.build(ctx, all)
		if err != nil {
			return err
		}
		if !varied.Found.Failed() {
			return errors.Join(x.compare(ctx, all, varied), varied.Close())
		}
		if err := errors.Join(varied.KeepLogs(), varied.Close()); err != nil {
			return err
		}
		x.note(Item{}).Failure = varied.Found
		if err := x.explain(ctx, all, []Item{{}}); err != nil {
			return err
		}
		culprits := x.by[Item{}].With & all
		if all &^= culprits; culprits == 0 || all == 0 {
			return nil
		}
	}
}

// compare says in what the two builds differ, and why.
func (x *run) compare(ctx context.Context, s Set, varied *Made) error {
	id := x.usual.Built.Identity(x.in.Source.Formats()...)
	x.result.Tree = id.Git.In(x.in.Source.Format())
	comparison, items, err := x.items(varied)
	if err != nil || len(items) == 0 {
		return err
	}
	if err := x.causes(ctx, comparison, varied); err != nil {
		return err
	}
	for r := range comparison.Results() {
		if r.Class != reproduction.Reproduced {
			x.note(Item{Path: r.Path}).How = r
		}
	}
	for _, i := range items {
		if i.Archive != "" {
			x.note(i).Other = x.archive(i.Archive, varied)
		}
	}
	return x.explain(ctx, s, items)
}

// causes looks for the causes of what differs.
func (x *run) causes(ctx context.Context, c *reproduction.Comparison, varied *Made) error {
	ours, err := os.OpenRoot(x.usual.Work)
	if err != nil {
		return err
	}
	defer ours.Close()
	theirs, err := os.OpenRoot(varied.Work)
	if err != nil {
		return err
	}
	defer theirs.Close()
	contents := func(_ context.Context, paths []tree.Path, each func(tree.Path, []byte) error) error {
		for _, p := range paths {
			content, err := difference.Read(theirs, varied.Built.Lookup(p))
			if err == nil {
				err = each(p, content)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	return difference.Sides{Comparison: c, Ours: ours, Theirs: contents, Build: x.usual.Facts}.Explain(ctx)
}

// items returns what differs between the usual build and another one.
func (x *run) items(other *Made) (*reproduction.Comparison, []Item, error) {
	c, err := reproduction.Compare(reproduction.Input{Ours: x.usual.Built, Theirs: other.Built, Source: x.usual.Laid, Formats: x.in.Source.Formats()})
	if err != nil {
		return nil, nil, err
	}
	var items []Item
	for r := range c.Results() {
		if r.Class != reproduction.Reproduced {
			items = append(items, Item{Path: r.Path})
		}
	}
	for i, a := range x.usual.Archives {
		if other.Archives[i].SHA256 != a.SHA256 {
			items = append(items, Item{Archive: a.Name})
		}
	}
	return c, items, nil
}

// archive says in what an archive of the project's own command differs.
func (x *run) archive(name string, varied *Made) string {
	ours, theirs := x.usual.Tar, varied.Tar
	switch {
	case ours.SHA256 == theirs.SHA256 && !ours.SHA256.IsZero():
		return "the same tar, compressed otherwise"
	case ours.Tree != theirs.Tree || ours.SHA256.IsZero():
		return "other files"
	case ours.Bytes != theirs.Bytes:
		return fmt.Sprintf("the same files, with other metadata: the tar has %d bytes there, %d here", theirs.Bytes, ours.Bytes)
	}
	return "the same files, with other times, order, modes or owners"
}

// note returns what is known of an item.
func (x *run) note(i Item) *Moved {
	if x.by[i] == nil {
		x.by[i] = &Moved{Item: i}
	}
	return x.by[i]
}

// explain finds out which of the variations moves each of the items, all of which
// move under the set. What moves without any is not looked into further.
func (x *run) explain(ctx context.Context, s Set, items []Item) error {
	unvaried, err := x.movedBy(ctx, 0)
	if err != nil {
		return err
	}
	var rest []Item
	for _, i := range items {
		if slices.Contains(unvaried, i) {
			x.note(i).Always = true
		} else {
			rest = append(rest, i)
		}
	}
	return x.narrow(ctx, s, rest)
}

// narrow halves the set until single variations are left. What moves under
// neither half is moved by several of the set together, or by chance.
func (x *run) narrow(ctx context.Context, s Set, items []Item) error {
	if len(items) == 0 {
		return nil
	}
	if s.Len() == 1 {
		for _, i := range items {
			x.note(i).With |= s
		}
		return nil
	}
	left := slices.Clone(items)
	first, second := s.halves()
	for _, half := range []Set{first, second} {
		moved, err := x.movedBy(ctx, half)
		if err != nil {
			return err
		}
		var here []Item
		for _, i := range items {
			if slices.Contains(moved, i) {
				here = append(here, i)
			}
		}
		left = slices.DeleteFunc(left, func(i Item) bool { return slices.Contains(here, i) })
		if err := x.narrow(ctx, half, here); err != nil {
			return err
		}
	}
	for _, i := range left {
		x.note(i).Together |= s
	}
	return nil
}

// movedBy builds under a set of variations, if that was not done, and returns
// what moves; of a build that fails, the build.
func (x *run) movedBy(ctx context.Context, s Set) ([]Item, error) {
	if moved, known := x.moved[s]; known {
		return moved, nil
	}
	made, err := x.build(ctx, s)
	if err != nil {
		return nil, err
	}
	items := []Item{{}}
	if !made.Found.Failed() {
		_, items, err = x.items(made)
	}
	x.moved[s] = items
	return items, errors.Join(err, made.Close())
}
