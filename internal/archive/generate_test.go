package archive_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/tree"
	"pgregory.net/rapid"
)

// node is one file, link or special of a generated tree.
type node struct {
	path    string
	kind    tree.Kind
	exec    bool
	content string // or a link's target
}

// components are names of one directory level: short and long, in ASCII and not.
func components(short bool) *rapid.Generator[string] {
	names := []string{"a", "b", "c.txt", "README", "Makefile.in", "-rf", "x y", "a.b", "a-b", "a0", ".hidden", "#1#", "it's", "<b>", "a\\b", "C:x", "con"}
	if !short {
		names = append(names, "é", "日本語", "ﬁ", strings.Repeat("l", 60), strings.Repeat("m", 101), "n"+strings.Repeat("é", 60), strings.Repeat("o", 155), strings.Repeat("p", 99))
	}
	return rapid.SampledFrom(names)
}

// trees draws a tree that git can hold: no empty directory. With short, every
// name fits the oldest header.
func trees(short bool) *rapid.Generator[[]node] {
	return rapid.Custom(func(t *rapid.T) []node {
		nodes := drawDirectory(t, "", 0, short)
		if len(nodes) == 0 {
			nodes = append(nodes, node{path: "only", kind: tree.File, content: "only\n"})
		}
		return nodes
	})
}

func drawDirectory(t *rapid.T, dir string, depth int, short bool) []node {
	var nodes []node
	limit := 5 - depth
	for _, name := range rapid.SliceOfNDistinct(components(short), 0, limit, rapid.ID).Draw(t, "names") {
		path := dir + name
		if short && len(path) > 60 {
			continue
		}
		switch rapid.IntRange(0, 9).Draw(t, "kind") {
		case 0, 1, 2:
			if depth < 4 {
				nodes = append(nodes, drawDirectory(t, path+"/", depth+1, short)...)
			}
		case 3:
			nodes = append(nodes, node{path: path, kind: tree.Symlink, content: drawTarget(t, depth, short)})
		default:
			content := rapid.OneOf(rapid.Just(""), rapid.StringN(0, 40, 80), rapid.Just(strings.Repeat("0123456789abcdef", 32)), rapid.Just(strings.Repeat("x", 1025))).Draw(t, "content")
			nodes = append(nodes, node{path: path, kind: tree.File, exec: rapid.Bool().Draw(t, "exec"), content: content})
		}
	}
	return nodes
}

func drawTarget(t *rapid.T, depth int, short bool) string {
	targets := []string{"a", "no/such", "./b", "a/b/c"}
	if depth > 0 {
		targets = append(targets, "../a", "..")
	}
	if !short {
		targets = append(targets, "é", strings.Repeat("t", 100), strings.Repeat("t/", 60)+"t", strings.Repeat("é/", 60)+"t")
	}
	return rapid.SampledFrom(targets).Draw(t, "target")
}

// write puts the tree on disk.
func write(t failer, dir string, nodes []node) {
	t.Helper()
	for _, n := range nodes {
		path := filepath.Join(dir, n.path)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if err == nil && n.kind == tree.Symlink {
			err = os.Symlink(n.content, path)
		} else if err == nil {
			mode := os.FileMode(0o644)
			if n.exec {
				mode = 0o755
			}
			err = os.WriteFile(path, []byte(n.content), mode)
		}
		if err != nil {
			t.Fatalf("writing the tree: %v", err)
		}
	}
}

// repository is a real git repository that holds one commit of a tree on disk.
type repository struct {
	gitDir, commit string
	id             digest.ObjectID // of the commit's tree
	tree           tree.Tree
}

// commitTree commits what lies in work.
func commitTree(t failer, format digest.Format, work string) *repository {
	t.Helper()
	gitDir := work + "." + format.String() + ".git"
	run(t, filepath.Dir(work), nil, "git", "init", "-q", "--bare", "--template=", "--object-format="+format.String(), gitDir)
	git := func(args ...string) string {
		t.Helper()
		return strings.TrimSuffix(string(run(t, work, nil, "git", append([]string{"--git-dir=" + gitDir, "--work-tree=" + work}, args...)...)), "\n")
	}
	git("add", "--force", "--all", ".")
	r := &repository{gitDir: gitDir}
	id := git("write-tree")
	r.commit = git("commit-tree", "-m", "release", id)
	r.id, _ = digest.ParseObjectID(id)
	var entries []tree.Entry
	for line := range strings.SplitSeq(strings.TrimSuffix(git("ls-tree", "-r", "-z", id), "\x00"), "\x00") {
		entries = append(entries, parseLsTree(t, line))
	}
	built, err := tree.Build(entries)
	if err != nil {
		t.Fatalf("building the commit's tree: %v", err)
	}
	r.tree = built
	return r
}

// parseLsTree reads one line of git ls-tree -z: mode, type, id, tab, path.
func parseLsTree(t failer, line string) tree.Entry {
	about, path, ok := strings.Cut(line, "\t")
	fields := strings.Fields(about)
	if !ok || len(fields) != 3 {
		t.Fatalf("git ls-tree says %q", line)
	}
	e := tree.Entry{Path: tree.Path(path), Kind: tree.File}
	switch fields[0] {
	case "100755":
		e.Exec = tree.Executable
	case "120000":
		e.Kind = tree.Symlink
	}
	id, err := digest.ParseObjectID(fields[2])
	if err != nil {
		t.Fatalf("git ls-tree says %q: %v", line, err)
	}
	e.IDs.Set(id)
	return e
}

// showTree shows nodes as listing shows a tree, for messages.
func showTree(nodes []node) string {
	var lines []string
	for _, n := range nodes {
		lines = append(lines, fmt.Sprintf("%v %q", n.kind, n.path))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// rounds returns how often a test with real programs is repeated: n, or more
// where the environment asks for it.
func rounds(t testing.TB, n int) int {
	t.Helper()
	if s := os.Getenv("COUNTERMARK_ROUNDS"); s != "" {
		if _, err := fmt.Sscan(s, &n); err != nil {
			t.Fatalf("reading COUNTERMARK_ROUNDS: %v", err)
		}
	}
	return n
}
