package archive_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countermark/countermark/internal/archive"
	"github.com/countermark/countermark/internal/digest"
	"github.com/countermark/countermark/internal/testkit"
	"github.com/countermark/countermark/internal/tree"
)

// extractor unpacks archive numbers 0 to n-1, dir/N.tar each, into the existing
// directories dir/N.NAME, and says which it unpacked without complaint.
type extractor struct {
	name, program string
	unpack        func(t testing.TB, e extractor, dir string, n int) []bool
	args          []string
}

// pythonExtractor reads the archives' numbers and a filter's name.
const pythonExtractor = `
import os, sys, tarfile
name, filter, dir, n = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
os.umask(0o022)
for i in range(n):
    try:
        with tarfile.open(f"{dir}/{i}.tar") as t:
            t.errorlevel = 2
            t.extractall(f"{dir}/{i}.{name}", filter=filter)
        print("good")
    except BaseException as e:
        print("bad", repr(e).encode("ascii", "replace"))
`

func extractors() []extractor {
	python := func(filter string) extractor {
		return extractor{"python-" + filter, "python3", unpackWithPython, []string{filter}}
	}
	return []extractor{
		{"gnu", "tar", unpackEach, []string{"--no-same-owner", "-xf"}},
		{"bsd", "bsdtar", unpackEach, []string{"--no-same-owner", "-xf"}},
		{"busybox", "busybox", unpackEach, []string{"tar", "-o", "-x", "-f"}},
		{"7z", "7z", unpackEach, []string{"x", "-y", "-bd"}},
		python("fully_trusted"), python("data"),
	}
}

func unpackEach(t testing.TB, e extractor, dir string, n int) []bool {
	good := make([]bool, n)
	for i := range n {
		out := filepath.Join(dir, fmt.Sprintf("%d.%s", i, e.name))
		cmd := exec.Command(e.program, append(append([]string{}, e.args...), filepath.Join(dir, fmt.Sprintf("%d.tar", i)))...)
		cmd.Dir, cmd.Env = out, hermetic(dir)
		good[i] = cmd.Run() == nil
	}
	return good
}

func unpackWithPython(t testing.TB, e extractor, dir string, n int) []bool {
	out := run(t, dir, nil, "python3", "-c", pythonExtractor, e.name, e.args[0], dir, fmt.Sprint(n))
	var good []bool
	for line := range bytes.Lines(out) {
		good = append(good, bytes.HasPrefix(line, []byte("good")))
	}
	if len(good) != n {
		t.Fatalf("Python unpacked %d of %d archives: %q", len(good), n, out)
	}
	return good
}

// files maps each path of a tree, directories included, to what it is.
type files map[string]string

// saidFiles is what we say an archive holds.
func saidFiles(c *archive.Contents) files {
	said := make(files)
	directories := func(path string) {
		for d := tree.Path(path); d != ""; d = d.Dir() {
			if _, ok := said[string(d)]; !ok {
				said[string(d)] = "directory"
			}
		}
	}
	directories(c.Prefix)
	for i := range c.Tree.Entries() {
		e := &c.Tree.Entries()[i]
		path := string(e.Path)
		if c.Prefix != "" {
			path = c.Prefix + "/" + path
		}
		directories(string(tree.Path(path).Dir()))
		switch e.Kind {
		case tree.Directory, tree.Special:
			said[path] = e.Kind.String()
		case tree.Symlink:
			said[path] = fmt.Sprintf("120000 %v", e.IDs.In(digest.SHA256Format))
		case tree.File:
			mode := 0o100644
			if e.Perm&0o100 != 0 { // git looks at the owner's bit; compare accepts no other alone
				mode = 0o100755
			}
			said[path] = fmt.Sprintf("%06o %v", mode, e.IDs.In(digest.SHA256Format))
		}
	}
	return said
}

// writtenFiles is what an extractor wrote below dir.
func writtenFiles(t testing.TB, dir string) files {
	t.Helper()
	written := make(files)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		what := "special"
		var content []byte
		switch {
		case info.IsDir():
			what, err = "directory", os.Chmod(path, 0o700)
		case info.Mode()&fs.ModeSymlink != 0:
			target, linkErr := os.Readlink(path)
			what, content, err = "120000 ", []byte(target), linkErr
		case info.Mode().IsRegular():
			if what = "100644 "; info.Mode()&0o100 != 0 {
				what = "100755 "
			}
			if info.Mode()&0o400 == 0 {
				err = os.Chmod(path, info.Mode().Perm()|0o400)
			}
			if err == nil {
				content, err = os.ReadFile(path)
			}
		}
		if strings.HasSuffix(what, " ") {
			id, _ := digest.HashObject(digest.SHA256Format, digest.Blob, content)
			what += id.String()
		}
		written[name] = what
		return err
	})
	if err != nil {
		t.Fatalf("looking at what was unpacked: %v", err)
	}
	return written
}

// difference names one path that is not the same, "" if all are.
func difference(said, written files) string {
	for _, path := range sortedKeys(said) {
		if said[path] != written[path] {
			return fmt.Sprintf("%q: we say %q, it wrote %q", path, said[path], written[path])
		}
	}
	for _, path := range sortedKeys(written) {
		if _, ok := said[path]; !ok {
			return fmt.Sprintf("%q: it wrote %q, we say nothing", path, written[path])
		}
	}
	return ""
}

// blurred leaves out what 7z is known to write otherwise: specials as empty
// files (no verdict that holds has any), and targets without doubled slashes,
// which lead to the same place.
func blurred(of, said files) files {
	rest := make(files)
	for path, what := range of {
		if said[path] == tree.Special.String() {
			continue
		}
		if strings.HasPrefix(what, "120000") {
			what = "120000"
		}
		rest[path] = what
	}
	return rest
}

// arena collects accepted archives and has them unpacked in batches.
type arena struct {
	t        testing.TB
	tools    []extractor
	seen     map[[32]byte]bool
	batch    [][]byte
	said     []files
	unpacked map[string]int // archives that each tool unpacked
	findings int
}

func newArena(t testing.TB) *arena {
	a := &arena{t: t, seen: make(map[[32]byte]bool), unpacked: make(map[string]int)}
	for _, e := range extractors() {
		if testkit.HasProgram(e.program) {
			a.tools = append(a.tools, e)
		} else if os.Getenv(testkit.All) != "" {
			t.Fatalf("%s is not installed, and %s is set", e.program, testkit.All)
		}
	}
	if len(a.tools) == 0 {
		testkit.Missing(t, "no extractor is installed")
	}
	return a
}

// try reads an archive; if it is accepted and new, it joins the batch.
func (a *arena) try(raw []byte) (accepted bool) {
	c, err := readArchive(raw, plainTar())
	if err != nil {
		return false
	}
	sum := sha256.Sum256(raw)
	if a.seen[sum] {
		return true
	}
	a.seen[sum] = true
	a.batch, a.said = append(a.batch, raw), append(a.said, saidFiles(c))
	if len(a.batch) == 50 {
		a.flush()
	}
	return true
}

// flush unpacks the batch with every tool and compares.
func (a *arena) flush() {
	dir, err := os.MkdirTemp("", "countermark-differential-")
	if err != nil {
		a.t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	for i, raw := range a.batch {
		err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.tar", i)), raw, 0o600)
		for _, e := range a.tools {
			if err == nil {
				err = os.Mkdir(filepath.Join(dir, fmt.Sprintf("%d.%s", i, e.name)), 0o700)
			}
		}
		if err != nil {
			a.t.Fatal(err)
		}
	}
	for _, e := range a.tools {
		for i, good := range e.unpack(a.t, e, dir, len(a.batch)) {
			written := writtenFiles(a.t, filepath.Join(dir, fmt.Sprintf("%d.%s", i, e.name)))
			if !good {
				continue
			}
			a.unpacked[e.name]++
			said := a.said[i]
			if e.name == "7z" {
				said, written = blurred(said, said), blurred(written, said)
			}
			if d := difference(said, written); d != "" {
				a.finding(e.name, a.batch[i], d)
			}
		}
	}
	a.batch, a.said = nil, nil
}

func (a *arena) finding(tool string, raw []byte, what string) {
	a.findings++
	if a.findings > 20 {
		return
	}
	place := "set COUNTERMARK_FINDINGS to a folder to keep it"
	if folder := os.Getenv("COUNTERMARK_FINDINGS"); folder != "" {
		place = filepath.Join(folder, fmt.Sprintf("%s-%x.tar", tool, sha256.Sum256(raw))[:40])
		if err := os.WriteFile(place, raw, 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
	a.t.Errorf("%s writes another tree from an archive that is accepted: %s (%s)", tool, what, place)
}

// finish unpacks what is left and checks that the tools did unpack.
func (a *arena) finish() {
	a.flush()
	a.t.Logf("%d different archives were accepted; unpacked without complaint: %v; findings: %d", len(a.seen), a.unpacked, a.findings)
	for _, e := range a.tools {
		if a.unpacked[e.name] == 0 {
			a.t.Errorf("%s unpacked nothing", e.name)
		}
	}
}

// TestTarExtractorsOnCrafted unpacks every crafted archive that is accepted.
func TestTarExtractorsOnCrafted(t *testing.T) {
	a := newArena(t)
	for _, c := range allCases() {
		if c.options == nil && len(c.want) < 1000 { // the longest names do not fit below a temporary folder
			a.try(c.raw)
		}
	}
	a.finish()
}

// TestTarExtractorsOnMutants alters archives at random; COUNTERMARK_ROUNDS
// says how many times.
func TestTarExtractorsOnMutants(t *testing.T) {
	a := newArena(t)
	m := newMutator(1)
	n := rounds(t, 600)
	accepted := 0
	for range n {
		if a.try(m.next()) {
			accepted++
		}
	}
	t.Logf("%d mutants, %d accepted", n, accepted)
	if accepted == 0 {
		t.Error("no mutant was accepted: the test tests nothing")
	}
	a.finish()
}
