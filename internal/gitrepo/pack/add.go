package pack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/gitrepo/gitexec"
	"github.com/countermark/countermark/internal/gitrepo/objects"
	"github.com/countermark/countermark/internal/refusal"
)

// quarantine begins the name of the folder in which a pack is made; git-prune(1)
// removes those that a killed run leaves (tmp-objdir.c, builtin/prune.c).
const quarantine = "tmp_objdir-countermark-"

// Add writes those of the objects that the repository lacks, and returns how
// many that were. They appear at once, when all of them are on the disk and git
// has been asked for each; of a run that fails or is cancelled nothing is left.
// Objects that are there already are not read. No ref is touched: until one
// names them, git gc removes them after a time (two weeks, gc.pruneExpire).
// Into a remote repository objects are not written, but into what this machine
// holds of it, from where they can be pushed. The error is that of Write, or
// another if git failed.
func Add(ctx context.Context, r *gitrepo.Repository, given []Object) (added int, err error) {
	a := r.Access()
	lacking, err := lacking(ctx, a.Reader, given)
	if err != nil || len(lacking) == 0 {
		return 0, err
	}
	store := filepath.Join(a.Common, "objects")
	dir, err := os.MkdirTemp(store, quarantine)
	if err != nil {
		return 0, fmt.Errorf("writing into the repository: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // git prune removes what is left
	err = Index(ctx, a.Program, gitexec.Call{GitDir: a.Reader.GitDir, ObjectDir: dir, Alternates: []string{store}, Durable: true},
		func(w io.Writer) error { return Write(ctx, w, a.Reader.Format, lacking) })
	if err == nil {
		err = confirm(ctx, &objects.Reader{Program: a.Program, GitDir: a.Reader.GitDir, Alternates: []string{dir}, Format: a.Reader.Format}, lacking)
	}
	if err == nil {
		err = publish(filepath.Join(dir, "pack"), filepath.Join(store, "pack"))
	}
	if err != nil {
		return 0, err
	}
	return len(lacking), nil
}

// Receive has git write packs into the folder of objects that it is given, which
// reads those of the repository besides, and lets them appear in the repository
// when git has succeeded. It is for packs of a server's: what is in them git has
// hashed and checked (transfer.fsckObjects). The error is that of receive, or of
// the file system; then nothing is left.
func Receive(r *gitrepo.Repository, receive func(dir, store string) error) error {
	store := filepath.Join(r.Access().Common, "objects")
	dir, err := os.MkdirTemp(store, quarantine)
	if err != nil {
		return fmt.Errorf("writing into the repository: %w", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // git prune removes what is left
	if err := os.Mkdir(filepath.Join(dir, "pack"), 0o755); err != nil {
		return fmt.Errorf("writing into the repository: %w", err)
	}
	if err := receive(dir, store); err != nil {
		return err
	}
	return publish(filepath.Join(dir, "pack"), filepath.Join(store, "pack"))
}

// lacking returns the objects that are not there yet, each once. Of the empty
// tree git always says that it is there, having it built in (object-file.c,
// find_cached_object), but git fsck misses it: it goes with the others.
func lacking(ctx context.Context, r *objects.Reader, given []Object) ([]Object, error) {
	var ids []digest.ObjectID
	var unique, lacking []Object
	seen := make(map[digest.ObjectID]bool)
	for _, o := range given {
		if !seen[o.ID] {
			seen[o.ID] = true
			ids, unique = append(ids, o.ID), append(unique, o)
		}
	}
	err := r.Info(ctx, ids, func(i int, there objects.Object) error {
		if there.Type == 0 {
			lacking = append(lacking, unique[i])
			return nil
		}
		return agree(there, &unique[i])
	})
	isEmptyTree := func(o Object) bool { return o.Type == digest.Tree && o.SizeBytes == 0 }
	if i := slices.IndexFunc(unique, isEmptyTree); i >= 0 && len(lacking) > 0 {
		lacking = append(lacking, unique[i])
	}
	return lacking, err
}

// agree holds what git says of an object to what it should be.
func agree(there objects.Object, o *Object) error {
	if there.Type != o.Type || there.SizeBytes != o.SizeBytes {
		return refusal.New(refusal.GitHash, "the repository has a %v of %d bytes under that id, this is a %v of %d bytes", there.Type, there.SizeBytes, o.Type, o.SizeBytes).At(refusal.Unknown, o.ID.String())
	}
	return nil
}

// confirm asks git for every object that was written.
func confirm(ctx context.Context, r *objects.Reader, written []Object) error {
	defer r.Close()
	ids := make([]digest.ObjectID, len(written))
	for i := range written {
		ids[i] = written[i].ID
	}
	return r.Info(ctx, ids, func(i int, there objects.Object) error {
		if there.Type == 0 {
			return r.Missing(ids[i])
		}
		return agree(there, &written[i])
	})
}

// Index runs "git index-pack --stdin" as the call says, on a pack that write
// writes. The error is write's own if it failed.
func Index(ctx context.Context, program *gitexec.Program, call gitexec.Call, write func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Join(cmp.Or(call.ObjectDir, filepath.Join(call.GitDir, "objects")), "pack"), 0o755); err != nil {
		return fmt.Errorf("making a folder for packs: %w", err)
	}
	in, out := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := write(out)
		_ = out.CloseWithError(err) // nil is EOF
		written <- err
	}()
	call.Args, call.Stdin = append([]string{"index-pack", "--stdin"}, call.Args...), in
	err := program.Run(ctx, call)
	_ = in.CloseWithError(io.ErrClosedPipe) // so that write ends, if git ended first
	if writeErr := <-written; writeErr != nil && ctx.Err() == nil && (err == nil || !errors.Is(writeErr, io.ErrClosedPipe)) {
		return writeErr
	}
	return err
}

// publish moves a pack to where git looks for it, the index last: git takes a
// pack to be there when its index is (packfile.c, prepare_pack).
func publish(from, to string) error {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return fmt.Errorf("writing into the repository: %w", err)
	}
	made, err := os.ReadDir(from)
	if err != nil {
		return fmt.Errorf("writing into the repository: %w", err)
	}
	for _, extension := range []string{".pack", ".rev", ".idx"} {
		for _, file := range made {
			if filepath.Ext(file.Name()) != extension {
				continue
			}
			if err := os.Rename(filepath.Join(from, file.Name()), filepath.Join(to, file.Name())); err != nil {
				return fmt.Errorf("writing into the repository: %w", err)
			}
		}
		if err := syncFolder(to); err != nil {
			return err
		}
	}
	return nil
}

// syncFolder makes the names in a folder survive a crash, where the system can.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("writing into the repository: %w", err)
	}
	defer d.Close()                                           //nolint:errcheck // only read
	if err := d.Sync(); err != nil && !os.IsPermission(err) { // Windows cannot
		return fmt.Errorf("writing into the repository: %w", err)
	}
	return nil
}
