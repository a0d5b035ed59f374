// Package bundling wires up `countermark bundle`: what vouches for a release is
// taken out of a repository into one file, bundles are joined, and shown. Nothing
// is judged. Files are written whole, and what is lost of none: a bundle that is
// there already is joined with what is written over it.
package bundling

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/bundle"
	"github.com/countermark/countermark/internal/dsse"
	"github.com/countermark/countermark/internal/durable"
	"github.com/countermark/countermark/internal/entry"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/gathering"
	"github.com/countermark/countermark/internal/governing"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/statement"
	"github.com/countermark/countermark/internal/trust"
	"github.com/countermark/countermark/internal/vouching"
)

// MakeOptions say of what to make a bundle.
type MakeOptions struct {
	Repository string // local; "": the one we stand in
	Version    string
	Recipe     string // file of the recipe, where the source has none; "" for none
	Output     string // file; "": NAME-VERSION.countermark here
	Lines      bool   // also the statements alone, beside it: NAME-VERSION.intoto.jsonl
}

// Made is a bundle that was written.
type Made struct {
	Bundle *bundle.Bundle
	Files  []string
	Notes  []string
}

// Make writes the bundle of a version. The error is a *report.Failure.
func Make(ctx context.Context, o MakeOptions) (*Made, error) {
	if _, err := recipe.ParseVersion(o.Version); err != nil {
		return nil, report.UsageFailure("a version is what stands in the name of the archive, as in 1.0", "the version %s: %v", escape.Quote(o.Version), err)
	}
	gathered, err := gather(ctx, o)
	switch {
	case ctx.Err() != nil:
		return nil, report.Interrupted()
	case err != nil:
		return nil, explain(err)
	case len(gathered.Bundle.Statements) == 0:
		return nil, &report.Failure{Code: report.NotComplete, Detail: fmt.Sprintf("the ledger holds no statement on version %s", escape.Text(o.Version)), Hint: "countermark fetch REMOTE gets them; countermark status lists the versions"}
	}
	m := &Made{Bundle: gathered.Bundle, Notes: gathered.Notes}
	if o.Output == "" {
		s, err := statement.Parse(gathered.Bundle.Statements[0].Payload)
		if err != nil {
			return nil, explain(err)
		}
		o.Output = s.BaseName() + vouching.BundleExtension
	}
	there, err := readIfThere(o.Output)
	if err != nil {
		return nil, err
	}
	m.Bundle = bundle.Merge(m.Bundle, there)
	return m, m.write(o)
}

func gather(ctx context.Context, o MakeOptions) (*gathering.Gathered, error) {
	recipes, err := gathering.ReadRecipe(o.Recipe)
	if err != nil {
		return nil, err
	}
	l, err := governing.OpenLedger(ctx, o.Repository)
	if err != nil {
		return nil, err
	}
	gathered, err := gathering.Gather(ctx, gathering.Options{Repo: l.Repo, Version: o.Version, Recipes: recipes})
	return gathered, errors.Join(err, l.Close())
}

func explain(err error) error {
	f := report.FailureOf(err, report.Internal)
	if f.Refusal != nil {
		f.Hint = cmp.Or(f.Hint, report.HintFor(f.Refusal.Rule))
	}
	return f
}

// readIfThere reads a bundle that would be written over, empty if there is none.
func readIfThere(path string) (*bundle.Bundle, error) {
	b, err := Read(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &bundle.Bundle{}, nil
	case err != nil:
		return nil, report.UsageFailure("name another file with --output, or move this one away", "%s is there and is no bundle: %v", escape.Quote(path), err)
	}
	return b, nil
}

// Read reads the file of a bundle.
func Read(path string) (*bundle.Bundle, error) {
	data, err := trust.ReadFile(path, bundle.MaxBytes)
	if err != nil {
		return nil, err
	}
	b, err := bundle.Parse(data)
	if err != nil {
		f := report.FailureOf(err, report.Rejected)
		f.File, f.Detail = path, escape.Text(path)+": "+f.Detail
		f.Hint = cmp.Or(f.Hint, "docs/spec/bundle.md has the format; get the file again")
		return nil, f
	}
	return b, nil
}

func (m *Made) write(o MakeOptions) error {
	lines := strings.TrimSuffix(o.Output, vouching.BundleExtension) + entry.Extension
	if o.Lines {
		if err := checkLines(lines); err != nil {
			return err
		}
	}
	if err := m.writeBundle(o.Output); err != nil {
		return err
	}
	if !o.Lines {
		return nil
	}
	if err := durable.WriteFile(lines, Lines(m.Bundle)); err != nil {
		return fmt.Errorf("writing the statements: %w", err)
	}
	m.Files = append(m.Files, lines)
	return nil
}

// checkLines refuses to write over what is no file of statements.
func checkLines(path string) error {
	data, err := trust.ReadFile(path, bundle.MaxBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for line := range bytes.Lines(data) {
		if _, parseErr := dsse.Parse(bytes.TrimSuffix(line, []byte("\n"))); parseErr != nil {
			err = parseErr
		}
	}
	if err != nil {
		return report.UsageFailure("move it away, or name another file with --output", "%s is there and holds no statements: %v", escape.Quote(path), err)
	}
	return nil
}

func (m *Made) writeBundle(path string) error {
	data, err := m.Bundle.Encode()
	if err != nil {
		return explain(err)
	}
	if err := durable.WriteFile(path, data); err != nil {
		return &report.Failure{Code: report.Internal, Detail: fmt.Sprintf("writing the bundle: %v", err)}
	}
	m.Files = append(m.Files, path)
	return nil
}

// Lines returns the statements of a bundle as other tools read them: one envelope a
// line, in the order of their digests.
func Lines(b *bundle.Bundle) []byte {
	envelopes := slices.Clone(b.Statements)
	slices.SortFunc(envelopes, func(x, y dsse.Envelope) int {
		dx, dy := statement.Digest(x.Payload), statement.Digest(y.Payload)
		return bytes.Compare(dx[:], dy[:])
	})
	var lines []byte
	for _, e := range envelopes {
		lines = append(append(lines, e.Encode()...), '\n')
	}
	return lines
}

// Merge writes what bundles hold together. The output may be one of them, else it
// must not be there. The error is a *report.Failure.
func Merge(files []string, output string) (*Made, error) {
	if output == "" {
		return nil, report.UsageFailure("countermark bundle merge FILE... --output FILE", "nothing says where the bundle is to be written")
	}
	all := make([]*bundle.Bundle, len(files))
	among := false
	to, toErr := os.Stat(output)
	for i, path := range files {
		var err error
		if all[i], err = Read(path); err != nil {
			return nil, report.FailureOf(err, report.Usage)
		}
		if info, err := os.Stat(path); err == nil && toErr == nil && os.SameFile(info, to) {
			among = true
		}
	}
	if toErr == nil && !among {
		return nil, report.UsageFailure("name it among the files, if it shall be joined with them", "--output: %s is there", escape.Quote(output))
	}
	m := &Made{Bundle: bundle.Merge(all...)}
	return m, m.writeBundle(output)
}

// Text says what was written, for people.
func (m *Made) Text() string {
	t := &strings.Builder{}
	describe(t, m.Bundle)
	for _, n := range m.Notes {
		fmt.Fprintf(t, "  note: %s\n", n)
	}
	for _, f := range m.Files {
		fmt.Fprintf(t, "Written: %s\n", escape.Text(f))
	}
	return t.String()
}
