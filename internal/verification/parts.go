package verification

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/countermark/countermark/internal/compare"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/filter"
	"github.com/countermark/countermark/internal/gitrepo"
	"github.com/countermark/countermark/internal/refusal"
	"github.com/countermark/countermark/internal/report"
	"github.com/countermark/countermark/internal/tree"
)

// part is one repository's tree within the commit's: the commit itself at "",
// and each submodule that was given, at its path.
type part struct {
	repo    *gitrepo.Repository
	at      tree.Path
	commit  filter.Commit
	tree    tree.Tree // its paths begin at the part
	limbo   string    // why its attributes are unknown, "" if they are known
	filters *compare.Filters
}

// parts is what a commit is made of.
type parts []*part

// loadParts reads the commit's tree, and those of the submodules given.
func (v *verification) loadParts(ctx context.Context) error {
	v.o.Progress.Text("reading the commit")
	v.parts = parts{{repo: v.repo, commit: v.target.Commit}}
	if err := v.parts[0].loadTree(ctx); err != nil {
		return err
	}
	v.tree = v.parts[0].tree
	if len(v.o.Submodules) == 0 {
		v.o.Progress.Clear()
		return nil
	}
	entries := v.tree.Entries()
	for _, flag := range v.o.Submodules {
		sub, err := v.openSubmodule(ctx, flag)
		if err != nil {
			return err
		}
		entries = sub.layOut(entries)
	}
	var err error
	v.tree, err = tree.Build(slices.Clone(entries))
	v.o.Progress.Clear()
	return err
}

// openSubmodule opens the local repository that --submodule names for a path.
func (v *verification) openSubmodule(ctx context.Context, flag string) (*part, error) {
	name, source, found := strings.Cut(flag, "=")
	if !found || name == "" || source == "" {
		return nil, report.UsageFailure("for example --submodule subprojects/libglnx=../libglnx", "--submodule %q is not PATH=REPO", flag)
	}
	at := tree.Path(strings.TrimSuffix(filepath.ToSlash(name), "/"))
	if slices.ContainsFunc(v.parts[1:], func(p *part) bool { return p.at == at }) {
		return nil, report.UsageFailure("", "--submodule names %q twice", at)
	}
	link := v.parts[0].tree.Lookup(at)
	if link == nil || link.Kind != tree.Submodule {
		return nil, report.UsageFailure("git ls-tree -r shows submodules as mode 160000", "the commit has no submodule at %q", name)
	}
	if gitrepo.IsRemote(source) {
		return nil, report.UsageFailure("clone it first", "--submodule takes a local repository, not %q", source)
	}
	repo, err := v.git.OpenLocal(ctx, source)
	if errors.Is(err, gitrepo.ErrNoRepository) {
		return nil, report.UsageFailure("--submodule takes PATH=REPO, where REPO is the path of a clone or bare repository", "%v", err)
	}
	if err != nil {
		return nil, err
	}
	p := &part{repo: repo, at: at}
	v.parts = append(v.parts, p)
	p.commit.ID = link.IDs.In(digest.SHA1Format)
	if p.commit.ID.IsZero() {
		p.commit.ID = link.IDs.In(digest.SHA256Format)
	}
	if p.commit.Commit, err = repo.Commit(ctx, p.commit.ID); err != nil {
		return nil, fmt.Errorf("reading the commit that submodule %q pins: %w", name, err)
	}
	return p, p.loadTree(ctx)
}

func (p *part) loadTree(ctx context.Context) error {
	var err error
	p.tree, err = p.repo.Tree(ctx, p.commit.Tree)
	return err
}

// layOut puts the part's entries in the place of its submodule entry.
func (p *part) layOut(entries []tree.Entry) []tree.Entry {
	out := make([]tree.Entry, 0, len(entries)+p.tree.Len())
	for _, e := range entries {
		if e.Path != p.at {
			out = append(out, e)
		}
	}
	for _, e := range p.tree.Entries() {
		e.Path = p.full(e.Path)
		out = append(out, e)
	}
	return out
}

// within returns the path within the part, and whether it is one.
func (p *part) within(path tree.Path) (tree.Path, bool) {
	if p.at == "" {
		return path, true
	}
	rest, ok := strings.CutPrefix(string(path), string(p.at)+"/")
	return tree.Path(rest), ok
}

func (p *part) full(path tree.Path) tree.Path {
	if p.at == "" {
		return path
	}
	return p.at + "/" + path
}

// loadAttributes reads the attributes that make git convert a file. Where a
// .gitattributes is not at hand, the part is in limbo: every difference in it
// may be one that git makes.
func (p *part) loadAttributes(ctx context.Context) error {
	var files []string
	for _, e := range p.tree.Entries() {
		if e.Kind == tree.File {
			files = append(files, string(e.Path))
		}
	}
	raw, err := p.repo.Attributes(ctx, gitrepo.AttributeQuery{TreeID: p.commit.Tree, Tree: p.tree, Names: filter.AttributeNames(), Paths: files})
	if r := report.AsRefusal(err); r != nil && r.Rule == refusal.GitMissing {
		p.limbo, err = r.Error(), nil
	}
	converting := make(map[tree.Path]filter.Attributes)
	for path, values := range raw {
		if a := filter.ParseAttributes(values); a.Converts() || a.Encoding != "" || a.Driver != "" {
			converting[p.full(tree.Path(path))] = a
		}
	}
	placed, buildErr := p.tree, error(nil)
	if p.at != "" {
		placed, buildErr = tree.Build(p.layOut(nil))
	}
	p.filters = compare.NewFilters(p.commit, placed, converting)
	return errors.Join(err, buildErr)
}

// giveBlobs reads, in one batch for each part, the blobs that decide more.
func (ps parts) giveBlobs(ctx context.Context) error {
	for _, p := range ps {
		needed := p.filters.Needed()
		if len(needed) == 0 {
			continue
		}
		_, err := p.repo.Blobs(ctx, needed, func(id digest.ObjectID, content []byte) error {
			p.filters.Give(id, content)
			return nil
		})
		if _, unreachable := errors.AsType[*gitrepo.TransportError](err); err != nil && !unreachable {
			return err // an unreachable blob leaves its paths unchecked, and each says so
		}
	}
	return nil
}

func (ps parts) findings() map[tree.Path]compare.Finding {
	all := make(map[tree.Path]compare.Finding)
	for _, p := range ps {
		maps.Copy(all, p.filters.Findings())
	}
	return all
}

// of returns the innermost part that has the path.
func (ps parts) of(path tree.Path) (*part, tree.Path) {
	best, rest := ps[0], path
	for _, p := range ps[1:] {
		if within, ok := p.within(path); ok && len(p.at) > len(best.at) {
			best, rest = p, within
		}
	}
	return best, rest
}

func (ps parts) limbo(path tree.Path) string {
	p, _ := ps.of(path)
	return p.limbo
}

// exportIgnored returns the commit's paths that the archive lacks and that
// export-ignore leaves out, by themselves or with a directory above them.
func (ps parts) exportIgnored(ctx context.Context, archive tree.Tree) (map[tree.Path]bool, error) {
	ignored := make(map[tree.Path]bool)
	for _, p := range ps {
		absent := p.absentFrom(archive)
		if p.limbo != "" || len(absent) == 0 {
			continue
		}
		values, err := p.repo.Attributes(ctx, gitrepo.AttributeQuery{
			TreeID: p.commit.Tree, Tree: p.tree, Names: []string{"export-ignore"}, Paths: namesToAsk(absent),
		})
		if err != nil {
			return nil, err
		}
		for _, path := range absent {
			ignored[p.full(path)] = slices.ContainsFunc(withDirectories(path), func(name string) bool {
				return values[name]["export-ignore"] == "set"
			})
		}
	}
	return ignored, nil
}

// absentFrom returns the part's files and links that the archive lacks.
func (p *part) absentFrom(archive tree.Tree) []tree.Path {
	var absent []tree.Path
	for _, e := range p.tree.Entries() {
		if e.Kind != tree.Submodule && archive.Lookup(p.full(e.Path)) == nil {
			absent = append(absent, e.Path)
		}
	}
	return absent
}

// withDirectories returns the names that git archive asks attributes for on its
// way to a path: its directories, with a final slash, and itself. A directory
// that is export-ignored is not entered (archive.c).
func withDirectories(path tree.Path) []string {
	names := []string{string(path)}
	for dir := path.Dir(); dir != ""; dir = dir.Dir() {
		names = append(names, string(dir)+"/")
	}
	return names
}

// namesToAsk returns the names that decide about the paths, each once.
func namesToAsk(paths []tree.Path) []string {
	var names []string
	seen := make(map[string]bool)
	for _, path := range paths {
		for _, name := range withDirectories(path) {
			if !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	return names
}
