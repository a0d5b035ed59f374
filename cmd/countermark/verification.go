package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/countermark/countermark/internal/archive"
	"github.com/countermark/countermark/internal/compare"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/filter"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/lockfile"
	"github.com/countermark/countermark/internal/progress"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/tree"
)

// notChecked is what no run of verify looks at; docs/threat-model.md says why.
var notChecked = []string{
	"who signed the tag or the archive",
	"whether the source of that commit is honest",
}

// verification is one run of verify: it gathers what the judgement needs.
type verification struct {
	o        verifyOptions
	s        streams
	line     *progress.Line
	git      *gitrepo.Git
	repo     *gitrepo.Repository
	repoName string // as the user or the lock file named it
	lock     *lockfile.Lock
	lockPath string
	tags     []gitrepo.Ref
	target   target
	parts    parts
	tree     tree.Tree // of the commit, with the submodules given laid out in it
	doc      *report.Document
	file     string // the archive being read, for refusals
}

// target is the commit that the archive is compared with.
type target struct {
	filter.Commit
	ref     string          // "" for a bare --commit
	tag     digest.ObjectID // zero for a lightweight tag
	foundBy string
}

// runVerify carries out one verify and writes its report.
func runVerify(ctx context.Context, o verifyOptions, s streams) error {
	v := &verification{o: o, s: s, line: progress.New(s.err), doc: &report.Document{Format: report.FormatVersion}}
	err := v.run(ctx)
	v.line.Clear()
	err = errors.Join(err, v.close())
	if err != nil {
		return v.fail(ctx, err)
	}
	if err := v.write(); err != nil {
		return err
	}
	return verdictReached(v.doc.Exit)
}

// close removes everything temporary.
func (v *verification) close() error {
	var err error
	for _, p := range v.parts {
		if p.repo != v.repo {
			err = errors.Join(err, p.repo.Close())
		}
	}
	if v.repo != nil {
		err = errors.Join(err, v.repo.Close())
	}
	return err
}

func (v *verification) run(ctx context.Context) error {
	if err := v.checkOptions(); err != nil {
		return err
	}
	if err := v.readLock(); err != nil {
		return err
	}
	inputs, err := v.openInputs()
	defer closeInputs(inputs)
	if err != nil {
		return err
	}
	options, err := v.archiveOptions(ctx, inputs[0])
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { closeInputs(inputs) })() // ends a read that blocks
	first, err := archive.Open(inputs[0].reader, options)
	if err != nil {
		return err
	}
	defer first.Close()
	if err := v.openRepository(ctx); err != nil {
		return err
	}
	if err := v.findCommit(ctx, first); err != nil {
		return err
	}
	if err := v.loadParts(ctx); err != nil {
		return err
	}
	contents, err := first.Read(ctx, v.parts)
	if err != nil {
		return err
	}
	all, err := v.readOthers(ctx, inputs, contents)
	if err != nil {
		return err
	}
	v.line.Clear()
	if err := v.parts.giveBlobs(ctx); err != nil {
		return err
	}
	result, err := v.compare(ctx, contents)
	if err != nil {
		return err
	}
	return v.conclude(ctx, result, inputs, all)
}

// checkOptions refuses flag combinations that mean nothing.
func (v *verification) checkOptions() error {
	if len(v.o.archives) == 0 {
		return usage("countermark verify ARCHIVE, or --help", "no archive is named")
	}
	switch v.o.decoder {
	case "auto", "system", "go":
	default:
		return usage("", "--decoder %q is none of auto, system, go", v.o.decoder)
	}
	seen := make(map[string]bool)
	for _, name := range v.o.archives {
		if seen[name] {
			return usage("", "%q is named twice", name)
		}
		seen[name] = true
	}
	return nil
}

// readOthers reads the further envelopes and holds them to the first.
func (v *verification) readOthers(ctx context.Context, inputs []*input, first *archive.Contents) ([]*archive.Contents, error) {
	all := []*archive.Contents{first}
	for _, in := range inputs[1:] {
		options, err := v.archiveOptions(ctx, in)
		if err != nil {
			return nil, err
		}
		a, err := archive.Open(in.reader, options)
		if err != nil {
			return nil, err
		}
		contents, err := a.Read(ctx, nil)
		if err != nil {
			return nil, err
		}
		contents.Tree = tree.Tree{}
		all = append(all, contents)
	}
	names := make([]string, len(inputs))
	for i, in := range inputs {
		names[i] = in.name
	}
	v.file = ""
	return all, archive.SameArchive(names, all)
}

// compare joins both sides.
func (v *verification) compare(ctx context.Context, contents *archive.Contents) (*compare.Report, error) {
	ignored, err := v.parts.exportIgnored(ctx, contents.Tree)
	if err != nil {
		return nil, err
	}
	return compare.Compare(compare.Input{
		Archive: contents.Tree, Commit: v.tree,
		Findings: v.parts.findings(), Ignored: ignored, Limbo: v.parts.limbo,
	})
}

// write prints the finished document, in one piece.
func (v *verification) write() error {
	var out []byte
	if v.o.json {
		var err error
		if out, err = v.doc.JSON(); err != nil {
			return err
		}
	} else {
		style := styleFor(v.s.out)
		if v.o.style != nil {
			style = *v.o.style
		}
		style.All = v.o.all
		out = []byte(v.doc.Text(style))
	}
	if _, err := v.s.out.Write(out); err != nil {
		return &failure{code: report.Internal, detail: fmt.Sprintf("writing the report: %v", err)}
	}
	return nil
}

// fail reports why there is no verdict: as a document with --json, else in words.
func (v *verification) fail(ctx context.Context, err error) error {
	f := failureOf(ctx, v.explain(err), report.Internal)
	if !v.o.json {
		return f
	}
	doc := &report.Document{Format: report.FormatVersion, Verdict: "none", Exit: f.exit(), Code: f.code,
		Candidates: v.doc.Candidates, Error: &report.Error{Detail: f.detail, Hint: f.hint}}
	if r := report.AsRefusal(err); r != nil {
		doc = report.RefusalDocument(v.file, r)
	}
	out, jsonErr := doc.JSON()
	if jsonErr != nil {
		return jsonErr
	}
	if _, err := v.s.out.Write(out); err != nil {
		return &failure{code: report.Internal, detail: fmt.Sprintf("writing the report: %v", err)}
	}
	complain(v.s.err, f)
	return verdictReached(f.exit())
}

// explain adds to an error which file it is about and what to do.
func (v *verification) explain(err error) error {
	if r := report.AsRefusal(err); r != nil {
		if strings.HasPrefix(string(r.Rule), "GIT_") {
			v.file = "" // it is about the repository
		}
		f := &failure{code: report.RefusalDocument(v.file, r).Code, detail: r.Error(), hint: hintFor(r.Rule)}
		if v.file != "" {
			f.detail = v.file + ": " + f.detail
		}
		return f
	}
	if transport, ok := errors.AsType[*gitrepo.TransportError](err); ok {
		return &failure{code: report.NotComplete, detail: transport.Error(), hint: "check the address and the network, and run the same command again"}
	}
	if _, ok := errors.AsType[*failure](err); ok || v.file == "" {
		return err
	}
	return fmt.Errorf("reading %s: %w", v.file, err)
}

// baseName returns the name that is matched with versions and formats, "" for
// standard input.
func baseName(path string) string {
	if path == "-" {
		return ""
	}
	return filepath.Base(path)
}
