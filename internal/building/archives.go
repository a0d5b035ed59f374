package building

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/countermark/countermark/internal/archive"
	"github.com/countermark/countermark/internal/archive/canonical"
	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/encoder/command"
	"github.com/countermark/countermark/internal/envelope"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/sandbox"
	"github.com/countermark/countermark/internal/tree"
	"github.com/countermark/countermark/internal/worktree"
)

// release is the folder in which archives, record and logs are gathered.
func (b *build) release() string { return filepath.Join(b.temp, "release") }

// tarPath is where the uncompressed tar lies, which is not published.
func (b *build) tarPath() string {
	return filepath.Join(b.temp, "tar", b.recipe.PrefixOf(b.version)+".tar")
}

// writeArchives makes the archives, and reads each of them again.
func (b *build) writeArchives(ctx context.Context) error {
	for _, dir := range []string{b.release(), filepath.Dir(b.tarPath())} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return fmt.Errorf("making a folder for the archives: %w", err)
		}
	}
	if b.recipe.Archives.Command != nil {
		return b.runArchiver(ctx)
	}
	if err := b.image(ctx); err != nil {
		return err
	}
	if err := b.writeTar(); err != nil {
		return err
	}
	for _, c := range b.recipe.Archives.Formats {
		if err := b.compress(ctx, c); err != nil || len(b.result.Findings) > 0 {
			return err
		}
	}
	return nil
}

// writeTar writes the one tar of the built commit.
func (b *build) writeTar() (err error) {
	b.o.Progress.Text("writing the tar")
	root, err := os.OpenRoot(b.work())
	if err != nil {
		return err
	}
	defer root.Close()
	f, err := os.Create(b.tarPath())
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
	}()
	epoch := b.source.Commit.Committer.Unix
	err = canonical.Write(f, b.archived, canonical.Source{
		Prefix: b.recipe.PrefixOf(b.version), Mtime: epoch, MtimeOf: b.mtimeOf(epoch),
		Content: func(e *tree.Entry, w io.Writer) error {
			content, err := b.openArchived(root, e)
			if err != nil {
				return err
			}
			defer content.Close()
			_, err = io.Copy(w, content)
			return err
		},
	})
	return err
}

// mtimeOf returns the rule for the times in the tar.
func (b *build) mtimeOf(epoch int64) func(*tree.Entry) int64 {
	if b.recipe.Archives.Mtime != recipe.GeneratedAfterSource {
		return nil
	}
	return func(e *tree.Entry) int64 {
		if m, made := b.account.MakerOf(e.Path); made && m.Origin.Kind != recipe.FromWrite {
			return epoch + 1
		}
		return epoch
	}
}

// envelopes are the recipe's formats as those of envelopes.
var envelopes = map[recipe.Format]envelope.Format{
	recipe.TarGz: envelope.Gzip, recipe.TarBz2: envelope.Bzip2, recipe.TarXz: envelope.XZ, recipe.TarZst: envelope.Zstd, recipe.Zip: envelope.Zip,
}

// compress makes one archive, with a program of the environment.
func (b *build) compress(ctx context.Context, c recipe.Compression) error {
	name := b.recipe.ArchiveName(b.version, c.Format)
	b.o.Progress.Text("compressing " + name)
	line, err := command.New(command.Settings{Format: envelopes[c.Format], Level: c.Level, Threads: max(1, c.Threads)})
	if err != nil {
		return err
	}
	e := encoding{line: line, input: b.tarPath(), output: filepath.Join(b.release(), name)}
	if c.Format == recipe.Zip {
		if err := b.layZip(ctx, &e); err != nil {
			return err
		}
	}
	if err := b.encode(ctx, e); err != nil || len(b.result.Findings) > 0 {
		return err
	}
	return b.accept(ctx, name, line.Vector(), b.bannerOf(ctx, line.Program))
}

// encoding is one run of a program that compresses.
type encoding struct {
	line          command.Line
	input, output string // files here
	folder        string // that the program sees as encodeDir, "" for none
}

// encodeDir is, inside, where zip finds the files.
const encodeDir = "/build/files"

// encode compresses inside the sandbox: the program is one of the environment,
// as foreign as the steps' are.
func (b *build) encode(ctx context.Context, e encoding) error {
	dir, err := os.MkdirTemp(b.temp, "made-*")
	if err != nil {
		return err
	}
	input, made := b.shown(e.input, "/build/input"), b.shown(dir, "/build/made")
	p := sandbox.Program{
		// The shell only connects input and output; what it runs are its arguments.
		Arguments:   append([]string{"/bin/sh", "-c", `input=$1 output=$2; shift 2; exec "$@" <"$input" >"$output"`, "sh", input, made + "/out"}, e.line.Vector()...),
		Dir:         made,
		Environment: append(command.Environment(), "PATH="+systemPath),
		System:      b.env.system,
		Binds:       []sandbox.Bind{{Source: e.input, Target: input}, {Source: dir, Target: made, Writable: true}},
		Limits:      sandbox.Limits{Time: b.limits.Time, OutputBytes: b.limits.OutputBytes, Files: 16, Processes: maxProcs, PrintedBytes: maxPrinted},
	}
	if e.folder != "" {
		p.Dir = b.shown(e.folder, encodeDir)
		p.Binds = append(p.Binds, sandbox.Bind{Source: e.folder, Target: p.Dir})
	}
	log, err := newStepLog(filepath.Join(b.temp, "encoders"), len(b.record.Archives), e.line.Program, nil)
	if err != nil {
		return err
	}
	p.Output = log
	outcome, err := b.env.sandbox.Run(ctx, p)
	if err = cmp.Or(err, log.Close()); err != nil {
		return err
	}
	b.judge("compressing with "+e.line.Program, outcome, log)
	if len(b.result.Findings) > 0 {
		return nil
	}
	return takeFile(filepath.Join(dir, "out"), e.output)
}

// layZip lays out the files of the built commit and nothing else, for zip to read.
func (b *build) layZip(ctx context.Context, e *encoding) error {
	root, err := os.OpenRoot(b.work())
	if err != nil {
		return err
	}
	defer root.Close()
	e.folder = filepath.Join(b.temp, "zip")
	prefix := b.recipe.PrefixOf(b.version)
	if err := os.Mkdir(e.folder, 0o755); err != nil {
		return err
	}
	_, err = worktree.Lay(ctx, worktree.Layout{
		Dir: filepath.Join(e.folder, prefix), Tree: b.archived, Format: b.repo.Format(), Time: time.Unix(b.source.Commit.Committer.Unix, 0),
		Blobs: b.archivedBlobs(root),
	})
	if err != nil {
		return err
	}
	var paths []string
	for _, entry := range b.built.Entries() {
		paths = append(paths, prefix+"/"+string(entry.Path))
	}
	list, err := command.ZipList(paths)
	if err != nil {
		return report.UsageFailure("leave zip out of the recipe's formats, or the file out of the release", "the zip: %v", err)
	}
	e.input = filepath.Join(b.temp, "zip.list")
	return os.WriteFile(e.input, []byte(list), 0o644)
}

// archivedBlobs returns how the contents of the archives are had, by their ids.
func (b *build) archivedBlobs(root *os.Root) func(context.Context, []digest.ObjectID, func(digest.ObjectID, []byte) error) ([]digest.ObjectID, error) {
	at := make(map[digest.ObjectID]*tree.Entry)
	for i := range b.archived.Entries() {
		e := &b.archived.Entries()[i]
		at[e.IDs.In(b.repo.Format())] = e
	}
	return func(ctx context.Context, ids []digest.ObjectID, each func(digest.ObjectID, []byte) error) (missing []digest.ObjectID, err error) {
		for _, id := range ids {
			if at[id] == nil {
				missing = append(missing, id)
				continue
			}
			content, err := b.openArchived(root, at[id])
			if err != nil {
				return nil, err
			}
			data, err := io.ReadAll(content)
			if err = cmp.Or(err, content.Close(), ctx.Err()); err != nil {
				return nil, err
			}
			if err := each(id, data); err != nil {
				return nil, err
			}
		}
		return missing, nil
	}
}

// takeFile moves what a program made, which must be a regular file, to a place of
// ours.
func takeFile(from, to string) error {
	info, err := os.Lstat(from)
	if err != nil {
		return fmt.Errorf("taking what was made: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("taking what was made: %s is no regular file", filepath.Base(from))
	}
	if err := os.Chmod(from, 0o644); err != nil {
		return err
	}
	return os.Rename(from, to)
}

// accept reads an archive as a verifier does, holds it to the built commit, and
// records it.
func (b *build) accept(ctx context.Context, name string, encoder []string, banner string) error {
	path := filepath.Join(b.release(), name)
	contents, err := b.readArchive(ctx, path)
	if err != nil {
		return fmt.Errorf("reading %s again: %w", name, err)
	}
	got := contents.Identity.Git
	if want := b.archived.Identity(b.formats()...).Git; !got.Agree(want) {
		b.fail(Finding{Rule: Archive, Detail: fmt.Sprintf("%s holds another tree than was written into it", name), Hint: "this is a defect: please report it"})
		return nil
	}
	a := buildrecord.Archive{Name: name, Encoder: encoder, Version: banner}
	if a.SHA256, a.Bytes, err = sumFile(path); err != nil {
		return err
	}
	b.record.Archives = append(b.record.Archives, a)
	if b.record.Tar.SHA256.IsZero() && !contents.TarSHA256.IsZero() {
		b.recordTar(contents)
	}
	return nil
}

// recordTar records what all archives but a zip hold.
func (b *build) recordTar(c *archive.Contents) {
	b.record.Tar = buildrecord.Tar{SHA256: c.TarSHA256, Bytes: c.TarBytes,
		Tree: c.Identity.Git.In(b.repo.Format()), TreeSHA256: c.Identity.Git.In(digest.SHA256Format)}
}

func (b *build) readArchive(ctx context.Context, path string) (*archive.Contents, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	a, err := archive.Open(f, archive.Options{Prefix: b.recipe.PrefixOf(b.version), PrefixSet: true})
	if err != nil {
		return nil, err
	}
	return a.Read(ctx, nil)
}
