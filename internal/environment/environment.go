// Package environment keeps the root filesystems of recipes (docs/spec/recipe.md,
// section 3.3) as folders in the user's cache. A folder is named by the digest of
// what it was made of, is made under another name and renamed, and is whole once it
// is there. It is to be read only.
//
// What lies in a folder is not hashed again when it is used: whoever can write
// into the user's cache can change it. Its parts make the folders: unpack lays
// out archives, oci reads images, debian makes root filesystems of packages.
package environment

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/environment/debian"
	"github.com/countermark/countermark/internal/environment/oci"
	"github.com/countermark/countermark/internal/environment/unpack"
	"github.com/countermark/countermark/internal/recipe"
)

// Cache is a folder of environments. Several processes may use it at once.
type Cache struct {
	dir    string
	limits unpack.Limits
}

// NewCache returns the cache that keeps its folders below dir, which is made
// when something is to be kept.
func NewCache(dir string, l unpack.Limits) *Cache {
	return &Cache{dir: filepath.Join(dir, "environments"), limits: l}
}

// mountPoints are in every root filesystem: a sandbox that shows it read-only can
// make none. Each environment has its own device files, processes and so on.
func mountPoints() []string { return []string{"dev", "proc", "run", "sys", "tmp"} }

// root returns the folder of a root filesystem.
func (c *Cache) root(ctx context.Context, name string, fill func(context.Context, *unpack.Folder) error) (string, error) {
	return c.folder(ctx, name, func(ctx context.Context, into *unpack.Folder) error {
		if err := fill(ctx, into); err != nil {
			return err
		}
		return into.Directories(mountPoints()...)
	})
}

// Tar returns the folder of a root filesystem that is a tar archive, in any
// compression, whose stored bytes have the digest; it is read only if the
// folder is not there yet. The errors are those of unpack.Folder.Pinned.
func (c *Cache) Tar(ctx context.Context, archive io.Reader, want digest.SHA256) (string, error) {
	return c.root(ctx, "tar-"+want.String(), func(ctx context.Context, into *unpack.Folder) error {
		return into.Pinned(ctx, unpack.Archive{What: "the archive of the root filesystem", Bytes: archive, SHA256: want})
	})
}

// Kept returns the folder of an image, by the digest that names it, if it is there:
// then nobody need say where the image is.
func (c *Cache) Kept(image recipe.Image) (dir string, ok bool) {
	form := map[recipe.ImageForm]string{recipe.TarImage: "tar-", recipe.OCILayout: "oci-"}[image.Form]
	dir = filepath.Join(c.dir, form+image.SHA256.String())
	info, err := os.Lstat(dir)
	return dir, err == nil && info.IsDir() && form != ""
}

// OCI returns the folder of the image in an OCI image layout whose manifest has
// the digest. The errors are those of oci.Unpack.
func (c *Cache) OCI(ctx context.Context, layout string, manifest digest.SHA256) (string, error) {
	return c.root(ctx, "oci-"+manifest.String(), func(ctx context.Context, into *unpack.Folder) error {
		return oci.Unpack(ctx, layout, manifest, into)
	})
}

// Debian returns the folder of the root filesystem that is ordered, and what made
// it, now or earlier; nil if that is not known. The errors are those of debian.Make
// and debian.Makers.
func (c *Cache) Debian(ctx context.Context, order debian.Order, o debian.Options) (string, []debian.Maker, error) {
	name := "debian-" + order.List.ID().String()
	dir, err := c.root(ctx, name, func(ctx context.Context, into *unpack.Folder) error {
		err := piped(ctx, func(ctx context.Context, w io.Writer) error { return debian.Make(ctx, order, o, w) }, into.Tar)
		if err != nil {
			return err
		}
		makers, err := debian.Makers(ctx)
		if err != nil {
			return err
		}
		return c.writeMakers(name, makers)
	})
	if err != nil {
		return "", nil, err
	}
	return dir, c.readMakers(name), nil
}

// makersSuffix ends the name of the file that says what made a root filesystem: a
// line for each program, its name, a space, and what it says of its version. It is
// there before the folder is.
const makersSuffix = ".made-by"

func (c *Cache) writeMakers(name string, makers []debian.Maker) error {
	var text strings.Builder
	for _, m := range makers {
		fmt.Fprintf(&text, "%s %s\n", m.Name, m.Version)
	}
	f, err := os.CreateTemp(c.dir, making)
	if err != nil {
		return fmt.Errorf("writing to the cache: %w", err)
	}
	_, err = f.WriteString(text.String())
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), filepath.Join(c.dir, name+makersSuffix))
	}
	if err != nil {
		_ = os.Remove(f.Name()) // sweep does otherwise
		return fmt.Errorf("writing to the cache: %w", err)
	}
	return nil
}

// readMakers returns nil if there is no such file: whoever made the folder did not
// write down with what.
func (c *Cache) readMakers(name string) []debian.Maker {
	text, err := os.ReadFile(filepath.Join(c.dir, name+makersSuffix))
	if err != nil {
		return nil
	}
	var makers []debian.Maker
	for line := range strings.Lines(string(text)) {
		program, version, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		makers = append(makers, debian.Maker{Name: program, Version: version})
	}
	return makers
}

// piped lets one side write what the other reads at the same time. The writer's
// error comes first: the reader then only saw the end of it.
func piped(ctx context.Context, write func(context.Context, io.Writer) error, read func(context.Context, io.Reader) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, w := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := write(ctx, w)
		_ = w.CloseWithError(err) // nil is io.EOF
		written <- err
	}()
	readErr := read(ctx, r)
	if readErr != nil {
		_ = r.CloseWithError(readErr)
	}
	if err := <-written; err != nil {
		return err
	}
	return readErr
}

// making is how the names of folders begin that are not whole yet; makingAge is
// when one is what a killed process left: longer than anything takes.
const (
	making    = ".making-"
	makingAge = 24 * time.Hour
)

// folder returns the folder of a name, and has it filled if it is not there.
func (c *Cache) folder(ctx context.Context, name string, fill func(context.Context, *unpack.Folder) error) (string, error) {
	final := filepath.Join(c.dir, name)
	if info, err := os.Lstat(final); err == nil && info.IsDir() {
		return final, ctx.Err()
	}
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return "", fmt.Errorf("making the cache: %w", err)
	}
	c.sweep(time.Now())
	temp, err := os.MkdirTemp(c.dir, making)
	if err != nil {
		return "", fmt.Errorf("writing to the cache: %w", err)
	}
	defer os.RemoveAll(temp) // it is gone if it was renamed
	if err := c.fill(ctx, temp, fill); err != nil {
		return "", err
	}
	if err := os.Rename(temp, final); err != nil {
		// Another process may have been faster: the same was made of the same.
		if info, statErr := os.Lstat(final); statErr != nil || !info.IsDir() {
			return "", fmt.Errorf("writing to the cache: %w", err)
		}
	}
	return final, nil
}

// fill fills a folder, and has it on the disk.
func (c *Cache) fill(ctx context.Context, temp string, fill func(context.Context, *unpack.Folder) error) error {
	root, err := os.OpenRoot(temp)
	if err != nil {
		return fmt.Errorf("writing to the cache: %w", err)
	}
	defer root.Close()
	into := unpack.Into(root, c.limits)
	if err := fill(ctx, into); err != nil {
		return err
	}
	if err := errors.Join(into.Finish(), os.Chmod(temp, 0o755)); err != nil { // the environment's other users look into it
		return fmt.Errorf("writing to the cache: %w", err)
	}
	if err := SyncFolder(temp); err != nil {
		return fmt.Errorf("writing to the cache: %w", err)
	}
	return ctx.Err()
}

// sweep removes what killed processes left behind.
func (c *Cache) sweep(now time.Time) {
	entries, _ := os.ReadDir(c.dir)
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && strings.HasPrefix(e.Name(), making) && now.Sub(info.ModTime()) > makingAge {
			_ = os.RemoveAll(filepath.Join(c.dir, e.Name()))
		}
	}
}
