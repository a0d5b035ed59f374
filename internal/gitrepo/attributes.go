package gitrepo

import (
	"bytes"
	"compress/zlib"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/gitrepo/gitexec"
	"github.com/countermark/countermark/internal/gitrepo/objects"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/tree"
)

// AttributeQuery asks for attributes of paths in a tree.
type AttributeQuery struct {
	TreeID digest.ObjectID
	Tree   tree.Tree // the tree of that id, as Repository.Tree gave it
	Names  []string  // of attributes, as gitattributes(5) has them
	Paths  []string  // within the tree; with a slash at the end for a directory
}

// Attributes returns, by path and name, the values that git check-attr gives:
// "set", "unset", "unspecified" or a string. The maps may be shared and must not
// be changed. Only the .gitattributes files of the tree count, never those of
// the system, the user or the repository. A link called .gitattributes does
// not count either. Each of the files is read and hashed again first; one that
// is not there is GIT_MISSING. If none of them mentions any of the names,
// nothing is set, and the result is nil.
func (r *Repository) Attributes(ctx context.Context, q AttributeQuery) (map[string]map[string]string, error) {
	paths, ids := attributeFiles(q.Tree, r.reader.Format)
	dir, err := os.MkdirTemp(r.temp, "attributes-")
	if err != nil {
		return nil, fmt.Errorf("making a temporary folder: %v", err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // Close removes it otherwise
	if err := MakeBare(dir, r.reader.Format); err != nil {
		return nil, err
	}
	mentioned := make(map[string]bool)
	err = r.reader.Read(ctx, ids, func(i int, o objects.Object) error {
		if o.Type == 0 {
			lacking := r.reader.Missing(ids[i])
			lacking.Detail, lacking.Member = fmt.Sprintf("%s %v, a .gitattributes file", lacking.Detail, ids[i]), string(paths[i])
			return lacking
		}
		if o.Type != digest.Blob {
			return refusal.New(refusal.GitType, "the entry names a %v where a blob was expected", o.Type).At(refusal.Unknown, string(paths[i]))
		}
		for _, name := range q.Names {
			mentioned[name] = mentioned[name] || mentions(o.Content, name)
		}
		return writeBlob(dir, ids[i], o.Content)
	})
	asked, others := split(q.Names, mentioned)
	if err != nil || len(asked) == 0 || len(q.Paths) == 0 {
		return nil, err
	}
	if err := r.writeIndex(ctx, dir, paths, ids); err != nil {
		return nil, err
	}
	q.Names = asked
	return r.checkAttr(ctx, dir, q, others)
}

// split returns the names that are mentioned, and the others.
func split(names []string, mentioned map[string]bool) (asked, others []string) {
	for _, name := range names {
		if mentioned[name] {
			asked = append(asked, name)
		} else {
			others = append(others, name)
		}
	}
	return asked, others
}

// attributeFiles returns the regular files called .gitattributes.
func attributeFiles(t tree.Tree, f digest.Format) (paths []tree.Path, ids []digest.ObjectID) {
	const name = ".gitattributes"
	entries := t.Entries()
	for i := range entries {
		e := &entries[i]
		if e.Kind == tree.File && (e.Path == name || strings.HasSuffix(string(e.Path), "/"+name)) {
			paths = append(paths, e.Path)
			ids = append(ids, e.IDs.In(f))
		}
	}
	return paths, ids
}

// mentions reports whether an attributes file may give a value to the name: it
// holds the name, in a line of its own or in a macro's, or that of git's
// built-in macro (attr.c: binary is -diff -merge -text). Names are written
// plainly; only patterns may be quoted (gitattributes(5)).
func mentions(content []byte, name string) bool {
	switch name {
	case "diff", "merge", "text":
		if bytes.Contains(content, []byte("binary")) {
			return true
		}
	}
	return bytes.Contains(content, []byte(name))
}

// writeBlob writes a blob, whose hash was checked, as a loose object: git then
// reads the very bytes that were checked, and nothing else.
func writeBlob(gitDir string, id digest.ObjectID, content []byte) error {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	// gitformat-loose(5), "FORMAT": the header and content as they are hashed.
	_, _ = w.Write([]byte("blob " + strconv.Itoa(len(content)) + "\x00"))
	_, _ = w.Write(content)
	_ = w.Close() // writing to a bytes.Buffer never fails
	name := id.String()
	path := filepath.Join(gitDir, "objects", name[:2], name[2:])
	err := os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		err = os.WriteFile(path, b.Bytes(), 0o600)
	}
	if err != nil {
		return fmt.Errorf("writing a temporary object: %v", err)
	}
	return nil
}

// writeIndex makes an index of the attributes files alone.
func (r *Repository) writeIndex(ctx context.Context, dir string, paths []tree.Path, ids []digest.ObjectID) error {
	var lines strings.Builder
	for i, path := range paths {
		fmt.Fprintf(&lines, "100644 %v 0\t%s\x00", ids[i], path)
	}
	return r.program.Run(ctx, gitexec.Call{
		Args: []string{"update-index", "-z", "--index-info"}, GitDir: dir, Index: filepath.Join(dir, "index"),
		Stdin: strings.NewReader(lines.String()),
	})
}

// checkAttr asks git about all paths; no path has the attributes that are not
// asked for.
func (r *Repository) checkAttr(ctx context.Context, dir string, q AttributeQuery, unspecified []string) (map[string]map[string]string, error) {
	out := &attributeReader{names: q.Names, unspecified: unspecified, values: make(map[string]map[string]string, len(q.Paths)), shared: make(map[string]map[string]string)}
	err := r.program.Run(ctx, gitexec.Call{
		Args:   append([]string{"check-attr", "--cached", "-z", "--stdin"}, q.Names...),
		GitDir: dir, Index: filepath.Join(dir, "index"), Stdout: out,
		Stdin: strings.NewReader(strings.Join(q.Paths, "\x00") + "\x00"),
	})
	if err != nil {
		return nil, err
	}
	for _, path := range q.Paths {
		if out.values[path] == nil {
			return nil, fmt.Errorf("reading attributes: git check-attr does not answer for %q", path)
		}
	}
	return out.values, nil
}

// attributeReader is a writer that takes what check-attr -z prints: PATH NUL
// NAME NUL VALUE NUL, for each path all names in order.
type attributeReader struct {
	names []string

	unspecified []string // further names, which no path has

	text   []byte // of the fields of one path, so far
	ends   []int  // of the complete ones
	values map[string]map[string]string
	shared map[string]map[string]string // by all values of a path
}

func (a *attributeReader) Write(p []byte) (int, error) {
	for rest := p; ; {
		field, after, found := bytes.Cut(rest, []byte{0})
		a.text = append(a.text, field...)
		if !found {
			return len(p), nil
		}
		a.ends = append(a.ends, len(a.text))
		if rest = after; len(a.ends) < 3*len(a.names) {
			continue
		}
		if err := a.take(); err != nil {
			return 0, err
		}
		a.text, a.ends = a.text[:0], a.ends[:0]
	}
}

// field returns a complete field.
func (a *attributeReader) field(i int) []byte {
	if i == 0 {
		return a.text[:a.ends[0]]
	}
	return a.text[a.ends[i-1]:a.ends[i]]
}

// take takes the answers for one path.
func (a *attributeReader) take() error {
	path := a.field(0)
	var key []byte
	for i, name := range a.names {
		if !bytes.Equal(a.field(3*i), path) || string(a.field(3*i+1)) != name {
			return fmt.Errorf("reading attributes: git check-attr answers for %q of %q, not for %q of %q", a.field(3*i+1), a.field(3*i), name, path)
		}
		key = append(append(key, a.field(3*i+2)...), 0)
	}
	values := a.shared[string(key)]
	if values == nil {
		values = make(map[string]string, len(a.names)+len(a.unspecified))
		for _, name := range a.unspecified {
			values[name] = "unspecified"
		}
		for i, name := range a.names {
			values[name] = string(a.field(3*i + 2))
		}
		a.shared[string(key)] = values
	}
	a.values[string(path)] = values
	return nil
}
