// Package vouching carries out `countermark verify` with a bundle: it opens
// archives, bundles and what this user remembers, has package release judge
// them, and remembers the policy. No network, no repository and no git is used.
package vouching

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/archive"
	"github.com/countermark/countermark/internal/bundle"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/lineage"
	"github.com/countermark/countermark/internal/policychain"
	"github.com/countermark/countermark/internal/policyfile"
	"github.com/countermark/countermark/internal/release"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/trust"
	"github.com/countermark/countermark/internal/verification/input"
)

// BundleExtension ends the names of bundles.
const BundleExtension = ".countermark"

// Options say what to verify, and by what.
type Options struct {
	Archives []string // files of one release; "-" is standard input
	Bundles  []string // files; none: those beside the archives
	Root     string   // 64 hexadecimal digits, or the file of a policy; "" for none
	Project  string   // that the root is installed for; "": whichever the policies name
	Version  string   // of the release, where an archive has another name or none; "" for none
	Read     input.Settings
	Memory   string // folder of what is remembered; "": the user's own
	Stdin    io.Reader

	// Unconfirmed is the file that names the root, if nobody has said that it is
	// theirs: it may be the upstream's. Such a root is not trusted.
	Unconfirmed string
}

// Result is what was found.
type Result struct {
	Verdict  *release.Verdict
	Archives []report.Archive
	Notes    []string
}

// Exit returns the exit status.
func (r *Result) Exit() int { return r.Verdict.Outcome().Exit() }

// Run verifies. The error, a *report.Failure, says why there is no verdict.
func Run(ctx context.Context, o Options) (*Result, error) {
	r, err := run(ctx, o)
	o.Read.Progress.Clear()
	switch {
	case err == nil:
		return r, nil
	case ctx.Err() != nil:
		return nil, report.Interrupted()
	}
	f := report.FailureOf(err, report.Internal)
	if fault, ok := errors.AsType[*policyfile.Error](err); ok {
		f.Hint = fault.Hint
	}
	if f.Refusal != nil {
		f.Hint = cmp.Or(f.Hint, report.HintFor(f.Refusal.Rule))
	}
	return nil, f
}

func run(ctx context.Context, o Options) (*Result, error) {
	root, err := trust.ReadRoot(o.Root)
	if err != nil {
		return nil, err
	}
	b, err := o.readBundles(!root.IsZero())
	if err != nil {
		return nil, err
	}
	r := &Result{}
	files, err := o.readArchives(ctx, r)
	if err != nil {
		return nil, err
	}
	e, err := Evidence(b)
	if err != nil {
		return nil, err
	}
	e.Files, e.Version, e.Root, e.Now = files, o.Version, root, time.Now().Unix()
	memory, err := trust.Open(o.Memory)
	if err != nil {
		return nil, err
	}
	seen, err := memory.Seen(e.Chain)
	if err != nil {
		return nil, err
	}
	e.Remembered = trust.Remembered(seen)
	if r.Verdict, err = release.Judge(e); err != nil {
		return nil, err
	}
	if p := r.Verdict.Policy; p != nil && o.Project != "" && p.Project != o.Project {
		return nil, &report.Failure{Code: report.Failed, Detail: fmt.Sprintf("the root is installed for the project %s, and the policies are of %s", escape.Quote(o.Project), escape.Quote(p.Project))}
	}
	if o.Unconfirmed != "" {
		r.Verdict.Trusted = false
		r.Verdict.Open = append(r.Verdict.Open, fmt.Sprintf("the root is named by %s, which may be the upstream's; if that file is yours, say so with --lock", escape.Quote(o.Unconfirmed)))
	}
	return r, r.remember(ctx, memory)
}

// remember keeps the newest policy, if its chain is one from a trusted root,
// whatever became of the release: else who shows an older one, without the
// revocation that it fails by, would be better off.
func (r *Result) remember(ctx context.Context, memory *trust.Memory) error {
	if !r.Verdict.Trusted || len(r.Verdict.Chain) == 0 {
		return nil
	}
	note, err := memory.Keep(ctx, r.Verdict.Chain, r.Verdict.Root)
	if note != "" {
		r.Notes = append(r.Notes, note)
	}
	if r.Exit() != 0 { // it was said: POL_ROLLBACK
		return nil
	}
	return err
}

// readBundles reads the bundles that are given, or lie beside the archives.
func (o *Options) readBundles(trusted bool) (*bundle.Bundle, error) {
	paths := o.Bundles
	if len(paths) == 0 {
		paths = Beside(o.Archives)
	}
	if len(paths) == 0 {
		f := &report.Failure{Code: report.NotComplete, Detail: "there is no bundle beside the archive, so nothing says who vouches for it",
			Hint: "get NAME" + BundleExtension + " from where the release is published, or name it with --bundle"}
		if trusted { // whoever leaves it out must not be better off
			f.Code = report.Failed
		}
		return nil, f
	}
	all := make([]*bundle.Bundle, len(paths))
	for i, path := range paths {
		data, err := trust.ReadFile(path, bundle.MaxBytes)
		if _, isFailure := errors.AsType[*report.Failure](err); err != nil && !isFailure {
			return nil, report.UsageFailure("", "reading the bundle: %v", err)
		} else if err != nil {
			return nil, err
		}
		if all[i], err = bundle.Parse(data); err != nil {
			f := report.FailureOf(err, report.Rejected)
			f.File, f.Detail = path, path+": "+f.Detail
			return nil, f
		}
	}
	return bundle.Merge(all...), nil
}

// Beside returns the bundles that lie beside archives: NAME.countermark, where
// NAME is the archive's with or without its extensions.
func Beside(archives []string) []string {
	var found []string
	seen := make(map[string]bool)
	for _, a := range archives {
		if a == input.Stdin {
			continue
		}
		for _, name := range []string{a, withoutExtension(a)} {
			path := name + BundleExtension
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && !seen[path] {
				seen[path] = true
				found = append(found, path)
			}
		}
	}
	return found
}

// BaseNames returns the names of archives without their folders; none where one is
// standard input, which has no name.
func BaseNames(archives []string) []string {
	var names []string
	for _, a := range archives {
		base := input.BaseName(a)
		if base == "" {
			return nil
		}
		names = append(names, base)
	}
	return names
}

// withoutExtension returns an archive's path without ".tar.gz" and the like.
func withoutExtension(path string) string {
	dir, base := filepath.Split(path)
	if i := strings.LastIndex(base, ".tar"); i > 0 {
		rest := base[i+len(".tar"):]
		if rest == "" || rest[0] == '.' && !strings.Contains(rest[1:], ".") {
			return dir + base[:i]
		}
	}
	for _, extension := range []string{".tgz", ".tbz2", ".txz", ".zip"} {
		if before, found := strings.CutSuffix(base, extension); found && before != "" {
			return dir + before
		}
	}
	return path
}

// ReadArchives reads archives, for the judge.
func ReadArchives(ctx context.Context, o Options) ([]lineage.File, error) {
	return o.readArchives(ctx, &Result{})
}

// readArchives reads every archive whole.
func (o *Options) readArchives(ctx context.Context, r *Result) ([]lineage.File, error) {
	if len(o.Archives) == 0 {
		return nil, report.UsageFailure("countermark verify ARCHIVE, or --help", "no archive is named")
	}
	inputs, err := input.Open(ctx, o.Archives, o.Stdin)
	defer input.Close(inputs)
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, func() { input.Close(inputs) })() // ends a read that blocks
	files := make([]lineage.File, len(inputs))
	names, all := make([]string, len(inputs)), make([]*archive.Contents, len(inputs))
	for i, in := range inputs {
		contents, err := o.readArchive(ctx, in)
		if err != nil {
			f := report.FailureOf(err, report.Internal)
			f.File, f.Detail = in.Name, in.Name+": "+f.Detail
			return nil, f
		}
		files[i] = lineage.File{Name: in.Base, Contents: contents}
		if o.Version != "" {
			files[i].Name = "" // it may have been renamed: the version says which release is meant
		} else if in.Base == "" {
			return nil, report.UsageFailure("say which release this should be with --version", "standard input has no name that says which release it is")
		}
		names[i], all[i] = in.Name, contents
		r.Archives = append(r.Archives, described(in.Name, contents))
	}
	return files, archive.SameArchive(names, all)
}

func (o *Options) readArchive(ctx context.Context, in *input.Input) (*archive.Contents, error) {
	a, err := in.Archive(ctx, o.Read)
	if err != nil {
		return nil, err
	}
	defer a.Close()
	return a.Read(ctx, nil)
}

func described(name string, c *archive.Contents) report.Archive {
	a := report.Archive{Name: name, SHA256: c.SHA256.String(), Decoder: c.Decoder, Container: c.Format.String(), Dialect: c.Dialect, Prefix: c.Prefix, Members: c.Members, Bytes: c.FileBytes}
	if !c.TarSHA256.IsZero() {
		sum := c.TarSHA256.String()
		a.TarSHA256 = &sum
	}
	return a
}

// Evidence returns what a bundle holds, for the judge.
func Evidence(b *bundle.Bundle) (release.Evidence, error) {
	e := release.Evidence{Statements: b.Statements, Objects: &lineage.Objects{}, Recipes: b.Recipes}
	for _, p := range b.Policies {
		e.Chain = append(e.Chain, policychain.Link{Policy: p.Payload, Signatures: p.Signatures})
	}
	for _, o := range b.Objects {
		if err := e.Objects.Add(o.ID, o.Type, o.Data); err != nil {
			return e, err
		}
	}
	return e, nil
}
