package verification

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/compare"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitrepo/difference"
	"github.com/countermark/countermark/internal/indexing"
	"github.com/countermark/countermark/internal/provenance"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/tree"
)

// label finds out where the added files come from, and what was done to the
// changed ones.
func (v *verification) label(ctx context.Context, result *compare.Report) error {
	var in provenance.Input
	changed := make(map[tree.Path]bool)
	for r := range result.Results() {
		switch r.Class {
		case compare.Added:
			in.Added = append(in.Added, r.Archive)
		case compare.Changed:
			in.Changed = append(in.Changed, r.Archive)
			changed[r.Path] = true
		}
	}
	if len(in.Added)+len(in.Changed) == 0 && v.o.Explain == "" {
		return v.readIndexes(ctx)
	}
	if err := v.giveCommitted(ctx, changed); err != nil {
		return err
	}
	v.o.Progress.Text("reading the index of known files")
	index, err := v.index.Wait(ctx, v.o.Indexes, v.o.Known)
	v.o.Progress.Clear()
	if err != nil {
		return err
	}
	in.Index = index
	in.Subject, _, _ = strings.Cut(v.target.Message, "\n")
	for _, p := range v.parts[1:] {
		in.Submodules = append(in.Submodules, p.at)
	}
	for _, e := range v.tree.Entries() {
		if e.Kind == tree.Submodule {
			in.Pinned = append(in.Pinned, e.Path)
		}
	}
	v.findings = v.evidence.Judge(in)
	v.known = make(compare.KnownFiles)
	for _, f := range v.findings {
		if f.Label == provenance.ToolFile || f.Change == provenance.KnownToolFile {
			v.known[f.Path] = f.Known
		}
	}
	return v.explainPath(ctx, result)
}

// readIndexes reads the index files that were named and are not needed: a broken
// one must not wait for the release that needs it.
func (v *verification) readIndexes(ctx context.Context) error {
	if len(v.o.Indexes) == 0 {
		return nil
	}
	_, err := v.index.Wait(ctx, v.o.Indexes, nil)
	return err
}

// giveCommitted reads the committed content of the files that were changed, and
// of templates. Where it cannot be had or is too large, the report says so of each.
func (v *verification) giveCommitted(ctx context.Context, changed map[tree.Path]bool) error {
	for _, p := range v.parts {
		ids := v.evidence.Needed(changed, func(path tree.Path) bool {
			part, _ := v.parts.of(path)
			return part == p
		})
		if len(ids) == 0 {
			continue
		}
		err := p.repo.SmallBlobs(ctx, ids, provenance.MaxCommittedBytes, func(id digest.ObjectID, content []byte) error {
			v.evidence.Give(id, content)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// maxDiffBytes bounds each side of a difference: git's time grows with the
// square of what differs.
const maxDiffBytes = 1 << 20

// explainPath fills in what is known of the path given to --explain.
func (v *verification) explainPath(ctx context.Context, result *compare.Report) error {
	if v.o.Explain == "" {
		return nil
	}
	path := tree.Path(v.o.Explain)
	at := slices.IndexFunc(v.findings, func(f provenance.Finding) bool { return f.Path == path })
	x := &report.Explanation{Path: v.o.Explain}
	v.doc.Explanation = x
	if at < 0 {
		x.Detail = v.withoutLabel(path, result)
		return nil
	}
	f := &v.findings[at]
	base, name, err := v.baseFor(ctx, f)
	switch {
	case err != nil:
		return err
	case f.Kind != tree.File:
	case v.evidence.Explained == nil:
		x.Detail = "its content is not at hand to be shown: it is too large, or the file a hard link"
	case base != nil && max(len(base), len(v.evidence.Explained)) > maxDiffBytes:
		x.Detail = fmt.Sprintf("it differs from %s; one of both is larger than 1 MiB, too large for a difference by lines", name)
	case base != nil:
		x.DiffFrom = name
		x.Diff, err = difference.Lines(ctx, v.repo, base, v.evidence.Explained)
	case f.Nearest != nil:
		x.Detail = fmt.Sprintf("the text of %s of %s %s is not at hand; --known names a folder, an archive or a package that has it (SHA-256 %v)",
			f.Nearest.Path, f.Nearest.Tool, f.Nearest.Versions(), f.Nearest.SHA256)
	}
	return err
}

// withoutLabel says why a path has no label.
func (v *verification) withoutLabel(path tree.Path, result *compare.Report) string {
	for r := range result.Results() {
		if r.Path == path {
			return fmt.Sprintf("it is %v: only added and changed files are explained", r.Class)
		}
	}
	if v.tree.Lookup(path) != nil {
		return "it is identical in the commit"
	}
	return "neither the archive nor the commit has it; paths are given without the archive's top directory"
}

// baseFor returns the content that a file is to be compared with: the nearest
// known file's or, of a changed file, the commit's; nil if it is not at hand.
func (v *verification) baseFor(ctx context.Context, f *provenance.Finding) (content []byte, name string, err error) {
	if f.Nearest != nil {
		known, err := indexing.Closest(ctx, v.o.Known, filepath.Base(f.Nearest.Path), v.evidence.Explained)
		return known.Content, fmt.Sprintf("%s %s, %s", known.Tool, known.Version, known.Path), err
	}
	if f.Label != 0 {
		return nil, "", nil
	}
	part, _ := v.parts.of(f.Path)
	base := v.tree.Lookup(f.Path)
	if base == nil || base.Kind == tree.Submodule {
		return nil, "", nil
	}
	err = part.repo.SmallBlobs(ctx, []digest.ObjectID{base.IDs.In(v.target.ID.Format())}, maxDiffBytes, func(_ digest.ObjectID, blob []byte) error {
		content = slices.Clone(blob)
		return nil
	})
	return content, "the commit", err
}
