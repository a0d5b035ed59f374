package building

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/verification"
)

// runArchiver runs the project's own program that makes the archives, and holds
// them to the built commit as any others.
func (b *build) runArchiver(ctx context.Context) error {
	command := b.recipe.Archives.Command
	done, err := b.execute(ctx, len(b.recipe.Steps), "archives", command.Invocation)
	if err != nil || len(b.result.Findings) > 0 {
		return err
	}
	b.record.Steps = append(b.record.Steps, *done)
	root, err := os.OpenRoot(b.work())
	if err != nil {
		return err
	}
	defer root.Close()
	var files []string
	for _, c := range b.recipe.Archives.Formats {
		name := b.recipe.ArchiveName(b.version, c.Format)
		if err := b.takeArchive(root, filepath.Join(filepath.FromSlash(string(command.Folder)), name), name); err != nil {
			return err
		}
		if len(b.result.Findings) > 0 {
			return nil
		}
		files = append(files, filepath.Join(b.release(), name))
	}
	return b.verifyArchives(ctx, files)
}

// takeArchive copies an archive out of the work folder: a regular file, of which
// the program may still hold the name.
func (b *build) takeArchive(root *os.Root, from, name string) error {
	info, err := root.Lstat(from)
	if err != nil || !info.Mode().IsRegular() {
		b.fail(Finding{Rule: Archive, Step: "archives", Detail: fmt.Sprintf("the command made no file %s", from), Hint: "archives.folder of the recipe says where it leaves them"})
		return nil
	}
	in, err := root.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	return writeFrom(filepath.Join(b.release(), name), in)
}

// verifyArchives compares the archives with the built commit, whose objects are
// written for that, without a ref.
func (b *build) verifyArchives(ctx context.Context, files []string) error {
	if err := b.addObjects(ctx); err != nil {
		return err
	}
	doc, err := verification.Run(ctx, verification.Options{
		Archives: files, Repository: b.path, Commit: b.record.Built.Commit.String(), Prefix: b.recipe.PrefixOf(b.version), PrefixSet: true,
		Decoder: "auto", Lock: filepath.Join(b.temp, "no.lock"), MayLackLock: true, Progress: b.o.Progress,
	})
	if err != nil {
		return err
	}
	if doc.Exit != report.Verified.Exit() {
		b.fail(Finding{Rule: Archive, Step: "archives", Detail: "what the command made is not the built commit: " + doc.Verdict,
			Hint: "the comparison stands below; outputs, changes and omit of the recipe say what the built commit holds"})
		b.result.log = doc.Text(report.Style{Brief: true})
		return nil
	}
	return b.recordArchives(ctx, files)
}

// recordArchives records archives that were made by the project's command.
func (b *build) recordArchives(ctx context.Context, files []string) error {
	for _, path := range files {
		contents, err := b.readArchive(ctx, path)
		if err != nil {
			return err
		}
		b.record.Archives = append(b.record.Archives, buildrecord.Archive{Name: filepath.Base(path), SHA256: contents.SHA256, Bytes: contents.FileBytes})
		if b.record.Tar.SHA256.IsZero() && !contents.TarSHA256.IsZero() {
			b.recordTar(contents)
		}
	}
	return nil
}

// archiveNames returns the names of the archives, in the recipe's order.
func (b *build) archiveNames() []string {
	var names []string
	for _, c := range b.recipe.Archives.Formats {
		names = append(names, b.recipe.ArchiveName(b.version, c.Format))
	}
	return names
}
