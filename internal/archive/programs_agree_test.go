package archive_test

import (
	gotar "archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/countermark/countermark/internal/archive"
	"github.com/countermark/countermark/internal/compare"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/testkit"
	"github.com/countermark/countermark/internal/tree"
)

const topName = "release-1.0"

// writer makes a tar of a tree in one way.
type writer struct {
	name    string
	program string // "": none
	short   bool   // every name must fit the oldest header
	args    []string
}

const pythonWriter = `
import sys, tarfile
formats = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
t = tarfile.open(fileobj=sys.stdout.buffer, mode="w|", format=formats[sys.argv[1]])
t.add(sys.argv[2])
t.close()
`

func writers() []writer {
	var all []writer
	for _, format := range []string{"v7", "oldgnu", "gnu", "ustar", "pax"} {
		all = append(all, writer{"GNU tar " + format, "tar", format == "v7" || format == "ustar", []string{"--format=" + format, "-cf", "-", topName}})
	}
	for _, format := range []string{"v7tar", "ustar", "gnutar", "pax", "paxr"} {
		all = append(all, writer{"bsdtar " + format, "bsdtar", format == "v7tar" || format == "ustar", []string{"--format=" + format, "--no-xattrs", "--no-acls", "--no-fflags", "-cf", "-", topName}})
	}
	for _, format := range []string{"ustar", "gnu", "pax"} {
		all = append(all, writer{"Python " + format, "python3", format == "ustar", []string{"-c", pythonWriter, format, topName}})
	}
	return append(all,
		writer{"bsdtar", "bsdtar", false, []string{"-cf", "-", topName}},
		writer{"BusyBox", "busybox", false, []string{"tar", "-cf", "-", topName}},
	)
}

// TestWritersGiveTheCommitsTree commits random trees with real git, archives
// them with everything that writes tars, and compares.
func TestWritersGiveTheCommitsTree(t *testing.T) {
	testkit.Program(t, "git")
	made := make(map[string]int)
	for i := range rounds(t, 6) {
		short := i%3 == 2
		nodes := trees(short).Example(i)
		base := t.TempDir()
		work := filepath.Join(base, topName)
		write(t, work, nodes)
		for _, format := range []digest.Format{digest.SHA1Format, digest.SHA256Format} {
			repo := commitTree(t, format, work)
			for name, raw := range gitArchives(t, repo) {
				checkSameTree(t, "git archive "+format.String()+" "+name, raw, repo, nodes)
			}
			if format == digest.SHA1Format {
				for name, raw := range programsWrite(t, base, short) {
					made[name]++
					checkSameTree(t, name, raw, repo, nodes)
				}
				checkSameTree(t, "by hand", handWritten(nodes), repo, nodes)
				checkSameTree(t, "Go", goWritten(t, nodes), repo, nodes)
			}
		}
	}
	for _, w := range writers() {
		if made[w.name] == 0 && testkit.HasProgram(w.program) {
			t.Errorf("%s never made an archive", w.name)
		}
		if !testkit.HasProgram(w.program) && os.Getenv(testkit.All) != "" {
			t.Errorf("%s is not installed", w.program)
		}
	}
}

// programsWrite returns what each program makes of the tree below base; short
// says that the tree's names fit every format.
func programsWrite(t failer, base string, short bool) map[string][]byte {
	written := make(map[string][]byte)
	for _, w := range writers() {
		if (short || !w.short) && testkit.HasProgram(w.program) {
			written[w.name] = run(t, base, nil, w.program, w.args...)
		}
	}
	return written
}

// gitArchives returns what git archive makes of a commit and of a bare tree.
func gitArchives(t failer, repo *repository) map[string][]byte {
	dir := filepath.Dir(repo.gitDir)
	git := func(what string) []byte {
		return run(t, dir, nil, "git", "--git-dir="+repo.gitDir, "archive", "--format=tar", "--prefix="+topName+"/", what)
	}
	return map[string][]byte{"of the commit": git(repo.commit), "of the tree": git(repo.id.String())}
}

// checkSameTree checks that the archive is read, that its tree id is the
// commit's, and that the comparison says so too.
func checkSameTree(t *testing.T, name string, raw []byte, repo *repository, nodes []node) {
	t.Helper()
	c, err := readArchive(raw, plainTar())
	if err != nil {
		t.Errorf("%s: %v\n%s", name, err, showTree(nodes))
		return
	}
	if got := c.Identity.Git.In(repo.id.Format()); got != repo.id {
		t.Errorf("%s: the tree is %v, git's is %v\n%s", name, got, repo.id, showTree(nodes))
	}
	if c.Prefix != topName {
		t.Errorf("%s: the prefix is %q", name, c.Prefix)
	}
	report, err := compare.Compare(compare.Input{Archive: c.Tree, Commit: repo.tree})
	if err != nil || report.Verdict() != compare.IdenticalTree || report.Count(compare.Identical) != len(nodes) {
		t.Errorf("%s: %v, %v, %d of %d identical", name, err, report.Verdict(), report.Count(compare.Identical), len(nodes))
	}
}

// handWritten writes the nodes with the builder, as GNU tar would.
func handWritten(nodes []node) []byte {
	b := newTar(magicGNU)
	b.dir(topName + "/")
	for _, n := range nodes {
		b.node(n)
	}
	return b.end()
}

// node adds a node below topName, with GNU's long headers where needed.
func (b *tarBuilder) node(n node) {
	name := topName + "/" + n.path
	if n.kind == tree.Symlink && len(n.content) > 100 {
		b.long('K', n.content+"\x00")
	}
	if len(name) > 100 {
		b.long('L', name+"\x00")
	}
	name = name[:min(len(name), 100)]
	switch {
	case n.kind == tree.Symlink:
		b.link(name, n.content[:min(len(n.content), 100)])
	case n.kind == tree.Special:
		b.member('6', name, "")
	case n.kind == tree.Directory:
		b.dir(name)
	case n.exec:
		b.file(name, n.content, mode("0000755"))
	default:
		b.file(name, n.content)
	}
}

func goWritten(t failer, nodes []node) []byte {
	var out bytes.Buffer
	w := gotar.NewWriter(&out)
	for _, n := range nodes {
		h := &gotar.Header{Name: topName + "/" + n.path, Mode: 0o644, Typeflag: gotar.TypeReg, Size: int64(len(n.content))}
		if n.exec {
			h.Mode = 0o755
		}
		if n.kind == tree.Symlink {
			h.Typeflag, h.Linkname, h.Size = gotar.TypeSymlink, n.content, 0
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatalf("writing a header: %v", err)
		}
		if n.kind == tree.File {
			_, _ = w.Write([]byte(n.content))
		}
	}
	if err := w.Close(); err != nil {
		t.Fatalf("writing a tar: %v", err)
	}
	return out.Bytes()
}

// TestRealReleases reads the published archives.
func TestRealReleases(t *testing.T) {
	dir := testkit.Releases(t)
	files, err := filepath.Glob(filepath.Join(dir, "*.orig.tar.*"))
	if err != nil || len(files) == 0 {
		testkit.Missing(t, "%s holds no release (*.orig.tar.*); ../shared/cases/get downloads them", dir)
	}
	for _, file := range files {
		if filepath.Ext(file) == ".asc" {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			f, err := os.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			o := archive.Options{}
			o.Envelope.Name = filepath.Base(file)
			r, err := archive.Open(f, o)
			if err != nil {
				t.Fatal(err)
			}
			c, err := r.Read(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%s, %d members, tree %v, modes %v", c.Dialect, c.Members, c.Identity.Git.In(digest.SHA1Format), c.Modes)
		})
	}
}
