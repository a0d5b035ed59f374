package archives

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/countermark/countermark/internal/building/finding"
	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/durable"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/tree"
	"github.com/countermark/countermark/internal/verification"
)

// runArchiver runs the project's own program that makes the archives, and holds
// them to the built commit as any others.
func (x *making) runArchiver(ctx context.Context) error {
	x.archived = x.Built
	command := x.Source.Recipe.Archives.Command
	// What the command does to the tree counts for nothing: what is compared with, is
	// what the last step left.
	repository := ""
	if !x.Unverified {
		var err error
		if _, repository, err = x.beside(ctx); err != nil {
			return err
		}
	}
	done, err := x.Execute(ctx, "archives", command.Invocation)
	if err != nil || x.Found.Failed() {
		return err
	}
	x.out.Steps = append(x.out.Steps, *done)
	root, err := os.OpenRoot(x.Work)
	if err != nil {
		return err
	}
	defer root.Close()
	var files []string
	for _, c := range x.Source.Recipe.Archives.Formats {
		name := x.Source.Recipe.ArchiveName(x.Source.Version, c.Format)
		if err := x.takeArchive(root, filepath.Join(filepath.FromSlash(string(command.Folder)), name), name); err != nil {
			return err
		}
		if x.Found.Failed() {
			return nil
		}
		files = append(files, filepath.Join(x.Release, name))
	}
	if x.Unverified {
		return x.recordArchives(ctx, files, nil)
	}
	return x.verifyArchives(ctx, repository, files)
}

// takeArchive copies an archive out of the work folder: a regular file, of which
// the program may still hold the name.
func (x *making) takeArchive(root *os.Root, from, name string) error {
	info, err := root.Lstat(from)
	if err != nil || !info.Mode().IsRegular() {
		x.Found.Add(finding.Finding{Rule: finding.Archive, Step: "archives", Detail: fmt.Sprintf("the command made no file %s", from), Hint: "archives.folder of the recipe says where it leaves them"})
		return nil
	}
	in, err := root.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	return durable.WriteNew(filepath.Join(x.Release, name), in)
}

// verifyArchives compares the archives with the built commit, which a repository of
// ours has.
func (x *making) verifyArchives(ctx context.Context, repository string, files []string) error {
	doc, err := verification.Run(ctx, verification.Options{
		Archives: files, Repository: repository, Commit: x.Commit.String(), Prefix: x.Source.Recipe.PrefixOf(x.Source.Version), PrefixSet: true,
		Decoder: "auto", Lock: filepath.Join(x.Temp, "no.lock"), MayLackLock: true, Progress: x.Progress,
	})
	if refused, ok := errors.AsType[*report.Failure](err); ok && refused.Refusal != nil && refused.File != "" {
		return x.refuse(filepath.Base(refused.File), refused.Refusal)
	}
	if err != nil {
		return err
	}
	if doc.Exit != report.Verified.Exit() {
		x.Found.Add(finding.Finding{Rule: finding.Archive, Step: "archives", Detail: "what the command made is not the built commit: " + doc.Verdict,
			Hint: "the comparison stands below; outputs, changes and omit of the recipe say what the built commit holds"})
		x.Found.Said = doc.Text(report.Style{Brief: true})
		return nil
	}
	by := make(map[string][]string)
	for _, p := range doc.Paths {
		by[p.Path] = p.By
	}
	return x.recordArchives(ctx, files, by)
}

// refuse notes that an archive which the command made is one that is refused. An
// error that is no refusal is returned.
func (x *making) refuse(name string, err error) error {
	return x.Found.AddRefusal(finding.Finding{Rule: finding.Archive, Step: "archives", Detail: "no verifier accepts what the command made: " + name,
		Hint: "change what makes it"}, err)
}

// recordArchives records archives that were made by the project's command; by says
// which of git's filters a path of the first has gone through.
func (x *making) recordArchives(ctx context.Context, files []string, by map[string][]string) error {
	for i, path := range files {
		contents, err := x.readArchive(ctx, path)
		if err != nil {
			return x.refuse(filepath.Base(path), err)
		}
		x.out.Archives = append(x.out.Archives, buildrecord.Archive{Name: filepath.Base(path), SHA256: contents.SHA256, Bytes: contents.FileBytes})
		if i == 0 {
			x.recordImages(contents.Tree, by)
		}
		x.recordTar(contents)
	}
	return nil
}

// recordImages records what an archive has otherwise than the built commit, which
// was found to be images that git's filters make.
func (x *making) recordImages(archived tree.Tree, by map[string][]string) {
	x.archived = archived
	for _, e := range archived.Entries() {
		built := x.Built.Lookup(e.Path)
		if built == nil || built.IDs.Agree(e.IDs) {
			continue
		}
		x.out.Filtered = append(x.out.Filtered, buildrecord.Filtered{Path: e.Path, By: by[string(e.Path)],
			Built: buildrecord.FileOf(built, x.Source.Format()), Archive: buildrecord.FileOf(&e, x.Source.Format())})
	}
}
