package worktree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/escape"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/tree"
)

// Layout is a tree to be laid out.
type Layout struct {
	Dir    string        // the folder, which must not exist; the one above it must
	Tree   tree.Tree     // of a commit: every file and link has an id in Format
	Format digest.Format // of the ids by which Blobs is asked
	Time   time.Time     // modification time of all that is laid out, whole seconds

	// Blobs gives the contents of blobs, each once in any order, and returns
	// those that it has not (gitrepo.Repository.Blobs). The contents are hashed here.
	Blobs func(ctx context.Context, ids []digest.ObjectID, each func(id digest.ObjectID, content []byte) error) (missing []digest.ObjectID, err error)
}

// Lay lays a tree out in a new folder: files 0644 or 0755, directories 0755, no
// matter what the umask is, links as they are, empty directories for submodules
// and directories that hold nothing; all of one modification time (on Windows
// links keep their own). It returns the tree with sizes and with ids in both
// formats. Nothing is left if it fails. The error is a *refusal.Refusal:
// GIT_MISSING, GIT_HASH, GIT_SHA1_COLLISION, NAME_PATH or NAME_CONTROL for a link
// that no file system can hold, or what Blobs or the file system returned:
// among that, a name which the file system takes for another.
func Lay(ctx context.Context, l Layout) (laid tree.Tree, err error) {
	if err := os.Mkdir(l.Dir, permFolder); err != nil {
		return tree.Tree{}, fmt.Errorf("laying out files: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(l.Dir))
		}
	}()
	root, err := os.OpenRoot(l.Dir)
	if err != nil {
		return tree.Tree{}, fmt.Errorf("laying out files: %w", err)
	}
	defer root.Close() //nolint:errcheck // holds a folder
	w := &layer{
		root: root, layout: l, hash: digest.NewObjectHash(bothFormats()...), folders: map[string]bool{"": true},
		entries: slices.Clone(l.Tree.Entries()), places: make(map[digest.ObjectID][]*tree.Entry),
	}
	if err := w.everything(ctx); err != nil {
		return tree.Tree{}, err
	}
	return tree.Build(w.entries)
}

// layer lays one tree out.
type layer struct {
	root    *os.Root
	layout  Layout
	hash    *digest.ObjectHash
	entries []tree.Entry
	places  map[digest.ObjectID][]*tree.Entry // where a blob goes
	folders map[string]bool                   // made
	links   []link
}

// link waits until all files are there, so that no path ever leads through one.
type link struct{ path, target string }

func (w *layer) everything(ctx context.Context) error {
	var ids []digest.ObjectID
	for i := range w.entries {
		e := &w.entries[i]
		switch e.Kind {
		case tree.File, tree.Symlink:
			id := e.IDs.In(w.layout.Format)
			if id.IsZero() {
				return fmt.Errorf("laying out %s: it has no %v id", escape.Quote(string(e.Path)), w.layout.Format)
			}
			if len(w.places[id]) == 0 {
				ids = append(ids, id)
			}
			w.places[id] = append(w.places[id], e)
		case tree.Directory, tree.Submodule:
			if err := w.folder(string(e.Path)); err != nil {
				return err
			}
		default:
			return fmt.Errorf("laying out %s: a commit holds no %v", escape.Quote(string(e.Path)), e.Kind)
		}
	}
	missing, err := w.layout.Blobs(ctx, ids, func(id digest.ObjectID, content []byte) error {
		if err := ctx.Err(); err != nil {
			return err //nolint:wrapcheck // the context's own error
		}
		return w.blob(id, content)
	})
	if err != nil {
		return err
	}
	for _, id := range slices.Concat(missing, ids) {
		if places := w.places[id]; len(places) > 0 {
			return refusal.New(refusal.GitMissing, "the repository does not have the content of %s", escape.Quote(string(places[0].Path))).At(refusal.Unknown, id.String())
		}
	}
	for _, l := range w.links {
		if err := w.root.Symlink(l.target, filepath.FromSlash(l.path)); err != nil {
			return w.failed(l.path, err)
		}
	}
	return w.times(ctx)
}

// failed makes the error of one path.
func (w *layer) failed(path string, err error) error {
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("laying out %s: the file system takes the name for another that is there: %w", escape.Quote(path), err)
	}
	return fmt.Errorf("laying out %s: %w", escape.Quote(path), err)
}

// folder makes a directory and those above it.
func (w *layer) folder(path string) error {
	if w.folders[path] {
		return nil
	}
	if err := w.folder(string(tree.Path(path).Dir())); err != nil {
		return err
	}
	name := filepath.FromSlash(path)
	err := w.root.Mkdir(name, permFolder)
	if err == nil {
		err = w.root.Chmod(name, permFolder) // whatever the umask
	}
	if err != nil {
		return w.failed(path, err)
	}
	w.folders[path] = true
	return nil
}

// blob writes a blob wherever it belongs.
func (w *layer) blob(id digest.ObjectID, content []byte) error {
	w.hash.Reset(digest.Blob, int64(len(content)))
	_, _ = w.hash.Write(content)
	ids, err := w.hash.Sum()
	switch {
	case err != nil:
		return refusal.New(refusal.GitSHA1Collision, "the blob carries a SHA-1 collision attack").At(refusal.Unknown, id.String())
	case ids.In(w.layout.Format) != id:
		return refusal.New(refusal.GitHash, "the content given for that id hashes to %v", ids.In(w.layout.Format)).At(refusal.Unknown, id.String())
	}
	for _, e := range w.places[id] {
		e.IDs, e.Size = ids, int64(len(content))
		path := string(e.Path)
		if err := w.folder(string(e.Path.Dir())); err != nil {
			return err
		}
		if e.Kind == tree.Symlink {
			if err := tree.CheckTarget(string(content)); err != nil {
				return inFile(err, path)
			}
			w.links = append(w.links, link{path, string(content)})
			continue
		}
		if err := w.file(path, e.Exec == tree.Executable, content); err != nil {
			return w.failed(path, err)
		}
	}
	delete(w.places, id)
	return nil
}

// inFile says in a refusal which file it is about.
func inFile(err error, path string) error {
	if r, ok := errors.AsType[*refusal.Refusal](err); ok {
		return r.At(refusal.Unknown, path)
	}
	return err
}

// file writes one file, which must not exist.
func (w *layer) file(path string, executable bool, content []byte) (err error) {
	perm := fs.FileMode(permFile)
	if executable {
		perm = permExecutable
	}
	f, err := w.root.OpenFile(filepath.FromSlash(path), os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err //nolint:wrapcheck // failed does
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Write(content); err != nil {
		return err //nolint:wrapcheck // failed does
	}
	return f.Chmod(perm) //nolint:wrapcheck // failed does
}

// times sets the modification times, when everything has been made: making a
// file changes its directory's.
func (w *layer) times(ctx context.Context) error {
	for i := range w.entries {
		e := &w.entries[i]
		if err := ctx.Err(); err != nil {
			return err //nolint:wrapcheck // the context's own error
		}
		var err error
		switch e.Kind {
		case tree.File:
			err = w.root.Chtimes(filepath.FromSlash(string(e.Path)), w.layout.Time, w.layout.Time)
		case tree.Symlink:
			err = linkTime(filepath.Join(w.layout.Dir, filepath.FromSlash(string(e.Path))), w.layout.Time)
		}
		if err != nil {
			return w.failed(string(e.Path), err)
		}
	}
	for path := range w.folders {
		name := filepath.FromSlash(path)
		if name == "" {
			name = "."
		}
		if err := w.root.Chtimes(name, w.layout.Time, w.layout.Time); err != nil {
			return w.failed(path, err)
		}
	}
	return w.root.Chmod(".", permFolder) //nolint:wrapcheck // names the folder
}
