package building

import (
	"context"
	"errors"

	"github.com/countermark/countermark/internal/building/scratch"
	"github.com/countermark/countermark/internal/building/varying"
)

// Varied is what became of building under variations.
type Varied struct {
	*varying.Result
	notes []string
}

// Text returns the result for people.
func (v Varied) Text() string {
	if v.IsBuilt() {
		return v.Result.Text()
	}
	return v.unbuilt().Text()
}

// JSON returns the result as one JSON document.
func (v Varied) JSON() []byte {
	if v.IsBuilt() {
		return v.Result.JSON()
	}
	return v.unbuilt().JSON()
}

// unbuilt is the result of a build that failed before anything was varied.
func (v Varied) unbuilt() *Result { return &Result{Found: v.Found, Notes: v.notes} }

// Vary builds a release as usual and under variations, and says what of it moves.
// Nothing is written: no ref, no object, no folder.
func Vary(ctx context.Context, o Options) (Varied, error) {
	b := newBuild(o)
	r, err := b.vary(ctx)
	if err := b.end(ctx, err); err != nil {
		return Varied{}, err
	}
	return Varied{r, b.result.Notes}, nil
}

func (b *build) vary(ctx context.Context) (*varying.Result, error) {
	if err := b.prepare(ctx); err != nil || b.found.Failed() {
		return &varying.Result{Found: b.found}, err
	}
	scratch.RemoveStale(varying.Memory, varying.MemoryPrefix)
	return varying.Run(ctx, varying.Input{Source: b.source, Setting: b.setting, Temp: b.scratch.Dir, Build: b.variant, Progress: b.o.Progress})
}

// variant makes one build more of the same source, in a folder of its own.
func (b *build) variant(ctx context.Context, j varying.Job) (*varying.Made, error) {
	prefix := "variant-"
	if j.Parent == "" {
		j.Parent = b.scratch.Dir
	} else {
		prefix = varying.MemoryPrefix
	}
	folder, err := scratch.New(j.Parent, prefix)
	if err != nil {
		return nil, err
	}
	v := newBuild(b.o)
	v.source, v.scratch, v.setting = b.source, folder, b.setting.Vary(j.Variation)
	if err := v.makeVariant(ctx, j); err != nil {
		if ctx.Err() == nil {
			err = v.withLogs(errors.Join(err, v.keepLogs()))
		}
		return nil, errors.Join(err, folder.Remove())
	}
	return &varying.Made{
		Found: v.found, Laid: v.laid, Built: v.built, Archives: v.record.Archives, Tar: v.record.Tar, Work: v.work(), Facts: v.causes(),
		KeepLogs: v.keepLogs, Close: folder.Remove,
	}, nil
}

// makeVariant runs the steps. Of archives it makes only those that are no function
// of the built tree.
func (b *build) makeVariant(ctx context.Context, j varying.Job) error {
	phases := []func(context.Context) error{b.lay}
	if j.Arrange != nil {
		phases = append(phases, func(context.Context) error { return j.Arrange(b.work()) })
	}
	if j.Describe {
		phases = append(phases, b.describe)
	}
	phases = append(phases, b.runSteps, b.commit)
	if b.source.Recipe.Archives.Command != nil {
		b.unverified = true
		phases = append(phases, b.writeArchives)
	}
	for _, phase := range phases {
		if err := phase(ctx); err != nil || b.found.Failed() {
			return err
		}
	}
	return nil
}
