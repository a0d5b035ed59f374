package gitrepo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitrepo/gitexec"
	"github.com/countermark/countermark/internal/gitrepo/location"
	"github.com/countermark/countermark/internal/gitrepo/objects"
)

// ErrNoRepository says that no repository was found. Callers may test for it.
var ErrNoRepository = location.ErrNone

// Discover looks for the repository that a directory belongs to, and returns a
// path for OpenLocal. The error wraps ErrNoRepository if there is none.
func Discover(dir string) (string, error) { return location.Discover(dir) }

// OpenLocal opens the repository at path: a work tree, a linked one, a ".git"
// directory or file, or a bare repository, in either object format, also a
// partial or shallow clone. The error wraps ErrNoRepository if there is none.
//
// Of the repository's own configuration only for-each-ref sees anything, which
// runs nothing; attributes, grafts, replace refs and promisors of the
// repository have no effect. Objects in its alternates are read.
func (g *Git) OpenLocal(ctx context.Context, path string) (*Repository, error) {
	common, err := location.Locate(path)
	if err != nil {
		return nil, err
	}
	r, err := g.newRepository()
	if err != nil {
		return nil, err
	}
	r.local, r.common = true, common
	r.reader.Alternates = []string{filepath.Join(common, "objects")}
	if err := r.listLocal(ctx, common); err != nil {
		_ = r.Close()
		return nil, fmt.Errorf("opening repository %q: %w", path, err)
	}
	return r, nil
}

// listLocal reads the tags and finds out the object format.
func (r *Repository) listLocal(ctx context.Context, common string) error {
	ctx, cancel := context.WithTimeout(ctx, MaxReadTime)
	defer cancel()
	lines, err := r.forEachRef(ctx, common, "refs/tags/")
	if err != nil {
		return err
	}
	f := digest.Format(0)
	for _, line := range lines {
		hex, name, _ := strings.Cut(line, " ")
		id, err := digest.ParseObjectID(hex)
		if err != nil {
			return fmt.Errorf("listing tags: %v", err)
		}
		f = id.Format()
		r.addRef(name, id)
	}
	if err := r.sortRefs(); err != nil {
		return err
	}
	if f == 0 {
		if f, err = r.guessFormat(ctx, common); err != nil {
			return err
		}
	}
	return r.setFormat(f)
}

// forEachRef lists refs as lines "ID NAME". It reads no object.
func (r *Repository) forEachRef(ctx context.Context, gitDir string, args ...string) ([]string, error) {
	out := &gitexec.Limited{Max: MaxRefBytes, What: "list of refs"}
	args = append([]string{"for-each-ref", "--format=%(objectname) %(refname)"}, args...)
	// No ref name holds a space or line feed (git-check-ref-format(1), rule 4).
	if err := r.program.Run(ctx, gitexec.Call{Args: args, GitDir: gitDir, Stdout: out, Folder: r.temp}); err != nil {
		return nil, err
	}
	return out.Lines(), nil
}

// guessFormat finds the object format of a repository without tags: from any
// ref, from a detached HEAD, else from the names of its objects and packs, which
// are ids (gitrepository-layout(5)). An empty repository counts as SHA-1.
func (r *Repository) guessFormat(ctx context.Context, common string) (digest.Format, error) {
	lines, err := r.forEachRef(ctx, common, "--count=1")
	if err != nil {
		return 0, err
	}
	if head, err := location.ReadPointer(filepath.Join(common, "HEAD")); err == nil {
		lines = append(lines, head)
	}
	for _, pattern := range []string{"objects/pack/pack-*.pack", "objects/[0-9a-f][0-9a-f]/*"} {
		found, err := filepath.Glob(filepath.Join(escapeGlob(common), filepath.FromSlash(pattern)))
		if err == nil && len(found) > 0 {
			name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(found[0]), "pack-"), ".pack")
			lines = append(lines, name, filepath.Base(filepath.Dir(found[0]))+name)
		}
	}
	for _, line := range lines {
		hex, _, _ := strings.Cut(line, " ")
		if id, err := digest.ParseObjectID(hex); err == nil {
			return id.Format(), nil
		}
	}
	return digest.SHA1Format, nil
}

// escapeGlob makes a path match itself alone (filepath.Match).
func escapeGlob(path string) string {
	if os.PathSeparator == '\\' {
		return path // Windows has no escapes in patterns
	}
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// maxTagChain is how many tags of tags are followed to say what a ref points
// to; ResolveTag accepts one.
const maxTagChain = 8

// peel fills in what the tag objects point to. It believes their first two
// lines: ResolveTag looks closely.
func (r *Repository) peel(ctx context.Context) error {
	at := make(map[digest.ObjectID][]int) // object to look at: the refs that lead there
	for i := range r.refs {
		if r.refs[i].Peeled.IsZero() {
			at[r.refs[i].ID] = append(at[r.refs[i].ID], i)
		}
	}
	for range maxTagChain {
		tags, err := r.tagObjects(ctx, at)
		if err != nil || len(tags) == 0 {
			return err
		}
		at = r.follow(tags, at)
	}
	return nil
}

// follow takes what tags claim to point to, and returns what to look at next.
func (r *Repository) follow(tags map[digest.ObjectID]claim, at map[digest.ObjectID][]int) map[digest.ObjectID][]int {
	next := make(map[digest.ObjectID][]int)
	for id, c := range tags {
		if c.kind == digest.Tag.String() {
			next[c.object] = append(next[c.object], at[id]...)
			continue
		}
		for _, i := range at[id] {
			r.refs[i].Peeled = c.object
		}
	}
	return next
}

// claim is what a tag object says that it points to.
type claim struct {
	object digest.ObjectID
	kind   string
}

// tagObjects reads those of the objects that are tags.
func (r *Repository) tagObjects(ctx context.Context, at map[digest.ObjectID][]int) (map[digest.ObjectID]claim, error) {
	ids := make([]digest.ObjectID, 0, len(at))
	for id := range at {
		ids = append(ids, id)
	}
	var tags []digest.ObjectID
	err := r.reader.Info(ctx, ids, func(i int, o objects.Object) error {
		if o.Type == digest.Tag {
			tags = append(tags, ids[i])
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	claims := make(map[digest.ObjectID]claim)
	err = r.reader.Read(ctx, tags, func(i int, o objects.Object) error {
		lines := strings.SplitN(string(o.Content), "\n", 3)
		id, err := digest.ParseObjectID(strings.TrimPrefix(lines[0], "object "))
		if err == nil && id.Format() == r.reader.Format && len(lines) == 3 {
			claims[tags[i]] = claim{id, strings.TrimPrefix(lines[1], "type ")}
		}
		return nil
	})
	return claims, err
}
