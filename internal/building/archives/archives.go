// Package archives makes the archives of a built commit: its one tar by ourselves,
// the compression by programs of the environment; or all of it by the project's
// own command, whose result is compared with the built commit as any other.
package archives

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/countermark/countermark/internal/account"
	"github.com/countermark/countermark/internal/archive"
	"github.com/countermark/countermark/internal/archive/canonical"
	"github.com/countermark/countermark/internal/archive/zipname"
	"github.com/countermark/countermark/internal/building/finding"
	"github.com/countermark/countermark/internal/building/setting"
	"github.com/countermark/countermark/internal/building/source"
	"github.com/countermark/countermark/internal/buildrecord"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/encoder/command"
	"github.com/countermark/countermark/internal/envelope"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/progress"
	"github.com/countermark/countermark/internal/recipe"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/sandbox"
	"github.com/countermark/countermark/internal/tree"
	"github.com/countermark/countermark/internal/worktree"
)

// Input is what archives are made of.
type Input struct {
	Source     *source.Source
	Setting    *setting.Setting
	Account    *account.Account
	Work       string    // folder of the source, as the last step left it
	Temp       string    // folder for what is needed meanwhile
	Release    string    // folder that gets the archives
	Logs       string    // folder for what encoders print
	Built      tree.Tree // of the built commit
	BuiltTree  digest.ObjectID
	Commit     digest.ObjectID                                                                          // the built commit
	AddObjects func(context.Context, *gitrepo.Repository) error                                         // makes a repository have it, with no ref
	Execute    func(ctx context.Context, name string, run recipe.Invocation) (*buildrecord.Step, error) // runs a program of the recipe
	Unverified bool                                                                                     // archives of the project's own command are not held to the built commit, which is not written
	Found      *finding.List
	Progress   *progress.Line
}

// Output is what was made, for the record.
type Output struct {
	Tree     tree.Tree            // what they have of the built tree
	Images   map[tree.Path]string // files here with what they have otherwise than it, until Temp is removed
	Archives []buildrecord.Archive
	Tar      buildrecord.Tar
	Filtered []buildrecord.Filtered
	Steps    []buildrecord.Step // the project's own command, if there is one
	Notes    []string
}

// making is one making of archives.
type making struct {
	Input
	archived tree.Tree            // what the archives have of the built tree
	images   map[tree.Path]string // files here with what differs between both
	out      Output
}

// Make makes the archives of the recipe, and reads each of them again. What is
// wrong with one of them is added to Found.
func Make(ctx context.Context, in Input) (*Output, error) {
	x := &making{Input: in}
	if err := os.Mkdir(filepath.Dir(x.tarPath()), 0o755); err != nil {
		return nil, fmt.Errorf("making a folder for the tar: %w", err)
	}
	err := x.make(ctx)
	x.out.Tree, x.out.Images = x.archived, x.images
	return &x.out, err
}

// beside returns a repository of our own that has the built commit, and its path. It
// is not in the user's: the build may yet fail.
func (x *making) beside(ctx context.Context) (repo *gitrepo.Repository, path string, err error) {
	if repo, path, err = x.Source.Beside(ctx); err == nil {
		err = x.AddObjects(ctx, repo)
	}
	return repo, path, err
}

// tarPath is where the uncompressed tar lies, which is not published.
func (x *making) tarPath() string {
	return filepath.Join(x.Temp, "tar", x.Source.Recipe.PrefixOf(x.Source.Version)+".tar")
}

func (x *making) make(ctx context.Context) error {
	if x.Source.Recipe.Archives.Command != nil {
		return x.runArchiver(ctx)
	}
	if err := x.image(ctx); err != nil {
		return err
	}
	if err := x.writeTar(); err != nil {
		return err
	}
	for _, c := range x.Source.Recipe.Archives.Formats {
		if err := x.compress(ctx, c); err != nil || x.Found.Failed() {
			return err
		}
	}
	return nil
}

// writeTar writes the one tar of the built commit.
func (x *making) writeTar() (err error) {
	x.Progress.Text("writing the tar")
	root, err := os.OpenRoot(x.Work)
	if err != nil {
		return err
	}
	defer root.Close()
	f, err := os.Create(x.tarPath())
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
	}()
	epoch := x.Source.Epoch()
	err = canonical.Write(f, x.archived, canonical.Source{
		Prefix: x.Source.Recipe.PrefixOf(x.Source.Version), Mtime: epoch, MtimeOf: x.mtimeOf(epoch),
		Content: func(e *tree.Entry, w io.Writer) error {
			content, err := x.openArchived(root, e)
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
func (x *making) mtimeOf(epoch int64) func(*tree.Entry) int64 {
	if x.Source.Recipe.Archives.Mtime != recipe.GeneratedAfterSource {
		return nil
	}
	return func(e *tree.Entry) int64 {
		if m, made := x.Account.MakerOf(e.Path); made && m.Origin.Kind != recipe.FromWrite {
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
func (x *making) compress(ctx context.Context, c recipe.Compression) error {
	name := x.Source.Recipe.ArchiveName(x.Source.Version, c.Format)
	x.Progress.Text("compressing " + name)
	line, err := command.New(command.Settings{Format: envelopes[c.Format], Level: c.Level, Threads: max(1, c.Threads)})
	if err != nil {
		return err
	}
	e := encoding{line: line, input: x.tarPath(), output: filepath.Join(x.Release, name)}
	if c.Format == recipe.Zip {
		if err := x.layZip(ctx, &e); err != nil {
			return err
		}
	}
	if err := x.encode(ctx, e); err != nil || x.Found.Failed() {
		return err
	}
	if c.Format == recipe.Zip {
		if err := markNames(e.output); err != nil {
			return err
		}
	}
	program, err := x.Setting.Encoder(ctx, line.Program)
	if err != nil {
		return err
	}
	return x.accept(ctx, buildrecord.Archive{Name: name, Encoder: line.Vector(), Program: program})
}

// markNames marks the names in a zip as UTF-8, which the program that made it cannot.
func markNames(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err == nil {
		err = zipname.Mark(f, size)
	}
	return errors.Join(err, f.Close())
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
func (x *making) encode(ctx context.Context, e encoding) error {
	dir, err := os.MkdirTemp(x.Temp, "made-*")
	if err != nil {
		return err
	}
	input, made := x.Setting.Shown(e.input, "/build/input"), x.Setting.Shown(dir, "/build/made")
	p := sandbox.Program{
		// The shell only connects input and output; what it runs are its arguments.
		Arguments:   append([]string{"/bin/sh", "-c", `input=$1 output=$2; shift 2; exec "$@" <"$input" >"$output"`, "sh", input, made + "/out"}, e.line.Vector()...),
		Dir:         made,
		Environment: append(command.Environment(), "PATH="+setting.SystemPath),
		Binds:       []sandbox.Bind{{Source: e.input, Target: input}, {Source: dir, Target: made, Writable: true}},
	}
	if e.folder != "" {
		p.Dir = x.Setting.Shown(e.folder, encodeDir)
		p.Binds = append(p.Binds, sandbox.Bind{Source: e.folder, Target: p.Dir})
	}
	log, err := finding.NewLog(x.Logs, len(x.out.Archives), e.line.Program, nil)
	if err != nil {
		return err
	}
	p.Output = log
	outcome, err := x.Setting.Run(ctx, p)
	if err = cmp.Or(err, log.Close()); err != nil {
		return err
	}
	x.Found.Judge("compressing with "+e.line.Program, outcome, log)
	if x.Found.Failed() {
		return nil
	}
	return takeFile(filepath.Join(dir, "out"), e.output)
}

// layZip lays out the files of the built commit and nothing else, for zip to read.
func (x *making) layZip(ctx context.Context, e *encoding) error {
	root, err := os.OpenRoot(x.Work)
	if err != nil {
		return err
	}
	defer root.Close()
	e.folder = filepath.Join(x.Temp, "zip")
	prefix := x.Source.Recipe.PrefixOf(x.Source.Version)
	if err := os.Mkdir(e.folder, 0o755); err != nil {
		return err
	}
	_, err = worktree.Lay(ctx, worktree.Layout{
		Dir: filepath.Join(e.folder, prefix), Tree: x.archived, Format: x.Source.Format(), Time: x.Source.Time(),
		Blobs: x.archivedBlobs(root),
	})
	if err != nil {
		return err
	}
	var paths []string
	for _, entry := range x.Built.Entries() {
		paths = append(paths, prefix+"/"+string(entry.Path))
	}
	list, err := command.ZipList(paths)
	if err != nil {
		return report.UsageFailure("leave zip out of the recipe's formats, or the file out of the release", "the zip: %v", err)
	}
	e.input = filepath.Join(x.Temp, "zip.list")
	return os.WriteFile(e.input, []byte(list), 0o644)
}

// archivedBlobs returns how the contents of the archives are had, by their ids.
func (x *making) archivedBlobs(root *os.Root) func(context.Context, []digest.ObjectID, func(digest.ObjectID, []byte) error) ([]digest.ObjectID, error) {
	at := make(map[digest.ObjectID]*tree.Entry)
	for i := range x.archived.Entries() {
		e := &x.archived.Entries()[i]
		at[e.IDs.In(x.Source.Format())] = e
	}
	return func(ctx context.Context, ids []digest.ObjectID, each func(digest.ObjectID, []byte) error) (missing []digest.ObjectID, err error) {
		for _, id := range ids {
			if at[id] == nil {
				missing = append(missing, id)
				continue
			}
			content, err := x.openArchived(root, at[id])
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
func (x *making) accept(ctx context.Context, a buildrecord.Archive) error {
	name := a.Name
	path := filepath.Join(x.Release, name)
	contents, err := x.readArchive(ctx, path)
	if err != nil {
		err = x.Found.AddRefusal(finding.Finding{Rule: finding.Archive, Detail: "no verifier accepts " + name,
			Hint: "leave the file out with omit, or change what makes it"}, err)
		if err != nil {
			err = fmt.Errorf("reading %s again: %w", name, err)
		}
		return err
	}
	got := contents.Identity.Git
	if want := x.archived.Identity(x.Source.Formats()...).Git; !got.Agree(want) {
		x.Found.Add(finding.Finding{Rule: finding.Archive, Detail: fmt.Sprintf("%s holds another tree than was written into it", name), Hint: "this is a defect: please report it"})
		return nil
	}
	if a.SHA256, a.Bytes, err = finding.SumFile(path); err != nil {
		return err
	}
	x.out.Archives = append(x.out.Archives, a)
	x.recordTar(contents)
	return nil
}

// recordTar records what all archives hold: of the first, or of the first that
// holds a tar.
func (x *making) recordTar(c *archive.Contents) {
	if !x.out.Tar.SHA256.IsZero() || !x.out.Tar.Tree.IsZero() && c.TarSHA256.IsZero() {
		return
	}
	x.out.Tar = buildrecord.Tar{SHA256: c.TarSHA256, Bytes: c.TarBytes, Top: x.Source.Recipe.PrefixOf(x.Source.Version),
		Tree: c.Identity.Git.In(x.Source.Format()), TreeSHA256: c.Identity.Git.In(digest.SHA256Format)}
}

func (x *making) readArchive(ctx context.Context, path string) (*archive.Contents, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	a, err := archive.Open(f, archive.Options{Prefix: x.Source.Recipe.PrefixOf(x.Source.Version), PrefixSet: true})
	if err != nil {
		return nil, err
	}
	return a.Read(ctx, nil)
}
