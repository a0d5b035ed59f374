package gitrepo

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitobject"
	"github.com/countermark/countermark/internal/gitrepo/gitexec"
	"github.com/countermark/countermark/internal/gitrepo/objects"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/tree"
)

// Repository is an open repository. It is not safe for concurrent use. Close
// must be called.
type Repository struct {
	program *gitexec.Program
	reader  *objects.Reader // through our own bare repository
	temp    string          // our folder for everything temporary
	refs    []Ref
	skipped []string
	local   bool
	common  string // a local repository's own folder
	remote  Remote
	store   store
	fetched int64
}

// Ref is a tag's ref.
type Ref struct {
	Name   string          // full: "refs/tags/v1.0"
	ID     digest.ObjectID // what the ref holds: a tag object or, for a lightweight tag, a commit
	Peeled digest.ObjectID // what the tag object points to finally, as the repository claims; zero if it is none, or unknown
}

// Resolved is a tag followed to its commit; every object was hashed again.
type Resolved struct {
	TagID    digest.ObjectID // zero for a lightweight tag
	Tag      *gitobject.Tag  // nil for a lightweight tag
	CommitID digest.ObjectID
	Commit   *gitobject.Commit
}

// Access is what the other parts of this edge need of an open repository.
type Access struct {
	Program *gitexec.Program
	Reader  *objects.Reader
	Common  string // a local repository's own folder; of a remote one, our own bare repository
	Temp    string // folder for everything temporary
}

// Access returns what it says; it is valid until Close.
func (r *Repository) Access() Access {
	return Access{r.program, r.reader, cmp.Or(r.common, r.reader.GitDir), r.temp}
}

// newRepository makes the folder for everything temporary.
func (g *Git) newRepository() (*Repository, error) {
	temp, err := os.MkdirTemp("", "countermark-git-")
	if err != nil {
		return nil, fmt.Errorf("making a temporary folder: %v", err)
	}
	reader := &objects.Reader{Program: g.program, GitDir: filepath.Join(temp, "own.git")}
	return &Repository{program: g.program, reader: reader, temp: temp}, nil
}

// Close ends the git process and removes everything temporary.
func (r *Repository) Close() error {
	r.reader.Close()
	if err := os.RemoveAll(r.temp); err != nil {
		return fmt.Errorf("removing the temporary folder: %v", err)
	}
	return nil
}

// IsRemote reports whether the repository was opened by OpenRemote.
func (r *Repository) IsRemote() bool { return !r.local }

// Format returns the repository's object format. A remote repository without
// tags counts as SHA-1 until a commit is fetched.
func (r *Repository) Format() digest.Format { return r.reader.Format }

// BytesFetched returns the sum of the sizes of the packs received.
func (r *Repository) BytesFetched() int64 { return r.fetched }

// MakeBare makes an empty bare repository (gitrepository-layout(5)) with no
// hooks, no description and no configuration but its format.
func MakeBare(dir string, f digest.Format) error {
	config := "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
	if f == digest.SHA256Format {
		config = "[core]\n\trepositoryformatversion = 1\n\tbare = true\n[extensions]\n\tobjectFormat = sha256\n"
	}
	for _, name := range []string{"objects/pack", "objects/info", "refs"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.FromSlash(name)), 0o700); err != nil {
			return fmt.Errorf("making an empty repository: %v", err)
		}
	}
	for name, content := range map[string]string{"HEAD": "ref: refs/heads/none\n", "config": config} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			return fmt.Errorf("making an empty repository: %v", err)
		}
	}
	return nil
}

// setFormat makes our own repository in the given format, anew if it had another.
func (r *Repository) setFormat(f digest.Format) error {
	if r.reader.Format == f {
		return nil
	}
	r.reader.Close()
	if err := os.RemoveAll(r.reader.GitDir); err != nil {
		return fmt.Errorf("removing an empty repository: %v", err)
	}
	r.reader.Format = f
	return MakeBare(r.reader.GitDir, f)
}

// Tags returns the tags in the order of their names, and the names outside the
// grammar of gitobject.CheckRefName, which are left out.
func (r *Repository) Tags(ctx context.Context) (tags []Ref, skipped []string, err error) {
	if r.local {
		if err := r.peel(ctx); err != nil {
			return nil, nil, err
		}
	}
	return slices.Clone(r.refs), slices.Clone(r.skipped), nil
}

// addRef takes a ref from a listing.
func (r *Repository) addRef(name string, id digest.ObjectID) {
	if gitobject.CheckRefName(name) != nil {
		r.skipped = append(r.skipped, name)
		return
	}
	r.refs = append(r.refs, Ref{Name: name, ID: id})
}

// sortRefs puts the refs in order and refuses ids of two formats.
func (r *Repository) sortRefs() error {
	slices.SortFunc(r.refs, func(a, b Ref) int { return strings.Compare(a.Name, b.Name) })
	slices.Sort(r.skipped)
	for _, ref := range r.refs {
		if ref.ID.Format() != r.refs[0].ID.Format() {
			return refusal.New(refusal.GitFormat, "the refs hold ids of two object formats").At(refusal.Unknown, ref.Name)
		}
	}
	return nil
}

// Object returns the type and content of an object, hashed again. The error is
// a *refusal.Refusal: GIT_MISSING, GIT_HASH, GIT_SHA1_COLLISION, GIT_FORMAT or
// GIT_LIMIT, or another if git failed.
func (r *Repository) Object(ctx context.Context, id digest.ObjectID) (digest.ObjectType, []byte, error) {
	return r.reader.Object(ctx, id)
}

// Commit returns a commit. The error is a *refusal.Refusal: those of Object and
// gitobject.ParseCommit, or GIT_TYPE.
func (r *Repository) Commit(ctx context.Context, id digest.ObjectID) (*gitobject.Commit, error) {
	return r.reader.Commit(ctx, id)
}

// Tree reads a tree object and all below it: every file, link and submodule
// (with the id of its commit), and directories that hold nothing. Each tree
// object is hashed again, and read once however often it occurs. Sizes are not
// known. The error is a *refusal.Refusal: those of Object and
// gitobject.ParseTree, GIT_TYPE, or GIT_LIMIT beyond gitobject.MaxTreeDepth and
// gitobject.MaxTreeEntries.
func (r *Repository) Tree(ctx context.Context, id digest.ObjectID) (tree.Tree, error) {
	return r.reader.Tree(ctx, id)
}

// ResolveTag follows a tag to its commit: a lightweight one directly, an
// annotated one through exactly one tag object, which must carry the ref's name
// and point to a commit. The error is a *refusal.Refusal: those of Commit and
// gitobject.ParseTag, GIT_REFNAME, GIT_TAGNAME or GIT_TAGTARGET.
func (r *Repository) ResolveTag(ctx context.Context, ref Ref) (Resolved, error) {
	if err := gitobject.CheckRefName(ref.Name); err != nil {
		return Resolved{}, err
	}
	kind, raw, err := r.Object(ctx, ref.ID)
	if err != nil {
		return Resolved{}, err
	}
	resolved := Resolved{CommitID: ref.ID}
	switch kind {
	case digest.Commit:
	case digest.Tag:
		resolved.TagID = ref.ID
		if resolved.Tag, err = gitobject.ParseTag(r.reader.Format, raw); err != nil {
			return Resolved{}, objects.InObject(err, ref.ID)
		}
		if err := checkTag(ref, resolved.Tag); err != nil {
			return Resolved{}, err
		}
		resolved.CommitID = resolved.Tag.Object
	default:
		return Resolved{}, refusal.New(refusal.GitTagTarget, "the ref holds a %v where a tag or commit was expected", kind).At(refusal.Unknown, ref.Name)
	}
	if resolved.Commit, err = r.Commit(ctx, resolved.CommitID); err != nil {
		return Resolved{}, err
	}
	return resolved, nil
}

// checkTag holds a tag object to the ref that it was reached by.
func checkTag(ref Ref, tag *gitobject.Tag) error {
	if gitobject.TagPrefix+tag.Name != ref.Name {
		return refusal.New(refusal.GitTagName, "the tag object is that of the tag %q", tag.Name).At(refusal.Unknown, ref.Name)
	}
	if tag.Type != digest.Commit {
		return refusal.New(refusal.GitTagTarget, "the tag points to a %v where a commit was expected", tag.Type).At(refusal.Unknown, ref.Name)
	}
	return nil
}
